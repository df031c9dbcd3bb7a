import { expect, test } from 'vitest';
import { trustRootSchema } from '../../../src/contract/hub-file.ts';
import { decodeGenesis, encodeGenesis } from '../../../src/ledger/genesis.ts';
import { toBase64url } from '../../../src/ledger/verify/bytes.ts';
import { trustOf } from '../../../src/ledger/verify/head.ts';
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

test('a genesis that counts a validator twice is none', () => {
  const twice = [10, 5].map((power) => ({ key: keys.validator.key[1], power }));
  expect(decodeGenesis(encodeGenesis(genesis))).toBeDefined();
  expect(decodeGenesis(encodeGenesis({ ...genesis, validators: twice }))).toBeUndefined();
});
