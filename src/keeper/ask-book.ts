import { hkdfSync, randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { newAskCode } from '../identity/ask-code.ts';
import { hmacSha256, openAtRest, sealAtRest } from '../identity/symmetric.ts';
import { isOwnFile, openOwnFile, type FileKind } from '../ledger/own-file.ts';
import { bytesOf, guarded, guardedResult } from '../ledger/sqlite-guard.ts';
import type { Id, Name } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../ledger/verify/cbor.ts';

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
 * how many asks there are, and for which resident ids. All failures but those named are `hub-storage`.
 */
export interface AskBook {
  /** `ask-known`: an ask of this name is there. `ask-too-many`: of this agency, for this resident. Answers with the short code, where one was wanted. */
  keepAsk(ask: NewAsk, now: number): Result<{ code: string | null }, AskBookFailure>;
  ask(id: Id): Result<KeptAsk | null>;
  /** Those that wait for this resident, the oldest first. */
  asksFor(resident: Id, now: number): Result<KeptAsk[]>;
  /** An open one that is in time; null for any other. */
  askByCode(code: string, now: number): Result<KeptAsk | null>;
  /** Once: `answer-replayed` where it was answered or refused before, `ask-unknown` where there is none. */
  settleAsk(id: Id, status: Exclude<AskOutcome, { outcome: 'open' }>): Result<null, AskBookFailure>;
  /** An answer that the ledger refused: the ask is open again. */
  reopenAsk(id: Id, transaction: Uint8Array): Result<null>;
  close(): void;
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
  ],
};

/** Of one agency for one resident: waiting at a time, and made within a day. */
export const mostWaiting = 3;
export const mostInADay = 5;
/** Of one agency for whoever has the code or the address. */
export const mostOpenOfAgency = 10_000;
/** A code is for the days until the next way to the hub, not for good. */
export const codeLifetimeSeconds = 3 * 86_400;
/** An ask that is over can be looked up for this long. */
const keptSeconds = 90 * 86_400;

interface SealedAsk {
  agency: Name;
  signed: string;
  code: string | null;
}

const derive = (secret: Uint8Array, purpose: 'tags' | 'content'): Uint8Array => new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `imi/asks/1 ${purpose}`, 32));

/** @param secret 32 bytes known to the keeper alone. */
export function openAskBook(path: string, secret: Uint8Array): Result<AskBook> {
  const [tagKey, sealKey] = [derive(secret, 'tags'), derive(secret, 'content')];
  const tagOf = (kind: string, text: string): Uint8Array => hmacSha256(tagKey, `${kind} ${text}`);
  const opened = openOwnFile(path, file);
  return opened.ok ? ok(bookOf(opened.value, tagOf, sealKey)) : opened;
}

/** How many asks a book has, where all of them open under this secret. `hub-storage`: it is none, or another keeper's. */
export function checkAskBook(path: string, secret: Uint8Array): Result<number> {
  const sealKey = derive(secret, 'content');
  return guardedResult(() => {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      if (!isOwnFile(database, file)) return fail('hub-storage', 'this is no book of asks');
      const asks = database.prepare('SELECT id, sealed, answer FROM ask').all();
      const isSound = asks.every(({ id, sealed, answer }) => [sealed, answer].every((one) => one === null || opensUnder(bytesOf(one), bytesOf(id), sealKey)));
      return isSound ? ok(asks.length) : fail('hub-storage', 'an ask does not open with this keeper’s key');
    } finally {
      database.close();
    }
  });
}

function opensUnder(sealed: Uint8Array, id: Id, key: Uint8Array): boolean {
  try {
    unseal(sealed, id, key);
    return true;
  } catch {
    return false;
  }
}

type Row = Record<string, unknown>;

