import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLightClient, query, type LightClient, type LightClientOptions } from '../../../src/ledger/client/light-client.ts';
import { openEmbeddedLedger, type EmbeddedLedger } from '../../../src/ledger/engines/embedded.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { toBase64url } from '../../../src/ledger/verify/bytes.ts';
import { decodeCbor } from '../../../src/ledger/verify/cbor.ts';
import { encodeHead, type SignedHead } from '../../../src/ledger/verify/head.ts';
import { decodeLightBlock, encodeLightBlock } from '../../../src/ledger/verify/light-block.ts';
import { blockTimeMs, LightChain, setOf, type BlockChange, type Powers } from '../light-chain.ts';
import { chain, genesis, keys, lin, now, register } from '../small-district.ts';

const minute = 60_000;

describe('over a real ledger', () => {
  let folder: string;
  let ledger: EmbeddedLedger;
  let time: number;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'light-'));
    time = now * 1000;
    const opened = openEmbeddedLedger({ path: join(folder, 'ledger.sqlite'), genesis, validator: keys.validator, clock: () => time, heartbeatMs: 3600_000, begin: true });
    if (!opened.ok) throw new Error(opened.failure.detail);
    ledger = opened.value;
  });
  afterEach(async () => {
    await ledger.close();
    rmSync(folder, { recursive: true });
  });

  const trustRoot = { chain, height: 1, trustingPeriodMs: 86_400_000, validators: [{ alg: -19 as const, key: toBase64url(keys.validator.key[1]), power: 10 }] };
  /** Stands where the socket would: the hub's own answers, and those of a hub that lies. */
  const hubOf = (lie: { value?: Uint8Array | null } = {}): LightClientOptions['hub'] => ({
    call: async (method, params) => {
      const asked = params as { keys: Uint8Array[]; first: number; second: number };
      if (method === 'head.get') {
        const head = await ledger.head();
        return (head.ok ? { ok: true, value: { head: head.value } } : head) as never;
      }
      if (method === 'log.consistency') {
        const path = await ledger.consistency(asked.first, asked.second);
        return (path.ok ? { ok: true, value: { path: path.value } } : path) as never;
      }
      const answer = await ledger.read(asked.keys);
      const [entry] = answer.ok ? answer.value.entries : [];
      if (entry !== undefined && lie.value !== undefined) entry.value = lie.value;
      return answer as never;
    },
  });
  const client = (more: Partial<LightClientOptions> = {}): LightClient =>
    createLightClient({ hub: hubOf(), trustRoot, crypto: nodeCrypto, clock: () => time, maxHeadAgeMs: 900_000, ...more });

  async function registered(): Promise<void> {
    const block = new Promise<void>((resolve) => void ledger.onBlock(({ transactions }) => transactions.length === 0 && resolve()));
    await ledger.submit(await register(lin));
    await block;
  }

  test('reads what is proven, and what is proven to be absent', async () => {
    await registered();
    const read = await client().read([query.resident(lin.id), query.service('tax/none'), query.party('registrar')]);
    expect(read).toMatchObject({ ok: true, value: { records: [{ state: 'active', counter: 1 }, null, { party: 'registrar' }] } });
  });

  test('believes no value that is not proven', async () => {
    expect(await client({ hub: hubOf({ value: Uint8Array.of(0xa0) }) }).read([query.resident(lin.id)])).toMatchObject({ ok: false, failure: { code: 'proof-invalid' } });
    await registered();
    expect(await client({ hub: hubOf({ value: null }) }).read([query.resident(lin.id)])).toMatchObject({ ok: false, failure: { code: 'proof-invalid' } });
  });

  test('follows a log that grows', async () => {
    const light = client();
    expect((await light.refresh()).ok).toBe(true);
    await registered();
    expect(await light.refresh()).toMatchObject({ ok: true, value: { logSize: 1 } });
    await ledger.submit(await register({ ...lin, id: new Uint8Array(16) }));
    expect(await light.refresh()).toMatchObject({ ok: true });
  });

  test('takes no head of another validator, and none that is too old or from the future', async () => {
    const other = { ...trustRoot, validators: [{ alg: -19 as const, key: toBase64url(keys.hub.key[1]), power: 10 }] };
    expect(await client({ trustRoot: other }).refresh()).toMatchObject({ ok: false, failure: { code: 'head-invalid' } });
    const head = await client().refresh();
    if (!head.ok) throw new Error(head.failure.code);
    const at = (ms: number) => client({ clock: () => head.value.timeMs + ms }).refresh();
    expect((await at(900_000)).ok).toBe(true);
    expect(await at(900_001)).toMatchObject({ ok: false, failure: { code: 'head-too-old' } });
    expect((await at(-300_000)).ok).toBe(true);
    expect(await at(-300_001)).toMatchObject({ ok: false, failure: { code: 'head-invalid' } });
  });
});

