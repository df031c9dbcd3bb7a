import { createPublicKey, generateKeyPairSync, randomBytes, sign as signWith, type KeyObject } from 'node:crypto';
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
import { describe, expect, it } from 'vitest';
import { identityVct } from '../../src/contract/claims.ts';
import { ok, type Result } from '../../src/contract/result.ts';
import { answerAsk, isAnswered, matchAsk, notNeeded, parseVpToken, shownSet, turned, verifyAnswer, type AnswerCheck, type VpToken } from '../../src/identity/answer.ts';
import { readAsk, signAsk, type Ask, type AskTerms } from '../../src/identity/ask.ts';
import { issueCredential, openCredential, sha256, type Credential, type CredentialContent } from '../../src/identity/credential.ts';
import { jwsInput } from '../../src/identity/jws.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer, type MemorySigner } from '../../src/ledger/node-signer.ts';
import type { PublicKey } from '../../src/ledger/verify/acts.ts';
import { equalBytes, toBase64url } from '../../src/ledger/verify/bytes.ts';

const [agency, registrar, taxBureau, card, lostCard, freshCard, stranger] = [1, 2, 3, 4, 5, 7, 6].map((seed) => ed25519Signer(Buffer.alloc(32, seed))) as [MemorySigner, MemorySigner, MemorySigner, MemorySigner, MemorySigner, MemorySigner, MemorySigner];
const now = 1_800_000_000;
const lin = Buffer.alloc(16, 7);
const { verify } = nodeCrypto;
const taxpayerVct = 'urn:imi:credential:taxpayer:1';

const terms: AskTerms = {
  agency: 'pension-office',
  purpose: 'pension.account',
  reason: { en: 'to find your account', 'zh-Hans': '查找您的账户' },
  subject: null,
  nonce: toBase64url(Buffer.alloc(32, 8)),
  state: toBase64url(Buffer.alloc(16, 9)),
  responseUri: 'https://hub.example/v1/openid4vp/response',
  at: now - 60,
  until: now + 3600,
  wanted: [
    { id: 'identity', vcts: [identityVct], claims: [{ claim: 'name', optional: false }, { claim: 'address', optional: true }] },
    { id: 'taxpayer', vcts: [taxpayerVct], claims: [{ claim: 'taxpayer_number', optional: false }] },
  ],
};

function askOf(change: Partial<AskTerms> = {}): Ask {
  const read = readAsk(signAsk({ ...terms, ...change }, agency.sign), agency.key, verify, now);
  if (!read.ok) throw new Error(read.failure.detail);
  return read.value;
}

async function heldBy(holder: MemorySigner, issuer: MemorySigner, content: Partial<CredentialContent>): Promise<Credential> {
  const whole = { vct: identityVct, issuer: 'registrar', holder: holder.key[1], status: 1, issuedAt: now - 86_400, expiresAt: now + 86_400, claims: {}, ...content };
  return { ...whole, sdJwt: await issueCredential(whole, issuer.sign) };
}

const identityClaims = { name: '林晓', address: '荔湾区恩宁路 12 号', sex: 'female' };
const credentials = [
  await heldBy(card, registrar, { claims: identityClaims }),
  await heldBy(card, taxBureau, { vct: taxpayerVct, issuer: 'tax-bureau', status: 2, claims: { taxpayer_number: '4401-2' } }),
];

const cardSigns = (signer: MemorySigner) => (input: Uint8Array): Promise<Result<Uint8Array>> => Promise.resolve(ok(signer.sign(input)));

async function answered({ ask = askOf(), held = credentials, signer = card, leftOut = [] as string[], at = now } = {}): Promise<VpToken> {
  const answer = await answerAsk(ask, matchAsk(ask, held).parts, leftOut, at, cardSigns(signer));
  if (!answer.ok) throw new Error(answer.failure.code);
  return answer.value.vpToken;
}

