import { readFileSync } from 'node:fs';
import { createActor, SimulatedClock, waitFor } from 'xstate';
import type { Page, Snapshot } from '../../../src/contract/bridge.ts';
import type { Closure } from '../../../src/contract/closure.ts';
import type { CardInfo } from '../../../src/contract/device-host.ts';
import { ok, type Result } from '../../../src/contract/result.ts';
import { bundleSchema, serviceSchema } from '../../../src/contract/service.ts';
import type { OpenSpace } from '../../../src/identity/space.ts';
import type { VisitSettings } from '../../../src/main/visit/context.ts';
import { bundleOffer, type BundleOffer, type KnownClaims, type Offer } from '../../../src/main/visit/draft.ts';
import { exampleData } from './example-data.ts';
import { visitMachine, type VisitEvent } from '../../../src/main/visit/machine.ts';
import { snapshotOf, type KioskFacts, type VisitState } from '../../../src/main/visit/snapshot.ts';
import { stateOf } from '../../../src/main/visit/start-visit.ts';
import type { Access, ProvenResident, Signing, VisitWork } from '../../../src/main/visit/work.ts';

const both = (text: string): { 'zh-Hans': string; en: string } => ({ 'zh-Hans': text, en: text });

export const settings: VisitSettings = { languages: ['zh-Hans', 'en'], idleLimitMs: 60_000, idleGraceMs: 30_000, farewellMs: 15_000, recordWaitMs: 2_000, paperDots: null, oneReader: false };

export const kiosk: KioskFacts = { id: 'hall-1', hub: both('Hub'), help: both('Desk 1'), pxPerMm: 4, standIns: false };

export function offerOf(path: string): Offer {
  const service = serviceSchema.parse(JSON.parse(readFileSync(`services/${path}.json`, 'utf8')));
  return { service, definition: [-16, new Uint8Array(32)], agency: both(service.agency), seal: new Uint8Array(32).fill(9) };
}

export const taxOffer = offerOf('tax/property-tax-certificate');
export const pensionOffer = offerOf('pension/eligibility-confirmation');

/** Five agencies, as in the catalogue. */
export const movingOffer: BundleOffer = (() => {
  const bundle = bundleSchema.parse(JSON.parse(readFileSync('services/life/moving-house.json', 'utf8')));
  const offer = bundleOffer(bundle, bundle.members.map(offerOf));
  if (offer === null) throw new Error('the bundle cannot be offered');
  return offer;
})();

export const cardInfo: CardInfo = {
  application: 'openpgp',
  version: '3.4',
  keys: { sig: new Uint8Array(32).fill(1), aut: new Uint8Array(32).fill(2), dec: new Uint8Array(32).fill(3) },
  tries: { pw1: 3, resetCode: 0, pw3: 3 },
  pinPerSignature: true,
  pinMinLength: 6,
  pinMaxLength: 32,
  pinPad: false,
  touch: { sig: false, dec: false, aut: false },
  signatureCount: 7,
};

export const resident: ProvenResident = {
  id: new Uint8Array(16).fill(5),
  sig: cardInfo.keys.sig,
  aut: cardInfo.keys.aut,
  dec: cardInfo.keys.dec,
  space: new Uint8Array(32).fill(4),
  counter: 7,
  readOnlyUntil: null,
};

/** A name that stands nowhere else, to be looked for. */
export const canary = '金丝雀·卡纳里';

export function knownClaims(): KnownClaims {
  const known: KnownClaims = {};
  for (const offer of [taxOffer, pensionOffer]) {
    for (const { claim } of offer.service.claims) known[claim] = { value: claim === 'name' ? canary : `${claim}-value`, issuer: both('Registrar'), vct: 'urn:test' };
  }
  return known;
}

export interface AccessProbe {
  access: Access;
  closed: boolean;
}

export function newAccess(): AccessProbe {
  const probe = { closed: false };
  const space: OpenSpace = {
    resident: resident.id,
    publicKey: resident.space,
    opener: { publicKey: resident.space, agree: () => Promise.resolve(ok(new Uint8Array(32))) },
    close() {
      probe.closed = true;
    },
  };
  const access: Access = {
    resident,
    session: new Uint8Array(16).fill(8),
    space,
    name: canary,
    credentials: [],
    known: knownClaims(),
    self: {},
    handedOut: null,
    requests: [],
    notices: [],
    held: { parts: [], letters: [], withheld: [] },
    myData: null,
    news: [],
    muted: [],
    offers: [taxOffer, pensionOffer],
    bundles: [],
    asks: [],
    keeperSeal: new Uint8Array(32).fill(6),
  };
  return Object.assign(probe, { access });
}

