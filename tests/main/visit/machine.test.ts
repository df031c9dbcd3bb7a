import { describe, expect, test, vi } from 'vitest';
import { bridgeMessageLimitBytes } from '../../../src/contract/bridge.ts';
import type { FailureCode } from '../../../src/contract/failures.ts';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import type { VisitEvent } from '../../../src/main/visit/machine.ts';
import type { ReaderView } from '../../../src/main/visit/reader-view.ts';
import type { VisitWork } from '../../../src/main/visit/work.ts';
import { canary, cardInfo, movingOffer, never, pensionOffer, resident, taxOffer, VisitStand } from './visit-stand.ts';

const tax = taxOffer.service.id;
const pension = pensionOffer.service.id;

describe('a visit from card to receipt', () => {
  test('passes the pages in their order', async () => {
    const stand = new VisitStand();
    expect(stand.page.page).toBe('attract');
    stand.send({ type: 'start' });
    expect(stand.page.page).toBe('language');
    stand.send({ type: 'language.set', language: 'en' });
    expect(stand.page.page).toBe('insert-card');
    expect(stand.snapshot.language).toBe('en');
    stand.insert();
    expect(stand.page).toEqual({ page: 'working', doing: 'reading-card' });
    const pin = await stand.sees('pin');
    expect(pin).toMatchObject({ triesLeft: 3, wrong: false, pinPad: false, minLength: 6 });
    stand.send({ type: 'pin.submit', pin: '123456' });
    const home = await stand.sees('home');
    expect(home.services.map(({ id }) => id)).toEqual([tax, pension]);
    stand.send({ type: 'service.open', service: tax });
    const consent = await stand.sees('consent');
    expect(consent.until).toMatch(/^2026-1[12]-\d\d$/);
    stand.send({ type: 'consent.allow' });
    expect(stand.answerAll()).toEqual(['property_use', 'tax_year', 'certificate_use', 'letter_language', 'phone']);
    await stand.sees('check');
    stand.send({ type: 'check.confirm' });
    await stand.sees('sign');
    stand.send({ type: 'pin.submit', pin: '123456' });
    await expect.poll(() => stand.state.stage).toBe('visiting.sending');
    expect(stand.page).toEqual({ page: 'working', doing: 'sending' });
    stand.settle('recorded');
    const receipt = await stand.sees('receipt');
    expect(receipt).toMatchObject({ reference: '7KQ2-M4XD-01', state: 'recorded', qr: ['IMI1:1:1:ABC'] });
    stand.send({ type: 'visit.end' });
    expect(stand.page).toEqual({ page: 'take-card', references: ['7KQ2-M4XD-01'] });
    stand.pull();
    expect(stand.page).toMatchObject({ page: 'goodbye', ended: 'done', unsent: false });
    stand.clock.increment(15_000);
    expect(stand.page.page).toBe('attract');
    expect(stand.snapshot.language).toBe('zh-Hans');
    expect(stand.calls.pins).toEqual([
      { purpose: 'user', pin: '123456' },
      { purpose: 'sign', pin: '123456' },
    ]);
    expect(stand.calls.left).toEqual([{ insertion: 1, session: new Uint8Array(16).fill(8) }]);
  });

  test.each(['attract', 'language', 'insert-card', 'goodbye'] as const)('begins from %s when a card is put in', async (page) => {
    const stand = new VisitStand();
    const steps: Record<typeof page, () => void> = {
      attract: () => undefined,
      language: () => stand.send({ type: 'start' }),
      'insert-card': () => {
        stand.send({ type: 'start' });
        stand.send({ type: 'language.set', language: 'en' });
      },
      goodbye: () => {
        stand.insert(1);
        stand.pull();
      },
    };
    steps[page]();
    expect(stand.page.page).toBe(page);
    stand.insert(2);
    await stand.sees('pin');
    expect(stand.state.context.visit?.insertion).toBe(2);
  });

  test('asks in a second request only what the first did not tell', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    await stand.sign(tax);
    stand.settle('recorded');
    await stand.sees('receipt');
    stand.send({ type: 'home' });
    expect(await stand.toCheck(pension)).not.toContain('phone');
    stand.send({ type: 'check.confirm' });
    await stand.sees('sign');
    stand.send({ type: 'pin.submit', pin: '123456' });
    await expect.poll(() => stand.calls.signed).toBe(2);
    expect(stand.calls.pins.filter(({ purpose }) => purpose === 'sign')).toHaveLength(2);
  });

  test('says queued when the block does not come in time, and recorded as soon as it does', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    await stand.sign(tax);
    stand.clock.increment(2_000);
    expect(await stand.sees('receipt')).toMatchObject({ state: 'queued', qr: ['IMI1:1:1:WAITS1'] });
    stand.settle('recorded');
    expect(stand.page).toMatchObject({ page: 'receipt', state: 'recorded', qr: ['IMI1:1:1:ABC'] });
  });

  test('says witnessed when outsiders have seen it, on its page and in the list, with the receipt that shows it', async () => {
    const drawn = [['IMI1:1:1:RECORDED'], ['IMI1:1:1:WITNESSED']];
    const stand = new VisitStand(() => ({ drawReceipt: () => ok(drawn.shift() ?? []) }));
    await stand.signIn();
    await stand.sign(tax);
    stand.settle('recorded');
    expect(await stand.sees('receipt')).toMatchObject({ state: 'recorded', qr: ['IMI1:1:1:RECORDED'] });
    stand.settle('witnessed');
    expect(stand.page).toMatchObject({ page: 'receipt', state: 'witnessed', qr: ['IMI1:1:1:WITNESSED'] });
    stand.send({ type: 'home' });
    expect(await stand.sees('home')).toMatchObject({ requests: [{ state: 'witnessed' }] });
  });

  test('takes what is witnessed at once for recorded too', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    await stand.sign(tax);
    stand.settle('witnessed');
    expect(await stand.sees('receipt')).toMatchObject({ state: 'witnessed' });
  });

  test('says of a request in the list what was found when it was opened', async () => {
    const stand = new VisitStand(() => ({ openRequest: () => Promise.resolve(ok({ state: 'witnessed', qr: [] })) }));
    await stand.signIn();
    await stand.sign(tax);
    stand.settle('recorded');
    await stand.sees('receipt');
    stand.send({ type: 'home' });
    stand.send({ type: 'requests.open' });
    const { requests } = await stand.sees('requests');
    expect(requests).toMatchObject([{ state: 'recorded' }]);
    stand.send({ type: 'request.open', reference: requests[0]?.reference ?? '' });
    expect(await stand.sees('request')).toMatchObject({ request: { state: 'witnessed' } });
    stand.send({ type: 'back' });
    expect(stand.page).toMatchObject({ page: 'requests', requests: [{ state: 'witnessed' }] });
  });

  test('never shows a receipt that does not hold', async () => {
    const stand = new VisitStand(() => ({ drawReceipt: () => fail('proof-invalid') }));
    await stand.signIn();
    await stand.sign(tax);
    stand.settle('recorded');
    expect(await stand.sees('receipt')).toMatchObject({ state: 'queued', qr: ['IMI1:1:1:WAITS1'] });
  });

  test('says with its code when the ledger refuses the request', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    await stand.sign(tax);
    stand.settle('rejected');
    expect(await stand.sees('failure')).toMatchObject({ code: 'request-rejected', detail: 'grant-not-live', next: 'home' });
    stand.send({ type: 'home' });
    expect(await stand.sees('home')).toMatchObject({ requests: [{ state: 'rejected', code: 'grant-not-live' }] });
  });

  test('of several requests offers all receipts before the card goes, and none of their codes after it', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    await stand.sign(tax);
    stand.settle('recorded');
    expect(await stand.sees('receipt')).toMatchObject({ signed: 1 });
    expect(stand.can({ type: 'receipts.open' })).toBe(false);
    stand.send({ type: 'home' });
    await stand.sign(pension);
    stand.clock.increment(2_000);
    expect(await stand.sees('receipt')).toMatchObject({ signed: 2, state: 'queued' });
    stand.send({ type: 'receipts.open' });
    const { receipts, more } = await stand.sees('receipts');
    expect(more).toBe(0);
    expect(receipts.map(({ reference, state, qr }) => [reference, state, qr])).toEqual([
      ['7KQ2-M4XD-02', 'queued', ['IMI1:1:1:WAITS2']],
      ['7KQ2-M4XD-01', 'recorded', ['IMI1:1:1:ABC']],
    ]);
    stand.settle('recorded');
    expect(stand.page).toMatchObject({ receipts: [{ state: 'recorded', qr: ['IMI1:1:1:ABC'] }, { state: 'recorded' }] });
    stand.send({ type: 'back' });
    expect(stand.page.page).toBe('receipt');
    stand.send({ type: 'receipts.open' });
    stand.send({ type: 'visit.end' });
    expect(stand.page).toEqual({ page: 'take-card', references: ['7KQ2-M4XD-01', '7KQ2-M4XD-02'] });
    stand.pull();
    expect(stand.page).toMatchObject({ page: 'goodbye', receipts: [{ reference: '7KQ2-M4XD-01', qr: [] }, { reference: '7KQ2-M4XD-02', qr: [] }] });
  });

  test.each([null, 576])('of many requests, the sheet fits the bridge, on paper of %s dots', async (paperDots) => {
    const codes = [1, 2, 3].map((n) => `IMI1:${n}:3:${'X'.repeat(1790)}`);
    const stand = new VisitStand(() => ({ drawReceipt: () => ok(codes) }), { paperDots });
    await stand.signIn();
    for (let n = 0; n < 8; n += 1) {
      await stand.sign(tax);
      stand.settle('recorded');
      await stand.sees('receipt');
      stand.send({ type: 'home' });
      await stand.sees('home');
    }
    await stand.sign(tax);
    stand.settle('recorded');
    await stand.sees('receipt');
    stand.send({ type: 'receipts.open' });
    const sheet = await stand.sees('receipts');
    expect(sheet).toMatchObject({ more: 5 });
    // On paper all of them are named, and as many have their codes as the message has room for.
    expect(sheet.others?.map(({ qr }) => qr.length)).toEqual(paperDots === null ? undefined : [3, 3, 3, 0, 0]);
    expect(Buffer.byteLength(JSON.stringify(stand.snapshot))).toBeLessThan(bridgeMessageLimitBytes);
    stand.pull();
    expect(Buffer.byteLength(JSON.stringify(stand.snapshot))).toBeLessThan(bridgeMessageLimitBytes);
  });

  test('opens an earlier request with its receipt', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    await stand.sign(tax);
    stand.settle('recorded');
    await stand.sees('receipt');
    stand.send({ type: 'home' });
    stand.send({ type: 'requests.open' });
    const { requests } = await stand.sees('requests');
    stand.send({ type: 'request.open', reference: requests[0]?.reference ?? '' });
    expect(await stand.sees('request')).toMatchObject({ qr: ['IMI1:1:1:X'], until: '2026-11-30' });
    stand.send({ type: 'back' });
    expect(stand.page.page).toBe('requests');
  });
});

