import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { softwareOpener } from '../../src/identity/hpke.ts';
import { openSealed, paddedLength, sealTo, sealToLater } from '../../src/identity/sealing.ts';
import { newX25519Secret } from '../../src/identity/x25519.ts';

const opener = softwareOpener(newX25519Secret());
const context = Buffer.alloc(16, 7);

describe('sealing', () => {
  it('opens what was sealed, whatever its length', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (content) => {
        const opened = await openSealed(sealTo(opener.publicKey, 'self', context, content), 'self', context, opener);
        expect(opened.ok && Buffer.from(opened.value)).toEqual(Buffer.from(content));
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    { name: 'another purpose', purpose: 'part', context, opener },
    { name: 'another context', purpose: 'self', context: Buffer.alloc(16, 8), opener },
    { name: 'another key', purpose: 'self', context, opener: softwareOpener(newX25519Secret()) },
  ] as const)('does not open under $name', async ({ purpose, context: useContext, opener: useOpener }) => {
    const sealed = sealTo(opener.publicKey, 'self', context, Buffer.from('facts'));
    const opened = await openSealed(sealed, purpose, useContext, useOpener);
    expect(!opened.ok && opened.failure.code).toBe('seal-broken');
  });

  it('refuses an unknown suite', async () => {
    const sealed = sealTo(opener.publicKey, 'self', context, Buffer.from('facts'));
    sealed[0] = 2;
    const opened = await openSealed(sealed, 'self', context, opener);
    expect(!opened.ok && opened.failure.detail).toBe('suite');
  });

  it('gives short things one length', () => {
    const lengths = [0, 1, 100, 508].map((length) => sealTo(opener.publicKey, 'self', context, new Uint8Array(length)).length);
    expect(new Set(lengths).size).toBe(1);
  });

  it('pads by at most 12 % and never below the content', () => {
    fc.assert(
      fc.property(fc.integer({ min: 513, max: 1_000_000 }), (length) => {
        expect(paddedLength(length)).toBeGreaterThanOrEqual(length);
        expect(paddedLength(length)).toBeLessThanOrEqual(length * 1.12);
      }),
    );
  });

  it.each([
    [512, 512],
    [513, 544],
    [700, 704],
    [3122, 3200],
  ])('pads %i to %i', (length, padded) => {
    expect(paddedLength(length)).toBe(padded);
  });
});

it('seals beside other work as it does at once', async () => {
  const content = new Uint8Array(700).fill(3);
  const sealed = await sealToLater(opener.publicKey, 'part', context, content);
  expect(sealed.length).toBe(sealTo(opener.publicKey, 'part', context, content).length);
  expect(await openSealed(sealed, 'part', context, opener)).toEqual({ ok: true, value: content });
  expect(await openSealed(sealed, 'grant-keeper', context, opener)).toMatchObject({ ok: false, failure: { code: 'seal-broken' } });
  await expect(sealToLater(new Uint8Array(32), 'part', context, content)).rejects.toThrow('small order');
});