export interface Calls {
  left: { insertion: number; session: Uint8Array | null }[];
  delivered: Uint8Array[];
  pins: { purpose: 'user' | 'sign'; pin: string | null }[];
  signed: number;
  /** What was to be signed. */
  signings: Signing['what'][];
  mutes: { agency: string; muted: boolean }[];
  /** The visits that sent a slip. */
  prints: string[];
  /** Of each of them how many strips it came in. */
  strips: number[];
  /** Codes of matters that nobody goes on with any more. */
  dropped: string[];
}

/** Work in which everything goes well, each piece of which a test may replace. */
export function goodWork(calls: Calls, probe: AccessProbe): VisitWork {
  return {
    readCard: () => Promise.resolve(ok(cardInfo)),
    tellStaffCard: () => Promise.resolve(),
    lookUp: () => Promise.resolve(ok({ resident, challenge: new Uint8Array(70), notAfter: 2_000_000_000 })),
    checkPin: (_, purpose, pin) => {
      calls.pins.push({ purpose, pin: pin === null ? null : Buffer.from(pin).toString() });
      pin?.fill(0);
      return Promise.resolve(ok({ verified: true }));
    },
    proveKey: (_, ticket) => Promise.resolve(ok({ ticket, signature: new Uint8Array(64) })),
    openAccess: () => Promise.resolve(ok(probe.access)),
    recall: () => Promise.resolve(ok({})),
    now: () => Date.UTC(2026, 10, 22, 10),
    grantEnd: () => Date.UTC(2026, 11, 1) / 1000,
    handOff: () => Promise.resolve(ok({ code: '7KQ2M4XD', until: 1_795_300_000 })),
    placeOf: () => Promise.resolve(ok(null)),
    dropHandOff: (_, code) => calls.dropped.push(code),
    findAsk: () => Promise.resolve(ok({ ask: null, triesLeft: 5 })),
    agreeToAsk: () => Promise.resolve(ok({ outcome: 'answered', reference: '7KQ2-M4XD-09', recorded: true, qr: ['IMI1:1:1:ASKED'] })),
    refuseAsk: () => Promise.resolve(ok({ outcome: 'refused' })),
    openRequest: () => Promise.resolve(ok({ state: 'recorded', qr: ['IMI1:1:1:X'] })),
    prepare: () => Promise.resolve(ok(null)),
    sign: (_insertion, _access, signing) => {
      calls.signed += 1;
      calls.signings.push(signing.what);
      return Promise.resolve(
        ok({
          transaction: new Uint8Array(32).fill(calls.signed),
          reference: `7KQ2-M4XD-0${calls.signed}`,
          at: '2026-11-22T10:00:00.000Z',
          parts: [],
          qr: [`IMI1:1:1:WAITS${calls.signed}`],
          self: { phone: { value: '13800000000', at: 1 } },
        }),
      );
    },
    lookAtHeld: () => Promise.resolve({ is: 'refused', why: 'altered' }),
    print: (visit, _number, strips) => {
      calls.prints.push(visit);
      calls.strips.push(strips.length);
    },
    deliver: (transaction) => {
      calls.delivered.push(transaction);
    },
    finished: () => Promise.resolve(),
    lookUpMyData: () => Promise.resolve(ok(exampleData())),
    lookUpSigned: () => Promise.resolve(ok({ signed: [], more: 0 })),
    drawProof: () => ['IMI1:1:1:PROOF'],
    mute: (_, agency, muted) => {
      calls.mutes.push({ agency, muted });
      return Promise.resolve(ok(null));
    },
    drawReceipt: () => ok(['IMI1:1:1:ABC']),
    leave: (insertion, session) => {
      calls.left.push({ insertion, session });
    },
  };
}

/** The machine on a clock that stands still until it is moved. */
export class VisitStand {
  readonly calls: Calls = { left: [], delivered: [], pins: [], signed: 0, signings: [], mutes: [], prints: [], strips: [], dropped: [] };
  readonly probe = newAccess();
  readonly clock = new SimulatedClock();
  readonly #actor;
  /** By staff: the code of a matter that is gone on with. */
  brought: string | null = null;
  #visits = 0;

