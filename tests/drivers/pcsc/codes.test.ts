import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cardFailure, establishFailure, pcscFailure, serviceAfter, slotReading } from '../../../src/drivers/pcsc/codes.ts';

describe('what a binding throws', () => {
  test.each([
    { text: 'PC/SC service not running', failure: { code: 'no-service', detail: 'SCARD_E_NO_SERVICE' } },
    { text: 'SCardEstablishContext error: Service not available.(0x8010001d)', failure: { code: 'no-service', detail: 'SCARD_E_NO_SERVICE' } },
    { text: 'Card was removed', failure: { code: 'removed', detail: 'SCARD_W_REMOVED_CARD' } },
    { text: 'SCardTransmit error: Card was removed.(0x80100069)', failure: { code: 'removed', detail: 'SCARD_W_REMOVED_CARD' } },
    { text: 'SCardConnect error: Sharing violation.(0x000000008010000b)', failure: { code: 'in-use', detail: 'SCARD_E_SHARING_VIOLATION' } },
    { text: 'SCardConnect error: Card is unpowered.(0xffffffff80100067)', failure: { code: 'mute', detail: 'SCARD_W_UNPOWERED_CARD' } },
    { text: 'SCardEstablishContext error: Access denied.(0x8010006a)', failure: { code: 'no-permission', detail: 'SCARD_W_SECURITY_VIOLATION' } },
    { text: 'SCardTransmit error: whatever(0x80100031)', failure: { code: 'communication', detail: '0x80100031' } },
    { text: 'something else', failure: { code: 'communication', detail: 'something else' } },
  ])('$text', ({ text, failure }) => {
    expect(pcscFailure(new Error(text))).toEqual(failure);
  });
});

describe('SCardEstablishContext', () => {
  let dir: string;
  let server: Server;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'socket-'));
    server = createServer().listen(join(dir, 'sock'));
    await once(server, 'listening');
  });
  afterAll(() => {
    server.close();
    rmSync(dir, { recursive: true });
  });

  test('no socket: no service', () => {
    expect(establishFailure(new Error('PC/SC service not running'), { socketPath: join(dir, 'none') })).toEqual({ code: 'no-service', detail: 'SCARD_E_NO_SERVICE' });
  });

  test('a socket that is there, and nobody answers: no service', () => {
    expect(establishFailure(new Error('PC/SC service not running'), { socketPath: join(dir, 'sock') })).toEqual({ code: 'no-service', detail: 'SCARD_E_NO_SERVICE' });
  });

  test('a socket that this user may not open: no permission', () => {
    const path = join(dir, 'sock');
    const isRoot = process.geteuid?.() === 0;
    chmodSync(path, 0o000);
    if (isRoot) process.seteuid?.(65534);
    try {
      expect(establishFailure(new Error('PC/SC service not running'), { socketPath: path })).toEqual({ code: 'no-permission', detail: `EACCES ${path}` });
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  test.each([
    { name: 'polkit’s refusal, for which smartcard has no words', isRoot: false, failure: { code: 'no-permission', detail: 'Unknown PC/SC error: SCARD_W_SECURITY_VIOLATION most likely' } },
    { name: 'the same words to root, whom polkit does not refuse', isRoot: true, failure: { code: 'communication', detail: 'Unknown PC/SC error' } },
  ])('$name', ({ isRoot, failure }) => {
    expect(establishFailure(new Error('Unknown PC/SC error'), { socketPath: join(dir, 'sock'), isRoot })).toEqual(failure);
  });

  test('what pcsclite gives a number for is polkit’s refusal or it is not, whoever asks', () => {
    for (const isRoot of [true, false]) {
      expect(establishFailure(new Error('SCardEstablishContext error: Access denied.(0x8010006a)'), { isRoot })).toEqual({ code: 'no-permission', detail: 'SCARD_W_SECURITY_VIOLATION' });
      expect(establishFailure(new Error('SCardEstablishContext error: Unsupported.(0x8010001f)'), { isRoot })).toEqual({ code: 'communication', detail: '0x8010001f' });
    }
  });
});

test.each([
  { code: 'no-service', failure: 'reader-no-service' },
  { code: 'no-permission', failure: 'reader-no-permission' },
  { code: 'unknown-reader', failure: 'reader-missing' },
  { code: 'no-card', failure: 'card-removed' },
  { code: 'removed', failure: 'card-removed' },
  { code: 'mute', failure: 'card-mute' },
  { code: 'unsupported', failure: 'card-unknown' },
  { code: 'in-use', failure: 'card-in-use' },
  { code: 'timeout', failure: 'card-timeout' },
  { code: 'cancelled', failure: 'card-error' },
  { code: 'communication', failure: 'card-error' },
] as const)('$code is $failure to the person at the kiosk', ({ code, failure }) => {
  expect(cardFailure({ code, detail: 'SCARD_X' })).toEqual({ code: failure, detail: 'SCARD_X' });
});

test('only a refusal needs an administrator', () => {
  expect(serviceAfter({ code: 'no-permission' })).toBe('no-permission');
  expect(serviceAfter({ code: 'communication' })).toBe('no-service');
});

test.each([
  { name: 'empty', state: 0x0010, reading: { present: false, mute: false, inUse: false, cardEvents: 0 } },
  { name: 'present, second event', state: 0x0002_0020, reading: { present: true, mute: false, inUse: false, cardEvents: 2 } },
  { name: 'present and mute', state: 0x0220, reading: { present: true, mute: true, inUse: false, cardEvents: 0 } },
  { name: 'exclusive', state: 0x01a0, reading: { present: true, mute: false, inUse: true, cardEvents: 0 } },
  { name: 'shared', state: 0x0120, reading: { present: true, mute: false, inUse: true, cardEvents: 0 } },
  { name: 'many events', state: 0xffff_0022, reading: { present: true, mute: false, inUse: false, cardEvents: 0xffff } },
])('dwEventState: $name', ({ state, reading }) => {
  expect(slotReading('R', state)).toEqual({ reader: 'R', ...reading });
});
