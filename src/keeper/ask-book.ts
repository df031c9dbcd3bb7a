import { hkdfSync, randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { newAskCode } from '../identity/ask-code.ts';
import { hmacSha256, openAtRest, sealAtRest } from '../identity/symmetric.ts';
import { isOwnFile, openOwnFile, type FileKind } from '../ledger/own-file.ts';
import { guardedResult } from '../ledger/sqlite-guard.ts';
import type { Id, Name } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../ledger/verify/cbor.ts';
import { bytesOf, numberOf, textOf, type Row, type Sql, type SqlDatabase, type SqlValue } from './sql-database.ts';
import { sqlOnOneConnection } from './sqlite-database.ts';

/** What became of an ask. A resident's refusal stands here and nowhere else. */
export type AskOutcome =
  | { outcome: 'open' }
  | { outcome: 'refused'; at: number }
  /** Its answer was verified and is on its way to the ledger, or in it: what the ledger says of the transaction decides. */
  | { outcome: 'answered'; at: number; answer: KeptAnswer };

export interface KeptAnswer {
  /** `ledger`: the card's key is active there, and the act is `transaction`'s. `foreign`: a wallet that is not ours; no act, the gateway's own receipt. */
  key: 'ledger' | 'foreign';
  subject: Id | null;
  claims: string[];
  /** The vp_token, sealed to the agency. */
  token: Uint8Array;
  transaction: Uint8Array | null;
  /** Salt and private part of the act, for the receipt: CBOR of an opened part. */
  part: Uint8Array | null;
  /** Compact JWS, signed by the gateway. */
  foreignReceipt: string | null;
}

export interface KeptAsk {
  /** Its name, `state` of the request object. */
  id: Id;
  agency: Name;
  subject: Id | null;
  /** The request object, as the agency signed it. */
  signed: string;
  code: string | null;
  /** Unix seconds. */
  made: number;
  until: number;
  status: AskOutcome;
  /** Answers that were on their way to the ledger, the newest first: also where one was given up since, for the ledger may have it after all. */
  brought: BroughtAnswer[];
  /** The ledger has the answer, or needs none of it. */
  isProven: boolean;
}

export interface BroughtAnswer {
  /** Unix seconds. */
  at: number;
  answer: KeptAnswer;
}

export interface NewAsk {
  id: Id;
  agency: Name;
  subject: Id | null;
  signed: string;
  until: number;
  /** A short code is made for it. */
  withCode: boolean;
}

export type AskBookFailure = Failure | Failure<'ask-known' | 'ask-too-many' | 'ask-unknown' | 'answer-replayed'>;

/**
 * Asks and what became of them. Names and contents stand in the file sealed under a key that comes of the keeper's, so whoever has the file alone learns
 * how many asks there are, and for which resident ids. Hubs that share a keeper share its book, on the keeper's server.
 * All failures but those named are the database's: `hub-storage`, `hub-busy`.
 */
export interface AskBook {
  /** `ask-known`: an ask of this name is there. `ask-too-many`: of this agency, for this resident. Answers with the short code, where one was wanted. */
  keepAsk(ask: NewAsk, now: number): Promise<Result<{ code: string | null }, AskBookFailure>>;
  ask(id: Id): Promise<Result<KeptAsk | null>>;
  /** Those that wait for this resident, the oldest first. */
  asksFor(resident: Id, now: number): Promise<Result<KeptAsk[]>>;
  /** An open one that is in time; null for any other. */
  askByCode(code: string, now: number): Promise<Result<KeptAsk | null>>;
  /** Once: `answer-replayed` where it was answered or refused before, `ask-unknown` where there is none. */
  settleAsk(id: Id, status: Exclude<AskOutcome, { outcome: 'open' }>): Promise<Result<null, AskBookFailure>>;
  /** An answer that the ledger refused, or that never came there: the ask is open again. The answer stays among those that were brought. */
  reopenAsk(id: Id, transaction: Uint8Array): Promise<Result<null>>;
  /** The ledger has this one of the answers that were brought: it is the ask's answer for good, whatever was thought of it meanwhile. null: the one that no act says. */
  proveAsk(id: Id, transaction: Uint8Array | null): Promise<Result<null>>;
  /** Settled by then, Unix seconds, and either its answer is not proven or its agency is not told of what no act says; the oldest first. */
  unfinished(by: number, limit: number): Promise<Result<{ ask: KeptAsk; isTold: boolean }[]>>;
  noteTold(id: Id): Promise<Result<null>>;
  close(): Promise<void>;
}

const file: FileKind = {
  name: 'asks',
  mark: 'imia',
  steps: [
    `
      CREATE TABLE ask (
        id BLOB PRIMARY KEY, agency BLOB NOT NULL, subject BLOB, code BLOB UNIQUE, sealed BLOB NOT NULL, made INTEGER NOT NULL, until INTEGER NOT NULL,
        outcome TEXT NOT NULL DEFAULT 'open', settled INTEGER, answer BLOB
      ) WITHOUT ROWID;
      CREATE INDEX ask_subject ON ask (subject, outcome);
      CREATE INDEX ask_until ON ask (until);
    `,
    `
      ALTER TABLE ask ADD COLUMN told INTEGER NOT NULL DEFAULT 1;
      CREATE INDEX ask_waiting ON ask (agency, subject, until) WHERE outcome = 'open';
      CREATE INDEX ask_made ON ask (agency, subject, made);
      CREATE INDEX ask_unanswered ON ask (until) WHERE outcome = 'open' AND answer IS NULL;
      CREATE INDEX ask_unproven ON ask (settled) WHERE outcome = 'answered';
      CREATE INDEX ask_untold ON ask (settled) WHERE told = 0;
    `,
  ],
};

/** Of one agency for one resident: waiting at a time, and made within a day. */
export const mostWaiting = 3;
export const mostInADay = 5;
/** Of one agency for whoever has the code or the address: waiting at a time, and made within a day. */
export const mostOpenOfAgency = 10_000;
export const mostInADayOfAgency = 10_000;
/** A code is for the days until the next way to the hub, not for good. */
export const codeLifetimeSeconds = 3 * 86_400;
/** An ask that is over can be looked up for this long; one that nobody answered, for less. */
const keptSeconds = 90 * 86_400;
export const unansweredKeptSeconds = 7 * 86_400;
/** With each new ask so many old ones are forgotten at most: nobody waits for a long clearing up. */
const mostForgotten = 200;
/** Of one ask: each but the newest was given up before the next. */
const mostBrought = 16;

interface SealedAsk {
  agency: Name;
  signed: string;
  code: string | null;
}

const derive = (secret: Uint8Array, purpose: 'tags' | 'content'): Uint8Array => new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `imi/asks/1 ${purpose}`, 32));

