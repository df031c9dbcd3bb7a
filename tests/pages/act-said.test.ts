import { describe, expect, test } from 'vitest';
import { languages } from '../../src/contract/language.ts';
import type { CommittingAct, Hash, PrivatePart, RequestStep } from '../../src/ledger/verify/acts.ts';
import { actShapes } from '../../src/ledger/verify/act-shapes.ts';
import type { ActStatement } from '../../src/ledger/verify/receipt-statement.ts';
import { sayAct, type Calling } from '../../src/pages/receipt/act-said.ts';
import { actWords } from '../../src/pages/receipt/act-words.ts';

const hash: Hash = [-16, new Uint8Array(32)];
const id = new Uint8Array(16).fill(0xab);
const calling: Calling = { party: (name) => `<${name}>`, service: (name) => `[${name}]` };

interface Case {
  name: string;
  part: PrivatePart;
  reads?: number;
  step?: RequestStep['step'];
  en: string;
  zh: string;
  facts?: string[];
}
const grant: PrivatePart = {
  kind: 'grant.give', agency: 'tax', purpose: 'certify', service: 'tax/x', claims: ['name', 'address'], given: '2027-01-15T08:00:00Z', until: '2027-02-15T08:00:00Z',
  withdrawal: 'any kiosk of the hub', jurisdiction: 'CN', inner: hash, outer: hash,
};
const access: PrivatePart = { kind: 'access.record', party: 'tax', officer: id, purpose: 'certify', claims: ['name'], signed: new Uint8Array(1) };
const cases: Case[] = [
  { name: 'a grant', part: grant, reads: 10, en: '<tax> was allowed to see 2 facts.', zh: '允许<tax>查看 2 项信息。', facts: ['[tax/x]', 'February 15, 2027', 'at most 10 times'] },
  { name: 'a grant until midnight in the district', part: { ...grant, until: '2027-02-14T16:00:00Z' }, reads: 10, en: '<tax> was allowed to see 2 facts.', zh: '允许<tax>查看 2 项信息。', facts: ['[tax/x]', 'February 14, 2027', 'at most 10 times'] },
  { name: 'a grant’s end', part: { kind: 'grant.end', agency: 'tax' }, en: 'The permission of <tax> to see facts was ended. What it had seen by then stays seen.', zh: '收回了<tax>查看信息的授权。在那之前看过的，无法收回。' },
  { name: 'a request', part: { kind: 'request.submit', agency: 'tax', service: 'tax/x', version: 1, definition: hash, answers: hash }, en: 'A request was made to <tax>.', zh: '向<tax>提交了一份申请。', facts: ['[tax/x]'] },
  { name: 'a request taken back', part: { kind: 'request.withdraw', agency: 'tax' }, en: 'The request to <tax> was taken back.', zh: '撤回了交给<tax>的申请。' },
  { name: 'received', part: { kind: 'request.step', agency: 'tax', signed: new Uint8Array(1) }, step: 'received', en: '<tax> has received the request.', zh: '<tax>已经收到申请。' },
  { name: 'needs more', part: { kind: 'request.step', agency: 'tax', signed: new Uint8Array(1) }, step: 'needs-more', en: '<tax> needs more for the request.', zh: '<tax>要求补充材料。' },
  { name: 'approved', part: { kind: 'request.step', agency: 'tax', decision: 'approved', signed: new Uint8Array(1) }, step: 'decided', en: '<tax> has approved the request.', zh: '<tax>批准了申请。' },
  { name: 'refused', part: { kind: 'request.step', agency: 'tax', decision: 'refused', signed: new Uint8Array(1) }, step: 'decided', en: '<tax> has refused the request.', zh: '<tax>没有批准申请。' },
  { name: 'closed', part: { kind: 'request.step', agency: 'tax', signed: new Uint8Array(1) }, step: 'closed', en: '<tax> has closed the request.', zh: '<tax>已经办结申请。' },
  { name: 'a credential', part: { kind: 'credential.anchor', issuer: 'reg', vct: 'urn:x', credential: hash }, en: '<reg> issued a credential.', zh: '<reg>签发了一份凭证。', facts: ['urn:x'] },
  { name: 'a credential withdrawn', part: { kind: 'credential.revoke', issuer: 'reg', vct: 'urn:x', reason: 'replaced' }, en: '<reg> withdrew a credential.', zh: '<reg>收回了一份凭证。', facts: ['urn:x', 'there is a newer one'] },
  { name: 'an answer', part: { kind: 'verification.answer', agency: 'bank', purpose: 'age', claims: ['birth_date'], token: hash, signed: new Uint8Array(1) }, en: 'The resident’s card proved one fact to <bank>.', zh: '居民的卡向<bank>证明了 1 项信息。', facts: ['age'] },
  { name: 'a read', part: access, en: '<tax> looked at one fact.', zh: '<tax>查看了 1 项信息。', facts: ['certify', 'abababababababababababababababab'] },
  { name: 'a read under a case', part: { ...access, party: 'audit', claims: [], case: { id, salt: id } }, en: '<audit> looked at a resident’s activity, under a case. It saw no facts.', zh: '<audit>依据案件查看了一位居民的办事记录，没有看到个人信息。', facts: ['certify', 'abababababababababababababababab'] },
  { name: 'a look-up', part: { kind: 'access.lookup', party: 'reg', staff: id, reason: 'lost card', signed: new Uint8Array(1) }, en: '<reg> looked a resident up in the register.', zh: '<reg>在登记中查找了一位居民。', facts: ['lost card', 'abababababababababababababababab'] },
  { name: 'a case', part: { kind: 'case.open', basis: 'Audit Act 12', subjects: [id, id], kinds: ['grant.give'], from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' }, en: 'An auditor opened a case on 2 residents.', zh: '审计人员立了一个案，涉及 2 位居民。', facts: ['Audit Act 12', 'grant.give', 'January 1, 2026', 'February 1, 2026'] },
];

describe('what a private part says', () => {
  test.each(cases)('$name', ({ part, reads = null, step = null, en, zh, facts = [] }) => {
    const act: ActStatement = { kind: part.kind, shown: 'all', part, reads, step };
    const said = sayAct(act, 'en', calling);
    expect(said).toMatchObject({ sentence: en, note: null, claims: 'claims' in part ? part.claims : [] });
    expect(said.facts.map(([, value]) => value)).toEqual(facts);
    expect(sayAct(act, 'zh-Hans', calling).sentence).toBe(zh);
  });

  test('is said of each kind that has one', () => {
    const committing: CommittingAct['kind'][] = [
      'credential.anchor', 'credential.revoke', 'grant.give', 'grant.end', 'request.submit', 'request.step', 'request.withdraw',
      'verification.answer', 'access.record', 'access.lookup', 'case.open',
    ];
    expect([...new Set(cases.map(({ part }) => part.kind))].sort()).toEqual([...committing].sort());
  });

  test('or that it is not in the receipt', () => {
    expect(sayAct({ kind: 'request.step', shown: 'public-part' }, 'en', calling)).toEqual({
      sentence: 'A request went one step further.',
      claims: [],
      facts: [],
      note: expect.stringContaining('its private part is missing') as unknown,
    });
  });
});

test.each(languages)('every kind of act has a sentence of its own in %s', (language) => {
  const sentences = Object.values(actWords[language].kinds);
  expect(Object.keys(actWords[language].kinds).sort()).toEqual(Object.keys(actShapes).sort());
  expect(new Set(sentences).size).toBe(sentences.length);
});
