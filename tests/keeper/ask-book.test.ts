import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hkdfSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askCodeAlphabet, newAskCode, readAskCode, shownAskCode } from '../../src/identity/ask-code.ts';
import { askBookIn, checkAskBook, codeLifetimeSeconds, copyAsks, mostInADay, mostInADayOfAgency, mostWaiting, openAskBook, openAskFile, unansweredKeptSeconds, type AskBook, type KeptAnswer, type NewAsk } from '../../src/keeper/ask-book.ts';
import { hmacSha256 } from '../../src/identity/symmetric.ts';
import { openSharedBook } from '../../src/hub/asks-part.ts';
import { sharedHandOffsIn } from '../../src/keeper/shared-hand-offs.ts';
import { openPostgresDatabase } from '../../src/keeper/postgres-database.ts';
import { noPostgres, PostgresServer } from './postgres-server.ts';

const now = 1_800_000_000;
const secret = Buffer.alloc(32, 5);
const lin = Uint8Array.from({ length: 16 }, () => 7);
const idOf = (n: number): Uint8Array => Uint8Array.from({ length: 16 }, () => n);
const ask = (n: number, change: Partial<NewAsk> = {}): NewAsk => ({ id: idOf(n), agency: 'pension-office', subject: lin, signed: `signed-${n}`, until: now + 10 * 86_400, withCode: false, ...change });
const answer: KeptAnswer = { key: 'ledger', subject: lin, claims: ['name'], token: Uint8Array.of(1, 2), transaction: new Uint8Array(32).fill(3), part: Uint8Array.of(4), foreignReceipt: null };

const must = <T>(result: { ok: true; value: T } | { ok: false; failure: { code: string } }): T => {
  if (!result.ok) throw new Error(result.failure.code);
  return result.value;
};
const codeOf = (result: { ok: true } | { ok: false; failure: { code: string } }): string => (result.ok ? 'taken' : result.failure.code);

let folder: string;
let server: PostgresServer | null = null;
let databases = 0;
beforeAll(async () => {
  if (noPostgres === null) server = await PostgresServer.start();
});
afterAll(() => server?.stop());

/** Where a book lies: what opens it, again too. */
const places: { name: string; place(): () => Promise<AskBook> }[] = [
  { name: 'in a file of one hub', place: () => () => Promise.resolve(must(openAskBook(join(folder, 'asks.sqlite'), secret))) },
  ...(noPostgres === null
    ? [
        {
          name: 'on the server of hubs that share a keeper',
          place: () => {
            const url = server?.create(`asks_${(databases += 1)}`) ?? '';
            return async () => askBookIn(must(await openPostgresDatabase(url)), secret);
          },
        },
      ]
    : []),
];

