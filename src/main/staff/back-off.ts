/** What the card's own counter leaves to be done with its PIN. */
export type PinTurn = { turn: 'now' } | { turn: 'after'; pauseMs: number } | { turn: 'never' };

/** OpenPGP card 3.4, §4.4.1.10: PW1 has three tries unless its issuer gave it more. */
const usualTries = 3;
const firstPauseMs = 30_000;

/**
 * The pause before the PIN may be typed, from what the card says of itself: taking the card out and putting it in again shortens nothing. It
 * doubles with each wrong PIN, and the last try is never spent at a kiosk.
 * Worked, for a card that began with three tries: 3 left, now; 2 left, after 30 s; 1 or 0 left, never. With five: 5 now, 4 after 30 s, 3 after 60 s, 2 after 120 s, then never.
 *
 * @param triesAtFirst as many as the card is known to have had.
 */
export function pinTurn(triesLeft: number, triesAtFirst = usualTries): PinTurn {
  if (triesLeft <= 1) return { turn: 'never' };
  const wrong = Math.max(usualTries, triesAtFirst) - triesLeft;
  return wrong <= 0 ? { turn: 'now' } : { turn: 'after', pauseMs: firstPauseMs * 2 ** (wrong - 1) };
}
