import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backUp } from '../../../src/ledger/backup.ts';
import { openEmbeddedLedger, type EmbeddedLedger } from '../../../src/ledger/engines/embedded.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { toHex } from '../../../src/ledger/verify/bytes.ts';
import { openEnvelope } from '../../../src/ledger/verify/envelope.ts';
import { stateKey } from '../../../src/ledger/verify/records.ts';
import { genesis, idOf, keys, lin, now, register, residentOf } from '../small-district.ts';
import { numbered } from './load.ts';
import { randomFrom } from './random.ts';

const seed = process.env['IMI_CRASH_SEED'] ?? randomBytes(4).toString('hex');
const entries = 130;

let folder: string;
/** Of the sound ledger: what it answers, as JSON, by question. */
let truth: Map<string, string>;
let ids: Uint8Array[];
let height: number;

const options = (path: string) => ({ path, genesis, validator: keys.validator, clock: () => now * 1000, heartbeatMs: 60_000 });

function open(path: string, begin = false): EmbeddedLedger {
  const opened = openEmbeddedLedger({ ...options(path), begin });
  if (!opened.ok) throw new Error(opened.failure.detail);
  return opened.value;
}

async function record(ledger: EmbeddedLedger, envelope: Uint8Array): Promise<Uint8Array> {
  await ledger.submit(envelope);
  const opened = openEnvelope(envelope, nodeCrypto);
  if (!opened.ok) throw new Error(opened.failure.code);
  expect((await ledger.receipt(opened.value.id, 5000)).ok).toBe(true);
  return opened.value.id;
}

/** `clean` was closed; `killed` has its newest entries in the WAL only; `old` is a copy from before. Each with its guard. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'imi-damage-'));
  const path = join(folder, 'clean');
  let ledger = open(path, true);
  ids = [];
  for (let number = 0; number < entries; number++) {
    const envelope = await numbered('damage', number);
    // A few share a block.
    if (number % 3 === 0) ids.push(await record(ledger, envelope));
    else await ledger.submit(envelope);
    if (number === entries / 2) {
      await ledger.close();
      copy('clean', 'old');
      ledger = open(path);
    }
  }
  ids.push(await record(ledger, await register(lin)));
  copy('clean', 'killed');
  const head = await ledger.head();
  expect(head.ok).toBe(true);
  height = 0;
  while ((await ledger.block(height + 1).then((block) => block.ok && block.value !== null))) height += 1;
  truth = await allAnswers(ledger);
  await ledger.close();
  expect([...truth.values()].filter((answer) => answer.includes('hub-storage'))).toEqual([]);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true }));

const ends = ['', '-wal', '.signed'];

function copy(from: string, to: string): void {
  for (const end of [...ends, '-shm', '.lock']) rmSync(join(folder, to + end), { force: true });
  for (const end of ends) if (existsSync(join(folder, from + end))) copyFileSync(join(folder, from + end), join(folder, to + end));
}

async function allAnswers(ledger: EmbeddedLedger): Promise<Map<string, string>> {
  const answers = new Map<string, string>();
  const ask = async (question: string, answer: Promise<unknown>): Promise<void> => {
    answers.set(question, JSON.stringify(await answer, (_, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value)));
  };
  await ask('head', ledger.head());
  for (const id of [...ids, idOf('unknown'), new Uint8Array(32)]) {
    await ask(`state ${toHex(id)}`, ledger.state(id));
    await ask(`receipt ${toHex(id)}`, ledger.receipt(id, 0));
  }
  const stateKeys = [stateKey.authority(), stateKey.resident(lin.id), stateKey.resident(idOf('nobody')), ...Array.from({ length: 10 }, (_, i) => stateKey.resident(residentOf(`damage ${i}`).id))];
  for (const [i, key] of stateKeys.entries()) {
    await ask(`read ${i}`, ledger.read([key]));
    await ask(`value ${i}`, ledger.values([key]));
  }
  for (let at = 1; at <= height; at += 7) await ask(`block ${at}`, ledger.block(at));
  for (let size = 1; size <= entries; size += 17) await ask(`consistency ${size}`, ledger.consistency(size, entries));
  return answers;
}

/** What a damaged ledger did: refused to start, served nothing wrong, or what it served that a sound one does not. */
async function reaction(name: string, { goesOn = true, isLarge = false } = {}): Promise<{ reaction: 'refused' | 'sound'; failed: number } | { reaction: 'served damage'; what: string }> {
  const opened = openEmbeddedLedger({ ...options(join(folder, name)), ...(isLarge ? { lookedThroughBytes: 0 } : {}) });
  if (!opened.ok) return opened.failure.code === 'hub-storage' ? { reaction: 'refused', failed: 0 } : { reaction: 'served damage', what: opened.failure.code };
  const ledger = opened.value;
  try {
    let failed = 0;
    for (const round of ['as found', 'after a block']) {
      for (const [question, answer] of await allAnswers(ledger)) {
        const isFailure = answer.startsWith('{"ok":false,"failure":{"code":"hub-storage"');
        if (isFailure) failed += 1;
        else if (answer !== truth.get(question) && (round === 'as found' || !/^(head|read)/.test(question))) return { reaction: 'served damage', what: `${round}: ${question}: ${answer}` };
      }
      // A block on top of the damage, and what it answers then.
      if (!goesOn) break;
      if (round === 'as found') {
        const submitted = await ledger.submit(await register(residentOf('on top')));
        const isTaken = submitted.ok ? submitted.value.state === 'queued' : submitted.failure.code === 'hub-storage';
        if (!isTaken) return { reaction: 'served damage', what: `submit: ${JSON.stringify(submitted)}` };
      }
    }
    return { reaction: 'sound', failed };
  } finally {
    await ledger.close();
  }
}

