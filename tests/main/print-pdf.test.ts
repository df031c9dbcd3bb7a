import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isWholePdf, printPdf } from '../../src/main/print-pdf.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'print-pdf-'));
  chmodSync(dir, 0o755);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true });
});

/** What a process says that prints a page, where this file is the only policy of the machine's Chromium; /etc itself stays as it is. */
async function printUnder(policy: string): Promise<unknown> {
  const print = `import { isWholePdf, printPdf } from ${JSON.stringify(new URL('../../src/main/print-pdf.ts', import.meta.url).href)};
    const printed = await printPdf('<!doctype html><title>A page</title><p>On paper</p>' + '<!-- long -->'.repeat(20000));
    process.stdout.write(JSON.stringify(printed.ok ? { whole: isWholePdf(printed.value) } : printed.failure));`;
  const asRoot = process.getuid?.() === 0 ? ['--cap-add', 'ALL'] : [];
  const folder = join(dir, 'chromium');
  mkdirSync(join(folder, 'policies/managed'), { recursive: true });
  cpSync(policy, join(folder, 'policies/managed/imi.json'));
  for (const path of [folder, join(folder, 'policies'), join(folder, 'policies/managed')]) chmodSync(path, 0o755);
  chmodSync(join(folder, 'policies/managed/imi.json'), 0o644);
  const { stdout } = await promisify(execFile)('bwrap', [...asRoot, '--dev-bind', '/', '/', '--ro-bind', folder, '/etc/chromium', '--', process.execPath, '--input-type=module', '-e', print], { env: { ...process.env, TMPDIR: dir } });
  return JSON.parse(stdout);
}

describe('under a policy for every Chromium of the machine', () => {
  test('the kiosk’s own, a page longer than an argument can be is printed', async () => {
    expect(await printUnder('kiosk-image/chromium-policy.json')).toEqual({ whole: true });
  }, 60_000);

  test('one that has no headless browser, it is said that nothing was', async () => {
    const policy = join(dir, 'no-headless.json');
    writeFileSync(policy, JSON.stringify({ HeadlessMode: 2 }));
    expect(await printUnder(policy)).toMatchObject({ code: 'kiosk-fault' });
  }, 60_000);
});

const browserThat = (does: string): string => {
  const path = join(dir, 'browser');
  writeFileSync(path, `#!/bin/sh\n${does}\n`, { mode: 0o755 });
  chmodSync(path, 0o755);
  return path;
};

test.each([
  { name: 'that is killed', does: 'echo its last words >&2; kill -9 $$', detail: 'Target.setDiscoverTargets: the pipe closed; its last words' },
  { name: 'that ends well and prints nothing', does: 'exit 0', detail: 'Target.setDiscoverTargets: the pipe closed; ' },
])('a browser $name is a failure, and leaves nothing behind', async ({ does, detail }) => {
  const browser = browserThat(does);
  vi.stubEnv('TMPDIR', dir);
  expect(await printPdf('<p>', browser)).toEqual({ ok: false, failure: { code: 'kiosk-fault', detail } });
  expect(readdirSync(dir)).toEqual(['browser']);
});

test.each([
  { name: 'no browser', browser: () => join(dir, 'none'), folder: () => dir, code: 'browser-missing' },
  { name: 'no room for what it writes', browser: () => browserThat('exit 0'), folder: () => join(dir, 'nowhere'), code: 'kiosk-storage' },
])('with $name it is a failure that is answered', async ({ browser, folder, code }) => {
  const path = browser();
  vi.stubEnv('TMPDIR', folder());
  expect(await printPdf('<p>', path)).toMatchObject({ ok: false, failure: { code } });
});

test.each([
  { name: 'is whole', text: '%PDF-1.4\n…\nstartxref\n5618\n%%EOF', whole: true },
  { name: 'ends with a line', text: '%PDF-1.4\n…\nstartxref\n5618\n%%EOF\r\n', whole: true },
  { name: 'is cut', text: '%PDF-1.4\n…\nstartxref\n5618\n%%EO', whole: false },
  { name: 'is cut after an older end of its own', text: `%PDF-1.4\n%%EOF\n${'1 0 obj '.repeat(4)}`, whole: false },
  { name: 'is a page about a fault', text: '<!doctype html>%%EOF', whole: false },
  { name: 'is empty', text: '', whole: false },
])('a file that $name is told as such', ({ text, whole }) => {
  expect(isWholePdf(Buffer.from(text))).toBe(whole);
});
