import { defineConfig } from '@playwright/test';

/** The journeys start the kiosk's own Chromium by themselves: no browser of Playwright's is installed or used. */
export default defineConfig({
  testDir: 'tests/journeys',
  testMatch: '*.journey.ts',
  outputDir: 'out/journeys',
  // Each has a reader, a hub and a browser of its own.
  workers: 2,
  fullyParallel: true,
  // A build machine's neighbours are loud. What passes only the second time is named at the end of the run.
  retries: process.env['CI'] === undefined ? 0 : 1,
  forbidOnly: true,
  timeout: 120_000,
  expect: { timeout: 10_000 },
  reporter: 'list',
});