/** The file of a book, opened or made. */
export function openAskFile(path: string): Result<SqlDatabase> {
  const opened = openOwnFile(path, file);
  return opened.ok ? ok(sqlOnOneConnection(opened.value)) : opened;
}

/** A book in a file of one hub. @param secret 32 bytes known to the keeper alone. */
export function openAskBook(path: string, secret: Uint8Array): Result<AskBook> {
  const opened = openAskFile(path);
  return opened.ok ? ok(askBookIn(opened.value, secret)) : opened;
}

/** How many asks a book has, where all of them open under this secret. `hub-storage`: it is none, or another keeper's. */
export function checkAskBook(path: string, secret: Uint8Array): Result<number> {
  const sealKey = derive(secret, 'content');
  return guardedResult(() => {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      if (!isOwnFile(database, file)) return fail('hub-storage', 'this is no book of asks');
      const asks = database.prepare('SELECT id, sealed, answer FROM ask').all();
      return asks.every((row) => isSoundUnder(row, sealKey)) ? ok(asks.length) : fail('hub-storage', 'an ask does not open with this keeper’s key');
    } finally {
      database.close();
    }
  });
}

function isSoundUnder({ id, sealed, answer }: Record<string, unknown>, key: Uint8Array): boolean {
  try {
    for (const one of [sealed, answer]) if (one !== null) unseal(bytesOf(one), bytesOf(id), key);
    return true;
  } catch {
    return false;
  }
}

