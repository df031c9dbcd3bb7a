import type { PinPrompt } from '../../contract/bridge.ts';
import type { StaffAccess } from '../staff/work.ts';
import type { CardInHand } from './work.ts';

/** Who does it, with which card: what every act of the desk begins with. */
export interface DeskHands {
  access: StaffAccess;
  /** Of the staff card, which has proven itself; it stays in its reader where it has one of its own. */
  staffCard: number;
  /** Residents' and staff's cards come into the same one, one after the other. */
  oneReader: boolean;
  staffTries: number;
  staffPad: boolean;
  pinWrong: boolean;
  touchWanted: boolean;
}

/** Insertion of the card with which the member of staff signs next. */
export const staffCardOf = ({ staffCard, returned }: { staffCard: number; returned: number | null }): number => returned ?? staffCard;

/** Overwrites what nobody needs any more once the slip is in its holder's hands. */
export function closeHand({ recoverySecret, made }: CardInHand): void {
  recoverySecret.fill(0);
  made.unlockCode = '';
}

/** The longest PIN that a pad on the screen takes: more is in nobody's head. */
export const longestPin = 12;

export const staffPrompt = ({ staffTries, staffPad, pinWrong }: DeskHands): PinPrompt => ({ triesLeft: staffTries, pinPad: staffPad, wrong: pinWrong, minLength: 6, maxLength: longestPin });

/** null: it is typed at the reader's own pad. */
export const pinOf = (event: { type: string }): Uint8Array | null => ('pin' in event && typeof event.pin === 'string' ? new TextEncoder().encode(event.pin) : null);
