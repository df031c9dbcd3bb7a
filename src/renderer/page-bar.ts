import type { Page } from '../contract/bridge.ts';

type PageName = Page['page'];

/** Which of the bar's controls a page has; where one is missing its place stays empty. */
export interface BarControls {
  back: boolean;
  end: boolean;
}

const controls: Record<PageName, BarControls> = {
  attract: { back: false, end: false },
  language: { back: true, end: true },
  'insert-card': { back: true, end: true },
  closed: { back: false, end: false },
  'held-receipt': { back: true, end: true },
  working: { back: false, end: true },
  pin: { back: false, end: true },
  home: { back: false, end: true },
  group: { back: true, end: true },
  'facts-missing': { back: true, end: true },
  requests: { back: true, end: true },
  request: { back: true, end: true },
  consent: { back: true, end: true },
  letters: { back: true, end: true },
  'ask-code': { back: true, end: true },
  ask: { back: true, end: true },
  'ask-done': { back: false, end: true },
  'hand-off': { back: true, end: true },
  'desk-hand-off': { back: true, end: true },
  'desk-health': { back: true, end: true },
  'desk-hand-off-ready': { back: true, end: true },
  question: { back: true, end: true },
  check: { back: true, end: true },
  sign: { back: true, end: true },
  receipt: { back: false, end: true },
  receipts: { back: true, end: true },
  news: { back: true, end: true },
  'my-data': { back: true, end: true },
  facts: { back: true, end: true },
  grants: { back: true, end: true },
  grant: { back: true, end: true },
  undo: { back: true, end: true },
  looks: { back: true, end: true },
  proof: { back: true, end: true },
  signed: { back: true, end: true },
  agencies: { back: true, end: true },
  letter: { back: true, end: true },
  'staff-pin': { back: false, end: true },
  'staff-home': { back: false, end: true },
  'staff-take-card': { back: false, end: false },
  'desk-document': { back: true, end: true },
  'desk-check': { back: true, end: true },
  'desk-card': { back: true, end: true },
  'desk-turn': { back: false, end: true },
  'desk-pin': { back: false, end: true },
  'desk-slip': { back: false, end: true },
  'desk-sign': { back: true, end: true },
  'desk-done': { back: false, end: true },
  'desk-number': { back: true, end: true },
  'desk-block': { back: true, end: true },
  'desk-code': { back: false, end: true },
  'desk-old-slip': { back: false, end: true },
  'desk-retire': { back: true, end: true },
  'desk-kept': { back: false, end: true },
  'desk-second': { back: true, end: true },
  'desk-standing': { back: true, end: true },
  setup: { back: true, end: false },
  'desk-day': { back: true, end: true },
  workshop: { back: true, end: true },
  'take-card': { back: false, end: false },
  goodbye: { back: false, end: false },
  failure: { back: false, end: true },
};

/** A failure that leaves by itself has nothing to end. */
export function barControls(page: Page): BarControls {
  if (page.page === 'failure' && page.next === 'none') return { back: false, end: false };
  if (page.page === 'setup' && page.step === 'language') return { back: false, end: false };
  // What is under way has to end first.
  if ((page.page === 'workshop' && page.part === 'export' && page.state === 'writing') || (page.page === 'setup' && page.step === 'report' && page.state === 'writing')) return { back: false, end: false };
  if (page.page === 'desk-sign' && ['register', 'replace', 'try-out'].includes(page.what)) return { back: false, end: true };
  if (page.page === 'desk-card' && (page.card === 'staff' || page.card === 'again')) return { back: false, end: true };
  return controls[page.page];
}

/** Two snapshots with the same key show the same component, which keeps what was typed; a new key starts fresh. */
export function pageKey(page: Page): string {
  if (page.page === 'question') return `question:${page.service?.id ?? ''}:${page.question}`;
  if (page.page === 'failure') return `failure:${page.code}`;
  if (page.page === 'request') return `request:${page.request.reference}:${page.request.act ?? ''}`;
  if (page.page === 'desk-sign') return `desk-sign:${page.what}`;
  if (page.page === 'desk-card') return `desk-card:${page.card}:${page.inReader ?? ''}`;
  if (page.page === 'held-receipt') return `held-receipt:${page.held.outcome === null ? '' : page.held.outcome.is}`;
  if (page.page === 'desk-day') return `desk-day:${page.figures.day}`;
  if (page.page === 'desk-standing') return `desk-standing:${page.closure === null ? 'open' : 'closed'}`;
  if (page.page === 'setup') return `setup:${page.step}`;
  if (page.page === 'workshop') return `workshop:${page.part}:${page.part === 'device' ? page.line.device : ''}`;
  if (page.page === 'grant') return `grant:${page.grant.grant}`;
  return page.page;
}
