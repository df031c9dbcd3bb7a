import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ok } from '../../src/contract/result.ts';
import { aes128Gcm, aes256Gcm, hpkeOpen, hpkeSeal, kemSecret, keySchedule, softwareOpener } from '../../src/identity/hpke.ts';
import { x25519Agree, x25519Public } from '../../src/identity/x25519.ts';

const vectorPath = new URL('../../../shared/vectors/rfc9180-a1.json', import.meta.url);
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe.skipIf(!existsSync(vectorPath))('RFC 9180 appendix A.1.1 (published vectors are beside the repository)', () => {
  const vector = existsSync(vectorPath) ? (JSON.parse(readFileSync(vectorPath, 'utf8')) as Record<string, string>) : {};
  const of = (name: string): Uint8Array => hex(vector[name] ?? '');

  it('agrees on the shared secret from both sides', () => {
    for (const dh of [x25519Agree(of('skEm'), of('pkRm')), x25519Agree(of('skRm'), of('pkEm'))]) {
      expect(dh).not.toBeNull();
      expect(toHex(kemSecret(dh!, of('enc'), of('pkRm')))).toBe(vector.shared_secret);
    }
    expect(toHex(x25519Public(of('skRm')))).toBe(vector.pkRm);
  });

  it('derives key and nonce', () => {
    const schedule = keySchedule(of('shared_secret'), of('info'), aes128Gcm);
    expect(toHex(schedule.key)).toBe(vector.key);
    expect(toHex(schedule.baseNonce)).toBe(vector.base_nonce);
  });

  it('seals with the given ephemeral key to the given enc', async () => {
    const message = hpkeSeal(of('pkRm'), of('info'), new Uint8Array(0), Buffer.from('beauty'), aes128Gcm, of('skEm'));
    expect(toHex(message.enc)).toBe(vector.enc);
    const opened = await hpkeOpen(message, softwareOpener(of('skRm')), of('info'), new Uint8Array(0), aes128Gcm);
    expect(opened.ok && Buffer.from(opened.value).toString()).toBe('beauty');
  });
});

/** RFC 9180 A.1.1.1, sequence number 0: the first message of the same context. */
it('gives the ciphertext of RFC 9180 A.1.1.1', () => {
  const message = hpkeSeal(
    hex('3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d'),
    hex('4f6465206f6e2061204772656369616e2055726e'),
    hex('436f756e742d30'),
    hex('4265617574792069732074727574682c20747275746820626561757479'),
    aes128Gcm,
    hex('52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736'),
  );
  expect(toHex(message.ciphertext)).toBe('f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a');
});

describe('opening', () => {
  const secret = hex('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8');
  const opener = softwareOpener(secret);
  const info = Buffer.from('info');
  const aad = Buffer.from('aad');
  const sealed = hpkeSeal(opener.publicKey, info, aad, Buffer.from('facts'), aes256Gcm);

  it('gives the plaintext back', async () => {
    const opened = await hpkeOpen(sealed, opener, info, aad);
    expect(opened.ok && Buffer.from(opened.value).toString()).toBe('facts');
  });

  const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
  it.each([
    { name: 'another info', message: sealed, info: Buffer.from('other'), aad },
    { name: 'another aad', message: sealed, info, aad: Buffer.from('other') },
    { name: 'an altered enc', message: { ...sealed, enc: flipped(sealed.enc, 3) }, info, aad },
    { name: 'an altered ciphertext', message: { ...sealed, ciphertext: flipped(sealed.ciphertext, 0) }, info, aad },
    { name: 'an altered tag', message: { ...sealed, ciphertext: flipped(sealed.ciphertext, sealed.ciphertext.length - 1) }, info, aad },
    { name: 'a ciphertext shorter than its tag', message: { ...sealed, ciphertext: new Uint8Array(15) }, info, aad },
    { name: 'an enc of 31 bytes', message: { ...sealed, enc: sealed.enc.subarray(1) }, info, aad },
  ])('refuses $name', async ({ message, info: useInfo, aad: useAad }) => {
    const opened = await hpkeOpen(message, opener, useInfo, useAad);
    expect(!opened.ok && opened.failure.code).toBe('seal-broken');
  });

  it('refuses a card that answers with an all-zero secret', async () => {
    const opened = await hpkeOpen(sealed, { publicKey: opener.publicKey, agree: () => Promise.resolve(ok(new Uint8Array(32))) }, info, aad);
    expect(!opened.ok && opened.failure).toEqual({ code: 'seal-broken', detail: 'small-order' });
  });

  it.each(['00'.repeat(32), `01${'00'.repeat(31)}`, 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'])('refuses the small-order point %s', async (point) => {
    expect(x25519Agree(secret, hex(point))).toBeNull();
    expect(() => hpkeSeal(hex(point), info, aad, Buffer.from('facts'))).toThrow(/small order/);
    expect((await hpkeOpen({ ...sealed, enc: hex(point) }, opener, info, aad)).ok).toBe(false);
  });

  it('hands the failure of the key agreement on', async () => {
    const opened = await hpkeOpen(sealed, { publicKey: opener.publicKey, agree: () => Promise.resolve({ ok: false, failure: { code: 'card-removed' } }) }, info, aad);
    expect(!opened.ok && opened.failure.code).toBe('card-removed');
  });
});