/** What the gateway learns of ledger and lists. */
const check: AnswerCheck = {
  now,
  verify,
  issuer: ({ issuer, vct }) => {
    if (issuer === 'registrar' && vct === identityVct) return Promise.resolve(ok({ name: issuer, keys: [registrar.key], onLedger: true }));
    if (issuer === 'tax-bureau') return Promise.resolve(ok({ name: issuer, keys: [taxBureau.key], onLedger: true }));
    return Promise.resolve(ok(null));
  },
  holder: ([, key]) => Promise.resolve(ok(equalBytes(key, card.key[1]) ? { state: 'active', resident: lin } : equalBytes(key, lostCard.key[1]) ? { state: 'revoked' } : equalBytes(key, freshCard.key[1]) ? { state: 'read-only' } : { state: 'unknown' })),
  status: (_issuer, { index }) => Promise.resolve(ok(index === 66 ? 'revoked' : index === 67 ? 'unknown' : 'valid')),
};

const judged = async (vpToken: VpToken, { ask = askOf(), ...change }: Partial<AnswerCheck> & { ask?: Ask } = {}): Promise<string> => {
  const verified = await verifyAnswer(vpToken, ask, { ...check, ...change });
  return verified.ok ? 'taken' : verified.failure.code;
};

const identityOnly = askOf({ wanted: terms.wanted.slice(0, 1) });
const disclosure = (...fields: string[]): string => toBase64url(Buffer.from(JSON.stringify(fields)));
/** As a holder would who changes what the card then signs over. */
function rebound(vpToken: VpToken, change: (disclosed: string) => string, signer = card): VpToken {
  const [presentation = ''] = vpToken['identity'] ?? [];
  const disclosed = change(presentation.slice(0, presentation.lastIndexOf('~') + 1));
  const input = jwsInput({ typ: 'kb+jwt', alg: 'EdDSA' }, { iat: now, aud: 'pension-office', nonce: terms.nonce, sd_hash: toBase64url(sha256(disclosed)) });
  return { ...vpToken, identity: [`${disclosed}${input}.${toBase64url(signer.sign(Buffer.from(input)))}`] };
}
const changed = (vpToken: VpToken, change: (presentation: string) => string): VpToken => ({ ...vpToken, identity: [change(vpToken['identity']?.[0] ?? '')] });