interface Damage {
  name: string;
  cases: number;
  of: 'clean' | 'killed';
  file: '' | '-wal' | '.signed';
  damage: (path: string, random: (most: number) => number) => string;
  /** As a file that is too large to be looked through at start. */
  isLarge?: boolean;
}

function flip(path: string, random: (most: number) => number): string {
  const bytes = readFileSync(path);
  // An empty stretch tells nothing.
  let at = random(bytes.length);
  while (bytes[at] === 0) at = random(bytes.length);
  const bit = random(8);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  writeFileSync(path, bytes);
  return `bit ${bit} of byte ${at}`;
}

function cut(path: string, random: (most: number) => number): string {
  const length = random(readFileSync(path).length);
  truncateSync(path, length);
  return `cut to ${length}`;
}

function overwrite(path: string, random: (most: number) => number): string {
  const bytes = readFileSync(path);
  const at = random(Math.max(1, Math.floor(bytes.length / 512))) * 512;
  bytes.fill(random(2) === 0 ? 0 : 0xa5, at, at + 512);
  writeFileSync(path, bytes);
  return `sector at ${at}`;
}

/** Those with bytes or numbers that are no key of their table. */
const columns = [
  { table: 'about', column: 'value' },
  { table: 'tip', column: 'time_ms' },
  { table: 'tip', column: 'log_size' },
  { table: 'tip', column: 'log_root' },
  { table: 'tip', column: 'state_root' },
  { table: 'block', column: 'content' },
  { table: 'log_leaf', column: 'envelope' },
  { table: 'log_leaf', column: 'height' },
  { table: 'log_group', column: 'hashes' },
  { table: 'state_page', column: 'content' },
];

/** Whatever the file's own definitions allow. */
function rewrite(path: string, statement: string, ...values: (null | number | string)[]): void {
  const database = new DatabaseSync(path, { defensive: false });
  database.exec('PRAGMA writable_schema = ON');
  database.prepare(statement).run(...values);
  database.close();
}

/** In every row, against what the table allows. */
function replaceValues(path: string, table: string, column: string, value: null | number | string): void {
  const sql = schemaOf(path, table);
  rewrite(path, 'UPDATE sqlite_schema SET sql = ? WHERE name = ?', sql.replaceAll(' NOT NULL', ''), table);
  rewrite(path, `UPDATE ${table} SET ${column} = ?`, value);
  rewrite(path, 'UPDATE sqlite_schema SET sql = ? WHERE name = ?', sql, table);
}

function schemaOf(path: string, table: string): string {
  const database = new DatabaseSync(path);
  const { sql } = database.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').get(table) as { sql: string };
  database.close();
  return sql;
}

