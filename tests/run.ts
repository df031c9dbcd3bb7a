import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { builtScreensVariable } from './fixtures/built-screens.ts';
import { runCounted, runProgram } from './runner/program.ts';
import { oneCheck, sum, tallyLine, type Tally } from './runner/tally.ts';

/** A filter is a part of a path: `tests/journeys/…` names journeys, anything else other tests. */
const { values, positionals: filters } = parseArgs({
  options: { only: { type: 'string' } },
  allowPositionals: true,
});

const parts = ['types', 'lint', 'tests', 'journeys'] as const;
type Part = (typeof parts)[number];

const run: Record<Part, () => Promise<Tally>> = {
  types: async () => {
    say('Types');
    const ends = await Promise.all([
      runProgram(['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json']),
      runProgram(['node_modules/vue-tsc/bin/vue-tsc.js', '--noEmit', '-p', 'tsconfig.renderer.json']),
    ]);
    return oneCheck('types', ends.every((code) => code === 0));
  },
  lint: async () => {
    say('Lint');
    return oneCheck('lint', (await runProgram(['node_modules/eslint/bin/eslint.js', '--max-warnings', '0', '.'])) === 0);
  },
  tests: async () => {
    // A few tests are not kept waiting for screens that they may not show: those that do build them.
    const env = filters.length === 0 ? { [builtScreensVariable]: screensDir } : {};
    if (filters.length === 0 && !(await screensAreBuilt())) return oneCheck('the screens are built', false);
    say('Tests');
    const reporters = ['--reporter=default', '--reporter=./tests/runner/vitest-tally-reporter.ts'];
    return runCounted('tests', ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...filters], env);
  },
  journeys: async () => {
    if (!(await screensAreBuilt())) return oneCheck('the screens are built', false);
    say('Journeys');
    const reporters = '--reporter=list,./tests/runner/playwright-tally-reporter.ts';
    return runCounted('journeys', ['node_modules/@playwright/test/cli.js', 'test', reporters, ...filters]);
  },
};

/** Where vite.config.ts builds them. */
const screensDir = join(import.meta.dirname, '../dist/renderer');
let building: Promise<number> | null = null;

/** They are built once, for tests and journeys. */
async function screensAreBuilt(): Promise<boolean> {
  if (building === null) {
    say('The screens are built');
    building = runProgram(['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn']);
  }
  return (await building) === 0;
}

function say(heading: string): void {
  process.stdout.write(`\n== ${heading}\n`);
}

/** One after the other, but for those that stand together: none of these two keeps two processors busy to its end. */
function chosenParts(): readonly (readonly Part[])[] {
  const only = parts.find((part) => part === values.only);
  if (only !== undefined) return [[only]];
  if (filters.length === 0) return [['types', 'lint'], ['tests'], ['journeys']];
  return filters.some((filter) => filter.includes('journey')) ? [['journeys']] : [['tests']];
}

const tallies: Tally[] = [];
for (const together of chosenParts()) tallies.push(...(await Promise.all(together.map((part) => run[part]()))));

const total = sum(tallies);
process.stdout.write('\n');
for (const { name, reason } of total.skipped) process.stdout.write(`skipped: ${name} (${reason})\n`);
for (const { name, reason } of total.failed) process.stdout.write(`failed: ${name} (${reason})\n`);
process.stdout.write(`${tallyLine(total)}\n`);
process.exitCode = total.failed.length === 0 ? 0 : 1;
