import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Payload } from '../../src/contract/hub-door.ts';
import { openHubParts, type HubParts } from '../../src/hub/hub.ts';
import { hashOf } from '../../src/identity/grant.ts';
import { sealPart, type PreparedRequest, type RequestDraft, type SealKeys } from '../../src/identity/request.ts';
import { sealTo } from '../../src/identity/sealing.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import type { OpenedPart } from '../../src/ledger/verify/acts.ts';
import { commitPart } from '../../src/ledger/verify/private-part.ts';
import { stateKey } from '../../src/ledger/verify/records.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { x25519Public } from '../../src/identity/x25519.ts';
import { callDirectly, must, Visitor, type OpenVisit } from '../hub/visitor.ts';

let dataDir: string;
let world: World;
let parts: HubParts;
let huang: Visitor;
let visit: OpenVisit;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-keeper-'));
  world = await seedWorld(dataDir);
  parts = must(await openHubParts({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  huang = new Visitor(world, 'huang', callDirectly(parts));
  visit = await huang.signIn();
});
afterAll(async () => {
  await parts.close();
  rmSync(dataDir, { recursive: true });
});

const answers = { paid_work: 'false', months_abroad: '0', phone: '13800138000', letter_language: 'zh-Hans' };
const service = 'pension/eligibility-confirmation';
const keys = (): SealKeys => ({
  space: visit.space.publicKey,
  agency: x25519Public(partySecrets('pension-office').seal),
  keeper: x25519Public(partySecrets('keeper').seal),
});

/** What the cases change in a part of either kind. */
interface PartFields {
  version: number;
  claims: string[];
  until: string;
}

/** The same request with another private part, committed to and sealed as if it were meant so. */
function withPart(prepared: PreparedRequest, act: 0 | 1, change: (part: PartFields) => object): PreparedRequest {
  const opened = { ...prepared.parts[act], part: change(prepared.parts[act].part as unknown as PartFields) } as OpenedPart;
  const acts = structuredClone(prepared.acts);
  acts[act].private = commitPart(opened.salt, opened.part, nodeCrypto);
  const payloads = [...prepared.payloads.filter((payload) => !(payload.act === act && payload.what === 'part')), ...sealPart(opened, act, huang.resident, keys())];
  return { acts, parts: prepared.parts.with(act, opened) as PreparedRequest['parts'], payloads };
}

const withPayloads = (prepared: PreparedRequest, change: (payloads: Payload[]) => Payload[]): PreparedRequest => ({ ...prepared, payloads: change(prepared.payloads) });
const dropping = (what: Payload['what'], to: Payload['to']) => (prepared: PreparedRequest) => withPayloads(prepared, (payloads) => payloads.filter((payload) => !(payload.what === what && payload.to === to && payload.act === (what === 'grant' ? 0 : 1))));
const resealed = (what: Payload['what']) => (prepared: PreparedRequest) =>
  withPayloads(prepared, (payloads) => payloads.map((payload) => (payload.what === what ? { ...payload, sealed: sealTo(keys().agency, 'answers', huang.resident, Buffer.from('other')) } : payload)));

interface Case {
  name: string;
  code: string;
  spoil?: (draft: RequestDraft) => RequestDraft;
  after?: (prepared: PreparedRequest) => PreparedRequest;
}

const cases: Case[] = [
  { name: 'no copy for the keeper', code: 'part-missing', after: dropping('part', 'keeper') },
  { name: 'no copy for the data space', code: 'part-missing', after: dropping('part', 'space') },
  { name: 'no copy for the agency', code: 'part-missing', after: dropping('part', 'agency') },
  { name: 'no presentations', code: 'payload-missing', after: dropping('grant', 'keeper') },
  { name: 'no answers', code: 'payload-missing', after: dropping('answers', 'agency') },
  { name: 'no map of typed facts where the part names one', code: 'payload-missing', after: dropping('self', 'space') },
  { name: 'a payload that nothing names', code: 'payload-superfluous', after: (p) => withPayloads(p, (all) => [...all, { act: 0, what: 'answers', to: 'agency', sealed: new Uint8Array(10) }]) },
  { name: 'a payload twice', code: 'payload-superfluous', after: (p) => withPayloads(p, (all) => [...all, ...all.slice(0, 1)]) },
  { name: 'a payload of an act that is not there', code: 'payload-superfluous', after: (p) => withPayloads(p, (all) => [...all, { act: 9, what: 'part', to: 'space', sealed: new Uint8Array(10) }]) },
  { name: 'a payload that is too large', code: 'payload-too-large', after: (p) => withPayloads(p, (all) => [...all, { act: 1, what: 'self', to: 'keeper', sealed: new Uint8Array(65 * 1024) }]) },
  { name: 'a part sealed to somebody else', code: 'part-unreadable', after: (p) => withPayloads(p, (all) => all.map((one) => (one.what === 'part' && one.to === 'keeper' ? { ...one, sealed: sealTo(keys().agency, 'part', huang.resident, Buffer.from('x')) } : one))) },
  {
    name: 'a part that the act does not commit to',
    code: 'part-mismatch',
    after: (p) => ({ ...p, payloads: withPart(p, 0, (part) => ({ ...part, purpose: 'tax.property-certificate' })).payloads }),
  },
  { name: 'other presentations than were signed for', code: 'payload-mismatch', after: resealed('grant') },
  { name: 'other answers than were signed for', code: 'payload-mismatch', after: resealed('answers') },
  { name: 'another map of typed facts than was signed for', code: 'payload-mismatch', after: resealed('self') },
  { name: 'an outer layer around something else', code: 'payload-mismatch', after: (p) => withPart(p, 0, (part) => ({ ...part, inner: hashOf(Buffer.from('other')) })) },
  { name: 'an agency that does not exist', code: 'party-unknown', after: (p) => withPart(p, 0, (part) => ({ ...part, agency: 'moon-office' })) },
  { name: 'a party that is no agency', code: 'party-kind', after: (p) => withPart(p, 0, (part) => ({ ...part, agency: 'registrar' })) },
  { name: "another agency's purpose", code: 'purpose-not-owned', after: (p) => withPart(p, 0, (part) => ({ ...part, purpose: 'tax.property-certificate' })) },
  { name: 'a claim beyond the purpose', code: 'claims-beyond-purpose', after: (p) => withPart(p, 0, (part) => ({ ...part, claims: [...part.claims, 'nation'] })) },
  { name: 'a claim within the purpose and beyond the service', code: 'claims-beyond-service', after: (p) => withPart(p, 0, (part) => ({ ...part, claims: [...part.claims, 'household_number'] })) },
  { name: "another agency's service", code: 'service-mismatch', after: (p) => withPart(p, 0, (part) => ({ ...part, service: 'tax/property-tax-certificate' })) },
  { name: 'a service that was never published', code: 'service-mismatch', after: (p) => withPart(p, 1, (part) => ({ ...part, service: 'pension/other' })) },
  { name: 'another version of the service', code: 'service-mismatch', after: (p) => withPart(p, 1, (part) => ({ ...part, version: part.version + 1 })) },
  { name: 'another definition of the service', code: 'service-mismatch', after: (p) => withPart(p, 1, (part) => ({ ...part, definition: hashOf(Buffer.from('other')) })) },
  { name: "a request at another agency than the grant's", code: 'service-mismatch', after: (p) => withPart(p, 1, (part) => ({ ...part, agency: 'tax-bureau' })) },
  { name: 'another end in the part than in the act', code: 'until-mismatch', after: (p) => withPart(p, 0, (part) => ({ ...part, until: new Date(Date.parse(part.until) + 1000).toISOString() })) },
  { name: 'an end that has passed', code: 'until-past', spoil: (draft) => ({ ...draft, until: draft.now - 1 }) },
  { name: 'a longer grant than the purpose allows', code: 'until-too-far', spoil: (draft) => ({ ...draft, until: draft.now + 121 * 86_400 }) },
  { name: 'more reads than anybody needs', code: 'reads-too-many', spoil: (draft) => ({ ...draft, reads: 33 }) },
  { name: 'a grant that nobody gave', code: 'grant-unknown', after: (p) => ({ ...p, acts: [p.acts[0], { ...p.acts[1], refs: [new Uint8Array(16)] }] }) },
];

describe('the keeper refuses', () => {
  it.each(cases)('$name: $code', async ({ code, spoil, after }) => {
    const known = must(await parts.ledger.head());
    const { id, submission } = await huang.request(visit, service, answers, { ...(spoil && { spoil }), ...(after && { after }) });
    expect(must(await parts.keeper.take(submission))).toEqual({ state: 'rejected', code });
    expect(must(await parts.keeper.state(id))).toEqual({ state: 'rejected', code });
    // Nothing of it reached the ledger.
    expect(must(await parts.ledger.head())).toEqual(known);
    expect(must(await parts.ledger.state(id)).state).toBe('unknown');
  });

  it('and takes the same request as it should be, also after all that', async () => {
    const { id, submission } = await huang.request(visit, service, answers);
    expect(must(await parts.keeper.take(submission)).state).toBe('queued');
    expect(must(await parts.ledger.receipt(id, 5000))).not.toBeNull();
  });

  it('knows the counter values that were spent on refused ones', async () => {
    const spent = await huang.request(visit, service, answers, { spoil: (draft) => ({ ...draft, reads: 33 }) });
    const counter = huang.card.nextCounter() - 1;
    must(await parts.keeper.take(spent.submission));
    const { opened } = await huang.signIn();
    expect(opened.knownCounters).toContain(counter);
  });
});

describe('what nobody signed', () => {
  it.each([
    {
      name: 'a signature that does not verify',
      code: 'signature-invalid',
      spoil: (envelope: Uint8Array, signature: Uint8Array) => {
        const at = Buffer.from(envelope).indexOf(signature);
        return envelope.map((byte, i) => (i === at ? byte ^ 1 : byte));
      },
    },
    { name: 'an envelope that is none', code: 'envelope-malformed', spoil: () => Buffer.from('no envelope') },
  ])('is refused and leaves no trace: $name', async ({ code, spoil }) => {
    const before = (await huang.signIn()).opened.knownCounters;
    const { id, submission } = await huang.request(visit, service, answers);
    const last = submission.envelope.length;
    const spoiled = spoil(submission.envelope, findSignature(submission.envelope, last));
    expect(must(await parts.keeper.take({ ...submission, envelope: spoiled }))).toEqual({ state: 'rejected', code });
    expect(must(await parts.keeper.state(id)).state).toBe('unknown');
    expect((await huang.signIn()).opened.knownCounters).toEqual(before);
  });

  it('is refused from a card that was reported lost', async () => {
    const wang = new Visitor(world, 'wang', callDirectly(parts));
    const { submission } = await wang.request({ ...visit, credential: visit.credential }, service, answers);
    expect(must(await parts.keeper.take(submission))).toEqual({ state: 'rejected', code: 'signer-revoked' });
  });
});

/** The first signature of a COSE_Sign: the 64 bytes after the first 0x5840. */
function findSignature(envelope: Uint8Array, end: number): Uint8Array {
  const at = Buffer.from(envelope).indexOf(Buffer.from([0x58, 0x40]));
  return envelope.subarray(at + 2, Math.min(at + 66, end));
}

it('a request may rest on a grant of an earlier transaction', async () => {
  const first = await huang.request(visit, service, answers);
  must(await parts.keeper.take(first.submission));
  must(await parts.ledger.receipt(first.id, 5000));
  // Settling follows the block.
  await huang.signIn();
  const second = await huang.request(visit, service, answers, {
    after: (prepared) => ({ ...prepared, acts: [prepared.acts[0], { ...prepared.acts[1], refs: [first.draft.grant] }] }),
  });
  expect(must(await parts.keeper.take(second.submission)).state).toBe('queued');
  must(await parts.ledger.receipt(second.id, 5000));
  const record = await huang.record('request', stateKey.request(second.draft.request));
  expect(record.grants).toEqual([first.draft.grant]);
});

describe('opening a space', () => {
  it.each([
    { name: 'another chain', change: (c: object) => ({ ...c, chain: 'imi-other' }), code: 'challenge-failed' },
    { name: 'another purpose', change: (c: object) => ({ ...c, purpose: 'register' }), code: 'challenge-failed' },
    { name: 'a nonce of its own', change: (c: object) => ({ ...c, nonce: new Uint8Array(32) }), code: 'challenge-failed' },
    { name: 'a later end than was given', change: (c: object) => ({ ...c, notAfter: 2 ** 40 }), code: 'challenge-failed' },
    { name: 'no kiosk', change: (c: object) => ({ ...c, kiosk: null }), code: 'challenge-failed' },
    { name: 'a kiosk that is not enrolled', change: (c: object) => ({ ...c, kiosk: 'hall-9' }), code: 'kiosk-not-enrolled' },
  ])('is refused with $name', async ({ change, code }) => {
    const answer = await parts.keeper.openSpace(await huang.proveKey(change as Parameters<Visitor['proveKey']>[0]));
    expect(!answer.ok && answer.failure.code).toBe(code);
  });

  it('is refused to an answer that was given before', async () => {
    const proof = await huang.proveKey();
    expect((await parts.keeper.openSpace(proof)).ok).toBe(true);
    const again = await parts.keeper.openSpace(proof);
    expect(!again.ok && again.failure).toEqual({ code: 'challenge-failed', detail: 'nonce' });
  });

  it("is refused to another card's answer", async () => {
    const proof = await huang.proveKey();
    const lin = new Visitor(world, 'lin', callDirectly(parts));
    const answer = await parts.keeper.openSpace({ ...proof, resident: lin.resident });
    expect(!answer.ok && answer.failure).toEqual({ code: 'challenge-failed', detail: 'signature' });
  });

  it('keeps the session for broken-off counters until it is closed', async () => {
    const { session } = (await huang.signIn()).opened;
    must(await parts.keeper.brokenOff(session, 4000));
    expect((await huang.signIn()).opened.knownCounters).toContain(4000);
    parts.keeper.closeSpace(session);
    const late = await parts.keeper.brokenOff(session, 4001);
    expect(!late.ok && late.failure.code).toBe('hub-refused');
  });
});
