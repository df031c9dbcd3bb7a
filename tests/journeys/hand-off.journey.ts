import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from './journey.ts';
import { clientOf } from '../gateway/gateway-in-test.ts';
import { must } from '../hub/visitor.ts';
import { answers, answerTo, leave, pin, services, signIn } from './steps.ts';

/** Pictures for docs/desk.md, where somebody wants them. */
const album = process.env['DESK_ALBUM'];
if (album !== undefined) mkdirSync(album, { recursive: true });

test('begun at the kiosk and finished at the counter, and begun at the counter and finished at the kiosk', async ({ kiosk, hall }) => {
  const picture = async (name: string): Promise<void> => {
    if (album !== undefined) await kiosk.screenshot(join(album, `${name}.png`));
  };

  // At the kiosk: one answer, and then no further without help.
  await signIn(kiosk, 'lin');
  await kiosk.openService(services.tax);
  await kiosk.allow();
  await kiosk.answer('property_use', answerTo('property_use'));
  await kiosk.sees('question', 'tax_year');
  const first = await kiosk.handOff();
  await picture('14-code');
  // The hall's own queue system sees a number, and calls it; she reads where to go.
  const queue = clientOf(hall.gatewayUrl, 'queue:hall');
  const tickets = async (): Promise<unknown> => must(await queue.call('GET', '/v1/queue/tickets')).body;
  await kiosk.reads('Your number for the counter: K\u00a0001');
  expect(await tickets()).toEqual({ items: [{ ticket: 'K001', state: 'waiting', counter: null, until: expect.any(Number) }] });
  must(await queue.call('PUT', '/v1/queue/tickets/K001/counter', { body: { counter: '2' } }));
  await kiosk.reads('Number K\u00a0001: please go to counter 2');
  await picture('14-called');
  await leave(kiosk);

  // At the counter, which another kiosk is: staff type the code, she puts her card in, types her PIN, and is where she was.
  await hall.goTo('hall-2');
  await kiosk.insertStaffCard('staff-liang');
  await kiosk.sees('staff-pin');
  await kiosk.chooseLanguage('en');
  await kiosk.enterPin(pin);
  await kiosk.openDesk('hand-off');
  await kiosk.bringCode('AAAA-AAAA');
  await kiosk.reads('No matter waits here under this code');
  await kiosk.back();
  await kiosk.openDesk('hand-off');
  await kiosk.bringCode(first);
  await kiosk.sees('desk-hand-off-ready');
  await picture('15-await');
  await kiosk.insertCard('lin');
  await kiosk.enterPin(pin);
  await kiosk.sees('question', 'tax_year');
  await kiosk.chooseLanguage('en');
  expect(await kiosk.answerAll(answers)).not.toContain('property_use');
  await kiosk.confirm();
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  const requests = hall.requestsInLedger().length;
  expect(await tickets()).toEqual({ items: [] });
  expect(must(await queue.call('GET', '/v1/queue/requests')).body).toMatchObject({ items: [{ seq: 1, step: 'submitted' }] });

  // Another matter, begun here: all is answered, and at home she wants to read it again.
  await kiosk.home();
  await kiosk.openService(services.water);
  await kiosk.allow();
  await kiosk.answerAll(answers);
  await kiosk.sees('check');
  const second = await kiosk.handOff();
  await kiosk.end();
  await kiosk.sees('take-card');
  await kiosk.pullCard();
  await kiosk.sees('goodbye');
  await hall.hand.pull({ slot: 'staff' });

  await hall.goTo('hall-1');
  await signIn(kiosk, 'lin');
  // What was signed is gone on with nowhere.
  await kiosk.typeCode(first);
  await kiosk.reads('Nothing is waiting here under this code');
  await kiosk.back();
  await kiosk.typeCode(second);
  await kiosk.sees('check');
  await kiosk.confirm();
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  expect(hall.requestsInLedger()).toHaveLength(requests + 1);
});
