import { expect, test } from 'vitest';
import { PageCache } from '../../src/ledger/page-cache.ts';

const ofBytes = (size: number): PageCache<{ bytes: number }> => new PageCache(size, ({ bytes }) => bytes);

/** How many of the keys are at hand. */
const count = (cache: PageCache<{ bytes: number }>, keys: number): number => Array.from({ length: keys }, (_, key) => cache.get(key)).filter((one) => one !== undefined).length;

test.each([
  { name: 'pages as they come', bytes: () => 10 },
  { name: 'small and large ones', bytes: (key: number) => (key % 2 === 0 ? 2 : 18) },
])('$name: those used last are at hand, up to the size, and no more than twice as much', ({ bytes }) => {
  for (let keys = 1; keys <= 60; keys++) {
    const cache = ofBytes(100);
    for (let key = 0; key < keys; key++) cache.set(key, { bytes: bytes(key) });
    for (let key = Math.max(0, keys - 9); key < keys; key++) expect(cache.get(key)).toEqual({ bytes: bytes(key) });
  }
  const filled = ofBytes(100);
  for (let key = 0; key < 1000; key++) filled.set(key, { bytes: bytes(key) });
  expect(count(filled, 1000)).toBeLessThanOrEqual(20);
});

test('one that is put again counts once', () => {
  const cache = ofBytes(100);
  cache.set(1, { bytes: 10 });
  for (let i = 0; i < 1000; i++) cache.set(2, { bytes: 80 });
  expect(cache.get(1)).toEqual({ bytes: 10 });
});

test('what is asked for stays', () => {
  const cache = ofBytes(100);
  cache.set(0, { bytes: 10 });
  for (let key = 1; key < 1000; key++) {
    cache.set(key, { bytes: 10 });
    expect(cache.get(0)).toEqual({ bytes: 10 });
  }
});
