import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoPeople } from '../../tools/demo/people.ts';
import { filesBelow, findTexts, formsOf } from './byte-search.ts';
import { heapStrings } from './heap-strings.ts';
import { expect, test } from './journey.ts';
import { answers, begin, leave, pin, services, signIn } from './steps.ts';

/** Words that stand nowhere but in this resident's own facts and answers. Shorter ones would be found by chance. */
const facts = demoPeople.find(({ id }) => id === 'dilnur')?.facts;
const typed = { phone: '19988776655', meter_number: '73910284', meter_reading: '80214.7' };
const canaries = [facts?.name, facts?.name_latin, facts?.identity_number, facts?.address, facts?.household_number, ...Object.values(typed)].filter((text) => text !== undefined);

test('whatever kiosk, hub and browser write, nothing of a resident stands in it', async ({ kiosk, hall }) => {
  const search = (): string[] => findTexts(canaries, hall.writtenPlaces.flatMap(filesBelow));
  const empty = (): string[] => hall.writtenPlaces.filter((place) => filesBelow(place).length === 0);

  await signIn(kiosk, 'dilnur', 'zh-Hans');
  await kiosk.reads(facts?.name ?? '');
  await kiosk.openService(services.water);
  await kiosk.reads(facts?.address ?? '');
  await kiosk.allow();
  await kiosk.answerAll({ ...answers, ...typed });
  expect(search()).toEqual([]);
  await kiosk.confirm();
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  expect(empty()).toEqual([]);
  expect(search()).toEqual([]);
  await leave(kiosk);
  await kiosk.nextPerson();
  await signIn(kiosk, 'dilnur', 'zh-Hans');
  await leave(kiosk);
  expect(search()).toEqual([]);

  // Nor in what is carried off the machine.
  const backups = ['keeper', 'ledger'].map((what) => join(hall.world.dataDir, `backup-${what}`));
  hall.onHub('keeper', 'backup', '--out', backups[0] ?? '');
  hall.onHub('ledger', 'backup', '--out', backups[1] ?? '');
  for (const backup of backups) {
    expect(filesBelow(backup)).not.toEqual([]);
    expect(findTexts(canaries, filesBelow(backup))).toEqual([]);
  }

  const words = `${hall.kioskWords}${hall.hubWords}${JSON.stringify(hall.journal())}`;
  for (const canary of canaries) expect(words).not.toContain(canary);
});

test('a text that does stand in a file is found, in whatever form it stands there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'imi-c-'));
  try {
    const [canary = ''] = canaries;
    for (const [index, form] of formsOf(canary).entries()) writeFileSync(join(folder, `${index}`), Buffer.concat([Buffer.alloc(index), form, Buffer.from('more')]));
    // Made by others than the search's own code.
    const others = {
      json: JSON.stringify({ name: canary }),
      base64: Buffer.from(`x${canary}y`).toString('base64'),
      base64url: Buffer.from(`xy${canary}`).toString('base64url'),
      utf16: Buffer.from(`ab${canary}`, 'utf16le'),
      url: encodeURIComponent(`a ${canary}`),
      hex: Buffer.from(canary).toString('hex'),
    };
    for (const [name, content] of Object.entries(others)) writeFileSync(join(folder, name), content);
    const files = filesBelow(folder);
    expect(files).toHaveLength(formsOf(canary).length + Object.keys(others).length);
    expect(findTexts([canary], files)).toEqual(files.map((file) => `${file}: ${canary}`));
    expect(findTexts(['nobody has written this'], files)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the memory of the next person’s page holds nothing of the one before', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'dilnur');
  await kiosk.openService(services.water);
  await kiosk.reads(facts?.address ?? '');
  await kiosk.allow();
  await kiosk.answerAll({ ...answers, ...typed });
  await leave(kiosk);
  await kiosk.nextPerson();

  await begin(kiosk);
  await kiosk.insertCard('huang');
  await kiosk.sees('pin');
  await kiosk.enterPin(pin);
  await kiosk.sees('home');
  const strings = await heapStrings((await hall.page()).tools);
  // It is the page's memory, and a name in it is seen.
  expect(strings.includes('黄秀英')).toBe(true);
  for (const canary of canaries) expect(strings.includes(canary), canary).toBe(false);
});
