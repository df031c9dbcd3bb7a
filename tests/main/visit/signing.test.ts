import { generateKeyPairSync, sign as signWith, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FailureCode } from '../../../src/contract/failures.ts';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import { issueCredential, type Credential } from '../../../src/identity/credential.ts';
import { openGrantInner, openGrantOuter } from '../../../src/identity/grant.ts';
import { softwareOpener } from '../../../src/identity/hpke.ts';
import { newX25519Secret, x25519Public } from '../../../src/identity/x25519.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { openEnvelope } from '../../../src/ledger/verify/envelope.ts';
import { checkPendingReceipt } from '../../../src/ledger/verify/pending-receipt.ts';
import { symbolsToReceipt } from '../../../src/ledger/verify/receipt-symbols.ts';
import type { Card } from '../../../src/main/card.ts';
import { systemClock } from '../../../src/main/clock.ts';
import type { DeviceKey } from '../../../src/main/device-key.ts';
import { openOutbox, type Outbox } from '../../../src/main/outbox.ts';
import { beginDraft, tellAgency, type BundleOffer, type Draft, type Offer } from '../../../src/main/visit/draft.ts';
import { counterGap } from '../../../src/main/visit/sign-in.ts';
import { signActs } from '../../../src/main/visit/signing.ts';
import type { Access } from '../../../src/main/visit/work.ts';
import { must } from '../../hub/visitor.ts';
import { cardInfo, movingOffer, newAccess, resident, taxOffer } from './visit-stand.ts';

