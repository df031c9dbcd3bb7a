import type { PinPrompt } from '../../contract/bridge.ts';
import type { StaffAccess } from '../staff/work.ts';

/** Who does it, with which card: what every act of the desk begins with. */
export interface DeskHands {
  access: StaffAccess;
  /** Of the staff card, which stays in its reader. */
  staffCard: number;
  staffTries: number;
  staffPad: boolean;
  pinWrong: boolean;
  touchWanted: boolean;
}

/** The longest PIN that a pad on the screen takes: more is in nobody's head. */
export const longestPin = 12;

export const staffPrompt = ({ staffTries, staffPad, pinWrong }: DeskHands): PinPrompt => ({ triesLeft: staffTries, pinPad: staffPad, wrong: pinWrong, minLength: 6, maxLength: longestPin });

/** null: it is typed at the reader's own pad. */
export const pinOf = (event: { type: string }): Uint8Array | null => ('pin' in event && typeof event.pin === 'string' ? new TextEncoder().encode(event.pin) : null);
