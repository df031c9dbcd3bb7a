import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DeviceStatus, Scan } from '../../../src/contract/device-host.ts';
import type { DevicesFile } from '../../../src/contract/hub-file.ts';
import { DeviceHost } from '../../../src/drivers/device-host.ts';
import { spawnNodeHost } from '../../../src/drivers/spawn-node-host.ts';
import { startHidBus, whyNoHidBus } from '../../../tools/virtual-devices/hid-bus.ts';
import type { HidBus, HidPlug } from '../../../tools/virtual-devices/hid-bus.ts';
import { plugIdentityReader, scanWith, typingScanner, virtualIdentityReader, virtualScanner } from '../../../tools/virtual-devices/hid-devices.ts';
import type { PluggedReader } from '../../../tools/virtual-devices/hid-devices.ts';
import { identityTextOf } from '../../../tools/virtual-devices/identity-text.ts';
import { writePreloadedHost } from '../../../tools/virtual-devices/preloaded-host.ts';
import { samVAnswer } from '../../../tools/virtual-devices/sam-v.ts';
import { scanReportsOf } from '../../../tools/virtual-devices/scan-reports.ts';
import { hostPath, statusWhere } from '../device-rig.ts';
import { identityCards } from './identity-cards.ts';

const missing = whyNoHidBus();
const { resident } = identityCards;
const named = ({ vendor, product }: { vendor: string; product: string }): { vendor: string; product: string } => ({ vendor, product });
const reader: DevicesFile['identityReader'] = { connection: 'hid', ...named(virtualIdentityReader), reports: 'counted' };

