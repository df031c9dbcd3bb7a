import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RejectionCode } from '../../../../src/contract/failures.ts';
import { beginApplication, openApplication, type LedgerApplication } from '../../../../src/ledger/application.ts';
import { answerQuery, decodeAnswer, encodeAsk, type Queries, type QueryPath } from '../../../../src/ledger/engines/cometbft/queries.ts';
import { nodeCrypto } from '../../../../src/ledger/node-crypto.ts';
import { encodeCbor } from '../../../../src/ledger/verify/cbor.ts';
import { leafHash, merkleRoot, verifyConsistency, verifyInclusion } from '../../../../src/ledger/verify/merkle-log.ts';
import { stateKey } from '../../../../src/ledger/verify/records.ts';
import { verifyState } from '../../../../src/ledger/verify/state-proof.ts';
import { genesis, keys, lin, now, register, residentOf } from '../../small-district.ts';

let database: DatabaseSync;
let application: LedgerApplication;
let envelopes: Uint8Array[];
const ids: Uint8Array[] = [];

beforeEach(async () => {
  database = new DatabaseSync(':memory:');
  beginApplication(database, genesis, nodeCrypto);
  const opened = openApplication(database, genesis, nodeCrypto);
  if (!opened.ok) throw new Error(opened.failure.detail);
  application = opened.value;
  ids.length = 0;
  envelopes = await Promise.all(['lin', 'chen', 'wu', 'zhao', 'he'].map((name) => register(residentOf(name))));
  for (const [i, envelope] of envelopes.entries()) {
    const { outcomes } = application.applyBlock({ height: i + 1, timeMs: now * 1000 + i, transactions: [envelope] });
    for (const outcome of outcomes) if (outcome.taken) ids.push(outcome.transaction.id);
  }
});
afterEach(() => database.close());

function query<P extends QueryPath>(path: P, ask: Queries[P]['ask'], refusal: (id: Uint8Array) => RejectionCode | undefined = () => undefined): Queries[P]['answer'] {
  const value = answerQuery(application, { path, data: encodeAsk(path, ask) }, refusal);
  const answer = value === undefined ? undefined : decodeAnswer(path, value);
  if (answer === undefined) throw new Error('unanswered');
  return answer;
}

const idOf = (i: number): Uint8Array => ids[i] ?? new Uint8Array();
const roots = (size: number): Uint8Array => merkleRoot(envelopes.slice(0, size).map((one) => leafHash(one, nodeCrypto)), nodeCrypto);

test('/tip says what log and state are after a height', () => {
  expect(query('/tip', 'newest')).toEqual(application.tip());
  expect(query('/tip', 2)).toMatchObject({ height: 2, logSize: 2, logRoot: roots(2), timeMs: now * 1000 + 1 });
  expect(query('/tip', 6)).toBeNull();
});

test('/state proves what is there and what is not', () => {
  const asked = [stateKey.resident(lin.id), stateKey.party('nobody')];
  const { tip, entries } = query('/state', asked);
  expect(tip).toEqual(application.tip());
  expect(entries.map(({ value }) => value === null)).toEqual([false, true]);
  for (const [i, key] of asked.entries()) {
    const entry = entries[i];
    expect(entry !== undefined && verifyState({ root: tip.stateRoot, key, ...entry }, nodeCrypto)).toBe(true);
  }
});

test('/transaction tells recorded, rejected and unknown apart', () => {
  const refusal = (): RejectionCode => 'grant-not-live';
  expect(query('/transaction', idOf(3), refusal)).toEqual({ state: 'recorded', height: 4, index: 3 });
  expect(query('/transaction', new Uint8Array(32), refusal)).toEqual({ state: 'rejected', code: 'grant-not-live' });
  expect(query('/transaction', new Uint8Array(32))).toEqual({ state: 'unknown' });
});

test.each(['own', 'newest', 3] as const)('/receipt at %s has a path to the root there', (place) => {
  const answer = query('/receipt', { transaction: idOf(1), place });
  if (answer === null) throw new Error('no receipt');
  const { envelope, index, path, tip, acts } = answer;
  expect({ envelope, index, acts, keys: answer.keys }).toEqual({ envelope: envelopes[1], index: 1, acts: 1, keys: [keys.staff.key, residentOf('chen').sig.key] });
  expect(tip).toEqual(place === 'newest' ? application.tip() : application.tipAt(place === 'own' ? 2 : place));
  expect(verifyInclusion({ leaf: leafHash(envelope, nodeCrypto), index, size: tip.logSize, path, root: tip.logRoot }, nodeCrypto)).toBe(true);
});

test('/receipt is null before the transaction’s own block, after the newest, and of an unknown one', () => {
  expect(query('/receipt', { transaction: idOf(1), place: 1 })).toBeNull();
  expect(query('/receipt', { transaction: idOf(1), place: 6 })).toBeNull();
  expect(query('/receipt', { transaction: new Uint8Array(32), place: 'own' })).toBeNull();
});

test('/log/consistency proves that the log only grew', () => {
  for (let first = 1; first <= 5; first++) {
    for (let second = first; second <= 5; second++) {
      const path = query('/log/consistency', { first, second });
      expect(path !== null && verifyConsistency({ first, second, firstRoot: roots(first), secondRoot: roots(second), path }, nodeCrypto)).toBe(true);
    }
  }
  expect(query('/log/consistency', { first: 1, second: 6 })).toBeNull();
  expect(query('/log/consistency', { first: 3, second: 2 })).toBeNull();
});

test('/log/entries gives as many as there are', () => {
  expect(query('/log/entries', { from: 1, count: 2 })).toEqual(envelopes.slice(1, 3));
  expect(query('/log/entries', { from: 3, count: 256 })).toEqual(envelopes.slice(3));
  expect(query('/log/entries', { from: 9, count: 1 })).toEqual([]);
});

describe('is not answered', () => {
  test.each([
    { name: 'an unknown path', path: '/other', data: encodeCbor(null) },
    { name: 'a path that every object has', path: 'toString', data: encodeCbor(null) },
    { name: 'no CBOR', path: '/state', data: Uint8Array.of(0xff) },
    { name: 'a key that is no bytes', path: '/state', data: encodeCbor(['party/hub']) },
    { name: 'a short id', path: '/transaction', data: encodeCbor(new Uint8Array(31)) },
    { name: 'a member too many', path: '/receipt', data: encodeCbor({ transaction: new Uint8Array(32), place: 'own', more: 1 }) },
    { name: 'an empty log as the first', path: '/log/consistency', data: encodeCbor({ first: 0, second: 1 }) },
    { name: 'too many entries', path: '/log/entries', data: encodeCbor({ from: 0, count: 257 }) },
    { name: 'a negative height', path: '/tip', data: encodeCbor(-1) },
  ])('$name', ({ path, data }) => {
    expect(answerQuery(application, { path, data }, () => undefined)).toBeUndefined();
  });
});

test('an answer of another form is not taken for one', () => {
  expect(decodeAnswer('/transaction', encodeCbor({ state: 'queued' }))).toBeUndefined();
  expect(decodeAnswer('/transaction', encodeCbor({ state: 'rejected', code: 'other' }))).toBeUndefined();
  expect(decodeAnswer('/state', encodeCbor({ tip: null, entries: [] }))).toBeUndefined();
  expect(decodeAnswer('/receipt', Uint8Array.of(0xf6, 0xf6))).toBeUndefined();
});
