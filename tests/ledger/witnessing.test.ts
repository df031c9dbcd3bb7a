import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Failure } from '../../src/contract/result.ts';
import { openCheckpoints, ownSigner, type CheckpointKeeper } from '../../src/ledger/checkpoints.ts';
import { openEmbeddedLedger, type EmbeddedLedger } from '../../src/ledger/engines/embedded.ts';
import { openHttpService, type HttpAnswer, type HttpService } from '../../src/ledger/http-service.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { openLogService } from '../../src/ledger/log-service.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { checkpointText, decodeCheckpoint, type Checkpoint } from '../../src/ledger/verify/checkpoint.ts';
import { cosign, verifyCosignatures } from '../../src/ledger/verify/cosignature.ts';
import { encodeBody, transactionId } from '../../src/ledger/verify/envelope.ts';
import { verifyHead, type Trust, type VerifiedHead } from '../../src/ledger/verify/head.ts';
import { leafHash, merkleRoot } from '../../src/ledger/verify/merkle-log.ts';
import { decodeNote, encodeSignatureLine, signNote, verifyNote, type NoteSignature } from '../../src/ledger/verify/note.ts';
import { verifyReceipt } from '../../src/ledger/verify/receipt.ts';
import { Witness } from '../../src/ledger/witness.ts';
import { WitnessRounds } from '../../src/ledger/witness-rounds.ts';
import { openWitnessService } from '../../src/ledger/witness-service.ts';
import { openWitnessStore, type WitnessStore } from '../../src/ledger/witness-store.ts';
import { witnessedLedger } from '../../src/ledger/witnessed-ledger.ts';
import { noteKeyOf } from './note-vectors.ts';
import { chain, envelopeOf, genesis, keys, lin, now, register, requestBody, seedOf, signerOf } from './small-district.ts';

const origin = 'district.example/ledger';
const logSigner = signerOf('checkpoint');
const logKey = noteKeyOf(origin, 1, logSigner);
const w1 = noteKeyOf('w1.example', 4, signerOf('w1.example'));
const w2 = noteKeyOf('w2.example', 4, signerOf('w2.example'));

let folder: string;
let nowMs: number;
let closing: (() => Promise<void> | void)[];
let faults: { where: string; failure: Failure<string> }[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'witnessing-'));
  nowMs = now * 1000;
  closing = [];
  faults = [];
});
afterEach(async () => {
  for (const close of closing.toReversed()) await close();
  rmSync(folder, { recursive: true });
});

function keeperOf(threshold = 1, name = 'checkpoint'): CheckpointKeeper {
  const opened = openCheckpoints({ path: join(folder, name), origin, signers: ownSigner(origin, logSigner), witnesses: [w1, w2], threshold });
  if (!opened.ok) throw new Error(opened.failure.detail);
  return opened.value;
}

function openLedger(name = 'ledger'): EmbeddedLedger {
  const opened = openEmbeddedLedger({ path: join(folder, `${name}.sqlite`), genesis, validator: keys.validator, clock: () => nowMs, heartbeatMs: 60_000, begin: true });
  if (!opened.ok) throw new Error(opened.failure.detail);
  closing.push(() => opened.value.close());
  return opened.value;
}

function witnessStore(name: string): WitnessStore {
  const store = openWitnessStore(join(folder, `${name}.sqlite`), { begin: true });
  if (!store.ok) throw new Error(store.failure.detail);
  closing.push(() => store.value.close());
  return store.value;
}

async function startWitness(name: string, store = witnessStore(name), port = 0): Promise<HttpService> {
  const witness = new Witness({ name, signer: signerOf(name), logs: [{ origin, keys: [logKey], threshold: 1 }], store, clock: () => nowMs, crypto: nodeCrypto, onEvidence: () => undefined });
  const service = await openWitnessService(witness, { host: '127.0.0.1', port, onFault: (error) => faults.push({ where: 'witness', failure: { code: String(error) } }) });
  if (!service.ok) throw new Error(service.failure.detail);
  closing.push(() => service.value.close());
  return service.value;
}

