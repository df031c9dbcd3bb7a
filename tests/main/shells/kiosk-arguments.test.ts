import { expect, test } from 'vitest';
import { readArguments } from '../../../src/main/shells/kiosk-arguments.ts';

const needed = ['--hub', 'hub.json', '--kiosk', 'k1', '--data', 'data'];

test.each([
  { name: 'the smallest scale', args: ['--scale', '0.5'], expected: { scale: 0.5 } },
  { name: 'the largest scale', args: ['--scale', '3'], expected: { scale: 3 } },
  { name: 'no scale: the panel as it is', args: [], expected: { scale: 1, position: { x: 0, y: 0 } } },
  { name: 'a place left of the first screen', args: ['--position=-40,12'], expected: { position: { x: -40, y: 12 } } },
])('$name', ({ args, expected }) => {
  expect(readArguments([...needed, ...args])).toMatchObject({ ok: true, value: expected });
});

test.each([
  { name: 'a scale that Chromium does not draw', args: [...needed, '--scale', '0.49'] },
  { name: 'a scale beyond the largest', args: [...needed, '--scale', '3.1'] },
  { name: 'a scale that is no number', args: [...needed, '--scale', 'half'] },
  { name: 'a place with one number', args: [...needed, '--position', '12'] },
  { name: 'an option that nobody knows', args: [...needed, '--fast'] },
  { name: 'no kiosk', args: ['--hub', 'hub.json', '--data', 'data'] },
])('$name is refused', ({ args }) => {
  expect(readArguments(args)).toMatchObject({ ok: false, failure: { code: 'kiosk-config' } });
});