describe.each(places)('a book $name', ({ place }) => {
  let book: AskBook;
  let open: () => Promise<AskBook>;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'asks-'));
    open = place();
    book = await open();
  });
  afterEach(async () => {
    await book.close();
    rmSync(folder, { recursive: true, force: true });
  });

  describe('an ask', () => {
    it('waits for its resident until its time is over, over a restart', async () => {
      must(await book.keepAsk(ask(1), now));
      must(await book.keepAsk(ask(2, { subject: idOf(99) }), now));
      await book.close();
      book = await open();
      expect(must(await book.asksFor(lin, now)).map(({ signed, agency, status }) => ({ signed, agency, status }))).toEqual([{ signed: 'signed-1', agency: 'pension-office', status: { outcome: 'open' } }]);
      expect(must(await book.asksFor(lin, now + 10 * 86_400))).toEqual([]);
    });

    it('is refused once, and answered never after', async () => {
      must(await book.keepAsk(ask(1), now));
      expect(codeOf(await book.settleAsk(idOf(1), { outcome: 'refused', at: now + 1 }))).toBe('taken');
      expect(codeOf(await book.settleAsk(idOf(1), { outcome: 'answered', at: now + 2, answer }))).toBe('answer-replayed');
      expect(must(await book.ask(idOf(1)))?.status).toEqual({ outcome: 'refused', at: now + 1 });
      expect(must(await book.asksFor(lin, now))).toEqual([]);
    });

    it('is answered once, with all that its agency will want', async () => {
      must(await book.keepAsk(ask(1), now));
      expect(codeOf(await book.settleAsk(idOf(1), { outcome: 'answered', at: now + 2, answer }))).toBe('taken');
      expect(codeOf(await book.settleAsk(idOf(1), { outcome: 'answered', at: now + 3, answer }))).toBe('answer-replayed');
      expect(must(await book.ask(idOf(1)))?.status).toEqual({ outcome: 'answered', at: now + 2, answer });
    });

    it('is open again where the ledger refused its answer, and only that one', async () => {
      must(await book.keepAsk(ask(1), now));
      must(await book.settleAsk(idOf(1), { outcome: 'answered', at: now, answer }));
      must(await book.reopenAsk(idOf(1), new Uint8Array(32).fill(9)));
      expect(must(await book.ask(idOf(1)))?.status.outcome).toBe('answered');
      must(await book.reopenAsk(idOf(1), new Uint8Array(32).fill(3)));
      expect(must(await book.ask(idOf(1)))?.status).toEqual({ outcome: 'open' });
    });

    it('has the answer that the ledger has, also one that was given up for another or for a no', async () => {
      const second = { ...answer, transaction: new Uint8Array(32).fill(4) };
      must(await book.keepAsk(ask(1), now));
      must(await book.settleAsk(idOf(1), { outcome: 'answered', at: now, answer }));
      must(await book.reopenAsk(idOf(1), new Uint8Array(32).fill(3)));
      must(await book.settleAsk(idOf(1), { outcome: 'answered', at: now + 5, answer: second }));
      must(await book.reopenAsk(idOf(1), new Uint8Array(32).fill(4)));
      must(await book.settleAsk(idOf(1), { outcome: 'refused', at: now + 9 }));
      expect(must(await book.ask(idOf(1)))).toMatchObject({ status: { outcome: 'refused', at: now + 9 }, isProven: false, brought: [{ at: now + 5, answer: second }, { at: now, answer }] });
      must(await book.proveAsk(idOf(1), new Uint8Array(32).fill(9)));
      must(await book.proveAsk(idOf(1), new Uint8Array(32).fill(3)));
      must(await book.reopenAsk(idOf(1), new Uint8Array(32).fill(3)));
      expect(must(await book.ask(idOf(1)))).toMatchObject({ status: { outcome: 'answered', at: now, answer }, isProven: true, brought: [{ at: now, answer }] });
    });

    it('is unfinished until its answer is proven, or its agency told of what no act says', async () => {
      const names = async (by = now): Promise<unknown[]> => must(await book.unfinished(by, 10)).map(({ ask: { id }, isTold }) => [id[0], isTold]);
      for (const n of [1, 2, 3, 4]) must(await book.keepAsk(ask(n, { subject: idOf(n) }), now));
      must(await book.settleAsk(idOf(1), { outcome: 'refused', at: now }));
      must(await book.settleAsk(idOf(2), { outcome: 'answered', at: now, answer: { ...answer, key: 'foreign', transaction: null } }));
      must(await book.settleAsk(idOf(3), { outcome: 'answered', at: now, answer }));
      expect(await names(now - 1)).toEqual([]);
      expect((await names()).toSorted()).toEqual([[1, false], [2, false], [3, true]]);
      must(await book.noteTold(idOf(1)));
      must(await book.noteTold(idOf(2)));
      must(await book.proveAsk(idOf(3), new Uint8Array(32).fill(3)));
      expect(await names()).toEqual([]);
    });

    it('that an earlier program kept as answered, without an act that says so, is looked into once', async () => {
      must(await book.keepAsk(ask(1), now));
      must(await book.settleAsk(idOf(1), { outcome: 'answered', at: now, answer }));
      must(await book.proveAsk(idOf(1), null));
      expect(must(await book.ask(idOf(1)))?.isProven).toBe(false);
      must(await book.keepAsk(ask(2, { subject: idOf(2) }), now));
      must(await book.settleAsk(idOf(2), { outcome: 'answered', at: now, answer: { ...answer, key: 'foreign', transaction: null } }));
      must(await book.proveAsk(idOf(2), null));
      expect(must(await book.ask(idOf(2)))?.isProven).toBe(true);
    });

    it('that nobody answered is forgotten a week after its end, one that was answered is not', async () => {
      for (const n of [1, 2, 3]) must(await book.keepAsk(ask(n, { subject: idOf(n), until: now + 60 }), now));
      must(await book.settleAsk(idOf(2), { outcome: 'refused', at: now }));
      must(await book.settleAsk(idOf(3), { outcome: 'answered', at: now, answer }));
      must(await book.reopenAsk(idOf(3), new Uint8Array(32).fill(3)));
      must(await book.keepAsk(ask(4), now + 60 + unansweredKeptSeconds));
      expect(must(await book.ask(idOf(1)))).not.toBeNull();
      must(await book.keepAsk(ask(5), now + 61 + unansweredKeptSeconds));
      const left = await Promise.all([1, 2, 3].map(async (n) => must(await book.ask(idOf(n))) !== null));
      expect(left).toEqual([false, true, true]);
    });

    it('of a name that is there is refused, and one that is not there cannot be settled', async () => {
      must(await book.keepAsk(ask(1), now));
      expect(codeOf(await book.keepAsk(ask(1, { signed: 'other' }), now))).toBe('ask-known');
      expect(codeOf(await book.settleAsk(idOf(2), { outcome: 'refused', at: now }))).toBe('ask-unknown');
    });
  });

  describe('asks of one agency for one resident are limited', () => {
    it('to those that wait', async () => {
      for (let n = 0; n < mostWaiting; n++) expect(codeOf(await book.keepAsk(ask(n), now))).toBe('taken');
      expect(codeOf(await book.keepAsk(ask(50), now))).toBe('ask-too-many');
      expect(codeOf(await book.keepAsk(ask(51, { agency: 'tax-bureau' }), now))).toBe('taken');
      expect(codeOf(await book.keepAsk(ask(52, { subject: idOf(99) }), now))).toBe('taken');
      must(await book.settleAsk(idOf(0), { outcome: 'refused', at: now }));
      expect(codeOf(await book.keepAsk(ask(53), now))).toBe('taken');
    });

    it('to those of a day', async () => {
      for (let n = 0; n < mostInADay; n++) {
        expect(codeOf(await book.keepAsk(ask(n), now + n))).toBe('taken');
        must(await book.settleAsk(idOf(n), { outcome: 'refused', at: now }));
      }
      expect(codeOf(await book.keepAsk(ask(50), now + 86_399))).toBe('ask-too-many');
      expect(codeOf(await book.keepAsk(ask(51), now + 86_401))).toBe('taken');
    });
  });

  describe('a short code', () => {
    it('finds its open ask for three days, and no other', async () => {
      const { code } = must(await book.keepAsk(ask(1, { subject: null, withCode: true }), now));
      expect(code).toMatch(new RegExp(`^[${askCodeAlphabet}]{8}$`));
      expect(must(await book.askByCode(code ?? '', now + codeLifetimeSeconds - 1))?.signed).toBe('signed-1');
      expect(must(await book.askByCode(code ?? '', now + codeLifetimeSeconds))).toBeNull();
      expect(must(await book.askByCode('22222222', now))).toBeNull();
      must(await book.settleAsk(idOf(1), { outcome: 'refused', at: now }));
      expect(must(await book.askByCode(code ?? '', now))).toBeNull();
    });
  });

  it('takes an ask once where two bring it at the same time, and settles it once', async () => {
    const other = await open();
    const kept = await Promise.all([book.keepAsk(ask(1), now), other.keepAsk(ask(1), now)]);
    expect(kept.map(codeOf).toSorted()).toEqual(['ask-known', 'taken']);
    const settled = await Promise.all([book.settleAsk(idOf(1), { outcome: 'refused', at: now }), other.settleAsk(idOf(1), { outcome: 'answered', at: now, answer })]);
    expect(settled.map(codeOf).toSorted()).toEqual(['answer-replayed', 'taken']);
    await other.close();
  });
});

