import type { DatabaseSync } from 'node:sqlite';
import { ok, type Result } from '../contract/result.ts';
import { logBodies } from './log-bodies.ts';
import { openOwnFile, type FileKind } from './own-file.ts';
import { guarded } from './sqlite-guard.ts';
import type { Id, Name } from './verify/acts.ts';
import { equalBytes } from './verify/bytes.ts';
import { decodeRecord, stateKey } from './verify/records.ts';
import type { Crypto } from './verify/crypto.ts';
import type { Ledger } from './ledger.ts';

/**
 * Which credentials stand revoked, by who anchored them: the registrar its own, the gateway those of all agencies, whose indices come from one sequence, so that
 * neither the ledger nor this file says which agency a credential is of. Follows the log and can be thrown away: it is read anew from the log's first entry.
 */
export interface StatusBook {
  /** Brings in what the log has and this book has not. Answers whether anything was revoked. */
  follow(): Promise<Result<boolean>>;
  /**
   * An index is one credential's: with another's, whoever revokes the one would revoke the other. false: it is taken, or is being taken by another just now.
   * Idempotent for the same credential.
   */
  claim(by: Name, index: number, credential: Id): Promise<Result<boolean>>;
  /** Indices revoked, ascending, and how many entries a list of them needs: the next free index. */
  revoked(by: Name): Result<{ indices: number[]; entries: number }>;
  close(): void;
}

export type FollowedLedger = Pick<Ledger, 'values' | 'entries'>;

const file: FileKind = {
  name: 'status entries',
  mark: 'imit',
  steps: [
    `
      CREATE TABLE followed (next INTEGER NOT NULL);
      INSERT INTO followed VALUES (0);
      CREATE TABLE anchored (anchored_by TEXT NOT NULL, idx INTEGER NOT NULL, credential BLOB NOT NULL, PRIMARY KEY (anchored_by, idx)) WITHOUT ROWID;
      CREATE TABLE revoked (anchored_by TEXT NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (anchored_by, idx)) WITHOUT ROWID;
    `,
  ],
};

const mostClaimed = 4096;

/** `hub-storage`: cannot be opened, is damaged, or is another program's. */
export function openStatusBook(path: string, ledger: FollowedLedger, crypto: Crypto): Result<StatusBook> {
  const opened = openOwnFile(path, file);
  return opened.ok ? ok(bookOf(opened.value, ledger, crypto)) : opened;
}

function bookOf(database: DatabaseSync, ledger: FollowedLedger, crypto: Crypto): StatusBook {
  const next = database.prepare('SELECT next FROM followed');
  const setNext = database.prepare('UPDATE followed SET next = ?');
  const anchor = database.prepare('INSERT INTO anchored VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
  const revoke = database.prepare('INSERT INTO revoked VALUES (?, ?) ON CONFLICT DO NOTHING');
  const size = database.prepare('SELECT max(idx) + 1 AS entries FROM anchored WHERE anchored_by = ?');
  const holder = database.prepare('SELECT credential FROM anchored WHERE anchored_by = ? AND idx = ?');
  /** Claimed and not yet in the log, by index: whose. */
  const claimed = new Map<string, Uint8Array>();
  const indices = database.prepare('SELECT idx FROM revoked WHERE anchored_by = ? ORDER BY idx');

  async function followBatch(from: number): Promise<Result<{ next: number; revoked: boolean }>> {
    const bodies = await logBodies(ledger, from, crypto);
    if (!bodies.ok) return bodies;
    const credentials: Uint8Array[] = [];
    const ended: Uint8Array[] = [];
    for (const act of bodies.value.flatMap(({ acts }) => acts)) {
      if (act.kind === 'credential.anchor') credentials.push(act.id);
      if (act.kind === 'credential.revoke') ended.push(act.id);
    }
    const records = await ledger.values([...credentials, ...ended].map((id) => stateKey.credential(id)));
    if (!records.ok) return records;
    const after = from + bodies.value.length;
    return guarded(() => {
      database.exec('BEGIN IMMEDIATE');
      try {
        for (const [at, value] of records.value.entries()) {
          if (value === null) continue;
          const { id, by, status } = decodeRecord('credential', value);
          anchor.run(by, status, id);
          claimed.delete(`${by} ${status}`);
          if (at >= credentials.length) revoke.run(by, status);
        }
        setNext.run(after);
        database.exec('COMMIT');
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
      return { next: after, revoked: ended.length > 0 };
    });
  }

  async function follow(): Promise<Result<boolean>> {
    const from = guarded(() => Number(next.get()?.['next']));
    if (!from.ok) return from;
    let revoked = false;
    for (let at = from.value; ; ) {
      const done = await followBatch(at);
      if (!done.ok) return done;
      revoked ||= done.value.revoked;
      if (done.value.next === at) return ok(revoked);
      at = done.value.next;
    }
  }

  return {
    follow,
    async claim(by, index, credential) {
      const followed = await follow();
      if (!followed.ok) return followed;
      const row = guarded(() => holder.get(by, index));
      if (!row.ok) return row;
      const name = `${by} ${index}`;
      const taken = row.value?.['credential'] ?? claimed.get(name);
      if (taken instanceof Uint8Array) return ok(equalBytes(taken, credential));
      // Claims that came to nothing are few: the oldest go.
      if (claimed.size >= mostClaimed) claimed.delete(claimed.keys().next().value ?? '');
      claimed.set(name, credential);
      return ok(true);
    },
    revoked: (by) =>
      guarded(() => ({
        indices: indices.all(by).map((row) => Number(row['idx'])),
        entries: Number(size.get(by)?.['entries'] ?? 0),
      })),
    close: () => database.close(),
  };
}
