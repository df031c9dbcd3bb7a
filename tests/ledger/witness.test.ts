import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TransactionLog } from '../../src/ledger/log.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { toBase64, utf8 } from '../../src/ledger/verify/bytes.ts';
import { checkpointText, signCheckpoint } from '../../src/ledger/verify/checkpoint.ts';
import { verifyCosignatures } from '../../src/ledger/verify/cosignature.ts';
import { decodeSignatureLines, encodeNote, signNote } from '../../src/ledger/verify/note.ts';
import { addCheckpointBody, Witness, type WitnessAnswer } from '../../src/ledger/witness.ts';
import { openWitnessStore, type Evidence, type WitnessStore } from '../../src/ledger/witness-store.ts';
import { noteKeyOf } from './note-vectors.ts';
import { seedOf, signerOf } from './small-district.ts';

const origin = 'district.example/ledger';
const logSigner = signerOf('log');
const witnessKey = noteKeyOf('w.example', 4, signerOf('witness'));

function logOf(name: string, size: number): TransactionLog {
  const log = new TransactionLog(new DatabaseSync(':memory:'), nodeCrypto);
  for (let index = 0; index < size; index++) {
    const envelope = utf8(`${name} ${index}`);
    log.append({ index, transaction: nodeCrypto.sha256(envelope), envelope, height: 1 });
  }
  return log;
}

const honest = logOf('honest', 40);
const forked = logOf('forked', 40);

const checkpointAt = (log: TransactionLog, size: number, height = size) => ({ origin, size, root: log.root(size), height, stateRoot: seedOf('state') });
const noteAt = (log: TransactionLog, size: number, height = size): Uint8Array => encodeNote(signCheckpoint(checkpointAt(log, size, height), logSigner, nodeCrypto));
const bodyAt = (old: number, size: number, log = honest): Uint8Array =>
  addCheckpointBody(old, old === 0 ? [] : log.consistencyPath(old, size), noteAt(log, size));

let folder: string;
let store: WitnessStore;
let evidence: Evidence[];
let nowMs: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'witness-'));
  const opened = openWitnessStore(join(folder, 'witness.sqlite'), { begin: true });
  if (!opened.ok) throw new Error(opened.failure.detail);
  store = opened.value;
  evidence = [];
  nowMs = 1_800_000_000_500;
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const witness = (threshold = 1): Witness =>
  new Witness({
    name: witnessKey.name,
    signer: signerOf('witness'),
    logs: [{ origin, keys: [noteKeyOf(origin, 1, logSigner), noteKeyOf(origin, 1, signerOf('log 2'))], threshold }],
    store,
    clock: () => nowMs,
    crypto: nodeCrypto,
    onEvidence: (found) => evidence.push(found),
  });

const timeOf = (answer: WitnessAnswer, text: string): number | undefined => {
  const lines = decodeSignatureLines(answer.body);
  const held = lines.ok ? verifyCosignatures({ text, signatures: lines.value }, [witnessKey], nodeCrypto) : undefined;
  return held?.ok === true ? held.value[0]?.time : undefined;
};

