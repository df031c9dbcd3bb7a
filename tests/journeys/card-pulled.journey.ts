import type { CommandPattern } from '../../tools/virtual-card/control.ts';
import { expect, test } from './journey.ts';
import type { Kiosk } from '../../tools/kiosk-driver/kiosk-driver.ts';
import { answers, begin, fillIn, pin, services, signIn } from './steps.ts';

/** How far a visit had come; each ends on a page that waits for the person. */
const steps: { name: string; reach: (kiosk: Kiosk) => Promise<unknown> }[] = [
  {
    name: 'the PIN page',
    reach: async (kiosk) => {
      await begin(kiosk);
      await kiosk.insertCard('lin');
      await kiosk.sees('pin');
    },
  },
  { name: 'home', reach: (kiosk) => signIn(kiosk, 'lin') },
  {
    name: 'consent',
    reach: async (kiosk) => {
      await signIn(kiosk, 'lin');
      await kiosk.openService(services.tax);
      await kiosk.sees('consent');
    },
  },
  {
    name: 'a question',
    reach: async (kiosk) => {
      await signIn(kiosk, 'lin');
      await kiosk.openService(services.tax);
      await kiosk.allow();
      await kiosk.answer('property_use', answers.property_use);
      await kiosk.sees('question', 'tax_year');
    },
  },
  {
    name: 'the answers to check',
    reach: async (kiosk) => {
      await signIn(kiosk, 'lin');
      await kiosk.openService(services.tax);
      await kiosk.allow();
      await kiosk.answerAll(answers);
    },
  },
  {
    name: 'the page to sign on',
    reach: async (kiosk) => {
      await signIn(kiosk, 'lin');
      await fillIn(kiosk, services.tax);
    },
  },
];

for (const { name, reach } of steps) {
  test(`the card is pulled at ${name}: nothing of its owner stays`, async ({ kiosk }) => {
    await reach(kiosk);
    await kiosk.pullCard();
    await kiosk.sees('goodbye', 'card-removed');
    await kiosk.doesNotRead('林悦');
    await kiosk.nextPerson();
    await kiosk.sees('attract');
  });
}

/** While the card works: it is out after it was told, before it can answer. */
const commands: { name: string; at: CommandPattern }[] = [
  { name: 'proves its key', at: { ins: 0x88 } },
  { name: 'opens the data space', at: { ins: 0x2a, p1: 0x80, p2: 0x86 } },
];

for (const { name, at } of commands) {
  test(`the card is pulled while it ${name}`, async ({ kiosk, hall }) => {
    await begin(kiosk);
    await hall.hand.fault({ kind: 'vanish-after', at });
    await kiosk.insertCard('lin');
    await kiosk.sees('pin');
    await kiosk.enterPin(pin);
    await kiosk.sees('goodbye', 'card-removed');
    await hall.hand.fault(null);
    await kiosk.nextPerson();
    await signIn(kiosk, 'lin');
  });
}

test('the card is pulled while it signs: there is no receipt, and nothing was sent', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'lin');
  await fillIn(kiosk, services.tax);
  await hall.hand.fault({ kind: 'vanish-after', at: { ins: 0x2a, p1: 0x9e, p2: 0x9a } });
  await kiosk.enterPin(pin);
  const goodbye = await kiosk.sees('goodbye', 'card-removed');
  await expect(goodbye.locator('[data-reference]')).toHaveCount(0);
  await hall.hand.fault(null);
  await kiosk.nextPerson();
  await signIn(kiosk, 'lin');
  await kiosk.openRequests();
  await expect((await kiosk.sees('requests')).locator('[data-intent="request.open"]')).toHaveCount(0);
});

test('within 300 ms of the kiosk’s hearing of it no fact is on the screen', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'lin');
  await kiosk.openService(services.tax);
  await kiosk.sees('consent');
  const { gone } = await hall.watchFacts('西关区恩宁路 128 号 3 楼 302 室', '林悦');
  await kiosk.pullCard();
  const goneAt = await gone;
  await kiosk.sees('goodbye', 'card-removed');
  expect(goneAt - hall.cardOutHeardAt()).toBeLessThan(300);
});
