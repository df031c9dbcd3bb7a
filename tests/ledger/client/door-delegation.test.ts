import { createPublicKey, generateKeyPairSync, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import { selfSignedCertificate } from '../../../src/ledger/client/certificate.ts';
import { delegatedBy, delegationInput, delegationOid, delegationSeconds, encodeDelegation, type DoorDelegation } from '../../../src/ledger/client/door-delegation.ts';
import { encodeSpki, publicKeyOf } from '../../../src/ledger/client/spki.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import type { PublicKey } from '../../../src/ledger/verify/acts.ts';

const now = 1_800_000_000;
const publicOf = (secret: KeyObject): PublicKey => {
  const key = publicKeyOf(createPublicKey(secret));
  if (key === undefined) throw new Error('no key');
  return key;
};
const spkiOf = (key: PublicKey): Uint8Array => encodeSpki(key) ?? new Uint8Array();

const device = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
const standIn = generateKeyPairSync('ed25519').privateKey;
const spki = spkiOf(publicOf(standIn));
const vouch = (change: Partial<DoorDelegation> = {}, until = now + delegationSeconds, of = spki): DoorDelegation => ({
  key: publicOf(device),
  until,
  signature: new Uint8Array(sign('sha256', delegationInput(of, until, nodeCrypto), { key: device, dsaEncoding: 'ieee-p1363' })),
  ...change,
});
const certificateWith = (value?: Uint8Array): Uint8Array =>
  new Uint8Array(
    new X509Certificate(selfSignedCertificate({ name: 'k', key: publicOf(standIn), sign: (input) => new Uint8Array(sign(null, input, standIn)), ...(value === undefined ? {} : { extension: { oid: delegationOid, value } }) })).raw,
  );

test('a certificate says for whom its key speaks', () => {
  expect(delegatedBy(certificateWith(encodeDelegation(vouch())), spki, now, nodeCrypto)).toMatchObject({ key: publicOf(device) });
});

test('a certificate without it speaks for its own key', () => {
  expect(delegatedBy(certificateWith(), spki, now, nodeCrypto)).toBeUndefined();
});

const other = publicOf(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey);
test.each([
  { name: 'of another device', value: encodeDelegation(vouch({ key: other })) },
  { name: 'for another key', value: encodeDelegation(vouch({}, undefined, spkiOf(other))) },
  { name: 'that is over', value: encodeDelegation(vouch({}, now)) },
  { name: 'for longer than a day and what clocks differ by', value: encodeDelegation(vouch({}, now + delegationSeconds + 601)) },
  { name: 'with another end than was signed', value: encodeDelegation(vouch({ until: now + 60 })) },
  { name: 'that is cut short', value: encodeDelegation(vouch()).slice(0, -2) },
  { name: 'that is something else', value: new Uint8Array(150) },
])('a delegation $name is none', ({ value }) => {
  expect(delegatedBy(certificateWith(value), spki, now, nodeCrypto)).toBeNull();
});
