import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Result } from '../../../../src/contract/result.ts';
import { openCometLedger, type CometLedger, type CometLedgerOptions } from '../../../../src/ledger/engines/cometbft/comet-ledger.ts';
import { cometNode } from '../../../../src/ledger/engines/cometbft/rpc.ts';
import type { CommittedBlock } from '../../../../src/ledger/ledger.ts';
import { nodeCrypto } from '../../../../src/ledger/node-crypto.ts';
import { appHash } from '../../../../src/ledger/verify/block.ts';
import { toBase64url, toHex } from '../../../../src/ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../../../../src/ledger/verify/cbor.ts';
import { assembleEnvelope, openEnvelope } from '../../../../src/ledger/verify/envelope.ts';
import { trustOf, verifyHead } from '../../../../src/ledger/verify/head.ts';
import { decodeLightBlock } from '../../../../src/ledger/verify/light-block.ts';
import { verifyConsistency } from '../../../../src/ledger/verify/merkle-log.ts';
import { verifyReceipt } from '../../../../src/ledger/verify/receipt.ts';
import { decodeRecord, stateKey } from '../../../../src/ledger/verify/records.ts';
import { setOf } from '../../light-chain.ts';
import { body, chain, envelopeOf, keys, lin, register, registerAct, residentOf } from '../../small-district.ts';
import { commitJson, four, refusal, ScriptedChain, ScriptedNode, silence, type Lie } from './scripted-chain.ts';

const must = <T>(result: Result<T>): T => {
  if (!result.ok) throw new Error(`${result.failure.code} ${result.failure.detail ?? ''}`);
  return result.value;
};
const idOf = (envelope: Uint8Array): Uint8Array => {
  const opened = openEnvelope(envelope, nodeCrypto);
  if (!opened.ok) throw new Error(opened.failure.code);
  return opened.value.id;
};
const trustRoot = {
  chain,
  height: 1,
  trustingPeriodMs: 86_400_000,
  validators: setOf(four).map(({ key, power }) => ({ alg: -19 as const, key: toBase64url(key), power })),
};
const trust = trustOf(trustRoot);

let folder: string;
let honest: ScriptedChain;
let nodes: ScriptedNode[];
let urls: string[];
let ledger: CometLedger;
let lies: string[];
let splits: string[];
let handedOn: CommittedBlock[];
let waiting: { until: () => boolean; resolve: () => void }[];

const open = (more: Partial<CometLedgerOptions> = {}): void => {
  const opened = openCometLedger({
    nodes: urls,
    trustRoot,
    queuePath: join(folder, 'queue.sqlite'),
    maxHeadAgeMs: 900_000,
    clock: () => honest.timeMs,
    onLie: (url, what) => {
      lies.push(`${urls.indexOf(url)} ${what}`);
      look();
    },
    onSplit: (what) => splits.push(what),
    onFault: (where, error) => {
      throw new Error(where, { cause: error });
    },
    times: { answerMs: 1500, headerMs: 1000, pollMs: 10, againMs: 50 },
    poolTimes: { silentMs: 1 },
    ...more,
  });
  ledger = must(opened);
  ledger.onBlock((block) => {
    handedOn.push(block);
    look();
  });
};
const look = (): void => {
  for (const one of waiting) if (one.until()) one.resolve();
};
/** Looked at after each block and each lie. */
const until = (holds: () => boolean): Promise<void> =>
  holds() ? Promise.resolve() : new Promise((resolve) => void waiting.push({ until: holds, resolve }));
/** Until what waits in the mempool; it is asked again with each answer. */
async function inMempool(count = 1): Promise<void> {
  while (honest.pending.length < count) await ledger.head();
}
/** The ledger is followed from here on. */
async function followed(): Promise<void> {
  while (handedOn.length === 0) {
    honest.block();
    await ledger.head();
  }
  await until(() => handedOn.at(-1)?.height === honest.height);
  handedOn.length = 0;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'comet-'));
  honest = new ScriptedChain();
  nodes = Array.from({ length: 4 }, () => new ScriptedNode(honest));
  urls = await Promise.all(nodes.map((node) => node.listen()));
  [lies, splits, handedOn, waiting] = [[], [], [], []];
  open();
});
afterEach(async () => {
  await ledger.close();
  for (const node of nodes) node.close();
  rmSync(folder, { recursive: true });
});

