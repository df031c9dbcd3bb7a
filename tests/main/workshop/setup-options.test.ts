import { expect, test } from 'vitest';
import type { DeviceStatus, DeviceSurvey } from '../../../src/contract/device-host.ts';
import type { DevicesFile } from '../../../src/contract/hub-file.ts';
import { devicesWith, optionsFor, stateFor } from '../../../src/main/workshop/setup-options.ts';

const status: DeviceStatus = {
  service: 'ready',
  readers: [
    { name: 'A', slot: 'no-card', insertion: 0 },
    { name: 'B', slot: 'card-present', insertion: 1 },
  ],
};
const survey: DeviceSurvey = {
  hid: [
    { vendor: '0483', product: '572b', usagePage: 0xff00, usage: 1, name: 'SAM-V' },
    { vendor: '0c2e', product: '0b61', usagePage: 0x8c, usage: 2, name: '' },
    { vendor: '046d', product: 'c31c', usagePage: 1, usage: 6, name: 'Keyboard' },
    { vendor: '046d', product: 'c077', usagePage: 1, usage: 2, name: 'Mouse' },
  ],
  serial: ['/dev/serial/by-id/usb-FTDI'],
  printers: ['/dev/usb/lp0'],
  queues: [{ queue: 'Counter', name: 'HP LaserJet at the counter' }],
};
const lines = (step: Parameters<typeof optionsFor>[0], known: DevicesFile = {}): string[] => optionsFor(step, status, survey, known, 'A').map(({ option }) => option);

test('each page offers what can be one', () => {
  expect(lines('reader-resident')).toEqual(['A', 'B']);
  expect(lines('reader-staff')).toEqual(['B']);
  expect(lines('identity-reader')).toEqual(['hid:0483:572b', 'serial:/dev/serial/by-id/usb-FTDI']);
  expect(lines('scanner')).toEqual(['hid:0c2e:0b61', 'hid:046d:c31c']);
  expect(lines('printer')).toEqual(['576:/dev/usb/lp0', '384:/dev/usb/lp0', 'cups:Counter']);
});

test('the reader with a card in it says so', () => {
  expect(optionsFor('reader-resident', status, null, {}, undefined).map(({ cardIn }) => cardIn)).toEqual([false, true]);
});

const known: DevicesFile = { identityReader: { connection: 'hid', vendor: '0483', product: '572b', reports: 'plain', serial: '7' } };

test('what the hub’s file names is offered once, and chosen as the file says it', () => {
  expect(lines('identity-reader', known)).toEqual(['hid:0483:572b', 'serial:/dev/serial/by-id/usb-FTDI']);
  expect(devicesWith('identity-reader', 'hid:0483:572b', {}, known)).toEqual(known);
});

const printer = { path: '/dev/usb/lp0', widthDots: 384 };
test.each([
  { name: 'a reader on HID', step: 'identity-reader', option: 'hid:0483:572b', expected: { identityReader: { connection: 'hid', vendor: '0483', product: '572b', reports: 'counted' }, printer } },
  { name: 'a reader on a line', step: 'identity-reader', option: 'serial:/dev/ttyS0', expected: { identityReader: { connection: 'serial', path: '/dev/ttyS0' }, printer } },
  { name: 'a scanner', step: 'scanner', option: 'hid:0c2e:0b61', expected: { scanner: { vendor: '0c2e', product: '0b61' }, printer } },
  { name: 'another paper', step: 'printer', option: '576:/dev/usb/lp0', expected: { printer: { path: '/dev/usb/lp0', widthDots: 576 } } },
  { name: 'a queue of CUPS', step: 'printer', option: 'cups:Counter', expected: { printer: { queue: 'Counter', server: '/run/cups/cups.sock', sheet: 'a4', widthDots: 576 } } },
  { name: 'what CUPS would call no queue', step: 'printer', option: 'cups:a/b', expected: {} },
  { name: 'no printer', step: 'printer', option: '', expected: {} },
  { name: 'what is no line of the list', step: 'scanner', option: 'hid:zz', expected: { printer } },
] as const)('choosing $name leaves the others as they are', ({ step, option, expected }) => {
  expect(devicesWith(step, option, { printer }, {})).toEqual(expected);
});

test.each([
  { name: 'no PC/SC service', now: { service: 'no-service', readers: [] }, step: 'reader-resident', chosen: null, expected: { state: 'bad', code: 'reader-no-service' } },
  { name: 'a reader that went', now: status, step: 'reader-resident', chosen: 'C', expected: { state: 'bad', code: 'reader-missing' } },
  { name: 'a reader that is there', now: status, step: 'reader-staff', chosen: 'B', expected: { state: 'good', code: null } },
  { name: 'a scanner that types', now: { ...status, scanner: { state: 'unusable', failure: { code: 'device-keyboard' } } }, step: 'scanner', chosen: 'x', expected: { state: 'bad', code: 'device-keyboard' } },
  { name: 'a printer that is opened', now: { ...status, printer: { state: 'starting' } }, step: 'printer', chosen: 'x', expected: { state: 'starting' } },
  { name: 'a printer with little paper', now: { ...status, printer: { state: 'paper-low', product: 'TM' } }, step: 'printer', chosen: 'x', expected: { state: 'good', detail: 'TM' } },
] as const)('$name is said', ({ now, step, chosen, expected }) => {
  expect(stateFor(step, chosen, now as DeviceStatus)).toMatchObject(expected);
});