describe('the questions', () => {
  test('go back one at a time, and from the first to the consent', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    await stand.toCheck(tax);
    const seen: string[] = [];
    while (stand.page.page !== 'consent') {
      stand.send({ type: 'back' });
      seen.push(stand.page.page === 'question' ? stand.page.question : stand.page.page);
    }
    expect(seen).toEqual(['phone', 'letter_language', 'certificate_use', 'tax_year', 'property_use', 'consent']);
  });

  test('say what is wrong with an answer and stay', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    stand.send({ type: 'service.open', service: tax });
    stand.send({ type: 'consent.allow' });
    stand.send({ type: 'answer.submit', question: 'property_use', value: 'own-home' });
    stand.send({ type: 'answer.submit', question: 'tax_year', value: '1999' });
    expect(stand.page).toMatchObject({ page: 'question', question: 'tax_year', problem: 'too-small', number: 2, of: 5 });
  });

  test('an answer to a question that is not asked is not known', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    stand.send({ type: 'service.open', service: tax });
    stand.send({ type: 'consent.allow' });
    expect(stand.can({ type: 'answer.submit', question: 'phone', value: '1' })).toBe(false);
    expect(stand.can({ type: 'answer.skip', question: 'phone' })).toBe(false);
  });

  test('are changed from the check page and lead straight back to it', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    await stand.toCheck(tax);
    stand.send({ type: 'answer.change', question: 'certificate_use' });
    expect(stand.page).toMatchObject({ page: 'question', question: 'certificate_use', value: 'loan', number: 1, of: 1 });
    stand.send({ type: 'answer.submit', question: 'certificate_use', value: 'visa' });
    expect(stand.page).toMatchObject({ page: 'check' });
    if (stand.page.page === 'check') expect(stand.page.rows.find(({ name }) => name === 'certificate_use')?.value).toBe('visa');
  });

  test('an optional one may be left open', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    stand.send({ type: 'service.open', service: tax });
    stand.send({ type: 'consent.allow' });
    while (stand.page.page === 'question' && !stand.page.optional) stand.answerOne();
    expect(stand.page).toMatchObject({ question: 'phone', optional: true });
    stand.send({ type: 'answer.skip', question: 'phone' });
    expect(stand.page.page).toBe('check');
    if (stand.page.page === 'check') expect(stand.page.rows.find(({ name }) => name === 'phone')).toMatchObject({ source: 'skipped', value: '' });
  });
});