describe('an answer with the card', () => {
  it('shows what was asked for, of whom the ledger knows, and nothing else', async () => {
    const verified = await verifyAnswer(await answered(), askOf(), check);
    expect(verified).toEqual(
      ok({
        subject: lin,
        claims: ['name', 'address', 'taxpayer_number'],
        shown: [
          { query: 'identity', vct: identityVct, issuer: 'registrar', claims: { name: '林晓', address: '荔湾区恩宁路 12 号' } },
          { query: 'taxpayer', vct: taxpayerVct, issuer: 'tax-bureau', claims: { taxpayer_number: '4401-2' } },
        ],
      }),
    );
  });

  it('need not have what the smallest set of each query does without', () => {
    const { parts } = matchAsk(askOf(), credentials);
    expect(notNeeded(parts)).toEqual(['address']);
    expect([isAnswered(parts, ['address']), isAnswered(parts, ['name'])]).toEqual([true, false]);
    const either = askOf({ wanted: [{ id: 'identity', vcts: [identityVct], claims: [{ claim: 'name', optional: true }, { claim: 'sex', optional: true }] }] });
    const one = matchAsk(either, credentials).parts;
    expect(notNeeded(one)).toHaveLength(1);
    expect([isAnswered(one, notNeeded(one)), isAnswered(one, ['name', 'sex'])]).toEqual([true, false]);
  });

  it('needs what one query cannot do without, though another could', () => {
    const ask = askOf({
      wanted: [
        { id: 'a', vcts: [identityVct], claims: [{ claim: 'name', optional: false }, { claim: 'sex', optional: true }] },
        { id: 'b', vcts: [identityVct], claims: [{ claim: 'sex', optional: false }] },
      ],
    });
    expect(notNeeded(matchAsk(ask, credentials).parts)).toEqual([]);
  });

  describe('with claims of which the query takes one set or another', () => {
    const either = askOf({ wanted: [{ id: 'identity', vcts: [identityVct], claims: [{ claim: 'name', optional: true }, { claim: 'address', optional: true }, { claim: 'sex', optional: true }] }] });
    const [part] = matchAsk(either, credentials).parts;
    if (part === undefined) throw new Error('nothing answers');
    const parts = [{ ...part, wanted: { ...part.wanted, sets: [['name', 'address'], ['name', 'sex'], ['name']] } }];
    const shownWithout = (leftOut: readonly string[]): string[] | null => parts.flatMap((one) => shownSet(one, leftOut) ?? []);

    it('shows the set with what was turned on last', () => {
      let leftOut = notNeeded(parts);
      expect(shownWithout(leftOut)).toEqual(['name']);
      leftOut = turned(parts, leftOut, 'address', true);
      expect([shownWithout(leftOut), leftOut]).toEqual([['name', 'address'], ['sex']]);
      leftOut = turned(parts, leftOut, 'sex', true);
      expect([shownWithout(leftOut), leftOut]).toEqual([['name', 'sex'], ['address']]);
      leftOut = turned(parts, leftOut, 'sex', false);
      expect(shownWithout(leftOut)).toEqual(['name']);
    });

    it('and nothing that was not turned on comes in for what was turned off', () => {
      const leftOut = turned(parts, turned(parts, turned(parts, notNeeded(parts), 'sex', true), 'address', true), 'address', false);
      expect(shownWithout(leftOut)).toEqual(['name']);
    });
  });

  it('leaves out what the resident does', async () => {
    const verified = await verifyAnswer(await answered({ leftOut: ['address'] }), askOf(), check);
    expect(verified.ok && verified.value.claims).toEqual(['name', 'taxpayer_number']);
  });

  it('asks the card once for each credential, with less than 1 024 bytes, also for the longest nonce and name', async () => {
    const lengths: number[] = [];
    const longest = askOf({ agency: `a${'b'.repeat(79)}`, nonce: 'n'.repeat(86) });
    const answer = await answerAsk(longest, matchAsk(longest, credentials).parts, [], now, (input) => {
      lengths.push(input.length);
      return Promise.resolve(ok(card.sign(input)));
    });
    expect(answer.ok && lengths).toHaveLength(2);
    expect(Math.max(...lengths)).toBeLessThan(1024);
  });

  it('is not begun where a credential is missing', () => {
    const { parts, missing } = matchAsk(askOf(), credentials.slice(0, 1));
    expect(missing.map(({ id }) => id)).toEqual(['taxpayer']);
    expect(parts.map(({ claims }) => claims)).toEqual([
      [
        { claim: 'name', value: '林晓', optional: false },
        { claim: 'address', value: '荔湾区恩宁路 12 号', optional: true },
      ],
    ]);
  });

  it('hands the failure of the card on', async () => {
    const answer = await answerAsk(askOf(), matchAsk(askOf(), credentials).parts, [], now, () => Promise.resolve({ ok: false, failure: { code: 'card-removed' } }));
    expect(!answer.ok && answer.failure.code).toBe('card-removed');
  });
});

