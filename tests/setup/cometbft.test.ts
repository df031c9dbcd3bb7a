import { expect, test } from 'vitest';
import { cometbftVersion, isGoEnough } from '../../setup/cometbft.mjs';

test.each([
  { said: 'go version go1.26.8 linux/amd64', enough: true },
  { said: 'go version go1.22.0 linux/arm64', enough: true },
  { said: 'go version go1.19.8 linux/amd64', enough: false },
  { said: 'go version go2.0 linux/amd64', enough: true },
  { said: '', enough: false },
])('$said: $enough', ({ said, enough }) => {
  expect(isGoEnough(said)).toBe(enough);
});

test('no version is built whose block time can be skewed', () => {
  const [major = 0, minor = 0, patch = 0] = cometbftVersion.split('.').map(Number);
  expect(major).toBe(0);
  expect(minor > 38 || (minor === 38 && patch >= 21)).toBe(true);
});
