import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseRecoveryKey } from '../../../src/identity/recovery-key.ts';
import { loadCardState, newCardState, saveCardState, type NewCard } from '../../../tools/virtual-card/card-state.ts';
import type { CommandPattern } from '../../../tools/virtual-card/control.ts';
import { identityNumber } from '../../../tools/demo/people.ts';
import { openKioskStand, type KioskStand } from '../kiosk-stand.ts';
import { fang } from '../../fixtures/fang.ts';

/** The desk at a real kiosk: real pcscd, virtual cards, a real hub. */
let stand: KioskStand;
let cards = 0;
let people = 100;

beforeAll(async () => {
  stand = await openKioskStand();
  await stand.hand.insert(stand.world.cards['staff-liang'] ?? '', { slot: 'staff' });
  await stand.screen.sees('staff-pin');
  stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
  await stand.screen.sees('staff-home');
}, 60_000);
afterAll(() => stand.close());

const somebody = (): typeof fang => ({ ...fang, number: identityNumber('1996-04-11', (people += 1)) });
const journal = (): string => readFileSync(join(stand.world.kioskDirs['hall-1'] ?? '', 'journal.jsonl'), 'utf8');
const holderOf = (number: string): Uint8Array | null => {
  const found = stand.hub?.registrar.holderOf(number);
  return found?.ok ? found.value : null;
};

function blankCard(card: Partial<NewCard> = {}): string {
  cards += 1;
  const path = join(stand.world.dataDir, 'cards', `blank-${cards}.json`);
  saveCardState(path, newCardState({ label: `blank-${cards}`, seed: new Uint8Array(32).fill(100 + cards), blank: true, ...card }));
  return path;
}

/** Resolves when the kiosk knows of it: cards are not changed within a blink of an eye. */
async function pull(): Promise<void> {
  const at = performance.now();
  await stand.hand.pull();
  await seenOut(at);
}

const seenOut = (sinceMs: number): Promise<unknown> => vi.waitFor(() => expect(stand.cardOutAtMs).toBeGreaterThan(sinceMs), { timeout: 5_000, interval: 20 });

const confirm = (): void => stand.screen.touch({ intent: 'desk.confirm' });

/** To where a blank card is wanted. */
async function upToCard(person: typeof fang): Promise<void> {
  stand.screen.touch({ intent: 'desk.open', act: 'register' });
  await stand.screen.sees('desk-document');
  stand.identityCard = person;
  await stand.screen.sees('desk-check');
  confirm();
  await stand.screen.sees('desk-sign', ({ what }) => what === 'look-up');
  stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
  await stand.screen.sees('desk-card');
}

/** From a card in the reader to the staff's own signature. */
async function throughResident(pin = '480213'): Promise<{ recoveryKey: string; unlockCode: string }> {
  await stand.screen.sees('desk-turn', ({ to }) => to === 'resident');
  confirm();
  await stand.screen.sees('desk-pin');
  stand.screen.touch({ intent: 'pin.choose', pin });
  const { recoveryKey, unlockCode } = await stand.screen.sees('desk-slip');
  confirm();
  await stand.screen.sees('desk-sign', ({ what }) => what === 'resident');
  stand.screen.touch({ intent: 'pin.submit', pin });
  await stand.screen.sees('desk-turn', ({ to }) => to === 'staff');
  confirm();
  await stand.screen.sees('desk-sign', ({ what }) => what === 'register');
  return { recoveryKey, unlockCode };
}

async function home(): Promise<void> {
  stand.screen.touch({ intent: 'home' });
  stand.screen.touch({ intent: 'back' });
  await stand.screen.sees('staff-home');
}

