import { randomBytes } from 'node:crypto';
import { fail, ok, type Result } from '../contract/result.ts';
import { newAskCode, readAskCode } from '../identity/ask-code.ts';
import { openOwnFile, type FileKind } from '../ledger/own-file.ts';
import { guarded, guardedResult } from '../ledger/sqlite-guard.ts';
import type { Id } from '../ledger/verify/acts.ts';

export interface HandOff {
  code: string;
  /** Unix seconds. */
  until: number;
}

/**
 * Matters that a resident has begun at one place of this hub and goes on with at another, for 24 hours. Each is sealed to the resident's own data space, so
 * that the hub keeps what it cannot read; the code names it and opens nothing.
 */
export interface HandOffs {
  /** The oldest goes where a resident has more than four. `hub-busy`: too many of all residents. */
  put(resident: Id, sealed: Uint8Array): Result<HandOff>;
  /** null: there is none of this code, it is over, or it is somebody else's. */
  get(resident: Id, code: string): Result<Uint8Array | null>;
  /** For staff to whom a code is told: until when it is good, Unix seconds, and whose it is not at all. */
  until(code: string): Result<number | null>;
  drop(resident: Id, code: string): Result<null>;
  close(): void;
}
const file: FileKind = {
  name: 'hand-offs',
  mark: 'imih',
  erases: true,
  steps: [
    'CREATE TABLE hand_off (code TEXT PRIMARY KEY, resident BLOB NOT NULL, sealed BLOB NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;',
  ],
};

export const handOffLifetimeSeconds = 24 * 3600;
const mostOfOne = 4;
const mostOfAll = 20_000;

/** @param now Unix milliseconds. `hub-storage` where the file cannot be opened or is another program's. */
export function openHandOffs({ path, now }: { path: string; now: () => number }): Result<HandOffs> {
  const opened = openOwnFile(path, file);
  if (!opened.ok) return opened;
  const database = opened.value;
  const put = database.prepare('INSERT OR IGNORE INTO hand_off VALUES (?, ?, ?, ?)');
  const get = database.prepare('SELECT sealed FROM hand_off WHERE code = ? AND resident = ? AND until > ?');
  const until = database.prepare('SELECT until FROM hand_off WHERE code = ? AND until > ?');
  const dead = database.prepare('DELETE FROM hand_off WHERE until <= ?');
  const surplus = database.prepare('DELETE FROM hand_off WHERE code IN (SELECT code FROM hand_off WHERE resident = ? ORDER BY until DESC LIMIT -1 OFFSET ?)');
  const count = database.prepare('SELECT COUNT(*) AS count FROM hand_off');
  const drop = database.prepare('DELETE FROM hand_off WHERE code = ? AND resident = ?');
  const seconds = (): number => Math.floor(now() / 1000);

  return ok({
    put: (resident, sealed) =>
      guardedResult(() => {
        dead.run(seconds());
        // Before the oldest of this resident's goes: who is refused keeps what they have.
        if (Number(count.get()?.['count']) >= mostOfAll) return fail('hub-busy', 'hand-offs');
        surplus.run(resident, mostOfOne - 1);
        const end = seconds() + handOffLifetimeSeconds;
        for (;;) {
          const code = newAskCode((bytes) => randomBytes(bytes));
          if (put.run(code, resident, sealed, end).changes === 1) return ok({ code, until: end });
        }
      }),
    get: (resident, code) => guarded(() => (get.get(readAskCode(code), resident, seconds())?.['sealed'] as Uint8Array | undefined) ?? null),
    until: (code) => guarded(() => (until.get(readAskCode(code), seconds())?.['until'] as number | undefined) ?? null),
    drop: (resident, code) =>
      guarded(() => {
        drop.run(readAskCode(code), resident);
        return null;
      }),
    close: () => database.close(),
  });
}
