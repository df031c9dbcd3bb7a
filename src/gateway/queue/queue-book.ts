import type { DatabaseSync } from 'node:sqlite';
import { ok, type Result } from '../../contract/result.ts';
import { hmacSha256 } from '../../identity/symmetric.ts';
import { inTransaction } from '../../ledger/engines/transaction.ts';
import type { CommittedBlock, Ledger } from '../../ledger/ledger.ts';
import { logBodies } from '../../ledger/log-bodies.ts';
import { openOwnFile, type FileKind } from '../../ledger/own-file.ts';
import { bytesOf, guarded } from '../../ledger/sqlite-guard.ts';
import type { Act, Id, Name } from '../../ledger/verify/acts.ts';
import { toHex } from '../../ledger/verify/bytes.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import { decodeRecord, stateKey } from '../../ledger/verify/records.ts';

/** `withdrawn` is the resident's word, the others are the agency's. */
export const queueSteps = ['submitted', 'received', 'needs-more', 'decided', 'closed', 'withdrawn'] as const;
export type QueueStep = (typeof queueSteps)[number];

/** A request that was made at a kiosk of this hub, by a reference that stands nowhere else. */
export interface FollowedRequest {
  /** Number of its last change: they rise over all requests. */
  seq: number;
  /** 16 hexadecimal digits, keyed: neither the request's id nor any other of the ledger. */
  reference: string;
  step: QueueStep;
  /** Unix seconds, when the hub learned of it. */
  at: number;
}

/**
 * How far the requests stand that were made at this hub's kiosks, for its queue system. Follows the log, whose public parts say so much and no more, and can be
 * thrown away: it is read anew from the first entry.
 */
export interface QueueBook {
  /** Those whose last change comes after this number, in order. */
  requests(after: number, limit: number): Result<FollowedRequest[]>;
  /** Number of the last change of all. */
  newest(): Result<number>;
  /** Returns what ends the listening. */
  onRequest(listener: () => void): () => void;
  /** Reads what the log has and this book has not. One after the other. */
  follow(): Promise<Result<null>>;
  close(): Promise<void>;
}

export interface QueueBookParts {
  path: string;
  ledger: Pick<Ledger, 'values' | 'entries' | 'onBlock'>;
  /** This hub's name on the ledger. */
  hub: Name;
  /** 32 bytes, for the references. */
  key: Uint8Array;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
  onFault: (where: string, error: unknown) => void;
}

const file: FileKind = {
  name: 'the hall’s queue',
  mark: 'imiq',
  erases: true,
  steps: [
    `
      CREATE TABLE followed (next INTEGER NOT NULL);
      INSERT INTO followed VALUES (0);
      CREATE TABLE request (reference BLOB PRIMARY KEY, seq INTEGER NOT NULL, step TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
      CREATE UNIQUE INDEX request_by_seq ON request (seq);
      CREATE TABLE last (seq INTEGER NOT NULL);
      INSERT INTO last VALUES (0);
    `,
  ],
};
const keptSeconds = 30 * 86_400;

/** `hub-storage`: cannot be opened, is damaged, or is another program's. */
export function openQueueBook(parts: QueueBookParts): Result<QueueBook> {
  const opened = openOwnFile(parts.path, file);
  return opened.ok ? ok(bookOf(opened.value, parts)) : opened;
}

interface Change {
  id: Id;
  step: QueueStep;
}