function bookOf(database: DatabaseSync, tagOf: (kind: string, text: string) => Uint8Array, sealKey: Uint8Array): AskBook {
  const get = database.prepare('SELECT * FROM ask WHERE id = ?');
  const put = database.prepare('INSERT INTO ask (id, agency, subject, code, sealed, made, until) VALUES (?, ?, ?, ?, ?, ?, ?)');
  const waiting = database.prepare("SELECT count(*) AS n FROM ask WHERE agency = ? AND subject IS ? AND outcome = 'open' AND until > ?");
  const today = database.prepare('SELECT count(*) AS n FROM ask WHERE agency = ? AND subject IS ? AND made > ?');
  const ofResident = database.prepare("SELECT * FROM ask WHERE subject = ? AND outcome = 'open' AND until > ? ORDER BY made, id LIMIT 32");
  const ofCode = database.prepare("SELECT * FROM ask WHERE code = ? AND outcome = 'open' AND until > ? AND made > ?");
  const settle = database.prepare("UPDATE ask SET outcome = ?, settled = ?, answer = ? WHERE id = ? AND outcome = 'open'");
  const reopen = database.prepare("UPDATE ask SET outcome = 'open', settled = NULL, answer = NULL WHERE id = ? AND outcome = 'answered'");
  const forget = database.prepare('DELETE FROM ask WHERE until < ?');
  const count = (row: Row | undefined): number => Number(row?.['n']);

  const readAsk = (row: Row): KeptAsk => {
    const id = bytesOf(row['id']);
    const { agency, signed, code } = unseal(bytesOf(row['sealed']), id, sealKey) as SealedAsk;
    const at = Number(row['settled']);
    const outcome = String(row['outcome']);
    const status: AskOutcome =
      outcome === 'refused'
        ? { outcome, at }
        : outcome === 'answered'
          ? { outcome, at, answer: unseal(bytesOf(row['answer']), id, sealKey) as KeptAnswer }
          : { outcome: 'open' };
    return { id, agency, signed, code, subject: row['subject'] === null ? null : bytesOf(row['subject']), made: Number(row['made']), until: Number(row['until']), status };
  };

  return {
    keepAsk: ({ id, agency, subject, signed, until, withCode }, now) =>
      guardedResult((): Result<{ code: string | null }, AskBookFailure> => {
        forget.run(now - keptSeconds);
        if (get.get(id) !== undefined) return fail('ask-known');
        const tag = tagOf('agency', agency);
        const open = count(waiting.get(tag, subject, now));
        if (open >= (subject === null ? mostOpenOfAgency : mostWaiting)) return fail('ask-too-many', 'waiting');
        if (subject !== null && count(today.get(tag, subject, now - 86_400)) >= mostInADay) return fail('ask-too-many', 'today');
        const code = withCode ? newAskCode((bytes) => new Uint8Array(randomBytes(bytes))) : null;
        const sealed = seal({ agency, signed, code }, id, sealKey);
        put.run(id, tag, subject, code === null ? null : tagOf('code', code), sealed, now, until);
        return ok({ code });
      }),
    ask: (id) =>
      guarded(() => {
        const row = get.get(id);
        return row === undefined ? null : readAsk(row);
      }),
    asksFor: (resident, now) => guarded(() => ofResident.all(resident, now).map(readAsk)),
    askByCode: (code, now) =>
      guarded(() => {
        const row = ofCode.get(tagOf('code', code), now, now - codeLifetimeSeconds);
        return row === undefined ? null : readAsk(row);
      }),
    settleAsk: (id, status) =>
      guardedResult((): Result<null, AskBookFailure> => {
        const answer = status.outcome === 'answered' ? seal(status.answer, id, sealKey) : null;
        if (settle.run(status.outcome, status.at, answer, id).changes === 1) return ok(null);
        return fail(get.get(id) === undefined ? 'ask-unknown' : 'answer-replayed');
      }),
    reopenAsk: (id, transaction) =>
      guarded(() => {
        const row = get.get(id);
        const kept = row === undefined ? null : readAsk(row).status;
        const answered = kept?.outcome === 'answered' ? kept.answer.transaction : null;
        if (answered !== null && equalBytes(answered, transaction)) reopen.run(id);
        return null;
      }),
    close: () => database.close(),
  };
}

const seal = (content: object, id: Id, key: Uint8Array): Uint8Array => sealAtRest(key, id, encodeCbor(content));

/** Throws where the file was changed, or written under another keeper's key. */
function unseal(sealed: Uint8Array, id: Id, key: Uint8Array): unknown {
  const content = openAtRest(key, id, sealed);
  if (content === undefined) throw new Error('an ask does not open under this key');
  return decodeCbor(content);
}
