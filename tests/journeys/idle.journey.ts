import { expect, test } from './journey.ts';
import { services, signIn } from './steps.ts';

/** The shortest grace that a hub's file may give. */
const graceMs = 20_000;
test.use({ plan: { hubFile: { idleLimitMs: 4_000, idleGraceMs: graceMs } } });

test('who says nothing is asked, who needs more time gets it, and who has gone leaves nothing behind', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'lin');
  await kiosk.openService(services.tax);
  await kiosk.warnedOfIdleness();
  await kiosk.needMoreTime();
  await kiosk.sees('consent');
  await kiosk.reads('恩宁路');

  const secondsLeft = await kiosk.warnedOfIdleness();
  expect(secondsLeft).toBeLessThanOrEqual(graceMs / 1000);
  const { gone } = await hall.watchFacts('西关区恩宁路 128 号 3 楼 302 室');
  await expect((await hall.page()).page.locator('[data-page="take-card"]')).toBeVisible({ timeout: graceMs + 10_000 });
  await gone;
  await kiosk.doesNotRead('恩宁路');
  await kiosk.pullCard();
  await kiosk.sees('goodbye', 'timeout');
  await kiosk.nextPerson();
  await kiosk.sees('attract');
});
