import { describe, expect, test } from 'vitest';
import { pinWeakness } from '../../../src/drivers/cards/pin-choice.ts';

const avoid = ['000000199108232264', '19910823', '23081991'];

describe('a PIN that somebody chose', () => {
  test.each<[name: string, pin: string, expected: ReturnType<typeof pinWeakness>]>([
    ['the factory’s', '123456', 'factory'],
    ['the factory’s admin PIN', '12345678', 'factory'],
    ['one digit', '777777', 'repeated'],
    ['two digits in turn', '121212', 'repeated'],
    ['three digits twice', '471471', 'repeated'],
    ['three digits three times', '471471471', 'repeated'],
    ['a run upwards', '345678', 'run'],
    ['a run over nine', '789012', 'run'],
    ['a run downwards', '987654', 'run'],
    ['the birth date, year last', '230819', 'personal'],
    ['the birth date, short', '910823', 'personal'],
    ['year and month of birth', '199108', 'personal'],
    ['the birth date and more', '1991082347', 'personal'],
    ['another piece of the number', '823226', 'personal'],
    ['six digits of no meaning', '480213', null],
    ['pairs that are no period', '445566', null],
    ['a long one', '48021347725190', null],
    ['seven digits, the last one breaks the run', '1234568', null],
  ])('%s: %s', (_, pin, expected) => {
    expect(pinWeakness(pin, avoid)).toBe(expected);
  });
});
