import { expect, test } from 'vitest';
import { trustRootSchema } from '../../../src/contract/hub-file.ts';
import { decodeGenesis, encodeGenesis } from '../../../src/ledger/genesis.ts';
import { toBase64url } from '../../../src/ledger/verify/bytes.ts';
import { trustOf } from '../../../src/ledger/verify/head.ts';
import { trustFingerprint } from '../../../src/ledger/verify/trust-fingerprint.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { trustFrom } from '../../../src/pages/receipt/trust-file.ts';
import { chain, genesis, keys, signerOf } from '../small-district.ts';

const validator = (name: string) => ({ alg: -19 as const, key: toBase64url(signerOf(name).key[1]), power: 10 });
const root = (...names: string[]) => ({ chain, height: 1, trustingPeriodMs: 1000, validators: names.map((name) => validator(name)) });

test('a trust root of two validators is taken', () => {
  expect(trustRootSchema.safeParse(root('one', 'two')).success).toBe(true);
  expect(trustOf(root('one', 'two')).validators).toHaveLength(2);
});

test('a trust root that counts a validator twice is refused, in the file and before it is believed', () => {
  expect(trustRootSchema.safeParse(root('one', 'two', 'one')).success).toBe(false);
  expect(() => trustOf(root('one', 'two', 'one'))).toThrow('twice');
});

const witnessed = (names: string[], threshold: number) => ({
  ...root('one'),
  witnessing: { origin: 'district.example/ledger', threshold, witnesses: names.map((name) => ({ name, key: toBase64url(signerOf(name).key[1]) })) },
});

test('a trust root may name witnesses, and has another fingerprint then', () => {
  const named = witnessed(['w1', 'w2'], 2);
  expect(trustRootSchema.safeParse(named).success).toBe(true);
  expect(trustOf(named).witnessing).toMatchObject({ origin: 'district.example/ledger', threshold: 2, witnesses: [{ name: 'w1' }, { name: 'w2' }] });
  expect(trustFrom(named)).toEqual(trustOf(named));
  const fingerprints = [root('one'), named, witnessed(['w1', 'w2'], 1), witnessed(['w1', 'w3'], 2)].map((one) => trustFingerprint(trustOf(one), nodeCrypto));
  expect(new Set(fingerprints).size).toBe(4);
});

test.each([
  { name: 'counts a witness twice', wrong: witnessed(['w1', 'w1'], 1) },
  { name: 'wants more witnesses than it names', wrong: witnessed(['w1'], 2) },
  { name: 'names no witness', wrong: witnessed([], 1) },
])('a trust root that $name is refused, in the file and on the receipt page', ({ wrong }) => {
  expect(trustRootSchema.safeParse(wrong).success).toBe(false);
  expect(trustFrom(wrong)).toBeUndefined();
});

test('a genesis that counts a validator twice is none', () => {
  const twice = [10, 5].map((power) => ({ key: keys.validator.key[1], power }));
  expect(decodeGenesis(encodeGenesis(genesis))).toBeDefined();
  expect(decodeGenesis(encodeGenesis({ ...genesis, validators: twice }))).toBeUndefined();
});
