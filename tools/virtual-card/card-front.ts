import { type CardFace, loadCardState } from './card-state.ts';
import { isPivFile, loadPivState } from './piv-state.ts';

/** What a person sees and knows of a card, of whichever kind. */
export interface CardFront {
  label: string;
  face: CardFace;
  /** Null where the card keeps no more than its hash. */
  pin: string | null;
  /** It has keys of our kinds. */
  hasKeys: boolean;
}

export function readCardFront(path: string): CardFront {
  if (isPivFile(path)) {
    const { label, face, pin, keys } = loadPivState(path);
    return { label, face: face ?? { name: label, kind: 'staff' }, pin: pin.digits, hasKeys: keys.sig !== null };
  }
  const { label, face, pw1, kdf, keys } = loadCardState(path);
  return { label, face, pin: kdf === null ? Buffer.from(pw1.value, 'hex').toString('ascii') : null, hasKeys: keys.sig.secret !== null };
}
