import { test } from './journey.ts';
import { begin, leave, services, signIn } from './steps.ts';

const refused = [
  { name: 'a card that was reported lost', person: 'wang', code: 'key-blocked' },
  { name: 'a card that nobody registered', person: 'he', code: 'key-unknown' },
  { name: 'a card of the staff', person: 'staff-liang', code: 'key-not-resident' },
  { name: 'a card of another kind', person: 'other', code: 'card-unsupported' },
  { name: 'a card whose PIN is blocked', person: 'zhao', code: 'pin-blocked' },
] as const;

test('each card that cannot be used is told why, and the next one works', async ({ kiosk }) => {
  for (const { name, person, code } of refused) {
    await test.step(name, async () => {
      await begin(kiosk);
      await kiosk.insertCard(person);
      await kiosk.sees('failure', code);
      await kiosk.pullCard();
      await kiosk.sees('goodbye');
      await kiosk.nextPerson();
    });
  }
  await signIn(kiosk, 'lin');
});

test('a card the wrong way round is told, and the next one works', async ({ kiosk, hall }) => {
  await begin(kiosk);
  await hall.hand.fault({ kind: 'mute' });
  await kiosk.insertCard('chen');
  await kiosk.sees('failure', 'card-mute');
  await kiosk.pullCard();
  await hall.hand.fault(null);
  await signIn(kiosk, 'chen', 'zh-Hans');
  await kiosk.reads('陈𬱖');
});

test('who comes next sees nothing of who was there before', async ({ kiosk }) => {
  await signIn(kiosk, 'dilnur');
  await kiosk.reads('迪丽努尔·阿卜杜热合曼·买买提吐尔逊');
  await kiosk.openService(services.tax);
  await kiosk.reads('西关区宝华路 17 号 8 楼 806 室');
  await leave(kiosk);
  await kiosk.nextPerson();

  await signIn(kiosk, 'chen');
  await kiosk.reads('陈𬱖');
  await kiosk.doesNotRead('迪丽努尔');
  await kiosk.openService(services.tax);
  await kiosk.reads('西关区龙津西路 56 号 502 室');
  await kiosk.doesNotRead('宝华路');
});
