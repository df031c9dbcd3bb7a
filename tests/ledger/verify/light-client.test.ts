import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fail, ok, type Failure, type Result } from '../../../src/contract/result.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { headerHash, timestampOfMs } from '../../../src/ledger/verify/block.ts';
import { decodeLightBlock, encodeLightBlock, type LightBlock } from '../../../src/ledger/verify/light-block.ts';
import { advance, verifyFromRoot, verifySame, verifyStep, type LightRules, type Start, type TrustedBlock } from '../../../src/ledger/verify/light-client.ts';
import { blockTimeMs, LightChain, setOf, type BlockChange, type Powers } from '../light-chain.ts';
import { chain } from '../small-district.ts';

const minute = 60_000;
const trustingPeriodMs = 1000 * minute;
const rulesAt = (height: number): LightRules => ({ chain, trustingPeriodMs, mostAheadMs: 5 * minute, nowMs: blockTimeMs(height) });
const four: Powers = { a: 10, b: 10, c: 10, d: 10 };
const steady = new LightChain(() => four);
const root = { chain, height: 1, validators: setOf(four) };

const trusted = (block: LightBlock): TrustedBlock => ({ ...block, hash: headerHash(block.header, nodeCrypto) });
const faultOf = (result: Result<unknown, Failure<string>>): unknown => (result.ok ? 'none' : 'fault' in result.failure ? result.failure.fault : 'none of its own');

test('a block comes out of its bytes as it went in', () => {
  const block = steady.at(9);
  expect(decodeLightBlock(encodeLightBlock(block), chain, nodeCrypto)).toEqual(block);
  expect(decodeLightBlock(encodeLightBlock(block).subarray(1), chain, nodeCrypto)).toBeUndefined();
});

describe('one step', () => {
  const from = trusted(steady.at(10));
  const step = (block: LightBlock, rules = rulesAt(21)): unknown => faultOf(verifyStep(from, block, rules, nodeCrypto));

  test.each<{ name: string; height: number; change?: BlockChange; fault: string }>([
    { name: 'to the next block', height: 11, fault: 'none' },
    { name: 'over ten', height: 20, fault: 'none' },
    { name: 'to a block that three of four signed', height: 20, change: { signedBy: ['a', 'b', 'c'] }, fault: 'none' },
    { name: 'to a block that half signed', height: 20, change: { signedBy: ['a', 'b'] }, fault: 'altered' },
    { name: 'to a block that nobody signed', height: 20, change: { signedBy: [] }, fault: 'altered' },
    { name: 'to a set of which half was trusted', height: 20, change: { powers: { a: 10, b: 10, x: 10, y: 10 } }, fault: 'none' },
    { name: 'to a set of which a third of the trusted power is left', height: 20, change: { powers: { a: 10, x: 10, y: 10 } }, fault: 'too-far' },
    { name: 'to strangers', height: 20, change: { powers: { x: 10, y: 10 } }, fault: 'too-far' },
    { name: 'to strangers of great power beside one who was trusted', height: 20, change: { powers: { x: 1000, a: 10 } }, fault: 'too-far' },
    { name: 'to the next block of another set than announced', height: 11, change: { powers: { a: 10, b: 10, c: 10 } }, fault: 'other-set' },
    { name: 'to the next block built on another', height: 11, change: { header: { lastBlockId: { hash: new Uint8Array(32), parts: { total: 1, hash: new Uint8Array(32) } } } }, fault: 'contradiction' },
    { name: 'to a later block of an earlier time', height: 20, change: { time: timestampOfMs(blockTimeMs(9)) }, fault: 'contradiction' },
    { name: 'to a later block of the same time', height: 20, change: { time: timestampOfMs(blockTimeMs(10)) }, fault: 'contradiction' },
    { name: 'to a block of another chain', height: 20, change: { chain: 'other' }, fault: 'altered' },
    { name: 'to a block whose header names another set', height: 20, change: { header: { validatorsHash: new Uint8Array(32) } }, fault: 'altered' },
    { name: 'to the same height', height: 10, fault: 'before-trust' },
    { name: 'back', height: 9, fault: 'before-trust' },
  ])('$name: $fault', ({ height, change, fault }) => {
    expect(step(change === undefined ? steady.at(height) : steady.forge(height, change))).toBe(fault);
  });

  test.each([
    { name: 'five minutes ahead of our clock', nowMs: blockTimeMs(20) - 5 * minute, fault: 'none' },
    { name: 'a little more', nowMs: blockTimeMs(20) - 5 * minute - 1, fault: 'from-future' },
    { name: 'within the trusting period', nowMs: blockTimeMs(10) + trustingPeriodMs - 1, fault: 'none' },
    { name: 'at its end', nowMs: blockTimeMs(10) + trustingPeriodMs, fault: 'expired' },
  ])('$name: $fault', ({ nowMs, fault }) => {
    expect(step(steady.at(20), { ...rulesAt(0), nowMs })).toBe(fault);
  });

  test('a signature of one bit less', () => {
    const block = steady.forge(20);
    const [first] = block.commit.signatures;
    if (first === null || first === undefined) throw new Error('nobody signed');
    first.signature[5] = (first.signature[5] ?? 0) ^ 1;
    expect(step(block)).toBe('altered');
  });
});

