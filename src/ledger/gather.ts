/** A disk is waited for by so many turns at most; each is some fraction of a millisecond. */
const mostTurns = 16;

/**
 * Waits for the next turn of the event loop, and for one more as long as each has brought something: what is about to come goes to the disk
 * together with what is here, and whoever comes alone waits for two turns.
 *
 * @param count of what is here by now.
 */
export async function gathered(count: () => number): Promise<void> {
  let before = -1;
  for (let turn = 0; turn < mostTurns && count() > before; turn++) {
    before = count();
    await new Promise((resolve) => void setImmediate(resolve));
  }
}
