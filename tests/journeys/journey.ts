import { test as base, type TestInfo } from '@playwright/test';
import { Hall, seedTemplate, type HallPlan } from './hall.ts';
import type { Kiosk } from '../../tools/kiosk-driver/kiosk-driver.ts';

export { expect } from '@playwright/test';

interface Journey {
  /** What is special about the hall: `test.use({ plan: { kioskId: 'hall-2' } })`. */
  plan: HallPlan;
  hall: Hall;
  kiosk: Kiosk;
}

/** A journey finds a fresh hall on the district's first day, its kiosk waiting. */
export const test = base.extend<Journey, { template: string }>({
  template: [
    async ({}, use) => {
      const template = await seedTemplate();
      await use(template.dataDir);
      template.remove();
    },
    { scope: 'worker' },
  ],
  plan: [{}, { option: true }],
  hall: async ({ template, plan }, use, info) => {
    const hall = await Hall.open(template, plan);
    await use(hall);
    await keepTraces(hall, info);
    await hall.close();
  },
  kiosk: async ({ hall }, use) => {
    await use(hall.kiosk);
  },
});

/** As `test`, in a hall that stays open for the next journey: for those that end at a kiosk that waits, and do not mind what others did before. After one that failed it is a fresh one. */
export const testInOpenHall = test.extend<object, { openHall: Hall }>({
  openHall: [
    async ({ template }, use) => {
      const hall = await Hall.open(template);
      await use(hall);
      await hall.close();
    },
    { scope: 'worker' },
  ],
  hall: async ({ openHall }, use, info) => {
    await use(openHall);
    await keepTraces(openHall, info);
  },
});

/** Of a journey that failed: its last screen, and what was written. */
async function keepTraces(hall: Hall, info: TestInfo): Promise<void> {
  if (info.status === info.expectedStatus) return;
  await hall.kiosk.screenshot(info.outputPath('last-screen.png')).catch(() => undefined);
  await info.attach('what the kiosk wrote', { body: hall.kioskWords, contentType: 'text/plain' });
  await info.attach('journal', { body: hall.journal().map((line) => JSON.stringify(line)).join('\n'), contentType: 'text/plain' });
  await info.attach('what the hub wrote', { body: hall.hubWords, contentType: 'text/plain' });
}
