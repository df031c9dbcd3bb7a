import { test, expect } from './journey.ts';
import { loadCardState } from '../../tools/virtual-card/card-state.ts';

test('a wrong PIN is told, and the last try is never spent here', async ({ kiosk, hall }) => {
  const triesLeft = (): number => loadCardState(hall.cardFile('huang')).pw1.triesLeft;

  await kiosk.sees('attract');
  await kiosk.begin();
  await kiosk.chooseLanguage('en');
  await kiosk.insertCard('huang');
  await kiosk.sees('pin');
  await kiosk.enterPin('111111');
  await kiosk.seesTriesLeft(2);
  expect(triesLeft()).toBe(2);

  await kiosk.enterPin('222222');
  await kiosk.sees('failure', 'pin-last-try');
  expect(triesLeft()).toBe(1);

  await kiosk.pullCard();
  await kiosk.sees('goodbye');
});

test('a card whose PIN is blocked is not asked for it', async ({ kiosk, hall }) => {
  await kiosk.sees('attract');
  await kiosk.begin();
  await kiosk.chooseLanguage('zh-Hans');
  await kiosk.insertCard('zhao');
  await kiosk.sees('failure', 'pin-blocked');
  expect(loadCardState(hall.cardFile('zhao')).pw1.triesLeft).toBe(0);
  await kiosk.pullCard();
  await kiosk.sees('goodbye');
});
