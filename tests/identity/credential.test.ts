import { createPrivateKey, sign as signEd25519, verify as verifyEd25519, createPublicKey } from 'node:crypto';
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
import { describe, expect, it } from 'vitest';
import { ok, type Result } from '../../src/contract/result.ts';
import { identityVct } from '../../src/contract/claims.ts';
import { claimedIssuer, issueCredential, openCredential, sha256, type Credential, type CredentialContent } from '../../src/identity/credential.ts';
import { discloseClaims, keyBindingLimitBytes, presentClaims, verifyPresentation } from '../../src/identity/presentation.ts';
import { toBase64url } from '../../src/ledger/verify/bytes.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import type { PublicKey } from '../../src/ledger/verify/acts.ts';

const keyPair = (seed: number): { public: Uint8Array; sign: (message: Uint8Array) => Uint8Array } => {
  const key = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]), format: 'der', type: 'pkcs8' });
  return {
    public: new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(12)),
    sign: (message) => new Uint8Array(signEd25519(null, message, key)),
  };
};
const registrar = keyPair(1);
const card = keyPair(2);
const other = keyPair(3);
const issuer: { name: string; key: PublicKey } = { name: 'registrar', key: [-19, registrar.public] };
const now = 1_800_000_000;
const { verify } = nodeCrypto;

const content: CredentialContent = {
  vct: identityVct,
  issuer: 'registrar',
  holder: card.public,
  status: 7,
  issuedAt: now,
  expiresAt: now + 86_400,
  claims: { name: '迪丽努尔·阿卜杜热合曼·买买提吐尔逊', birth_date: '1990-04-12', address: '荔湾区恩宁路 12 号', sex: 'female' },
};
const sdJwt = await issueCredential(content, registrar.sign);
const check = { issuer, holder: card.public, now, verify };
const opened = openCredential(sdJwt, check);
if (!opened.ok) throw new Error('fixture');
const credential: Credential = opened.value;

const refused = (result: Result<unknown, { code: string; detail?: string }>): string | undefined => (result.ok ? 'accepted' : result.failure.detail);
const tampered = (change: (parts: string[]) => string[]): string => change(sdJwt.split('~')).join('~');
const disclosure = (...fields: string[]): string => toBase64url(Buffer.from(JSON.stringify(fields)));

describe('a credential', () => {
  it('opens with every claim as issued', () => {
    expect({ ...credential, sdJwt: undefined }).toEqual({ ...content, sdJwt: undefined });
    expect(claimedIssuer(sdJwt)).toBe('registrar');
  });

  it('is an SD-JWT VC to an independent verifier, with no claim in its signed part', async () => {
    const library = new SDJwtVcInstance({
      hasher: (data) => sha256(typeof data === 'string' ? data : new Uint8Array(data)),
      verifier: (data, signature) => verifyEd25519(null, Buffer.from(data), createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: toBase64url(registrar.public) }, format: 'jwk' }), Buffer.from(signature, 'base64url')),
    });
    const { payload, header } = await library.validate(sdJwt, { currentDate: now });
    expect(header).toEqual({ typ: 'dc+sd-jwt', alg: 'EdDSA' });
    expect(payload).toMatchObject({ ...content.claims, iss: 'registrar', vct: identityVct });
    const signedPart = Buffer.from(sdJwt.split('.')[1] ?? '', 'base64url').toString();
    for (const value of Object.values(content.claims)) expect(signedPart).not.toContain(value);
  });

  it.each([
    { name: 'another issuer', sdJwt, check: { ...check, issuer: { name: 'pension-office', key: issuer.key } }, detail: 'issuer' },
    { name: "another issuer's key", sdJwt, check: { ...check, issuer: { name: 'registrar', key: [-19, other.public] as PublicKey } }, detail: 'signature' },
    { name: "somebody else's card", sdJwt, check: { ...check, holder: other.public }, detail: 'holder' },
    { name: 'a credential that has run out', sdJwt, check: { ...check, now: now + 86_400 }, detail: 'expired' },
    { name: 'a credential from the future', sdJwt, check: { ...check, now: now - 301 }, detail: 'not-yet-valid' },
    { name: 'a disclosure that nothing refers to', sdJwt: tampered((parts) => [parts[0]!, disclosure('AAAAAAAAAAAAAAAAAAAAAA', 'rank', 'king'), ...parts.slice(1)]), check, detail: 'disclosure-unreferenced' },
    { name: 'an altered disclosure', sdJwt: tampered((parts) => [parts[0]!, disclosure('AAAAAAAAAAAAAAAAAAAAAA', 'name', '国王'), ...parts.slice(2)]), check, detail: 'disclosure-unreferenced' },
    { name: 'a disclosure given twice', sdJwt: tampered((parts) => [parts[0]!, parts[1]!, ...parts.slice(1)]), check, detail: 'disclosure-unreferenced' },
    { name: 'a missing end', sdJwt: sdJwt.slice(0, -1), check, detail: 'form' },
    { name: 'an altered payload', sdJwt: sdJwt.replace(/\.(.)/, (_, first: string) => `.${first === 'e' ? 'f' : 'e'}`), check, detail: 'signature' },
  ])('refuses $name', ({ sdJwt: given, check: useCheck, detail }) => {
    expect(refused(openCredential(given, useCheck))).toBe(detail);
  });

  it('refuses a signed part with a disclosed name that is not a claim', async () => {
    await expect(issueCredential({ ...content, claims: { cnf: 'other' } }, registrar.sign)).rejects.toThrow(/cnf/);
  });
});