describe('from the root', () => {
  const first = (block: LightBlock): unknown => faultOf(verifyFromRoot(root, block, rulesAt(30), nodeCrypto));

  test.each<{ name: string; height: number; change?: BlockChange; of?: number; fault: string }>([
    { name: 'to its own height', height: 1, fault: 'none' },
    { name: 'to a later one', height: 20, fault: 'none' },
    { name: 'to a set of which three of four are left', height: 20, change: { powers: { a: 10, b: 10, c: 10, x: 10 } }, fault: 'none' },
    { name: 'to a set of which half is left: more is asked than of a later step', height: 20, change: { powers: { a: 10, b: 10, x: 10 } }, fault: 'too-far' },
    { name: 'to its own height with another set', height: 1, change: { powers: { a: 10, b: 10, c: 10, d: 11 } }, fault: 'other-set' },
  ])('$name: $fault', ({ height, change, fault }) => {
    expect(first(steady.forge(height, change))).toBe(fault);
  });

  test('to a height before it', () => {
    expect(faultOf(verifyFromRoot({ ...root, height: 5 }, steady.at(4), rulesAt(5), nodeCrypto))).toBe('before-trust');
  });
});

describe('a second block of one height', () => {
  const same = (block: LightBlock): unknown => faultOf(verifySame(trusted(steady.at(10)), block, rulesAt(20), nodeCrypto));
  const other = new LightChain(() => four, 'two');

  test.each([
    { name: 'the same', block: steady.at(10), fault: 'none' },
    { name: 'the same, other signatures under it', block: steady.forge(10, { signedBy: ['b', 'c', 'd'] }), fault: 'none' },
    { name: 'of another history, signed by all', block: other.at(10), fault: 'contradiction' },
    { name: 'of another history, signed by a new set with half of the trusted', block: other.forge(10, { powers: { a: 10, b: 10, x: 5 } }), fault: 'contradiction' },
    { name: 'of another history, signed by strangers', block: other.forge(10, { powers: { x: 10 } }), fault: 'altered' },
    { name: 'of another history, signed by too few', block: other.forge(10, { signedBy: ['a', 'b'] }), fault: 'altered' },
  ])('$name: $fault', ({ block, fault }) => {
    expect(same(block)).toBe(fault);
  });
});

test('a contradiction carries both blocks, whole', () => {
  const other = new LightChain(() => four, 'two').at(10);
  expect(verifySame(trusted(steady.at(10)), other, rulesAt(20), nodeCrypto)).toMatchObject({ failure: { code: 'ledger-split', evidence: [steady.at(10), other] } });
});

describe('bisection', () => {
  /** Every ten heights one of four gives way to a new one. */
  const moving = new LightChain((height) => Object.fromEntries([0, 1, 2, 3].map((i) => [`v${Math.floor((height + 9) / 10) + i}`, 10])));
  const movingRoot = { chain, height: 1, validators: moving.at(1).validators };

  async function walk(start: Start, target: number, nowHeight = target, served: (height: number) => LightBlock = (height) => moving.at(height)) {
    const asked: number[] = [];
    const reached = await advance(start, moving.at(target), {
      rules: rulesAt(nowHeight),
      crypto: nodeCrypto,
      fetch: (height) => {
        asked.push(height);
        return Promise.resolve(ok(served(height)));
      },
    });
    return { asked, reached };
  }

  test('goes at once where it can', async () => {
    const { asked, reached } = await walk({ from: 'block', block: trusted(moving.at(11)) }, 35);
    expect(reached).toMatchObject({ ok: true, value: { header: { height: 35 } } });
    expect(asked).toEqual([]);
  });

  test('follows a set to which nobody of the root belongs any more', async () => {
    const { asked, reached } = await walk({ from: 'root', root: movingRoot }, 150);
    expect(reached).toMatchObject({ ok: true, value: { header: { height: 150 }, hash: moving.hashAt(150) } });
    expect(asked.length).toBeGreaterThan(3);
    expect(asked.length).toBeLessThan(40);
  });

  test('goes block by block where the whole set changes at once', async () => {
    const abrupt = new LightChain((height): Powers => (height < 7 ? { a: 1 } : { z: 1 }));
    const asked: number[] = [];
    const reached = await advance({ from: 'block', block: trusted(abrupt.at(1)) }, abrupt.at(12), {
      rules: rulesAt(12),
      crypto: nodeCrypto,
      fetch: (height) => {
        asked.push(height);
        return Promise.resolve(ok(abrupt.at(height)));
      },
    });
    expect(reached.ok).toBe(true);
    expect(asked).toContain(7);
  });

  test('believes nothing in between that cannot be believed', async () => {
    const start: Start = { from: 'block', block: trusted(moving.at(1)) };
    const strangers = await walk(start, 150, 150, (height) => moving.forge(height, { powers: { x: 10 } }));
    expect(faultOf(strangers.reached)).toBe('other-set');
    const another = await walk(start, 150, 150, () => moving.at(3));
    expect(faultOf(another.reached)).toBe('altered');
    const refused = await advance(start, moving.at(150), { rules: rulesAt(150), crypto: nodeCrypto, fetch: () => Promise.resolve(fail('hub-unreachable')) });
    expect(refused).toEqual({ ok: false, failure: { code: 'hub-unreachable' } });
  });

  test('begins at nothing that is older than the trusting period', async () => {
    const { reached } = await walk({ from: 'block', block: trusted(moving.at(1)) }, 20, 1 + trustingPeriodMs / minute);
    expect(reached).toMatchObject({ ok: false, failure: { code: 'trust-expired' } });
  });
});