describe('over a chain whose set changes', () => {
  const four: Powers = { a: 10, b: 10, c: 10, d: 10 };
  /** Every twenty heights one of four gives way to a new one. */
  const setAt = (height: number): Powers => Object.fromEntries([0, 1, 2, 3].map((i) => [`v${Math.floor(height / 20) + i}`, 10]));
  const moving = new LightChain(setAt);
  const rootOf = (height: number, of = moving) => ({
    chain,
    height,
    trustingPeriodMs: 1000 * minute,
    validators: of.at(height).validators.map(({ key, power }) => ({ alg: -19 as const, key: toBase64url(key), power })),
  });

  let kept: { trust: Uint8Array[]; splits: Uint8Array[] };
  let height: number;
  let asked: string[];
  beforeEach(() => {
    kept = { trust: [], splits: [] };
    height = 1;
    asked = [];
  });

  const forged = (of: LightChain, at: number, change: BlockChange = {}): Uint8Array => {
    const shown = change.shown ?? of.shownAt(at);
    const head: SignedHead = { ...of.forge(at, change), ...shown };
    return encodeHead(head);
  };
  /** A hub at `height` of this chain, or one that gives out `head`. */
  const hubOf = (of: LightChain, head?: () => Uint8Array): LightClientOptions['hub'] => ({
    call: (method, params) => {
      asked.push(method);
      const { height: wanted, first, second } = params as { height: number; first: number; second: number };
      const value =
        method === 'head.get'
          ? { head: head?.() ?? of.headAt(height) }
          : method === 'block.get'
            ? { block: encodeLightBlock(of.at(wanted)) }
            : { path: of.consistency(first, second) };
      return Promise.resolve({ ok: true, value } as never);
    },
  });
  const client = (more: Partial<LightClientOptions> = {}): LightClient =>
    createLightClient({
      hub: hubOf(moving),
      trustRoot: rootOf(1),
      crypto: nodeCrypto,
      clock: () => blockTimeMs(height),
      maxHeadAgeMs: 15 * minute,
      onTrust: (trust) => kept.trust.push(trust),
      onSplit: (evidence) => kept.splits.push(evidence),
      ...more,
    });
  const refused = (code: string, detail?: RegExp) => ({ ok: false, failure: { code, ...(detail === undefined ? {} : { detail: expect.stringMatching(detail) as unknown }) } });

  test('follows it to where nobody of the trust root is left, and receipts are judged by those who sign now', async () => {
    const light = client();
    for (height = 5; height < 200; height += 15) expect(await light.refresh()).toMatchObject({ ok: true, value: { height: height - 1 } });
    height -= 15;
    expect(light.trust.validators).toEqual(setOf(setAt(height)));
    expect(asked).not.toContain('block.get');
  });

  test('after a long pause it asks for blocks in between', async () => {
    const light = client();
    height = 5;
    expect((await light.refresh()).ok).toBe(true);
    height = 200;
    expect((await light.refresh()).ok).toBe(true);
    expect(asked).toContain('block.get');
  });

  test('goes on after a restart from what it saved, not from the root', async () => {
    height = 60;
    expect((await client().refresh()).ok).toBe(true);
    height = 65;
    asked = [];
    const again = client({ savedTrust: kept.trust.at(-1) });
    expect(again.newest?.height).toBe(59);
    expect((await again.refresh()).ok).toBe(true);
    expect(asked).toEqual(['head.get', 'log.consistency']);
  });

  test('takes no older head than it has seen, not even after a restart', async () => {
    height = 30;
    expect((await client().refresh()).ok).toBe(true);
    height = 29;
    expect(await client({ savedTrust: kept.trust.at(-1), clock: () => blockTimeMs(30) }).refresh()).toMatchObject(refused('head-invalid', /older/));
    expect((await client().refresh()).ok).toBe(true);
  });

  test.each([
    { name: 'damaged', change: (saved: Uint8Array) => saved.map((byte, i) => (i === 300 ? byte ^ 1 : byte)) },
    { name: 'cut off', change: (saved: Uint8Array) => saved.subarray(0, 100) },
    { name: 'empty', change: () => new Uint8Array() },
  ])('what was saved and is $name is as if nothing had been', async ({ change }) => {
    height = 10;
    expect((await client().refresh()).ok).toBe(true);
    const again = client({ savedTrust: change(kept.trust.at(-1) ?? new Uint8Array()) });
    expect(again.newest).toBeNull();
    expect((await again.refresh()).ok).toBe(true);
  });

  test('a log that was written anew is not believed, whoever signed it', async () => {
    const rewritten = new LightChain(setAt, 'two');
    const light = client();
    height = 20;
    expect((await light.refresh()).ok).toBe(true);
    height = 30;
    const lying = { call: hubOf(rewritten, () => forged(moving, 30, { shown: rewritten.shownAt(30) })).call };
    const saved = kept.trust.at(-1);
    expect(await client({ hub: lying, savedTrust: saved }).refresh()).toMatchObject(refused('proof-invalid', /continuation/));
    expect(kept.splits).toEqual([]);
    expect((await client({ hub: lying }).refresh()).ok).toBe(true);
  });

  test('a signed log that got shorter, and one of the same size with other entries, is evidence', async () => {
    const rewritten = new LightChain(setAt, 'two');
    for (const shown of [moving.shownAt(12), rewritten.shownAt(20)]) {
      height = 20;
      const light = client({ hub: hubOf(moving, () => (height === 20 ? moving.headAt(20) : forged(moving, height, { shown }))) });
      expect((await light.refresh()).ok).toBe(true);
      height = 25;
      expect(await light.refresh()).toMatchObject(refused('ledger-split', /log/));
    }
    expect(kept.splits).toHaveLength(2);
  });

  describe('that splits in two', () => {
    const other = new LightChain(() => four, 'two');
    const one = new LightChain(() => four);
    const split = (heads: Uint8Array[], more: Partial<LightClientOptions> = {}): LightClient =>
      client({ trustRoot: rootOf(1, one), hub: hubOf(one, () => heads.shift() ?? one.headAt(40)), ...more });

    test.each([
      { name: 'at one height', second: () => other.headAt(20), what: /two blocks of one height/ },
      { name: 'at the next height', second: () => other.headAt(21), what: /built on another block/ },
      { name: 'at a later height, of an earlier time', second: () => forged(one, 30, { time: one.at(19).header.time }), what: /time went backwards/ },
    ])('$name: both are kept, and nothing is believed any more', async ({ second, what }) => {
      height = 30;
      const light = split([one.headAt(20), second()]);
      expect((await light.refresh()).ok).toBe(true);
      expect(await light.refresh()).toMatchObject(refused('ledger-split', what));
      expect(await light.refresh()).toMatchObject(refused('ledger-split', what));
      expect(light.refusal()).toMatchObject({ code: 'ledger-split' });
      expect(kept.splits).toHaveLength(1);
      const evidence = decodeCbor(kept.splits[0] ?? new Uint8Array()) as { one: Uint8Array; other: Uint8Array };
      expect(decodeLightBlock(evidence.one, chain, nodeCrypto)).toEqual(one.at(20));
      expect(decodeLightBlock(evidence.other, chain, nodeCrypto)?.validators).toEqual(setOf(four));
    });

    test('is found out also by answers that cross', async () => {
      height = 20;
      const [first, second] = await (async (light: LightClient) => Promise.all([light.refresh(), light.refresh()]))(split([one.headAt(20), other.headAt(20)]));
      expect(first).toMatchObject({ ok: true });
      expect(second).toMatchObject(refused('ledger-split'));
    });

    test('stays so over a restart, until the trust root is another', async () => {
      height = 20;
      const light = split([one.headAt(20), other.headAt(20)]);
      await light.refresh();
      await light.refresh();
      const [savedSplit] = kept.splits;
      height = 40;
      expect(await split([], { savedSplit }).refresh()).toMatchObject(refused('ledger-split'));
      expect((await split([], { savedSplit, trustRoot: rootOf(35, one) }).refresh()).ok).toBe(true);
    });

    test('by a block of which too little is trusted is a lie and no evidence', async () => {
      height = 20;
      const light = split([one.headAt(20), forged(other, 20, { powers: { x: 10, y: 10 } }), one.headAt(20)]);
      expect((await light.refresh()).ok).toBe(true);
      expect(await light.refresh()).toMatchObject(refused('head-invalid'));
      expect((await light.refresh()).ok).toBe(true);
      expect(kept.splits).toEqual([]);
    });
  });

  describe('in the dark', () => {
    const dark = 1000;

    test.each([
      { name: 'for less than the trusting period it goes on', nowHeight: 10 + dark - 1, expected: { ok: true } },
      { name: 'for the trusting period it wants a new trust root', nowHeight: 10 + dark, expected: { ok: false, failure: { code: 'trust-expired' } } },
    ])('$name', async ({ nowHeight, expected }) => {
      const still = new LightChain(() => four);
      height = 10;
      const light = client({ trustRoot: rootOf(1, still), hub: hubOf(still) });
      expect((await light.refresh()).ok).toBe(true);
      height = nowHeight;
      expect(await light.refresh()).toMatchObject(expected);
      expect(light.refusal()?.code ?? null).toBe(expected.ok ? null : 'trust-expired');
    });

    test('a new trust root of a later height ends it, and the log goes on from where it was', async () => {
      const still = new LightChain(() => four);
      height = 10;
      expect((await client({ trustRoot: rootOf(1, still), hub: hubOf(still) }).refresh()).ok).toBe(true);
      const savedTrust = kept.trust.at(-1);
      height = 10 + dark;
      const renewed = client({ trustRoot: rootOf(9 + dark, still), hub: hubOf(still), savedTrust });
      expect(renewed.refusal()).toBeNull();
      expect((await renewed.refresh()).ok).toBe(true);
      const rewritten = new LightChain(() => four, 'two');
      const lied = client({ trustRoot: rootOf(9 + dark, rewritten), hub: hubOf(rewritten), savedTrust });
      expect(await lied.refresh()).toMatchObject(refused('proof-invalid', /continuation/));
    });

    test('a first head of long ago is not begun with', async () => {
      height = 10;
      const light = client({ clock: () => blockTimeMs(10 + dark) });
      expect(await light.refresh()).toMatchObject(refused('head-too-old'));
      expect(light.newest).toBeNull();
      height = 1005;
      expect((await light.refresh()).ok).toBe(true);
    });
  });
});
