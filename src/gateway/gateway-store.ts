import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { ok, type Result } from '../contract/result.ts';
import { openOwnFile, type FileKind } from '../ledger/own-file.ts';
import { bytesOf, guarded } from '../ledger/sqlite-guard.ts';

const file: FileKind = {
  name: 'the gateway',
  mark: 'imig',
  steps: [
    `
      CREATE TABLE nonce (tag BLOB PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE answer (tag BLOB PRIMARY KEY, call BLOB NOT NULL, status INTEGER NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
      CREATE INDEX answer_at ON answer (at);
      CREATE TABLE webhook (
        id BLOB PRIMARY KEY, agency TEXT NOT NULL, url TEXT NOT NULL, after INTEGER NOT NULL, made INTEGER NOT NULL,
        failures INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL DEFAULT 0, last_status INTEGER
      ) WITHOUT ROWID;
    `,
  ],
};

/** A call that came in time may have waited for so long before its nonce is asked for; the door gives none so long. */
const longestCallSeconds = 60;

export interface KeptAnswer {
  /** SHA-256 over what was called. */
  call: Uint8Array;
  status: number;
  type: string;
  body: Uint8Array;
}

export interface Webhook {
  id: Uint8Array;
  agency: string;
  url: string;
  /** Number of the last change that was delivered. */
  after: number;
  /** Unix seconds. */
  made: number;
  /** In a row. */
  failures: number;
  /** Unix seconds: not before then. */
  due: number;
  /** null: never tried; 0: not reached. */
  lastStatus: number | null;
}

/**
 * What the gateway remembers of its own: which signatures were used, what it answered under idempotency keys, and who wants to be told. Tags are hashes under
 * a key of the gateway's. `rememberNonce` is in the file before it answers, and safe from everything but a loss of power, after which nothing signed
 * before is in time any more; the others are synced.
 */
export interface GatewayStore {
  /** false: it was used before. @param until Unix seconds, after which it need not be known. */
  rememberNonce(tag: Uint8Array, until: number, now: number): Result<boolean>;
  answer(tag: Uint8Array, notBefore: number): Result<KeptAnswer | null>;
  keepAnswer(tag: Uint8Array, answer: KeptAnswer, now: number, notBefore: number): Result<null>;
  webhooks(agency: string | null): Result<Webhook[]>;
  /** New, or as it stands now. */
  keepWebhook(webhook: Webhook): Result<null>;
  /** false: that agency has none such. */
  dropWebhook(id: Uint8Array, agency: string): Result<boolean>;
  close(): void;
}

/** `hub-storage`: cannot be opened, is damaged, or is another program's. */
export function openGatewayStore(path: string): Result<GatewayStore> {
  const synced = openOwnFile(path, file);
  if (!synced.ok) return synced;
  const quick = guarded(() => {
    const database = new DatabaseSync(path);
    database.exec('PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF; PRAGMA busy_timeout = 2000');
    return database;
  });
  if (quick.ok) return ok(storeOf(synced.value, quick.value));
  synced.value.close();
  return quick;
}

type Row = Record<string, unknown>;

const webhookOf = (row: Row): Webhook => ({
  id: bytesOf(row['id']),
  agency: String(row['agency']),
  url: String(row['url']),
  after: Number(row['after']),
  made: Number(row['made']),
  failures: Number(row['failures']),
  due: Number(row['due']),
  lastStatus: row['last_status'] === null ? null : Number(row['last_status']),
});

function storeOf(synced: DatabaseSync, quick: DatabaseSync): GatewayStore {
  const prepared = (database: DatabaseSync): ((sql: string) => StatementSync) => {
    const known = new Map<string, StatementSync>();
    return (sql) => {
      const statement = known.get(sql) ?? database.prepare(sql);
      known.set(sql, statement);
      return statement;
    };
  };
  const [safely, quickly] = [prepared(synced), prepared(quick)];
  let swept = 0;
  return {
    rememberNonce: (tag, until, now) =>
      guarded(() => {
        if (now > swept) {
          quickly('DELETE FROM nonce WHERE until < ?').run(now - longestCallSeconds);
          swept = now;
        }
        return quickly('INSERT INTO nonce (tag, until) VALUES (?, ?) ON CONFLICT (tag) DO NOTHING').run(tag, until).changes === 1;
      }),
    answer: (tag, notBefore) =>
      guarded(() => {
        const row = safely('SELECT call, status, type, body FROM answer WHERE tag = ? AND at >= ?').get(tag, notBefore);
        return row === undefined ? null : { call: bytesOf(row['call']), status: Number(row['status']), type: String(row['type']), body: bytesOf(row['body']) };
      }),
    keepAnswer: (tag, { call, status, type, body }, now, notBefore) =>
      guarded(() => {
        safely('DELETE FROM answer WHERE at < ?').run(notBefore);
        safely('INSERT INTO answer (tag, call, status, type, body, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tag) DO NOTHING').run(tag, call, status, type, body, now);
        return null;
      }),
    webhooks: (agency) =>
      guarded(() => (agency === null ? safely('SELECT * FROM webhook ORDER BY made, id').all() : safely('SELECT * FROM webhook WHERE agency = ? ORDER BY made, id').all(agency)).map(webhookOf)),
    keepWebhook: ({ id, agency, url, after, made, failures, due, lastStatus }) =>
      guarded(() => {
        safely(
          `INSERT INTO webhook (id, agency, url, after, made, failures, due, last_status) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (id) DO UPDATE SET after = excluded.after, failures = excluded.failures, due = excluded.due, last_status = excluded.last_status`,
        ).run(id, agency, url, after, made, failures, due, lastStatus);
        return null;
      }),
    dropWebhook: (id, agency) => guarded(() => safely('DELETE FROM webhook WHERE id = ? AND agency = ?').run(id, agency).changes === 1),
    close() {
      quick.close();
      synced.close();
    },
  };
}