describe('a witness', () => {
  test('cosigns what continues the history that it saw', () => {
    for (const [old, size] of [[0, 3], [3, 3], [3, 4], [4, 17], [17, 40]] as const) {
      const answer = witness().addCheckpoint(bodyAt(old, size));
      expect(answer).toMatchObject({ status: 200, type: 'text/plain; charset=utf-8' });
      expect(timeOf(answer, checkpointText(checkpointAt(honest, size)))).toBe(1_800_000_000);
    }
    expect(store.seen(origin)).toMatchObject({ size: 40, root: honest.root(40) });
  });

  test('cosigns an empty log, and then its first entries', () => {
    expect(witness().addCheckpoint(bodyAt(0, 0)).status).toBe(200);
    expect(witness().addCheckpoint(bodyAt(0, 5)).status).toBe(200);
  });

  test('says no earlier time than the last, whatever its clock does', () => {
    witness().addCheckpoint(bodyAt(0, 3));
    nowMs -= 86_400_000;
    expect(timeOf(witness().addCheckpoint(bodyAt(3, 4)), checkpointText(checkpointAt(honest, 4)))).toBe(1_800_000_000);
  });

  const text = (body: Uint8Array): string => new TextDecoder().decode(body);
  const wrong = utf8;
  const refused: { name: string; body: () => Uint8Array; status: WitnessAnswer['status']; says: string }[] = [
    { name: 'nothing', body: () => new Uint8Array(), status: 400, says: 'no empty line' },
    { name: 'no old size', body: () => wrong(text(bodyAt(9, 20)).replace('old 9\n', '')), status: 400, says: 'the old size' },
    { name: 'an old size with a leading zero', body: () => wrong(text(bodyAt(9, 20)).replace('old 9', 'old 09')), status: 400, says: 'the old size' },
    { name: 'a line of the proof that is no hash', body: () => wrong(text(bodyAt(9, 20)).replace('\n\n', '\nAAAA\n\n')), status: 400, says: 'a line of the proof' },
    { name: '64 lines of proof', body: () => addCheckpointBody(9, Array.from({ length: 64 }, () => seedOf('x')), noteAt(honest, 20)), status: 400, says: 'too many' },
    { name: 'no checkpoint', body: () => wrong('old 9\n\n'), status: 400, says: 'no empty line before the signatures' },
    { name: 'a note that is no checkpoint', body: () => addCheckpointBody(9, [], encodeNote({ text: 'Hello\n', signatures: [signNote('Hello\n', origin, logSigner, nodeCrypto)] })), status: 400, says: 'lines' },
    { name: 'a log that it does not watch', body: () => wrong(text(bodyAt(9, 20)).replace(`\n${origin}\n`, '\nother.example\n')), status: 404, says: 'does not watch' },
    { name: 'a checkpoint of somebody else', body: () => addCheckpointBody(9, [], encodeNote(signCheckpoint(checkpointAt(honest, 20), signerOf('thief'), nodeCrypto))), status: 403, says: 'none of the keys' },
    { name: 'a checkpoint that was changed', body: () => wrong(text(bodyAt(9, 20)).replace('height 20', 'height 21')), status: 403, says: `signature of ${origin}` },
    { name: 'an old size beyond the new one', body: () => addCheckpointBody(9, [], noteAt(honest, 8)), status: 400, says: 'smaller than the old size' },
    { name: 'a smaller log than it saw', body: () => addCheckpointBody(8, [], noteAt(honest, 8)), status: 409, says: '9\n' },
    { name: 'an old size that it never saw', body: () => bodyAt(5, 20), status: 409, says: '9\n' },
    { name: 'no memory of it on the other side', body: () => bodyAt(0, 20), status: 409, says: '9\n' },
    { name: 'another history of the same size', body: () => addCheckpointBody(9, [], noteAt(forked, 9)), status: 409, says: 'another history' },
    { name: 'another history that is longer', body: () => bodyAt(9, 20, forked), status: 422, says: 'the proof' },
    { name: 'a proof of another size', body: () => addCheckpointBody(9, honest.consistencyPath(8, 20), noteAt(honest, 20)), status: 422, says: 'the proof' },
    { name: 'a proof cut short', body: () => addCheckpointBody(9, honest.consistencyPath(9, 20).slice(1), noteAt(honest, 20)), status: 422, says: 'the proof' },
    { name: 'no proof', body: () => addCheckpointBody(9, [], noteAt(honest, 20)), status: 422, says: 'the proof' },
    { name: 'a proof where none is due', body: () => addCheckpointBody(9, [seedOf('x')], noteAt(honest, 9)), status: 422, says: 'the proof' },
  ];
  test.each(refused)('answers $name with $status, and keeps what it saw', ({ body, status, says }) => {
    expect(witness().addCheckpoint(bodyAt(0, 9)).status).toBe(200);
    const answer = witness().addCheckpoint(body());
    expect(answer.status).toBe(status);
    expect(answer.body).toContain(says);
    expect(answer.type).toBe(says === '9\n' ? 'text/x.tlog.size' : 'text/plain; charset=utf-8');
    expect(store.seen(origin)).toMatchObject({ size: 9, root: honest.root(9), note: noteAt(honest, 9) });
  });

  test('that saw nothing takes no proof, and of an empty log only the empty root', () => {
    expect(witness().addCheckpoint(addCheckpointBody(0, [seedOf('x')], noteAt(honest, 9))).status).toBe(422);
    const empty = signCheckpoint({ ...checkpointAt(honest, 0), root: seedOf('x') }, logSigner, nodeCrypto);
    expect(witness().addCheckpoint(addCheckpointBody(0, [], encodeNote(empty))).status).toBe(422);
    expect(store.seen(origin)).toBeUndefined();
  });

  test('keeps two checkpoints that contradict each other as proof against the log, once', () => {
    witness().addCheckpoint(bodyAt(0, 9));
    for (const _ of [1, 2]) witness().addCheckpoint(addCheckpointBody(9, [], noteAt(forked, 9)));
    expect(evidence[0]).toEqual({ origin, one: noteAt(honest, 9), other: noteAt(forked, 9) });
    expect(store.evidence()).toEqual([{ origin, one: noteAt(honest, 9), other: noteAt(forked, 9) }]);
  });

  test('of a log with several keys wants as many of them as it was told', () => {
    expect(witness(2).addCheckpoint(bodyAt(0, 9))).toMatchObject({ status: 403, body: 'signed by 1 of its keys, 2 are needed\n' });
    const checkpoint = checkpointText(checkpointAt(honest, 9));
    const both = encodeNote({ text: checkpoint, signatures: [logSigner, signerOf('log 2')].map((signer) => signNote(checkpoint, origin, signer, nodeCrypto)) });
    expect(witness(2).addCheckpoint(addCheckpointBody(0, [], both)).status).toBe(200);
  });
});

