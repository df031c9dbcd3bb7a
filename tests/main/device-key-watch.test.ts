import { expect, test } from 'vitest';
import type { Result } from '../../src/contract/result.ts';
import { fail, ok } from '../../src/contract/result.ts';
import { watchDeviceKey } from '../../src/main/device-key-watch.ts';
import type { StoredDeviceKey } from '../../src/main/device-key.ts';

/** A key whose chip answers when the test says so. */
function chipOf(tlsKey: string | null = null): { key: StoredDeviceKey; asked: number; answer(result: Result<Uint8Array>): void } {
  const waiting: ((result: Result<Uint8Array>) => void)[] = [];
  const chip = {
    asked: 0,
    answer: (result: Result<Uint8Array>): void => waiting.shift()?.(result),
    key: {
      publicKey: [-9, new Uint8Array(33)] as const,
      tlsKey,
      sign: (): Promise<Result<Uint8Array>> => {
        chip.asked += 1;
        return new Promise((resolve) => waiting.push(resolve));
      },
    } as StoredDeviceKey,
  };
  return chip;
}
const good = ok(new Uint8Array(64));
const silent = fail('device-key-silent', 'tpm2 sign: no answer');

test('a chip is tried once at a time, and what came of it last is what is said of it', async () => {
  const chip = chipOf();
  const watched = watchDeviceKey(chip.key, () => true);
  expect(watched.chip).toBe('untried');
  watched.tryChip();
  watched.tryChip();
  expect([watched.chip, chip.asked]).toEqual(['untried', 1]);
  chip.answer(good);
  await expect.poll(() => watched.chip).toBe('signs');
  watched.tryChip();
  expect([watched.chip, chip.asked]).toEqual(['signs', 2]);
  chip.answer(silent);
  await expect.poll(() => watched.chip).toEqual(silent.failure);
});

test('a signature that somebody needs says as much as a trial', async () => {
  const chip = chipOf();
  const watched = watchDeviceKey(chip.key, () => true);
  const signing = watched.sign(new Uint8Array(1));
  chip.answer(silent);
  expect(await signing).toEqual(silent);
  expect(watched.chip).toEqual(silent.failure);
});

test('a chip that signs with another key is told', async () => {
  const chip = chipOf();
  const watched = watchDeviceKey(chip.key, () => false);
  watched.tryChip();
  chip.answer(good);
  await expect.poll(() => watched.chip).toEqual({ code: 'kiosk-config', detail: 'the TPM has another key' });
});

test('of a key in a file there is no chip to say anything of', async () => {
  const chip = chipOf('PEM');
  const watched = watchDeviceKey(chip.key, () => true);
  watched.tryChip();
  expect([watched.chip, chip.asked]).toEqual([null, 0]);
  const signing = watched.sign(new Uint8Array(1));
  chip.answer(good);
  expect(await signing).toEqual(good);
  expect(watched.chip).toBeNull();
});
