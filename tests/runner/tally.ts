/** What one runner has to say at its end. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: { name: string; reason: string }[];
}

/** Where a reporter inside another process writes its tally as JSON. */
export const tallyFileVariable = 'IMI_TALLY';

/** Names what failed at first, where a second try is allowed: it is to be looked into, though the run is good. */
export function sayPassedLate(name: string): void {
  process.stdout.write(`passed only at the second try: ${name}\n`);
}

export const oneCheck = (passed: boolean): Tally => ({ passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: [] });

export function sum(tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((total, { passed }) => total + passed, 0),
    failed: tallies.reduce((total, { failed }) => total + failed, 0),
    skipped: tallies.flatMap(({ skipped }) => skipped),
  };
}

/** The last line of a test run. */
export function tallyLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`;
}

/**
 * What a runner ended with, held against what its reporter wrote: a runner that crashed, found nothing or ended badly for a reason that no
 * test shows counts as one failure.
 */
export function settled(reported: Tally | null, exitCode: number): Tally {
  if (reported === null) return oneCheck(false);
  const ran = reported.passed + reported.failed + reported.skipped.length;
  const unexplained = reported.failed === 0 && (exitCode !== 0 || ran === 0);
  return unexplained ? { ...reported, failed: 1 } : reported;
}