test('from an identity card to a card that works, and its first visit', async () => {
  const person = somebody();
  await upToCard(person);
  const path = blankCard();
  await stand.hand.insert(path);
  await stand.screen.sees('desk-turn', ({ to }) => to === 'resident');
  confirm();
  await stand.screen.sees('desk-pin');
  stand.screen.touch({ intent: 'pin.choose', pin: '960411' });
  expect(await stand.screen.sees('desk-pin', ({ problem }) => problem !== null)).toMatchObject({ problem: 'personal' });
  stand.screen.touch({ intent: 'pin.choose', pin: '480213' });
  const slip = await stand.screen.sees('desk-slip');
  expect(parseRecoveryKey(slip.recoveryKey).ok).toBe(true);
  expect(holderOf(person.number)).toBeNull();
  confirm();
  await stand.screen.sees('desk-sign', ({ what }) => what === 'resident');
  stand.screen.touch({ intent: 'pin.submit', pin: '111222' });
  expect(await stand.screen.sees('desk-sign', ({ wrong }) => wrong)).toMatchObject({ what: 'resident', triesLeft: 2 });
  stand.screen.touch({ intent: 'pin.submit', pin: '480213' });
  await stand.screen.sees('desk-turn', ({ to }) => to === 'staff');
  confirm();
  await stand.screen.sees('desk-sign', ({ what }) => what === 'register');
  stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
  expect(await stand.screen.sees('desk-done')).toMatchObject({ name: '方敏', tried: null });
  const resident = holderOf(person.number);
  expect(resident).not.toBeNull();
  const card = loadCardState(path);
  expect(Buffer.from(card.resetCode?.value ?? '', 'hex').toString()).toBe(slip.unlockCode);
  expect(Buffer.from(card.pw3.value, 'hex').toString()).toMatch(/^\d{24}$/);
  confirm();
  expect(stand.screen.page.page).toBe('desk-done');
  await pull();
  await stand.screen.sees('staff-home');

  await stand.hand.insert(path);
  await stand.screen.sees('pin');
  stand.screen.touch({ intent: 'pin.submit', pin: '480213' });
  expect(await stand.screen.sees('home')).toMatchObject({ name: '方敏', notices: [] });
  await stand.hand.pull();
  await stand.screen.sees('goodbye');
  stand.screen.touch({ intent: 'start' });
  await stand.screen.sees('staff-pin');
  stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
  await stand.screen.sees('staff-home');
}, 30_000);

describe('refused, and nothing of it remains', () => {
  test.each([
    { name: 'an identity card that has expired', change: { validUntil: '2026-11-29' }, code: 'document-expired' },
    { name: 'one that is not valid yet', change: { validFrom: '2039-01-01' }, code: 'document-not-yet-valid' },
    { name: 'a wrong check digit', change: { number: '000000199604110011' }, code: 'document-number' },
    { name: 'a card of 2017', change: { layout: 'foreigner-2017' as const, number: 'GBR110196041101' }, code: 'document-kind' },
  ])('$name', async ({ change, code }) => {
    stand.screen.touch({ intent: 'desk.open', act: 'register' });
    await stand.screen.sees('desk-document');
    stand.identityCard = { ...somebody(), ...change };
    expect(await stand.screen.sees('failure')).toMatchObject({ code, next: 'retry' });
    await home();
  });

  test('somebody whom the district knows, who reads of it', async () => {
    stand.screen.touch({ intent: 'desk.open', act: 'register' });
    await stand.screen.sees('desk-document');
    stand.identityCard = { ...fang, birth: '1991-08-23', number: identityNumber('1991-08-23', 226) };
    await stand.screen.sees('desk-check');
    confirm();
    await stand.screen.sees('desk-sign');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    expect(await stand.screen.sees('failure')).toMatchObject({ code: 'resident-known', next: 'home' });
    await home();
    expect((await stand.signIn('lin')).news).toBeGreaterThan(0);
    stand.screen.touch({ intent: 'my-data.open', part: 'looks' });
    const { looks } = await stand.screen.sees('looks');
    expect(looks[0]).toMatchObject({ look: 'index', reason: 'Registration at the desk' });
    await stand.pull();
    await stand.screen.sees('goodbye');
    stand.screen.touch({ intent: 'start' });
    await stand.screen.sees('staff-pin');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    await stand.screen.sees('staff-home');
  });

  test.each<{ name: string; card: () => string; code: string }>([
    { name: 'a card for RSA only', card: () => blankCard({ blank: false, rsaOnly: true }), code: 'card-wrong-curve' },
    { name: 'an AUT key for hashes only', card: () => blankCard({ style: { longestChallenge: 64 } }), code: 'card-aut-short' },
    { name: 'a resident’s card', card: () => stand.world.cards['chen'] ?? '', code: 'card-registered' },
    { name: 'a member of staff’s card', card: () => stand.world.cards['tech-ou'] ?? '', code: 'card-registered' },
  ])('$name; with a blank one it goes on', async ({ card, code }) => {
    const person = somebody();
    await upToCard(person);
    await stand.hand.insert(card());
    expect(await stand.screen.sees('failure')).toMatchObject({ code, next: 'retry' });
    await pull();
    stand.screen.touch({ intent: 'retry' });
    await stand.screen.sees('desk-card');
    await stand.hand.insert(blankCard());
    await stand.screen.sees('desk-turn');
    await pull();
    await stand.screen.sees('failure');
    await home();
    expect(holderOf(person.number)).toBeNull();
  });

  test('keys that nobody has: wiped when staff say so, and made anew', async () => {
    const person = somebody();
    await upToCard(person);
    await stand.hand.insert(blankCard({ blank: false }));
    await stand.screen.sees('desk-card', ({ card }) => card === 'used');
    confirm();
    await throughResident();
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    expect(await stand.screen.sees('desk-done')).toMatchObject({ tried: null });
    await pull();
    confirm();
    await stand.screen.sees('staff-home');
    expect(holderOf(person.number)).not.toBeNull();
  });
});

