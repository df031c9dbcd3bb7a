import { describe, expect, test } from 'vitest';
import { fail, ok } from '../../../src/contract/result.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import type { Act, OpenedPart } from '../../../src/ledger/verify/acts.ts';
import { toHex } from '../../../src/ledger/verify/bytes.ts';
import { encodePendingReceipt } from '../../../src/ledger/verify/pending-receipt.ts';
import { commitPart } from '../../../src/ledger/verify/private-part.ts';
import { receiptToSymbols } from '../../../src/ledger/verify/receipt-symbols.ts';
import { isWhole, lookAtHeld, withSymbol, type Held, type HeldSources } from '../../../src/main/visit/held-receipt.ts';
import { chain, envelopeOf, genesis, keys, lin, now, requestBody } from '../../ledger/small-district.ts';
import { VisitStand } from './visit-stand.ts';

const one = receiptToSymbols(new Uint8Array(3000).fill(1));
const other = receiptToSymbols(new Uint8Array(3000).fill(2));
const after = (...texts: string[]): Held | null => texts.reduce<Held | null>((held, text) => withSymbol(held, text), null);
const [a = '', b = '', c = ''] = one;

describe('codes under the scanner, one after the other', () => {
  test.each<{ name: string; texts: string[]; shown: object; whole: boolean }>([
    { name: 'the first of three', texts: [a], shown: { seen: 1, of: 3, problem: null }, whole: false },
    { name: 'the same twice', texts: [b, b], shown: { seen: 1, of: 3, problem: null }, whole: false },
    { name: 'all, in any order', texts: [c, a, b], shown: { seen: 3, of: 3, problem: null }, whole: true },
    { name: 'one of another receipt begins anew', texts: [a, b, other[0] ?? '', other[1] ?? ''], shown: { seen: 2, of: 3, problem: null }, whole: false },
    { name: 'and says so', texts: [a, other[0] ?? ''], shown: { seen: 1, of: 3, problem: 'another' }, whole: false },
    { name: 'none at all', texts: ['6901234567892'], shown: { seen: 0, problem: 'not-a-receipt' }, whole: false },
    { name: 'none in between loses nothing', texts: [a, 'https://elsewhere.example', b], shown: { seen: 2, of: 3, problem: null }, whole: false },
    { name: 'one that goes with a card', texts: [a, 'IMI-GO 7KQ2M4XD'], shown: { seen: 1, of: 3, problem: 'needs-card' }, whole: false },
    { name: 'one of no number', texts: ['IMI1:4:3:ABC'], shown: { seen: 0, problem: 'damaged' }, whole: false },
    { name: 'one of several that does not read', texts: [a, `${b.slice(0, -1)}:`, c], shown: { seen: 2, of: 3, problem: null }, whole: false },
    { name: 'and is told at once', texts: [a, `${b.slice(0, -1)}:`], shown: { seen: 1, of: 3, problem: 'damaged' }, whole: false },
    { name: 'and is read well the next time', texts: [a, `${b.slice(0, -1)}:`, c, b], shown: { seen: 3, of: 3, problem: null }, whole: true },
    { name: 'one that does not read', texts: ['IMI1:1:1:::::'], shown: { seen: 0, problem: 'damaged' }, whole: false },
  ])('$name', ({ texts, shown, whole }) => {
    const held = after(...texts);
    expect(held?.shown).toMatchObject(shown);
    expect(isWhole(held)).toBe(whole);
  });
});

describe('where it is shown', () => {
  test('on the attract page, until somebody puts a card in', async () => {
    const stand = new VisitStand();
    stand.send({ type: 'scanned', text: a });
    expect(stand.page).toEqual({ page: 'held-receipt', held: { seen: 1, of: 3, problem: null, outcome: null } });
    stand.send({ type: 'scanned', text: b });
    stand.send({ type: 'scanned', text: c });
    expect(await stand.sees('held-receipt')).toMatchObject({ held: { seen: 3 } });
    await expect.poll(() => stand.page).toMatchObject({ held: { outcome: { is: 'refused', why: 'altered' } } });
    await stand.signIn();
    stand.send({ type: 'scanned', text: a });
    expect(stand.page).toMatchObject({ page: 'held-receipt', held: { seen: 1, outcome: null } });
    stand.send({ type: 'back' });
    expect(stand.page.page).toBe('home');
  });

  test('gone with the card, while it is still looked at', async () => {
    const stand = new VisitStand(() => ({ lookAtHeld: () => new Promise(() => undefined) }));
    await stand.signIn();
    for (const text of one) stand.send({ type: 'scanned', text });
    expect(stand.state.stage).toBe('visiting.inside.held.looking');
    stand.pull();
    expect(stand.page).toMatchObject({ page: 'goodbye' });
    expect(stand.state.context.held).toBeNull();
  });

  test('a question’s code leads on from it, where a card is in', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    stand.send({ type: 'scanned', text: a });
    stand.send({ type: 'scanned', text: 'IMI-GO 7KQ2M4XD' });
    expect(await stand.sees('ask-code')).toBeDefined();
    expect(stand.state.context.held).toBeNull();
  });

  test('a touch does not look it up once more', () => {
    let looks = 0;
    const stand = new VisitStand(() => ({
      lookAtHeld() {
        looks += 1;
        return new Promise(() => undefined);
      },
    }));
    for (const text of one) stand.send({ type: 'scanned', text });
    stand.send({ type: 'activity' });
    stand.send({ type: 'activity' });
    expect(stand.state.stage).toBe('welcome.held.looking');
    expect(looks).toBe(1);
  });

  test('what cannot be looked at is not called altered, and is told', async () => {
    const stand = new VisitStand(() => ({ lookAtHeld: () => Promise.reject(new Error('a fault')) }));
    for (const text of one) stand.send({ type: 'scanned', text });
    await expect.poll(() => stand.page).toMatchObject({ held: { outcome: { is: 'unchecked' } } });
  });

  test('gone when nobody touches anything any more', () => {
    const stand = new VisitStand();
    stand.send({ type: 'scanned', text: a });
    stand.clock.increment(60_000);
    expect(stand.page).toEqual({ page: 'attract' });
    stand.send({ type: 'scanned', text: b });
    expect(stand.page).toMatchObject({ held: { seen: 1 } });
  });
});

