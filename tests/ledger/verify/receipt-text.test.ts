import { beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/ledger/verify/bytes.ts';
import { receiptToSymbols } from '../../../src/ledger/verify/receipt-symbols.ts';
import { receiptFromFile, receiptFromText } from '../../../src/ledger/verify/receipt-text.ts';
import { receiptOfLin } from '../receipt-of-lin.ts';

let whole: Uint8Array;
let first: string;
let second: string;

beforeAll(async () => {
  ({ whole } = await receiptOfLin());
  [first = '', second = ''] = receiptToSymbols(whole);
});

/** At the first space after 60 signs, as mail programs do it; they keep that space at the line's end or lose it. */
const broken = (code: string, keepSpace: boolean): string => code.replaceAll(/(.{60,}?) /g, keepSpace ? '$1 \r\n' : '$1\r\n');
const inSeventies = (code: string): string => code.replaceAll(/.{70}/g, '$&\n');

describe('codes in a text', () => {
  const ways: { name: string; text: () => string }[] = [
    { name: 'one below the other', text: () => `${first}\n${second}\n` },
    { name: 'the last one first, with Windows line ends', text: () => `${second}\r\n\r\n${first}` },
    { name: 'one behind the other', text: () => first + second },
    { name: 'with words before them', text: () => `Here are the codes:\n${first}\n${second}` },
    { name: 'small letters', text: () => `${first}\n${second}`.toLowerCase() },
    { name: 'one of them twice', text: () => [second, first, second].join('\n') },
    { name: 'cut into lines of one length', text: () => `${inSeventies(first)}\n${inSeventies(second)}` },
    { name: 'broken at spaces that stayed', text: () => `${broken(first, true)}\n${broken(second, true)}` },
    { name: 'broken at spaces that were lost', text: () => `${broken(first, false)}\n${broken(second, false)}` },
  ];
  test.each(ways)('$name', ({ text }) => {
    expect(receiptFromText(text())).toEqual({ ok: true, value: whole });
    expect(receiptFromFile(utf8(text()))).toEqual({ ok: true, value: whole });
  });

  const wrongs: { name: string; text: () => string; fault: object }[] = [
    { name: 'nothing', text: () => '', fault: { kind: 'no-symbol' } },
    { name: 'no code', text: () => 'Good morning', fault: { kind: 'no-symbol' } },
    { name: 'the first alone', text: () => first, fault: { kind: 'incomplete', missing: [2], of: 2 } },
    { name: 'the second alone', text: () => second, fault: { kind: 'incomplete', missing: [1], of: 2 } },
    { name: 'two contents for one number', text: () => `${first}\n${second}\n${receiptToSymbols(whole.map((byte) => byte ^ 1))[0] ?? ''}`, fault: { kind: 'mixed' } },
    { name: 'codes of different counts', text: () => `${first}\nIMI1:2:3:AAA`, fault: { kind: 'mixed' } },
    { name: 'a number beyond the count', text: () => 'IMI1:3:2:AAA', fault: { kind: 'damaged', number: 3 } },
    { name: 'a sign that no code has', text: () => `${first}\n${second.slice(0, -1)}_`, fault: { kind: 'damaged', number: 2 } },
  ];
  test.each(wrongs)('$name: says what is wrong', ({ text, fault }) => {
    expect(receiptFromText(text())).toEqual({ ok: false, failure: fault });
  });
});

test("a file that holds no codes is taken for the receipt's own bytes", () => {
  expect(receiptFromFile(whole)).toEqual({ ok: true, value: whole });
  expect(receiptFromFile(utf8('Good morning'))).toEqual({ ok: true, value: utf8('Good morning') });
});
