import { beforeEach, expect, test } from 'vitest';
import { fail, ok } from '../../../../src/contract/result.ts';
import { readProven } from '../../../../src/ledger/engines/cometbft/proven-read.ts';
import type { CometNode } from '../../../../src/ledger/engines/cometbft/rpc.ts';
import { VerifiedChain } from '../../../../src/ledger/engines/cometbft/verified-chain.ts';
import { nodeCrypto } from '../../../../src/ledger/node-crypto.ts';
import type { LightBlock } from '../../../../src/ledger/verify/light-block.ts';
import { setOf } from '../../light-chain.ts';
import { chain as chainName } from '../../small-district.ts';
import { four, ScriptedChain } from './scripted-chain.ts';

let honest: ScriptedChain;
let nowMs: number;
let splits: string[];
let chain: VerifiedChain;

beforeEach(() => {
  honest = new ScriptedChain();
  for (let i = 0; i < 20; i++) honest.block();
  nowMs = honest.timeMs;
  splits = [];
  const root = { chain: chainName, height: 1, validators: setOf(four) };
  chain = new VerifiedChain({ root, trustingPeriodMs: 86_400_000, crypto: nodeCrypto, clock: () => nowMs, onSplit: (_, what) => splits.push(what) });
});

const blockAt = (height: number): LightBlock => {
  const made = honest.blocks[height - 1];
  if (made === undefined) throw new Error(`no block ${height}`);
  return made.light;
};

/** A node that has the honest chain's blocks and its application's tip. */
const node = (change: Partial<CometNode> = {}): CometNode => {
  const never = () => Promise.resolve(fail('silent'));
  return {
    url: 'http://node.example',
    lightBlock: (height) => Promise.resolve(height !== null && height > honest.height ? fail('refused') : ok(blockAt(height ?? honest.height))),
    transactions: never,
    results: never,
    query: never,
    broadcast: never,
    heights: never,
    ...change,
  };
};

const strangers = (height: number): LightBlock => honest.light(height, [], { powers: { x: 10, y: 10 } });

test('a node that takes its time over blocks in between holds up nobody who asks another', async () => {
  let release = (): void => undefined;
  const asked = new Promise<void>((resolve) => (release = resolve));
  const slow = node({ lightBlock: () => asked.then(() => fail('silent')) });
  const held = chain.verify(slow, strangers(20));
  expect(await chain.verify(node(), blockAt(20))).toMatchObject({ ok: true });
  release();
  expect(await held).toMatchObject({ ok: false, failure: { code: 'silent' } });
});

test('a node that shows one stranger after the other is given up after a while', async () => {
  let shown = 0;
  const endless = node({
    lightBlock: (height) => {
      shown += 1;
      nowMs += 8000;
      return Promise.resolve(ok(strangers(height ?? 2)));
    },
  });
  expect(await chain.verify(endless, strangers(22))).toMatchObject({ ok: false, failure: { code: 'silent' } });
  expect(shown).toBe(3);
});

test('two blocks of one height that are looked at side by side are found to be two', async () => {
  const twin = honest.light(20, [], { header: { evidenceHash: new Uint8Array(32), lastBlockId: blockAt(20).header.lastBlockId } });
  const [one, other] = await Promise.all([chain.verify(node(), blockAt(20)), chain.verify(node(), twin)]);
  expect(one).toMatchObject({ ok: true });
  expect(other).toMatchObject({ ok: false, failure: { code: 'ledger-split' } });
  expect(splits).toEqual(['two blocks of one height']);
});

test.each([
  { name: 'of its own block', laterMs: 0, held: true },
  { name: 'of the header that binds it', laterMs: 1000, held: true },
  { name: 'after that header', laterMs: 1001, held: false },
  { name: 'of next year', laterMs: 365 * 86_400_000, held: false },
])('what was read is believed with a time $name: $held', async ({ laterMs, held }) => {
  const tip = honest.application.tipAt(19);
  if (tip === undefined) throw new Error('no tip');
  const telling = node({ query: () => Promise.resolve(ok({ tip: { ...tip, timeMs: tip.timeMs + laterMs }, entries: [] })) });
  const read = await readProven([], telling, chain, 100, nodeCrypto);
  expect(read).toMatchObject(held ? { ok: true, value: { tip: { height: 19 } } } : { ok: false, failure: { code: 'lies', detail: 'a time after its own header' } });
});