describe('a presentation', () => {
  const grant = Buffer.alloc(16, 9);
  const binding = { grant, agency: 'tax-bureau' };
  const signWithCard = (input: Uint8Array): Promise<Result<Uint8Array>> => Promise.resolve(ok(card.sign(input)));
  const presented = async (claims: string[]): Promise<string> => {
    const result = await presentClaims(credential, claims, binding, now, signWithCard);
    if (!result.ok) throw new Error('fixture');
    return result.value;
  };
  const verifyWith = { ...binding, issuer, now, verify };

  it('shows the chosen claims and no other', async () => {
    const presentation = await presented(['name', 'birth_date']);
    const verified = verifyPresentation(presentation, verifyWith);
    expect(verified.ok && verified.value.claims).toEqual({ name: content.claims.name, birth_date: '1990-04-12' });
    expect(Buffer.from(presentation.split('~').slice(1).join(''), 'base64').toString('utf8')).not.toContain('恩宁路');
  });

  it('asks the card for one signature over at most 1 024 bytes that begin as a KB-JWT does', async () => {
    const asked: Uint8Array[] = [];
    await presentClaims(credential, ['name'], binding, now, (input) => {
      asked.push(input);
      return signWithCard(input);
    });
    expect(asked).toHaveLength(1);
    expect(asked[0]!.length).toBeLessThanOrEqual(keyBindingLimitBytes);
    expect(asked[0]![0]).toBe(0x65);
  });

  it('hands the failure of the card on', async () => {
    const result = await presentClaims(credential, ['name'], binding, now, () => Promise.resolve({ ok: false, failure: { code: 'card-removed' } }));
    expect(!result.ok && result.failure.code).toBe('card-removed');
  });

  it('cannot show what the credential does not have', () => {
    expect(() => discloseClaims(credential, ['phone'])).toThrow(/phone/);
  });

  it.each([
    { name: 'another agency', change: (p: string) => p, check: { ...verifyWith, agency: 'pension-office' }, detail: 'key-binding-audience' },
    { name: 'another grant', change: (p: string) => p, check: { ...verifyWith, grant: Buffer.alloc(16, 8) }, detail: 'key-binding-nonce' },
    { name: 'one disclosure less than was signed', change: (p: string) => p.split('~').toSpliced(1, 1).join('~'), check: verifyWith, detail: 'key-binding-hash' },
    {
      name: 'one disclosure more than was signed',
      change: (p: string) => {
        const more = sdJwt.split('~').slice(1, -1).find((one) => !p.includes(one));
        return p.split('~').toSpliced(1, 0, more ?? '').join('~');
      },
      check: verifyWith,
      detail: 'key-binding-hash',
    },
    { name: 'no key binding', change: (p: string) => p.slice(0, p.lastIndexOf('~') + 1), check: verifyWith, detail: 'key-binding-form' },
    { name: 'an expired credential', change: (p: string) => p, check: { ...verifyWith, now: now + 86_400 }, detail: 'expired' },
    { name: 'a disclosure that nothing refers to', change: (p: string) => p.split('~').toSpliced(1, 0, disclosure('AAAAAAAAAAAAAAAAAAAAAA', 'rank', 'king')).join('~'), check: verifyWith, detail: 'disclosure-unreferenced' },
  ])('is refused with $name', async ({ change, check: useCheck, detail }) => {
    expect(refused(verifyPresentation(change(await presented(['name', 'sex'])), useCheck))).toBe(detail);
  });

  it('is refused when it was bound in the future', async () => {
    const result = await presentClaims(credential, ['name'], binding, now + 301, signWithCard);
    expect(result.ok && refused(verifyPresentation(result.value, verifyWith))).toBe('key-binding-not-yet-valid');
  });

  it('is refused when another key signed the binding', async () => {
    const result = await presentClaims(credential, ['name'], binding, now, (input) => Promise.resolve(ok(other.sign(input))));
    expect(result.ok && refused(verifyPresentation(result.value, verifyWith))).toBe('key-binding-signature');
  });
});