/** Through node-hid and hidraw as the kernel's own would be, in the device host as the kiosk runs it. */
describe.skipIf(missing !== null)(`HID devices${missing === null ? '' : ` (${missing})`}`, () => {
  let bus: HidBus;
  let dir: string;
  let host: DeviceHost;
  beforeAll(async () => {
    bus = await startHidBus();
    dir = mkdtempSync(join(tmpdir(), 'hid-'));
  });
  afterAll(async () => {
    await bus.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const start = (devices: DevicesFile): void => {
    const preloaded = writePreloadedHost(dir, { hostPath, env: bus.env });
    host = new DeviceHost(spawnNodeHost({ hostPath: preloaded, binding: 'smartcard', devices, pcscSocket: '/nowhere/pcscd.sock' }));
  };
  const state = (device: 'identityReader' | 'scanner', wanted: string): Promise<DeviceStatus> =>
    statusWhere(host, (status) => {
      const seen = status[device];
      return (seen?.state === 'unusable' ? seen.failure.code : seen?.state) === wanted;
    });

  describe('the identity-card reader', () => {
    let plugged: PluggedReader;
    beforeAll(async () => {
      plugged = await plugIdentityReader(bus);
      start({ identityReader: reader });
      await state('identityReader', 'ready');
    });
    beforeEach(() => {
      plugged.samV.lift();
      plugged.samV.mischief = (_, answer) => answer;
      plugged.samV.heard.length = 0;
    });
    afterAll(async () => {
      host.stop();
      await plugged.plug.unplug();
    });
    const read = (waitMs = 10_000) => host.call('identity.read', { waitMs });

    test.each(Object.values(identityCards))('reads a card of layout $layout', async (card) => {
      plugged.samV.lay(identityTextOf(card));
      expect(await read()).toEqual({ ok: true, value: card });
      expect(host.status.identityReader).toEqual({ state: 'card-read', product: 'Virtual identity-card reader' });
    });

    test('waits for a card, and finds it again only when it was lifted', async () => {
      const card = read();
      await state('identityReader', 'waiting');
      plugged.samV.lay(identityTextOf(resident));
      expect(await card).toMatchObject({ ok: true });
      expect(await read(0)).toMatchObject({ failure: { code: 'identity-card-missing', detail: '80' } });
      plugged.samV.lift();
      plugged.samV.lay(identityTextOf(resident));
      expect(await read()).toMatchObject({ ok: true });
    });

    describe('hears what is', () => {
      const reports = (bytes: Uint8Array): void => plugged.plug.send(bytes);
      /** The answer to find as one counted report. */
      const report = (bytes: Uint8Array): Uint8Array => Uint8Array.from({ length: 64 }, (_, i) => (i === 0 ? bytes.length : (bytes[i - 1] ?? 0)));
      const found = samVAnswer(0x9f, new Uint8Array(4));

      test.each([
        { name: 'split', sent: [report(found).subarray(0, 20), report(found).subarray(20)] },
        { name: 'merged with another', sent: [Uint8Array.of(...report(Uint8Array.of(1, 2)), ...report(found))] },
        { name: 'behind foreign reports', sent: [Uint8Array.from({ length: 64 }, () => 0xff), report(Uint8Array.of(0x55)), report(found)] },
        { name: 'behind a late answer to another command', sent: [report(samVAnswer(0x90, new Uint8Array(8))), report(found)] },
        { name: 'behind a broken one', sent: [report(samVAnswer(0x9f, Uint8Array.of(1, 2, 3, 4)).with(9, 0)), report(found)] },
      ])('$name', async ({ sent }) => {
        plugged.samV.lay(identityTextOf(resident));
        plugged.samV.mischief = (command, answer) => {
          if (command !== 'find') return answer;
          for (const piece of sent) reports(piece);
          return null;
        };
        expect(await read()).toEqual({ ok: true, value: resident });
      });

      test('broken once: it is asked again, the card still being selected', async () => {
        plugged.samV.lay(identityTextOf(resident));
        let times = 0;
        plugged.samV.mischief = (command, answer) => (command === 'read' && times++ === 0 ? answer.with(600, 0x5a) : answer);
        expect(await read()).toEqual({ ok: true, value: resident });
        expect(plugged.samV.heard.filter((command) => command === 'read')).toHaveLength(2);
      });

      test.each([
        { name: 'broken each time', answer: (whole: Uint8Array) => whole.with(600, 0x5a), code: 'device-fault', detail: 'checksum' },
        { name: 'cut off each time', answer: (whole: Uint8Array) => whole.subarray(0, 400), code: 'device-fault', detail: 'cut off' },
        { name: 'of another length than it says', answer: () => samVAnswer(0x90, new Uint8Array(100)), code: 'identity-card-unreadable', detail: 'length' },
        { name: '41: the card was lifted', answer: () => samVAnswer(0x41), code: 'identity-card-unreadable', detail: '41' },
        { name: '33: not proven', answer: () => samVAnswer(0x33), code: 'identity-card-refused', detail: '33' },
      ])('$name: $code', async ({ answer, code, detail }) => {
        plugged.samV.lay(identityTextOf(resident));
        plugged.samV.mischief = (command, whole) => (command === 'read' ? answer(whole) : whole);
        expect(await read()).toEqual({ ok: false, failure: { code, detail } });
        plugged.samV.mischief = (_, whole) => whole;
        plugged.samV.lay(identityTextOf(resident));
        expect(await read()).toMatchObject({ ok: true });
      });
    });

    test.each(['find', 'select', 'read'] as const)('unplugged at %s: lost, then missing, and ready when it is back', async (moment) => {
      plugged.samV.lay(identityTextOf(resident));
      const gone = new Promise<void>((resolve) => {
        plugged.samV.mischief = (command, answer) => {
          if (command !== moment) return answer;
          void plugged.plug.unplug().then(resolve);
          return null;
        };
      });
      expect(await read()).toMatchObject({ failure: { code: 'device-lost' } });
      await gone;
      await state('identityReader', 'identity-reader-missing');
      expect(await read()).toMatchObject({ failure: { code: 'identity-reader-missing' } });
      plugged = await plugIdentityReader(bus);
      await state('identityReader', 'ready');
      plugged.samV.lay(identityTextOf(resident));
      expect(await read()).toEqual({ ok: true, value: resident });
    });

    test('unplugged while nobody asks: it is missing, and its module is asked nothing but how it is when it is back', async () => {
      await plugged.plug.unplug();
      await state('identityReader', 'identity-reader-missing');
      plugged = await plugIdentityReader(bus);
      await state('identityReader', 'ready');
      expect(plugged.samV.heard).toEqual(['status']);
    });
  });

  test.each([
    { name: '60: its self-test', sw3: 0x60, code: 'identity-reader-broken' },
    { name: '66: its licence', sw3: 0x66, code: 'identity-reader-unauthorised' },
  ])('a reader that is no good says so before anybody asks: $name', async ({ sw3, code }) => {
    const { samV, plug } = await plugIdentityReader(bus);
    samV.mischief = () => samVAnswer(sw3);
    start({ identityReader: reader });
    await state('identityReader', code);
    expect(await host.call('identity.read', { waitMs: 5_000 })).toMatchObject({ failure: { code } });
    samV.mischief = (_, answer) => answer;
    await state('identityReader', 'ready');
    host.stop();
    await plug.unplug();
  });

  test('a reader with plain reports', async () => {
    const { samV, plug } = await plugIdentityReader(bus, 'plain');
    start({ identityReader: { connection: 'hid', ...named(virtualIdentityReader), reports: 'plain' } });
    await state('identityReader', 'ready');
    samV.lay(identityTextOf(resident));
    expect(await host.call('identity.read', { waitMs: 5_000 })).toEqual({ ok: true, value: resident });
    host.stop();
    await plug.unplug();
  });

  describe('the scanner', () => {
    const code: Scan = { text: 'openid4vp://authorize?client_id=decentralized_identifier%3Aimi&request_uri=https%3A%2F%2F127.0.0.1%2Fasks%2F1', symbology: 'qr' };
    const bill: Scan = { text: '690012345678', symbology: 'code-128' };
    const next = (count: number): Promise<Scan[]> =>
      new Promise((resolve) => {
        const scans: Scan[] = [];
        const stop = host.onScan((scan) => {
          scans.push(scan);
          if (scans.length < count) return;
          stop();
          resolve(scans);
        });
      });

    let plug: HidPlug;
    beforeAll(async () => {
      plug = await bus.plug(virtualScanner);
      start({ scanner: { ...named(virtualScanner), serial: 'SCAN-1' } });
      await state('scanner', 'ready');
    });
    afterAll(async () => {
      host.stop();
      await plug.unplug();
    });

    test('tells each code, however its reports come', async () => {
      const heard = next(3);
      scanWith(plug, code);
      const [first, second] = scanReportsOf(code) as [Uint8Array, Uint8Array];
      plug.send(Uint8Array.of(...first, ...second));
      // A report of another kind, and one that counts more than it holds.
      plug.send(Uint8Array.from({ length: 64 }, (_, i) => (i === 0 ? 0x0f : 0)));
      plug.send(first.with(1, 60));
      scanWith(plug, bill);
      expect(await heard).toEqual([code, code, bill]);
    });

    test('unplugged in the middle of a code: missing, and nothing of it is left when it is back', async () => {
      plug.send(scanReportsOf(code)[0] as Uint8Array);
      await plug.unplug();
      await state('scanner', 'scanner-missing');
      plug = await bus.plug(virtualScanner);
      await state('scanner', 'ready');
      const heard = next(1);
      scanWith(plug, bill);
      expect(await heard).toEqual([bill]);
    });

    test.each([
      { name: 'that types is refused', other: typingScanner, code: 'device-keyboard' },
      { name: 'of another serial is not ours', other: { ...virtualScanner, serial: 'SCAN-2' }, code: 'scanner-missing' },
      { name: 'that is something else is not taken for one', other: { ...virtualScanner, descriptor: virtualIdentityReader.descriptor }, code: 'device-fault' },
    ])('$name, until it is the right one', async ({ other, code: said }) => {
      await plug.unplug();
      const wrong = await bus.plug(other);
      expect((await state('scanner', said)).scanner).toMatchObject({ state: 'unusable' });
      await wrong.unplug();
      plug = await bus.plug(virtualScanner);
      expect((await state('scanner', 'ready')).scanner).toEqual({ state: 'ready', product: 'Virtual scanner' });
    });
  });
});
