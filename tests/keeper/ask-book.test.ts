import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askCodeAlphabet, newAskCode, readAskCode, shownAskCode } from '../../src/identity/ask-code.ts';
import { codeLifetimeSeconds, mostInADay, mostWaiting, openAskBook, type AskBook, type KeptAnswer, type NewAsk } from '../../src/keeper/ask-book.ts';

const now = 1_800_000_000;
const secret = Buffer.alloc(32, 5);
const lin = Uint8Array.from({ length: 16 }, () => 7);
const idOf = (n: number): Uint8Array => Uint8Array.from({ length: 16 }, () => n);
const ask = (n: number, change: Partial<NewAsk> = {}): NewAsk => ({ id: idOf(n), agency: 'pension-office', subject: lin, signed: `signed-${n}`, until: now + 10 * 86_400, withCode: false, ...change });
const answer: KeptAnswer = { key: 'ledger', subject: lin, claims: ['name'], token: Uint8Array.of(1, 2), transaction: new Uint8Array(32).fill(3), part: Uint8Array.of(4), foreignReceipt: null };

let folder: string;
let book: AskBook;
const reopened = (): AskBook => {
  const opened = openAskBook(join(folder, 'asks.sqlite'), secret);
  if (!opened.ok) throw new Error(opened.failure.code);
  return opened.value;
};
const must = <T>(result: { ok: true; value: T } | { ok: false; failure: { code: string } }): T => {
  if (!result.ok) throw new Error(result.failure.code);
  return result.value;
};
const codeOf = (result: { ok: true } | { ok: false; failure: { code: string } }): string => (result.ok ? 'taken' : result.failure.code);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'asks-'));
  book = reopened();
});
afterEach(() => {
  book.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('an ask', () => {
  it('waits for its resident until its time is over, over a restart', () => {
    must(book.keepAsk(ask(1), now));
    must(book.keepAsk(ask(2, { subject: idOf(99) }), now));
    book.close();
    book = reopened();
    expect(must(book.asksFor(lin, now)).map(({ signed, agency, status }) => ({ signed, agency, status }))).toEqual([{ signed: 'signed-1', agency: 'pension-office', status: { outcome: 'open' } }]);
    expect(must(book.asksFor(lin, now + 10 * 86_400))).toEqual([]);
  });

  it('is refused once, and answered never after', () => {
    must(book.keepAsk(ask(1), now));
    expect(codeOf(book.settleAsk(idOf(1), { outcome: 'refused', at: now + 1 }))).toBe('taken');
    expect(codeOf(book.settleAsk(idOf(1), { outcome: 'answered', at: now + 2, answer }))).toBe('answer-replayed');
    expect(must(book.ask(idOf(1)))?.status).toEqual({ outcome: 'refused', at: now + 1 });
    expect(must(book.asksFor(lin, now))).toEqual([]);
  });

  it('is answered once, with all that its agency will want', () => {
    must(book.keepAsk(ask(1), now));
    expect(codeOf(book.settleAsk(idOf(1), { outcome: 'answered', at: now + 2, answer }))).toBe('taken');
    expect(codeOf(book.settleAsk(idOf(1), { outcome: 'answered', at: now + 3, answer }))).toBe('answer-replayed');
    expect(must(book.ask(idOf(1)))?.status).toEqual({ outcome: 'answered', at: now + 2, answer });
  });

  it('is open again where the ledger refused its answer, and only that one', () => {
    must(book.keepAsk(ask(1), now));
    must(book.settleAsk(idOf(1), { outcome: 'answered', at: now, answer }));
    must(book.reopenAsk(idOf(1), new Uint8Array(32).fill(9)));
    expect(must(book.ask(idOf(1)))?.status.outcome).toBe('answered');
    must(book.reopenAsk(idOf(1), new Uint8Array(32).fill(3)));
    expect(must(book.ask(idOf(1)))?.status).toEqual({ outcome: 'open' });
  });

  it('of a name that is there is refused, and one that is not there cannot be settled', () => {
    must(book.keepAsk(ask(1), now));
    expect(codeOf(book.keepAsk(ask(1, { signed: 'other' }), now))).toBe('ask-known');
    expect(codeOf(book.settleAsk(idOf(2), { outcome: 'refused', at: now }))).toBe('ask-unknown');
  });
});

describe('asks of one agency for one resident are limited', () => {
  it('to those that wait', () => {
    for (let n = 0; n < mostWaiting; n++) expect(codeOf(book.keepAsk(ask(n), now))).toBe('taken');
    expect(codeOf(book.keepAsk(ask(50), now))).toBe('ask-too-many');
    expect(codeOf(book.keepAsk(ask(51, { agency: 'tax-bureau' }), now))).toBe('taken');
    expect(codeOf(book.keepAsk(ask(52, { subject: idOf(99) }), now))).toBe('taken');
    must(book.settleAsk(idOf(0), { outcome: 'refused', at: now }));
    expect(codeOf(book.keepAsk(ask(53), now))).toBe('taken');
  });

  it('to those of a day', () => {
    for (let n = 0; n < mostInADay; n++) {
      expect(codeOf(book.keepAsk(ask(n), now + n))).toBe('taken');
      must(book.settleAsk(idOf(n), { outcome: 'refused', at: now }));
    }
    expect(codeOf(book.keepAsk(ask(50), now + 86_399))).toBe('ask-too-many');
    expect(codeOf(book.keepAsk(ask(51), now + 86_401))).toBe('taken');
  });
});

describe('a short code', () => {
  it('finds its open ask for three days, and no other', () => {
    const { code } = must(book.keepAsk(ask(1, { subject: null, withCode: true }), now));
    expect(code).toMatch(new RegExp(`^[${askCodeAlphabet}]{8}$`));
    expect(must(book.askByCode(code ?? '', now + codeLifetimeSeconds - 1))?.signed).toBe('signed-1');
    expect(must(book.askByCode(code ?? '', now + codeLifetimeSeconds))).toBeNull();
    expect(must(book.askByCode('22222222', now))).toBeNull();
    must(book.settleAsk(idOf(1), { outcome: 'refused', at: now }));
    expect(must(book.askByCode(code ?? '', now))).toBeNull();
  });

  it('has no sign that is taken for another, and takes each as often', () => {
    expect(askCodeAlphabet).toHaveLength(30);
    expect(/[01ILOU]/.test(askCodeAlphabet)).toBe(false);
    let next = 0;
    const code = newAskCode(() => Uint8Array.of(next++ % 256));
    expect(code).toBe('23456789');
    // 240 to 255 would make the first sixteen signs likelier.
    expect(newAskCode(((bytes) => () => Uint8Array.of(bytes.shift() ?? 0))([255, 240, 239, 0, 0, 0, 0, 0, 0, 0]))).toBe('Z2222222');
  });

  it('is read as it is written down', () => {
    expect(readAskCode(' 7kq2-m4xd ')).toBe('7KQ2M4XD');
    expect(shownAskCode('7KQ2M4XD')).toBe('7KQ2-M4XD');
    expect(['7KQ2M4X', '7KQ2M4XDD', '7KQ2M4XO', ''].map(readAskCode)).toEqual([null, null, null, null]);
  });
});

it('says neither who asks nor what for to whoever has the file', () => {
  must(book.keepAsk(ask(1, { signed: 'a-canary-in-the-ask', withCode: true }), now));
  must(book.settleAsk(idOf(1), { outcome: 'answered', at: now, answer: { ...answer, claims: ['canary_claim'] } }));
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)).toString('latin1'));
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) for (const word of ['canary', 'pension-office']) expect(file).not.toContain(word);
});
