import { writeFileSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';
import { inOneLine, sayPassedLate, tallyFileVariable, type Tally } from './tally.ts';

/** Counts tests, files that could not be loaded and errors outside of any test; keeps the reason that a test gave for its skip. */
export default class VitestTallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const tally: Tally = { passed: 0, failed: [], skipped: [] };
    const fails = (name: string, those: readonly SerializedError[]): void => {
      tally.failed.push(...those.map(({ message }) => ({ name, reason: inOneLine(message) })));
    };
    fails('outside of any test', errors);
    for (const module of modules) {
      fails(module.relativeModuleId, module.errors());
      for (const suite of module.children.allSuites()) fails(`${module.relativeModuleId} › ${suite.fullName}`, suite.errors());
      for (const test of module.children.allTests()) {
        const result = test.result();
        const name = `${module.relativeModuleId} › ${test.fullName}`;
        if (test.diagnostic()?.flaky === true) sayPassedLate(name);
        if (result.state === 'passed') tally.passed += 1;
        else if (result.state === 'skipped') tally.skipped.push({ name, reason: result.note ?? 'switched off in the file' });
        else fails(name, result.state === 'failed' ? [result.errors[0] ?? { message: '' }] : [{ message: 'never ended' }]);
      }
    }
    const file = process.env[tallyFileVariable];
    if (file !== undefined) writeFileSync(file, JSON.stringify(tally));
  }
}