const roundsOf = (ledger: Ledger, checkpoints: CheckpointKeeper, urls: { w1: string; w2?: string }): WitnessRounds =>
  new WitnessRounds({
    ledger,
    checkpoints,
    witnesses: [{ key: w1, url: urls.w1 }, ...(urls.w2 === undefined ? [] : [{ key: w2, url: urls.w2 }])],
    crypto: nodeCrypto,
    clock: () => nowMs,
    everyMs: 1000,
    onFault: (where, failure) => faults.push({ where, failure }),
  });

async function fill(ledger: Ledger): Promise<Uint8Array> {
  await ledger.submit(await register(lin));
  return request(ledger, 7);
}

/** Its transaction, recorded. */
async function request(ledger: Ledger, counter: number): Promise<Uint8Array> {
  const { body } = requestBody(lin, counter);
  await ledger.submit(await envelopeOf(body, [lin.sig, keys.kiosk]));
  const transaction = transactionId(encodeBody(body), nodeCrypto);
  const receipt = await ledger.receipt(transaction, 5000);
  if (!receipt.ok || receipt.value === null) throw new Error('not recorded');
  return transaction;
}

const boundTo = (ledger: Ledger): Ledger => ({
  chain: ledger.chain,
  submit: (envelope) => ledger.submit(envelope),
  state: (transaction) => ledger.state(transaction),
  receipt: (transaction, waitMs) => ledger.receipt(transaction, waitMs),
  receiptAt: (transaction, height) => ledger.receiptAt(transaction, height),
  head: () => ledger.head(),
  block: (height) => ledger.block(height),
  consistency: (one, other) => ledger.consistency(one, other),
  read: (read) => ledger.read(read),
  values: (read) => ledger.values(read),
  entries: (from, count) => ledger.entries(from, count),
  onBlock: (listener) => ledger.onBlock(listener),
  close: () => ledger.close(),
});

const trusting = (threshold: number): Trust => ({
  chain,
  height: 1,
  validators: genesis.validators,
  witnessing: { origin, threshold, witnesses: [w1, w2].map(({ name, key }) => ({ name, key })) },
});

async function proofOf(ledger: Ledger, transaction: Uint8Array, threshold = 1) {
  const receipt = await ledger.receipt(transaction, 0);
  if (!receipt.ok || receipt.value === null) throw new Error('no receipt');
  const proof = verifyReceipt(receipt.value, trusting(threshold), nodeCrypto);
  if (!proof.ok) throw new Error(proof.failure.detail);
  return proof.value;
}

const stateOf = async (ledger: Ledger, transaction: Uint8Array): Promise<string> => {
  const state = await ledger.state(transaction);
  return state.ok ? state.value.state : state.failure.code;
};

