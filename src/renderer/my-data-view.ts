import { markRaw, shallowRef, type Component } from 'vue';
import type { Page } from '../contract/bridge.ts';
import type { PageOf } from './page-of.ts';

/** The resident's own data, and the pages of a catalogue with more services than panes. */
const names = ['group', 'letters', 'news', 'my-data', 'facts', 'grants', 'grant', 'undo', 'looks', 'proof', 'signed', 'agencies', 'letter'] as const;

export type MyDataPage = PageOf<(typeof names)[number]>;

export const isMyDataPage = (page: Page): page is MyDataPage => names.some((name) => name === page.page);

/** Null until it is loaded: once the first page is painted, long before anybody can be signed in. */
export const myDataView = shallowRef<Component | null>(null);

export async function loadMyDataView(): Promise<void> {
  const { default: view } = await import('./MyDataView.vue');
  myDataView.value = markRaw(view);
}
