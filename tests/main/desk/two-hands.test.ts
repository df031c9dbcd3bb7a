import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { recoveryKeyText } from '../../../src/identity/recovery-key.ts';
import { demoSecret } from '../../../tools/demo/demo-keys.ts';
import { identityNumber } from '../../../tools/demo/people.ts';
import { newCardState, saveCardState } from '../../../tools/virtual-card/card-state.ts';
import type { CommandPattern } from '../../../tools/virtual-card/control.ts';
import { fang } from '../../fixtures/fang.ts';
import { openKioskStand, type KioskStand } from '../kiosk-stand.ts';

/** What two members of staff of different roles sign, at a real kiosk: real pcscd, virtual cards, a real hub. */
let stand: KioskStand;
let blanks = 0;

beforeAll(async () => {
  stand = await openKioskStand();
  await stand.signIn('lin');
  await stand.sign('tax/property-tax-certificate');
  await stand.pull();
  await stand.screen.sees('goodbye');
  stand.screen.touch({ intent: 'start' });
}, 60_000);
afterAll(() => stand.close());

const lin = { ...fang, name: '林悦', birth: '1991-08-23', number: identityNumber('1991-08-23', 226) };
const chen = { ...fang, name: '陈伟', birth: '1978-01-09', number: identityNumber('1978-01-09', 317) };
const journal = (): string => readFileSync(join(stand.world.kioskDirs['hall-1'] ?? '', 'journal.jsonl'), 'utf8');
const visitsBegun = (): number => journal().split('"visit.began"').length;
/** What was signed at the desk, and what was carried out. */
const journalled = (): string[] =>
  journal()
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { event: { event: string; act?: string } }).event)
    .filter(({ event }) => event.startsWith('desk.'))
    .map(({ event, act }) => `${event} ${act ?? ''}`);
const confirm = (): void => stand.screen.touch({ intent: 'desk.confirm' });
const pin = (typed = '123456'): void => stand.screen.touch({ intent: 'pin.submit', pin: typed });
const home = async (): Promise<void> => {
  stand.screen.touch({ intent: 'home' });
  await stand.screen.sees('staff-home');
};

function blankCard(): string {
  blanks += 1;
  const path = join(stand.world.dataDir, 'cards', `blank-${blanks}.json`);
  saveCardState(path, newCardState({ label: `blank-${blanks}`, seed: new Uint8Array(32).fill(60 + blanks), blank: true }));
  return path;
}

async function pull(): Promise<void> {
  const at = performance.now();
  await stand.hand.pull();
  await vi.waitFor(() => expect(stand.cardOutAtMs).toBeGreaterThan(at), { timeout: 5_000, interval: 20 });
}

async function staff(person: 'staff-liang' | 'clerk-tan'): Promise<void> {
  await stand.hand.insert(stand.world.cards[person] ?? '', { slot: 'staff' });
  await stand.screen.sees('staff-pin');
  pin();
  await stand.screen.sees('staff-home', ({ drafts }) => drafts !== null);
}
async function staffLeaves(): Promise<void> {
  await stand.hand.pull({ slot: 'staff' });
  await stand.screen.sees('attract');
}

/** To where the blank card is wanted. */
async function toCard(person: typeof fang): Promise<void> {
  stand.screen.touch({ intent: 'desk.open', act: 'replace' });
  await stand.screen.sees('desk-document');
  stand.identityCard = person;
  await stand.screen.sees('desk-check');
  confirm();
  await stand.screen.sees('desk-sign', ({ what }) => what === 'look-up-replace');
  pin();
}

/** From the blank card in the reader to the slip of the card before. */
async function toOldSlip(): Promise<void> {
  await stand.screen.sees('desk-turn', ({ to }) => to === 'resident');
  confirm();
  await stand.screen.sees('desk-pin');
  stand.screen.touch({ intent: 'pin.choose', pin: '480213' });
  await stand.screen.sees('desk-old-slip');
}

/** From the new slip to what is kept for the second. */
async function toKept(): Promise<string> {
  await stand.screen.sees('desk-slip');
  confirm();
  await stand.screen.sees('desk-sign', ({ what }) => what === 'resident-replace');
  pin('480213');
  await stand.screen.sees('desk-turn', ({ to }) => to === 'staff');
  confirm();
  await stand.screen.sees('desk-sign', ({ what }) => what === 'replace');
  pin();
  return (await stand.screen.sees('desk-kept')).reference;
}

