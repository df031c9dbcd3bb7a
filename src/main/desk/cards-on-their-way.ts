import { equalBytes, toHex } from '../../ledger/verify/bytes.ts';
import { bodyOf } from '../../ledger/verify/draft.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import type { Clock } from '../clock.ts';
import type { CardInHand, MadeCard } from './work.ts';

/** New cards that were given to the hub with all their signatures, and of which it was not heard how that ended: the ledger may have their keys any moment. In memory only. */
export interface CardsOnTheirWay {
  /** Until it can be recorded no more. */
  add(hand: CardInHand): void;
  drop(hand: CardInHand): void;
  /** @param keys as they are read off a card, 32 bytes each. */
  has(keys: readonly Uint8Array[]): boolean;
}

export const isOfCard = ({ info: { keys } }: MadeCard, key: Uint8Array): boolean => [keys.sig, keys.aut, keys.dec].some((one) => equalBytes(one, key));

export function createCardsOnTheirWay({ clock, crypto }: { clock: Pick<Clock, 'now'>; crypto: Crypto }): CardsOnTheirWay {
  /** By SIG key. */
  const cards = new Map<string, { made: MadeCard; untilMs: number }>();
  const nameOf = ({ made }: CardInHand): string => toHex(made.info.keys.sig);
  const forgetOld = (): void => {
    for (const [name, { untilMs }] of cards) if (untilMs < clock.now()) cards.delete(name);
  };
  return {
    add(hand) {
      forgetOld();
      const body = bodyOf(hand.draft, crypto);
      // What its holder alone may know is not kept here.
      if (body.ok) cards.set(nameOf(hand), { made: { ...hand.made, unlockCode: '' }, untilMs: body.value.notAfter * 1000 });
    },
    drop: (hand) => void cards.delete(nameOf(hand)),
    has(keys) {
      forgetOld();
      return [...cards.values()].some(({ made }) => keys.some((key) => isOfCard(made, key)));
    },
  };
}
