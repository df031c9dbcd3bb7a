import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openEmbeddedLedger, type EmbeddedLedger, type EmbeddedOptions } from '../../../src/ledger/engines/embedded.ts';
import { openLedgerFile, openLedgerFileToRead } from '../../../src/ledger/engines/ledger-file.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { fromHex } from '../../../src/ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor, type CborValue } from '../../../src/ledger/verify/cbor.ts';
import { openEnvelope } from '../../../src/ledger/verify/envelope.ts';
import { verifyHead } from '../../../src/ledger/verify/head.ts';
import { verifyReceipt } from '../../../src/ledger/verify/receipt.ts';
import { body, chain, envelopeOf, genesis, idOf, keys, lin, now, register, requestBody, residentOf, signerOf } from '../small-district.ts';

const trust = { chain, height: 1, validators: genesis.validators };
let folder: string;
let opened: EmbeddedLedger[];
let time: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'engine-'));
  opened = [];
  time = now * 1000;
});
afterEach(async () => {
  for (const ledger of opened) await ledger.close();
  rmSync(folder, { recursive: true });
});

const options = (change: Partial<EmbeddedOptions> = {}): EmbeddedOptions => ({
  path: join(folder, 'ledger.sqlite'),
  genesis,
  validator: keys.validator,
  clock: () => time,
  heartbeatMs: 60_000,
  begin: true,
  ...change,
});

function open(change: Partial<EmbeddedOptions> = {}): EmbeddedLedger {
  const result = openEmbeddedLedger(options(change));
  if (!result.ok) throw new Error(result.failure.detail);
  opened.push(result.value);
  return result.value;
}

const idIn = (envelope: Uint8Array): Uint8Array => {
  const result = openEnvelope(envelope, nodeCrypto);
  if (!result.ok) throw new Error(result.failure.code);
  return result.value.id;
};

async function record(ledger: EmbeddedLedger, envelope: Uint8Array): Promise<Uint8Array> {
  expect(await ledger.submit(envelope)).toEqual({ ok: true, value: { state: 'queued' } });
  const receipt = await ledger.receipt(idIn(envelope), 10_000);
  if (!receipt.ok || receipt.value === null) throw new Error('no receipt');
  return receipt.value;
}

async function headOf(ledger: EmbeddedLedger) {
  const bytes = await ledger.head();
  const head = bytes.ok ? verifyHead(bytes.value, trust, nodeCrypto) : bytes;
  if (!head.ok) throw new Error(head.failure.detail);
  return head.value;
}