const sig = generateKeyPairSync('ed25519');
const device = generateKeyPairSync('ed25519');
const rawKey = (key: KeyObject): Uint8Array => new Uint8Array(Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url'));
const signBy = (key: KeyObject, input: Uint8Array): Uint8Array => new Uint8Array(signWith(null, input, key));
const sealKey = (): Uint8Array => x25519Public(newX25519Secret());

let dataDir: string;
let outbox: Outbox;
let told: number[];
let access: Access;
let draft: Draft;
let count: number;
const goodChip: DeviceKey['sign'] = (input) => Promise.resolve(ok(signBy(device.privateKey, input)));
let attest: DeviceKey['sign'];

const draftFor = (matter: Offer | BundleOffer): Draft =>
  beginDraft(matter, { known: access.known, remembered: () => ({ phone: '13800138000' }), grantEnd: () => Math.floor(Date.now() / 1000) + 86_400 });

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-signing-'));
  const opened = openOutbox({ dataDir, clock: systemClock });
  if (!opened.ok) throw new Error(opened.failure.detail);
  outbox = opened.value;
  told = [];
  attest = goodChip;
  count = 7;
  access = { ...newAccess().access, resident: { ...resident, sig: rawKey(sig.publicKey), space: sealKey() }, keeperSeal: sealKey() };
  draft = draftFor({ ...taxOffer, seal: sealKey() });
});
afterEach(() => {
  outbox.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const card = (sign: Card['sign']): Card => ({
  open: () => Promise.resolve(ok(cardInfo)),
  verify: () => Promise.resolve(ok({ verified: true })),
  authenticate: () => Promise.resolve(ok(new Uint8Array(64))),
  agree: () => Promise.resolve(ok(new Uint8Array(32))),
  signatureCount: () => Promise.resolve(ok(count)),
  release: () => Promise.resolve(),
  sign,
});

const goodCard = card((input) => {
  count += 1;
  return Promise.resolve(ok(signBy(sig.privateKey, input)));
});

const sign = (by: Card) =>
  signActs(by, access, { what: 'request', draft }, {
    district: {
      chain: 'imi-test',
      tellBrokenOff: (_, counter) => {
        told.push(counter);
        return Promise.resolve(ok({}));
      },
    },
    outbox,
    journal: { write: () => undefined, close: () => undefined },
    crypto: nodeCrypto,
    clock: systemClock,
    deviceKey: { publicKey: [-19, rawKey(device.publicKey)], sign: (input) => attest(input) },
    kioskId: 'hall-1',
  });

test('a request that is signed lies in the outbox, with both signatures good and the counter that the card then shows', async () => {
  const stored = await sign(goodCard);
  expect(stored).toMatchObject({ ok: true });
  const [waiting] = outbox.waiting();
  const opened = openEnvelope(waiting?.submission.envelope ?? new Uint8Array(), nodeCrypto);
  if (!opened.ok) throw new Error(opened.failure.code);
  const { body, signers, id } = opened.value;
  expect(id).toEqual(waiting?.transaction);
  expect(body).toMatchObject({ chain: 'imi-test', kiosk: 'hall-1', counter: count, acts: [{ kind: 'grant.give' }, { kind: 'request.submit' }] });
  const keys = [rawKey(sig.publicKey), rawKey(device.publicKey)];
  expect(signers.map(({ input, signature }, i) => nodeCrypto.verify([-19, keys[i] ?? new Uint8Array()], input, signature))).toEqual([true, true]);
  const pending = checkPendingReceipt(symbolsToReceipt(stored.ok ? stored.value.qr : []) ?? new Uint8Array(), { chain: 'imi-test' }, nodeCrypto);
  expect(pending).toMatchObject({ ok: true, value: { transaction: id, acts: [{ part: { agency: 'tax-bureau' } }, { part: { agency: 'tax-bureau' } }] } });
  expect(told).toEqual([]);
  expect(outbox.brokenOff(resident.id)).toEqual([]);
});

test.each<{ name: string; self: Access['self']; maps: number }>([
  { name: 'known facts', self: {}, maps: 1 },
  { name: 'facts that could not be proved yet', self: null, maps: 0 },
])('over $name a lasting answer writes $maps new map of typed facts', async ({ self, maps }) => {
  access.self = self;
  expect(await sign(goodCard)).toMatchObject({ ok: true });
  expect(outbox.waiting()[0]?.submission.payloads.filter(({ what }) => what === 'self')).toHaveLength(maps);
});

test('a claim that several credentials hold is presented by the one that the resident is shown', async () => {
  const names = ['name', 'address'] as const;
  const held = async (vct: string, claims: Record<string, string>): Promise<Credential> => {
    const content = { vct, issuer: 'registrar', holder: rawKey(sig.publicKey), status: 1, issuedAt: 1, expiresAt: 4_000_000_000, claims };
    return { ...content, sdJwt: await issueCredential(content, (message) => signBy(device.privateKey, message)) };
  };
  const shown = await held('urn:shown', { name: '林悦', address: '恩宁路 12 号' });
  const other = await held('urn:other', { name: 'another name', address: 'elsewhere' });
  const agencyOpener = softwareOpener(newX25519Secret());
  const keeperOpener = softwareOpener(newX25519Secret());
  access.credentials = [other, shown];
  access.keeperSeal = keeperOpener.publicKey;
  access.known = Object.fromEntries(names.map((claim) => [claim, { value: shown.claims[claim] ?? '', issuer: { 'zh-Hans': 'r', en: 'r' }, vct: shown.vct }]));
  draft = draftFor({ ...taxOffer, seal: agencyOpener.publicKey });
  expect(await sign(goodCard)).toMatchObject({ ok: true });
  const { submission } = outbox.waiting()[0] ?? { submission: { envelope: new Uint8Array(), payloads: [] } };
  const envelope = openEnvelope(submission.envelope, nodeCrypto);
  const [give] = envelope.ok ? envelope.value.body.acts : [];
  if (give?.kind !== 'grant.give') throw new Error('no grant');
  const inner = must(await openGrantOuter(submission.payloads.find(({ what }) => what === 'grant')?.sealed ?? new Uint8Array(), give.id, keeperOpener));
  const presentations = must(await openGrantInner(inner, give.id, agencyOpener));
  expect(presentations).toHaveLength(1);
  expect(presentations[0]?.startsWith(shown.sdJwt.split('~')[0] ?? '-')).toBe(true);
});

test('several agencies are told by one signature: a grant and a request for each, and the typed facts once', async () => {
  draft = draftFor({ ...movingOffer, members: movingOffer.members.map((offer) => ({ ...offer, seal: sealKey() })) });
  draft = { ...draft, typed: { taxpayer_number: '060312199108226', new_address_code: '4101280302', move_date: '2026-12-12' } };
  expect(await sign(goodCard)).toMatchObject({ ok: true });
  expect(count).toBe(8);
  const { submission } = outbox.waiting()[0] ?? { submission: { envelope: new Uint8Array(), payloads: [] } };
  const envelope = openEnvelope(submission.envelope, nodeCrypto);
  const acts = envelope.ok ? envelope.value.body.acts : [];
  expect(acts.map(({ kind }) => kind)).toEqual(Array.from({ length: 5 }, () => ['grant.give', 'request.submit']).flat());
  // Each request rests on its own grant.
  for (const [index, act] of acts.entries()) if (act.kind === 'request.submit') expect(act.refs).toEqual([(acts[index - 1] as { id: Uint8Array }).id]);
  for (const act of acts.keys()) expect(submission.payloads.filter((payload) => payload.act === act && payload.what === 'part')).toHaveLength(3);
  expect(submission.payloads.filter(({ what }) => what === 'grant').map(({ act }) => act)).toEqual([0, 2, 4, 6, 8]);
  expect(submission.payloads.filter(({ what }) => what === 'answers').map(({ act }) => act)).toEqual([1, 3, 5, 7, 9]);
  expect(submission.payloads.filter(({ what }) => what === 'self').map(({ act }) => act)).toEqual([1]);
});

test('an agency that is left out gets no grant, no request and no answer', async () => {
  draft = tellAgency(draftFor({ ...movingOffer, members: movingOffer.members.map((offer) => ({ ...offer, seal: sealKey() })) }), 'telecom/broadband-move', false);
  expect(await sign(goodCard)).toMatchObject({ ok: true });
  const envelope = openEnvelope(outbox.waiting()[0]?.submission.envelope ?? new Uint8Array(), nodeCrypto);
  expect(envelope.ok ? envelope.value.body.acts : []).toHaveLength(8);
});

describe('a signature that comes to nothing', () => {
  test.each<{ name: string; answer: (input: Uint8Array) => Result<Uint8Array>; code: FailureCode; noted: boolean }>([
    { name: 'is not there, for the card was pulled', answer: () => fail('card-removed'), code: 'card-removed', noted: true },
    { name: 'is not there, for the card went mute', answer: () => fail('card-timeout'), code: 'card-timeout', noted: true },
    { name: 'is not there, for the device host was lost', answer: () => fail('device-host-lost'), code: 'device-host-lost', noted: true },
    { name: 'is of another key', answer: (input) => ok(signBy(device.privateKey, input)), code: 'signature-failed', noted: true },
    { name: 'is of other bytes', answer: () => ok(signBy(sig.privateKey, new Uint8Array(3))), code: 'signature-failed', noted: true },
    { name: 'was refused by the card', answer: () => fail('card-error', '6985'), code: 'card-error', noted: false },
    { name: 'was not touched for', answer: () => fail('card-touch-missed'), code: 'card-touch-missed', noted: false },
  ])('because it $name', async ({ answer, code, noted }) => {
    const signed = await sign(card((input) => Promise.resolve(answer(input))));
    expect(signed).toMatchObject({ ok: false, failure: { code } });
    expect(outbox.waiting()).toEqual([]);
    expect(told).toEqual(noted ? [8] : []);
    expect(outbox.counters(resident.id)).toEqual([]);
  });

  test('because the disk takes no request is told to the hub at once', async () => {
    outbox.put = () => fail('kiosk-storage');
    expect(await sign(goodCard)).toMatchObject({ ok: false, failure: { code: 'kiosk-storage' } });
    expect(told).toEqual([8]);
  });

  test('because the kiosk ends in the middle is on disk before the card is asked', async () => {
    const asked = Promise.withResolvers<null>();
    void sign(
      card(() => {
        asked.resolve(null);
        return new Promise(() => undefined);
      }),
    );
    await asked.promise;
    const afterwards = openOutbox({ dataDir, clock: systemClock });
    if (!afterwards.ok) throw new Error(afterwards.failure.detail);
    expect(afterwards.value.brokenOff(resident.id)).toEqual([8]);
    afterwards.value.close();
  });
});

test('a chip that does not attest costs no signature: the card is not asked, and the next try is as good', async () => {
  let asked = 0;
  const counted = card((input) => {
    asked += 1;
    return goodCard.sign(input);
  });
  attest = () => Promise.resolve(fail('device-key-silent', 'tpm2 sign: 1'));
  expect(await sign(counted)).toEqual(fail('device-key-silent', 'tpm2 sign: 1'));
  expect([asked, outbox.waiting(), outbox.brokenOff(resident.id), told]).toEqual([0, [], [], []]);
  attest = goodChip;
  expect(await sign(counted)).toMatchObject({ ok: true });
  expect(asked).toBe(1);
});

test('a card is not asked for a signature that could not be accounted for', async () => {
  outbox.noteBrokenOff = () => fail('kiosk-storage');
  expect(await sign(goodCard)).toMatchObject({ ok: false, failure: { code: 'kiosk-storage' } });
  expect(count).toBe(7);
});

test.each([
  { name: 'nothing was signed elsewhere', onCard: 9, onLedger: 9, known: [], gap: 0 },
  { name: 'one is queued', onCard: 10, onLedger: 9, known: [10], gap: 0 },
  { name: 'one is queued and two are not known', onCard: 12, onLedger: 9, known: [10], gap: 2 },
  { name: 'the same one is known twice', onCard: 11, onLedger: 9, known: [10, 10], gap: 1 },
  { name: 'what is known is older than the ledger', onCard: 10, onLedger: 9, known: [5, 9], gap: 1 },
  { name: 'what is known was never made', onCard: 9, onLedger: 9, known: [10], gap: 0 },
  { name: 'the card counts less than the ledger', onCard: 3, onLedger: 9, known: [], gap: 0 },
])('the gap when $name', ({ onCard, onLedger, known, gap }) => {
  expect(counterGap(onCard, onLedger, known)).toBe(gap);
});
