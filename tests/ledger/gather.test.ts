import { expect, test } from 'vitest';
import { gathered } from '../../src/ledger/gather.ts';

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** How many turns it takes, where `brings` more come with each. */
async function turnsTaken(brings: readonly number[]): Promise<number> {
  let [here, turns, isDone] = [1, 0, false];
  const done = gathered(() => here).then(() => {
    isDone = true;
  });
  while (!isDone) {
    here += brings[turns] ?? 0;
    await turn();
    turns += 1;
  }
  await done;
  return turns;
}

test('whoever comes alone waits for two turns at most', async () => {
  expect(await turnsTaken([])).toBeLessThanOrEqual(2);
});

test('waits for as long as each turn brings something', async () => {
  const [alone, seven] = [await turnsTaken([]), await turnsTaken([1, 1, 1, 1, 1, 1, 1])];
  expect(seven).toBeGreaterThanOrEqual(alone + 5);
});

test('but not for ever', async () => {
  expect(await turnsTaken(Array.from({ length: 1000 }, () => 1))).toBeLessThan(20);
});