describe('what was typed in an earlier request', () => {
  const phone = { phone: { value: '13800138000', at: 1 } };
  const notProvedYet = (recall: VisitWork['recall']): VisitStand => {
    const stand = new VisitStand(() => ({ recall }));
    stand.probe.access.self = null;
    return stand;
  };

  test('is not asked again once it is proved', async () => {
    const stand = notProvedYet(() => Promise.resolve(ok(phone)));
    await stand.signIn();
    expect(await stand.toCheck(tax)).not.toContain('phone');
  });

  test('is waited for where the resident is quicker than the proof', async () => {
    const proof = Promise.withResolvers<Result<typeof phone>>();
    const stand = notProvedYet(() => proof.promise);
    await stand.signIn();
    stand.send({ type: 'service.open', service: tax });
    expect(stand.page).toMatchObject({ page: 'working', doing: 'preparing' });
    proof.resolve(ok(phone));
    await stand.sees('consent');
    stand.send({ type: 'consent.allow' });
    expect(stand.answerAll()).not.toContain('phone');
  });

  test.each<{ name: string; recalled: Result<Record<string, never>>; self: unknown }>([
    { name: 'nothing proves it', recalled: ok({}), self: {} },
    { name: 'the hub is away', recalled: fail('hub-unreachable'), self: null },
  ])('is asked again where $name', async ({ recalled, self }) => {
    const stand = notProvedYet(() => Promise.resolve(recalled));
    await stand.signIn();
    expect(await stand.toCheck(tax)).toContain('phone');
    expect(stand.state.context.visit?.access?.self).toEqual(self);
  });
});

describe('a window', () => {
  test('opens to its services, and leads back', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    expect(stand.can({ type: 'group.open', group: 'telecom' })).toBe(false);
    stand.send({ type: 'group.open', group: 'tax' });
    expect(stand.page).toMatchObject({ page: 'group', group: 'tax', services: [{ id: tax }] });
    stand.send({ type: 'back' });
    expect(stand.page.page).toBe('home');
    stand.send({ type: 'group.open', group: 'tax' });
    stand.send({ type: 'service.open', service: tax });
    await stand.sees('consent');
  });

  test('shows what is published meanwhile, and no longer what is withdrawn', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    stand.send({ type: 'group.open', group: 'pension' });
    stand.send({ type: 'offers.changed', offered: { offers: [taxOffer], bundles: [] } });
    expect(stand.page).toMatchObject({ page: 'group', services: [] });
    stand.send({ type: 'offers.changed', offered: { offers: [taxOffer, pensionOffer], bundles: [] } });
    expect(stand.page).toMatchObject({ page: 'group', services: [{ id: pension }] });
  });

  test('leaves a request in hand as it was begun', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    stand.send({ type: 'service.open', service: tax });
    await stand.sees('consent');
    stand.send({ type: 'offers.changed', offered: { offers: [], bundles: [] } });
    expect(stand.page).toMatchObject({ page: 'consent', service: { id: tax } });
  });
});

