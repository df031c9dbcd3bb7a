import type { Page } from '../contract/bridge.ts';

/** What one page is told: `PageOf<'consent'>`. */
export type PageOf<Name extends Page['page']> = Extract<Page, { page: Name }>;