describe('states of a transaction', () => {
  test('are told apart, and a transaction happens once', async () => {
    const ledger = open();
    const envelope = await register(lin);
    expect(await ledger.state(idIn(envelope))).toEqual({ ok: true, value: { state: 'unknown' } });
    expect(await ledger.receipt(idIn(envelope), 0)).toEqual({ ok: true, value: null });
    const both = await Promise.all([ledger.submit(envelope), ledger.submit(envelope)]);
    expect(both).toEqual([{ ok: true, value: { state: 'queued' } }, { ok: true, value: { state: 'queued' } }]);
    expect((await ledger.receipt(idIn(envelope), 10_000)).ok).toBe(true);
    expect(await ledger.state(idIn(envelope))).toMatchObject({ ok: true, value: { state: 'recorded', index: 0 } });
    expect((await headOf(ledger)).logSize).toBe(1);
  });

  test('what hangs on something queued is judged on top of it', async () => {
    const ledger = open();
    const [first, second] = [await register(lin), await envelopeOf(requestBody(lin, 3).body, [lin.sig, keys.kiosk])];
    expect(await Promise.all([ledger.submit(first), ledger.submit(second)])).toMatchObject([{ value: { state: 'queued' } }, { value: { state: 'queued' } }]);
    expect(await ledger.receipt(idIn(second), 10_000)).toMatchObject({ ok: true, value: expect.any(Uint8Array) as unknown });
  });

  test('what hangs on something that came while a block was made is judged on top of it', async () => {
    const ledger = open();
    const chen = residentOf('chen');
    const [before, registered, hanging] = [await register(lin), await register(chen), await envelopeOf(requestBody(chen, 3).body, [chen.sig, keys.kiosk])];
    const first = ledger.submit(before);
    // In the same turn as the answer, so ahead of the block that is due; the next turn makes it.
    const second = first.then(() => ledger.submit(registered));
    const made = new Promise<void>((resolve) => void ledger.onBlock(() => resolve()));
    const third = made.then(() => ledger.submit(hanging));
    expect(await Promise.all([first, second, third])).toMatchObject(Array.from({ length: 3 }, () => ({ ok: true, value: { state: 'queued' } })));
  });

  test('what hangs on the end of a queue of several blocks is judged on top of it', async () => {
    const ledger = open();
    await record(ledger, await register(lin));
    const anchor = (i: number) => ({ kind: 'credential.anchor', subject: lin.id, id: idOf(`credential ${i}`), private: [-16, new Uint8Array(32)], status: i }) as const;
    const envelopes = await Promise.all(Array.from({ length: 1100 }, (_, i) => envelopeOf(body([anchor(i)]), [keys.registrar])));
    const chen = residentOf('chen');
    const [registered, hanging] = [await register(chen), await envelopeOf(requestBody(chen, 3).body, [chen.sig, keys.kiosk])];
    const queued = [...envelopes, registered].map((envelope) => ledger.submit(envelope));
    const made = new Promise<void>((resolve) => void ledger.onBlock(() => resolve()));
    await Promise.all(queued);
    await made;
    expect(await ledger.submit(hanging)).toEqual({ ok: true, value: { state: 'queued' } });
    expect(await ledger.receipt(idIn(hanging), 10_000)).toMatchObject({ ok: true, value: expect.any(Uint8Array) as unknown });
  });

  test('is not refused for another with the same body and a signature that is not good, whichever came first', async () => {
    const ledger = open();
    const good = [await register(lin), await register(residentOf('chen'))];
    const [first = new Uint8Array(), second = new Uint8Array()] = good;
    const broken = (envelope: Uint8Array): Uint8Array => {
      const opened = openEnvelope(envelope, nodeCrypto);
      if (!opened.ok) throw new Error(opened.failure.code);
      const at = Buffer.from(envelope).indexOf(opened.value.signers[0]?.signature ?? new Uint8Array());
      return envelope.map((byte, i) => (i === at ? byte ^ 1 : byte));
    };
    const answers = await Promise.all([broken(first), first, second, broken(second), second].map((envelope) => ledger.submit(envelope)));
    expect(answers.map((answer) => answer.ok && answer.value.state)).toEqual(['rejected', 'queued', 'queued', 'queued', 'queued']);
    for (const envelope of good) {
      const state = await ledger.state(idIn(envelope));
      expect(state.ok && state.value.state === 'recorded' && ledger.log.at(state.value.index)?.envelope).toEqual(envelope);
    }
  });

  test('a refusal has its code and changes nothing', async () => {
    const ledger = open();
    const before = await headOf(ledger);
    const envelope = await envelopeOf(requestBody(lin, 3).body, [lin.sig, keys.kiosk]);
    expect(await ledger.submit(envelope)).toEqual({ ok: true, value: { state: 'rejected', code: 'signer-unknown' } });
    expect(await ledger.submit(Uint8Array.of(1))).toEqual({ ok: true, value: { state: 'rejected', code: 'envelope-malformed' } });
    expect(await headOf(ledger)).toEqual(before);
  });

  test('the one validator stays the only one', async () => {
    const ledger = open();
    const envelope = await envelopeOf(body([{ kind: 'validator.set', key: signerOf('second').key, power: 1 }]), [keys.authority[0], keys.authority[1]]);
    expect(await ledger.submit(envelope)).toEqual({ ok: true, value: { state: 'rejected', code: 'validators-fixed' } });
  });

  test('a refusal does not stand that rested on what the disk did not take', async () => {
    const ledger = open();
    const [first, second] = [await register(lin), await envelopeOf(requestBody(residentOf('nobody'), 3).body, [residentOf('nobody').sig, keys.kiosk])];
    const other = new DatabaseSync(join(folder, 'ledger.sqlite'));
    // Another writer in the middle of something: SQLite answers BUSY.
    other.exec('BEGIN IMMEDIATE');
    const answers = await Promise.all([ledger.submit(first), ledger.submit(second)]);
    expect(answers).toMatchObject([{ failure: { code: 'hub-storage' } }, { failure: { code: 'hub-storage' } }]);
    other.exec('ROLLBACK');
    other.close();
    expect(await ledger.submit(second)).toEqual({ ok: true, value: { state: 'rejected', code: 'signer-unknown' } });
    expect((await headOf(ledger)).logSize).toBe(0);
    await record(ledger, first);
    expect((await headOf(ledger)).logSize).toBe(1);
  });

  test('a full queue is busy', async () => {
    const ledger = open({ mostQueued: 1 });
    const [first, second] = [await register(lin), await register(residentOf('chen'))];
    const answers = await Promise.all([ledger.submit(first), ledger.submit(second)]);
    expect(answers).toEqual([{ ok: true, value: { state: 'queued' } }, { ok: false, failure: { code: 'hub-busy', detail: 'queue full' } }]);
  });

  test('an id is forgotten after its own notAfter, and the head follows', async () => {
    const ledger = open({ heartbeatMs: 100 });
    const envelope = await register(lin);
    await record(ledger, envelope);
    const before = await headOf(ledger);
    const later = new Promise<void>((resolve) => void ledger.onBlock(({ timeMs }) => timeMs >= time && resolve()));
    time += 3 * 3600_000;
    await later;
    const after = await headOf(ledger);
    expect(after.stateRoot).not.toEqual(before.stateRoot);
    expect(await ledger.submit(envelope)).toMatchObject({ value: { state: 'recorded' } });
  });
});

