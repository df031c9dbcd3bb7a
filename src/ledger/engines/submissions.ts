import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { rejectionCodes, type RejectionCode } from '../../contract/failures.ts';

export interface QueuedSubmission {
  seq: number;
  id: Uint8Array;
  envelope: Uint8Array;
}

/**
 * What waits for a block, and what the block's rules refused after it had been queued. Nothing is put into either table any more: what an earlier
 * release left in them is brought to its end at start (embedded.ts). The caller holds the transaction.
 */
export class SubmissionStore {
  readonly #dequeue: StatementSync;
  readonly #waiting: StatementSync;
  readonly #refuse: StatementSync;
  readonly #forgetRefused: StatementSync;
  readonly #refusal: StatementSync;

  constructor(database: DatabaseSync) {
    database.exec(`
      CREATE TABLE IF NOT EXISTS queued (seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, envelope BLOB NOT NULL);
      CREATE TABLE IF NOT EXISTS refused (id BLOB PRIMARY KEY, code TEXT NOT NULL, not_after INTEGER NOT NULL) WITHOUT ROWID;
    `);
    this.#dequeue = database.prepare('DELETE FROM queued WHERE id = ?');
    this.#waiting = database.prepare('SELECT seq, id, envelope FROM queued ORDER BY seq LIMIT ?');
    this.#refuse = database.prepare(
      'INSERT INTO refused (id, code, not_after) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET code = excluded.code, not_after = excluded.not_after',
    );
    this.#forgetRefused = database.prepare('DELETE FROM refused WHERE not_after < ?');
    this.#refusal = database.prepare('SELECT code FROM refused WHERE id = ?');
  }

  dequeue(id: Uint8Array): void {
    this.#dequeue.run(id);
  }

  waiting(most: number): QueuedSubmission[] {
    return this.#waiting.all(most) as unknown as QueuedSubmission[];
  }

  /** `notAfter`: Unix seconds, until when the code is kept. */
  refuse(id: Uint8Array, code: RejectionCode, notAfter: number): void {
    this.#refuse.run(id, code, notAfter);
  }

  refusal(id: Uint8Array): RejectionCode | undefined {
    const row = this.#refusal.get(id) as { code: string } | undefined;
    return rejectionCodes.find((code) => code === row?.code);
  }

  /** `time`: of the block, Unix seconds. */
  forgetRefused(time: number): void {
    this.#forgetRefused.run(time);
  }
}
