import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { failureCodes } from '../../src/contract/failures.ts';
import { kioskOrigin } from '../../src/contract/origin.ts';
import { failuresFile } from '../../tools/docs/write-failures.ts';
import { readJson, readText, repositoryFiles, root } from './repository.ts';

const documents = repositoryFiles().filter((path) => path.endsWith('.md'));

/** Files and folders that stand in backticks, with a place in the repository: `src/main/kiosk.ts`, `tests/house`. */
const pathsNamed = (text: string): string[] =>
  [...text.matchAll(/`((?:src|tests|tools|hubs|services|setup|docs|bench|kiosk-image)\/[^`\s<>*…]+)`/g)].map(([, path = '']) => path);

/** Targets of links and pictures that are not on the network. */
const linksOf = (text: string): string[] => [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target));

/** As a heading's anchor is made: lower case, punctuation left out, hyphens for spaces. */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').trim().replaceAll(' ', '-'));

/** Cells of the rows of every table, without the headings and the lines below them. */
const rowsOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line, at, lines) => line.startsWith('|') && !line.startsWith('|---') && lines[at + 1]?.startsWith('|---') !== true)
    .map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));

test('there are documents to look at', () => {
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'CHANGELOG.md', 'docs/security.md', 'docs/privacy.md', 'docs/technicians.md', 'docs/staff.md', 'docs/developers.md']));
});

describe.each(documents)('%s', (document) => {
  const text = readText(document);

  test('links to what is there', () => {
    const missing = linksOf(text).filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? document : posix.join(posix.dirname(document), path);
      return !existsSync(join(root, target)) || (anchor !== undefined && !anchorsOf(readText(target)).includes(anchor));
    });
    expect(missing).toEqual([]);
  });

  test('names files that are there', () => {
    expect(pathsNamed(text).filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe('docs/security.md', () => {
  const rows = rowsOf(readText('docs/security.md'));

  test('has a test for each line, or says that it has none', () => {
    expect(rows.length).toBeGreaterThan(30);
    const bare = rows.filter(([, , tested = '']) => tested !== 'no test' && !pathsNamed(tested).some((path) => path.startsWith('tests/')));
    expect(bare).toEqual([]);
  });

  test('takes only tests for tests', () => {
    const named = rows.flatMap(([, , tested = '']) => pathsNamed(tested));
    expect(named.filter((path) => !/^tests\/.+\.(test|journey)\.ts$/.test(path))).toEqual([]);
  });
});

test('docs/lessons.md says of each lesson which test would fail, or what is missing', () => {
  const rows = rowsOf(readText('docs/lessons.md'));
  expect(rows.map(([number]) => Number(number))).toEqual(Array.from({ length: 25 }, (_, at) => at + 1));
  const bare = rows.filter(([, , met = '', shows = '']) => !pathsNamed(shows).some((path) => path.startsWith('tests/')) && !(shows === 'no test' && met.includes('**Not met**')));
  expect(bare).toEqual([]);
});

test('docs/failures.md says what the screens say: `node tools/docs/write-failures.ts` writes it', () => {
  expect(readText('docs/failures.md') === failuresFile.text()).toBe(true);
});

describe('every failure has its line', () => {
  const messages = (language: string): Record<string, { title: string }> =>
    (readJson(`src/contract/messages/${language}.json`) as { failure: Record<string, { title: string }> }).failure;
  const codeIn = (cell = ''): string | undefined => /^`([a-z-]+)`$/.exec(cell)?.[1];
  const isFailure = (code: string | undefined): boolean => code !== undefined && (failureCodes as readonly string[]).includes(code);

  test('for technicians, in the order of the contract', () => {
    const codes = rowsOf(readText('docs/technicians.md')).map(([first]) => codeIn(first));
    expect(codes.filter((code) => code !== undefined && isFailure(code))).toEqual([...failureCodes]);
  });

  test.each([
    { document: 'docs/staff.md', titles: ['en', 'zh-Hans'] },
    { document: 'docs/staff.zh-Hans.md', titles: ['zh-Hans'] },
  ])('in $document, under the words of the screen', ({ document, titles }) => {
    const lines = rowsOf(readText(document)).filter((cells) => isFailure(codeIn(cells.at(-1))));
    expect(lines.map((cells) => codeIn(cells.at(-1)))).toEqual([...failureCodes]);
    for (const cells of lines) {
      const code = codeIn(cells.at(-1)) ?? '';
      expect(cells.slice(0, titles.length)).toEqual(titles.map((language) => messages(language)[code]?.title));
    }
  });
});

test("the policy of a kiosk's Chromium lets our origin in, the debugging pipe work, and our proxy stand", () => {
  const policy = readJson('kiosk-image/chromium-policy.json') as Record<string, unknown>;
  expect(policy['URLAllowlist']).toContain(kioskOrigin);
  expect(policy['URLBlocklist']).not.toContain('*');
  expect(policy['RemoteDebuggingAllowed']).toBe(true);
  // 2 would shut the pipe as well.
  expect(policy['DeveloperToolsAvailability']).toBe(1);
  // A policy overrides the command line, and would open a way to the network.
  expect(Object.keys(policy)).not.toContain('ProxySettings');
});
