import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { grantsOf, kindsOf, knownEntries, looksOf, newsOf, openedLetter, standingOf, type KnownEntry, type MyData } from '../../../src/main/visit/my-data.ts';
import type { PastRequest } from '../../../src/main/visit/work.ts';
import { dataOf, entry, exampleData, given, grantHex, grantId, grantPart, idOf, now, officer, read, readPart, requestId, step, submitted, transactionOf, until } from './example-data.ts';
import { taxOffer } from './visit-stand.ts';

const offers = [taxOffer];
const both = (text: string): { 'zh-Hans': string; en: string } => ({ 'zh-Hans': text, en: text });
const request: PastRequest = {
  transaction: transactionOf(1),
  row: { reference: '7KQ2-M4XD-09', service: both('Certificate'), agency: both('Tax Bureau'), group: 'tax', state: 'recorded', at: '2026-11-22T09:00:00.000Z', step: null, decision: null },
  steps: [],
  claims: [],
  until: '',
  parts: [],
};

describe('who looked', () => {
  const underCase = (refs: Uint8Array[] | undefined, hidden = false): KnownEntry =>
    entry(5, 0, { kind: 'access.record', id: idOf(5), ...(refs === undefined ? {} : { refs }), ...(hidden ? { case: [-16, new Uint8Array(32)] as const } : {}) }, null);
  const cases: { name: string; entries: KnownEntry[]; seen: object }[] = [
    { name: 'a read under a grant, with office, officer, facts and what allowed it', entries: [given, read(3)], seen: { look: 'read', office: both('tax-bureau'), officer: 'XVQE-XVQE', claims: ['name'], service: taxOffer.service.title, grant: grantHex, entry: 2 } },
    { name: 'a read under a grant that is not in the list', entries: [read(3)], seen: { look: 'read', service: null, grant: null } },
    {
      name: 'a look under a case',
      entries: [entry(5, 0, { kind: 'access.record', id: idOf(5), refs: [idOf(0xcc)] }, readPart({ party: 'audit-office', claims: [] }))],
      seen: { look: 'case', office: both('audit-office'), basis: 'SK6C-SK6C' },
    },
    { name: 'a look under a sealed case', entries: [underCase(undefined, true)], seen: { look: 'sealed', opensAt: null } },
    { name: 'a look-up in the index', entries: [entry(5, 0, { kind: 'access.lookup', id: idOf(5) }, { kind: 'access.lookup', party: 'registrar', staff: officer, reason: 'a new card', signed: new Uint8Array(1) })], seen: { look: 'index', reason: 'a new card' } },
    {
      name: 'an answer from afar',
      entries: [entry(5, 0, { kind: 'verification.answer', id: idOf(5), until }, { kind: 'verification.answer', agency: 'tax-bureau', purpose: 'x', claims: ['name'], token: [-16, new Uint8Array(32)], signed: new Uint8Array(1) })],
      seen: { look: 'answer', claims: ['name'] },
    },
    { name: 'a read whose part is not there: it does not vanish', entries: [given, read(3, null)], seen: { look: 'untold', kind: 'access.record', entry: 2 } },
  ];
  test.each(cases)('$name', ({ entries, seen }) => {
    const looks = looksOf(dataOf(entries), offers);
    expect(looks).toHaveLength(1);
    expect(looks[0]).toMatchObject(seen);
  });

  test('a sealed one says when it opens, where the keeper told it', () => {
    const sealed = underCase(undefined, true);
    const data = dataOf([sealed], { held: { parts: [], letters: [], withheld: [{ transaction: sealed.transaction, act: 0, opensAt: until }] } });
    expect(looksOf(data, offers)).toMatchObject([{ look: 'sealed', opensAt: '2026-12-22T00:00:00.000Z' }]);
  });

  test('newest first', () => {
    expect(looksOf(dataOf([given, read(3), read(4)]), offers).map((look) => look.entry)).toEqual([3, 2]);
  });
});