const statements = {
  get: 'SELECT * FROM ask WHERE id = ?',
  put: 'INSERT INTO ask (id, agency, subject, code, sealed, made, until) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  openOfResident: "SELECT count(*) AS n FROM ask WHERE agency = ? AND subject = ? AND outcome = 'open' AND until > ?",
  openOfNobody: "SELECT count(*) AS n FROM ask WHERE agency = ? AND subject IS NULL AND outcome = 'open' AND until > ?",
  today: 'SELECT count(*) AS n FROM ask WHERE agency = ? AND subject = ? AND made > ?',
  todayOfNobody: 'SELECT count(*) AS n FROM ask WHERE agency = ? AND subject IS NULL AND made > ?',
  ofResident: "SELECT * FROM ask WHERE subject = ? AND outcome = 'open' AND until > ? ORDER BY made, id LIMIT 32",
  ofCode: "SELECT * FROM ask WHERE code = ? AND outcome = 'open' AND until > ? AND made > ?",
  settle: 'UPDATE ask SET outcome = ?, settled = ?, answer = ?, told = ? WHERE id = ?',
  reopen: "UPDATE ask SET outcome = 'open' WHERE id = ? AND outcome = 'answered'",
  unproven: "SELECT * FROM ask WHERE outcome = 'answered' AND settled <= ? ORDER BY settled LIMIT ?",
  untold: 'SELECT * FROM ask WHERE told = 0 AND settled <= ? ORDER BY settled LIMIT ?',
  told: 'UPDATE ask SET told = 1 WHERE id = ?',
  forget: 'DELETE FROM ask WHERE id IN (SELECT id FROM ask WHERE until < ? ORDER BY until LIMIT ?)',
  forgetUnanswered: "DELETE FROM ask WHERE id IN (SELECT id FROM ask WHERE outcome = 'open' AND answer IS NULL AND until < ? ORDER BY until LIMIT ?)",
};

/** @param secret as for `openAskBook`; the hubs that share the keeper have the same. */
export function askBookIn(database: SqlDatabase, secret: Uint8Array): AskBook {
  const [tagKey, sealKey] = [derive(secret, 'tags'), derive(secret, 'content')];
  const tagOf = (kind: string, text: string): Uint8Array => hmacSha256(tagKey, `${kind} ${text}`);
  const countOf = async (sql: Sql, statement: string, ...values: SqlValue[]): Promise<number> => numberOf((await sql.get(statement, ...values))?.['n']);

  const readAsk = (row: Row): KeptAsk => {
    const id = bytesOf(row['id']);
    const { agency, signed, code } = unseal(bytesOf(row['sealed']), id, sealKey) as SealedAsk;
    const at = Number(row['settled']);
    const outcome = textOf(row['outcome']);
    const brought = row['answer'] === null ? [] : broughtOf(unseal(bytesOf(row['answer']), id, sealKey) as SealedAnswer, at);
    const [newest] = brought;
    const isAnswered = outcome === 'answered' || outcome === 'proven';
    const status: AskOutcome = outcome === 'refused' ? { outcome, at } : isAnswered && newest !== undefined ? { outcome: 'answered', ...newest } : { outcome: 'open' };
    return { id, agency, signed, code, subject: row['subject'] === null ? null : bytesOf(row['subject']), made: numberOf(row['made']), until: numberOf(row['until']), status, brought, isProven: outcome === 'proven' };
  };
  const sealBrought = (id: Id, [newest, ...formers]: readonly BroughtAnswer[]): Uint8Array | null => (newest === undefined ? null : seal({ ...newest.answer, at: newest.at, formers }, id, sealKey));
  const oneOf = async (statement: string, ...values: SqlValue[]): Promise<Result<KeptAsk | null>> => {
    const row = await database.read((sql) => sql.get(statement, ...values));
    if (!row.ok) return row;
    return ok(row.value === undefined ? null : readAsk(row.value));
  };

  return {
    async keepAsk({ id, agency, subject, signed, until, withCode }, now) {
      const tag = tagOf('agency', agency);
      const code = withCode ? newAskCode((bytes) => new Uint8Array(randomBytes(bytes))) : null;
      const sealed = seal({ agency, signed, code }, id, sealKey);
      const kept = await database.write(async (sql): Promise<Result<{ code: string | null }, AskBookFailure>> => {
        await sql.run(statements.forget, now - keptSeconds, mostForgotten);
        await sql.run(statements.forgetUnanswered, now - unansweredKeptSeconds, mostForgotten);
        if ((await sql.get(statements.get, id)) !== undefined) return fail('ask-known');
        const open = subject === null ? await countOf(sql, statements.openOfNobody, tag, now) : await countOf(sql, statements.openOfResident, tag, subject, now);
        if (open >= (subject === null ? mostOpenOfAgency : mostWaiting)) return fail('ask-too-many', 'waiting');
        const today = subject === null ? await countOf(sql, statements.todayOfNobody, tag, now - 86_400) : await countOf(sql, statements.today, tag, subject, now - 86_400);
        if (today >= (subject === null ? mostInADayOfAgency : mostInADay)) return fail('ask-too-many', 'today');
        const put = await sql.run(statements.put, id, tag, subject, code === null ? null : tagOf('code', code), sealed, now, until);
        return put === 1 ? ok({ code }) : fail('hub-busy', 'ask');
      });
      return kept.ok ? kept.value : kept;
    },
    ask: (id) => oneOf(statements.get, id),
    async asksFor(resident, now) {
      const rows = await database.read((sql) => sql.all(statements.ofResident, resident, now));
      return rows.ok ? ok(rows.value.map(readAsk)) : rows;
    },
    askByCode: (code, now) => oneOf(statements.ofCode, tagOf('code', code), now, now - codeLifetimeSeconds),
    async settleAsk(id, status) {
      const settled = await database.write(async (sql): Promise<Result<null, AskBookFailure>> => {
        const row = await sql.get(statements.get, id);
        if (row === undefined) return fail('ask-unknown');
        const kept = readAsk(row);
        if (kept.status.outcome !== 'open') return fail('answer-replayed');
        const brought = status.outcome === 'answered' ? [{ at: status.at, answer: status.answer }, ...kept.brought].slice(0, mostBrought) : kept.brought;
        const isOnLedger = status.outcome === 'answered' && status.answer.transaction !== null;
        await sql.run(statements.settle, status.outcome === 'answered' && !isOnLedger ? 'proven' : status.outcome, status.at, sealBrought(id, brought), Number(isOnLedger), id);
        return ok(null);
      });
      return settled.ok ? settled.value : settled;
    },
    reopenAsk: (id, transaction) =>
      database.write(async (sql) => {
        const row = await sql.get(statements.get, id);
        const kept = row === undefined ? null : readAsk(row).status;
        const answered = kept?.outcome === 'answered' ? kept.answer.transaction : null;
        if (answered !== null && equalBytes(answered, transaction)) await sql.run(statements.reopen, id);
        return null;
      }),
    proveAsk: (id, transaction) =>
      database.write(async (sql) => {
        const row = await sql.get(statements.get, id);
        const proven = row === undefined ? undefined : readAsk(row).brought.find(({ answer }) => (transaction === null || answer.transaction === null ? answer.transaction === transaction : equalBytes(answer.transaction, transaction)));
        if (proven !== undefined) await sql.run(statements.settle, 'proven', proven.at, sealBrought(id, [proven]), 1, id);
        return null;
      }),
    async unfinished(by, limit) {
      const rows = await database.read(async (sql) => [await sql.all(statements.untold, by, limit), await sql.all(statements.unproven, by, limit)] as const);
      if (!rows.ok) return rows;
      // One that is damaged keeps nobody else's from being finished; whoever asks for it is told.
      const [untold, unproven] = rows.value.map((some) => some.flatMap((row) => (isSoundUnder(row, sealKey) ? [readAsk(row)] : [])));
      return ok([...(untold ?? []).map((ask) => ({ ask, isTold: false })), ...(unproven ?? []).map((ask) => ({ ask, isTold: true }))]);
    },
    async noteTold(id) {
      const noted = await database.write((sql) => sql.run(statements.told, id));
      return noted.ok ? ok(null) : noted;
    },
    close: () => database.close(),
  };
}

