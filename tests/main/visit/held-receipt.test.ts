import { describe, expect, test } from 'vitest';
import { receiptToSymbols } from '../../../src/ledger/verify/receipt-symbols.ts';
import { isWhole, withSymbol, type Held } from '../../../src/main/visit/held-receipt.ts';
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

  test('gone when nobody touches anything any more', () => {
    const stand = new VisitStand();
    stand.send({ type: 'scanned', text: a });
    stand.clock.increment(60_000);
    expect(stand.page).toEqual({ page: 'attract' });
    stand.send({ type: 'scanned', text: b });
    expect(stand.page).toMatchObject({ held: { seen: 1 } });
  });
});
