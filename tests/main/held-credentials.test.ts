import { describe, expect, test } from 'vitest';
import { identityVct } from '../../src/contract/claims.ts';
import { fail, ok } from '../../src/contract/result.ts';
import { issueCredential, type CredentialContent } from '../../src/identity/credential.ts';
import { StatusList } from '../../src/identity/status-list.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';
import type { PartyKind, PublicKey } from '../../src/ledger/verify/acts.ts';
import type { Issuer, ProvenParty } from '../../src/main/district.ts';
import { heldCredentials, type HeldCheck } from '../../src/main/held-credentials.ts';

const [registrar, agency, holder] = [1, 2, 3].map((seed) => ed25519Signer(Buffer.alloc(32, seed))) as [ReturnType<typeof ed25519Signer>, ReturnType<typeof ed25519Signer>, ReturnType<typeof ed25519Signer>];
const now = 1_800_000_000;

const issued = (change: Partial<CredentialContent> = {}, signer = registrar): Promise<string> =>
  issueCredential({ vct: identityVct, issuer: 'registrar', holder: holder.key[1], status: 1, issuedAt: now - 100, expiresAt: now + 100, claims: { name: '林悦' }, ...change }, signer.sign);

const revoked = StatusList.withRoomFor(1);
revoked.set(5, 1);

const party = (id: string, kind: PartyKind, sign: PublicKey): ProvenParty => ({ id, kind, sign, seal: new Uint8Array(32), names: { en: id, 'zh-Hans': id } });
const issuers: Issuer[] = [
  { party: party('registrar', 'registrar', registrar.key), list: revoked },
  { party: party('tax-bureau', 'agency', agency.key), list: revoked },
];

const check: HeldCheck = {
  holder: holder.key[1],
  now,
  issuers: (asked) => Promise.resolve(ok(issuers.filter(({ party }) => asked.includes(party.id)))),
  crypto: nodeCrypto,
};
const heldOf = async (credentials: string[], change: Partial<HeldCheck> = {}): Promise<[status: number, why?: string][] | string> => {
  const held = await heldCredentials(credentials, { ...check, ...change });
  if (!held.ok) return held.failure.code;
  return held.value.credentials.length === 0 ? held.value.why : held.value.credentials.map(({ credential }) => [credential.status]);
};

describe('credentials of a data space', () => {
  test('are offered newest first, one of a type', async () => {
    expect(await heldOf([await issued({ status: 1 }), await issued({ status: 2, issuedAt: now - 50 })])).toEqual([[2]]);
  });

  test('are not offered once they are revoked: then the one before stands', async () => {
    expect(await heldOf([await issued({ status: 1 }), await issued({ status: 5, issuedAt: now - 50 })])).toEqual([[1]]);
    expect(await heldOf([await issued({ status: 5 })])).toBe('revoked');
  });

  test('stay offered where no list can be had: whoever verifies decides', async () => {
    expect(await heldOf([await issued({ status: 5 })], { issuers: () => Promise.resolve(ok(issuers.map((issuer) => ({ ...issuer, list: null })))) })).toEqual([[5]]);
  });

  test.each([
    { name: 'an issuer that the ledger does not have', change: { issuer: 'nobody' }, why: 'issuer-unknown' },
    { name: 'an identity that an agency vouches for', change: { issuer: 'tax-bureau' }, signer: agency, why: 'issuer-role' },
    { name: "another's card", change: { holder: agency.key[1] }, why: 'holder' },
    { name: 'a time that is over', change: { expiresAt: now }, why: 'expired' },
  ])('are left out with $name', async ({ change, signer, why }) => {
    expect(await heldOf([await issued(change, signer)])).toBe(why);
  });

  test('fail only where the ledger cannot be asked', async () => {
    expect(await heldOf([await issued()], { issuers: () => Promise.resolve(fail('head-too-old')) })).toBe('head-too-old');
  });
});
