import { expect as shortExpect, type CDPSession, type Locator, type Page as BrowserPage } from '@playwright/test';
import type { CheckRow, Doing, Intent, Page, PrintOffer, RequestState } from '../../src/contract/bridge.ts';
import type { BackChoice, ClosedReason } from '../../src/contract/closure.ts';
import type { HeldOutcome } from '../../src/contract/held-receipt.ts';
import type { FailureCode } from '../../src/contract/failures.ts';
import type { Language } from '../../src/contract/language.ts';
import type { JournalFilter, SetupPage, TestedDevice, WorkshopPage } from '../../src/contract/workshop.ts';
import { symbolsToReceipt } from '../../src/ledger/verify/receipt-symbols.ts';
import type { CardHand } from '../virtual-card/hand.ts';
import { readQr } from './qr-reader.ts';

/** Long enough for a card that signs slowly on a busy machine. */
const patienceMs = 10_000;
const expect = shortExpect.configure({ timeout: patienceMs });

/** The page's own word on itself, where it has one: which failure, which question, how it ended. */
interface Particulars {
  failure: FailureCode;
  question: string;
  working: Doing;
  receipt: RequestState;
  goodbye: Extract<Page, { page: 'goodbye' }>['ended'];
  'ask-done': Extract<Page, { page: 'ask-done' }>['outcome'];
  'held-receipt': HeldOutcome['is'] | 'seen';
  'desk-card': Extract<Page, { page: 'desk-card' }>['card'];
  'desk-turn': Extract<Page, { page: 'desk-turn' }>['to'];
  'desk-sign': Extract<Page, { page: 'desk-sign' }>['what'];
  'desk-done': 'good' | FailureCode;
  'desk-standing': 'open' | 'closed';
  closed: ClosedReason;
  setup: SetupPage['step'];
  workshop: WorkshopPage['part'];
}
type PageName = Page['page'];

const particularOf: Record<keyof Particulars, string> = {
  failure: 'data-code',
  question: 'data-question',
  working: 'data-doing',
  receipt: 'data-state',
  goodbye: 'data-ended',
  'ask-done': 'data-outcome',
  'held-receipt': 'data-is',
  'desk-card': 'data-card',
  'desk-turn': 'data-to',
  'desk-sign': 'data-what',
  'desk-done': 'data-tried',
  'desk-standing': 'data-standing',
  closed: 'data-reason',
  setup: 'data-step',
  workshop: 'data-part',
};

/** The screen as it is now: a browser that was replaced has another page. */
export interface KioskScreen {
  current(): Promise<{ page: BrowserPage; touchpad: CDPSession }>;
}

/** What a person does at a kiosk: looks, touches, puts the card in and takes it out. Waits for what is to be seen, never for time to pass. */
export class Kiosk {
  readonly #screen: KioskScreen;
  readonly #hand: CardHand;
  readonly #cardFile: (person: string) => string;
  /** Touches on the screen so far. */
  touches = 0;

  constructor(screen: KioskScreen, hand: CardHand, cardFile: (person: string) => string) {
    this.#screen = screen;
    this.#hand = hand;
    this.#cardFile = cardFile;
  }

