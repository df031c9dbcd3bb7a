import type { WorkshopPage } from '../../contract/workshop.ts';

/** What one part of the bench is told: `BenchPageOf<'journal'>`. */
export type BenchPageOf<Part extends WorkshopPage['part']> = Extract<WorkshopPage, { part: Part }>;