describe('what a witness saw', () => {
  test('is there after it was closed, and nobody else writes to it meanwhile', () => {
    const path = join(folder, 'witness.sqlite');
    witness().addCheckpoint(bodyAt(0, 9));
    expect(openWitnessStore(path, { begin: false })).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
    store.close();
    const again = openWitnessStore(path, { begin: false });
    if (!again.ok) throw new Error(again.failure.detail);
    store = again.value;
    expect(store.seen(origin)).toMatchObject({ size: 9, root: honest.root(9), time: 1_800_000_000 });
    expect(witness().addCheckpoint(bodyAt(9, 20)).status).toBe(200);
  });

  test('is never begun anew by itself, nor written over', () => {
    const missing = openWitnessStore(join(folder, 'none.sqlite'), { begin: false });
    expect(missing).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
    expect(openWitnessStore(join(folder, 'witness.sqlite'), { begin: true })).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
  });

  test('is on disk before it is answered: synchronous is FULL after a write', () => {
    witness().addCheckpoint(bodyAt(0, 9));
    expect(store.synchronous).toBe(2);
  });

  test('says what it cannot read', () => {
    const path = join(folder, 'text.sqlite');
    const database = new DatabaseSync(path);
    database.exec('CREATE TABLE other (x)');
    database.close();
    expect(openWitnessStore(path, { begin: false })).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
  });
});

test('a proof goes line by line', () => {
  const [first = new Uint8Array()] = honest.consistencyPath(9, 20);
  expect(new TextDecoder().decode(bodyAt(9, 20))).toMatch(new RegExp(`^old 9\\n${toBase64(first).replaceAll('+', '\\+')}\\n`));
});
