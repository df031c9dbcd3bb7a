import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { plugDevices, pluggedPath, readPlugged, type PluggedDevices } from '../../../tools/dock/plugged-devices.ts';
import { whyNoHidBus } from '../../../tools/virtual-devices/hid-bus.ts';

const missing = existsSync('/usr/bin/python3') ? null : '/usr/bin/python3 is missing';
const kiosk = { program: '/built/chromium.mjs', host: '/built/host.mjs' };

describe.skipIf(missing !== null)(`devices beside the dock${missing === null ? '' : ` (${missing})`}`, () => {
  let dir: string;
  let devices: PluggedDevices | null;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'plugged-'));
    devices = null;
  });
  afterEach(async () => {
    await devices?.stop();
    rmSync(dir, { recursive: true });
  });

  test('where HID devices cannot be shown the reader hangs on a serial line, there is no scanner, and the kiosk runs as it is', async () => {
    devices = await plugDevices({ dir, kiosk, hid: false });
    expect(devices).toMatchObject({ identityConnection: 'serial', scanner: null, whyNoScanner: expect.any(String) as string });
    expect(readPlugged(readFileSync(pluggedPath(dir), 'utf8'))).toEqual({
      devices: { identityReader: { connection: 'serial', path: join(dir, 'sam-v') }, printer: { path: join(dir, 'lp0'), widthDots: 576 } },
      kiosk: null,
    });
    expect([existsSync(join(dir, 'sam-v')), existsSync(join(dir, 'lp0'))]).toEqual([true, true]);
  });

  test.skipIf(whyNoHidBus() !== null)('with umockdev reader and scanner are on HID, and the kiosk’s program has a device host beside it that sees them', async () => {
    devices = await plugDevices({ dir, kiosk, hid: true });
    expect(devices).toMatchObject({ identityConnection: 'hid', whyNoScanner: null });
    const plugged = readPlugged(readFileSync(pluggedPath(dir), 'utf8'));
    expect(plugged).toMatchObject({ devices: { identityReader: { connection: 'hid' }, scanner: { vendor: '0c2e' } }, kiosk: { program: join(dir, 'kiosk/chromium.mjs'), host: join(dir, 'kiosk/host.mjs') } });
    expect(readFileSync(plugged.kiosk?.host ?? '', 'utf8')).toContain('"hostPath":"/built/host.mjs"');
  });
});