const everyone = (lie: Lie | null): void => {
  for (const node of nodes) node.lie = lie;
};

/** What abci_query says of the state, with something changed in it. */
const forgedState = (change: (answer: { tip: { stateRoot: Uint8Array; height: number }; entries: { value: Uint8Array | null; proof: Uint8Array }[] }) => void): Lie => (method, params, truth) => {
  if (method !== 'abci_query' || params.path !== '/state') return undefined;
  const { response } = truth() as { response: { value: string } };
  const answer = decodeCbor(new Uint8Array(Buffer.from(response.value, 'base64'))) as unknown as Parameters<typeof change>[0];
  change(answer);
  return { response: { ...response, value: Buffer.from(encodeCbor(answer)).toString('base64') } };
};

describe('what is read', () => {
  const keysRead = [stateKey.party('registrar'), stateKey.party('nobody')];

  test('is proven against a head that the validators signed', async () => {
    const { head, entries } = must(await ledger.read(keysRead));
    expect(verifyHead(head, trust, nodeCrypto)).toMatchObject({ ok: true, value: { height: 1 } });
    expect(decodeRecord('party', entries[0]?.value ?? new Uint8Array())).toMatchObject({ id: 'registrar' });
    expect(entries[1]?.value).toBeNull();
    expect(must(await ledger.values(keysRead))).toEqual(entries.map(({ value }) => value));
  });

  const forgedHead: Lie = (method, params, truth) => {
    if (method === 'abci_query') {
      return forgedState((answer) => {
        answer.tip.stateRoot = new Uint8Array(32);
      })(method, params, truth);
    }
    if (method !== 'commit') return undefined;
    const said = truth();
    if (said === refusal) return undefined;
    const forged = structuredClone(said) as { signed_header: { header: { app_hash: string } } };
    const { logRoot, logSize } = honest.application.tip();
    forged.signed_header.header.app_hash = toHex(appHash(logRoot, logSize, new Uint8Array(32), nodeCrypto));
    return forged;
  };
  const strangers: Lie = (method, params, truth) => {
    const height = Number(params.height ?? honest.height);
    if (height < 1 || truth() === refusal) return undefined;
    const light = honest.light(height, [], { powers: { x: 10, y: 10 } });
    if (method === 'commit') return commitJson(light);
    return method === 'validators'
      ? { block_height: String(height), total: '2', validators: light.validators.map(({ key }) => ({ pub_key: { type: 'tendermint/PubKeyEd25519', value: Buffer.from(key).toString('base64') }, voting_power: '10' })) }
      : undefined;
  };

  test.each<{ name: string; lie: Lie; told: boolean }>([
    { name: 'a value that is another', lie: forgedState((answer) => void answer.entries.forEach((entry) => (entry.value = Uint8Array.of(0xa0)))), told: true },
    { name: 'a value that is left out', lie: forgedState((answer) => void answer.entries.forEach((entry) => (entry.value = null))), told: true },
    { name: 'too few entries', lie: forgedState((answer) => void answer.entries.pop()), told: true },
    { name: 'a state that no header binds', lie: forgedState((answer) => void (answer.tip.stateRoot = new Uint8Array(32))), told: false },
    { name: 'a header with another app hash', lie: forgedHead, told: true },
    { name: 'headers of strangers', lie: strangers, told: true },
    { name: 'what is no answer', lie: () => ({ nothing: 1 }), told: true },
    { name: 'an error to everything', lie: () => refusal, told: false },
    { name: 'nothing', lie: () => silence, told: false },
  ])('$name from three of four nodes: the fourth is believed', { timeout: 20_000 }, async ({ lie, told }) => {
    for (const node of nodes.slice(0, 3)) node.lie = lie;
    const { entries } = must(await ledger.read(keysRead));
    expect(decodeRecord('party', entries[0]?.value ?? new Uint8Array())).toMatchObject({ id: 'registrar' });
    if (told) expect(lies.length).toBeGreaterThan(0);
  });

  test('from nodes that all lie is nothing', { timeout: 20_000 }, async () => {
    everyone(forgedState((answer) => void answer.entries.forEach((entry) => (entry.value = null))));
    expect(await ledger.read(keysRead)).toMatchObject({ ok: false, failure: { code: 'hub-unreachable' } });
    everyone(() => silence);
    expect(await ledger.values(keysRead)).toMatchObject({ ok: false, failure: { code: 'hub-unreachable' } });
  });

  test('is never older than what was given out before', { timeout: 20_000 }, async () => {
    const answers = new Map<string, unknown>();
    const [stale] = nodes as [ScriptedNode];
    stale.lie = (method, params, truth) => {
      const question = `${method} ${JSON.stringify(params)}`;
      if (!answers.has(question)) answers.set(question, truth());
      return answers.get(question);
    };
    for (let i = 0; i < 4; i++) await ledger.read(keysRead);
    await ledger.submit(await register(lin));
    await inMempool();
    honest.block();
    honest.block();
    const sizeRead = async (): Promise<number> => {
      const verified = verifyHead(must(await ledger.read(keysRead)).head, trust, nodeCrypto);
      return verified.ok ? verified.value.logSize : -1;
    };
    // The one that stands still may be asked first, once more.
    while ((await sizeRead()) === 0);
    const sizes: number[] = [];
    for (let i = 0; i < 8; i++) sizes.push(await sizeRead());
    expect(sizes).toEqual(Array.from({ length: 8 }, () => 1));
  });

  /** These nodes say for ever what is true by now. */
  async function standStill(...of: number[]): Promise<void> {
    for (const i of of) {
      const node = nodes[i] as ScriptedNode;
      const answers = new Map<string, unknown>();
      node.lie = (method, params, truth) => {
        const question = `${method} ${JSON.stringify(params)}`;
        if (!answers.has(question)) answers.set(question, truth());
        return answers.get(question);
      };
      const asked = cometNode({ url: urls[i] ?? '', deadlineMs: 1500 });
      const answered = [await asked.query('/state', keysRead), await asked.lightBlock(honest.height, () => undefined), await asked.lightBlock(honest.height + 1, () => undefined)];
      expect(answered.map((one) => one.ok)).toEqual([true, true, false]);
    }
  }
  const headRead = async (): Promise<{ height: number; timeMs: number }> => {
    const verified = verifyHead(must(await ledger.read(keysRead)).head, trust, nodeCrypto);
    if (!verified.ok) throw new Error(verified.failure.code);
    return verified.value;
  };

  test('is never older than the newest block that was handed on, though most nodes stand still', { timeout: 20_000 }, async () => {
    await followed();
    await standStill(0, 1, 2);
    for (let i = 0; i < 3; i++) {
      honest.block();
      await until(() => handedOn.at(-1)?.height === honest.height);
      const [first] = nodes as [ScriptedNode];
      // Until one that stands still was asked as well. A head is of the height before the header that signs it.
      const before = first.asked.length;
      while (first.asked.length === before) expect((await headRead()).height).toBe(honest.height - 1);
    }
  });

  test('is not too old as long as one node has gone on', { timeout: 20_000 }, async () => {
    await followed();
    await standStill(0, 1, 2);
    await ledger.close();
    honest.timeMs += 900_001;
    honest.block();
    // Opened anew, it has given out nothing yet, and follows nothing.
    const now = honest.timeMs;
    open({ clock: () => now, times: { answerMs: 1500, headerMs: 1000, pollMs: 3_600_000, againMs: 3_600_000 } });
    for (let i = 0; i < 4; i++) expect((await headRead()).timeMs).toBe(now);
  });

  test('is too old, rather than nothing, where every node stands still', { timeout: 20_000 }, async () => {
    await ledger.close();
    const now = honest.timeMs + 900_001;
    open({ clock: () => now });
    expect(now - (await headRead()).timeMs).toBe(900_001);
  });

  test('for the hub itself comes from no head that is too old', async () => {
    await ledger.close();
    const age = honest.timeMs;
    open({ clock: () => age + 900_001 });
    expect(await ledger.values(keysRead)).toMatchObject({ ok: false, failure: { code: 'head-too-old' } });
    expect((await ledger.read(keysRead)).ok).toBe(true);
  });

  test('after the trusting period is nothing', async () => {
    await followed();
    await ledger.close();
    const later = honest.timeMs + trustRoot.trustingPeriodMs;
    open({ clock: () => later });
    expect(await ledger.read(keysRead)).toMatchObject({ ok: false, failure: { code: 'trust-expired' } });
  });

  test('between two heads, for a light client: blocks, and the log’s continuation', async () => {
    const before = must(await ledger.read([]));
    for (const one of [lin, residentOf('chen'), residentOf('wang')]) honest.block([await register(one)]);
    honest.block();
    const block = must(await ledger.block(4));
    expect(decodeLightBlock(block ?? new Uint8Array(), chain, nodeCrypto)?.header.height).toBe(4);
    expect(must(await ledger.block(400))).toBeNull();
    const after = verifyHead(must(await ledger.head()), trust, nodeCrypto);
    if (!after.ok) throw new Error('no head');
    expect(verifyHead(before.head, trust, nodeCrypto)).toMatchObject({ value: { logSize: 0 } });
    const path = must(await ledger.consistency(2, 3)) ?? [];
    const log = honest.application.log;
    expect(verifyConsistency({ first: 2, firstRoot: log.root(2), second: 3, secondRoot: after.value.logRoot, path }, nodeCrypto)).toBe(true);
    expect(must(await ledger.consistency(2, 400))).toBeNull();
  });
});

