import { expect, test } from 'vitest';
import { pinTurn, type PinTurn } from '../../../src/main/staff/back-off.ts';

const cases: { name: string; left: number; first?: number; turn: PinTurn }[] = [
  { name: 'none wrong', left: 3, turn: { turn: 'now' } },
  { name: 'one wrong of three', left: 2, turn: { turn: 'after', pauseMs: 30_000 } },
  { name: 'the last try', left: 1, turn: { turn: 'never' } },
  { name: 'blocked', left: 0, turn: { turn: 'never' } },
  { name: 'none wrong of five', left: 5, first: 5, turn: { turn: 'now' } },
  { name: 'one wrong of five', left: 4, first: 5, turn: { turn: 'after', pauseMs: 30_000 } },
  { name: 'two wrong of five', left: 3, first: 5, turn: { turn: 'after', pauseMs: 60_000 } },
  { name: 'three wrong of five', left: 2, first: 5, turn: { turn: 'after', pauseMs: 120_000 } },
  { name: 'the last of five', left: 1, first: 5, turn: { turn: 'never' } },
  { name: 'a card that began with fewer is taken for one of three', left: 2, first: 2, turn: { turn: 'after', pauseMs: 30_000 } },
];

test.each(cases)('$name', ({ left, first, turn }) => {
  expect(pinTurn(left, first)).toEqual(turn);
});