describe('a card that is pulled', () => {
  const steps: { name: string; at: CommandPattern }[] = [
    { name: 'while keys are made', at: { ins: 0x47, p1: 0x80, p2: 0x00 } },
    { name: 'at its PIN', at: { ins: 0x24, p1: 0x00, p2: 0x81 } },
  ];
  test.each(steps)('$name: no resident, and the next try succeeds', async ({ at }) => {
    const person = somebody();
    await upToCard(person);
    await stand.hand.fault({ kind: 'vanish-after', at });
    const path = blankCard();
    await stand.hand.insert(path);
    const inserted = performance.now();
    if (at.ins === 0x24) {
      await stand.screen.sees('desk-turn');
      confirm();
      await stand.screen.sees('desk-pin');
      stand.screen.touch({ intent: 'pin.choose', pin: '480213' });
    }
    expect(await stand.screen.sees('failure')).toMatchObject({ code: 'card-removed', next: 'retry' });
    await stand.hand.fault(null);
    await seenOut(inserted);
    expect(holderOf(person.number)).toBeNull();
    stand.screen.touch({ intent: 'retry' });
    await stand.screen.sees('desk-card');
    await stand.hand.insert(path);
    await stand.screen.sees('desk-card', ({ card }) => card === 'used');
    confirm();
    await throughResident();
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    await stand.screen.sees('desk-done');
    await pull();
    confirm();
    await stand.screen.sees('staff-home');
    expect(holderOf(person.number)).not.toBeNull();
  });

  test('after it signed: it is registered, and only not tried', async () => {
    const person = somebody();
    await upToCard(person);
    await stand.hand.insert(blankCard());
    await throughResident();
    await pull();
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    expect(await stand.screen.sees('desk-done')).toMatchObject({ tried: 'card-removed' });
    confirm();
    await stand.screen.sees('staff-home');
    expect(holderOf(person.number)).not.toBeNull();
  });
});

test('the hub was started anew meanwhile and knows no session: the staff card proves itself once more', async () => {
  const person = somebody();
  await upToCard(person);
  await stand.hand.insert(blankCard());
  await throughResident();
  await stand.stopHub();
  await stand.startHub();
  stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
  expect(await stand.screen.sees('desk-done')).toMatchObject({ tried: null });
  expect(holderOf(person.number)).not.toBeNull();
  await pull();
  confirm();
  await stand.screen.sees('staff-home');
}, 30_000);

