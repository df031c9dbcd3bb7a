import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fail, ok } from '../../src/contract/result.ts';
import type { Hid, HidInfo } from '../../src/drivers/hid/hid.ts';
import { surveyDevices } from '../../src/drivers/survey.ts';

const info = (usage: number): HidInfo => ({ path: `/dev/hidraw${usage}`, vendor: 0x0483, product: 0x2b, usagePage: 1, usage, serial: '', name: 'Two in one' });
const hidOf = (list: Awaited<ReturnType<Hid['list']>>): Hid => ({ list: () => Promise.resolve(list), open: () => Promise.reject(new Error('nothing is opened')) });

test('lists what is plugged in, one line a collection', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'survey-'));
  mkdirSync(join(dir, 'usb'));
  for (const name of ['lp1', 'lp0', 'hiddev0']) writeFileSync(join(dir, 'usb', name), '');
  const seen = await surveyDevices(hidOf(ok([info(2), info(6), info(6)])), { serial: join(dir, 'none'), printers: join(dir, 'usb'), cups: join(dir, 'cups.sock') });
  rmSync(dir, { recursive: true });
  expect(seen).toEqual({
    ok: true,
    value: {
      hid: [2, 6].map((usage) => ({ vendor: '0483', product: '002b', usagePage: 1, usage, name: 'Two in one' })),
      serial: [],
      printers: [join(dir, 'usb/lp0'), join(dir, 'usb/lp1')],
      queues: [],
    },
  });
});

test('says why HID cannot be asked', async () => {
  expect(await surveyDevices(hidOf(fail('device-fault', 'no binding')))).toMatchObject({ ok: false, failure: { code: 'device-fault' } });
});
