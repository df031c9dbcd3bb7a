import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askLimitBytes, claimedAsker, longestAskSeconds, nonceHash, readAsk, signAsk, type AskTerms } from '../../src/identity/ask.ts';
import { isOneOfSets, isRequired, readDcql, setWithin, writeDcql } from '../../src/identity/dcql.ts';
import { signJws } from '../../src/identity/jws.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';
import { toHex } from '../../src/ledger/verify/bytes.ts';

const agency = ed25519Signer(Buffer.alloc(32, 1));
const other = ed25519Signer(Buffer.alloc(32, 2));
const now = 1_800_000_000;
const { verify } = nodeCrypto;

const terms: AskTerms = {
  agency: 'tax-bureau',
  purpose: 'tax.residence-certificate',
  reason: { en: 'to certify where you paid tax', 'zh-Hans': '为您开具税收居民身份证明' },
  subject: null,
  nonce: 'Zm9yLW9uZS1hc2stb25seS1hbmQtbm90LXR3aWNlLTE',
  state: 'AAAAAAAAAAAAAAAAAAAAAA',
  responseUri: 'https://hub.example/v1/openid4vp/response',
  at: now,
  until: now + 3600,
  wanted: [
    {
      id: 'identity',
      vcts: ['urn:imi:credential:identity:1'],
      claims: [
        { claim: 'name', optional: false },
        { claim: 'address', optional: true },
        { claim: 'postcode', optional: true },
      ],
    },
    { id: 'taxpayer', vcts: ['urn:imi:credential:taxpayer:1'], claims: [{ claim: 'taxpayer_number', optional: false }] },
  ],
};
const jws = signAsk(terms, agency.sign);
const payloadOf = (text: string): Record<string, unknown> => JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
const signedWith = (change: object, header: object = {}): string =>
  signJws({ typ: 'oauth-authz-req+jwt', alg: 'EdDSA', kid: 'tax-bureau', ...header }, { ...payloadOf(jws), ...change }, agency.sign);

