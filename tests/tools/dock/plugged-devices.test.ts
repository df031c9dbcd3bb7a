import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { plugDevices, pluggedPath, readPlugged, type PluggedDevices } from '../../../tools/dock/plugged-devices.ts';
import { whyNoHidBus } from '../../../tools/virtual-devices/hid-bus.ts';

const missing = existsSync('/usr/bin/python3') ? null : '/usr/bin/python3 is missing';
const kiosk = { program: '/built/chromium.mjs', host: '/built/host.mjs' };

/** Empty where the process is gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Whether this process started it, or one that this one started. */
function isOurs(pid: number): boolean {
  const parent = Number(/^PPid:\s*(\d+)$/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0);
  return parent === process.pid || (parent > 1 && isOurs(parent));
}

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

  test('a Ctrl+C in their terminal does not reach them: they go when their input ends, without a word', async () => {
    devices = await plugDevices({ dir, kiosk, hid: whyNoHidBus() === null });
    const programs = readdirSync('/proc').filter((pid) => /python3\0[^\0]*virtual-devices\//.test(textOf(`/proc/${pid}/cmdline`)) && isOurs(Number(pid)));
    expect(programs.length).toBeGreaterThan(0);
    const ignored = programs.map((pid) => Number.parseInt(/^SigIgn:\s*([0-9a-f]+)$/m.exec(textOf(`/proc/${pid}/status`))?.[1]?.slice(-8) ?? '0', 16));
    expect(ignored.map((mask) => (mask & (1 << (constants.signals.SIGINT - 1))) !== 0)).toEqual(programs.map(() => true));
  });

  test.skipIf(whyNoHidBus() !== null)('with umockdev reader and scanner are on HID, and the kiosk’s program has a device host beside it that sees them', async () => {
    devices = await plugDevices({ dir, kiosk, hid: true });
    expect(devices).toMatchObject({ identityConnection: 'hid', whyNoScanner: null });
    const plugged = readPlugged(readFileSync(pluggedPath(dir), 'utf8'));
    expect(plugged).toMatchObject({ devices: { identityReader: { connection: 'hid' }, scanner: { vendor: '0c2e' } }, kiosk: { program: join(dir, 'kiosk/chromium.mjs'), host: join(dir, 'kiosk/host.mjs') } });
    expect(readFileSync(plugged.kiosk?.host ?? '', 'utf8')).toContain('"hostPath":"/built/host.mjs"');
  });
});
