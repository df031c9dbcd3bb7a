import type { CardState } from './card-state.ts';
import type { PinPurpose } from './command.ts';

/** What the card forgets without power and on every reset. */
export interface Session {
  selected: boolean;
  verified: Record<PinPurpose, boolean>;
  /** Which of the three certificates GET DATA 7F21 means. */
  certificate: number;
}

export const newSession = (): Session => ({ selected: false, verified: { sign: false, user: false, admin: false }, certificate: 0 });

/** What a command has to work with. */
export interface Card {
  readonly state: CardState;
  session: Session;
  /** Puts the state on disk. Before the answer leaves, so that what a host was told is true after a power cut. */
  keep(): void;
  /** Waits for a finger on the button; false when none came in time. */
  touched(): Promise<boolean>;
}

export interface Answer {
  sw: number;
  data: Uint8Array;
}

export const answer = (sw: number, data: Uint8Array = new Uint8Array(0)): Answer => ({ sw, data });