describe('a card is blocked by its holder’s number', () => {
  const toReason = async (number: string): Promise<void> => {
    stand.screen.touch({ intent: 'desk.open', act: 'block' });
    await stand.screen.sees('desk-number');
    stand.screen.touch({ intent: 'desk.number', number });
    await stand.screen.sees('desk-sign', ({ what }) => what === 'look-up-block');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
  };
  const chen = identityNumber('1978-01-09', 317);

  test('from then on it opens nothing; blocked again, it was blocked before', async () => {
    await toReason(chen);
    expect(await stand.screen.sees('desk-block')).toMatchObject({ number: chen });
    stand.screen.touch({ intent: 'desk.block', reason: 'stolen' });
    await stand.screen.sees('desk-sign', ({ what }) => what === 'block');
    stand.screen.touch({ intent: 'pin.submit', pin: '111111' });
    expect(await stand.screen.sees('desk-sign', ({ wrong }) => wrong)).toMatchObject({ triesLeft: 2 });
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    expect((await stand.screen.sees('desk-done')).reference).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}$/);
    confirm();
    await stand.screen.sees('staff-home');

    await toReason(chen);
    await stand.screen.sees('desk-block');
    stand.screen.touch({ intent: 'desk.block', reason: 'other' });
    await stand.screen.sees('desk-sign', ({ what }) => what === 'block');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    expect(await stand.screen.sees('desk-done')).toMatchObject({ act: 'block', already: true, reference: '' });
    confirm();
    await stand.screen.sees('staff-home');

    await stand.insert('chen');
    expect(await stand.screen.sees('failure')).toMatchObject({ code: 'key-blocked' });
    await pull();
    stand.screen.touch({ intent: 'start' });
    await stand.screen.sees('staff-pin');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    await stand.screen.sees('staff-home');
  }, 30_000);

  test('a resident’s card that comes while it is signed begins its visit afterwards: what became of it is read first', async () => {
    await toReason(identityNumber('1959-10-01', 511));
    await stand.screen.sees('desk-block');
    stand.screen.touch({ intent: 'desk.block', reason: 'lost' });
    await stand.screen.sees('desk-sign', ({ what }) => what === 'block');
    await stand.hand.fault({ kind: 'slow', delayMs: 300 }, { slot: 'staff' });
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    await stand.hand.insert(stand.world.cards['lin'] ?? '');
    expect(await stand.screen.sees('desk-done')).toMatchObject({ act: 'block', tried: null });
    await stand.hand.fault(null, { slot: 'staff' });
    confirm();
    await stand.screen.sees('pin');
    await pull();
    stand.screen.touch({ intent: 'start' });
    await stand.screen.sees('staff-pin');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    await stand.screen.sees('staff-home');
  }, 30_000);

  test('a number that cannot be right is not looked up, and one that nobody has is nobody’s', async () => {
    stand.screen.touch({ intent: 'desk.open', act: 'block' });
    await stand.screen.sees('desk-number');
    stand.screen.touch({ intent: 'desk.number', number: '000000197801093170' });
    await stand.screen.sees('desk-number', ({ mistyped }) => mistyped);
    stand.screen.touch({ intent: 'back' });
    await stand.screen.sees('staff-home');
    await toReason(identityNumber('1978-01-09', 900));
    expect(await stand.screen.sees('failure')).toMatchObject({ code: 'resident-unknown', next: 'retry' });
    await home();
  });
});

describe('a matter that is gone on with at the desk', () => {
  const atHome = async (person: string): Promise<void> => {
    await stand.insert(person);
    await stand.screen.sees('pin');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
  };
  const staffBack = async (): Promise<void> => {
    await pull();
    await stand.screen.sees('goodbye');
    stand.screen.touch({ intent: 'start' });
    await stand.screen.sees('staff-pin');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    await stand.screen.sees('staff-home');
  };

  test('opens with its resident’s card and PIN, and with nobody else’s', async () => {
    await atHome('lin');
    await stand.screen.sees('home');
    stand.screen.touch({ intent: 'service.open', service: 'tax/property-tax-certificate' });
    await stand.screen.sees('consent');
    stand.screen.touch({ intent: 'hand-off.begin' });
    const { code } = await stand.screen.sees('hand-off');
    await staffBack();

    const bring = async (): Promise<void> => {
      stand.screen.touch({ intent: 'desk.open', act: 'hand-off' });
      await stand.screen.sees('desk-hand-off');
      stand.screen.touch({ intent: 'hand-off.bring', code });
      await stand.screen.sees('desk-hand-off-ready');
    };
    await bring();
    await atHome('huang');
    expect(await stand.screen.sees('ask-code')).toMatchObject({ problem: 'unknown' });
    await staffBack();
    await bring();
    await atHome('lin');
    expect((await stand.screen.sees('consent')).service.id).toBe('tax/property-tax-certificate');
    await staffBack();
    expect(journal()).not.toContain(code.replace('-', ''));
  }, 30_000);
});

