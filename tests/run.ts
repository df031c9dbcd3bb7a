import { parseArgs } from 'node:util';
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
  tests: () => {
    say('Tests');
    const reporters = ['--reporter=default', '--reporter=./tests/runner/vitest-tally-reporter.ts'];
    return runCounted('tests', ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...filters]);
  },
  journeys: async () => {
    say('The screens are built for the journeys');
    const built = await runProgram(['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn']);
    if (built !== 0) return oneCheck('the screens are built', false);
    say('Journeys');
    const reporters = '--reporter=list,./tests/runner/playwright-tally-reporter.ts';
    return runCounted('journeys', ['node_modules/@playwright/test/cli.js', 'test', reporters, ...filters]);
  },
};

function say(heading: string): void {
  process.stdout.write(`\n== ${heading}\n`);
}

function chosenParts(): readonly Part[] {
  const only = parts.find((part) => part === values.only);
  if (only !== undefined) return [only];
  if (filters.length === 0) return parts;
  return filters.some((filter) => filter.includes('journey')) ? ['journeys'] : ['tests'];
}

const tallies: Tally[] = [];
for (const part of chosenParts()) tallies.push(await run[part]());

const total = sum(tallies);
process.stdout.write('\n');
for (const { name, reason } of total.skipped) process.stdout.write(`skipped: ${name} (${reason})\n`);
for (const { name, reason } of total.failed) process.stdout.write(`failed: ${name} (${reason})\n`);
process.stdout.write(`${tallyLine(total)}\n`);
process.exitCode = total.failed.length === 0 ? 0 : 1;