describe('a bundle', () => {
  const moving = movingOffer.bundle.id;
  const withMoving = async (): Promise<VisitStand> => {
    const stand = new VisitStand();
    stand.probe.access.offers = [taxOffer, ...movingOffer.members];
    stand.probe.access.bundles = [movingOffer];
    await stand.signIn();
    return stand;
  };

  test('stands on the home page by itself, and its services nowhere else', async () => {
    const stand = await withMoving();
    expect(stand.page).toMatchObject({ page: 'home', services: [{ id: tax }], bundles: [{ id: moving, agencies: 5 }] });
  });

  test('tells each agency in a letter, and leaves out whom the resident leaves out', async () => {
    const stand = await withMoving();
    const { letters } = await stand.toLetters(moving);
    expect(letters.map(({ leads, told }) => [leads, told])).toEqual([[true, true], [false, true], [false, true], [false, true], [false, true]]);
    expect(stand.can({ type: 'consent.tell', service: 'tax/new-address', told: false })).toBe(false);
    stand.send({ type: 'consent.tell', service: 'utility/water-move', told: false });
    stand.send({ type: 'consent.allow' });
    expect(stand.answerAll()).not.toContain('water_reading');
    expect(await stand.sees('check')).toMatchObject({ service: { id: moving, agencies: { length: 4 } } });
    stand.send({ type: 'check.confirm' });
    expect(await stand.sees('sign')).toMatchObject({ service: { agencies: { length: 4 } } });
  });

  test('is one signature and one receipt, and a line for each agency under my requests', async () => {
    const stand = await withMoving();
    await stand.toLetters(moving);
    stand.send({ type: 'consent.allow' });
    stand.answerAll();
    stand.send({ type: 'check.confirm' });
    await stand.sees('sign');
    stand.send({ type: 'pin.submit', pin: '123456' });
    await stand.sees('working');
    await vi.waitFor(() => expect(stand.calls.delivered).toHaveLength(1));
    stand.settle('recorded');
    expect(await stand.sees('receipt')).toMatchObject({ service: { id: moving }, signed: 1 });
    expect(stand.calls.signed).toBe(1);
    stand.send({ type: 'home' });
    stand.send({ type: 'requests.open' });
    const { requests } = await stand.sees('requests');
    expect(requests.slice(0, 5).map(({ reference, act, state }) => [reference, act, state])).toEqual([1, 3, 5, 7, 9].map((act) => ['7KQ2-M4XD-01', act, 'recorded']));
    expect(stand.can({ type: 'request.open', reference: '7KQ2-M4XD-01', act: 2 })).toBe(false);
    stand.send({ type: 'request.open', reference: '7KQ2-M4XD-01', act: 7 });
    expect(await stand.sees('request')).toMatchObject({ request: { act: 7, agency: { en: 'water-works' } } });
  });
});

describe('consent', () => {
  test('leaves optional claims off and required ones as they are', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    stand.send({ type: 'service.open', service: tax });
    const chosen = (): string[] => (stand.page.page === 'consent' ? stand.page.claims.filter((claim) => claim.chosen).map(({ claim }) => claim) : []);
    expect(chosen()).not.toContain('name_latin');
    expect(stand.can({ type: 'consent.choose', service: tax, claim: 'name', chosen: false })).toBe(false);
    stand.send({ type: 'consent.choose', service: tax, claim: 'name_latin', chosen: true });
    expect(chosen()).toContain('name_latin');
    stand.send({ type: 'consent.choose', service: tax, claim: 'name_latin', chosen: false });
    expect(chosen()).not.toContain('name_latin');
  });

  test.each(['consent.refuse', 'back'] as const)('%s leads home with nothing kept', async (type) => {
    const stand = new VisitStand();
    await stand.signIn();
    stand.send({ type: 'service.open', service: tax });
    stand.send({ type });
    expect(stand.page.page).toBe('home');
    expect(stand.state.context.visit?.draft).toBeNull();
  });

  test('of a service that wants a fact nobody vouches for is not asked: the page says whose word it needs', async () => {
    const stand = new VisitStand();
    delete stand.probe.access.known.household_number;
    await stand.signIn();
    stand.send({ type: 'service.open', service: tax });
    expect(stand.page).toEqual({ page: 'facts-missing', title: taxOffer.service.title, office: { 'zh-Hans': 'Registrar', en: 'Registrar' }, claims: ['household_number'] });
    stand.send({ type: 'back' });
    expect(stand.page.page).toBe('home');
    expect(stand.state.context.visit?.lacking).toBeNull();
  });
});

describe('the PIN', () => {
  test('may be wrong, and the page says how often it may still be tried', async () => {
    let tries = 3;
    const stand = new VisitStand(() => ({ checkPin: () => Promise.resolve(ok({ verified: false, triesLeft: (tries -= 1) })) }));
    stand.insert();
    await stand.enterPin();
    await expect.poll(() => stand.page).toMatchObject({ page: 'pin', wrong: true, triesLeft: 2 });
    stand.send({ type: 'pin.submit', pin: '999999' });
    expect(await stand.sees('failure')).toMatchObject({ code: 'pin-last-try', next: 'take-card' });
  });

  test.each<{ name: string; pw1: number; code: FailureCode }>([
    { name: 'one try left', pw1: 1, code: 'pin-last-try' },
    { name: 'none left', pw1: 0, code: 'pin-blocked' },
  ])('is not asked for with $name', async ({ pw1, code }) => {
    const stand = new VisitStand(() => ({ readCard: () => Promise.resolve(ok({ ...cardInfo, tries: { ...cardInfo.tries, pw1 } })) }));
    stand.insert();
    expect(await stand.sees('failure')).toMatchObject({ code, next: 'take-card' });
    expect(stand.calls.pins).toEqual([]);
  });

  test('is asked again on the sign page when it was wrong there', async () => {
    const stand = new VisitStand((good) => ({
      checkPin: (insertion, purpose, pin) =>
        purpose === 'sign' ? Promise.resolve(ok({ verified: false, triesLeft: 2 })) : good.checkPin(insertion, purpose, pin),
    }));
    await stand.signIn();
    await stand.toSign(tax);
    stand.send({ type: 'pin.submit', pin: '000000' });
    await expect.poll(() => stand.page).toMatchObject({ page: 'sign', wrong: true, triesLeft: 2 });
    expect(stand.calls.signed).toBe(0);
  });

  test("is typed on the reader's own pad where there is one", async () => {
    const stand = new VisitStand();
    stand.insert();
    await stand.sees('pin');
    stand.send({ type: 'pin.on-reader' });
    expect(stand.page).toEqual({ page: 'working', doing: 'pin-on-reader' });
    await stand.sees('home');
    expect(stand.calls.pins).toEqual([{ purpose: 'user', pin: null }]);
  });

  test('right before the ledger has answered waits for it', async () => {
    let answer: (ticket: Awaited<ReturnType<VisitWork['lookUp']>>) => void = () => undefined;
    const stand = new VisitStand(() => ({ lookUp: () => new Promise((resolve) => (answer = resolve)) }));
    stand.insert();
    await stand.enterPin();
    await expect.poll(() => stand.page).toEqual({ page: 'working', doing: 'proving-key' });
    answer(fail('hub-unreachable'));
    expect(await stand.sees('failure')).toMatchObject({ code: 'hub-unreachable', next: 'retry' });
  });
});

