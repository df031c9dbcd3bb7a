import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRecoveryKey, parseRecoveryKey, recoveryKeyText } from '../../src/identity/recovery-key.ts';

const secret = new Uint8Array(32).map((_, i) => i * 7 + 1);
const text = recoveryKeyText(secret);

describe('a recovery key on its slip', () => {
  it('is 52 signs and two digits in groups of four', () => {
    expect(text).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){13}[0-9]{2}$/);
  });

  it('is known as one', () => {
    expect([text, text.slice(1), text.replace(/^./, '7')].map(isRecoveryKey)).toEqual([true, false, false]);
  });

  it('comes back from what is printed, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        expect(parseRecoveryKey(recoveryKeyText(bytes))).toEqual({ ok: true, value: new Uint8Array(bytes) });
      }),
    );
  });

  it('is read as people type: lower case, spaces, O for 0 and l for 1', () => {
    const typed = text.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l');
    expect(parseRecoveryKey(` ${typed}\n`)).toEqual({ ok: true, value: secret });
  });

  it('with any one sign wrong is noticed', () => {
    const plain = text.replaceAll('-', '');
    for (let at = 0; at < plain.length; at++) {
      for (const sign of '0123456789ABCDEFGHJKMNPQRSTVWXYZ') {
        if (sign === plain[at] || (at >= 52 && !/[0-9]/.test(sign))) continue;
        expect(parseRecoveryKey(plain.slice(0, at) + sign + plain.slice(at + 1)), `${at} ${sign}`).toMatchObject({ ok: false, failure: { code: 'slip-mistyped' } });
      }
    }
  });

  it('with two neighbours changed over is noticed', () => {
    const plain = text.replaceAll('-', '');
    for (let at = 0; at < 51; at++) {
      const [a = '', b = ''] = plain.slice(at, at + 2);
      if (a !== b) expect(parseRecoveryKey(plain.slice(0, at) + b + a + plain.slice(at + 2)).ok, String(at)).toBe(false);
    }
  });

  it.each([
    { name: 'nothing', typed: '' },
    { name: 'a sign too few', typed: text.slice(1) },
    { name: 'a sign too many', typed: `${text}0` },
    { name: 'a sign that no slip has', typed: text.replace(/^./, 'U') },
    { name: 'a receipt’s code', typed: 'IMI1:1:2:AAA' },
  ])('is not $name', ({ typed }) => {
    expect(parseRecoveryKey(typed)).toMatchObject({ ok: false, failure: { code: 'slip-form' } });
  });
});
