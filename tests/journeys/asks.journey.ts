import { toHex } from '../../src/ledger/verify/bytes.ts';
import { demoId } from '../../tools/demo/demo-keys.ts';
import { expect, test } from './journey.ts';
import { PensionOffice } from './pension-office.ts';
import { leave, signIn } from './steps.ts';

test('Lin finds a question after her PIN, and shows the fact that is up to her as well', async ({ kiosk, hall }) => {
  const office = new PensionOffice(hall);
  const ask = await office.asks({ subject: demoId('lin') });
  await signIn(kiosk, 'lin');
  await kiosk.openAsk(ask.id);
  await kiosk.reads('to see that you still live in the district');
  await kiosk.reads('林悦');
  await kiosk.turnAsked('address');
  expect(await office.answerTo(ask)).toBe('ask-not-answered');
  await kiosk.agreeToAsk();
  await kiosk.sees('ask-done', 'answered');
  const reference = await kiosk.reference();
  expect(reference).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}$/);
  expect(await office.answerTo(ask)).toMatchObject({ answer: 'yes', ledgerKey: 'active', subject: toHex(demoId('lin')), claims: ['name', 'address'] });
  await leave(kiosk);
  await kiosk.doesNotRead('林悦');
});

test('Chen types the code that he was told, and refuses', async ({ kiosk, hall }) => {
  const office = new PensionOffice(hall);
  const ask = await office.asks();
  await signIn(kiosk, 'chen', 'zh-Hans');
  await kiosk.typeCode(ask.code);
  await kiosk.reads('核实您是否仍住在本区');
  await kiosk.refuseAsk();
  await kiosk.sees('ask-done', 'refused');
  expect(await office.answerTo(ask)).toMatchObject({ answer: 'no', claims: [], token: null });
  await leave(kiosk);
});