type Step = keyof VisitWork & ('readCard' | 'lookUp' | 'checkPin' | 'proveKey' | 'openAccess' | 'prepare' | 'sign');

describe('a failure', () => {
  test.each<{ at: Step; code: FailureCode; next: string; sent: string }>([
    { at: 'readCard', code: 'card-unknown', next: 'take-card', sent: 'not-begun' },
    { at: 'readCard', code: 'card-unsupported', next: 'take-card', sent: 'not-begun' },
    { at: 'readCard', code: 'card-mute', next: 'take-card', sent: 'not-begun' },
    { at: 'readCard', code: 'card-in-use', next: 'retry', sent: 'not-begun' },
    { at: 'readCard', code: 'card-error', next: 'retry', sent: 'not-begun' },
    { at: 'lookUp', code: 'key-unknown', next: 'take-card', sent: 'not-begun' },
    { at: 'lookUp', code: 'key-blocked', next: 'take-card', sent: 'not-begun' },
    { at: 'lookUp', code: 'key-not-resident', next: 'take-card', sent: 'not-begun' },
    { at: 'lookUp', code: 'head-too-old', next: 'retry', sent: 'not-begun' },
    { at: 'lookUp', code: 'hub-unreachable', next: 'retry', sent: 'not-begun' },
    { at: 'lookUp', code: 'trust-expired', next: 'take-card', sent: 'not-begun' },
    { at: 'checkPin', code: 'pin-blocked', next: 'take-card', sent: 'not-begun' },
    { at: 'checkPin', code: 'pin-last-try', next: 'take-card', sent: 'not-begun' },
    { at: 'checkPin', code: 'pin-pad-cancelled', next: 'retry', sent: 'not-begun' },
    { at: 'proveKey', code: 'challenge-failed', next: 'take-card', sent: 'not-begun' },
    { at: 'proveKey', code: 'card-touch-missed', next: 'retry', sent: 'not-begun' },
    { at: 'openAccess', code: 'space-unreadable', next: 'take-card', sent: 'not-begun' },
    { at: 'openAccess', code: 'credential-invalid', next: 'take-card', sent: 'not-begun' },
    { at: 'openAccess', code: 'hub-storage', next: 'retry', sent: 'not-begun' },
    { at: 'prepare', code: 'kiosk-storage', next: 'home', sent: 'nothing' },
    { at: 'sign', code: 'signature-failed', next: 'home', sent: 'nothing' },
    { at: 'sign', code: 'card-touch-missed', next: 'retry', sent: 'nothing' },
    { at: 'sign', code: 'kiosk-storage', next: 'home', sent: 'nothing' },
  ])('of $at with $code has its page', async ({ at, code, next, sent }) => {
    const stand = new VisitStand(() => ({ [at]: () => Promise.resolve(fail(code, '6985')) }));
    stand.insert();
    if (at !== 'readCard' && at !== 'lookUp') await stand.enterPin();
    if (at === 'prepare' || at === 'sign') {
      await stand.sees('home');
      await stand.toCheck(tax);
      stand.send({ type: 'check.confirm' });
    }
    if (at === 'sign') {
      await stand.sees('sign');
      stand.send({ type: 'pin.submit', pin: '123456' });
    }
    expect(await stand.sees('failure')).toEqual({ page: 'failure', code, detail: '6985', next, sent });
    stand.send({ type: 'visit.end' });
    expect(stand.page.page).toBe('take-card');
  });

  test.each<{ at: Step; back: string }>([
    { at: 'readCard', back: 'pin' },
    { at: 'lookUp', back: 'pin' },
    { at: 'proveKey', back: 'home' },
    { at: 'openAccess', back: 'home' },
  ])('of $at is over after one retry', async ({ at, back }) => {
    let failed = false;
    const stand = new VisitStand((good) => ({
      [at]: (...args: never[]) => {
        if (failed) return (good[at] as (...args: never[]) => Promise<unknown>)(...args);
        failed = true;
        return Promise.resolve(fail(at === 'readCard' ? 'card-error' : 'hub-unreachable'));
      },
    }));
    stand.insert();
    if (at === 'proveKey' || at === 'openAccess') await stand.enterPin();
    await stand.sees('failure');
    stand.send({ type: 'retry' });
    await expect.poll(() => stand.page.page).toBe(back);
  });

  test.each([
    { name: 'before its first day is over', left: 1, page: 'failure' },
    { name: 'when it is', left: 0, page: 'consent' },
  ])('of a card that replaced another, asked for a service $name', async ({ left, page }) => {
    const stand = new VisitStand();
    stand.probe.access.resident = { ...resident, readOnlyUntil: Date.UTC(2026, 10, 22, 10) / 1000 + left };
    await stand.signIn();
    stand.send({ type: 'service.open', service: tax });
    await expect.poll(() => stand.page.page).toBe(page);
    if (left > 0) expect(stand.page).toEqual({ page: 'failure', code: 'key-read-only', detail: null, next: 'home', sent: 'not-begun' });
    stand.send({ type: left > 0 ? 'home' : 'back' });
    expect(stand.page.page).toBe('home');
  });

  test('that is an exception is a fault with its own page', async () => {
    const stand = new VisitStand(() => ({ openAccess: () => Promise.reject(new TypeError('a bug')) }));
    stand.insert();
    await stand.enterPin();
    expect(await stand.sees('failure')).toMatchObject({ code: 'kiosk-fault', detail: null });
  });
});

