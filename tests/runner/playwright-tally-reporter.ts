import { writeFileSync } from 'node:fs';
import type { FullConfig, Reporter, Suite, TestError } from '@playwright/test/reporter';
import { inOneLine, sayPassedLate, tallyFileVariable, type Tally } from './tally.ts';

/** Counts tests and errors outside of any test; keeps the reason that a test gave for its skip. */
export default class PlaywrightTallyReporter implements Reporter {
  private root: Suite | null = null;
  private readonly errors: TestError[] = [];

  onBegin(_config: FullConfig, suite: Suite): void {
    this.root = suite;
  }

  onError(error: TestError): void {
    this.errors.push(error);
  }

  onEnd(): void {
    const tally: Tally = { passed: 0, failed: this.errors.map(({ message }) => ({ name: 'outside of any journey', reason: inOneLine(message) })), skipped: [] };
    for (const test of this.root?.allTests() ?? []) {
      const outcome = test.outcome();
      const name = test.titlePath().filter(Boolean).join(' › ');
      const reason = [...test.annotations, ...test.results.flatMap(({ annotations }) => annotations)].find(({ type }) => type === 'skip');
      if (outcome === 'expected') tally.passed += 1;
      else if (outcome === 'flaky') {
        tally.passed += 1;
        sayPassedLate(name);
      } else if (outcome === 'skipped') tally.skipped.push({ name, reason: reason?.description ?? 'switched off in the file' });
      else tally.failed.push({ name, reason: inOneLine(test.results.at(-1)?.error?.message) });
    }
    const file = process.env[tallyFileVariable];
    if (file !== undefined) writeFileSync(file, JSON.stringify(tally));
  }
}
