import { test as base } from '@playwright/test';
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
    if (info.status !== info.expectedStatus) {
      await hall.kiosk.screenshot(info.outputPath('last-screen.png')).catch(() => undefined);
      await info.attach('what the kiosk wrote', { body: hall.kioskWords, contentType: 'text/plain' });
      await info.attach('what the hub wrote', { body: hall.hubWords, contentType: 'text/plain' });
    }
    await hall.close();
  },
  kiosk: async ({ hall }, use) => {
    await use(hall.kiosk);
  },
});
