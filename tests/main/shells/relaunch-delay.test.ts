import { describe, expect, it } from 'vitest';
import { RelaunchPace, relaunchDelayMs } from '../../../src/main/shells/relaunch-delay.ts';

describe('relaunchDelayMs', () => {
  it.each([
    { losses: 1, delayMs: 0 },
    { losses: 2, delayMs: 500 },
    { losses: 3, delayMs: 1000 },
    { losses: 6, delayMs: 8000 },
    { losses: 7, delayMs: 10_000 },
    { losses: 40, delayMs: 10_000 },
  ])('$losses losses: $delayMs ms', ({ losses, delayMs }) => {
    expect(relaunchDelayMs(losses)).toBe(delayMs);
  });
});

it('forgets a loss after a minute', () => {
  const pace = new RelaunchPace();
  expect([0, 1000, 2000, 61_001, 200_000].map((nowMs) => pace.next(nowMs))).toEqual([0, 500, 1000, 500, 0]);
});