test('a part that does not open its act is as good as not there', () => {
  const { activity } = exampleData();
  const held = [given, read(3)].map((one) => ({ transaction: one.transaction, act: one.actIndex, at: now, opened: one.opened ?? { salt: new Uint8Array(16), part: grantPart() } }));
  const forged = { ...held[1], transaction: transactionOf(3), act: 0, at: now, opened: { salt: new Uint8Array(16).fill(1), part: readPart({ officer: idOf(1) }) } };
  expect(knownEntries(activity, held, nodeCrypto).map(({ opened }) => opened?.part.kind)).toEqual(['grant.give', undefined, 'access.record']);
  const entries = knownEntries(activity, held.slice(0, 1).concat(forged), nodeCrypto);
  expect(entries.map(({ opened }) => opened?.part.kind)).toEqual(['grant.give', undefined, undefined]);
  expect(looksOf(dataOf(entries), offers)).toMatchObject([{ look: 'untold' }]);
});

describe('a grant', () => {
  const ended = entry(6, 0, { kind: 'grant.end', id: grantId }, { kind: 'grant.end', agency: 'tax-bureau' });
  const cases: { name: string; data: MyData; seen: object }[] = [
    { name: 'that nobody used', data: dataOf([given]), seen: { state: 'live', used: 0, reads: 2, ending: false } },
    { name: 'that was read once', data: dataOf([given, read(3)]), seen: { state: 'live', used: 1 } },
    { name: 'that was read as often as it allows', data: dataOf([given, read(3), read(4)]), seen: { state: 'used-up', used: 2 } },
    { name: 'a read without its part counts too', data: dataOf([given, read(3, null), read(4)]), seen: { state: 'used-up' } },
    { name: 'that was ended', data: dataOf([given, ended]), seen: { state: 'ended' } },
    { name: 'in its last second', data: dataOf([given], { now: until - 1 }), seen: { state: 'live' } },
    { name: 'at its end', data: dataOf([given], { now: until }), seen: { state: 'expired' } },
    { name: 'whose end waits here', data: dataOf([given], { ending: new Set([grantHex]) }), seen: { state: 'live', ending: true } },
    { name: 'of a resident who was retired', data: dataOf([given, { ...ended, act: { kind: 'resident.retire', subject: idOf(5) } }]), seen: { state: 'ended' } },
  ];
  test.each(cases)('$name', ({ data, seen }) => {
    expect(grantsOf(data, offers).map(({ row }) => row)).toMatchObject([seen]);
  });
});

