import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tests/runner/longest-first.ts';

/**
 * Tests of what only reckons: no server, no device, nothing of the surroundings changed. They share their worker's process; one for each, and its imports, would take as long as most of them.
 * What they keep for one another is what was worked out once, and numbers that are used once.
 */
const together = ['contract', 'drivers/cards', 'house', 'identity', 'ledger/{rules,verify}', 'main/visit', 'registrar', 'runner', 'services'].map((folder) => `tests/${folder}/**/*.test.ts`);

export default defineConfig({
  plugins: [vue()],
  test: {
    pool: 'forks',
    maxWorkers: 2,
    // In this order: the short ones at the end leave no worker waiting for the other.
    projects: [
      // Native modules and daemons of their own: a process per file.
      { extends: true, test: { name: 'apart', include: ['tests/**/*.test.ts'], exclude: ['tests/journeys/**', ...together] } },
      { extends: true, test: { name: 'together', include: together, isolate: false } },
    ],
    sequence: { sequencer: LongestFirst },
    // A build machine's neighbours are loud. What passes only the second time is named at the end of the run.
    retry: process.env['CI'] === undefined ? 0 : 1,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // A test that asserts nothing has proved nothing.
    expect: { requireAssertions: true },
  },
});
