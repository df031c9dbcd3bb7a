import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ok } from '../../src/contract/result.ts';
import { openDrafts, type Drafts } from '../../src/gateway/drafts.ts';
import type { Incoming } from '../../src/keeper/submission-check.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer, type MemorySigner } from '../../src/ledger/node-signer.ts';
import { toHex } from '../../src/ledger/verify/bytes.ts';
import { inputFor, newDraft, withSignature, type Draft } from '../../src/ledger/verify/draft.ts';
import { keyId, openEnvelope } from '../../src/ledger/verify/envelope.ts';
import { encodeRecord, stateKey } from '../../src/ledger/verify/records.ts';

/** The authority signs by two of three here: its members sit in different offices, and sign one after the other. */
const members = [1, 2, 3].map((n) => ed25519Signer(new Uint8Array(32).fill(n)));
const outsider = ed25519Signer(new Uint8Array(32).fill(9));
const caseId = new Uint8Array(16).fill(5);

const state = new Map<string, Uint8Array>();
for (const { key } of members) state.set(toHex(stateKey.key(keyId(key, nodeCrypto))), encodeRecord('key', { key, owner: { authority: true }, use: 'authority', state: 'active', since: 1 }));
for (const [id, party] of [['authority-north', 'authority'], ['authority-south', 'authority'], ['tax-bureau', 'agency']] as const) {
  state.set(toHex(stateKey.party(id)), encodeRecord('party', { id, party, sign: outsider.key, seal: [-25, new Uint8Array(32)], names: { 'zh-Hans': id, en: id }, purposes: [], state: 'active' }));
}

let drafts: Drafts;
let nowMs: number;
let taken: Incoming[];
beforeEach(() => {
  nowMs = 1_800_000_000_000;
  taken = [];
  const opened = openDrafts({
    path: ':memory:',
    ledger: { chain: 'c', values: (keys) => Promise.resolve(ok(keys.map((key) => state.get(toHex(key)) ?? null))) },
    take: (incoming) => {
      taken.push(incoming);
      return Promise.resolve(ok({ state: 'queued' }));
    },
    crypto: nodeCrypto,
    now: () => nowMs,
  });
  if (!opened.ok) throw new Error(opened.failure.code);
  drafts = opened.value;
});
afterEach(() => drafts.close());

const signatureOf = (draft: Draft, { key, sign }: MemorySigner): Uint8Array => sign(inputFor(draft, key, nodeCrypto) ?? new Uint8Array());

function unsealing(signers: readonly MemorySigner[], signed = 1): Draft {
  let draft = newDraft({ v: 1, chain: 'c', nonce: new Uint8Array(16), notAfter: nowMs / 1000 + 3 * 86_400, acts: [{ kind: 'case.unseal', id: caseId }] }, signers.map(({ key }) => key));
  for (const signer of signers.slice(0, signed)) {
    const next = withSignature(draft, signer.key, signatureOf(draft, signer), nodeCrypto);
    if (!next.ok) throw new Error(next.failure.code);
    draft = next.value;
  }
  return draft;
}
const pair = (): [MemorySigner, MemorySigner] => [members[0] ?? outsider, members[2] ?? outsider];

describe('an unsealing by two of the authority', () => {
  test('is begun by one, signed by the other elsewhere, and goes off complete', async () => {
    const draft = unsealing(pair());
    const brought = await drafts.bring('authority-north', { draft, payloads: [], notes: [] });
    if (!brought.ok) throw new Error(brought.failure.code);
    const { id } = brought.value;
    expect(await drafts.list('authority-south')).toMatchObject({ ok: true, value: [{ kind: 'case.unseal' }] });
    expect(await drafts.sign('authority-south', id, pair()[1].key, signatureOf(draft, pair()[1]))).toEqual({ ok: true, value: { state: 'queued' } });
    const opened = openEnvelope(taken[0]?.envelope ?? new Uint8Array(), nodeCrypto);
    expect(opened).toMatchObject({ ok: true, value: { body: { acts: [{ kind: 'case.unseal', id: caseId }] } } });
    expect(await drafts.list('authority-north')).toEqual({ ok: true, value: [] });
  });

  test('does not exist for anybody else', async () => {
    const draft = unsealing(pair());
    const brought = await drafts.bring('authority-north', { draft, payloads: [], notes: [] });
    if (!brought.ok) throw new Error(brought.failure.code);
    const { id } = brought.value;
    expect(await drafts.list('tax-bureau')).toEqual({ ok: true, value: [] });
    expect(await drafts.find('tax-bureau', id)).toMatchObject({ failure: { detail: 'draft-unknown' } });
    expect(await drafts.sign('tax-bureau', id, pair()[1].key, signatureOf(draft, pair()[1]))).toMatchObject({ failure: { detail: 'draft-unknown' } });
    expect(taken).toEqual([]);
  });
});

describe('a draft is not taken', () => {
  const cases: { name: string; party: string; draft: () => Draft; detail: string }[] = [
    { name: 'from a party that has not signed', party: 'tax-bureau', draft: () => unsealing(pair()), detail: 'draft-party' },
    { name: 'that nobody has signed', party: 'authority-north', draft: () => unsealing(pair(), 0), detail: 'draft-party' },
    { name: 'that all have signed', party: 'authority-north', draft: () => unsealing(pair(), 2), detail: 'draft-form' },
    { name: 'that names a signer whom nobody knows', party: 'authority-north', draft: () => unsealing([pair()[0], outsider]), detail: 'draft-signer' },
    { name: 'with a signature that is none', party: 'authority-north', draft: () => ({ ...unsealing(pair()), signatures: [new Uint8Array(64), null] }), detail: 'draft-form' },
  ];
  test.each(cases)('$name', async ({ party, draft, detail }) => {
    expect(await drafts.bring(party, { draft: draft(), payloads: [], notes: [] })).toMatchObject({ ok: false, failure: { code: 'hub-refused', detail } });
  });
});

test.each([
  { after: 24 * 3600_000 - 1000, there: true },
  { after: 24 * 3600_000, there: false },
])('after $after ms it is there: $there', async ({ after, there }) => {
  const brought = await drafts.bring('authority-north', { draft: unsealing(pair()), payloads: [], notes: [] });
  if (!brought.ok) throw new Error(brought.failure.code);
  nowMs += after;
  expect((await drafts.find('authority-south', brought.value.id)).ok).toBe(there);
});
