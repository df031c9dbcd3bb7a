import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { IdentityReaderStatus } from '../../../src/contract/device-host.ts';
import { IdentityReader, identityReaderTimes } from '../../../src/drivers/hid/identity-reader.ts';
import { openSerialLine } from '../../../src/drivers/hid/serial-line.ts';
import { identityTextOf } from '../../../tools/virtual-devices/identity-text.ts';
import { SamV } from '../../../tools/virtual-devices/sam-v.ts';
import { plugSerialWire } from '../../../tools/virtual-devices/serial-wire.ts';
import type { SerialWire } from '../../../tools/virtual-devices/serial-wire.ts';
import { identityCards } from './identity-cards.ts';

const { resident } = identityCards;
const missing = existsSync('/usr/bin/python3') ? null : '/usr/bin/python3 is missing';

describe.skipIf(missing !== null)(`an identity-card reader on a serial line${missing === null ? '' : ` (${missing})`}`, () => {
  let dir: string;
  let path: string;
  let wire: SerialWire;
  let samV: SamV;
  let reader: IdentityReader;
  let heard: (status: IdentityReaderStatus) => void;

  const plug = async (): Promise<void> => {
    samV = new SamV((answer) => wire.send(answer));
    wire = await plugSerialWire(path, (bytes) => samV.hear(bytes));
  };
  const state = (wanted: string): Promise<IdentityReaderStatus> =>
    new Promise((resolve) => {
      heard = (status) => {
        if ((status.state === 'unusable' ? status.failure.code : status.state) === wanted) resolve(status);
      };
      heard(reader.status);
    });

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'serial-'));
    path = join(dir, 'ttyS0');
    heard = () => undefined;
    await plug();
    reader = new IdentityReader(openSerialLine(path, 'identity-reader-missing'), (status) => heard(status), { ...identityReaderTimes, lookEveryMs: 50, findEveryMs: 20 });
    await state('ready');
  });
  afterEach(async () => {
    await reader.stop();
    await wire.unplug();
    rmSync(dir, { recursive: true, force: true });
  });

  test.each(Object.values(identityCards))('reads a card of layout $layout', async (card) => {
    samV.lay(identityTextOf(card));
    expect(await reader.read(5_000)).toEqual({ ok: true, value: card });
  });

  test('reads with a byte at a time, and with noise on the line', async () => {
    samV.mischief = (_, answer) => {
      for (const byte of Uint8Array.of(0x00, 0xaa, 0xaa, ...answer)) wire.send(Uint8Array.of(byte));
      return null;
    };
    samV.lay(identityTextOf(resident));
    expect(await reader.read(5_000)).toEqual({ ok: true, value: resident });
  });

  test('two who ask are served one after the other', async () => {
    const both = [reader.read(5_000), reader.read(0)];
    samV.lay(identityTextOf(resident));
    expect(await Promise.all(both)).toMatchObject([{ ok: true }, { failure: { code: 'identity-card-missing' } }]);
  });

  test.each(['find', 'select', 'read'] as const)('unplugged at %s: lost, then missing, and ready when it is back', async (moment) => {
    samV.lay(identityTextOf(resident));
    samV.mischief = (command, answer) => {
      if (command !== moment) return answer;
      void wire.unplug();
      return null;
    };
    expect(await reader.read(5_000)).toMatchObject({ failure: { code: 'device-lost' } });
    await state('identity-reader-missing');
    await plug();
    await state('ready');
    samV.lay(identityTextOf(resident));
    expect(await reader.read(5_000)).toEqual({ ok: true, value: resident });
  });

  test('silent for good: lost, and ready once it speaks again', async () => {
    samV.mischief = () => null;
    expect(await reader.read(10_000)).toEqual({ ok: false, failure: { code: 'device-lost', detail: 'no answer' } });
    samV.mischief = (_, answer) => answer;
    expect(await state('ready')).toEqual({ state: 'ready', product: path });
  });

  test('a file in its place is no line', async () => {
    await wire.unplug();
    await state('identity-reader-missing');
    writeFileSync(path, '');
    expect(await state('device-fault')).toMatchObject({ failure: { detail: expect.stringContaining('stty') as unknown } });
    rmSync(path);
    await plug();
    expect(await state('ready')).toMatchObject({ state: 'ready' });
  });
});