async function countersign(reference: string, person: 'staff-liang' | 'clerk-tan', what: 'second-replace' | 'second-retire'): Promise<void> {
  await staffLeaves();
  await staff(person);
  const { drafts } = await stand.screen.sees('staff-home', (page) => page.drafts?.length === 1);
  expect(drafts).toMatchObject([{ reference, signable: true, place: 'kiosk' }]);
  stand.screen.touch({ intent: 'draft.open', reference });
  await stand.screen.sees('desk-second');
  confirm();
  await stand.screen.sees('desk-sign', (page) => page.what === what);
  pin();
}

describe('a lost card is replaced', () => {
  test('with the slip: mistyped, another’s, the right one; a colleague of the same role cannot be the second', async () => {
    await staff('staff-liang');
    await toCard(lin);
    await stand.screen.sees('desk-card');
    const path = blankCard();
    await stand.hand.insert(path);
    await toOldSlip();
    const slip = recoveryKeyText(demoSecret('recovery/lin'));
    stand.screen.touch({ intent: 'desk.slip', text: slip.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10)) });
    await stand.screen.sees('desk-old-slip', ({ problem }) => problem === 'mistyped');
    stand.screen.touch({ intent: 'desk.slip', text: recoveryKeyText(demoSecret('recovery/wang')) });
    await stand.screen.sees('desk-old-slip', ({ problem }) => problem === 'wrong');
    stand.screen.touch({ intent: 'desk.slip', text: slip.replaceAll('-', '') });
    expect((await stand.screen.sees('desk-slip')).recoveryKey).not.toBe(slip);
    const reference = await toKept();
    expect(stand.screen.page).toMatchObject({ act: 'replace', name: '林悦', role: 'registrar', minutes: 5 });
    confirm();
    const { drafts } = await stand.screen.sees('staff-home', (page) => page.drafts?.length === 1);
    expect(drafts).toMatchObject([{ kind: 'resident.replace', signable: false }]);
    stand.screen.touch({ intent: 'draft.open', reference });
    expect(stand.screen.page.page).toBe('staff-home');

    // It lies in its reader all the while: another act there does not take it for a used one, to be wiped, and no visit begins with it.
    await toCard(chen);
    await stand.screen.sees('desk-card');
    confirm();
    expect(stand.screen.page).toMatchObject({ page: 'desk-card', card: 'wanted' });
    stand.screen.touch({ intent: 'back' });
    await stand.screen.sees('staff-home');
    const began = visitsBegun();
    await staffLeaves();
    expect(visitsBegun()).toBe(began);

    expect(journalled()).toEqual(['desk.signed replace']);
    await staff('staff-liang');
    await countersign(reference, 'clerk-tan', 'second-replace');
    expect(await stand.screen.sees('desk-done')).toMatchObject({ act: 'replace', name: '林悦', reference, tried: null });
    expect(journalled()).toEqual(['desk.signed replace', 'desk.done countersign']);
    confirm();
    expect(stand.screen.page.page).toBe('desk-done');
    await pull();
    await stand.screen.sees('staff-home', (page) => page.drafts?.length === 0);
    await staffLeaves();

    await stand.hand.insert(path);
    await stand.screen.sees('pin');
    pin('480213');
    expect(await stand.screen.sees('home')).toMatchObject({ name: '林悦', notices: [{ notice: 'card-read-only' }] });
    stand.screen.touch({ intent: 'my-data.open', part: 'facts' });
    expect((await stand.screen.sees('facts')).typed.map(({ fact }) => fact)).toContain('phone');
    await pull();
    await stand.screen.sees('goodbye');
    stand.screen.touch({ intent: 'start' });
    await stand.insert('lin');
    expect(await stand.screen.sees('failure')).toMatchObject({ code: 'key-blocked' });
    await pull();
    await stand.screen.sees('goodbye');
    stand.screen.touch({ intent: 'start' });
  }, 30_000);

  /** While keys are made, at its PIN, at its proof. */
  const pulledAt: CommandPattern[] = [
    { ins: 0x47, p1: 0x80, p2: 0x00 },
    { ins: 0x24, p1: 0x00, p2: 0x81 },
    { ins: 0x88, p1: 0x00, p2: 0x00 },
  ];
  test('pulled at any step before it has signed, nothing is replaced, and the next try succeeds; the registrar may be first', async () => {
    await staff('clerk-tan');
    await toCard(chen);
    await stand.screen.sees('desk-card');
    const path = blankCard();
    for (const [i, at] of pulledAt.entries()) {
      // The trial at its making signs with AUT as well: the one after it is meant.
      if (at.ins !== 0x88) await stand.hand.fault({ kind: 'vanish-after', at });
      const inserted = performance.now();
      await stand.hand.insert(path);
      if (i > 0) {
        await stand.screen.sees('desk-card', ({ card }) => card === 'used');
        confirm();
      }
      if (at.ins !== 0x47) {
        await stand.screen.sees('desk-turn');
        confirm();
        await stand.screen.sees('desk-pin');
        stand.screen.touch({ intent: 'pin.choose', pin: '480213' });
      }
      if (at.ins === 0x88) {
        await stand.screen.sees('desk-old-slip');
        await stand.hand.fault({ kind: 'vanish-after', at });
        stand.screen.touch({ intent: 'desk.no-slip' });
      }
      expect(await stand.screen.sees('failure')).toMatchObject({ code: 'card-removed', next: 'retry' });
      await stand.hand.fault(null);
      await vi.waitFor(() => expect(stand.cardOutAtMs).toBeGreaterThan(inserted), { timeout: 5_000, interval: 20 });
      stand.screen.touch({ intent: 'retry' });
      await stand.screen.sees('desk-card');
    }
    await stand.hand.insert(path);
    await stand.screen.sees('desk-card', ({ card }) => card === 'used');
    confirm();
    await toOldSlip();
    stand.screen.touch({ intent: 'desk.no-slip' });
    const reference = await toKept();
    expect(stand.screen.page).toMatchObject({ role: 'staff' });
    confirm();
    // It has signed: out of its reader it is only not tried.
    await pull();
    await countersign(reference, 'staff-liang', 'second-replace');
    expect(await stand.screen.sees('desk-done')).toMatchObject({ tried: 'card-removed' });
    confirm();
    await stand.screen.sees('staff-home');
    await staffLeaves();
    await stand.hand.insert(path);
    await stand.screen.sees('pin');
    pin('480213');
    await stand.screen.sees('home');
    await pull();
    await stand.screen.sees('goodbye');
    stand.screen.touch({ intent: 'start' });
  }, 60_000);

  test('of nobody whom the district knows: refused', async () => {
    await staff('staff-liang');
    await toCard(fang);
    expect(await stand.screen.sees('failure')).toMatchObject({ code: 'resident-unknown', next: 'retry' });
    await home();
    await staffLeaves();
  });
});