function bookOf(database: DatabaseSync, { ledger, hub, key, crypto, now, onFault }: QueueBookParts): QueueBook {
  const next = database.prepare('SELECT next FROM followed');
  const setNext = database.prepare('UPDATE followed SET next = ?');
  const last = database.prepare('SELECT seq FROM last');
  const setLast = database.prepare('UPDATE last SET seq = ?');
  const begin = database.prepare('INSERT INTO request VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING');
  const step = database.prepare('UPDATE request SET seq = ?, step = ?, at = ? WHERE reference = ?');
  const forget = database.prepare("DELETE FROM request WHERE step IN ('closed', 'withdrawn') AND at <= ?");
  const list = database.prepare('SELECT seq, reference, step, at FROM request WHERE seq > ? ORDER BY seq LIMIT ?');
  const referenceOf = (id: Id): Uint8Array => hmacSha256(key, 'request\0', id).subarray(0, 8);
  const listeners = new Set<() => void>();
  let working: Promise<void> = Promise.resolve();
  let closed = false;

  /** Which of these kiosks are this hub's. */
  async function atThisHub(kiosks: ReadonlySet<Name>): Promise<Result<ReadonlySet<Name>>> {
    const names = [...kiosks];
    if (names.length === 0) return ok(new Set());
    const values = await ledger.values(names.map((name) => stateKey.kiosk(name)));
    if (!values.ok) return values;
    return ok(new Set(names.filter((_, at) => hubOf(values.value[at] ?? null) === hub)));
  }

  async function followBatch(from: number): Promise<Result<number>> {
    const read = await logBodies(ledger, from, crypto);
    if (!read.ok) return read;
    const bodies = read.value;
    const submittedAt = bodies.flatMap(({ kiosk, acts }) => (kiosk !== undefined && acts.some((act) => act.kind === 'request.submit') ? [kiosk] : []));
    const ours = await atThisHub(new Set(submittedAt));
    if (!ours.ok) return ours;
    if (closed) return ok(from);
    const after = from + bodies.length;
    return guarded(() => {
      const at = Math.floor(now() / 1000);
      const before = Number(last.get()?.['seq']);
      let seq = before;
      inTransaction(database, () => {
        for (const { kiosk, acts } of bodies) {
          for (const change of acts.flatMap(changeOf)) {
            const reference = referenceOf(change.id);
            const isNew = change.step === 'submitted';
            if (isNew && (kiosk === undefined || !ours.value.has(kiosk))) continue;
            const written = isNew ? begin.run(reference, seq + 1, change.step, at) : step.run(seq + 1, change.step, at, reference);
            if (written.changes === 1) seq += 1;
          }
        }
        forget.run(at - keptSeconds);
        setLast.run(seq);
        setNext.run(after);
      });
      if (seq > before) for (const listener of listeners) listener();
      return after;
    });
  }

  async function followAll(): Promise<Result<null>> {
    const from = guarded(() => Number(next.get()?.['next']));
    if (!from.ok) return from;
    for (let at = from.value; !closed; ) {
      const done = await followBatch(at);
      if (!done.ok) return done;
      if (done.value === at) break;
      at = done.value;
    }
    return ok(null);
  }

  const follow = (): Promise<Result<null>> => {
    const followed = working.then(followAll);
    // Who called is told what went wrong; the next one begins again.
    working = followed.then(
      () => undefined,
      () => undefined,
    );
    return followed;
  };

  const unlisten = ledger.onBlock(({ transactions }: CommittedBlock) => {
    if (!transactions.some(({ body }) => body.acts.some((act) => changeOf(act).length > 0))) return;
    // Whoever reads follows first; this is for those who listen.
    follow().then(
      (followed) => {
        if (!followed.ok) onFault('queue', followed.failure);
      },
      (error: unknown) => onFault('queue', error),
    );
  });

  return {
    requests: (after, limit) =>
      guarded(() => list.all(after, limit).map((row) => ({ seq: Number(row['seq']), reference: toHex(bytesOf(row['reference'])), step: stepOf(row['step']), at: Number(row['at']) }))),
    newest: () => guarded(() => Number(last.get()?.['seq'])),
    onRequest(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    follow,
    async close() {
      closed = true;
      unlisten();
      await working;
      database.close();
    },
  };
}

const hubOf = (value: Uint8Array | null): Name | null => (value === null ? null : decodeRecord('kiosk', value).hub);

function changeOf(act: Act): Change[] {
  if (act.kind === 'request.submit') return [{ id: act.id, step: 'submitted' }];
  if (act.kind === 'request.step') return [{ id: act.id, step: act.step }];
  return act.kind === 'request.withdraw' ? [{ id: act.id, step: 'withdrawn' }] : [];
}

function stepOf(value: unknown): QueueStep {
  const found = queueSteps.find((one) => one === value);
  if (found === undefined) throw new TypeError('no step');
  return found;
}