describe('over random sequences of sets', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  const powersArbitrary = fc.uniqueArray(fc.tuple(fc.constantFrom(...names), fc.integer({ min: 1, max: 20 })), { minLength: 1, maxLength: 7, selector: ([name]) => name });
  /** The sets of a chain of 12 to 30 blocks; those that are not named stay as they were. */
  const chainArbitrary = fc
    .tuple(powersArbitrary, fc.array(fc.option(powersArbitrary, { freq: 2 }), { minLength: 12, maxLength: 30 }))
    .map(([first, later]) => {
      const sets: Powers[] = [Object.fromEntries(first)];
      for (const change of later) sets.push(change === null ? (sets.at(-1) ?? {}) : Object.fromEntries(change));
      return { made: new LightChain((height) => sets[Math.min(height, sets.length) - 1] ?? {}), last: sets.length - 1 };
    });

  const kinds = ['power', 'set', 'time', 'chain', 'stale', 'future', 'signature', 'app'] as const;
  /** What a hub without the validators' keys can make, or can show again. `future` alone is signed by them, with a clock that is wrong. */
  function forged(kind: (typeof kinds)[number], honest: LightChain, height: number, from: number, last: number): LightBlock {
    const { validators, header, commit } = honest.at(height);
    switch (kind) {
      case 'power': {
        // One third of the power at most, the greatest last: too few whatever the set is.
        const whole = validators.reduce((total, { power }) => total + power, 0);
        let signed = 0;
        const signatures = [...commit.signatures];
        for (let i = validators.length - 1; i >= 0; i--) {
          const power = validators[i]?.power ?? 0;
          if (3 * (signed + power) <= 2 * whole) signed += power;
          else signatures[i] = null;
        }
        return { validators, header, commit: { ...commit, signatures } };
      }
      case 'set':
        return honest.forge(height, { powers: { x: 30, y: 30, z: 30 } });
      case 'time':
        return { ...honest.at(height), header: { ...header, time: timestampOfMs(blockTimeMs(height) + 1) } };
      case 'chain':
        return honest.forge(height, { chain: 'imi-other' });
      case 'stale':
        return honest.at(Math.max(1, Math.min(from, height - 1)));
      case 'future':
        return honest.forge(height, { time: timestampOfMs(blockTimeMs(last) + 6 * minute) });
      case 'signature':
        return { validators, header, commit: { ...commit, signatures: commit.signatures.map((entry) => (entry === null ? null : { ...entry, signature: entry.signature.map((byte, i) => (i === 3 ? byte ^ 4 : byte)) })) } };
      case 'app':
        return { validators, commit, header: { ...header, appHash: nodeCrypto.sha256(header.appHash) } };
    }
  }

  test('the honest head is reached, and no forged one of any kind, also half-way', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(chainArbitrary, fc.constantFrom(...kinds), fc.nat({ max: 7 }), fc.boolean(), async ({ made, last }, kind, skip, halfWay) => {
        const start = 1 + (skip % (last - 2));
        const begin: Start = { from: 'block', block: trusted(made.at(start)) };
        const honest = await advance(begin, made.at(last), { rules: rulesAt(last), crypto: nodeCrypto, fetch: (height) => Promise.resolve(ok(made.at(height))) });
        expect(honest).toMatchObject({ ok: true, value: { hash: made.hashAt(last) } });

        const asked: number[] = [];
        const lying = await advance(begin, halfWay ? made.at(last) : forged(kind, made, last, start, last), {
          rules: rulesAt(last),
          crypto: nodeCrypto,
          fetch: (height) => {
            asked.push(height);
            return Promise.resolve(ok(halfWay ? forged(kind, made, height, start, last) : made.at(height)));
          },
        });
        // A liar half-way is only met where somebody half-way is asked; what is reached then is the honest block all the same.
        if (lying.ok) expect({ halfWay, asked, hash: lying.value.hash }).toEqual({ halfWay: true, asked: [], hash: made.hashAt(last) });
      }),
      { numRuns: 150 },
    );
  });
});
