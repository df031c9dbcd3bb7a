import { expect, test } from 'vitest';
import { identityCheckDigit, identityNumberIsSound } from '../../src/identity/identity-number.ts';

test('the example of GB 11643-1999', () => {
  expect(identityCheckDigit('11010519491231002')).toBe('X');
});

test.each([
  { name: 'the example of the standard', number: '11010519491231002X', birth: '1949-12-31', isSound: true },
  { name: 'a wrong check digit', number: '110105194912310021', birth: '1949-12-31', isSound: false },
  { name: 'a small x, which no chip holds', number: '11010519491231002x', birth: '1949-12-31', isSound: false },
  { name: 'two digits the other way round', number: '11010519491231020X', birth: '1949-12-31', isSound: false },
  { name: 'another birth date', number: '11010519491231002X', birth: '1949-12-30', isSound: false },
  { name: 'a number of the first generation', number: '110105491231002', birth: '1949-12-31', isSound: false },
  { name: 'nothing', number: '', birth: '1949-12-31', isSound: false },
])('$name', ({ number, birth, isSound }) => {
  expect(identityNumberIsSound(number, birth)).toBe(isSound);
});
