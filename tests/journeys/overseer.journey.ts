import { join } from 'node:path';
import { writeKeyFile } from '../../src/hub/key-file.ts';
import { toHex } from '../../src/ledger/verify/bytes.ts';
import { reference } from '../../src/ledger/verify/reference.ts';
import { demoId, demoSecret } from '../../tools/demo/demo-keys.ts';
import { CaseDesk } from '../cli/case-desk.ts';
import { test, expect } from './journey.ts';
import type { Hall } from './hall.ts';
import { leave, signIn } from './steps.ts';

const tax = 'tax/property-tax-certificate';
const dayMs = 86_400_000;
const on = (days: number): string => new Date(Date.now() + days * dayMs).toISOString();

/** The audit office's desk, in another building: readers and cards of its own, the hub's gateway over HTTP. */
async function openDesk(hall: Hall): Promise<CaseDesk> {
  await expect(() => expect(hall.hubWords).toMatch(/imi gateway is ready on http/)).toPass();
  const gateway = /imi gateway is ready on (\S+)/.exec(hall.hubWords)?.[1] ?? '';
  writeKeyFile(join(hall.world.dataDir, 'authority.key.json'), { sign: demoSecret('authority') });
  return CaseDesk.open({ dir: hall.world.dataDir, hubPath: hall.hubPath, gateway, cardFile: (person) => hall.cardFile(person) });
}

const opensOn = on(5);

const opening = (): string[] => [
  'open',
  ...['--basis', 'Audit Law, article 38', '--subjects', toHex(demoId('lin')), '--kinds', 'grant.give,request.submit', '--from', on(-30), '--to', on(1)],
  ...['--until', on(10), '--opens', opensOn, '--second', toHex(demoId('officer-luo')), '--authority', 'authority-north,authority-south', '--threshold', '2'],
];

test('an auditor and a second officer elsewhere open a case on Lin’s request, and the auditor reads it', async ({ kiosk, hall }) => {
  test.setTimeout(180_000);
  await signIn(kiosk, 'lin');
  await kiosk.openService(tax);
  await kiosk.allow();
  await kiosk.answerAll({ property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'en', phone: '13800138000' });
  await kiosk.confirm();
  await kiosk.enterPin('123456');
  await kiosk.sees('receipt', 'recorded');
  await leave(kiosk);
  await kiosk.nextPerson();

  const desk = await openDesk(hall);
  try {
    const left = await desk.case('audit-office', [...opening(), '--elsewhere'], ['auditor-shen']);
    expect(left.complaints + String(left.code)).toContain('0');
    const { case: caseId, draft } = left.said as { case: string; draft: string };

    // The second officer is in the hall, and sees at the staff reader what waits.
    await hall.hand.insert(hall.cardFile('officer-luo'), { slot: 'staff' });
    await kiosk.sees('staff-pin');
    await kiosk.enterPin('123456');
    await kiosk.sees('staff-home');
    await kiosk.reads(reference(Buffer.from(draft, 'hex')));
    await hall.hand.pull({ slot: 'staff' });
    await kiosk.sees('attract');

    expect(await desk.case('civil-affairs', ['sign', draft], ['officer-luo'])).toMatchObject({ code: 0 });
    const read = await desk.case('audit-office', ['read', caseId, '--subject', toHex(demoId('lin'))], ['auditor-shen']);
    expect(read).toMatchObject({ code: 0 });
    expect(JSON.stringify(read.said)).toContain('tax-bureau');
    expect(JSON.stringify(read.said)).not.toContain('林悦');

    const early = await desk.case('authority-north', ['unseal', caseId, '--authority-key', join(hall.world.dataDir, 'authority.key.json')]);
    expect(early.complaints).toContain('case-not-due');

    // Lin comes again: that an authority looked she reads at once, who and why on its day.
    await signIn(kiosk, 'lin');
    await kiosk.openMyData('news');
    const opens = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeZone: 'Asia/Shanghai' }).format(Date.parse(opensOn));
    await expect((await kiosk.sees('news')).locator('[data-news="sealed"]')).toContainText(opens);
    await kiosk.openMyData('looks');
    await expect((await kiosk.sees('looks')).locator('[data-look="sealed"]')).toHaveCount(1);
    await kiosk.doesNotRead('Audit');
    await leave(kiosk);
  } finally {
    await desk.close();
  }
});

test('a member of staff signs in while a resident is served: the resident goes first', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'lin');
  await hall.hand.insert(hall.cardFile('staff-liang'), { slot: 'staff' });
  await kiosk.reads('A staff card is in the staff reader');
  await kiosk.end();
  await kiosk.pullCard();
  await kiosk.touch((await hall.page()).page.locator('[data-page="goodbye"] [data-intent="start"]'));
  await kiosk.sees('staff-pin');
  await kiosk.enterPin('123456');
  await kiosk.sees('staff-home');
  await kiosk.reads('服务中心工作人员');
  await kiosk.reads('已连接');
  await hall.hand.pull({ slot: 'staff' });
  await kiosk.sees('attract');
});