describe('one that only waits', () => {
  /** Signed, and in no ledger: anybody can make such a one. `until`: as the private part of its grant says it. */
  async function waiting(until = '2027-02-14T16:00:00Z'): Promise<string[]> {
    const { body, parts } = requestBody(lin, 7);
    const told = parts.map(({ salt, part }): OpenedPart => ({ salt, part: part.kind === 'grant.give' ? { ...part, until } : part }));
    const acts = body.acts.map((act, i): Act => {
      const opened = told[i];
      return act.kind === 'grant.give' && opened !== undefined ? { ...act, private: commitPart(opened.salt, opened.part, nodeCrypto) } : act;
    });
    const envelope = await envelopeOf({ ...body, acts }, [lin.sig, keys.kiosk]);
    return receiptToSymbols(encodePendingReceipt({ v: 1, state: 'queued', envelope, keys: [lin.sig.key, keys.kiosk.key], parts: told }));
  }

  const sources = (change: Partial<HeldSources['district']> = {}): HeldSources => ({
    district: {
      receipt: () => Promise.resolve(ok(null)),
      party: () => Promise.resolve(fail('hub-refused')),
      areKnownKeys: () => Promise.resolve(ok(true)),
      nowSeconds: () => now,
      ...change,
    },
    trust: { chain, height: 1, validators: genesis.validators },
    crypto: nodeCrypto,
    offers: () => Promise.resolve(fail('hub-unreachable')),
  });

  test.each([
    { name: 'a moment', until: '2027-02-14T16:00:00Z', act: { act: 'grant', until: '2027-02-14T15:59:59.000Z' } },
    { name: 'no month, day or hour of any year', until: '9999-99-99T99:99:99Z', act: { act: 'other' } },
    { name: 'a day that its month does not have', until: '2027-02-30T16:00:00Z', act: { act: 'other' } },
  ])('a grant that ends at $name', async ({ until, act }) => {
    expect(await lookAtHeld(await waiting(until), sources())).toMatchObject({ is: 'waiting', acts: [act, { act: 'request' }] });
  });
  const away = () => Promise.resolve(fail('hub-unreachable'));
  test.each<{ name: string; change: Partial<HeldSources['district']>; is: object }>([
    { name: 'not in the ledger yet', change: {}, is: { is: 'waiting', asked: true } },
    { name: 'in its last second', change: { nowSeconds: () => now + 3600 }, is: { is: 'waiting', asked: true } },
    { name: 'past it: it counts for nothing', change: { nowSeconds: () => now + 3601 }, is: { is: 'lapsed' } },
    { name: 'past it, and nobody can say whether it was recorded in time', change: { nowSeconds: () => now + 3601, receipt: away, areKnownKeys: away }, is: { is: 'waiting', asked: false } },
    { name: 'signed with keys that nobody has', change: { areKnownKeys: () => Promise.resolve(ok(false)) }, is: { is: 'refused', why: 'unknown-signer' } },
    { name: 'with a known key beside one that nobody has', change: { areKnownKeys: (asked) => Promise.resolve(ok(asked.every(([, key]) => toHex(key) === toHex(keys.kiosk.key[1])))) }, is: { is: 'refused', why: 'unknown-signer' } },
    { name: 'lapsed, and signed with keys that nobody has', change: { nowSeconds: () => now + 3601, areKnownKeys: () => Promise.resolve(ok(false)) }, is: { is: 'refused', why: 'unknown-signer' } },
    { name: 'when its keys cannot be asked for', change: { areKnownKeys: away }, is: { is: 'waiting', asked: false } },
  ])('$name', async ({ change, is }) => {
    expect(await lookAtHeld(await waiting(), sources(change))).toMatchObject(is);
  });
});
