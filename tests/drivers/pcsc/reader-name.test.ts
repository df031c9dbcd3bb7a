import { expect, test } from 'vitest';
import { matchesReader } from '../../../src/drivers/pcsc/reader-name.ts';

test.each([
  { pattern: 'Virtual PCD 00 00', name: 'Virtual PCD 00 00', matches: true },
  { pattern: 'Virtual PCD 00 00', name: 'Virtual PCD 00 01', matches: false },
  { pattern: 'Virtual PCD', name: 'Virtual PCD 00 00', matches: false },
  { pattern: 'ACS ACR39U*', name: 'ACS ACR39U ICC Reader 00 00', matches: true },
  { pattern: 'ACS ACR39U*', name: 'Alcor ACS ACR39U 00 00', matches: false },
  { pattern: '*', name: 'Whatever 00 00', matches: true },
])('$pattern and $name: $matches', ({ pattern, name, matches }) => {
  expect(matchesReader(pattern, name)).toBe(matches);
});
