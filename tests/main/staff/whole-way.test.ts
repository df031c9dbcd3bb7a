import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { pseudonym } from '../../../src/ledger/verify/reference.ts';
import { demoId } from '../../../tools/demo/demo-keys.ts';
import { openKioskStand, type KioskStand } from '../kiosk-stand.ts';

/** Staff at a real kiosk: real pcscd, virtual cards, a real hub. */
let stand: KioskStand;

const cardFile = (person: string): string => stand.world.cards[person] ?? '';
const journal = (): string => readFileSync(join(stand.world.kioskDirs['hall-1'] ?? '', 'journal.jsonl'), 'utf8');

describe('a staff reader beside the resident’s', () => {
  beforeAll(async () => {
    stand = await openKioskStand();
  }, 60_000);
  afterAll(() => stand.close());

  const insert = (person: string): Promise<void> => stand.hand.insert(cardFile(person), { slot: 'staff' });
  const out = async (): Promise<void> => {
    await stand.hand.pull({ slot: 'staff' });
    await stand.screen.sees('attract');
  };

  test.each([
    { person: 'staff-liang', role: 'staff', party: 'Xiguan District Service Hub' },
    { person: 'auditor-shen', role: 'auditor', party: 'Audit Office' },
    { person: 'officer-luo', role: 'officer', party: 'Civil Affairs Office' },
  ])('$person signs in as $role', async ({ person, role, party }) => {
    await insert(person);
    await stand.screen.sees('staff-pin');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    const home = await stand.screen.sees('staff-home', ({ drafts }) => drafts !== null);
    expect(home.who).toMatchObject({ role, party: { en: party }, pseudonym: pseudonym(demoId(person)) });
    expect(home.health).toMatchObject({ hub: 'reachable', unfit: null, waiting: 0, readers: [{ use: 'resident', state: 'no-card' }, { use: 'staff' }] });
    expect(home.drafts).toEqual([]);
    await out();
  });

  test.each([
    { person: 'lin', code: 'staff-card-role' },
    { person: 'he', code: 'staff-card-unknown' },
    { person: 'other', code: 'card-unsupported' },
  ])('a card of $person is told $code', async ({ person, code }) => {
    await insert(person);
    expect(await stand.screen.sees('failure')).toMatchObject({ code, next: 'take-card' });
    await out();
  });

  test('two cards at once: the visit has the screen, the session waits and locks, and neither card takes the other’s answers', async () => {
    await insert('staff-liang');
    await stand.screen.sees('staff-pin');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    await stand.screen.sees('staff-home');

    const home = await stand.signIn('lin');
    expect(home.name).toBe('林悦');
    expect(stand.screen.shown.at(-1)?.snapshot.staffWaits).toBe(true);
    await stand.pull();
    await stand.screen.sees('goodbye');
    stand.screen.touch({ intent: 'start' });

    expect(await stand.screen.sees('staff-pin')).toMatchObject({ why: 'locked' });
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    await stand.screen.sees('staff-home');
    await out();
  });

  test('a staff card that comes during a visit is announced calmly, and is served after it', async () => {
    await stand.signIn('lin');
    expect(stand.screen.shown.at(-1)?.snapshot.staffWaits).toBe(false);
    await insert('tech-ou');
    await stand.screen.sees('home', () => stand.screen.shown.at(-1)?.snapshot.staffWaits === true);
    await stand.pull();
    await stand.screen.sees('goodbye');
    stand.screen.touch({ intent: 'start' });
    await stand.screen.sees('staff-pin');
    await out();
  });

  test('nothing of a card’s serial number or keys stands in what was shown or journalled', () => {
    const shown = JSON.stringify(stand.screen.shown) + journal();
    expect(shown).toContain(pseudonym(demoId('staff-liang')));
    expect(shown).not.toMatch(/serial|D27600012401/i);
    expect(journal()).not.toContain('梁慧');
  });
});

describe('one reader for all', () => {
  beforeAll(async () => {
    stand = await openKioskStand({ readers: { resident: 'Virtual PCD 00 00' } });
  }, 60_000);
  afterAll(() => stand.close());

  test('a staff card in it is served as one, a resident’s as ever', async () => {
    await stand.insert('staff-liang');
    await stand.screen.sees('staff-pin');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    expect(await stand.screen.sees('staff-home')).toMatchObject({ health: { readers: [{ use: 'both' }] } });
    await stand.pull();
    await stand.screen.sees('attract');
    await stand.signIn('lin');
    await stand.pull();
    await stand.screen.sees('goodbye');
  });

  test('closed, it still knows a staff card, and nobody else’s begins anything', async () => {
    stand.screen.touch({ intent: 'start' });
    await stand.insert('staff-liang');
    await stand.screen.sees('staff-pin');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    await stand.screen.sees('staff-home');
    stand.screen.touch({ intent: 'desk.open', act: 'standing' });
    await stand.screen.sees('desk-standing');
    stand.screen.touch({ intent: 'kiosk.close', reason: 'maintenance', back: 'unknown' });
    await stand.screen.sees('desk-standing', ({ closure }) => closure !== null);
    await stand.pull();
    await stand.screen.sees('closed');
    const from = stand.screen.shown.length;
    const cardIn = (is: boolean): Promise<void> => vi.waitFor(() => expect(stand.screen.shown.at(-1)?.snapshot.cardIn).toBe(is), { timeout: 5_000, interval: 20 });
    await stand.insert('lin');
    await cardIn(true);
    await stand.pull();
    await cardIn(false);
    await stand.insert('staff-liang');
    await stand.screen.sees('staff-pin');
    expect(new Set(stand.screen.shown.slice(from).map(({ snapshot }) => snapshot.page.page))).toEqual(new Set(['closed', 'working', 'staff-pin']));
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    await stand.screen.sees('staff-home');
    stand.screen.touch({ intent: 'desk.open', act: 'standing' });
    await stand.screen.sees('desk-standing');
    stand.screen.touch({ intent: 'kiosk.open' });
    await stand.screen.sees('desk-standing', ({ closure }) => closure === null);
    await stand.pull();
    await stand.screen.sees('attract');
  });
});