/** The newest answer, and those before it. What an earlier program wrote has neither its time nor any before it. */
type SealedAnswer = KeptAnswer & { at?: number; formers?: BroughtAnswer[] };

const broughtOf = ({ at, formers = [], ...answer }: SealedAnswer, settled: number): BroughtAnswer[] => [{ at: at ?? settled, answer }, ...formers];

const columns = ['id', 'agency', 'subject', 'code', 'sealed', 'made', 'until', 'outcome', 'settled', 'answer', 'told'];
const insertAll = `INSERT INTO ask (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`;

/** All asks of one book into another of the same keeper; one that is there already stays as it is. */
export async function copyAsks(from: SqlDatabase, to: SqlDatabase): Promise<Result<null>> {
  const rows = await from.read((sql) => sql.all('SELECT * FROM ask'));
  if (!rows.ok) return rows;
  return to.write(async (sql) => {
    for (const row of rows.value) await sql.run(insertAll, ...columns.map((column) => row[column] ?? null));
    return null;
  });
}

const seal = (content: object, id: Id, key: Uint8Array): Uint8Array => sealAtRest(key, id, encodeCbor(content));

/** Throws where the file was changed, or written under another keeper's key. */
function unseal(sealed: Uint8Array, id: Id, key: Uint8Array): unknown {
  const content = openAtRest(key, id, sealed);
  if (content === undefined) throw new Error('an ask does not open under this key');
  return decodeCbor(content);
}