describe('queued, recorded, witnessed', () => {
  test('are three states, and the receipt carries the witness’s word', async () => {
    const [plain, checkpoints] = [openLedger(), keeperOf()];
    const ledger = witnessedLedger(plain, checkpoints);
    const rounds = roundsOf(ledger, checkpoints, { w1: (await startWitness('w1.example')).url });
    const transaction = await fill(ledger);
    expect(await stateOf(ledger, transaction)).toBe('recorded');
    expect((await proofOf(ledger, transaction)).witnessed).toEqual({ witnesses: [], isWitnessed: false });
    nowMs += 3000;
    await rounds.round();
    expect(await stateOf(ledger, transaction)).toBe('witnessed');
    expect(await stateOf(plain, transaction)).toBe('recorded');
    expect((await proofOf(ledger, transaction)).witnessed).toEqual({ witnesses: [{ name: 'w1.example', time: now + 3 }], isWitnessed: true });
    expect(rounds.states).toEqual([{ name: 'w1.example', state: 'cosigned' }]);
    expect(faults).toEqual([]);
  });

  test('what comes after the cosigned head is recorded until the next round, and what was before stays witnessed', async () => {
    const [plain, checkpoints] = [openLedger(), keeperOf()];
    const ledger = witnessedLedger(plain, checkpoints);
    const rounds = roundsOf(ledger, checkpoints, { w1: (await startWitness('w1.example')).url });
    const first = await fill(ledger);
    await rounds.round();
    const seen = await proofOf(ledger, first);
    const second = await request(ledger, 8);
    expect([await stateOf(ledger, first), await stateOf(ledger, second)]).toEqual(['witnessed', 'recorded']);
    expect((await proofOf(ledger, first)).head).toEqual(seen.head);
    await rounds.round();
    expect(await stateOf(ledger, second)).toBe('witnessed');
    // Both rest on one head now: what is cosigned once covers all before it.
    const [one, other] = [await proofOf(ledger, first), await proofOf(ledger, second)];
    expect(one.head).toEqual(other.head);
    expect(one.head.logSize).toBe(3);
    expect(one.witnessed.isWitnessed).toBe(true);
  });

  test('take as many witnesses as it takes', async () => {
    const [plain, checkpoints] = [openLedger(), keeperOf(2)];
    const ledger = witnessedLedger(plain, checkpoints);
    const away = await startWitness('w2.example');
    const { port } = new URL(away.url);
    await away.close();
    const rounds = roundsOf(ledger, checkpoints, { w1: (await startWitness('w1.example')).url, w2: away.url });
    const transaction = await fill(ledger);
    await rounds.round();
    expect(await stateOf(ledger, transaction)).toBe('recorded');
    expect((await proofOf(ledger, transaction, 2)).witnessed).toMatchObject({ witnesses: [{ name: 'w1.example' }], isWitnessed: false });
    expect(rounds.states).toEqual([{ name: 'w1.example', state: 'cosigned' }, { name: 'w2.example', state: 'away', detail: 'ECONNREFUSED' }]);
    // Asked again after a pause, which grows, and told of once.
    const store = witnessStore('w2.example again');
    await rounds.round();
    expect(faults).toEqual([{ where: 'witness w2.example', failure: { code: 'witness-away', detail: 'ECONNREFUSED' } }]);
    await startWitness('w2.example', store, Number(port));
    await rounds.round();
    expect(await stateOf(ledger, transaction)).toBe('recorded');
    nowMs += 60_000;
    await rounds.round();
    expect(await stateOf(ledger, transaction)).toBe('witnessed');
    expect((await proofOf(ledger, transaction, 2)).witnessed.witnesses.map(({ name }) => name)).toEqual(['w1.example', 'w2.example']);
  });

  test('a restart loses none of it, and a lost file of cosignatures is filled again', async () => {
    const [plain, witness] = [openLedger(), await startWitness('w1.example')];
    const transaction = await fill(plain);
    await roundsOf(plain, keeperOf(), { w1: witness.url }).round();
    const again = keeperOf();
    expect(await stateOf(witnessedLedger(plain, again), transaction)).toBe('witnessed');
    rmSync(join(folder, 'checkpoint.witnessed'));
    const forgetful = keeperOf();
    const ledger = witnessedLedger(plain, forgetful);
    expect(await stateOf(ledger, transaction)).toBe('recorded');
    // The witness is ahead of what this process knows of it, and says so.
    await roundsOf(ledger, forgetful, { w1: witness.url }).round();
    expect(await stateOf(ledger, transaction)).toBe('witnessed');
    expect(faults).toEqual([]);
  });

  test('a receipt at another head than the one that was cosigned is given without the witness’s word', async () => {
    const [plain, checkpoints] = [openLedger(), keeperOf()];
    const first = await fill(plain);
    await roundsOf(plain, checkpoints, { w1: (await startWitness('w1.example')).url }).round();
    await request(plain, 8);
    // As a node of many may answer that lies, or has no header yet that binds the height.
    const elsewhere: Ledger = { ...boundTo(plain), receiptAt: (transaction, height) => plain.receiptAt(transaction, height + 1) };
    expect((await proofOf(witnessedLedger(elsewhere, checkpoints), first)).witnessed.isWitnessed).toBe(false);
    expect((await proofOf(witnessedLedger(plain, checkpoints), first)).witnessed.isWitnessed).toBe(true);
  });

  test('a log at rest is cosigned again now and then', async () => {
    const [ledger, checkpoints] = [openLedger(), keeperOf()];
    const rounds = roundsOf(ledger, checkpoints, { w1: (await startWitness('w1.example')).url });
    await fill(ledger);
    await rounds.round();
    const timeOf = (): number | undefined => checkpoints.newest?.cosignatures[0]?.time;
    const first = timeOf();
    nowMs += 60_000;
    await rounds.round();
    expect(timeOf()).toBe(first);
    nowMs += 600_000;
    // The heartbeat's block.
    await request(ledger, 8);
    await rounds.round();
    expect(timeOf()).toBe(now + 660);
  });
});