describe('an ask', () => {
  it('reads as it was signed', () => {
    const read = readAsk(jws, agency.key, verify, now);
    expect(read.ok && read.value).toEqual({
      ...terms,
      wanted: [
        {
          id: 'identity',
          vcts: ['urn:imi:credential:identity:1'],
          claims: ['name', 'address', 'postcode'],
          sets: [['name', 'address', 'postcode'], ['name', 'postcode'], ['name', 'address'], ['name']],
        },
        { id: 'taxpayer', vcts: ['urn:imi:credential:taxpayer:1'], claims: ['taxpayer_number'], sets: [['taxpayer_number']] },
      ],
    });
    expect(claimedAsker(jws)).toBe('tax-bureau');
  });

  it('may be for one resident only', () => {
    const subject = Uint8Array.from({ length: 16 }, (_, i) => i);
    const read = readAsk(signAsk({ ...terms, subject }, agency.sign), agency.key, verify, now);
    expect(read.ok && read.value.subject).toEqual(subject);
  });

  it.each([
    { name: "another's signature", jws: signAsk(terms, other.sign), refusal: ['ask-signature', undefined] },
    { name: 'an altered purpose', jws: ((parts) => [parts[0], Buffer.from(JSON.stringify({ ...payloadOf(jws), imi_purpose: { id: 'tax.other', text: terms.reason } })).toString('base64url'), parts[2]].join('.'))(jws.split('.')), refusal: ['ask-signature', undefined] },
    { name: 'no signature', jws: signedWith({}, { alg: 'none' }), refusal: ['ask-signature', undefined] },
    { name: 'an extension that has to be understood', jws: signedWith({}, { crit: ['b64'] }), refusal: ['ask-signature', undefined] },
    { name: 'another type', jws: signedWith({}, { typ: 'JWT' }), refusal: ['ask-malformed', 'header'] },
    { name: 'no JWS', jws: 'a.b', refusal: ['ask-malformed', 'form'] },
    { name: 'an answer that goes through the browser', jws: signedWith({ response_mode: 'fragment' }), refusal: ['ask-malformed', 'response_mode'] },
    { name: 'an encrypted answer', jws: signedWith({ response_mode: 'direct_post.jwt' }), refusal: ['ask-malformed', 'response_mode'] },
    { name: 'a guessable nonce', jws: signedWith({ nonce: '1' }), refusal: ['ask-malformed', 'nonce'] },
    { name: 'something else to be signed along', jws: signedWith({ transaction_data: ['e30'] }), refusal: ['ask-malformed', 'transaction_data'] },
    { name: 'no purpose', jws: signedWith({ imi_purpose: undefined }), refusal: ['ask-malformed', 'imi_purpose'] },
    { name: 'a claim within a claim', jws: signedWith({ dcql_query: { credentials: [{ id: 'a', format: 'dc+sd-jwt', meta: { vct_values: ['x'] }, claims: [{ path: ['address', 'street'] }] }] } }), refusal: ['ask-malformed', 'dcql_query.credentials.0.claims.0.path'] },
    { name: 'a request for a value', jws: signedWith({ dcql_query: { credentials: [{ id: 'a', format: 'dc+sd-jwt', meta: { vct_values: ['x'] }, claims: [{ path: ['sex'], values: ['female'] }] }] } }), refusal: ['ask-malformed', 'dcql_query.credentials.0.claims.0.values'] },
    { name: 'another format', jws: signedWith({ dcql_query: { credentials: [{ id: 'a', format: 'mso_mdoc', meta: { vct_values: ['x'] }, claims: [{ path: ['sex'] }] }] } }), refusal: ['ask-malformed', 'dcql_query.credentials.0.format'] },
    { name: 'all that there is', jws: signedWith({ dcql_query: { credentials: [{ id: 'a', format: 'dc+sd-jwt', meta: { vct_values: ['x'] } }] } }), refusal: ['ask-malformed', 'dcql_query.credentials.0.claims'] },
    { name: 'one of several credentials', jws: signedWith({ dcql_query: { credentials: [{ id: 'a', format: 'dc+sd-jwt', meta: { vct_values: ['x'] }, claims: [{ path: ['sex'] }] }], credential_sets: [{ options: [['a']] }] } }), refusal: ['ask-malformed', 'dcql_query.credential_sets'] },
    { name: 'an answer without its holder', jws: signedWith({ dcql_query: { credentials: [{ id: 'a', format: 'dc+sd-jwt', meta: { vct_values: ['x'] }, claims: [{ path: ['sex'] }], require_cryptographic_holder_binding: false }] } }), refusal: ['ask-malformed', 'dcql_query.credentials.0.require_cryptographic_holder_binding'] },
    { name: 'a time that is over', jws: signedWith({ exp: now }), refusal: ['ask-late', 'over'] },
    { name: 'a time that has not come', jws: signedWith({ iat: now + 301, exp: now + 400 }), refusal: ['ask-late', 'not-yet'] },
    { name: 'a time without end', jws: signedWith({ exp: now + longestAskSeconds + 1 }), refusal: ['ask-malformed', 'exp'] },
  ])('is refused with $name', ({ jws: given, refusal }) => {
    const read = readAsk(given, agency.key, verify, now);
    expect(read.ok ? 'taken' : [read.failure.code, read.failure.detail]).toEqual(refusal);
  });

  it('is taken until its last second, and when its clock is five minutes ahead', () => {
    expect(readAsk(jws, agency.key, verify, now + 3599).ok).toBe(true);
    expect(readAsk(jws, agency.key, verify, now - 300).ok).toBe(true);
  });

  it('has to fit into the private part of its answer', () => {
    const wanted = Array.from({ length: 8 }, (_, i) => ({ id: `q${i}`, vcts: [`urn:imi:credential:${'x'.repeat(150)}`], claims: [{ claim: 'c'.repeat(60), optional: true }, { claim: 'd'.repeat(60), optional: false }] }));
    expect(() => signAsk({ ...terms, wanted }, agency.sign)).toThrow(RangeError);
    expect(jws.length).toBeLessThan(askLimitBytes / 2);
  });

  it('gives its act the hash of the nonce as it stands in the ask', () => {
    // sha256sum of the text.
    expect(toHex(nonceHash({ nonce: 'abc' }))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

describe('claims that may be left out', () => {
  const read = readDcql(writeDcql(terms.wanted));
  if ('problem' in read) throw new Error(read.problem);
  const [identity] = read;
  if (identity === undefined) throw new Error('fixture');

  it('are those that are not in every set', () => {
    expect(identity.claims.filter((claim) => isRequired(identity, claim))).toEqual(['name']);
  });

  it.each([
    { allowed: ['name', 'address', 'postcode', 'sex'], set: ['name', 'address', 'postcode'] },
    { allowed: ['name', 'postcode'], set: ['name', 'postcode'] },
    { allowed: ['name'], set: ['name'] },
    { allowed: ['address', 'postcode'], set: null },
  ])('of $allowed, $set is shown', ({ allowed, set }) => {
    expect(setWithin(identity, allowed)).toEqual(set);
  });

  it('never widen what was allowed, and what is shown is a set of the query', () => {
    const claim = fc.record({ claim: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), optional: fc.boolean() });
    const claims = fc.uniqueArray(claim, { selector: (one) => one.claim, minLength: 1 }).filter((list) => list.filter(({ optional }) => optional).length <= 4);
    fc.assert(
      fc.property(claims, fc.subarray(['a', 'b', 'c', 'd', 'e', 'f']), (wanted, allowed) => {
        const query = readDcql(writeDcql([{ id: 'q', vcts: ['v'], claims: wanted }]));
        if ('problem' in query) throw new Error(query.problem);
        const [one] = query;
        const set = one === undefined ? null : setWithin(one, allowed);
        const canAnswer = wanted.every(({ claim: name, optional }) => optional || allowed.includes(name)) && wanted.some(({ claim: name }) => allowed.includes(name));
        expect(set !== null).toBe(canAnswer);
        if (one === undefined || set === null) return;
        expect(isOneOfSets(one, set)).toBe(true);
        expect(set.every((name) => allowed.includes(name))).toBe(true);
      }),
    );
  });

  it.each([
    { name: 'a set that names no claim of the query', query: { claims: [{ id: 'a', path: ['a'] }], claim_sets: [['b']] } },
    { name: 'a claim without an id', query: { claims: [{ id: 'a', path: ['a'] }, { path: ['b'] }], claim_sets: [['a']] } },
  ])('are refused in $name', ({ query }) => {
    expect(readDcql({ credentials: [{ id: 'q', format: 'dc+sd-jwt', meta: { vct_values: ['v'] }, ...query }] })).toEqual({ problem: 'credentials.0.claim_sets' });
  });

  it('are refused where a query comes twice, or asks for a claim twice', () => {
    const one = { id: 'q', format: 'dc+sd-jwt', meta: { vct_values: ['v'] }, claims: [{ path: ['a'] }] };
    expect(readDcql({ credentials: [one, one] })).toEqual({ problem: 'credentials.id' });
    expect(readDcql({ credentials: [{ ...one, claims: [{ path: ['a'] }, { path: ['a'] }] }] })).toEqual({ problem: 'credentials.0.claims.path' });
  });
});
