import type { SetupPage } from '../../contract/workshop.ts';

/** What one page of first boot is told: `SetupPageOf<'clock'>`. */
export type SetupPageOf<Step extends SetupPage['step']> = Extract<SetupPage, { step: Step }>;