  /** The page with this name, and its particular: `sees('failure', 'card-mute')`. */
  async sees<Name extends PageName>(name: Name, particular?: Name extends keyof Particulars ? Particulars[Name] : never): Promise<Locator> {
    const attribute = name in particularOf ? particularOf[name as keyof Particulars] : '';
    const selector = particular === undefined ? `[data-page="${name}"]` : `[data-page="${name}"][${attribute}="${String(particular)}"]`;
    const page = (await this.#page()).locator(selector);
    await expect(page, `the page ${name} ${particular === undefined ? '' : String(particular)}`).toBeVisible();
    return page;
  }

  /** Any text on the whole screen. */
  async reads(text: string | RegExp): Promise<void> {
    await expect((await this.#page()).locator('body')).toContainText(text);
  }

  async doesNotRead(text: string): Promise<void> {
    await expect((await this.#page()).locator('body')).not.toContainText(text);
  }

  /** The first document shows the attract page before its scripts have come; nobody feels a touch in between. */
  async begin(): Promise<void> {
    const page = await this.#page();
    // As a visit ends the document is replaced, perhaps right now.
    await page.waitForFunction(() => '__vue_app__' in ((globalThis as unknown as { document: { querySelector(name: string): object | null } }).document.querySelector('#kiosk') ?? {}), undefined, { timeout: patienceMs });
    await this.#touchIntent('start');
  }

  async chooseLanguage(language: Language): Promise<void> {
    await this.#touchIntent('language.set', language);
  }

  async insertCard(person: string): Promise<void> {
    await this.#hand.insert(this.#cardFile(person));
  }

  async pullCard(): Promise<void> {
    await this.#hand.pull();
  }

  /** On the page that asks for it, at sign-in or to sign. */
  async enterPin(pin: string): Promise<void> {
    const asking = (await this.#page()).locator('[data-page="pin"], [data-page="sign"], [data-page="staff-pin"], [data-page="desk-sign"], [data-stage="pin"]');
    await expect(asking).toBeVisible();
    await this.press(...pin);
    await this.submitPin();
  }

  /** Keys of the pad on the screen, one after the other. */
  async press(...keys: string[]): Promise<void> {
    const page = (await this.#page()).locator('[data-page]');
    for (const key of keys) await this.touch(page.locator(`[data-key="${key}"]`));
  }

  async submitPin(): Promise<void> {
    await this.#touchIntent('pin.submit');
  }

  /** Tries that the screen says the card has left. */
  async seesTriesLeft(count: number): Promise<void> {
    await expect((await this.#page()).locator('[data-tries-left]')).toHaveAttribute('data-tries-left', `${count}`);
    await expect((await this.#page()).locator('[data-tries-left]')).not.toBeEmpty();
  }

  async openService(service: string): Promise<void> {
    const page = await this.sees('home');
    const [group = ''] = service.split('/');
    // With more services than panes, its window has a page of its own.
    if ((await page.locator(`[data-intent="group.open"][data-value="${group}"]`).count()) > 0) {
      await this.#touchIntent('group.open', group);
      await this.sees('group');
    }
    await this.#touchIntent('service.open', service);
  }

  /** Gives a fact that may be kept, or keeps it again. */
  async turn(claim: string): Promise<void> {
    await this.sees('consent');
    await this.#touchIntent('consent.choose', claim);
  }

  /** Whether a fact that may be kept is given as things stand. */
  async gives(claim: string, given: boolean): Promise<void> {
    const page = await this.sees('consent');
    await expect(page.locator(`[data-intent="consent.choose"][data-value="${claim}"]`)).toHaveAttribute('aria-checked', `${given}`);
  }

  async allow(): Promise<void> {
    await this.sees('consent');
    await this.#touchIntent('consent.allow');
  }

  /** The letters of a bundle as they stand: by service, whether its agency is told. */
  async letters(): Promise<Record<string, boolean>> {
    const letters = await (await this.sees('letters')).locator('[data-letter]').all();
    const told = letters.map(async (letter) => [await letter.getAttribute('data-letter'), (await letter.locator('[data-intent="consent.tell"][aria-checked="false"]').count()) === 0]);
    return Object.fromEntries(await Promise.all(told)) as Record<string, boolean>;
  }

  /** Leaves an agency of a bundle out, or takes it in again. */
  async turnLetter(service: string): Promise<void> {
    await this.sees('letters');
    await this.#touchIntent('consent.tell', service);
  }

  async allowLetters(): Promise<void> {
    await this.sees('letters');
    await this.#touchIntent('consent.allow');
  }

  async openGroup(group: string): Promise<void> {
    await this.sees('home');
    await this.#touchIntent('group.open', group);
    await this.sees('group');
  }

  async refuse(): Promise<void> {
    await this.sees('consent');
    await this.#touchIntent('consent.refuse');
  }

  /** From home to what an agency asks: the only one, or that of this name. */
  async openAsk(ask?: string): Promise<void> {
    await this.sees('home');
    await this.#touchIntent('ask.open', ask);
  }

  /** From home, a sign at a time. */
  async typeCode(code: string): Promise<void> {
    await this.sees('home');
    await this.#touchIntent('code.open');
    await this.sees('ask-code');
    await this.press(...code.replaceAll('-', ''));
    await this.#touchIntent('code.submit');
  }

  /** Shows a fact that an agency asks for and that may be kept, or keeps it again. */
  async turnAsked(claim: string): Promise<void> {
    await this.sees('ask');
    await this.#touchIntent('ask.choose', claim);
  }

  async agreeToAsk(): Promise<void> {
    await this.sees('ask');
    await this.#touchIntent('ask.agree');
  }

  async refuseAsk(): Promise<void> {
    await this.sees('ask');
    await this.#touchIntent('ask.refuse');
  }

  /** Answers one question with the keys or buttons that its page has. A date is ISO 8601, yes and no are `true` and `false`. */
  async answer(question: string, value: string): Promise<void> {
    await this.#fillIn(question, value);
    await this.#touchIntent('answer.submit');
  }

  async skip(question: string): Promise<void> {
    await this.sees('question', question);
    await this.#touchIntent('answer.skip', question);
  }

  /**
   * Answers whatever is asked, until the answers are to be checked; gives the names of the questions that were asked.
   * @param look at the page once its answer is filled in.
   */
  async answerAll(answers: Readonly<Record<string, string>>, look?: (question: string) => Promise<void>): Promise<string[]> {
    const asked: string[] = [];
    for (;;) {
      const page = (await this.#page()).locator(`[data-page="check"], [data-page="question"]${asked.map((name) => `:not([data-question="${name}"])`).join('')}`);
      await expect(page).toBeVisible();
      const question = await page.getAttribute('data-question');
      if (question === null) return asked;
      const value = answers[question];
      if (value === undefined) throw new Error(`the kiosk asks “${question}”, to which the journey has no answer`);
      await this.#fillIn(question, value);
      await look?.(question);
      await this.#touchIntent('answer.submit');
      asked.push(question);
    }
  }

  /** Where each answer on the page to check comes from, by the name of claim or question. */
  async sources(): Promise<Record<string, CheckRow['source']>> {
    const rows = await (await this.sees('check')).locator('[data-row]').all();
    const named = rows.map(async (row) => [await row.getAttribute('data-row'), await row.getAttribute('data-source')]);
    return Object.fromEntries(await Promise.all(named)) as Record<string, CheckRow['source']>;
  }

  async confirm(): Promise<void> {
    await this.sees('check');
    await this.#touchIntent('check.confirm');
  }

  /** The reference on the page that is shown. */
  async reference(): Promise<string> {
    return (await this.#page()).locator('[data-reference]').first().innerText();
  }

  /** Photographs every code of the receipt that is shown, as a visitor's phone does. */
  async takeReceipt(): Promise<Uint8Array> {
    const page = await this.#page();
    const count = Number(await page.locator('[data-qr-of]').getAttribute('data-qr-of'));
    const texts: string[] = [];
    for (let number = 1; number <= count; number += 1) {
      if (number > 1) await this.touch(page.locator('[data-qr-turn="next"]'));
      const code = page.locator(`[data-qr="${number}"]`);
      await expect(code).toBeVisible();
      texts.push(readQr(await code.screenshot()));
    }
    const receipt = symbolsToReceipt(texts);
    if (receipt === undefined) throw new Error(`the ${count} codes on the screen are no receipt`);
    return receipt;
  }

  async print(): Promise<void> {
    await this.#touchIntent('receipt.print');
  }

  /** What the receipt page says of the printer, and why. */
  async offersToPrint(state: PrintOffer['state'], code?: FailureCode): Promise<void> {
    await expect((await this.#page()).locator(`[data-print="${state}"]${code === undefined ? '' : `[data-print-code="${code}"]`}`)).toBeVisible({ timeout: 15_000 });
  }

  /** From the receipt page to all receipts of the visit. */
  async openReceipts(): Promise<void> {
    await this.#touchIntent('receipts.open');
  }

  /** A member of staff, at the reader of their own. */
  async insertStaffCard(person: string): Promise<void> {
    await this.#hand.insert(this.#cardFile(person), { slot: 'staff' });
  }

  async openDesk(act: Extract<Intent, { intent: 'desk.open' }>['act']): Promise<void> {
    await this.sees('staff-home');
    await this.#touchIntent('desk.open', act);
  }

  /** On the page where staff do so. */
  async closeKiosk(reason: ClosedReason, back: BackChoice): Promise<void> {
    const page = await this.sees('desk-standing', 'open');
    for (const option of [reason, back]) await this.touch(page.locator(`[data-option="${option}"]`));
    await this.#touchIntent('kiosk.close');
    await this.sees('desk-standing', 'closed');
  }

  async openKiosk(): Promise<void> {
    await this.sees('desk-standing', 'closed');
    await this.#touchIntent('kiosk.open');
  }

  /** From a matter in hand; does not wait for the code. */
  async askForCode(): Promise<void> {
    await this.#touchIntent('help.open');
    await this.#touchIntent('hand-off.begin');
  }

  /** From a matter in hand: the code with which it is gone on with elsewhere. */
  async handOff(): Promise<string> {
    await this.askForCode();
    return (await (await this.sees('hand-off')).getAttribute('data-hand-off')) ?? '';
  }

  /** Staff type the code that a resident tells them. */
  async bringCode(code: string): Promise<void> {
    await this.sees('desk-hand-off');
    await this.press(...code.replaceAll('-', ''));
    await this.#touchIntent('hand-off.bring');
  }

  /** From the figures of one day to those of the day beside it. */
  async showDay(which: 'earlier' | 'later'): Promise<void> {
    const day = (await (await this.sees('desk-day')).getAttribute('data-day')) ?? '';
    const beside = new Date(Date.parse(day) + (which === 'earlier' ? -1 : 1) * 24 * 3600_000).toISOString().slice(0, 10);
    await this.#touchIntent('day.show', beside);
    await expect((await this.#page()).locator(`[data-page="desk-day"][data-day="${beside}"]`)).toBeVisible();
  }

  /** The main button of a desk page. */
  async goOn(): Promise<void> {
    await this.#touchIntent('desk.confirm');
  }

  /** The unlock code of a slip, a digit at a time. */
  async typeSlipCode(code: string): Promise<void> {
    await this.sees('desk-code');
    await this.press(...code);
    await this.#touchIntent('desk.code');
  }

  /** The main button of a page of first boot. */
  async next(): Promise<void> {
    await this.#touchIntent('setup.next');
  }

  /** A line of a list of first boot; empty: none of them. */
  async choose(option: string): Promise<void> {
    await this.#touchIntent('setup.choose', option);
  }

  /** At first boot, to where the hub's address is typed. */
  async byHand(): Promise<void> {
    await this.#touchIntent('setup.by-hand');
  }

  /** On the keys of the screen, after what stands there already. */
  async typeText(text: string): Promise<void> {
    const page = (await this.#page()).locator('[data-page]');
    let large = false;
    for (const key of text) {
      if (/[a-z]/i.test(key) && large !== /[A-Z]/.test(key)) {
        await this.touch(page.locator('[data-key="shift"]'));
        large = !large;
      }
      await this.touch(page.locator(`[data-key="${large ? key.toUpperCase() : key}"]`));
    }
    await this.#touchIntent('setup.type');
  }

  /** From the staff's home, or from one part of the bench to another. */
  async openWorkshop(part: 'devices' | 'journal' | 'export' | 'readiness' | 'retire' = 'devices'): Promise<void> {
    await this.#touchIntent('workshop.open', part);
    await this.sees('workshop', part);
  }

  async openDevice(device: TestedDevice): Promise<void> {
    await this.sees('workshop', 'devices');
    await this.#touchIntent('workshop.device', device);
    await this.sees('workshop', 'device');
  }

  async tryDevice(): Promise<void> {
    await this.#touchIntent('workshop.try');
  }

  async filterJournal(filter: JournalFilter): Promise<void> {
    await this.#touchIntent('workshop.filter', filter);
  }

  async exportTo(option: string): Promise<void> {
    await this.#touchIntent('workshop.export', option);
  }

  /** The readiness report, and what says that it is on paper. */
  async printReport(): Promise<void> {
    await this.#touchIntent('workshop.print');
    await this.reads('The printer says that it is on paper');
  }

  /** The readiness report as PDF and JSON, into this folder. */
  async saveReport(folder: string): Promise<void> {
    await this.#touchIntent('workshop.save');
    await this.exportTo(folder);
    await this.reads('Safe to remove');
  }

  async retireKiosk(): Promise<void> {
    await this.#touchIntent('workshop.retire');
  }

  /** A bank card is one pixel wider than the frame is at first. */
  async measureCard(): Promise<void> {
    const page = await this.sees('setup', 'screen');
    await this.touch(page.locator('[data-by="1"]'));
    await this.#touchIntent('setup.measure');
  }

  async touchSpots(): Promise<void> {
    const page = await this.sees('setup', 'touch');
    for (const spot of ['1', '2', '3', '4', '5']) await this.touch(page.locator(`[data-spot="${spot}"]`));
  }

  /** The recovery key of a slip, a sign at a time. */
  async typeOldSlip(key: string): Promise<void> {
    await this.sees('desk-old-slip');
    await this.press(...key);
    await this.#touchIntent('desk.slip');
  }

  /** The number of an identity card, on the page of the desk. */
  async typeNumber(number: string): Promise<void> {
    await this.sees('desk-number');
    await this.press(...number);
    await this.#touchIntent('desk.number');
  }

  /** From the staff's home to what a colleague has signed. */
  async openDraft(): Promise<void> {
    await this.#touchIntent('draft.open');
  }

  /** A new card's PIN, twice. */
  async choosePin(pin: string, again = pin): Promise<void> {
    for (const typed of [pin, again]) {
      await this.sees('desk-pin');
      await this.press(...typed);
      await this.#touchIntent('pin.choose');
    }
  }

  async home(): Promise<void> {
    await this.#touchIntent('home');
  }

  async retry(): Promise<void> {
    await this.#touchIntent('retry');
  }

  async back(): Promise<void> {
    await this.#touchIntent('back');
  }

  async end(): Promise<void> {
    await this.#touchIntent('visit.end');
  }

  /** Whether the person is still there; gives the seconds that are left to answer. */
  async warnedOfIdleness(): Promise<number> {
    const left = (await this.#page()).locator('[data-overlay="idle"] [data-seconds-left]');
    await expect(left).toBeVisible();
    return Number(await left.getAttribute('data-seconds-left'));
  }

  async needMoreTime(): Promise<void> {
    await this.#touchIntent('time.more');
    await expect((await this.#page()).locator('[data-overlay="idle"]')).toHaveCount(0);
  }

  /** From the farewell: whoever is next need not wait for it to go. A touch that falls between the old document and the fresh one is made again. */
  async nextPerson(): Promise<void> {
    const page = await this.#page();
    await expect(async () => {
      const goodbye = page.locator('[data-page="goodbye"] [data-intent="start"]');
      if (await goodbye.isVisible()) await this.touch(goodbye);
      await expect(page.locator('[data-page="attract"]')).toBeVisible({ timeout: 1000 });
    }).toPass({ timeout: patienceMs });
  }

  /** How many lines under "my requests" have this reference. */
  async requestLines(reference: string): Promise<number> {
    return (await this.sees('requests')).locator(`[data-intent="request.open"][data-value="${reference}"]`).count();
  }

  async openRequests(): Promise<void> {
    await this.#touchIntent('requests.open');
  }

  /** From the list: the one with this reference, or the newest. */
  async openRequest(reference?: string): Promise<void> {
    await this.sees('requests');
    await this.#touchIntent('request.open', reference);
  }

  /** The uppermost of those listed. */
  async openLatestRequest(): Promise<void> {
    await this.#touchIntent('request.open');
  }

  /** From home or any part of "my data" to another part of it. */
  async openMyData(part: Extract<Intent, { intent: 'my-data.open' }>['part'] = 'all'): Promise<void> {
    await this.#touchIntent('my-data.open', part);
  }

  /** From the list of grants: the newest. */
  async openGrant(): Promise<void> {
    await this.sees('grants');
    await this.#touchIntent('grant.open');
  }

  /** From the grant to the page that says what ending does. */
  async endGrant(): Promise<void> {
    await this.sees('grant');
    await this.#touchIntent('grant.end');
    await this.sees('undo');
  }

  /** From the request to the page that says what taking it back does. */
  async withdraw(): Promise<void> {
    await this.sees('request');
    await this.#touchIntent('request.withdraw');
    await this.sees('undo');
  }

  /** After reading what it does: to the page to sign on. */
  async confirmUndoing(): Promise<void> {
    await this.sees('undo');
    await this.#touchIntent('undo.confirm');
    await this.sees('sign');
  }

  async correct(fact: string): Promise<void> {
    await this.sees('facts');
    await this.#touchIntent('fact.correct', fact);
  }

  async openLetter(): Promise<void> {
    await this.#touchIntent('letter.open');
  }

  async mute(agency: string): Promise<void> {
    await this.sees('agencies');
    await this.#touchIntent('agency.mute', agency);
  }

  async openHelp(): Promise<void> {
    await this.#touchIntent('help.open');
    await expect((await this.#page()).locator('[data-intent="help.close"]')).toBeVisible();
  }

  async closeHelp(): Promise<void> {
    await this.#touchIntent('help.close');
  }

  /**
   * A finger on it: seen, at rest, not covered and not switched off; looked for once more where the page is drawn anew just then. No two touches in a row fall on the same spot, left and right of the middle
   * by turns: fingers do not, and two that do within 300 ms are one double tap to the browser.
   */
  async touch(target: Locator): Promise<void> {
    const box = (await this.#restingPlace(target)) ?? (await this.#restingPlace(target));
    if (box === null) throw new Error('what was to be touched has gone');
    const { touchpad } = await this.#screen.current();
    const touchPoints = [{ x: box.x + box.width * (this.touches % 2 === 0 ? 0.35 : 0.65), y: box.y + box.height / 2 }];
    await touchpad.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints });
    await touchpad.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    this.touches += 1;
  }

  /** Of the page at rest: what moves once has arrived, what moves for ever goes on. */
  async screenshot(path: string): Promise<void> {
    const page = await this.#page();
    const animationsPass = async (): Promise<void> => page.evaluate(async () => {
      const { document } = globalThis as unknown as { document: { getAnimations(): { finished: Promise<unknown>; effect: { getComputedTiming(): { endTime: number } } | null }[] } };
      const passing = document.getAnimations().filter(({ effect }) => Number.isFinite(effect?.getComputedTiming().endTime));
      await Promise.allSettled(passing.map(({ finished }) => finished));
    });
    // A visit's end replaces the document, perhaps right now: then the new one is looked at.
    await animationsPass().catch(async (error: unknown) => {
      if (!/context was destroyed/.test(String(error))) throw error;
      await page.locator('[data-page]').first().waitFor();
      await animationsPass();
    });
    await page.screenshot({ path });
  }

  /** All that stands on the screen, as text. */
  async text(): Promise<string> {
    return (await this.#page()).locator('body').innerText();
  }

  async #restingPlace(target: Locator): ReturnType<Locator['boundingBox']> {
    await target.click({ trial: true });
    return target.boundingBox();
  }

  async #page(): Promise<BrowserPage> {
    return (await this.#screen.current()).page;
  }

  async #touchIntent(intent: Intent['intent'], value?: string): Promise<void> {
    const selector = value === undefined ? `[data-intent="${intent}"]` : `[data-intent="${intent}"][data-value="${value}"]`;
    await this.touch((await this.#page()).locator(selector).first());
  }

  async #fillIn(question: string, value: string): Promise<void> {
    const page = await this.sees('question', question);
    const input = await page.getAttribute('data-input');
    if (input === 'choice' || input === 'yes-no') await this.touch(page.locator(`[data-option="${value}"]`));
    else if (input === 'date') await this.#enterDate(page, value);
    else for (const character of value) await this.touch(page.locator(`[data-key="${character.toUpperCase()}"]`));
  }

  async #enterDate(page: Locator, iso: string): Promise<void> {
    const [year = '', month = '', day = ''] = iso.split('-');
    for (const [field, digits] of Object.entries({ year, month, day })) {
      await this.touch(page.locator(`[data-field="${field}"]`));
      for (const digit of digits) await this.touch(page.locator(`[data-key="${digit}"]`));
    }
  }
}