describe('a resident is retired', () => {
  const huang = identityNumber('1944-02-11', 142);
  const toMeaning = async (number: string): Promise<void> => {
    stand.screen.touch({ intent: 'desk.open', act: 'retire' });
    await stand.screen.sees('desk-number');
    stand.screen.touch({ intent: 'desk.number', number });
    await stand.screen.sees('desk-sign', ({ what }) => what === 'look-up-retire');
    pin();
  };
  const toKeptRetirement = async (number: string): Promise<string> => {
    await toMeaning(number);
    await stand.screen.sees('desk-retire');
    confirm();
    await stand.screen.sees('desk-sign', ({ what }) => what === 'retire');
    pin();
    return (await stand.screen.sees('desk-kept')).reference;
  };

  test('when both have signed, and not before; the card is dead', async () => {
    await staff('staff-liang');
    const reference = await toKeptRetirement(huang);
    confirm();
    await stand.screen.sees('staff-home');
    await countersign(reference, 'clerk-tan', 'second-retire');
    expect(await stand.screen.sees('desk-done')).toMatchObject({ act: 'retire', reference, tried: null });
    confirm();
    await stand.screen.sees('staff-home');
    await staffLeaves();
    await stand.insert('huang');
    expect(await stand.screen.sees('failure')).toMatchObject({ code: 'key-blocked' });
    await pull();
    await stand.screen.sees('goodbye');
    stand.screen.touch({ intent: 'start' });
  }, 30_000);

  test('who is retired already is refused', async () => {
    await staff('staff-liang');
    await toMeaning(huang);
    expect(await stand.screen.sees('failure')).toMatchObject({ code: 'resident-retired', next: 'home' });
  });
});
