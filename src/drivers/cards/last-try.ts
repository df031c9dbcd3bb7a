import { fail, ok, type Result } from '../../contract/result.ts';

/**
 * Whether a PIN may be tried here: with one try left it may not, since that one is never spent at a kiosk. `pin-last-try`, `pin-blocked`.
 *
 * @param triesLeft asked of the card each time: the count is the card's, and another kiosk may have lowered it.
 */
export async function guardLastTry(triesLeft: () => Promise<Result<number>>): Promise<Result<null>> {
  const tries = await triesLeft();
  if (!tries.ok) return tries;
  if (tries.value === 0) return fail('pin-blocked');
  return tries.value === 1 ? fail('pin-last-try') : ok(null);
}