describe('the reader', () => {
  test.each<{ view: ReaderView; code: FailureCode }>([
    { view: { view: 'fault', code: 'reader-no-service', detail: null }, code: 'reader-no-service' },
    { view: { view: 'fault', code: 'reader-no-permission', detail: null }, code: 'reader-no-permission' },
    { view: { view: 'fault', code: 'reader-missing', detail: null }, code: 'reader-missing' },
    { view: { view: 'fault', code: 'device-host-lost', detail: null }, code: 'device-host-lost' },
    { view: { view: 'fault', code: 'trust-expired', detail: '721 h' }, code: 'trust-expired' },
    { view: { view: 'fault', code: 'ledger-split', detail: null }, code: 'ledger-split' },
    { view: { view: 'mute', insertion: 1 }, code: 'card-mute' },
    { view: { view: 'in-use', insertion: 1 }, code: 'card-in-use' },
  ])('that says $code has a page which leaves by itself', async ({ view, code }) => {
    const stand = new VisitStand();
    stand.send({ type: 'reader', view });
    expect(stand.page).toMatchObject({ page: 'failure', code, next: 'none' });
    stand.pull();
    expect(stand.page.page).toBe('attract');
    stand.send({ type: 'reader', view });
    stand.insert(2);
    await stand.sees('pin');
  });

  test('lost in the middle of a visit ends it', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    stand.send({ type: 'reader', view: { view: 'fault', code: 'reader-no-service', detail: null } });
    expect(stand.page).toMatchObject({ page: 'failure', code: 'reader-no-service' });
    expect(stand.state.context.visit).toBeNull();
    expect(stand.probe.closed).toBe(true);
  });

  test('that has another card between two looks ends one visit and begins the next', async () => {
    const stand = new VisitStand();
    await stand.signIn(1);
    const first = stand.state.context.visit?.id;
    stand.insert(2);
    expect(stand.calls.left.map(({ insertion }) => insertion)).toEqual([1]);
    await stand.sees('pin');
    expect(stand.state.context.visit?.id).not.toBe(first);
    expect(JSON.stringify(stand.state.context)).not.toContain(canary);
  });

  test('keeps the take-card page until the card is out', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    stand.send({ type: 'visit.end' });
    stand.clock.increment(3_600_000);
    stand.send({ type: 'reader', view: { view: 'mute', insertion: 1 } });
    stand.insert(1);
    expect(stand.page.page).toBe('take-card');
    stand.pull();
    expect(stand.page.page).toBe('goodbye');
  });
});

/** How to come to each state in which a resident's card is in. */
const ways: { name: string; go: (stand: VisitStand) => Promise<void>; change?: (good: VisitWork) => Partial<VisitWork>; unsent?: boolean }[] = [
  { name: 'the card is read', go: async () => undefined, change: () => ({ readCard: never }) },
  { name: 'the PIN is typed', go: async (stand) => void (await stand.sees('pin')) },
  { name: 'the PIN is checked', go: (stand) => stand.enterPin(), change: () => ({ checkPin: never }) },
  { name: 'the key is proved', go: (stand) => stand.enterPin(), change: () => ({ proveKey: never }) },
  { name: 'the space is opened', go: (stand) => stand.enterPin(), change: () => ({ openAccess: never }) },
  { name: 'home is shown', go: async (stand) => void (await signedIn(stand)) },
  {
    name: 'requests are shown',
    go: async (stand) => {
      await signedIn(stand);
      stand.send({ type: 'requests.open' });
    },
  },
  {
    name: 'typed facts are being proved',
    go: async (stand) => {
      stand.probe.access.self = null;
      await signedIn(stand);
      stand.send({ type: 'service.open', service: tax });
      expect(stand.state.stage).toBe('visiting.recalling');
    },
    change: () => ({ recall: never }),
    unsent: true,
  },
  {
    name: 'consent is asked',
    go: async (stand) => {
      await signedIn(stand);
      stand.send({ type: 'service.open', service: tax });
    },
    unsent: true,
  },
  {
    name: 'a question is asked',
    go: async (stand) => {
      await signedIn(stand);
      stand.send({ type: 'service.open', service: tax });
      stand.send({ type: 'consent.allow' });
    },
    unsent: true,
  },
  { name: 'answers are checked', go: async (stand) => void (await (await signedIn(stand)).toCheck(tax)), unsent: true },
  { name: 'the signature is asked for', go: async (stand) => (await signedIn(stand)).toSign(tax), unsent: true },
  {
    name: 'the card signs',
    go: async (stand) => {
      await (await signedIn(stand)).toSign(tax);
      stand.send({ type: 'pin.submit', pin: '123456' });
      await expect.poll(() => stand.state.stage).toBe('visiting.signing');
    },
    change: () => ({ sign: never }),
    unsent: true,
  },
  { name: 'the request is sent', go: async (stand) => (await signedIn(stand)).sign(tax) },
  {
    name: 'the receipt is shown',
    go: async (stand) => {
      await (await signedIn(stand)).sign(tax);
      stand.settle('recorded');
      await stand.sees('receipt');
    },
  },
  {
    name: 'the receipts are shown',
    go: async (stand) => {
      await signedIn(stand);
      for (const service of [tax, pension]) {
        await stand.sign(service);
        stand.settle('recorded');
        await stand.sees('receipt');
        if (service === tax) stand.send({ type: 'home' });
      }
      stand.send({ type: 'receipts.open' });
      await stand.sees('receipts');
    },
  },
  {
    name: 'a failure is shown',
    go: async (stand) => {
      await signedIn(stand);
      await stand.toCheck(tax);
      stand.send({ type: 'check.confirm' });
      await stand.sees('failure');
    },
    change: () => ({ prepare: () => Promise.resolve(fail('kiosk-storage')) }),
    unsent: true,
  },
];

