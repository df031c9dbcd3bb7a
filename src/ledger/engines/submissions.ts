import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { rejectionCodes, type RejectionCode } from '../../contract/failures.ts';

export interface QueuedSubmission {
  seq: number;
  id: Uint8Array;
  envelope: Uint8Array;
}

/**
 * What waits for a block, what the block's rules refused after it had been queued, and when ids may be forgotten.
 * The caller holds the transaction.
 */
export class SubmissionStore {
  readonly #enqueue: StatementSync;
  readonly #dequeue: StatementSync;
  readonly #waiting: StatementSync;
  readonly #count: StatementSync;
  readonly #isQueued: StatementSync;
  readonly #refuse: StatementSync;
  readonly #unrefuse: StatementSync;
  readonly #forgetRefused: StatementSync;
  readonly #refusal: StatementSync;
  readonly #remember: StatementSync;
  readonly #expired: StatementSync;
  readonly #forget: StatementSync;

  constructor(database: DatabaseSync) {
    database.exec(`
      CREATE TABLE IF NOT EXISTS queued (seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, envelope BLOB NOT NULL);
      CREATE TABLE IF NOT EXISTS refused (id BLOB PRIMARY KEY, code TEXT NOT NULL, not_after INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS remembered (not_after INTEGER NOT NULL, id BLOB NOT NULL, PRIMARY KEY (not_after, id)) WITHOUT ROWID;
    `);
    this.#enqueue = database.prepare('INSERT INTO queued (id, envelope) VALUES (?, ?) ON CONFLICT (id) DO NOTHING');
    this.#dequeue = database.prepare('DELETE FROM queued WHERE id = ?');
    this.#waiting = database.prepare('SELECT seq, id, envelope FROM queued ORDER BY seq LIMIT ?');
    this.#count = database.prepare('SELECT count(*) AS count FROM queued');
    this.#isQueued = database.prepare('SELECT 1 FROM queued WHERE id = ?');
    this.#refuse = database.prepare(
      'INSERT INTO refused (id, code, not_after) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET code = excluded.code, not_after = excluded.not_after',
    );
    this.#unrefuse = database.prepare('DELETE FROM refused WHERE id = ?');
    this.#forgetRefused = database.prepare('DELETE FROM refused WHERE not_after < ?');
    this.#refusal = database.prepare('SELECT code FROM refused WHERE id = ?');
    this.#remember = database.prepare('INSERT INTO remembered (not_after, id) VALUES (?, ?)');
    this.#expired = database.prepare('SELECT not_after, id FROM remembered WHERE not_after < ? ORDER BY not_after, id LIMIT ?');
    this.#forget = database.prepare('DELETE FROM remembered WHERE not_after = ? AND id = ?');
  }

  enqueue(id: Uint8Array, envelope: Uint8Array): void {
    this.#unrefuse.run(id);
    this.#enqueue.run(id, envelope);
  }

  dequeue(id: Uint8Array): void {
    this.#dequeue.run(id);
  }

  waiting(most: number): QueuedSubmission[] {
    return this.#waiting.all(most) as unknown as QueuedSubmission[];
  }

  count(): number {
    return (this.#count.get() as { count: number }).count;
  }

  isQueued(id: Uint8Array): boolean {
    return this.#isQueued.get(id) !== undefined;
  }

  /** `notAfter`: Unix seconds, until when the code is kept. */
  refuse(id: Uint8Array, code: RejectionCode, notAfter: number): void {
    this.#refuse.run(id, code, notAfter);
  }

  refusal(id: Uint8Array): RejectionCode | undefined {
    const row = this.#refusal.get(id) as { code: string } | undefined;
    return rejectionCodes.find((code) => code === row?.code);
  }

  remember(id: Uint8Array, notAfter: number): void {
    this.#remember.run(notAfter, id);
  }

  /** Ids whose own `notAfter` refuses them by now, oldest first; they are not given again. */
  takeExpired(time: number, most: number): Uint8Array[] {
    const rows = this.#expired.all(time, most) as unknown as { not_after: number; id: Uint8Array }[];
    for (const { not_after: notAfter, id } of rows) this.#forget.run(notAfter, id);
    this.#forgetRefused.run(time);
    return rows.map(({ id }) => id);
  }
}