  constructor(change: (good: VisitWork) => Partial<VisitWork> = () => ({}), altered: Partial<VisitSettings> = {}, closure: Closure | null = null) {
    const good = goodWork(this.calls, this.probe);
    const machine = visitMachine({
      work: { ...good, ...change(good) },
      settings: { ...settings, ...altered },
      closureNow: () => closure,
      brought: () => this.brought,
      newVisitId: () => String((this.#visits += 1)).padStart(16, '0'),
    });
    this.#actor = createActor(machine, { clock: this.clock }).start();
    this.send({ type: 'reader', view: { view: 'empty' } });
  }

  get state(): VisitState {
    return stateOf(this.#actor.getSnapshot());
  }

  get snapshot(): Snapshot {
    return snapshotOf(this.state, kiosk, 1);
  }

  get page(): Page {
    return this.snapshot.page;
  }

  send(event: VisitEvent): void {
    this.#actor.send(event);
  }

  can(event: VisitEvent): boolean {
    return this.#actor.getSnapshot().can(event);
  }

  /** Until that page is shown. */
  async sees<P extends Page['page']>(page: P): Promise<Extract<Page, { page: P }>> {
    await waitFor(this.#actor, (snapshot) => snapshotOf(stateOf(snapshot), kiosk, 1).page.page === page, { timeout: 2_000 });
    return this.page as Extract<Page, { page: P }>;
  }

  insert(insertion = 1): void {
    this.send({ type: 'reader', view: { view: 'card', insertion } });
  }

  pull(): void {
    this.send({ type: 'reader', view: { view: 'empty' } });
  }

  async enterPin(): Promise<void> {
    await this.sees('pin');
    this.send({ type: 'pin.submit', pin: '123456' });
  }

  async signIn(insertion = 1): Promise<void> {
    this.insert(insertion);
    await this.enterPin();
    await this.sees('home');
  }

  /** Answers every question that is asked, and returns their names. */
  answerAll(): string[] {
    const asked: string[] = [];
    while (this.page.page === 'question') asked.push(this.answerOne());
    return asked;
  }

  answerOne(): string {
    const { page } = this;
    if (page.page !== 'question') throw new Error('no question is asked');
    this.send({ type: 'answer.submit', question: page.question, value: answerFor(page) });
    const after = this.page;
    if (after.page === 'question' && after.problem !== null) throw new Error(`${page.question}: ${after.problem}`);
    return page.question;
  }

  /** From home to the letters of a bundle. */
  async toLetters(bundle: string): Promise<Extract<Page, { page: 'letters' }>> {
    this.send({ type: 'service.open', service: bundle });
    return this.sees('letters');
  }

  async toCheck(service: string): Promise<string[]> {
    this.send({ type: 'service.open', service });
    await this.sees('consent');
    this.send({ type: 'consent.allow' });
    const asked = this.answerAll();
    await this.sees('check');
    return asked;
  }

  async toSign(service: string): Promise<void> {
    await this.toCheck(service);
    this.send({ type: 'check.confirm' });
    await this.sees('sign');
  }

  /** Up to the request that is on its way. */
  async sign(service: string): Promise<void> {
    await this.toSign(service);
    this.send({ type: 'pin.submit', pin: '123456' });
    await waitFor(this.#actor, (snapshot) => stateOf(snapshot).stage === 'visiting.sending', { timeout: 2_000 });
  }

  settle(state: 'recorded' | 'witnessed' | 'rejected', transaction = this.calls.delivered.at(-1) ?? new Uint8Array(32)): void {
    this.send({
      type: 'request.settled',
      transaction,
      settlement: state === 'rejected' ? { state, code: 'grant-not-live' } : { state, receipt: new Uint8Array(10), at: '2026-11-22T10:00:01.000Z' },
    });
  }
}

/** An answer that its question takes. */
export function answerFor({ question, input, options, maxLength }: Extract<Page, { page: 'question' }>): string {
  switch (input) {
    case 'choice':
      return options[0]?.value ?? '';
    case 'yes-no':
      return 'true';
    case 'phone':
      return '13800138000';
    case 'digits':
      return { tax_year: '2025', monthly_rent: '3000' }[question] ?? (maxLength > 5 ? '1'.repeat(maxLength) : '1');
    case 'decimal':
      return '12.5';
    case 'date':
      return '2026-11-20';
    case 'latin':
      return 'LIN YUE';
  }
}

export const never = <T>(): Promise<Result<T>> => new Promise(() => undefined);