describe('a request', () => {
  const hash = [-16, new Uint8Array(32).fill(3)] as const;
  const letters: MyData['held']['letters'] = [{ transaction: transactionOf(8), act: 0, at: now - 5, hash, letter: { title: 'Ready', text: 'Come.' } }];
  const withdrawn = entry(6, 0, { kind: 'request.withdraw', id: requestId }, { kind: 'request.withdraw', agency: 'tax-bureau' });

  test('goes step by step, with decision, payment and letter', () => {
    const data = dataOf([given, submitted, step(7, 'received', { payment: { reference: 'NL-1', amountFen: 1500 } }), step(8, 'decided', { decision: 'approved', letter: hash })], { held: { parts: [], letters, withheld: [] } });
    const standing = standingOf(data, request, offers);
    expect(standing?.taken.map(({ step: taken }) => taken)).toEqual(['submitted', 'received', 'decided']);
    expect(standing).toMatchObject({ step: 'decided', decision: 'approved', paid: { amountFen: 1500 }, withdrawable: false, letters: [{ title: 'Ready' }] });
    expect(openedLetter(data, standing?.letters[0]?.letter ?? '')).toMatchObject({ title: 'Ready', text: 'Come.' });
  });

  test('shows no letter that its step does not name', () => {
    const data = dataOf([given, submitted, step(8, 'received', { letter: [-16, new Uint8Array(32)] })], { held: { parts: [], letters, withheld: [] } });
    expect(standingOf(data, request, offers)?.letters).toEqual([]);
    expect(openedLetter(data, `${'08'.repeat(32)}/0`)).toBeNull();
  });

  const withdrawable: { name: string; data: MyData; can: boolean }[] = [
    { name: 'submitted', data: dataOf([given, submitted]), can: true },
    { name: 'received', data: dataOf([given, submitted, step(7, 'received')]), can: true },
    { name: 'that needs more', data: dataOf([given, submitted, step(7, 'received'), step(8, 'needs-more')]), can: true },
    { name: 'decided', data: dataOf([given, submitted, step(7, 'received'), step(8, 'decided')]), can: false },
    { name: 'taken back', data: dataOf([given, submitted, withdrawn]), can: false },
    { name: 'whose withdrawal waits here', data: dataOf([given, submitted], { ending: new Set(['b1'.repeat(16)]) }), can: false },
  ];
  test.each(withdrawable)('$name can be taken back: $can', ({ data, can }) => {
    expect(standingOf(data, request, offers)?.withdrawable).toBe(can);
  });

  test.each([
    { name: 'while its grant is live', data: dataOf([given, submitted]), over: false },
    { name: 'once its grant is ended', data: dataOf([given, submitted, entry(6, 0, { kind: 'grant.end', id: grantId }, { kind: 'grant.end', agency: 'tax-bureau' })]), over: true },
    { name: 'once its grant has run out', data: dataOf([given, submitted], { now: until }), over: true },
    { name: 'without a grant', data: dataOf([submitted]), over: false },
  ])('says whether looking is over: $name', ({ data, over }) => {
    expect(standingOf(data, request, offers)?.lookingIsOver).toBe(over);
  });

  test('that is not in the ledger has no standing', () => {
    expect(standingOf(dataOf([given]), request, offers)).toBeNull();
  });
});

describe('since the last visit', () => {
  const at = (one: KnownEntry): number => one.at ?? 0;
  const newsAfter = (data: MyData, since: number | null): string[] => newsOf(data, since, [request], offers).map(({ news }) => news);

  test('a look before it is none, one after it is', () => {
    const data = dataOf([given, read(3)]);
    expect(newsAfter(data, at(read(3)))).toEqual([]);
    expect(newsAfter(data, at(read(3)) - 1)).toEqual(['read']);
  });

  test('what the resident did is none', () => {
    expect(newsAfter(dataOf([given, submitted]), 0)).toEqual([]);
  });

  test('a look without a part is, each time', () => {
    expect(newsAfter(dataOf([given, { ...read(3, null), at: null }]), now)).toEqual(['untold']);
  });

  test('a step is, and a grant in its last days', () => {
    expect(newsAfter(dataOf([given, submitted, step(7, 'received')], { now: until - 86_400 }), at(step(7, 'received')) - 1)).toEqual(['step', 'grant-ends']);
  });

  test('a credential that was issued or revoked is', () => {
    const anchor = entry(7, 0, { kind: 'credential.anchor', id: idOf(9), status: 1 }, { kind: 'credential.anchor', issuer: 'registrar', vct: 'v', credential: [-16, new Uint8Array(32)] });
    const revoke = entry(8, 0, { kind: 'credential.revoke', id: idOf(9) }, { kind: 'credential.revoke', issuer: 'registrar', vct: 'v', reason: 'wrong' });
    expect(newsOf(dataOf([anchor, revoke]), 1, [], offers)).toMatchObject([{ change: 'issued' }, { change: 'revoked' }]);
  });

  test('on the first visit only looks are', () => {
    expect(newsAfter(dataOf([given, submitted, step(7, 'received'), read(9)]), null)).toEqual(['read']);
  });
});

test('the kinds are counted, the most frequent first', () => {
  expect(kindsOf(dataOf([given, read(3), read(4)]))).toEqual([
    { kind: 'access.record', count: 2 },
    { kind: 'grant.give', count: 1 },
  ]);
});