describe('an answer is refused', () => {
  it.each([
    { name: 'to another verifier', make: () => answered({ ask: askOf({ agency: 'tax-bureau' }) }), code: 'answer-audience' },
    { name: 'to another ask of the same verifier', make: () => answered({ ask: askOf({ nonce: toBase64url(Buffer.alloc(32, 88)) }) }), code: 'answer-nonce' },
    { name: 'signed by another card', make: () => answered({ signer: stranger }), code: 'answer-key-binding' },
    { name: 'without a binding', make: async () => changed(await answered(), (p) => p.slice(0, p.lastIndexOf('~') + 1)), code: 'answer-key-binding' },
    { name: 'signed before the ask', make: () => answered({ at: now - 361 }), code: 'answer-key-binding' },
    { name: 'signed in the future', make: () => answered({ at: now + 301 }), code: 'answer-key-binding' },
    { name: 'with a disclosure altered on its way', make: async () => changed(await answered(), (p) => p.replace(/~[^~]+~/, `~${disclosure('AAAAAAAAAAAAAAAAAAAAAA', 'name', '国王')}~`)), code: 'answer-disclosure-tampered' },
    { name: 'with a disclosure taken out on its way', make: async () => changed(await answered(), (p) => p.split('~').toSpliced(1, 1).join('~')), code: 'answer-disclosure-tampered' },
    { name: 'with a disclosure that the issuer never signed', make: async () => rebound(await answered(), (p) => `${p}${disclosure('AAAAAAAAAAAAAAAAAAAAAA', 'rank', 'king')}~`), code: 'answer-disclosure-unreferenced' },
    { name: 'with a disclosure that the holder altered', make: async () => rebound(await answered(), (p) => p.replace(/~[^~]+~/, `~${disclosure('AAAAAAAAAAAAAAAAAAAAAA', 'name', '国王')}~`)), code: 'answer-disclosure-unreferenced' },
    { name: 'with a disclosure twice', make: async () => rebound(await answered(), (p) => p.replace(/~([^~]+)~/, '~$1~$1~')), code: 'answer-disclosure-unreferenced' },
    {
      name: 'with more than was asked for',
      make: async () => rebound(await answered(), (p) => `${p}${credentials[0]?.sdJwt.split('~').find((one) => Buffer.from(one, 'base64url').toString().includes('female')) ?? ''}~`),
      code: 'answer-claims',
    },
    { name: 'with less than was asked for', make: async () => rebound(await answered(), (p) => `${p.split('~')[0]}~`), code: 'answer-claims' },
    { name: 'with a credential left out', make: async () => ({ identity: (await answered())['identity'] ?? [] }), code: 'answer-claims' },
    { name: 'with a credential that nobody asked for', make: async () => ({ ...(await answered()), more: (await answered())['taxpayer'] ?? [] }), code: 'answer-claims' },
    { name: 'with another credential in its place', make: async () => { const whole = await answered(); return { ...whole, identity: whole['taxpayer'] ?? [] }; }, code: 'answer-claims' },
    { name: 'with an issuer of its own making', make: async () => answered({ held: [await heldBy(card, stranger, { issuer: 'stranger', claims: identityClaims }), ...credentials.slice(1)] }), code: 'answer-issuer-unknown' },
    { name: 'with an identity that an agency vouches for', make: async () => answered({ held: [await heldBy(card, taxBureau, { issuer: 'pension-office', claims: identityClaims }), ...credentials.slice(1)] }), code: 'answer-issuer-unknown' },
    { name: 'with an issuer whose name is used', make: async () => answered({ held: [await heldBy(card, stranger, { claims: identityClaims }), ...credentials.slice(1)] }), code: 'answer-issuer-signature' },
    { name: 'with a credential that has run out', make: async () => answered({ held: [await heldBy(card, registrar, { expiresAt: now, claims: identityClaims }), ...credentials.slice(1)] }), code: 'answer-credential-expired' },
    { name: 'with a credential from the future', make: async () => answered({ held: [await heldBy(card, registrar, { issuedAt: now + 301, claims: identityClaims }), ...credentials.slice(1)] }), code: 'answer-credential-expired' },
    { name: 'with a credential that was revoked', make: async () => answered({ held: [await heldBy(card, registrar, { status: 66, claims: identityClaims }), ...credentials.slice(1)] }), code: 'answer-credential-revoked' },
    { name: 'with a credential whose state nobody can tell', make: async () => answered({ held: [await heldBy(card, registrar, { status: 67, claims: identityClaims }), ...credentials.slice(1)] }), code: 'answer-status-unknown' },
    { name: 'by a card that was blocked', make: async () => answered({ signer: lostCard, held: [await heldBy(lostCard, registrar, { claims: identityClaims }), await heldBy(lostCard, taxBureau, { vct: taxpayerVct, issuer: 'tax-bureau', claims: { taxpayer_number: '1' } })] }), code: 'answer-key-revoked' },
    { name: 'by a card that replaced another today', make: async () => answered({ signer: freshCard, held: [await heldBy(freshCard, registrar, { claims: identityClaims }), await heldBy(freshCard, taxBureau, { vct: taxpayerVct, issuer: 'tax-bureau', claims: { taxpayer_number: '1' } })] }), code: 'key-read-only' },
    { name: 'by a card that the ledger does not know', make: async () => answered({ signer: stranger, held: [await heldBy(stranger, registrar, { claims: identityClaims }), await heldBy(stranger, taxBureau, { vct: taxpayerVct, issuer: 'tax-bureau', claims: { taxpayer_number: '1' } })] }), code: 'answer-key-unknown' },
    { name: 'in a form that is none', make: async () => changed(await answered(), () => 'not~a~credential'), code: 'answer-malformed' },
  ])('$name', async ({ make, code }) => {
    expect(await judged(await make())).toBe(code);
  });

  it('after its time', async () => {
    expect(await judged(await answered(), { now: now + 3599 })).toBe('taken');
    expect(await judged(await answered(), { now: now + 3600 })).toBe('answer-late');
  });

  it('where the ask is for somebody else', async () => {
    const forLin = askOf({ subject: lin });
    const forAnother = askOf({ subject: Buffer.alloc(16, 99) });
    expect(await judged(await answered({ ask: forLin }), { ask: forLin })).toBe('taken');
    expect(await judged(await answered({ ask: forAnother }), { ask: forAnother })).toBe('answer-subject');
  });

  it('where two residents put together one', async () => {
    const mixed = { ...(await answered()), taxpayer: (await answered({ signer: lostCard, held: [credentials[0]!, await heldBy(lostCard, taxBureau, { vct: taxpayerVct, issuer: 'tax-bureau', claims: { taxpayer_number: '1' } })] }))['taxpayer'] ?? [] };
    const bothActive: AnswerCheck['holder'] = ([, key]) => Promise.resolve(ok({ state: 'active', resident: equalBytes(key, card.key[1]) ? lin : Buffer.alloc(16, 8) }));
    expect(await judged(mixed, { holder: bothActive })).toBe('answer-subject');
  });

  it('never because the ledger could not be asked', async () => {
    const unreachable = await verifyAnswer(await answered(), askOf(), { ...check, holder: () => Promise.resolve({ ok: false, failure: { code: 'hub-busy' } }) });
    expect(!unreachable.ok && unreachable.failure.code).toBe('hub-busy');
  });

  it.each(['', '[]', '{"identity":"x"}', '{"identity":["a","b"]}', `{"identity":["${'x'.repeat(48 * 1024)}"]}`])('when the form field is no vp_token: %#', (text) => {
    expect(parseVpToken(text)).toBeNull();
  });
});