describe('a witness that does not cosign', () => {
  const answering = async (answer: HttpAnswer): Promise<string> => {
    const service = await openHttpService({ host: '127.0.0.1', port: 0, limitBytes: 80_000, answer: () => answer, onFault: () => undefined });
    if (!service.ok) throw new Error(service.failure.detail);
    closing.push(() => service.value.close());
    return service.value.url;
  };
  const plain = 'text/plain; charset=utf-8';
  const line = (text: string, name: string): string => encodeSignatureLine(cosign(text, now, name, signerOf(name), nodeCrypto));
  const answers: { name: string; answer: HttpAnswer; code: string; detail: string }[] = [
    { name: 'has seen more than there is', answer: { status: 409, type: 'text/x.tlog.size', body: '99\n' }, code: 'witness-ahead', detail: 'it has seen 99 entries, the ledger has 2' },
    { name: 'has seen another history', answer: { status: 422, type: plain, body: 'no\n' }, code: 'witness-refused', detail: '422 no' },
    { name: 'does not know this log', answer: { status: 404, type: plain, body: 'no\n' }, code: 'witness-refused', detail: '404 no' },
    { name: 'goes astray', answer: { status: 302, type: plain, body: '' }, code: 'witness-refused', detail: '302 ' },
    { name: 'answers nothing', answer: { status: 200, type: plain, body: '' }, code: 'witness-refused', detail: 'no newline at the end' },
    { name: 'is another one', answer: { status: 200, type: plain, body: line('any', 'w9.example') }, code: 'witness-refused', detail: 'cosigned by another key' },
    { name: 'signs another text', answer: { status: 200, type: plain, body: line('any', 'w1.example') }, code: 'witness-refused', detail: 'cosignature of w1.example' },
    { name: 'talks without end', answer: { status: 200, type: plain, body: 'x'.repeat(70_000) }, code: 'witness-away', detail: 'too long an answer' },
  ];
  test.each(answers)('because it $name costs nothing but its cosignature', async ({ answer, code, detail }) => {
    const [plainLedger, checkpoints] = [openLedger(), keeperOf()];
    const ledger = witnessedLedger(plainLedger, checkpoints);
    const transaction = await fill(ledger);
    const rounds = roundsOf(ledger, checkpoints, { w1: await answering(answer) });
    await rounds.round();
    expect(faults).toEqual([{ where: 'witness w1.example', failure: { code, detail } }]);
    expect(await stateOf(ledger, transaction)).toBe('recorded');
    expect((await proofOf(ledger, transaction)).witnessed.witnesses).toEqual([]);
  });
});

test('a witness that once named a size beyond the log is asked anew, and cosigns', async () => {
  const [ledger, checkpoints] = [openLedger(), keeperOf()];
  await fill(ledger);
  const witness = new Witness({ name: 'w1.example', signer: signerOf('w1.example'), logs: [{ origin, keys: [logKey], threshold: 1 }], store: witnessStore('w1.example'), clock: () => nowMs, crypto: nodeCrypto, onEvidence: () => undefined });
  let isAstray = true;
  const service = await openHttpService({
    host: '127.0.0.1',
    port: 0,
    limitBytes: 80_000,
    answer: ({ body }) => (isAstray ? { status: 409, type: 'text/x.tlog.size', body: '99\n' } : witness.addCheckpoint(body)),
    onFault: () => undefined,
  });
  if (!service.ok) throw new Error(service.failure.detail);
  closing.push(() => service.value.close());
  const rounds = roundsOf(ledger, checkpoints, { w1: service.value.url });
  await rounds.round();
  expect(rounds.states).toMatchObject([{ state: 'refused' }]);
  isAstray = false;
  nowMs += 60_000;
  await rounds.round();
  expect(rounds.states).toEqual([{ name: 'w1.example', state: 'cosigned' }]);
});