describe('entries of the log', () => {
  const residents = Array.from({ length: 9 }, (_, i) => residentOf(`r${i}`));
  let envelopes: Uint8Array[];
  beforeEach(async () => {
    envelopes = await Promise.all(residents.map((one) => register(one)));
    for (const envelope of envelopes) honest.block([envelope]);
    honest.block();
  });
  const query = (path: string, change: (answer: unknown[]) => unknown[]): Lie => (method, params, truth) => {
    if (method !== 'abci_query' || params.path !== path) return undefined;
    const { response } = truth() as { response: { value: string } };
    const answer = decodeCbor(new Uint8Array(Buffer.from(response.value, 'base64'))) as unknown as unknown[];
    return { response: { ...response, value: Buffer.from(encodeCbor(change(answer) as Parameters<typeof encodeCbor>[0])).toString('base64') } };
  };

  test('are those of the log that the validators signed, and none behind its end', async () => {
    expect(must(await ledger.entries(0, 100))).toEqual(envelopes);
    expect(must(await ledger.entries(3, 2))).toEqual(envelopes.slice(3, 5));
    expect(must(await ledger.entries(8, 5))).toEqual(envelopes.slice(8));
    expect(must(await ledger.entries(9, 5))).toEqual([]);
  });

  test.each<{ name: string; change: (answer: unknown[]) => unknown[]; told: boolean }>([
    { name: 'two that are swapped', change: (answer) => [answer[0], answer[2], answer[1], ...answer.slice(3)], told: true },
    { name: 'one that stands there twice', change: (answer) => [answer[0], answer[0], ...answer.slice(2)], told: true },
    { name: 'one that is left out', change: (answer) => answer.toSpliced(4, 1), told: false },
    { name: 'one that is none', change: (answer) => answer.with(3, Uint8Array.of(1)), told: true },
    { name: 'all of them gone', change: () => [], told: false },
  ])('$name from three of four nodes: the fourth is believed', { timeout: 20_000 }, async ({ change, told }) => {
    for (const node of nodes.slice(0, 3)) node.lie = query('/log/entries', change);
    expect(must(await ledger.entries(0, 100))).toEqual(envelopes);
    if (told) expect(lies.some((lie) => lie.includes('entries'))).toBe(true);
    everyone(query('/log/entries', change));
    expect(await ledger.entries(0, 100)).toMatchObject({ ok: false, failure: { code: 'hub-unreachable' } });
  });
});