describe('a wallet that is not ours', () => {
  const issuerKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const holderKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const es256 = (key: KeyObject) => (data: string): string => signWith('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  const compressed = (key: KeyObject): PublicKey => {
    const { x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' });
    return [-9, new Uint8Array([2 + ((Buffer.from(y, 'base64url').at(-1) ?? 0) & 1), ...Buffer.from(x, 'base64url')])];
  };
  const library = new SDJwtVcInstance({
    hasher: (data) => sha256(typeof data === 'string' ? data : new Uint8Array(data)),
    hashAlg: 'sha-256',
    saltGenerator: (length) => randomBytes(length).toString('base64url'),
    signAlg: 'ES256',
    signer: es256(issuerKeys.privateKey),
    kbSignAlg: 'ES256',
    kbSigner: es256(holderKeys.privateKey),
  });
  const foreign: AnswerCheck = {
    ...check,
    issuer: ({ issuer }) => Promise.resolve(ok(issuer === 'https://province.example' ? { name: issuer, keys: [compressed(issuerKeys.privateKey)], onLedger: false } : null)),
  };
  const issuing = library.issue(
    { iss: 'https://province.example', vct: identityVct, iat: now - 10, exp: now + 1000, cnf: { jwk: holderKeys.publicKey.export({ format: 'jwk' }) as { kty: string } }, name: 'Ana', address: 'Elsewhere 1', age: 41 },
    { _sd: ['name', 'address', 'age'] },
    { header: { kid: 'k1' } },
  );
  const presented = async (frame: Record<string, boolean>, nonce = identityOnly.nonce): Promise<string> =>
    library.present(await issuing, frame, { kb: { payload: { iat: now, aud: identityOnly.agency, nonce } } });

  it('answers with ES256, and its key is none of the ledger', async () => {
    const verified = await verifyAnswer({ identity: [await presented({ name: true })] }, identityOnly, foreign);
    expect(verified).toEqual(ok({ subject: null, claims: ['name'], shown: [{ query: 'identity', vct: identityVct, issuer: 'https://province.example', claims: { name: 'Ana' } }] }));
  });

  describe('with several credentials', () => {
    const others = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const both = askOf({ wanted: [terms.wanted[0], { id: 'second', vcts: [identityVct], claims: [{ claim: 'name', optional: false }] }].filter((one) => one !== undefined) });
    async function heldWith(keys: typeof holderKeys): Promise<string> {
      const wallet = new SDJwtVcInstance({ hasher: (data) => sha256(typeof data === 'string' ? data : new Uint8Array(data)), saltGenerator: (length) => randomBytes(length).toString('base64url'), signAlg: 'ES256', signer: es256(issuerKeys.privateKey), kbSignAlg: 'ES256', kbSigner: es256(keys.privateKey) });
      const issued = await wallet.issue({ iss: 'https://province.example', vct: identityVct, iat: now - 10, exp: now + 1000, cnf: { jwk: keys.publicKey.export({ format: 'jwk' }) as { kty: string } }, name: 'Ben' }, { _sd: ['name'] }, { header: { kid: 'k1' } });
      return wallet.present(issued, { name: true }, { kb: { payload: { iat: now, aud: both.agency, nonce: both.nonce } } });
    }

    it('is one person’s where all are bound to one key', async () => {
      const verified = await verifyAnswer({ identity: [await presented({ name: true })], second: [await heldWith(holderKeys)] }, both, foreign);
      expect(verified.ok && verified.value.shown).toHaveLength(2);
    });

    it('is refused where two keys might be two people', async () => {
      const verified = await verifyAnswer({ identity: [await presented({ name: true })], second: [await heldWith(others)] }, both, foreign);
      expect(verified).toEqual({ ok: false, failure: { code: 'answer-subject', detail: 'several' } });
    });
  });

  it.each([
    { name: 'more than was asked for', make: () => presented({ name: true, age: true }), code: 'answer-claims' },
    { name: 'another nonce', make: () => presented({ name: true }, 'another-nonce-another-nonce'), code: 'answer-nonce' },
    { name: 'a broken signature of the issuer', make: async () => (await presented({ name: true })).replace(/\.([A-Za-z0-9_-])/, (_, first: string) => `.${first === 'e' ? 'f' : 'e'}`), code: 'answer-malformed' },
    { name: 'a signature that is cut', make: async () => (await presented({ name: true })).replace(/\.[A-Za-z0-9_-]{10}([A-Za-z0-9_-]*)~/, '.$1~'), code: 'answer-issuer-signature' },
  ])('is refused with $name', async ({ make, code }) => {
    const verified = await verifyAnswer({ identity: [await make()] }, identityOnly, foreign);
    expect(!verified.ok && verified.failure.code).toBe(code);
  });

  it('does not count where an ask is for a resident of the ledger', async () => {
    const ask = askOf({ wanted: terms.wanted.slice(0, 1), subject: lin });
    const verified = await verifyAnswer({ identity: [await presented({ name: true })] }, ask, foreign);
    expect(!verified.ok && verified.failure.code).toBe('answer-subject');
  });

  it('takes our credential for an SD-JWT VC, and presents it', async () => {
    const opened = openCredential(credentials[0]?.sdJwt ?? '', { issuer: { name: 'registrar', key: registrar.key }, holder: card.key[1], now, verify });
    expect(opened.ok).toBe(true);
    const ours = new SDJwtVcInstance({ hasher: (data) => sha256(typeof data === 'string' ? data : new Uint8Array(data)), kbSignAlg: 'EdDSA', kbSigner: (data) => toBase64url(card.sign(Buffer.from(data))) });
    const presentation = await ours.present(credentials[0]?.sdJwt ?? '', { name: true }, { kb: { payload: { iat: now, aud: identityOnly.agency, nonce: identityOnly.nonce } } });
    const verified = await verifyAnswer({ identity: [presentation] }, identityOnly, check);
    expect(verified.ok && verified.value.claims).toEqual(['name']);
  });
});
