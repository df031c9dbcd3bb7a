import { randomBytes } from 'node:crypto';
import type { SQLOutputValue } from 'node:sqlite';
import { fail, ok, type Result } from '../contract/result.ts';
import type { TicketEvent, Tickets, WaitingTicket } from '../gateway/queue/tickets.ts';
import { newAskCode, readAskCode } from '../identity/ask-code.ts';
import { inTransaction } from '../ledger/engines/transaction.ts';
import { openOwnFile, type FileKind } from '../ledger/own-file.ts';
import { guarded, guardedResult } from '../ledger/sqlite-guard.ts';
import type { Id } from '../ledger/verify/acts.ts';

export interface HandOff {
  code: string;
  /** Unix seconds. */
  until: number;
}

/** What its resident is told of a matter's place in the hall's queue. */
export interface QueuePlace {
  ticket: string;
  /** null: it was not called yet. */
  counter: string | null;
}

/**
 * Matters that a resident has begun at one place of this hub and goes on with at another, for 24 hours. Each is sealed to the resident's own data space, so
 * that the hub keeps what it cannot read; the code names it and opens nothing. Where the hub has a queue, one may have a number in it as well, which is
 * neither its code nor made from it.
 */
export interface HandOffs extends Tickets {
  /** The oldest goes where a resident has more than four. `hub-busy`: too many of all residents. */
  put(resident: Id, sealed: Uint8Array): Result<HandOff>;
  /** null: there is none of this code, it is over, or it is somebody else's. */
  get(resident: Id, code: string): Result<Uint8Array | null>;
  /** For staff to whom a code is told: until when it is good, Unix seconds, and whose it is not at all. */
  until(code: string): Result<number | null>;
  drop(resident: Id, code: string): Result<null>;
  /** Its number in the hall's queue, drawn where it has none. null: it has no such matter, this hub has no queue, or all numbers are waiting. */
  place(resident: Id, code: string): Result<QueuePlace | null>;
  close(): void;
}

const file: FileKind = {
  name: 'hand-offs',
  mark: 'imih',
  erases: true,
  steps: [
    'CREATE TABLE hand_off (code TEXT PRIMARY KEY, resident BLOB NOT NULL, sealed BLOB NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;',
    // The hall's queue.
    `
      ALTER TABLE hand_off ADD COLUMN ticket TEXT;
      ALTER TABLE hand_off ADD COLUMN counter TEXT;
      CREATE UNIQUE INDEX hand_off_by_ticket ON hand_off (ticket);
      CREATE TABLE drawn (last INTEGER NOT NULL);
      INSERT INTO drawn VALUES (0);
    `,
  ],
};

/** Numbers go round: 999, then 1 again. One that waits is not given to another. */
const mostTickets = 999;
export const handOffLifetimeSeconds = 24 * 3600;
/** Matters of one resident that wait at a time, the newest. */
export const mostOfOne = 4;
const mostOfAll = 20_000;

export interface HandOffsOptions {
  path: string;
  /** Before the numbers of the hall's queue, A to Z; null: this hub has none. */
  queueLetter: string | null;
  /** Unix milliseconds. */
  now: () => number;
}