async function signedIn(stand: VisitStand): Promise<VisitStand> {
  await stand.enterPin();
  await stand.sees('home');
  return stand;
}

describe('the card out', () => {
  test.each(ways)('while $name leaves no fact and shuts every door', async ({ go, change, unsent }) => {
    const stand = new VisitStand(change);
    stand.insert();
    await go(stand);
    stand.pull();
    expect(stand.page).toMatchObject({ page: 'goodbye', ended: 'card-removed', unsent: unsent ?? false });
    expect(stand.state.context.visit).toBeNull();
    expect(JSON.stringify(stand.snapshot)).not.toContain(canary);
    expect(JSON.stringify(stand.state.context)).not.toContain(canary);
    expect(stand.calls.left.map(({ insertion }) => insertion)).toEqual([1]);
    if (stand.calls.left[0]?.session !== null) {
      expect(stand.probe.closed).toBe(true);
      expect(stand.probe.access.session).toEqual(new Uint8Array(16));
    }
    stand.clock.increment(15_000);
    expect(stand.page.page).toBe('attract');
  });

  test('an answer that comes too late changes nothing', async () => {
    let answer: (result: Awaited<ReturnType<VisitWork['openAccess']>>) => void = () => undefined;
    const stand = new VisitStand(() => ({ openAccess: () => new Promise((resolve) => (answer = resolve)) }));
    stand.insert();
    await stand.enterPin();
    await expect.poll(() => stand.state.stage).toBe('visiting.opening');
    stand.pull();
    answer(ok(stand.probe.access));
    await Promise.resolve();
    stand.insert(2);
    await stand.sees('pin');
    expect(JSON.stringify(stand.state.context)).not.toContain(canary);
  });

  test('is believed when the card says so before its reader does', async () => {
    const stand = new VisitStand(() => ({ proveKey: () => Promise.resolve(fail('card-removed')) }));
    stand.insert();
    await stand.enterPin();
    await stand.sees('take-card');
    expect(stand.state.context.visit).toBeNull();
    stand.pull();
    expect(stand.page).toMatchObject({ page: 'goodbye', ended: 'card-removed' });
  });

  test('the reference of a request that was signed stays, and its state goes on', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    await stand.sign(tax);
    stand.pull();
    expect(stand.page).toMatchObject({ page: 'goodbye', receipts: [{ reference: '7KQ2-M4XD-01', state: 'queued', qr: ['IMI1:1:1:WAITS1'] }], unsent: false });
    stand.settle('recorded');
    // The codes were of the receipt that only waits.
    expect(stand.page).toMatchObject({ page: 'goodbye', receipts: [{ state: 'recorded', qr: [] }] });
    // No receipt could be drawn that shows it.
    stand.settle('witnessed');
    expect(stand.page).toMatchObject({ page: 'goodbye', receipts: [{ state: 'recorded', qr: [] }] });
  });
});

describe('an idle page', () => {
  const overlay = (stand: VisitStand): unknown => stand.snapshot.overlay;

  test('warns at the limit and ends after the grace', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    stand.clock.increment(59_999);
    expect(overlay(stand)).toBeNull();
    stand.clock.increment(1);
    expect(overlay(stand)).toEqual({ overlay: 'idle', secondsLeft: 30 });
    for (let second = 0; second < 29; second += 1) stand.clock.increment(1_000);
    expect(overlay(stand)).toEqual({ overlay: 'idle', secondsLeft: 1 });
    stand.clock.increment(1_000);
    expect(stand.page.page).toBe('take-card');
    expect(overlay(stand)).toBeNull();
    stand.pull();
    expect(stand.page).toMatchObject({ page: 'goodbye', ended: 'timeout' });
  });

  test('gives more time without limit', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    for (let round = 0; round < 20; round += 1) {
      stand.clock.increment(60_000);
      expect(overlay(stand)).toEqual({ overlay: 'idle', secondsLeft: 30 });
      stand.send({ type: 'time.more' });
      expect(overlay(stand)).toBeNull();
    }
    expect(stand.page.page).toBe('home');
  });

  test('is awake as long as somebody touches it, and a touch beside the warning does not answer it', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    stand.clock.increment(59_000);
    stand.send({ type: 'activity' });
    stand.clock.increment(59_000);
    expect(overlay(stand)).toBeNull();
    stand.clock.increment(1_000);
    stand.send({ type: 'activity' });
    expect(overlay(stand)).toMatchObject({ overlay: 'idle' });
  });

  test.each<{ name: string; change: Partial<VisitWork> }>([
    { name: 'the card', change: { checkPin: never } },
    { name: 'the hub', change: { openAccess: never } },
  ])('does not count while $name works', async ({ change }) => {
    const stand = new VisitStand(() => change);
    stand.insert();
    await stand.enterPin();
    await expect.poll(() => stand.page.page).toBe('working');
    stand.clock.increment(600_000);
    expect(stand.page.page).toBe('working');
    expect(overlay(stand)).toBeNull();
  });

  test('does not count what comes by itself', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    await stand.sign(tax);
    stand.clock.increment(2_000);
    await stand.sees('receipt');
    stand.clock.increment(59_000);
    stand.settle('recorded');
    stand.clock.increment(1_000);
    expect(overlay(stand)).toMatchObject({ overlay: 'idle' });
  });

  test.each(['language', 'insert-card'] as const)('%s goes back to attract without a word', (page) => {
    const stand = new VisitStand();
    stand.send({ type: 'start' });
    if (page === 'insert-card') stand.send({ type: 'language.set', language: 'en' });
    expect(stand.page.page).toBe(page);
    stand.clock.increment(60_000);
    expect(stand.page.page).toBe('attract');
    expect(stand.snapshot.language).toBe('zh-Hans');
  });
});

