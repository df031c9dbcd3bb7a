import { generateKeyPairSync, randomBytes, sign as signWith, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setGlobalConfig } from '@openid4vc/oauth2';
import { Openid4vpClient } from '@openid4vc/openid4vp';
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identityVct } from '../../src/contract/claims.ts';
import { answerAsk, answerForm, matchAsk, type VpToken } from '../../src/identity/answer.ts';
import { nonceHash, openAsk, signAsk, type Ask, type AskTerms } from '../../src/identity/ask.ts';
import { sha256 } from '../../src/identity/credential.ts';
import { softwareOpener } from '../../src/identity/hpke.ts';
import { isSignedBy, parseJws } from '../../src/identity/jws.ts';
import { openSealed, sealTo } from '../../src/identity/sealing.ts';
import { fail, ok, type Result } from '../../src/contract/result.ts';
import { Asks, bringingSeconds } from '../../src/gateway/asks.ts';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { tagsUnder } from '../../src/keeper/agency-tag.ts';
import { Keeper } from '../../src/keeper/keeper.ts';
import { openKeeperStore } from '../../src/keeper/sqlite-store.ts';
import { openAskBook } from '../../src/keeper/ask-book.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import type { OpenedPart } from '../../src/ledger/verify/acts.ts';
import { fromBase64url, toBase64url, toHex } from '../../src/ledger/verify/bytes.ts';
import { openEnvelope, signEnvelope } from '../../src/ledger/verify/envelope.ts';
import { trustThrough } from '../../src/ledger/verify/handover.ts';
import { commitPart, encodeOpenedPart } from '../../src/ledger/verify/private-part.ts';
import { verifyReceipt } from '../../src/ledger/verify/receipt.ts';
import { stateKey } from '../../src/ledger/verify/records.ts';
import { demoId } from '../../tools/demo/demo-keys.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { callDirectly, must, soon, Visitor, type OpenVisit } from '../hub/visitor.ts';
import { viewOf } from '../keeper/ledger-view.ts';
import { clientOf, partySigner, sendRaw } from './gateway-in-test.ts';

let dataDir: string;
let world: World;
let hub: Hub;
let url: string;
let lin: Visitor;
let visit: OpenVisit;
let clock = (): number => Date.now();

const issuerKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const holderKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const province = 'https://province.example';

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'asks-'));
  world = await seedWorld(dataDir);
  const gateway = world.serverFile.gateway;
  if (gateway === undefined) throw new Error('the demonstration has no gateway');
  const serverFile = {
    ...world.serverFile,
    gateway: { ...gateway, listen: 'http://127.0.0.1:0', issuers: [{ iss: province, vcts: [identityVct], keys: [issuerKeys.publicKey.export({ format: 'jwk' }) as { kty: string }] }] },
  };
  hub = must(await openHub({ hubFile: world.hubFile, serverFile, dataDir: world.hubDir, now: () => clock() }));
  url = hub.gatewayUrl ?? '';
  lin = new Visitor(world, 'lin', callDirectly(hub));
  visit = await lin.signIn();
});
afterAll(async () => {
  await hub.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const termsOf = (change: Partial<AskTerms> = {}): AskTerms => ({
  agency: 'pension-office',
  purpose: 'pension.eligibility',
  reason: { en: 'to find your account', 'zh-Hans': '查找您的账户' },
  subject: null,
  nonce: toBase64url(new Uint8Array(randomBytes(32))),
  state: toBase64url(new Uint8Array(randomBytes(16))),
  responseUri: `${url}/v1/openid4vp/responses`,
  at: soon(),
  until: soon() + 3600,
  wanted: [{ id: 'identity', vcts: [identityVct], claims: [{ claim: 'name', optional: false }, { claim: 'address', optional: true }] }],
  ...change,
});

interface AskView {
  id: string;
  state: string;
  code: string | null;
  requestUri: string;
  walletUri: string;
}

async function asked(change: Partial<AskTerms> = {}, code = false): Promise<{ ask: Ask; view: AskView }> {
  const terms = termsOf(change);
  const signed = signAsk(terms, partySigner(terms.agency).sign);
  const view = must(await clientOf(url, terms.agency).call('POST', '/v1/asks', { body: { request: signed, code } })).body as AskView;
  return { ask: must(openAsk(signed)), view };
}

const tokenFor = async (ask: Ask, leftOut: string[] = [], from: Visitor = lin, opened: OpenVisit = visit): Promise<VpToken> =>
  must(await answerAsk(ask, matchAsk(ask, [opened.credential]).parts, leftOut, Math.floor(clock() / 1000), from.card.signWithAut)).vpToken;

const post = (form: URLSearchParams) => sendRaw(url, { method: 'POST', path: '/v1/openid4vp/responses', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form.toString() });
const posted = (ask: Ask, vpToken: VpToken) => post(answerForm(ask, { vpToken }));
const codeOf = (reply: { status: number; json: unknown }): string => (reply.status === 200 ? 'taken' : (reply.json as { code: string }).code);
const answerOf = async (ask: Ask): Promise<Record<string, unknown>> => must(await clientOf(url, ask.agency).call('GET', `/v1/asks/${ask.state}/answer`)).body as Record<string, unknown>;

describe('an ask that is answered with the card', () => {
  it('brings the agency a yes, the claims and a receipt, and leaves an entry with the resident', async () => {
    const { ask, view } = await asked({ subject: demoId('lin') });
    expect(view).toMatchObject({ state: 'open', code: null, requestUri: `${url}/v1/openid4vp/requests/${ask.state}` });
    const fetched = await sendRaw(url, { path: new URL(view.requestUri).pathname });
    expect([fetched.status, fetched.headers['content-type']]).toEqual([200, 'application/oauth-authz-req+jwt']);

    const vpToken = await tokenFor(ask, ['address']);
    const reply = await posted(ask, vpToken);
    expect([reply.status, reply.json]).toEqual([200, { transaction: expect.stringMatching(/^[0-9a-f]{64}$/) as string, recorded: true }]);

    const answer = await answerOf(ask);
    expect(answer).toMatchObject({ answer: 'yes', ledgerKey: 'active', subject: toHex(demoId('lin')), claims: ['name'], gatewayReceipt: null });
    const opened = must(await openSealed(fromBase64url(answer['token'] as string) ?? new Uint8Array(), 'token', nonceHash(ask), softwareOpener(partySecrets('pension-office').seal)));
    expect(JSON.parse(Buffer.from(opened).toString('utf8'))).toEqual(vpToken);

    const trust = trustThrough(world.hubFile.trustRoot, nodeCrypto);
    const proof = must(verifyReceipt(fromBase64url(answer['receipt'] as string) ?? new Uint8Array(), trust, nodeCrypto));
    expect(proof.body.acts[0]).toMatchObject({ kind: 'verification.answer', id: nonceHash(ask), until: ask.until });
    expect(proof.acts[0]).toMatchObject({ part: { agency: 'pension-office', purpose: 'pension.eligibility', claims: ['name'] } });

    const after = await lin.signIn();
    const entry = after.contents.parts.find(({ opened: { part } }) => part.kind === 'verification.answer');
    expect(entry?.opened.part).toMatchObject({ agency: 'pension-office', claims: ['name'] });
  });

  it('is found at a kiosk by its short code, and answered there', async () => {
    const { ask, view } = await asked({}, true);
    const call = callDirectly(hub);
    const found = must(await call('ask.by-code', { session: visit.session, code: ` ${view.code?.toLowerCase() ?? ''}` }));
    expect(must(await call('ask.by-id', { session: visit.session, ask: found.ask?.id ?? new Uint8Array(16) })).ask).toEqual(found.ask);
    expect(found.ask?.signed).toBe(await sendRaw(url, { path: new URL(view.requestUri).pathname }).then(({ text }) => text));
    const answered = must(await call('ask.answer', { session: visit.session, ask: found.ask?.id ?? new Uint8Array(16), vpToken: JSON.stringify(await tokenFor(ask)) }));
    expect(answered).toEqual({ transaction: expect.any(Uint8Array) as Uint8Array });
    expect(must(await call('ask.by-code', { session: visit.session, code: view.code ?? '' })).ask).toBeNull();
    expect(must(await call('ask.by-id', { session: visit.session, ask: found.ask?.id ?? new Uint8Array(16) })).ask).toBeNull();
    expect((await answerOf(ask))['claims']).toEqual(['name', 'address']);
  });

  it('waits for its resident at the next visit, and for nobody else', async () => {
    const { ask } = await asked({ subject: demoId('lin') });
    const call = callDirectly(hub);
    const waiting = must(await call('asks.list', { session: visit.session })).asks;
    expect(waiting.map(({ id }) => toBase64url(id))).toContain(ask.state);
    const other = new Visitor(world, 'chen', call);
    const theirs = await other.signIn();
    expect(must(await call('asks.list', { session: theirs.session })).asks).toEqual([]);
    const token = JSON.stringify(await tokenFor(ask, [], other, theirs));
    expect(must(await call('ask.answer', { session: theirs.session, ask: Buffer.from(ask.state, 'base64url'), vpToken: token }))).toEqual({ refused: 'answer-subject' });
    expect(must(await call('ask.refuse', { session: theirs.session, ask: Buffer.from(ask.state, 'base64url') }))).toEqual({ refused: 'ask-unknown' });
    expect(must(await call('ask.refuse', { session: visit.session, ask: Buffer.from(ask.state, 'base64url') }))).toEqual({});
  });

  it('takes six codes in a visit and no seventh', async () => {
    const { view } = await asked({}, true);
    const call = callDirectly(hub);
    const { session } = await lin.signIn();
    const left: number[] = [];
    for (let tries = 0; tries < 6; tries++) left.push(must(await call('ask.by-code', { session, code: '2222-2222' })).triesLeft);
    expect(left).toEqual([5, 4, 3, 2, 1, 0]);
    expect(must(await call('ask.by-code', { session, code: view.code ?? '' }))).toEqual({ ask: null, triesLeft: 0 });
  });
});

describe('an ask that is refused', () => {
  it('says no, with nothing else, and no act', async () => {
    const { ask } = await asked();
    expect((await post(answerForm(ask, { error: 'access_denied' }))).status).toBe(200);
    expect(await answerOf(ask)).toMatchObject({ answer: 'no', ledgerKey: null, subject: null, claims: [], token: null, transaction: null, receipt: null });
    const spent = must(await hub.ledger.values([stateKey.answer(nonceHash(ask))]));
    expect(spent).toEqual([null]);
    expect(codeOf(await posted(ask, await tokenFor(ask)))).toBe('answer-replayed');
  });

  it.each([
    { name: 'is on its way while another hub may be at it', ago: bringingSeconds / 2, state: 'answering' },
    { name: 'is open again where it never came to the keeper', ago: bringingSeconds, state: 'open' },
  ])('was answered, and the hub that took it ended: it $name', async ({ ago, state }) => {
    const { ask } = await asked();
    const id = new Uint8Array(Buffer.from(ask.state, 'base64url'));
    const book = must(openAskBook(join(world.hubDir, world.serverFile.gateway?.asks ?? ''), partySecrets('keeper').seal));
    const answer = { key: 'ledger' as const, subject: demoId('lin'), claims: ['name'], token: new Uint8Array(1), transaction: new Uint8Array(randomBytes(32)), part: null, foreignReceipt: null };
    must(await book.settleAsk(id, { outcome: 'answered', at: soon() - ago, answer }));
    await book.close();
    expect(must(await clientOf(url, 'pension-office').call('GET', `/v1/asks/${ask.state}`)).body).toMatchObject({ state });
    expect(codeOf(await posted(ask, await tokenFor(ask)))).toBe(state === 'open' ? 'taken' : 'answer-replayed');
  });

  describe('whose answer is brought with an interruption', () => {
    const path = (name: 'asks.sqlite' | 'keeper.sqlite'): string => join(world.hubDir, name);
    const take = (envelope: Uint8Array) => hub.ledger.submit(envelope);
    /** The same keeper and book, with what a test changes on the way to the ledger. */
    const interrupted = async (change: { submit?: typeof take; note?: () => Promise<Result<null>>; at?: () => number }, work: (asks: Asks) => Promise<void>): Promise<void> => {
      const book = must(openAskBook(path('asks.sqlite'), partySecrets('keeper').seal));
      const ledger = viewOf(hub.ledger, { submit: change.submit ?? take, onBlock: () => () => undefined });
      const keeper = new Keeper({ ledger, store: must(openKeeperStore(path('keeper.sqlite'))), opener: softwareOpener(partySecrets('keeper').seal), tags: tagsUnder(partySecrets('keeper').seal), name: 'keeper', signer: partySigner('keeper'), crypto: nodeCrypto, now: Date.now });
      const asks = new Asks({
        ledger: hub.ledger,
        keeper: {
          take: (incoming) => keeper.take(incoming),
          state: (transaction) => keeper.state(transaction),
          isMuted: (resident, agency) => keeper.isMuted(resident, agency),
          noteAsk: (...told) => change.note?.() ?? keeper.noteAsk(...told),
        },
        keeperSeal: softwareOpener(partySecrets('keeper').seal).publicKey,
        book,
        lists: hub.lists,
        trusted: [],
        party: { name: 'gateway', ...partySigner('gateway') },
        crypto: nodeCrypto,
        now: change.at ?? Date.now,
      });
      await work(asks);
      await keeper.close();
      await book.close();
    };
    const idOf = (ask: Ask): Uint8Array => new Uint8Array(Buffer.from(ask.state, 'base64url'));

    it('is on its way where it was kept, and cannot be answered twice', async () => {
      const { ask } = await asked();
      await interrupted({ submit: () => Promise.resolve(fail('hub-busy', 'queue full')) }, async (asks) => {
        expect(must(await asks.answer(idOf(ask), await tokenFor(ask), null))).toMatchObject({ state: 'queued' });
        expect(must(await asks.forAgency(idOf(ask), ask.agency)).state).toBe('answering');
        expect(await asks.answer(idOf(ask), await tokenFor(ask), null)).toMatchObject({ failure: { code: 'answer-replayed' } });
      });
      must(await hub.keeper.recover());
      await expect.poll(() => answerOf(ask)).toMatchObject({ answer: 'yes', claims: ['name', 'address'] });
    });

    it('has the answer that the ledger has, where it was given up too early and given again', async () => {
      const { ask } = await asked();
      const first: Uint8Array[] = [];
      await interrupted({ submit: (envelope) => (first.push(envelope), Promise.resolve(ok({ state: 'rejected', code: 'subject-unknown' }))) }, async (asks) => {
        expect(await asks.answer(idOf(ask), await tokenFor(ask), null)).toMatchObject({ failure: { code: 'subject-unknown' } });
        expect(must(await asks.open(idOf(ask))).status).toEqual({ outcome: 'open' });
      });
      await interrupted({ submit: () => Promise.resolve(ok({ state: 'rejected', code: 'nonce-spent' })) }, async (asks) => {
        expect(await asks.answer(idOf(ask), await tokenFor(ask, ['address']), null)).toMatchObject({ failure: { code: 'answer-replayed' } });
      });
      // The first one after all, by another node.
      const { id } = must(openEnvelope(first[0] ?? new Uint8Array(), nodeCrypto));
      must(await take(first[0] ?? new Uint8Array()));
      must(await hub.ledger.receipt(id, 5000));
      must(await hub.keeper.recover());
      expect(await answerOf(ask)).toMatchObject({ answer: 'yes', transaction: toHex(id), claims: ['name', 'address'] });
      expect(codeOf(await posted(ask, await tokenFor(ask)))).toBe('answer-replayed');
    });

    it('waits for its resident again where the way ended before the keeper, without its agency looking', async () => {
      const { ask } = await asked({ subject: demoId('lin') });
      const answer = { key: 'ledger' as const, subject: demoId('lin'), claims: ['name'], token: new Uint8Array(1), transaction: new Uint8Array(randomBytes(32)), part: null, foreignReceipt: null };
      await interrupted({}, async (asks) => {
        const book = must(openAskBook(path('asks.sqlite'), partySecrets('keeper').seal));
        must(await book.settleAsk(idOf(ask), { outcome: 'answered', at: soon() - bringingSeconds, answer }));
        await book.close();
        must(await asks.finish());
        expect(must(await asks.asksFor(demoId('lin'))).map(({ id }) => toBase64url(id))).toEqual([ask.state]);
        must(await asks.refuse(idOf(ask), demoId('lin')));
      });
    });

    it('is told to its agency later, where what became of it could not be noted', async () => {
      const { ask } = await asked();
      const told = async (): Promise<number> => must(await hub.keeper.changes('pension-office', 0, 1000)).filter(({ kind, id }) => kind === 'ask.refused' && Buffer.from(id).equals(idOf(ask))).length;
      await interrupted({ note: () => Promise.resolve(fail('hub-storage', 'sqlite-13')) }, async (asks) => {
        must(await asks.refuse(idOf(ask), null));
        expect(await told()).toBe(0);
      });
      await interrupted({ at: () => Date.now() + bringingSeconds * 1000 }, async (asks) => {
        must(await asks.finish());
        must(await asks.finish());
        expect(await told()).toBe(1);
      });
    });
  });

  it('was never answered: no answer', async () => {
    const { ask } = await asked();
    const answer = await clientOf(url, 'pension-office').call('GET', `/v1/asks/${ask.state}/answer`);
    expect(!answer.ok && answer.failure.code).toBe('ask-not-answered');
    const another = await clientOf(url, 'tax-bureau').call('GET', `/v1/asks/${ask.state}`);
    expect(!another.ok && another.failure.code).toBe('ask-unknown');
  });
});

describe('an answer', () => {
  it('counts once', async () => {
    const { ask } = await asked();
    const vpToken = await tokenFor(ask);
    expect(codeOf(await posted(ask, vpToken))).toBe('taken');
    expect(codeOf(await posted(ask, vpToken))).toBe('answer-replayed');
    const elsewhere = await asked({ nonce: ask.nonce });
    expect(codeOf(await posted(elsewhere.ask, vpToken))).toBe('answer-replayed');
  });

  it.each([
    { name: 'for another agency', code: 'answer-audience', make: (ask: Ask) => tokenFor({ ...ask, agency: 'tax-bureau' }) },
    { name: 'for another ask', code: 'answer-nonce', make: (ask: Ask) => tokenFor({ ...ask, nonce: toBase64url(new Uint8Array(randomBytes(32))) }) },
    { name: 'with a disclosure changed', code: 'answer-disclosure-tampered', make: async (ask: Ask) => ({ identity: [((await tokenFor(ask))['identity']?.[0] ?? '').replace(/~[^~]+~/, '~WyJhIiwibmFtZSIsIngiXQ~')] }) },
    { name: 'that is no answer', code: 'answer-malformed', make: () => Promise.resolve({ identity: ['x'] }) },
  ])('$name is refused, and the ask stays open', async ({ make, code }) => {
    const { ask } = await asked();
    const reply = await posted(ask, await make(ask));
    expect(codeOf(reply)).toBe(code);
    expect(reply.text).not.toContain('林');
    expect((must(await clientOf(url, 'pension-office').call('GET', `/v1/asks/${ask.state}`)).body as AskView).state).toBe('open');
  });

  it('that is late is refused', async () => {
    const { ask } = await asked({ until: soon() + 60 });
    const vpToken = await tokenFor(ask);
    clock = () => Date.now() + 61_000;
    try {
      expect(codeOf(await posted(ask, vpToken))).toBe('answer-late');
    } finally {
      clock = () => Date.now();
    }
  });

  it('by a card that was blocked is refused', async () => {
    const call = callDirectly(hub);
    const dilnur = new Visitor(world, 'dilnur', call);
    const theirs = await dilnur.signIn();
    const { ask } = await asked();
    const vpToken = await tokenFor(ask, [], dilnur, theirs);
    const body = { v: 1 as const, chain: hub.ledger.chain, nonce: new Uint8Array(randomBytes(16)), notAfter: soon() + 600, acts: [{ kind: 'resident.block' as const, subject: dilnur.resident, reason: 'lost' as const }] };
    const staff = new Visitor(world, 'staff-liang', call);
    const envelope = await signEnvelope(body, [staff.card.sig], nodeCrypto);
    expect(must(await hub.keeper.take({ envelope, payloads: [] })).state).not.toBe('rejected');
    must(await hub.ledger.receipt(must(openEnvelope(envelope, nodeCrypto)).id, 5000));
    expect(codeOf(await posted(ask, vpToken))).toBe('answer-key-revoked');
  });
});

describe('an ask is not taken', () => {
  it.each([
    { name: 'for a purpose of another agency', change: { purpose: 'tax.contact-details' }, code: 'ask-purpose' },
    { name: 'for more than its purpose allows', change: { wanted: [{ id: 'q', vcts: [identityVct], claims: [{ claim: 'name_latin', optional: false }] }] }, code: 'ask-purpose' },
    { name: 'with answers that go elsewhere', change: { responseUri: 'https://elsewhere.example/' }, code: 'ask-malformed' },
    { name: 'of a resident that is not there', change: { subject: new Uint8Array(16) }, code: 'ask-unknown' },
    { name: 'when it is over', change: { at: 1_000, until: 2_000 }, code: 'ask-late' },
  ])('$name', async ({ change, code }) => {
    const signed = signAsk(termsOf(change), partySigner('pension-office').sign);
    const taken = await clientOf(url, 'pension-office').call('POST', '/v1/asks', { body: { request: signed } });
    expect(!taken.ok && taken.failure.code).toBe(code);
  });

  it("that another's key signed", async () => {
    const signed = signAsk(termsOf(), partySigner('tax-bureau').sign);
    const taken = await clientOf(url, 'pension-office').call('POST', '/v1/asks', { body: { request: signed } });
    expect(!taken.ok && taken.failure.code).toBe('ask-signature');
    const handedOn = await clientOf(url, 'tax-bureau').call('POST', '/v1/asks', { body: { request: signAsk(termsOf(), partySigner('pension-office').sign) } });
    expect(!handedOn.ok && handedOn.failure.code).toBe('ask-signature');
  });
});

describe('a wallet that is not ours', () => {
  const es256 = (key: KeyObject) => (data: string): string => signWith('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  const wallet = new SDJwtVcInstance({
    hasher: (data) => sha256(typeof data === 'string' ? data : new Uint8Array(data)),
    hashAlg: 'sha-256',
    saltGenerator: (length) => randomBytes(length).toString('base64url'),
    signAlg: 'ES256',
    signer: es256(issuerKeys.privateKey),
    kbSignAlg: 'ES256',
    kbSigner: es256(holderKeys.privateKey),
  });
  const client = new Openid4vpClient({
    callbacks: {
      verifyJwt: (signer, { compact }) => {
        const jws = parseJws(compact);
        const isGood = signer.method === 'custom' && jws !== null && isSignedBy(jws, partySigner('pension-office').key, nodeCrypto.verify);
        return isGood ? { verified: true, signerJwk: { kty: 'OKP', crv: 'Ed25519', x: toBase64url(partySigner('pension-office').key[1]) } } : { verified: false };
      },
      hash: (data) => nodeCrypto.sha256(data),
      decryptJwe: () => ({ decrypted: false }),
      encryptJwe: () => {
        throw new Error('nothing is encrypted here');
      },
      signJwt: () => {
        throw new Error('nothing is signed here');
      },
    },
  });

  // The gateway of a test stands on this machine, without a certificate.
  beforeAll(() => setGlobalConfig({ allowInsecureUrls: true }));
  afterAll(() => setGlobalConfig({ allowInsecureUrls: false }));

  it('fetches the request, answers it, and makes no act: the ledger key is not applicable', async () => {
    const { ask, view } = await asked();
    const parsed = client.parseOpenid4vpAuthorizationRequest({ authorizationRequest: view.walletUri });
    const resolved = await client.resolveOpenId4vpAuthorizationRequest({ authorizationRequestPayload: parsed.params });
    expect(resolved.version).toBe(100);
    expect(resolved.client).toMatchObject({ prefix: 'pre-registered', effective: 'pension-office' });
    expect(resolved.dcql?.query).toMatchObject({ credentials: [{ id: 'identity', format: 'dc+sd-jwt' }] });

    const issued = await wallet.issue(
      { iss: province, vct: identityVct, iat: soon() - 10, exp: soon() + 1000, cnf: { jwk: holderKeys.publicKey.export({ format: 'jwk' }) as { kty: string } }, name: 'Ana', address: 'Elsewhere 1', sex: 'female' },
      { _sd: ['name', 'address', 'sex'] },
    );
    const presentation = await wallet.present(issued, { name: true }, { kb: { payload: { iat: soon(), aud: 'pension-office', nonce: ask.nonce } } });
    const { authorizationResponsePayload } = await client.createOpenid4vpAuthorizationResponse({
      authorizationRequestPayload: resolved.authorizationRequestPayload,
      authorizationResponsePayload: { vp_token: { identity: [presentation] } },
      origin: undefined,
    });
    const { response } = await client.submitOpenid4vpAuthorizationResponse({ authorizationRequestPayload: resolved.authorizationRequestPayload as never, authorizationResponsePayload: authorizationResponsePayload });
    expect([response.status, await response.json()]).toEqual([200, {}]);

    const answer = await answerOf(ask);
    expect(answer).toMatchObject({ answer: 'yes', ledgerKey: 'not-applicable', subject: null, claims: ['name'], transaction: null, receipt: null });
    const receipt = parseJws(answer['gatewayReceipt'] as string);
    expect(receipt !== null && isSignedBy(receipt, partySigner('gateway').key, nodeCrypto.verify)).toBe(true);
    expect(receipt?.payload).toMatchObject({ aud: 'pension-office', state: ask.state, claims: ['name'], issuers: [province], ledger_key: 'not-applicable' });
    expect(must(await hub.ledger.values([stateKey.answer(nonceHash(ask))]))).toEqual([null]);
  });

  it('with credentials of an issuer that nobody named is refused', async () => {
    const { ask } = await asked();
    const issued = await wallet.issue({ iss: 'https://nobody.example', vct: identityVct, iat: soon() - 10, cnf: { jwk: holderKeys.publicKey.export({ format: 'jwk' }) as { kty: string } }, name: 'Ana' }, { _sd: ['name'] });
    const presentation = await wallet.present(issued, { name: true }, { kb: { payload: { iat: soon(), aud: 'pension-office', nonce: ask.nonce } } });
    expect(codeOf(await posted(ask, { identity: [presentation] }))).toBe('answer-issuer-unknown');
  });
});

describe("the registrar's status list", () => {
  it('is there from the start, says nobody is revoked, and then who is', async () => {
    const before = await sendRaw(url, { path: '/v1/status-lists/registrar' });
    expect([before.status, before.headers['content-type']]).toEqual([200, 'application/statuslist+jwt']);

    const call = callDirectly(hub);
    const huang = new Visitor(world, 'huang', call);
    const theirs = await huang.signIn();
    const { ask } = await asked();
    const vpToken = await tokenFor(ask, [], huang, theirs);
    await revokeIdentity(huang);
    await hub.publisher.publish();
    const after = await sendRaw(url, { path: '/v1/status-lists/registrar' });
    expect(after.text).not.toBe(before.text);
    expect(codeOf(await posted(ask, vpToken))).toBe('answer-credential-revoked');
  });

  async function revokeIdentity(person: Visitor): Promise<void> {
    const { contents } = await person.signIn();
    const anchor = contents.parts.find(({ opened: { part } }) => part.kind === 'credential.anchor' && part.issuer === 'registrar');
    if (anchor === undefined) throw new Error('no anchor');
    const receipt = must(await hub.ledger.receipt(anchor.transaction, 0));
    const trust = trustThrough(world.hubFile.trustRoot, nodeCrypto);
    const proof = must(verifyReceipt(receipt ?? new Uint8Array(), trust, nodeCrypto));
    const act = proof.body.acts[anchor.act];
    if (act?.kind !== 'credential.anchor') throw new Error('no anchor');
    const opened: OpenedPart = { salt: new Uint8Array(randomBytes(16)), part: { kind: 'credential.revoke', issuer: 'registrar', vct: identityVct, reason: 'wrong' } };
    const resident = await person.record('resident', stateKey.resident(person.resident));
    const keeper = await person.record('party', stateKey.party('keeper'));
    const body = { v: 1 as const, chain: hub.ledger.chain, nonce: new Uint8Array(randomBytes(16)), notAfter: soon() + 600, acts: [{ kind: 'credential.revoke' as const, subject: person.resident, id: act.id, private: commitPart(opened.salt, opened.part, nodeCrypto) }] };
    const envelope = await signEnvelope(body, [partySigner('registrar')], nodeCrypto);
    const part = encodeOpenedPart(opened);
    const payloads = [
      { act: 0, what: 'part' as const, to: 'space' as const, sealed: sealTo(resident.space[1], 'part', person.resident, part) },
      { act: 0, what: 'part' as const, to: 'keeper' as const, sealed: sealTo(keeper.seal[1], 'part', person.resident, part) },
    ];
    expect(must(await hub.keeper.take({ envelope, payloads }))).toMatchObject({ state: expect.not.stringMatching('rejected') as string });
    must(await hub.ledger.receipt(must(openEnvelope(envelope, nodeCrypto)).id, 5000));
  }
});