describe('a short code', () => {
  it('has no sign that is taken for another, and takes each as often', async () => {
    expect(askCodeAlphabet).toHaveLength(30);
    expect(/[01ILOU]/.test(askCodeAlphabet)).toBe(false);
    let next = 0;
    const code = newAskCode(() => Uint8Array.of(next++ % 256));
    expect(code).toBe('23456789');
    // 240 to 255 would make the first sixteen signs likelier.
    expect(newAskCode(((bytes) => () => Uint8Array.of(bytes.shift() ?? 0))([255, 240, 239, 0, 0, 0, 0, 0, 0, 0]))).toBe('Z2222222');
  });

  it('is read as it is written down', async () => {
    expect(readAskCode(' 7kq2-m4xd ')).toBe('7KQ2M4XD');
    expect(shownAskCode('7KQ2M4XD')).toBe('7KQ2-M4XD');
    expect(['7KQ2M4X', '7KQ2M4XDD', '7KQ2M4XO', ''].map(readAskCode)).toEqual([null, null, null, null]);
  });
});

describe('a file full of an agency’s asks for nobody by name', () => {
  const idOfNumber = (n: number): Uint8Array => {
    const id = new Uint8Array(16);
    new DataView(id.buffer).setUint32(0, n);
    return id;
  };
  const filled = async (asks: number, made: (n: number) => number): Promise<string> => {
    folder = mkdtempSync(join(tmpdir(), 'asks-'));
    const path = join(folder, 'asks.sqlite');
    await must(openAskFile(path)).close();
    const database = new DatabaseSync(path);
    const tag = hmacSha256(new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), 'imi/asks/1 tags', 32)), 'agency pension-office');
    const put = database.prepare('INSERT INTO ask (id, agency, sealed, made, until) VALUES (?, ?, ?, ?, ?)');
    database.exec('BEGIN');
    for (let n = 0; n < asks; n++) put.run(idOfNumber(n + 1000), tag, new Uint8Array(100), made(n), made(n) + 60);
    database.exec('COMMIT');
    database.close();
    return path;
  };
  afterEach(() => rmSync(folder, { recursive: true }));

  it('takes no more than so many within a day', async () => {
    const book = must(openAskBook(await filled(mostInADayOfAgency, () => now - 86_399), secret));
    expect(codeOf(await book.keepAsk(ask(1, { subject: null }), now))).toBe('ask-too-many');
    expect(codeOf(await book.keepAsk(ask(1, { agency: 'tax-bureau', subject: null }), now))).toBe('taken');
    expect(codeOf(await book.keepAsk(ask(2), now))).toBe('taken');
    expect(codeOf(await book.keepAsk(ask(3, { subject: null }), now + 2))).toBe('taken');
    await book.close();
  });

  it('reads for a new one none of those that are over', async () => {
    const path = await filled(0, () => 0);
    const database = new DatabaseSync(path);
    const plan = (sql: string): string => database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(1, 1).map(({ detail }) => String(detail)).join('; ');
    expect(plan("SELECT count(*) AS n FROM ask WHERE agency = ? AND subject IS NULL AND outcome = 'open' AND until > ?")).toMatch(/INDEX ask_waiting \(agency=\? AND subject=\? AND until>\?\)/);
    expect(plan('SELECT count(*) AS n FROM ask WHERE agency = ? AND subject IS NULL AND made > ?')).toMatch(/INDEX ask_made \(agency=\? AND subject=\? AND made>\?\)/);
    database.close();
  });

  it('of the version before is brought to today’s, and looked through as it is', async () => {
    const path = await filled(3, () => now);
    const former = new DatabaseSync(path);
    for (const index of ['waiting', 'made', 'unanswered', 'unproven', 'untold']) former.exec(`DROP INDEX ask_${index}`);
    former.exec("ALTER TABLE ask DROP COLUMN told; DELETE FROM ask; PRAGMA user_version = 1");
    former.close();
    expect(must(checkAskBook(path, secret))).toBe(0);
    const book = must(openAskBook(path, secret));
    expect(codeOf(await book.keepAsk(ask(1), now))).toBe('taken');
    await book.close();
  });
});

