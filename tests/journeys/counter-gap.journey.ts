import { loadCardState, saveCardState } from '../../tools/virtual-card/card-state.ts';
import { expect, test } from './journey.ts';
import { fillIn, leave, pin, services, signIn } from './steps.ts';

test('a card that signed more often than the ledger knows tells its owner so, until the ledger has caught up', async ({ kiosk, hall }) => {
  const file = hall.cardFile('lin');
  const state = loadCardState(file);
  saveCardState(file, { ...state, signatureCount: state.signatureCount + 2 });

  await signIn(kiosk, 'lin');
  const home = await kiosk.sees('home');
  await expect(home.locator('[data-notice="counter-gap"]')).toContainText('2');
  await fillIn(kiosk, services.tax);
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  await leave(kiosk);
  await kiosk.nextPerson();

  await signIn(kiosk, 'lin');
  await expect((await kiosk.sees('home')).locator('[data-notice="counter-gap"]')).toHaveCount(0);
});