describe('a PIN is unlocked', () => {
  const lin = { ...fang, name: '林悦', birth: '1991-08-23', number: identityNumber('1991-08-23', 226) };
  const code = '602914385517';
  /** A card from the desk has a code; those of the demonstration were made without. */
  function locked({ tries = 0, codeTries = 3 } = {}): string {
    const path = stand.world.cards['lin'] ?? '';
    const card = loadCardState(path);
    saveCardState(path, { ...card, pw1: { ...card.pw1, triesLeft: tries }, resetCode: { value: Buffer.from(code).toString('hex'), triesLeft: codeTries } });
    return path;
  }
  const toCard = async (person: typeof fang): Promise<void> => {
    stand.screen.touch({ intent: 'desk.open', act: 'unblock' });
    await stand.screen.sees('desk-document');
    stand.identityCard = person;
    await stand.screen.sees('desk-check');
    confirm();
    await stand.screen.sees('desk-sign', ({ what }) => what === 'look-up-unblock');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
  };
  const type = async (typed: string, pin: string): Promise<void> => {
    await stand.screen.sees('desk-code');
    stand.screen.touch({ intent: 'desk.code', code: typed });
    await stand.screen.sees('desk-pin');
    stand.screen.touch({ intent: 'pin.choose', pin });
  };
  const leave = async (): Promise<void> => {
    await pull();
    confirm();
    await stand.screen.sees('staff-home');
  };

  test('after one wrong code and a PIN that others know; its holder signs in with the new one, and reads who helped', async () => {
    await toCard(lin);
    await stand.screen.sees('desk-card', ({ card }) => card === 'holder');
    const path = locked();
    await stand.hand.insert(path);
    await stand.screen.sees('desk-turn', ({ to }) => to === 'resident');
    confirm();
    await type('602914385518', '480213');
    expect(await stand.screen.sees('desk-code', ({ wrong }) => wrong)).toMatchObject({ triesLeft: 2 });
    await type(code, '910823');
    expect(await stand.screen.sees('desk-pin', ({ problem }) => problem !== null)).toMatchObject({ problem: 'personal' });
    stand.screen.touch({ intent: 'pin.choose', pin: '480213' });
    expect(await stand.screen.sees('desk-done')).toMatchObject({ act: 'unblock', reference: '' });
    await leave();
    expect(loadCardState(path)).toMatchObject({ pw1: { triesLeft: 3 }, resetCode: { triesLeft: 3 } });
    expect(journal()).toMatch(/"event":"desk.done","session":"[0-9a-f]{16}","act":"unblock","staff":"[0-9a-f]{32}"/);

    await stand.hand.insert(path);
    await stand.screen.sees('pin');
    stand.screen.touch({ intent: 'pin.submit', pin: '480213' });
    await stand.screen.sees('home');
    stand.screen.touch({ intent: 'my-data.open', part: 'looks' });
    expect((await stand.screen.sees('looks')).looks[0]).toMatchObject({ look: 'index', reason: 'A PIN to be unlocked' });
    await stand.pull();
    await stand.screen.sees('goodbye');
    stand.screen.touch({ intent: 'start' });
    await stand.screen.sees('staff-pin');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    await stand.screen.sees('staff-home');
  }, 30_000);

  test.each<{ name: string; card: () => string; code: string; next: string }>([
    { name: 'somebody else’s card', card: () => stand.world.cards['dilnur'] ?? '', code: 'card-another', next: 'retry' },
    { name: 'a member of staff’s card', card: () => stand.world.cards['tech-ou'] ?? '', code: 'key-not-resident', next: 'retry' },
    { name: 'a card whose code was typed wrongly too often', card: () => locked({ codeTries: 1 }), code: 'card-code-blocked', next: 'home' },
  ])('$name is refused', async ({ card, code: expected, next }) => {
    await toCard(lin);
    await stand.screen.sees('desk-card');
    await stand.hand.insert(card());
    expect(await stand.screen.sees('failure')).toMatchObject({ code: expected, next });
    await pull();
    await home();
  });

  test('the second wrong code is the last that is tried here; a card that is pulled is put in again', async () => {
    await toCard(lin);
    const path = locked({ codeTries: 2 });
    await stand.hand.insert(path);
    await stand.screen.sees('desk-turn');
    await pull();
    expect(await stand.screen.sees('failure')).toMatchObject({ code: 'card-removed', next: 'retry' });
    stand.screen.touch({ intent: 'retry' });
    await stand.screen.sees('desk-card');
    await stand.hand.insert(path);
    await stand.screen.sees('desk-turn');
    confirm();
    await type('602914385518', '480213');
    expect(await stand.screen.sees('failure')).toMatchObject({ code: 'card-code-blocked', next: 'home' });
    await pull();
    await home();
    expect(loadCardState(path).resetCode?.triesLeft).toBe(1);
  });

  test('nobody of that number', async () => {
    await toCard(somebody());
    expect(await stand.screen.sees('failure')).toMatchObject({ code: 'resident-unknown', next: 'retry' });
    await home();
  });
});

