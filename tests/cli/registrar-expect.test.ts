import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeKeyFile } from '../../src/hub/key-file.ts';
import { openExpectedResidents, type ExpectedResidents } from '../../src/registrar/expected.ts';
import { openResidentIndex } from '../../src/registrar/index.ts';
import { demoSecret } from '../../tools/demo/demo-keys.ts';
import { identityNumber } from '../../tools/demo/people.ts';
import { worldAt } from '../../tools/demo/world.ts';
import { must } from '../hub/visitor.ts';

const indexKey = demoSecret('registrar/index');
const header = 'identity_number,name,birth_date,sex,postcode,household_number';
const numberOf = (place: number): string => identityNumber(`19${String(40 + (Math.floor(place / 900) % 60)).padStart(2, '0')}-01-01`, 1 + (place % 900));
const personOf = (place: number, postcode = '510140'): string => `${numberOf(place)},居民${place},${numberOf(place).slice(6, 10)}-01-01,female,${postcode},0603${String(place).padStart(8, '0')}`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-expect-'));
  mkdirSync(inFolder('hub'));
  writeFileSync(inFolder('hub.server.json'), JSON.stringify(worldAt(folder).serverFile));
  writeKeyFile(inFolder('hub/registrar.key.json'), { index: indexKey });
});
afterEach(() => rmSync(folder, { recursive: true }));

const inFolder = (name: string): string => join(folder, name);
const start = (...more: string[]): ChildProcessByStdio<null, Readable, Readable> =>
  spawn(process.execPath, [resolve('src/cli/imi.ts'), 'registrar', 'expect', inFolder('export.csv'), '--server', inFolder('hub.server.json'), '--data', inFolder('hub'), ...more], { stdio: ['ignore', 'pipe', 'pipe'] });

async function imi(...more: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = start(...more);
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: (await ended)[0], out, err };
}

/** Ends it so when it has said that this many lines are kept. */
async function cutAfter(lines: number, signal: NodeJS.Signals, ...more: string[]): Promise<number | null> {
  const child = start(...more);
  const ended = once(child, 'exit') as Promise<[number | null]>;
  for await (const line of createInterface(child.stderr)) if (!child.killed && Number.parseInt(line, 10) >= lines) child.kill(signal);
  return (await ended)[0];
}

function expected(): ExpectedResidents {
  const opened = openExpectedResidents(join(folder, 'hub', 'expected.sqlite'), indexKey);
  return must(opened);
}

/** Every hundredth line is at fault, in each of these ways in turn. */
const spoiled: { fault: string; of: (good: string, place: number) => string }[] = [
  { fault: 'columns,', of: (good) => `${good},more` },
  { fault: 'missing,name', of: (good) => good.replace(/,居民\d+,/, ',,') },
  { fault: 'number,identity_number', of: (good) => good.replace('-01-01,', '-01-02,') },
  { fault: 'value,postcode', of: (good) => good.replace('510140', '5101') },
  { fault: 'repeated,identity_number', of: (_good, place) => personOf(place - 1) },
];

function tenThousand(): { content: string; faults: string[] } {
  const faults: string[] = [];
  const lines = Array.from({ length: 10_000 }, (_, index) => {
    const place = index + 1;
    const way = place % 100 === 0 ? spoiled[(place / 100) % spoiled.length] : undefined;
    if (way !== undefined) faults.push(`${place + 1},${way.fault}`);
    return way === undefined ? personOf(place) : way.of(personOf(place), place);
  });
  return { content: `${[header, ...lines].join('\n')}\n`, faults };
}

it('takes ten thousand lines, cut off twice and gone on with, each once and each fault named', { timeout: 60_000 }, async () => {
  const { content, faults } = tenThousand();
  writeFileSync(inFolder('export.csv'), content);
  expect(await cutAfter(2000, 'SIGKILL')).toBeNull();
  expect(await cutAfter(5000, 'SIGINT')).toBe(130);
  const { code, out, err } = await imi('--report', inFolder('report.csv'));
  expect(err).toMatch(/^Goes on behind line [5-9]\d{3}\.$/m);
  expect({ code, out }).toEqual({ code: 0, out: '9900 are expected now, 0 with other facts than before, 0 as before, 100 are refused.\n' });
  expect(readFileSync(inFolder('report.csv'), 'utf8').split('\n')).toEqual(['line,fault,column', ...faults, '']);

  const after = expected();
  for (const place of [1, 2001, 4999, 9999]) expect(must(after.find(numberOf(place)))).toMatchObject({ name: `居民${place}`, postcode: '510140' });
  expect(must(after.find(numberOf(200)))).toBeNull();
  after.close();

  // Nothing readable lies there.
  for (const file of ['expected.sqlite', 'registrar.sqlite']) {
    const bytes = readFileSync(join(folder, 'hub', file));
    for (const fact of ['居民', numberOf(1), '060300000001']) expect(bytes.includes(fact)).toBe(false);
  }
});

