import { stripVTControlCharacters } from 'node:util';

/** What one runner has to say at its end. */
export interface Tally {
  passed: number;
  failed: Told[];
  skipped: Told[];
}

/** A test by its whole name, and why it failed or did not run: in one line. */
export interface Told {
  name: string;
  reason: string;
}

/** Where a reporter inside another process writes its tally as JSON. */
export const tallyFileVariable = 'IMI_TALLY';

/** Names what failed at first, where a second try is allowed: it is to be looked into, though the run is good. */
export function sayPassedLate(name: string): void {
  process.stdout.write(`passed only at the second try: ${name}\n`);
}

/** The tally of a check that only passes or does not; `name` says which. */
export const oneCheck = (name: string, passed: boolean): Tally => ({ passed: passed ? 1 : 0, failed: passed ? [] : [{ name, reason: 'see above' }], skipped: [] });

/** What an error says, without colours, in one line. */
export function inOneLine(message: string | undefined): string {
  const line = stripVTControlCharacters(message ?? '').replace(/\s+/g, ' ').trim();
  return line === '' ? 'see above' : line.slice(0, 300);
}

export function sum(tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((total, { passed }) => total + passed, 0),
    failed: tallies.flatMap(({ failed }) => failed),
    skipped: tallies.flatMap(({ skipped }) => skipped),
  };
}

/** The last line of a test run. */
export function tallyLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`;
}

/**
 * What a runner ended with, held against what its reporter wrote: a runner that crashed, found nothing or ended badly for a reason that no
 * test shows counts as one failure.
 */
export function settled(runner: string, reported: Tally | null, exitCode: number): Tally {
  const failing = (reason: string): Tally => ({ passed: 0, skipped: [], ...reported, failed: [{ name: runner, reason }] });
  if (reported === null) return failing(`ended with ${exitCode} before it reported`);
  if (reported.failed.length > 0) return reported;
  if (exitCode !== 0) return failing(`ended with ${exitCode}, though no test failed`);
  return reported.passed + reported.skipped.length === 0 ? failing('found no test') : reported;
}