describe('closed by staff, from their card to the journal', () => {
  const staffId = (): string => stand.world.cards['staff-liang'] ?? '';

  test('nobody begins, a restart changes nothing, and staff open it again', async () => {
    stand.screen.touch({ intent: 'desk.open', act: 'standing' });
    await stand.screen.sees('desk-standing');
    stand.screen.touch({ intent: 'kiosk.close', reason: 'defect', back: 'hour' });
    const { closure } = await stand.screen.sees('desk-standing', (page) => page.closure !== null);
    expect(closure).toMatchObject({ reason: 'defect' });
    await stand.hand.pull({ slot: 'staff' });
    expect(await stand.screen.sees('closed')).toEqual({ page: 'closed', ...closure });
    await stand.insert('huang');
    await stand.stopKiosk();
    await stand.startKiosk();
    expect(await stand.screen.sees('closed')).toEqual({ page: 'closed', ...closure });
    await vi.waitFor(() => expect(stand.screen.shown.at(-1)?.snapshot.cardIn).toBe(true), { timeout: 5_000, interval: 20 });
    expect(stand.screen.page.page).toBe('closed');

    await stand.hand.insert(staffId(), { slot: 'staff' });
    await stand.screen.sees('staff-pin');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    await stand.screen.sees('staff-home', ({ health }) => health.closure?.reason === 'defect');
    stand.screen.touch({ intent: 'desk.open', act: 'standing' });
    await stand.screen.sees('desk-standing');
    stand.screen.touch({ intent: 'kiosk.open' });
    // The card that lay in the reader all the while has the screen now.
    await stand.screen.sees('pin');
    await pull();
    await stand.screen.sees('goodbye');
    stand.screen.touch({ intent: 'start' });
    await stand.screen.sees('staff-pin');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    await stand.screen.sees('staff-home', ({ health }) => health.closure === null);

    const said = journal().split('\n').flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { event: { event: string; staff?: string } }).event]));
    const closings = said.filter(({ event }) => event === 'kiosk.closed' || event === 'kiosk.opened');
    expect(closings).toMatchObject([{ event: 'kiosk.closed', reason: 'defect' }, { event: 'kiosk.opened' }]);
    expect(new Set(closings.map(({ staff }) => staff)).size).toBe(1);
  }, 30_000);
});

test('neither PINs nor what was read, nor the slip, stand in the journal', async () => {
  // Six digits stand in some hash sooner or later.
  const text = journal().replaceAll(/[0-9a-f]{16,}/g, '');
  expect(text).toContain('registering');
  for (const secret of ['方敏', '480213', '960411', '602914385517', '多宝路', fang.number.slice(0, 14)]) expect(text).not.toContain(secret);
});