describe('an intent', () => {
  test.each<{ name: string; event: VisitEvent }>([
    { name: 'allowing before anything was asked', event: { type: 'consent.allow' } },
    { name: 'a PIN at home', event: { type: 'pin.submit', pin: '123456' } },
    { name: 'confirming at home', event: { type: 'check.confirm' } },
    { name: 'a service that is not offered', event: { type: 'service.open', service: 'tax/other' } },
    { name: "somebody else's request", event: { type: 'request.open', reference: '0000-0000-00' } },
    { name: 'retrying when nothing failed', event: { type: 'retry' } },
  ])('that home does not know is ignored: $name', async ({ event }) => {
    const stand = new VisitStand();
    await stand.signIn();
    expect(stand.can(event)).toBe(false);
    stand.send(event);
    expect(stand.page.page).toBe('home');
  });

  test.each(['home', 'back', 'consent.allow', 'check.confirm'] as const)('%s does nothing while the card signs', async (type) => {
    const stand = new VisitStand(() => ({ sign: never }));
    await stand.signIn();
    await stand.toSign(tax);
    stand.send({ type: 'pin.submit', pin: '123456' });
    await expect.poll(() => stand.state.stage).toBe('visiting.signing');
    expect(stand.can({ type })).toBe(false);
  });

  test('help opens over any page and closes again', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    stand.send({ type: 'help.open' });
    expect(stand.snapshot.overlay).toEqual({ overlay: 'help' });
    stand.send({ type: 'help.close' });
    expect(stand.snapshot.overlay).toBeNull();
  });

  test('changes the language on any page', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    stand.send({ type: 'language.set', language: 'en' });
    expect(stand.snapshot).toMatchObject({ language: 'en', page: { page: 'home' } });
  });
});

test('the card that waits for a touch is said so', async () => {
  const stand = new VisitStand(() => ({ proveKey: never }));
  stand.insert();
  await stand.enterPin();
  await expect.poll(() => stand.page).toEqual({ page: 'working', doing: 'proving-key' });
  stand.send({ type: 'touch.wanted', insertion: 1 });
  expect(stand.page).toEqual({ page: 'working', doing: 'touch-card' });
});

test('a screen that is lost ends the visit', async () => {
  const stand = new VisitStand();
  await stand.signIn();
  stand.send({ type: 'screen.lost' });
  expect(stand.page.page).toBe('take-card');
  expect(stand.state.context.visit).toBeNull();
});

describe('a kiosk that staff have closed', () => {
  const closure = { reason: 'maintenance', back: null } as const;
  const closed = { page: 'closed', ...closure };

  test('says so from its first page on, and no card begins a visit', () => {
    const stand = new VisitStand(undefined, {}, closure);
    expect(stand.page).toEqual(closed);
    stand.insert();
    expect(stand.page).toEqual(closed);
    expect(stand.snapshot.cardIn).toBe(true);
    stand.pull();
    stand.send({ type: 'start' });
    expect(stand.page).toEqual(closed);
    expect(stand.state.context.visit).toBeNull();
  });

  test('opened again, a card that is in already begins a visit', async () => {
    const stand = new VisitStand(undefined, {}, closure);
    stand.insert();
    stand.send({ type: 'standing', closure: null });
    await stand.enterPin();
    expect(await stand.sees('home')).toMatchObject({ page: 'home' });
  });

  test('opened again without a reader, it says that', () => {
    const stand = new VisitStand(undefined, {}, closure);
    stand.send({ type: 'reader', view: { view: 'fault', code: 'reader-missing', detail: null } });
    expect(stand.page).toEqual(closed);
    stand.send({ type: 'standing', closure: null });
    expect(stand.page).toMatchObject({ page: 'failure', code: 'reader-missing' });
  });

  test('a visit that is under way goes on to its end', async () => {
    const stand = new VisitStand();
    await stand.signIn();
    stand.send({ type: 'standing', closure });
    expect(stand.page.page).toBe('home');
    stand.send({ type: 'service.open', service: tax });
    await stand.sees('consent');
    stand.pull();
    expect(stand.page).toMatchObject({ page: 'goodbye', unsent: true });
    stand.clock.increment(15_000);
    expect(stand.page).toEqual(closed);
  });

  test('a reader that is lost in the meantime leaves it closed', () => {
    const stand = new VisitStand();
    stand.send({ type: 'reader', view: { view: 'fault', code: 'device-host-lost', detail: null } });
    stand.send({ type: 'standing', closure });
    stand.pull();
    expect(stand.page).toEqual(closed);
  });

  test('the reason may become another, and the language goes back to the first', () => {
    const stand = new VisitStand(undefined, {}, closure);
    stand.send({ type: 'standing', closure: { reason: 'cleaning', back: '2026-11-22T06:35:00.000Z' } });
    expect(stand.page).toEqual({ page: 'closed', reason: 'cleaning', back: '2026-11-22T06:35:00.000Z' });
    stand.send({ type: 'language.set', language: 'en' });
    expect(stand.snapshot.language).toBe('en');
    stand.clock.increment(60_000);
    expect(stand.snapshot.language).toBe('zh-Hans');
  });

  test.each([
    { name: 'with one reader for all a card is looked at: it may be staff’s', oneReader: true, looked: [1] },
    { name: 'with a reader of their own it is not', oneReader: false, looked: [] },
  ])('$name', ({ oneReader, looked }) => {
    const seen: number[] = [];
    const stand = new VisitStand(() => ({ tellStaffCard: (insertion) => Promise.resolve(void seen.push(insertion)) }), { oneReader }, closure);
    stand.insert();
    // Our own hold on it.
    stand.send({ type: 'reader', view: { view: 'in-use', insertion: 1 } });
    expect(seen).toEqual(looked);
    expect(stand.page).toEqual(closed);
  });
});