it('says neither who asks nor what for to whoever has the file', async () => {
  folder = mkdtempSync(join(tmpdir(), 'asks-'));
  const book = must(openAskBook(join(folder, 'asks.sqlite'), secret));
  must(await book.keepAsk(ask(1, { signed: 'a-canary-in-the-ask', withCode: true }), now));
  must(await book.settleAsk(idOf(1), { outcome: 'answered', at: now, answer: { ...answer, claims: ['canary_claim'] } }));
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)).toString('latin1'));
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) for (const word of ['canary', 'pension-office']) expect(file).not.toContain(word);
  await book.close();
  rmSync(folder, { recursive: true });
});

it('that is damaged keeps no other from being finished', async () => {
  folder = mkdtempSync(join(tmpdir(), 'asks-'));
  const path = join(folder, 'asks.sqlite');
  const book = must(openAskBook(path, secret));
  for (const n of [1, 2, 3]) {
    must(await book.keepAsk(ask(n, { subject: idOf(n) }), now));
    must(await book.settleAsk(idOf(n), { outcome: 'answered', at: now, answer }));
  }
  const beside = new DatabaseSync(path);
  beside.prepare('UPDATE ask SET answer = zeroblob(60) WHERE id = ?').run(idOf(1));
  beside.prepare('UPDATE ask SET sealed = zeroblob(60) WHERE id = ?').run(idOf(2));
  beside.close();
  expect(must(await book.unfinished(now, 10)).map(({ ask: { id } }) => id[0])).toEqual([3]);
  await expect(book.ask(idOf(1))).rejects.toThrow('does not open');
  await book.close();
  rmSync(folder, { recursive: true });
});