describe('what is submitted', () => {
  test('is queued, then recorded with a receipt that holds, and handed on in its block', async () => {
    await followed();
    const envelope = await register(lin);
    const id = idOf(envelope);
    expect(must(await ledger.submit(envelope))).toEqual({ state: 'queued' });
    expect(must(await ledger.submit(envelope))).toEqual({ state: 'queued' });
    await inMempool();
    expect(must(await ledger.state(id))).toEqual({ state: 'queued' });
    expect(must(await ledger.receipt(id, 0))).toBeNull();
    const receipt = ledger.receipt(id, 10_000);
    honest.block();
    honest.block();
    const proof = verifyReceipt(must(await receipt) ?? new Uint8Array(), trust, nodeCrypto);
    expect(proof).toMatchObject({ ok: true, value: { transaction: id, index: 0 } });
    const recorded = { state: 'recorded', height: honest.height - 1, index: 0 };
    expect(must(await ledger.state(id))).toEqual(recorded);
    expect(must(await ledger.submit(envelope))).toEqual(recorded);
    expect(handedOn.flatMap(({ transactions }) => transactions.map((one) => toHex(one.id)))).toEqual([toHex(id)]);
  });

  test('and refused by the rules on proven values is rejected at once, whatever the nodes would say', async () => {
    const unknown = await envelopeOf(body([registerAct(lin)]), [lin.aut, lin.sig]);
    everyone((method) => (method === 'broadcast_tx_sync' ? { code: 0, data: '', log: '' } : undefined));
    expect(must(await ledger.submit(unknown))).toEqual({ state: 'rejected', code: 'signer-unknown' });
    expect(must(await ledger.submit(Uint8Array.of(1)))).toEqual({ state: 'rejected', code: 'envelope-malformed' });
    expect(must(await ledger.submit(await envelopeOf(body([registerAct(lin)], { chain: 'other' }), [keys.staff, lin.sig])))).toEqual({ state: 'rejected', code: 'chain-wrong' });
  });

  test('and refused by a lying node stays queued, and is recorded', async () => {
    await followed();
    everyone((method) => (method === 'broadcast_tx_sync' ? { code: 1, data: '', log: 'key-taken' } : undefined));
    const envelope = await register(lin);
    expect(must(await ledger.submit(envelope))).toEqual({ state: 'queued' });
    for (let i = 0; i < 5; i++) {
      honest.block();
      await until(() => handedOn.at(-1)?.height === honest.height);
    }
    expect(must(await ledger.state(idOf(envelope)))).toEqual({ state: 'queued' });
    everyone(null);
    await inMempool();
    honest.block();
    honest.block();
    await until(() => handedOn.some(({ transactions }) => transactions.length === 1));
    expect(must(await ledger.state(idOf(envelope)))).toMatchObject({ state: 'recorded' });
  });

  test('while no node answers is queued, survives a restart, and is recorded once they are back', { timeout: 20_000 }, async () => {
    await followed();
    everyone(() => silence);
    const envelope = await register(lin);
    expect(must(await ledger.submit(envelope))).toEqual({ state: 'queued' });
    await ledger.close();
    everyone(null);
    open();
    expect(must(await ledger.state(idOf(envelope)))).toEqual({ state: 'queued' });
    await inMempool();
    honest.block();
    honest.block();
    await until(() => handedOn.some(({ transactions }) => transactions.length === 1));
    expect(must(await ledger.state(idOf(envelope)))).toMatchObject({ state: 'recorded' });
  });

  test('and refused by the validators in a block is rejected with their code', async () => {
    await followed();
    everyone((method) => (method === 'broadcast_tx_sync' ? silence : undefined));
    const [one, other] = [await register(lin), await register(lin)];
    expect(must(await ledger.submit(other))).toEqual({ state: 'queued' });
    honest.block([one, other]);
    honest.block();
    await until(() => handedOn.some(({ transactions }) => transactions.length === 1));
    const code = Buffer.from(honest.blocks.at(-2)?.results[1]?.data ?? '').toString();
    expect(code).toMatch(/^[a-z-]{5,}$/);
    expect(must(await ledger.state(idOf(other)))).toEqual({ state: 'rejected', code });
  });

  test('and standing in a block under a signature that somebody broke goes on waiting, and is recorded', async () => {
    await followed();
    everyone((method) => (method === 'broadcast_tx_sync' ? { code: 0, data: '', log: '' } : undefined));
    const envelope = await register(lin);
    expect(must(await ledger.submit(envelope))).toEqual({ state: 'queued' });
    const id = idOf(envelope);
    const opened = openEnvelope(envelope, nodeCrypto);
    if (!opened.ok) throw new Error(opened.failure.code);
    const { bodyBytes, signers } = opened.value;
    const known = [keys.staff.key, lin.sig.key];
    const broken = assembleEnvelope(bodyBytes, signers.map(({ signature }, i) => ({ key: known[i] ?? lin.sig.key, signature: signature.map((byte, at) => (at === 3 ? byte ^ 1 : byte)) })), nodeCrypto);
    honest.block([broken]);
    honest.block();
    await until(() => handedOn.at(-1)?.height === honest.height - 1);
    expect(Buffer.from(honest.blocks.at(-2)?.results[0]?.data ?? '').toString()).toBe('signature-invalid');
    expect(must(await ledger.state(id))).toEqual({ state: 'queued' });
    honest.block([envelope]);
    honest.block();
    await until(() => handedOn.some(({ transactions }) => transactions.length === 1));
    expect(must(await ledger.state(id))).toMatchObject({ state: 'recorded' });
  });

  test('and not recorded before its time is over has expired', { timeout: 20_000 }, async () => {
    await followed();
    everyone((method) => (method === 'broadcast_tx_sync' ? { code: 0, data: '', log: '' } : undefined));
    const envelope = await envelopeOf(body([registerAct(lin)], { notAfter: Math.floor(honest.timeMs / 1000) + 3 }), [keys.staff, lin.sig]);
    expect(must(await ledger.submit(envelope))).toEqual({ state: 'queued' });
    for (let i = 0; i < 6; i++) honest.block();
    await until(() => handedOn.at(-1)?.height === honest.height);
    let state = must(await ledger.state(idOf(envelope)));
    while (state.state === 'queued') {
      await ledger.head();
      state = must(await ledger.state(idOf(envelope)));
    }
    expect(state).toEqual({ state: 'rejected', code: 'expired' });
  });

  test('has not expired on the word of nodes that are not past its time themselves', { timeout: 20_000 }, async () => {
    await followed();
    everyone((method) => (method === 'broadcast_tx_sync' ? silence : undefined));
    const envelope = await envelopeOf(body([registerAct(lin)], { notAfter: Math.floor(honest.timeMs / 1000) + 3 }), [keys.staff, lin.sig]);
    const id = idOf(envelope);
    // What the state was before, with the header that binds it: an honest node that is behind.
    const ask = async (path: '/state' | '/receipt'): Promise<unknown> => {
      const data = toHex(encodeCbor(path === '/state' ? [] : { transaction: id, place: 'own' }));
      const answer = await fetch(urls[0] ?? '', { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'abci_query', params: { path, data } }) });
      return ((await answer.json()) as { result: unknown }).result;
    };
    const old = { '/state': await ask('/state'), '/receipt': await ask('/receipt') };
    let receiptsAsked = 0;
    everyone((method, params) => {
      if (method === 'broadcast_tx_sync') return silence;
      if (method !== 'abci_query') return undefined;
      if (params.path === '/receipt') receiptsAsked += 1;
      return params.path === '/receipt' || params.path === '/state' ? old[params.path] : undefined;
    });
    expect(must(await ledger.submit(envelope))).toEqual({ state: 'queued' });
    for (let i = 0; i < 8; i++) honest.block();
    await until(() => handedOn.at(-1)?.height === honest.height);
    const before = receiptsAsked;
    while (receiptsAsked < before + 12) {
      await ledger.head();
      expect(must(await ledger.state(id))).toEqual({ state: 'queued' });
    }
    everyone(null);
    let state = must(await ledger.state(id));
    while (state.state === 'queued') {
      await ledger.head();
      state = must(await ledger.state(id));
    }
    expect(state).toEqual({ state: 'rejected', code: 'expired' });
  });

  test('behind a long queue is queued without being judged', { timeout: 60_000 }, async () => {
    await ledger.close();
    open({ times: { answerMs: 1500, headerMs: 1000, pollMs: 3_600_000, againMs: 3_600_000 } });
    const refusedByRules = (): Promise<Uint8Array> => envelopeOf(body([registerAct(residentOf('nobody'))]), [residentOf('nobody').aut, residentOf('nobody').sig]);
    for (let i = 0; i < 64; i++) expect(must(await ledger.submit(await register(residentOf(`r${i}`))))).toEqual({ state: 'queued' });
    expect(must(await ledger.submit(await refusedByRules()))).toEqual({ state: 'rejected', code: 'signer-unknown' });
    expect(must(await ledger.submit(await register(residentOf('last'))))).toEqual({ state: 'queued' });
    const asked = nodes.flatMap((node) => node.asked).filter((method) => method === 'abci_query').length;
    expect(must(await ledger.submit(await refusedByRules()))).toEqual({ state: 'queued' });
    expect(nodes.flatMap((node) => node.asked).filter((method) => method === 'abci_query').length - asked).toBe(0);
  });

  test('is refused with hub-busy where too much waits', async () => {
    await ledger.close();
    open({ mostQueued: 1 });
    expect(must(await ledger.submit(await register(lin)))).toEqual({ state: 'queued' });
    expect(await ledger.submit(await register(residentOf('chen')))).toMatchObject({ ok: false, failure: { code: 'hub-busy' } });
  });
});