const damages: Damage[] = [
  { name: 'flipped bits of the database', cases: 40, of: 'clean', file: '', damage: flip },
  { name: 'flipped bits of a large database', cases: 80, of: 'clean', file: '', damage: flip, isLarge: true },
  { name: 'overwritten sectors of the database', cases: 20, of: 'clean', file: '', damage: overwrite },
  { name: 'overwritten sectors of a large database', cases: 60, of: 'clean', file: '', damage: overwrite, isLarge: true },
  { name: 'a database cut short', cases: 40, of: 'clean', file: '', damage: cut },
  { name: 'flipped bits of the database below a log written ahead', cases: 40, of: 'killed', file: '', damage: flip },
  { name: 'flipped bits of the log written ahead', cases: 60, of: 'killed', file: '-wal', damage: flip },
  { name: 'a log written ahead cut short', cases: 40, of: 'killed', file: '-wal', damage: cut },
  { name: 'flipped bits of the record of the last head', cases: 20, of: 'clean', file: '.signed', damage: flip },
];

describe(`nothing damaged is served (seed ${seed})`, () => {
  test.each(damages)('$name: $cases cases', async ({ name, cases, of, file, damage, isLarge = false }) => {
    const random = randomFrom(`${seed} ${name}`);
    const served: string[] = [];
    const reactions = { refused: 0, sound: 0, failed: 0 };
    for (let i = 0; i < cases; i++) {
      copy(of, 'damaged');
      const where = damage(join(folder, `damaged${file}`), random);
      const found = await reaction('damaged', { goesOn: i % 3 === 0, isLarge });
      if (found.reaction === 'served damage') served.push(`${where}: ${found.what}`);
      else {
        reactions[found.reaction] += 1;
        if (found.failed > 0) reactions.failed += 1;
      }
    }
    expect(served).toEqual([]);
    expect(reactions.refused + reactions.sound).toBe(cases);
  }, 300_000);

  // What damage to a row's header comes to: SQLite reads another kind of value than the table was made with, and looks through the file without finding it.
  test.each(columns)('a value of another kind in the column $column of $table: refused, or nothing wrong served', async ({ table, column }) => {
    for (const value of [null, 5, 'five']) {
      copy('clean', 'damaged');
      replaceValues(join(folder, 'damaged'), table, column, value);
      expect(await reaction('damaged', { isLarge: true })).not.toMatchObject({ reaction: 'served damage' });
    }
  });

  test.each([...new Set(columns.map(({ table }) => table))])('the table %s has a column of another name: named at start, and where it is copied', async (table) => {
    copy('clean', 'damaged');
    const path = join(folder, 'damaged');
    const [, column = ''] = /\(\s*(\w+)/.exec(schemaOf(path, table)) ?? [];
    rewrite(path, 'UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = ?', column, `${column}x`, table);
    expect(openEmbeddedLedger(options(path))).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: 'the definition of a table is damaged' } });
    expect(await backUp({ path, guardPath: `${path}.signed`, genesis }, join(folder, 'of-damaged'))).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
  });

  test.each([
    { name: 'the log written ahead is gone', of: 'killed', lose: ['-wal'], detail: /ends before height|no chain was begun/ },
    { name: 'the record of the last head is gone', of: 'clean', lose: ['.signed'], detail: /last signed head is missing/ },
    { name: 'the database is gone', of: 'clean', lose: [''], detail: /file is missing/ },
    { name: 'the database is gone, its log is left', of: 'killed', lose: [''], detail: /file is missing/ },
  ])('$name: named at start', ({ of, lose, detail }) => {
    copy(of, 'damaged');
    for (const end of lose) rmSync(join(folder, `damaged${end}`));
    expect(openEmbeddedLedger(options(join(folder, 'damaged')))).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: expect.stringMatching(detail) as unknown } });
  });

  test('an old copy under the newest record of the last head: named at start', () => {
    copy('old', 'damaged');
    copyFileSync(join(folder, 'clean.signed'), join(folder, 'damaged.signed'));
    expect(openEmbeddedLedger(options(join(folder, 'damaged')))).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/ends before height/) as unknown } });
  });

  test('an old database under the log of a newer one is refused, or serves nothing wrong', async () => {
    copy('killed', 'damaged');
    copyFileSync(join(folder, 'old'), join(folder, 'damaged'));
    expect(await reaction('damaged')).not.toMatchObject({ reaction: 'served damage' });
  });
});