test('a fault in a round is told, and the next round is made', async () => {
  const ledger = openLedger();
  await fill(ledger);
  let isBroken = true;
  const rounds = roundsOf({ ...boundTo(ledger), head: () => (isBroken ? Promise.reject(new Error('a bug')) : ledger.head()) }, keeperOf(), { w1: (await startWitness('w1.example')).url });
  await rounds.round();
  expect(faults).toMatchObject([{ where: 'witness rounds', failure: { code: 'fault' } }]);
  isBroken = false;
  await rounds.round();
  expect(rounds.states).toEqual([{ name: 'w1.example', state: 'cosigned' }]);
});

describe('the keeper of checkpoints', () => {
  async function headOf(ledger: Ledger): Promise<VerifiedHead> {
    const bytes = await ledger.head();
    const head = bytes.ok ? verifyHead(bytes.value, trusting(1), nodeCrypto) : undefined;
    if (head?.ok !== true) throw new Error('no head');
    return head.value;
  }

  test('signs what the ledger’s head says, in a file that anybody can read', async () => {
    const [ledger, keeper] = [openLedger(), keeperOf()];
    await fill(ledger);
    const head = await headOf(ledger);
    expect((await keeper.sign(head, null)).ok).toBe(true);
    const note = decodeNote(readFileSync(join(folder, 'checkpoint')));
    if (!note.ok) throw new Error(note.failure.detail);
    expect(verifyNote(note.value, [logKey], nodeCrypto).ok).toBe(true);
    expect(decodeCheckpoint(note.value.text)).toEqual({ ok: true, value: { origin, size: 2, root: head.logRoot, height: head.height, stateRoot: head.stateRoot } });
  });

  const later = { height: 9, logSize: 3, logRoot: seedOf('three'), stateRoot: seedOf('state') };
  const refused: { name: string; next: typeof later; detail: RegExp }[] = [
    { name: 'a smaller log', next: { ...later, height: 10, logSize: 2 }, detail: /do not lead here/ },
    { name: 'a lower height', next: { ...later, height: 8 }, detail: /do not lead here/ },
    { name: 'another history that is longer', next: { ...later, height: 10, logSize: 4 }, detail: /do not lead here/ },
    { name: 'another history of the same size', next: { ...later, height: 10, logRoot: seedOf('other') }, detail: /do not lead here/ },
    { name: 'another state at the same height', next: { ...later, stateRoot: seedOf('other') }, detail: /height 9 was signed with another content/ },
  ];
  test.each(refused)('does not sign $name, before a restart and after it', async ({ next, detail }) => {
    const keeper = keeperOf();
    expect((await keeper.sign(later, null)).ok).toBe(true);
    for (const one of [keeper, keeperOf()]) {
      expect(await one.sign(next, [])).toMatchObject({ ok: false, failure: { code: 'checkpoint-refused', detail: expect.stringMatching(detail) as string } });
      expect(one.newest?.checkpoint).toMatchObject({ height: 9, size: 3, root: later.logRoot });
    }
    expect((await keeperOf().sign(later, [])).ok).toBe(true);
    expect((await keeperOf().sign({ ...later, height: 10 }, [])).ok).toBe(true);
  });

  test('keeps the older word of two witnesses until the newer one has as much, or enough', async () => {
    const keeper = keeperOf(2);
    const cosignedBy = (...names: string[]): void => {
      const newest = keeper.newest;
      if (newest === null) throw new Error('nothing signed');
      const text = checkpointText(newest.checkpoint);
      for (const name of names) {
        const held = verifyCosignatures({ text, signatures: [cosign(text, now, name, signerOf(name), nodeCrypto)] }, keeper.witnesses, nodeCrypto);
        if (!held.ok || held.value[0] === undefined) throw new Error('no cosignature');
        expect(keeper.cosigned(newest.checkpoint, held.value[0]).ok).toBe(true);
      }
    };
    const heightOf = (): number | undefined => keeper.covering(0)?.checkpoint.height;
    await keeper.sign(later, null);
    expect(heightOf()).toBeUndefined();
    cosignedBy('w1.example');
    expect([heightOf(), keeper.isWitnessed(0)]).toEqual([9, false]);
    cosignedBy('w2.example');
    expect([heightOf(), keeper.isWitnessed(2), keeper.isWitnessed(3)]).toEqual([9, true, false]);
    await keeper.sign({ ...later, height: 10 }, []);
    cosignedBy('w2.example');
    expect(heightOf()).toBe(9);
    cosignedBy('w1.example');
    expect(heightOf()).toBe(10);
    expect(keeper.covering(0)?.cosignatures.map(({ witness }) => witness.name)).toEqual(['w1.example', 'w2.example']);
  });

  const files: { name: string; content: () => string | Uint8Array; detail: RegExp }[] = [
    { name: 'damaged', content: () => 'gone', detail: /is damaged/ },
    { name: 'of another key', content: () => readFileSync(join(folder, 'other')), detail: /another key/ },
  ];
  test.each(files)('does not start over a file that is $name', async ({ content, detail }) => {
    const other = openCheckpoints({ path: join(folder, 'other'), origin, signers: ownSigner(origin, signerOf('other')), witnesses: [], threshold: 1 });
    expect(other.ok && (await other.value.sign(later, null)).ok).toBe(true);
    writeFileSync(join(folder, 'checkpoint'), content());
    const opened = openCheckpoints({ path: join(folder, 'checkpoint'), origin, signers: ownSigner(origin, logSigner), witnesses: [], threshold: 1 });
    expect(opened).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: expect.stringMatching(detail) as string } });
  });

  test('signs nothing that it cannot write', async () => {
    const opened = openCheckpoints({ path: join(folder, 'none/checkpoint'), origin, signers: ownSigner(origin, logSigner), witnesses: [], threshold: 1 });
    expect(opened.ok && (await opened.value.sign(later, null))).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
    expect(opened.ok && opened.value.newest).toBeNull();
  });
});

