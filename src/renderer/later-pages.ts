import { markRaw, shallowRef, type Component } from 'vue';
import type { Page } from '../contract/bridge.ts';
import type { PageOf } from './page-of.ts';

/** What nobody sees before they have signed in with a card: so that the first page comes without it. */
const names = [
  'home',
  'requests',
  'request',
  'consent',
  'question',
  'check',
  'sign',
  'receipt',
  'receipts',
  'group',
  'facts-missing',
  'letters',
  'news',
  'my-data',
  'facts',
  'grants',
  'grant',
  'undo',
  'looks',
  'proof',
  'signed',
  'agencies',
  'letter',
  'ask',
  'ask-code',
  'ask-done',
  'held-receipt',
  'hand-off',
  'desk-hand-off',
  'desk-health',
  'desk-hand-off-ready',
  'staff-pin',
  'staff-home',
  'staff-take-card',
  'desk-document',
  'desk-check',
  'desk-card',
  'desk-turn',
  'desk-pin',
  'desk-slip',
  'desk-sign',
  'desk-done',
  'desk-number',
  'desk-block',
  'desk-code',
  'desk-old-slip',
  'desk-retire',
  'desk-kept',
  'desk-second',
  'desk-standing',
  'setup',
  'desk-day',
  'workshop',
] as const;

export type LaterPage = PageOf<(typeof names)[number]>;

export const isLaterPage = (page: Page): page is LaterPage => names.some((name) => name === page.page);

/** Null until they are loaded: once the first page is painted. */
export const laterPages = shallowRef<Component | null>(null);

export async function loadLaterPages(): Promise<void> {
  const { default: pages } = await import('./LaterPages.vue');
  laterPages.value = markRaw(pages);
}
