import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { derivePin, parseKdf } from '../../../src/drivers/cards/openpgp-kdf.ts';
import { bytes, hex } from './scripted-card.ts';

const salt = '0102030405060708';
const object = `810103 820108 830400000064 8408${salt} 8508${salt} 8608${salt}`;
const pin = Buffer.from('123456');

describe('parseKdf', () => {
  test.each([
    { name: 'SHA-256', input: object, kdf: { hash: 'sha256', byteCount: 100, salt: bytes(salt) } },
    { name: 'SHA-512', input: object.replace('820108', '82010a'), kdf: { hash: 'sha512', byteCount: 100, salt: bytes(salt) } },
    { name: 'its own tag around it', input: `f92a ${object}`, kdf: { hash: 'sha256', byteCount: 100, salt: bytes(salt) } },
    { name: 'no KDF', input: '810100', kdf: null },
    { name: 'an empty object', input: '', kdf: null },
    { name: 'another algorithm', input: object.replace('810103', '810101'), kdf: 'unsupported' },
    { name: 'another hash', input: object.replace('820108', '820102'), kdf: 'unsupported' },
    { name: 'a short salt', input: `810103 820108 830400000064 8404 01020304`, kdf: 'unsupported' },
    { name: 'the largest count', input: object.replace('00000064', '03e00000'), kdf: { hash: 'sha256', byteCount: 65_011_712, salt: bytes(salt) } },
    { name: 'a count beyond it', input: object.replace('00000064', '03e00001'), kdf: 'unsupported' },
    { name: 'bytes that are no TLV', input: '8105', kdf: 'unsupported' },
  ])('$name', ({ input, kdf }) => {
    expect(parseKdf(bytes(input))).toEqual(kdf);
  });
});

/** RFC 4880 §3.7.1.3 word for word: salt and PIN over and over, cut at the count, never less than once. */
function byTheBook(hash: string, byteCount: number): string {
  const once = Buffer.concat([bytes(salt), pin]);
  const octets = Math.max(byteCount, once.length);
  return createHash(hash).update(Buffer.concat(Array.from({ length: Math.ceil(octets / once.length) }, () => once)).subarray(0, octets)).digest('hex');
}

test.each([0, 1, 13, 14, 15, 28, 100, 16_383, 16_384, 16_394, 100_000, 1_000_003])('derives over %i bytes', (byteCount) => {
  expect(hex(derivePin({ hash: 'sha256', byteCount, salt: bytes(salt) }, pin))).toBe(byTheBook('sha256', byteCount));
});

test('derives 64 bytes with SHA-512', () => {
  expect(hex(derivePin({ hash: 'sha512', byteCount: 1000, salt: bytes(salt) }, pin))).toBe(byTheBook('sha512', 1000));
});