it('says what is new, changed and the same in the next export, and leaves out who is registered', async () => {
  const index = must(openResidentIndex(join(folder, 'hub', 'registrar.sqlite'), indexKey));
  must(index.add(numberOf(3), new Uint8Array(16).fill(3)));
  index.close();
  writeFileSync(inFolder('export.csv'), [header, personOf(1), personOf(2), personOf(3)].join('\n'));
  expect((await imi()).out).toBe('2 are expected now, 0 with other facts than before, 0 as before, 1 are refused.\nline 4: registered (identity_number)\n');
  writeFileSync(inFolder('export.csv'), [header, personOf(1), personOf(2, '510150'), personOf(4)].join('\n'));
  expect((await imi()).out).toBe('1 are expected now, 1 with other facts than before, 1 as before, 0 are refused.\n');
  const after = expected();
  expect(must(after.find(numberOf(2)))).toMatchObject({ postcode: '510150' });
  // The same once more, and an older one after it, say that they were read.
  expect((await imi()).out).toMatch(/^This file was read to its end before/);
  after.close();
});

it('takes what is new of somebody registered of whom it knows what was vouched for, on a dry run too', async () => {
  const index = must(openResidentIndex(join(folder, 'hub', 'registrar.sqlite'), indexKey));
  must(index.add(numberOf(5), new Uint8Array(16).fill(5)));
  index.close();
  const registered = expected();
  must(registered.noteVouched(numberOf(5), { name: '居民5', identity_number: numberOf(5), document_valid_until: '2040-01-01' }));
  expect(must(registered.find(numberOf(5)))).toBeNull();
  writeFileSync(inFolder('export.csv'), [header, personOf(5)].join('\n'));
  expect((await imi('--dry-run')).out).toBe('1 can be taken, 0 are refused; nothing was kept.\n');
  expect(must(registered.due(10))).toEqual([]);
  expect((await imi()).out).toBe('0 are expected now, 1 with other facts than before, 0 as before, 0 are refused.\n');
  const [first, ...others] = must(registered.due(10));
  const due = first && { name: first.name, ...must(first.of) };
  expect(others).toEqual([]);
  expect(due?.facts).toMatchObject({ name: '居民5', postcode: '510140', document_valid_until: '2040-01-01' });
  if (due === undefined) throw new Error('nobody is due');
  // Another export has said something else meanwhile.
  must(registered.noteIssued(due.name, { ...due.facts, postcode: '510150' }));
  expect(must(registered.due(10))).toHaveLength(1);
  must(registered.noteIssued(due.name, due.facts));
  expect(must(registered.due(10))).toEqual([]);
  registered.close();
});

it('keeps nothing on a dry run', async () => {
  writeFileSync(inFolder('export.csv'), [header, personOf(1), personOf(1)].join('\n'));
  expect(await imi('--dry-run')).toMatchObject({ code: 0, out: '1 can be taken, 1 are refused; nothing was kept.\nline 3: repeated (identity_number)\n' });
  const after = expected();
  expect(must(after.find(numberOf(1)))).toBeNull();
  after.close();
});

it('refuses a file that is none, with its code, and keeps what stood before the fault', async () => {
  writeFileSync(inFolder('export.csv'), `${header}\n${personOf(1)}\n"${personOf(2)}\n`);
  expect(await imi()).toMatchObject({ code: 1, err: expect.stringMatching(/Refused: export-quotes \(line \d\)/) as string });
  const after = expected();
  expect(must(after.find(numberOf(1)))).not.toBeNull();
  after.close();
  rmSync(inFolder('export.csv'));
  expect(await imi()).toMatchObject({ code: 1, err: 'Refused: export-unreadable (ENOENT)\n' });
  expect((await imi('--encoding', 'latin1')).code).toBe(2);
});