test('the log’s entries are read in order, and none behind its end', async () => {
  const ledger = open();
  const envelopes = await Promise.all([lin, residentOf('chen'), residentOf('wang')].map((one) => register(one)));
  for (const envelope of envelopes) await record(ledger, envelope);
  for (const [from, count] of [[0, 10], [1, 1], [3, 10], [9, 10]] as const) {
    expect(await ledger.entries(from, count)).toEqual({ ok: true, value: envelopes.slice(from, from + count) });
  }
});

test('an idle ledger’s head stays young: an empty block a heartbeat, with nothing changed', async () => {
  const ledger = open({ heartbeatMs: 100 });
  const before = await headOf(ledger);
  const made = new Promise<number>((resolve) => void ledger.onBlock(({ height }) => resolve(height)));
  time += 100;
  expect(await made).toBe(before.height + 2);
  const after = await headOf(ledger);
  expect(after).toMatchObject({ height: before.height + 1, timeMs: time, stateRoot: before.stateRoot, logSize: before.logSize });
});

test('the file is in WAL mode and fully synchronous, also after it was written to and opened again', () => {
  for (const table of ['first', 'second']) {
    const database = openLedgerFile(join(folder, 'any.sqlite'));
    database.exec(`CREATE TABLE ${table} (x); BEGIN IMMEDIATE; INSERT INTO ${table} VALUES (1); COMMIT`);
    expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    database.close();
  }
});

test('the file has one writer, and readers who see the moment at which they opened it', () => {
  const path = join(folder, 'any.sqlite');
  const writer = openLedgerFile(path);
  writer.exec('CREATE TABLE entry (x); INSERT INTO entry VALUES (1)');
  expect(() => openLedgerFile(path)).toThrow(/locked/);
  const reader = openLedgerFileToRead(path);
  writer.exec('INSERT INTO entry VALUES (2)');
  expect(reader.prepare('SELECT x FROM entry').all()).toEqual([{ x: 1 }]);
  expect(() => reader.exec('INSERT INTO entry VALUES (3)')).toThrow(/readonly/);
  reader.close();
  writer.close();
  const alone = openLedgerFileToRead(path);
  expect(alone.prepare('SELECT count(*) AS count FROM entry').get()).toEqual({ count: 2 });
  alone.close();
});

