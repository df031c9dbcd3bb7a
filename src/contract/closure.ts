/** Why nobody is served: one of a few, so that nothing else can be written on a screen in a public hall. `closed`: out of hours. */
export const closedReasons = ['closed', 'cleaning', 'maintenance', 'defect', 'network', 'emergency'] as const;
export type ClosedReason = (typeof closedReasons)[number];

/** What staff can say of when it goes on. */
export const backChoices = ['unknown', 'half-hour', 'hour', 'two-hours', 'tomorrow'] as const;
export type BackChoice = (typeof backChoices)[number];

/** What stands on the screen of a kiosk that staff have closed. */
export interface Closure {
  reason: ClosedReason;
  /** When it is expected back: a moment, ISO 8601 in UTC, or a day, ISO date in the district's time; null: nobody can say. */
  back: string | null;
}