describe('a log of several validators', () => {
  const later = { height: 9, logSize: 3, logRoot: seedOf('three'), stateRoot: seedOf('state') };
  const signing = async (...names: string[]) => {
    const validators = ['v1', 'v2', 'v3'].map((name) => noteKeyOf(origin, 1, signerOf(name)));
    const opened = openCheckpoints({
      path: join(folder, 'checkpoint'),
      origin,
      signers: { keys: validators, threshold: 2, sign: (checkpoint) => Promise.resolve(names.map((name) => signNote(checkpointText(checkpoint), origin, signerOf(name), nodeCrypto))) },
      witnesses: [],
      threshold: 1,
    });
    return opened.ok ? opened.value.sign(later, null) : opened;
  };

  test('has its checkpoints signed by as many as it takes', async () => {
    expect(await signing('v1', 'v3')).toMatchObject({ ok: true, value: { signatures: [{ name: origin }, { name: origin }] } });
    rmSync(join(folder, 'checkpoint'));
    expect(await signing('v1')).toMatchObject({ ok: false, failure: { code: 'checkpoint-refused', detail: 'signed by 1 of its keys, 2 are needed' } });
    expect(await signing('v1', 'v9')).toMatchObject({ ok: false, failure: { code: 'checkpoint-refused' } });
    expect(await signing()).toMatchObject({ ok: false, failure: { code: 'checkpoint-refused' } });
    expect(existsSync(join(folder, 'checkpoint'))).toBe(false);
  });

  test('is kept from it by nobody who gives a signature under another’s four bytes, or the same twice', async () => {
    const validators = ['v1', 'v2'].map((name) => noteKeyOf(origin, 1, signerOf(name)));
    const sign = (checkpoint: Checkpoint): Promise<NoteSignature[]> => {
      const [v1, v2, v9] = ['v1', 'v2', 'v9'].map((name) => signNote(checkpointText(checkpoint), origin, signerOf(name), nodeCrypto));
      if (v1 === undefined || v2 === undefined || v9 === undefined) throw new Error('three names');
      return Promise.resolve([{ ...v9, keyId: v1.keyId }, v9, v1, v1, v2]);
    };
    const opened = openCheckpoints({ path: join(folder, 'checkpoint'), origin, signers: { keys: validators, threshold: 2, sign }, witnesses: [], threshold: 1 });
    if (!opened.ok) throw new Error(opened.failure.detail);
    expect((await opened.value.sign(later, null)).ok).toBe(true);
    const note = decodeNote(readFileSync(join(folder, 'checkpoint')));
    if (!note.ok) throw new Error(note.failure.detail);
    expect(verifyNote(note.value, validators, nodeCrypto)).toMatchObject({ ok: true, value: validators });
    expect(note.value.signatures).toHaveLength(2);
  });
});