/** `hub-storage` where the file cannot be opened or is another program's. */
export function openHandOffs({ path, queueLetter, now }: HandOffsOptions): Result<HandOffs> {
  const opened = openOwnFile(path, file);
  if (!opened.ok) return opened;
  const database = opened.value;
  const put = database.prepare('INSERT OR IGNORE INTO hand_off VALUES (?, ?, ?, ?, ?, ?)');
  const get = database.prepare('SELECT sealed FROM hand_off WHERE code = ? AND resident = ? AND until > ?');
  const until = database.prepare('SELECT until FROM hand_off WHERE code = ? AND until > ?');
  const dead = database.prepare('DELETE FROM hand_off WHERE until <= ? RETURNING ticket');
  const surplus = database.prepare('DELETE FROM hand_off WHERE code IN (SELECT code FROM hand_off WHERE resident = ? ORDER BY until DESC LIMIT -1 OFFSET ?) RETURNING ticket');
  const count = database.prepare('SELECT COUNT(*) AS count FROM hand_off');
  const drop = database.prepare('DELETE FROM hand_off WHERE code = ? AND resident = ? RETURNING ticket');
  const place = database.prepare('SELECT ticket, counter, until FROM hand_off WHERE code = ? AND resident = ? AND until > ?');
  const lastDrawn = database.prepare('SELECT last FROM drawn');
  const setDrawn = database.prepare('UPDATE drawn SET last = ?');
  const isWaiting = database.prepare('SELECT 1 FROM hand_off WHERE ticket = ?');
  const giveTicket = database.prepare('UPDATE hand_off SET ticket = ? WHERE code = ?');
  const waiting = database.prepare('SELECT ticket, counter, until FROM hand_off WHERE ticket IS NOT NULL ORDER BY until, ticket');
  const callTicket = database.prepare('UPDATE hand_off SET counter = ? WHERE ticket = ? AND until > ? RETURNING ticket, counter, until');
  const seconds = (): number => Math.floor(now() / 1000);
  const listeners = new Set<(event: TicketEvent) => void>();
  const tell = (event: TicketEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const tellEnded = (rows: readonly Row[]): void => {
    for (const { ticket } of rows) if (typeof ticket === 'string') tell({ ticket, state: 'ended', counter: null, until: null });
  };
  const sweep = (): void => tellEnded(dead.all(seconds()));

  /** null: all of them wait. */
  function draw(letter: string, code: string): string | null {
    const last = Number(lastDrawn.get()?.['last']);
    for (let step = 1; step <= mostTickets; step += 1) {
      const number = ((last + step - 1) % mostTickets) + 1;
      const ticket = `${letter}${String(number).padStart(3, '0')}`;
      if (isWaiting.get(ticket) !== undefined) continue;
      inTransaction(database, () => {
        setDrawn.run(number);
        giveTicket.run(ticket, code);
      });
      return ticket;
    }
    return null;
  }

  return ok({
    put: (resident, sealed) =>
      guardedResult(() => {
        sweep();
        // Before the oldest of this resident's goes: who is refused keeps what they have.
        if (Number(count.get()?.['count']) >= mostOfAll) return fail('hub-busy', 'hand-offs');
        tellEnded(surplus.all(resident, mostOfOne - 1));
        const end = seconds() + handOffLifetimeSeconds;
        for (;;) {
          const code = newAskCode((bytes) => randomBytes(bytes));
          if (put.run(code, resident, sealed, end, null, null).changes === 1) return ok({ code, until: end });
        }
      }),
    get: (resident, code) => guarded(() => (get.get(readAskCode(code), resident, seconds())?.['sealed'] as Uint8Array | undefined) ?? null),
    until: (code) => guarded(() => (until.get(readAskCode(code), seconds())?.['until'] as number | undefined) ?? null),
    drop: (resident, code) =>
      guarded(() => {
        tellEnded(drop.all(readAskCode(code), resident));
        return null;
      }),
    place: (resident, typed) =>
      guarded(() => {
        const code = readAskCode(typed);
        const row = place.get(code, resident, seconds());
        if (code === null || row === undefined) return null;
        if (typeof row['ticket'] === 'string') return { ticket: row['ticket'], counter: textOrNull(row['counter']) };
        const ticket = queueLetter === null ? null : draw(queueLetter, code);
        if (ticket === null) return null;
        tell({ ticket, state: 'waiting', counter: null, until: Number(row['until']) });
        return { ticket, counter: null };
      }),
    tickets: () =>
      guarded(() => {
        sweep();
        return waiting.all().map(waitingTicket);
      }),
    call: (ticket, counter) =>
      guarded(() => {
        const row = callTicket.get(counter, ticket, seconds());
        if (row === undefined) return null;
        const called = waitingTicket(row);
        tell(called);
        return called;
      }),
    onTicket(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => database.close(),
  });
}

type Row = Record<string, SQLOutputValue>;

const textOrNull = (value: SQLOutputValue | undefined): string | null => (typeof value === 'string' ? value : null);

function waitingTicket(row: Row): WaitingTicket {
  const counter = textOrNull(row['counter']);
  return { ticket: String(row['ticket']), state: counter === null ? 'waiting' : 'called', counter, until: Number(row['until']) };
}

/**
 * A matter's place in the queue, once it was called to another counter than `known`, or after `waitMs`; at once where there is nothing to wait for.
 * @param known null: none; undefined: whatever it is, it is not waited for.
 */
export async function placeWhenCalled(handOffs: Pick<HandOffs, 'place' | 'onTicket'>, resident: Id, code: string, known: string | null | undefined, waitMs: number): Promise<Result<QueuePlace | null>> {
  const now = handOffs.place(resident, code);
  if (!now.ok || now.value === null || known === undefined || now.value.counter !== known || waitMs === 0) return now;
  const { ticket } = now.value;
  await new Promise<void>((resolve) => {
    const deadline = AbortSignal.timeout(waitMs);
    const done = (): void => {
      unlisten();
      deadline.removeEventListener('abort', done);
      resolve();
    };
    const unlisten = handOffs.onTicket((event) => {
      if (event.ticket === ticket) done();
    });
    deadline.addEventListener('abort', done);
  });
  return handOffs.place(resident, code);
}
