import type { Result } from '../../contract/result.ts';

/** A matter that waits to be gone on with at a counter, by its number in the hall and by nothing else. */
export interface WaitingTicket {
  /** A letter and three digits, `K017`: given anew once the matter is over. */
  ticket: string;
  state: 'waiting' | 'called';
  /** To which it was called last. */
  counter: string | null;
  /** Unix seconds: then it ends by itself. */
  until: number;
}

/** `ended`: gone on with, taken back, or over. */
export type TicketEvent = WaitingTicket | { ticket: string; state: 'ended'; counter: null; until: null };

/** The hall's queue, as its own system works with it: who waits stands nowhere in it. */
export interface Tickets {
  /** The longest waiting first. */
  tickets(): Result<WaitingTicket[]>;
  /** null: no such number waits. Again, and to another counter, as often as it takes. */
  call(ticket: string, counter: string): Result<WaitingTicket | null>;
  /** Returns what ends the listening. */
  onTicket(listener: (event: TicketEvent) => void): () => void;
}
