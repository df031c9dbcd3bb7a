import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { trustOf } from '../../src/ledger/verify/head.ts';
import { verifyReceipt } from '../../src/ledger/verify/receipt.ts';
import { loadCardState } from '../../tools/virtual-card/card-state.ts';
import { expect, test } from './journey.ts';
import { answers, leave, pin, signIn } from './steps.ts';

test('Lin moves house: five agencies, one page, one signature, one receipt', async ({ kiosk, hall }) => {
  const signatures = (): number => loadCardState(hall.cardFile('lin')).signatureCount;
  const signedBefore = signatures();
  await signIn(kiosk, 'lin');
  await kiosk.openService('life/moving-house');
  expect(await kiosk.letters()).toEqual({ 'tax/new-address': true, 'healthcare/new-address': true, 'utility/power-move': true, 'utility/water-move': true, 'telecom/broadband-move': true });
  await kiosk.allowLetters();
  // Her numbers with four of the five are known to their credentials; the Tax Bureau has issued her none.
  expect(await kiosk.answerAll(answers)).toEqual(['taxpayer_number', 'new_address_code', 'move_date', 'power_reading', 'water_reading']);
  await kiosk.confirm();
  await kiosk.reads('Health Insurance Office');
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  expect(signatures()).toBe(signedBefore + 1);
  const reference = await kiosk.reference();

  const proof = verifyReceipt(await kiosk.takeReceipt(), trustOf(hall.world.hubFile.trustRoot), nodeCrypto);
  if (!proof.ok) throw new Error(proof.failure.detail);
  const told = proof.value.acts.flatMap(({ part }) => (part?.kind === 'request.submit' ? [part.agency] : []));
  expect(told).toEqual(['tax-bureau', 'health-insurance-office', 'power-grid', 'water-works', 'telecom-operator']);
  expect(proof.value.reference).toBe(reference);

  await kiosk.home();
  await kiosk.openRequests();
  expect(await kiosk.requestLines(reference)).toBe(5);
  await leave(kiosk);
  await kiosk.nextPerson();

  // From the data space, as any kiosk would show it.
  await signIn(kiosk, 'lin');
  await kiosk.openRequests();
  expect(await kiosk.requestLines(reference)).toBe(5);
  await leave(kiosk);
});

test('an agency is left out, and asks nothing', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'lin', 'zh-Hans');
  await kiosk.openService('life/moving-house');
  await kiosk.letters();
  await kiosk.turnLetter('utility/water-move');
  await expect.poll(() => kiosk.letters()).toMatchObject({ 'tax/new-address': true, 'utility/water-move': false });
  await kiosk.allowLetters();
  expect(await kiosk.answerAll(answers)).not.toContain('water_reading');
  await kiosk.confirm();
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  const proof = verifyReceipt(await kiosk.takeReceipt(), trustOf(hall.world.hubFile.trustRoot), nodeCrypto);
  expect(proof.ok && proof.value.acts.flatMap(({ part }) => (part?.kind === 'request.submit' ? [part.agency] : []))).not.toContain('water-works');
  await leave(kiosk);
});