describe('blocks', () => {
  test.each<{ name: string; lie: Lie }>([
    { name: 'other results', lie: (method, params) => (method === 'block_results' ? { height: params.height, txs_results: [{ code: 1, data: Buffer.from('key-taken').toString('base64') }] } : undefined) },
    { name: 'no results', lie: (method, params) => (method === 'block_results' ? { height: params.height, txs_results: null } : undefined) },
    { name: 'other transactions', lie: (method) => (method === 'block' ? { block: { data: { txs: [] } } } : undefined) },
  ])('with $name from three of four nodes are handed on as they are', { timeout: 20_000 }, async ({ lie }) => {
    await followed();
    for (const node of nodes.slice(0, 3)) node.lie = lie;
    const envelope = await register(lin);
    honest.block([envelope]);
    honest.block();
    await until(() => handedOn.length === 2);
    expect(handedOn[0]?.transactions).toMatchObject([{ id: idOf(envelope), index: 0 }]);
    expect(lies.every((one) => /^[012] (transactions|results) of height \d+$/.test(one))).toBe(true);
  });

  test('are handed on in order, without gaps, also those of a time when nobody listened', { timeout: 20_000 }, async () => {
    await followed();
    const from = honest.height + 1;
    await ledger.close();
    for (const one of ['a', 'b', 'c']) {
      honest.block([await register(residentOf(one))]);
      honest.block();
    }
    open();
    await until(() => handedOn.at(-1)?.height === honest.height);
    expect(handedOn.map(({ height }) => height)).toEqual(Array.from({ length: 6 }, (_, i) => from + i));
    expect(handedOn.flatMap(({ transactions }) => transactions.map(({ index }) => index))).toEqual([0, 1, 2]);
  });
});

test('two blocks of one height are kept as evidence, and nothing is believed any more, after a restart either', async () => {
  await followed();
  const { height } = honest;
  const { appHash: bound, lastBlockId } = honest.blocks[height - 1]?.light.header ?? {};
  const twice = honest.light(height, [], { header: { evidenceHash: new Uint8Array(32), appHash: bound ?? new Uint8Array(), lastBlockId: lastBlockId ?? null } });
  everyone((method, params) => (method === 'commit' && Number(params.height) === height ? commitJson(twice) : undefined));
  expect(await ledger.read([])).toMatchObject({ ok: false, failure: { code: 'ledger-split' } });
  expect(splits).toEqual(['two blocks of one height']);
  everyone(null);
  expect(await ledger.head()).toMatchObject({ ok: false, failure: { code: 'ledger-split' } });
  await ledger.close();
  open();
  expect(await ledger.head()).toMatchObject({ ok: false, failure: { code: 'ledger-split' } });
});
