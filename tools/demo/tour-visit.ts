import type { Doing } from '../../src/contract/bridge.ts';
import type { Language } from '../../src/contract/language.ts';
import type { ServiceGroup } from '../../src/contract/service.ts';
import type { Kiosk } from '../kiosk-driver/kiosk-driver.ts';
import type { CardHand } from '../virtual-card/hand.ts';
import { demoAnswers } from './answers.ts';
import { demoPin } from './people.ts';
import type { Album } from './tour-album.ts';

/** What the tour asks for, one of each group. */
export const tourServices = {
  tax: 'tax/property-tax-certificate',
  pension: 'pension/eligibility-confirmation',
  utility: 'utility/water-account-transfer',
} as const satisfies Partial<Record<ServiceGroup, string>>;
export type TourService = keyof typeof tourServices;

export interface TourRequest {
  service: TourService;
  reference: string;
  /** Questions that the screen asked. */
  asked: string[];
  /** Answers of an earlier request, used again without asking. */
  remembered: string[];
  /** Facts from the district's credentials. */
  known: string[];
  touches: number;
  seconds: number;
}

export interface TourVisit {
  language: Language;
  resident: string;
  requests: TourRequest[];
  touches: number;
  seconds: number;
}

export interface Visitor {
  language: Language;
  /** Of the demonstration's people. */
  resident: string;
  kiosk: Kiosk;
  hand: CardHand;
  album: Album;
  /** What to do with a receipt, taken off the screen. */
  keep(service: TourService, receipt: Uint8Array): Promise<void>;
}

/** So slow that the page which says what the card is doing can be photographed. */
const slowAnswerMs = 2_000;

/** One resident's whole visit, from the first touch to the farewell, in one language. */
export async function goThroughVisit(visitor: Visitor): Promise<TourVisit> {
  const { language, resident, kiosk, album } = visitor;
  const before = { touches: kiosk.touches, seconds: album.seconds() };
  await signIn(visitor);
  const requests: TourRequest[] = [];
  for (const service of ['tax', 'pension', 'utility'] as const) {
    requests.push(await makeRequest(visitor, service));
    await kiosk.home();
    await kiosk.sees('home');
  }
  await lookBack(visitor);
  await leave(visitor);
  return { language, resident, requests, touches: kiosk.touches - before.touches, seconds: tenths(album.seconds() - before.seconds) };
}

async function signIn(visitor: Visitor): Promise<void> {
  const { kiosk, album, language, resident } = visitor;
  await kiosk.sees('attract');
  await album.take(language, 'attract');
  await kiosk.begin();
  await kiosk.sees('language');
  await album.take(language, 'language');
  await kiosk.chooseLanguage(language);
  await kiosk.sees('insert-card');
  await album.take(language, 'insert-card');
  await whileCardWorks(visitor, language, ['reading-card'], () => kiosk.insertCard(resident));
  await kiosk.sees('pin');
  await album.take(language, 'pin');
  await whileCardWorks(visitor, language, ['checking-pin'], () => kiosk.enterPin(demoPin));
  await kiosk.sees('home');
  await album.take(language, 'home');
  await kiosk.openHelp();
  await album.take(language, 'help');
  await kiosk.closeHelp();
}

async function makeRequest(visitor: Visitor, service: TourService): Promise<TourRequest> {
  const { kiosk, album, language, keep } = visitor;
  const chapter = `${language}/${service}`;
  const before = { touches: kiosk.touches, seconds: album.seconds() };
  await kiosk.openService(tourServices[service]);
  await kiosk.sees('consent');
  await album.take(chapter, 'consent');
  await kiosk.allow();
  const asked = await kiosk.answerAll({ ...demoAnswers, letter_language: language }, (question) => album.take(chapter, `question-${question}`));
  const sources = Object.entries(await kiosk.sources());
  await album.take(chapter, 'check');
  await kiosk.confirm();
  await kiosk.sees('sign');
  await album.take(chapter, 'sign');
  await whileCardWorks(visitor, chapter, ['checking-pin', 'signing'], () => kiosk.enterPin(demoPin));
  await kiosk.sees('receipt', 'recorded');
  await album.take(chapter, 'receipt');
  const reference = await kiosk.reference();
  await keep(service, await kiosk.takeReceipt());
  return {
    service,
    reference,
    asked,
    remembered: sources.filter(([, source]) => source === 'remembered').map(([name]) => name),
    known: sources.filter(([, source]) => source === 'known').map(([name]) => name),
    touches: kiosk.touches - before.touches,
    seconds: tenths(album.seconds() - before.seconds),
  };
}

async function lookBack({ kiosk, album, language }: Visitor): Promise<void> {
  await album.take(language, 'home-after');
  await kiosk.openRequests();
  await kiosk.sees('requests');
  await album.take(language, 'requests');
  await kiosk.openLatestRequest();
  await kiosk.sees('request');
  await album.take(language, 'request');
}

async function leave({ kiosk, album, language }: Visitor): Promise<void> {
  await kiosk.end();
  await kiosk.sees('take-card');
  await album.take(language, 'take-card');
  await kiosk.pullCard();
  await kiosk.sees('goodbye', 'done');
  await album.take(language, 'goodbye');
  await kiosk.nextPerson();
}

/** Each page in turn that says what the card is doing. */
async function whileCardWorks({ kiosk, album, hand }: Visitor, chapter: string, works: readonly Doing[], act: () => Promise<void>): Promise<void> {
  await hand.fault({ kind: 'slow', delayMs: slowAnswerMs });
  await act();
  for (const doing of works) {
    await kiosk.sees('working', doing);
    await album.take(chapter, doing);
    // Still the same: the picture shows what its name says.
    await kiosk.sees('working', doing);
  }
  await hand.fault(null);
}

const tenths = (seconds: number): number => Math.round(seconds * 10) / 10;