test('the same transactions at the same times give the same head everywhere', async () => {
  const envelopes = [await register(lin), await register(residentOf('chen')), await envelopeOf(requestBody(lin, 3).body, [lin.sig, keys.kiosk])];
  const heads = [];
  for (const path of ['one.sqlite', 'two.sqlite']) {
    time = now * 1000;
    const ledger = open({ path: join(folder, path) });
    for (const envelope of envelopes) {
      await record(ledger, envelope);
      time += 1000;
    }
    const bytes = await ledger.head();
    heads.push(bytes.ok && bytes.value);
  }
  expect(heads[0]).toEqual(heads[1]);
});

describe('after a restart', () => {
  test('everything is there, and old receipts are the same bytes', async () => {
    const first = open();
    const envelope = await register(lin);
    const receipt = await record(first, envelope);
    const head = await headOf(first);
    await first.close();
    const second = open();
    expect(await second.receipt(idIn(envelope), 0)).toEqual({ ok: true, value: receipt });
    expect(await headOf(second)).toEqual(head);
    await record(second, await register(residentOf('chen')));
    expect(verifyReceipt(receipt, trust, nodeCrypto).ok).toBe(true);
  });

  test('what was submitted in the turn in which the ledger closed is recorded', async () => {
    const first = open();
    const envelope = await register(lin);
    const queued = first.submit(envelope);
    await first.close();
    expect(await queued).toEqual({ ok: true, value: { state: 'queued' } });
    expect(await open().state(idIn(envelope))).toMatchObject({ ok: true, value: { state: 'recorded' } });
  });

  const damages: { name: string; damage: () => void | Promise<void>; detail: RegExp; change?: Partial<EmbeddedOptions> }[] = [
    { name: 'an older copy of the file', damage: () => copyFileSync(join(folder, 'old'), join(folder, 'ledger.sqlite')), detail: /ends before height/ },
    { name: 'a lost file', damage: () => rmSync(join(folder, 'ledger.sqlite')), detail: /ends before height/ },
    { name: 'a lost file, to somebody who founds nothing', damage: () => rmSync(join(folder, 'ledger.sqlite')), detail: /file is missing/, change: { begin: false } },
    { name: 'a lost file and a lost record', damage: lose, detail: /file is missing/, change: { begin: false } },
    { name: 'an empty file in the place of the ledger', damage: () => (lose(), writeFileSync(join(folder, 'ledger.sqlite'), '')), detail: /no chain was begun/, change: { begin: false } },
    { name: 'a lost record of the last head', damage: () => rmSync(join(folder, 'ledger.sqlite.signed')), detail: /last signed head is missing/ },
    { name: 'a changed log entry', damage: () => edit("UPDATE log_leaf SET envelope = x'00' WHERE position = 0"), detail: /log is damaged/ },
    { name: 'a missing last entry', damage: () => edit('DELETE FROM log_leaf WHERE position = 1'), detail: /not as long/ },
    { name: 'a changed state', damage: () => edit("UPDATE state_page SET content = zeroblob(258) WHERE id = 0"), detail: /state is damaged/ },
    { name: 'a missing last block', damage: () => edit('DELETE FROM block WHERE height = (SELECT max(height) FROM block)'), detail: /ends before height|log is not/ },
    { name: 'a changed header', damage: changeLastHeader, detail: /not as this validator signed/ },
    { name: 'no database at all', damage: () => writeFileSync(join(folder, 'ledger.sqlite'), 'not a database, but long enough to look at'.repeat(30)), detail: /not a database/ },
    { name: 'an emptied record of the last head', damage: () => writeFileSync(join(folder, 'ledger.sqlite.signed'), new Uint8Array(1024)), detail: /last signed head is empty/ },
    { name: 'a file of an earlier build', damage: () => edit("DELETE FROM about WHERE name = 'schema'; DROP TABLE tip"), detail: /format is older/ },
    { name: 'a file of a later build', damage: () => edit("UPDATE about SET value = x'03' WHERE name = 'schema'"), detail: /format is newer/ },
    { name: 'an end of log and state without its block', damage: () => edit('INSERT INTO tip SELECT height + 1, time_ms, log_size, log_root, state_root FROM tip ORDER BY height DESC LIMIT 1'), detail: /not where log and state end/ },
    { name: 'another validator', damage: () => undefined, detail: /genesis validator/, change: { validator: signerOf('other') } },
    { name: 'another genesis', damage: () => undefined, detail: /another genesis/, change: { genesis: { ...genesis, time: genesis.time + 1 } } },
  ];
  const edit = (sql: string): void => {
    const database = new DatabaseSync(join(folder, 'ledger.sqlite'));
    database.exec(sql);
    database.close();
  };

  function changeLastHeader(): void {
    const database = new DatabaseSync(join(folder, 'ledger.sqlite'));
    const { height, content } = database.prepare('SELECT height, content FROM block ORDER BY height DESC LIMIT 1').get() as { height: number; content: Uint8Array };
    const block = decodeCbor(content) as { header: { [name: string]: CborValue } };
    const changed = encodeCbor({ ...block, header: { ...block.header, evidenceHash: new Uint8Array(32) } });
    database.prepare('UPDATE block SET content = ? WHERE height = ?').run(changed, height);
    database.close();
  }

  function lose(): void {
    for (const name of ['ledger.sqlite', 'ledger.sqlite.signed']) rmSync(join(folder, name));
  }

  test('an interruption between the first block and its mark stops nobody', async () => {
    await open().close();
    writeFileSync(join(folder, 'ledger.sqlite.signed'), new Uint8Array(1024));
    expect((await open({ begin: false }).head()).ok).toBe(true);
  });

  test.each(damages)('$name is noticed, and nothing is signed', async ({ damage, detail, change }) => {
    const ledger = open();
    await record(ledger, await register(lin));
    await ledger.close();
    copyFileSync(join(folder, 'ledger.sqlite'), join(folder, 'old'));
    const again = open();
    await record(again, await register(residentOf('chen')));
    await again.close();
    await damage();
    const guard = join(folder, 'ledger.sqlite.signed');
    const mark = existsSync(guard) && readFileSync(guard);
    const result = openEmbeddedLedger(options(change));
    expect(result).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: expect.stringMatching(detail) as unknown } });
    expect(existsSync(guard) && readFileSync(guard)).toEqual(mark);
  });

  test('another history of the same height is noticed', async () => {
    const ledger = open();
    await record(ledger, await register(lin));
    await ledger.close();
    const other = open({ path: join(folder, 'other.sqlite') });
    await record(other, await register(residentOf('chen')));
    await other.close();
    copyFileSync(join(folder, 'other.sqlite'), join(folder, 'ledger.sqlite'));
    expect(openEmbeddedLedger(options())).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/another history/) as unknown } });
  });
});

test('a second process cannot sign from the same file', () => {
  open();
  expect(openEmbeddedLedger(options())).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: expect.stringMatching(/locked/) as unknown } });
});

test('killed in the middle of submissions, nothing that was acknowledged is lost', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'submitting-process.ts'), join(folder, 'ledger.sqlite')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(line);
    if (acknowledged.length === 25) child.kill('SIGKILL');
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(25);
  const ledger = open({ clock: () => Date.now() });
  const lost = [];
  for (const id of acknowledged) {
    const state = await ledger.state(fromHex(id) ?? new Uint8Array());
    if (!state.ok || state.value.state !== 'recorded') lost.push(id);
  }
  expect(lost).toEqual([]);
});

test('a closed ledger takes nothing', async () => {
  const ledger = open();
  await ledger.close();
  expect(await ledger.submit(await register(lin))).toEqual({ ok: false, failure: { code: 'hub-storage', detail: 'closed' } });
  expect((await ledger.head()).ok).toBe(false);
});
