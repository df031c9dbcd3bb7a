import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHubParts, type HubParts } from '../../src/hub/hub.ts';
import { issueCredential } from '../../src/identity/credential.ts';
import { hashOf } from '../../src/identity/grant.ts';
import { sealLetter } from '../../src/identity/letter.ts';
import { sealCredential } from '../../src/identity/space.ts';
import type { Incoming } from '../../src/keeper/submission-check.ts';
import type { Id, Payment, RequestStep, StepPart } from '../../src/ledger/verify/acts.ts';
import type { Order } from '../../src/ledger/verify/order.ts';
import { demoId } from '../../tools/demo/demo-keys.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { callDirectly, must, soon, Visitor, type OpenVisit } from '../hub/visitor.ts';
import { cardSigner, newId, orderBy, partySigner, sealKeys, signedBy, withPart } from './agency-stand.ts';

let dataDir: string;
let world: World;
let parts: HubParts;
let lin: Visitor;
let visit: OpenVisit;
let given: { grant: Id; request: Id };

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-agency-acts-'));
  world = await seedWorld(dataDir);
  parts = must(await openHubParts({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  lin = new Visitor(world, 'lin', callDirectly(parts));
  visit = await lin.signIn();
  given = await requested();
});
afterAll(async () => {
  await parts.close();
  rmSync(dataDir, { recursive: true });
});

const answers = { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' };
async function requested(): Promise<{ grant: Id; request: Id }> {
  const { submission, draft } = await lin.request(visit, 'tax/property-tax-certificate', answers);
  await taken(submission);
  return { grant: draft.grant, request: draft.request };
}

/** 'recorded', or the code of the refusal. */
async function taken(incoming: Incoming): Promise<string> {
  const state = must(await parts.keeper.take(incoming));
  if (state.state === 'rejected') return state.code ?? 'rejected';
  await lin.signIn();
  return 'recorded';
}

type StepOrder = Extract<Order, { kind: 'request.step' }>;
interface StepWish {
  order?: Partial<StepOrder>;
  part?: Partial<StepPart>;
  act?: Partial<RequestStep>;
  by?: string;
  letter?: Uint8Array | null;
  signed?: Uint8Array;
  request?: Id;
}
const letter = (): Uint8Array => sealLetter(visit.space.publicKey, lin.resident, { title: '税务证明', text: '您的证明已经开好。' });

/** A step as the gateway brings it; `order`, `part` and `act` spoil one of the three. */
async function step(to: RequestStep['step'], wish: StepWish = {}): Promise<Incoming> {
  const sealed = wish.letter ?? null;
  const request = wish.request ?? given.request;
  const rest = { ...(to === 'decided' ? { decision: 'approved' as const } : {}), ...(sealed === null ? {} : { letter: hashOf(sealed) }) };
  const order: StepOrder = { kind: 'request.step', party: 'tax-bureau', subject: lin.resident, request, step: to, ...rest, ...wish.order };
  const signer = wish.by === undefined ? partySigner('tax-bureau') : wish.by.startsWith('party:') ? partySigner(wish.by.slice(6)) : cardSigner(world, wish.by);
  const signed = wish.signed ?? (await orderBy(signer, parts.ledger.chain, order));
  const part: StepPart = { kind: 'request.step', agency: 'tax-bureau', ...rest, signed, ...wish.part };
  const made = withPart({ kind: 'request.step', subject: lin.resident, id: request, step: to, ...wish.act }, part, sealKeys('tax-bureau', visit.space.publicKey));
  const { envelope } = await signedBy([partySigner('gateway')], parts.ledger.chain, [made.act]);
  return { envelope, payloads: [...made.payloads, ...(sealed === null ? [] : [{ act: 0, what: 'letter', to: 'space', sealed } as const])] };
}

describe('a step of a request', () => {
  const payment: Payment = { reference: 'TAX-2026-01', amountFen: 1250 };
  const refusedCases: { name: string; code: string; to?: RequestStep['step']; wish: () => StepWish | Promise<StepWish> }[] = [
    { name: 'ordered of another request', code: 'order-mismatch', wish: () => ({ order: { request: newId() } }) },
    { name: 'ordered of another resident', code: 'order-mismatch', wish: () => ({ order: { subject: demoId('chen') } }) },
    { name: 'ordered otherwise than it is done', code: 'order-mismatch', wish: () => ({ order: { step: 'needs-more' } }) },
    { name: 'with a payment that was not ordered', code: 'order-mismatch', wish: () => ({ part: { payment } }) },
    { name: 'with another payment than was ordered', code: 'order-mismatch', wish: () => ({ part: { payment }, order: { payment: { ...payment, amountFen: 1 } } }) },
    { name: 'with a letter that was not ordered', code: 'order-mismatch', wish: () => ({ letter: letter(), order: { letter: hashOf(Buffer.from('other')) } }) },
    { name: 'with a decision before it is decided', code: 'order-mismatch', wish: () => ({ part: { decision: 'approved' }, order: { decision: 'approved' } }) },
    { name: 'decided without a decision', code: 'order-mismatch', to: 'decided', wish: async () => ({ part: { decision: undefined as never }, signed: await orderBy(partySigner('tax-bureau'), parts.ledger.chain, { kind: 'request.step', party: 'tax-bureau', subject: lin.resident, request: given.request, step: 'decided' }) }) },
    { name: 'ordered by another agency', code: 'addressee-mismatch', wish: () => ({ order: { party: 'pension-office' }, by: 'party:pension-office' }) },
    { name: "of another agency's request", code: 'request-unknown', wish: () => ({ order: { party: 'pension-office' }, part: { agency: 'pension-office' }, by: 'party:pension-office' }) },
    { name: 'of a request that nobody made', code: 'request-unknown', wish: () => ({ request: newId() }) },
    { name: "ordered by another agency's officer", code: 'signer-role', wish: () => ({ by: 'officer-luo' }) },
    { name: 'ordered by the gateway itself', code: 'signer-role', wish: () => ({ by: 'party:gateway' }) },
    { name: 'that leaves out what was submitted between', code: 'step-illegal', to: 'closed', wish: () => ({}) },
  ];
  it.each(refusedCases)('$name is refused: $code', async ({ code, to = 'received', wish }) => {
    expect(await taken(await step(to, await wish()))).toBe(code);
  });

  it('is refused without its letter, and with another', async () => {
    const without = await step('received', { letter: letter() });
    expect(await taken({ ...without, payloads: without.payloads.filter(({ what }) => what !== 'letter') })).toBe('payload-missing');
    const incoming = await step('received', { letter: letter() });
    const other = letter();
    expect(await taken({ ...incoming, payloads: incoming.payloads.map((one) => (one.what === 'letter' ? { ...one, sealed: other } : one)) })).toBe('payload-mismatch');
  });

  it('by officer and by the agency’s own key goes all the way, with a letter and a payment, and the resident finds all of it', async () => {
    expect(await taken(await step('received', { by: 'officer-mai' }))).toBe('recorded');
    expect(await taken(await step('needs-more', { letter: letter() }))).toBe('recorded');
    expect(await taken(await step('received'))).toBe('recorded');
    expect(await taken(await step('decided', { letter: letter(), part: { payment }, order: { payment } }))).toBe('recorded');
    const { contents } = await lin.signIn();
    const decided = contents.parts.find(({ opened }) => opened.part.kind === 'request.step' && opened.part.decision === 'approved');
    const found = contents.letters.find(({ transaction }) => decided !== undefined && Buffer.from(transaction).equals(decided.transaction));
    expect(found?.letter).toEqual({ title: '税务证明', text: '您的证明已经开好。' });
    expect(decided?.opened.part).toMatchObject({ letter: found?.hash, payment });
    expect(must(await parts.keeper.requestOf('tax-bureau', given.request)).step).toBe('decided');
    expect(must(await parts.keeper.requestsOf('tax-bureau', { limit: 10, step: 'decided', service: 'tax/property-tax-certificate' })).items.map(({ id }) => id)).toEqual([given.request]);
  });

  it('is ordered once: the same order in another transaction is refused', async () => {
    const { request } = await requested();
    const signed = await orderBy(partySigner('tax-bureau'), parts.ledger.chain, { kind: 'request.step', party: 'tax-bureau', subject: lin.resident, request, step: 'received' });
    expect(await taken(await step('received', { request, signed }))).toBe('recorded');
    expect(await taken(await step('needs-more', { request }))).toBe('recorded');
    expect(await taken(await step('received', { request, signed }))).toBe('nonce-spent');
  });

  it('is refused when the resident has withdrawn', async () => {
    const { request } = await requested();
    expect(await taken(await lin.end(visit, request, 'pension-office', 'request.withdraw'))).toBe('addressee-mismatch');
    expect(await taken(await lin.end(visit, request, 'tax-bureau', 'request.withdraw'))).toBe('recorded');
    expect(await taken(await step('received', { request }))).toBe('step-illegal');
    expect(must(await parts.keeper.requestOf('tax-bureau', request)).step).toBe('withdrawn');
  });
});

describe('an end of a grant', () => {
  it('names the agency that the grant was for, and tells it', async () => {
    const { grant } = await requested();
    let told = 0;
    const stop = parts.keeper.onChange('tax-bureau', () => (told += 1));
    expect(await taken(await lin.end(visit, grant, 'pension-office'))).toBe('addressee-mismatch');
    expect(await taken(await lin.end(visit, newId(), 'tax-bureau'))).toBe('grant-unknown');
    expect(told).toBe(0);
    expect(await taken(await lin.end(visit, grant, 'tax-bureau'))).toBe('recorded');
    expect(told).toBe(1);
    stop();
  });
});

describe("an agency's credential", () => {
  const vct = 'urn:imi:credential:taxpayer:1';
  async function issue(change: { order?: object; vct?: string; status?: number; credential?: Id } = {}): Promise<{ incoming: Incoming; credential: Id }> {
    const credential = change.credential ?? newId();
    const type = change.vct ?? vct;
    const status = change.status ?? 7;
    const sdJwt = await issueCredential(
      { vct: type, issuer: 'tax-bureau', holder: lin.card.aut.key[1], status, issuedAt: soon(), expiresAt: soon() + 86_400, claims: { taxpayer_number: 'T-0001' } },
      (message) => partySigner('tax-bureau').sign(message),
    );
    const hash = hashOf(Buffer.from(sdJwt, 'ascii'));
    const signed = await orderBy(partySigner('tax-bureau'), parts.ledger.chain, { kind: 'credential.issue', party: 'tax-bureau', subject: lin.resident, credential, vct: type, status, hash, ...change.order });
    const { space, keeper } = sealKeys('tax-bureau', visit.space.publicKey);
    const made = withPart({ kind: 'credential.anchor', subject: lin.resident, id: credential, status } as const, { kind: 'credential.anchor', issuer: 'tax-bureau', vct: type, credential: hash, signed }, { space, keeper });
    const { envelope } = await signedBy([partySigner('gateway')], parts.ledger.chain, [made.act]);
    return { credential, incoming: { envelope, payloads: [...made.payloads, { act: 0, what: 'credential', to: 'space', sealed: sealCredential(visit.space.publicKey, lin.resident, sdJwt) }] } };
  }
  async function revoke(credential: Id, issuer = 'tax-bureau', type = vct): Promise<Incoming> {
    const signed = await orderBy(partySigner(issuer), parts.ledger.chain, { kind: 'credential.revoke', party: issuer, subject: lin.resident, credential, vct: type, reason: 'ended' });
    const { space, keeper } = sealKeys(issuer, visit.space.publicKey);
    const made = withPart({ kind: 'credential.revoke', subject: lin.resident, id: credential } as const, { kind: 'credential.revoke', issuer, vct: type, reason: 'ended', signed }, { space, keeper });
    const { envelope } = await signedBy([partySigner('gateway')], parts.ledger.chain, [made.act]);
    return { envelope, payloads: made.payloads };
  }
  const inSpace = async (): Promise<string[]> => (await lin.signIn()).opened.objects.map(({ name }) => name).filter((name) => name.startsWith(`credential/${vct}`));

  it('is issued without the card present, and goes when it is revoked', async () => {
    const { incoming, credential } = await issue();
    expect(await taken(incoming)).toBe('recorded');
    expect(await inSpace()).toEqual([`credential/${vct}/7`]);
    expect(await taken(await revoke(credential, 'pension-office'))).toBe('credential-unknown');
    expect(await taken(await revoke(credential, 'tax-bureau', 'urn:imi:credential:other:1'))).toBe('credential-unknown');
    expect(await inSpace()).toHaveLength(1);
    expect(await taken(await revoke(credential))).toBe('recorded');
    expect(await inSpace()).toEqual([]);
  });

  it.each([
    { name: 'of another hash than was ordered', change: { order: { hash: hashOf(Buffer.from('other')) } }, code: 'order-mismatch' },
    { name: 'with another status than was ordered', change: { order: { status: 8 } }, code: 'order-mismatch' },
    { name: 'for another resident than was ordered', change: { order: { subject: demoId('chen') } }, code: 'order-mismatch' },
    { name: 'of a type that is another agency’s to issue', change: { vct: 'urn:imi:credential:pension:1' }, code: 'signer-role' },
    { name: 'of a type that nobody issues', change: { vct: 'urn:imi:credential:other:1' }, code: 'signer-role' },
    { name: 'that says who somebody is', change: { vct: 'urn:imi:credential:identity:1' }, code: 'signer-role' },
  ])('$name is refused: $code', async ({ change, code }) => {
    expect(await taken((await issue(change)).incoming)).toBe(code);
  });
});

it('nobody brings a look of their own making: the keeper alone makes one', async () => {
  const made = withPart(
    { kind: 'access.record', subject: lin.resident, id: newId(), refs: [given.grant] } as const,
    { kind: 'access.record', party: 'tax-bureau', officer: demoId('officer-mai'), purpose: 'tax.property-certificate', claims: [], signed: new Uint8Array(10) },
    sealKeys('tax-bureau', visit.space.publicKey),
  );
  const { envelope } = await signedBy([partySigner('keeper')], parts.ledger.chain, [made.act]);
  expect(await taken({ envelope, payloads: made.payloads })).toBe('act-unknown');
});
