import { afterEach, describe, expect, test, vi } from 'vitest';
import { AskedPin } from '../../../src/main/workshop/asked-pin.ts';

afterEach(() => vi.restoreAllMocks());

describe('a PIN', () => {
  test('is given to whoever asked, typed or at the reader’s own pad', async () => {
    const pin = new AskedPin();
    const typed = pin.ask();
    pin.give('314159');
    expect(Buffer.from((await typed) as Uint8Array).toString()).toBe('314159');
    const onReader = pin.ask();
    pin.give(null);
    expect(await onReader).toBeNull();
  });

  test('that nobody asked for, or that comes a second time, is encoded nowhere', async () => {
    const encode = vi.spyOn(TextEncoder.prototype, 'encode');
    const pin = new AskedPin();
    pin.give('314159');
    const asked = pin.ask();
    pin.drop();
    pin.give('314159');
    expect(await asked).toBe('gone');
    expect(encode).not.toHaveBeenCalled();
    const again = pin.ask();
    pin.give('314159');
    pin.give('271828');
    expect(Buffer.from((await again) as Uint8Array).toString()).toBe('314159');
    expect(encode).toHaveBeenCalledTimes(1);
  });
});