it.skipIf(noPostgres !== null)('of another keeper stays in its file, and hides nothing on the server', async () => {
  folder = mkdtempSync(join(tmpdir(), 'asks-'));
  const path = join(folder, 'asks.sqlite');
  const theirs = must(openAskBook(path, Buffer.alloc(32, 6)));
  must(await theirs.keepAsk(ask(1), now));
  await theirs.close();
  const database = must(await openPostgresDatabase(server?.create('asks_ours') ?? ''));
  must(await askBookIn(database, secret).keepAsk(ask(2), now));
  expect(await openSharedBook(database, path, secret)).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: expect.stringContaining('does not open with this keeper’s key') as unknown } });
  expect(existsSync(path)).toBe(true);
  expect(must(await askBookIn(database, secret).asksFor(lin, now)).map(({ id }) => id[0])).toEqual([2]);
  await database.close();
  rmSync(folder, { recursive: true });
});

it.skipIf(noPostgres !== null)('of a resident the newest matter is never the one that goes, whatever the hub’s clock', async () => {
  const database = must(await openPostgresDatabase(server?.create('matters') ?? ''));
  const matters = sharedHandOffsIn(database, secret, () => now * 1000);
  for (const n of [1, 2, 3, 4]) must(await matters.put(lin, { code: `AHEAD${n}`, sealed: Uint8Array.of(n), until: now + 90_000 + n }, 4));
  must(await matters.put(lin, { code: 'BEHIND', sealed: Uint8Array.of(9), until: now + 86_400 }, 4));
  const found = await Promise.all(['AHEAD1', 'AHEAD2', 'AHEAD3', 'AHEAD4', 'BEHIND'].map(async (code) => must(await matters.get(lin, code)) !== null));
  expect(found).toEqual([false, true, true, true, true]);
  await database.close();
});

it.skipIf(noPostgres !== null)('goes from a file to the server of hubs that share a keeper; what is there already stays as it is', async () => {
  folder = mkdtempSync(join(tmpdir(), 'asks-'));
  const path = join(folder, 'asks.sqlite');
  const mine = must(openAskBook(path, secret));
  const { code } = must(await mine.keepAsk(ask(1, { subject: null, withCode: true }), now));
  must(await mine.keepAsk(ask(2), now));
  must(await mine.settleAsk(idOf(2), { outcome: 'answered', at: now, answer }));
  await mine.close();
  const database = must(await openPostgresDatabase(server?.create('asks_moved') ?? ''));
  const shared = askBookIn(database, secret);
  for (let times = 0; times < 2; times++) {
    const file = must(openAskFile(path));
    must(await copyAsks(file, database));
    await file.close();
    if (times === 0) expect(must(await shared.askByCode(code ?? '', now))?.signed).toBe('signed-1');
    if (times === 0) must(await shared.settleAsk(idOf(1), { outcome: 'refused', at: now }));
  }
  expect(must(await shared.ask(idOf(1)))?.status).toEqual({ outcome: 'refused', at: now });
  expect(must(await shared.ask(idOf(2)))?.status).toEqual({ outcome: 'answered', at: now, answer });
  await shared.close();
  rmSync(folder, { recursive: true });
});