describe('the log over HTTP', () => {
  test('is there for others while some take nothing of what they asked for', async () => {
    const service = await openHttpService({ host: '127.0.0.1', port: 0, limitBytes: 0, silentMs: 100, answer: ({ path }) => ({ status: 200, type: 'application/octet-stream', body: path === '/large' ? new Uint8Array(16_000_000) : 'small' }), onFault: () => undefined });
    if (!service.ok) throw new Error(service.failure.detail);
    closing.push(() => service.value.close());
    const { port } = new URL(service.value.url);
    const stalled = await Promise.all(
      Array.from({ length: 64 }, async () => {
        const socket = connect(Number(port), '127.0.0.1').pause();
        socket.on('error', () => undefined);
        await once(socket, 'connect');
        socket.write('GET /large HTTP/1.1\r\nHost: log\r\n\r\n');
        return socket;
      }),
    );
    const deadline = performance.now() + 4000;
    let small: string | null = null;
    while (small === null && performance.now() < deadline) small = await fetch(`${service.value.url}/small`).then((answer) => answer.text(), () => null);
    expect(small).toBe('small');
    for (const socket of stalled) socket.destroy();
  });

  test('is what the checkpoint says, and nothing behind it', async () => {
    const [ledger, checkpoints] = [openLedger(), keeperOf()];
    const opened = await openLogService({ checkpoints, log: ledger.log }, { host: '127.0.0.1', port: 0, onFault: (error) => faults.push({ where: 'log', failure: { code: String(error) } }) });
    if (!opened.ok) throw new Error(opened.failure.detail);
    closing.push(() => opened.value.close());
    const get = (path: string, method = 'GET'): Promise<Response> => fetch(`${opened.value.url}/${path}`, { method });
    expect((await get('checkpoint')).status).toBe(404);
    await fill(ledger);
    await roundsOf(ledger, checkpoints, { w1: (await startWitness('w1.example')).url }).round();
    await request(ledger, 8);
    const answer = await get('checkpoint');
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([200, 'text/plain; charset=utf-8', 'no-cache']);
    const note = decodeNote(new Uint8Array(await answer.arrayBuffer()));
    if (!note.ok) throw new Error(note.failure.detail);
    const checkpoint = decodeCheckpoint(note.value.text);
    expect(checkpoint).toMatchObject({ ok: true, value: { size: 2 } });
    expect(verifyCosignatures(note.value, [w1], nodeCrypto)).toMatchObject({ ok: true, value: [{ time: now }] });
    const tile = await get('tile/0/000.p/2');
    expect([tile.status, tile.headers.get('content-type'), tile.headers.get('cache-control')]).toEqual([200, 'application/octet-stream', 'public, max-age=31536000, immutable']);
    const hashes = new Uint8Array(await tile.arrayBuffer());
    expect(checkpoint.ok && checkpoint.value.root).toEqual(merkleRoot([hashes.slice(0, 32), hashes.slice(32)], nodeCrypto));
    const bundle = new Uint8Array(await (await get('tile/entries/000.p/2')).arrayBuffer());
    const length = new DataView(bundle.buffer).getUint16(0);
    expect(leafHash(bundle.slice(2, 2 + length), nodeCrypto)).toEqual(hashes.slice(0, 32));
    for (const path of ['tile/0/000.p/3', 'tile/0/000', 'tile/entries/000.p/3', 'tile/1/000.p/1', '', 'other', '../checkpoint/x']) expect((await get(path)).status, path).toBe(404);
    expect((await get('checkpoint', 'POST')).status).toBe(405);
    expect((await get('checkpoint', 'HEAD')).status).toBe(200);
    expect(faults).toEqual([]);
  });
});

test('no cosignature is written before a witness gave one', () => {
  keeperOf();
  expect(existsSync(join(folder, 'checkpoint.witnessed'))).toBe(false);
});
