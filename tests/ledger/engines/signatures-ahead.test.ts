import { expect, test } from 'vitest';
import { LedgerDamage } from '../../../src/ledger/damage.ts';
import { SignaturesAhead } from '../../../src/ledger/engines/signatures-ahead.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import type { PublicKey } from '../../../src/ledger/verify/acts.ts';
import { toHex } from '../../../src/ledger/verify/bytes.ts';
import type { Crypto } from '../../../src/ledger/verify/crypto.ts';
import { keyId, openEnvelope, outlineOf, type EnvelopeSigner } from '../../../src/ledger/verify/envelope.ts';
import { body, chain, envelopeOf, lin, registerAct, residentOf, type signerOf } from '../small-district.ts';

const wang = residentOf('wang');
const known = new Map([lin, wang].map(({ sig }) => [toHex(keyId(sig.key, nodeCrypto)), sig.key]));
const keyOf = (kid: Uint8Array): PublicKey | undefined => known.get(toHex(kid));

/** Counts what is checked on the caller's own thread. */
function counting(): { crypto: Crypto; checked: () => number } {
  let checked = 0;
  return { crypto: { ...nodeCrypto, verify: (...asked) => (checked++, nodeCrypto.verify(...asked)) }, checked: () => checked };
}

async function signersOf(...signers: ReturnType<typeof signerOf>[]): Promise<EnvelopeSigner[]> {
  const envelope = await envelopeOf(body([registerAct(lin)]), signers);
  const outline = outlineOf(envelope, chain, nodeCrypto);
  const opened = openEnvelope(envelope, nodeCrypto);
  if (outline === undefined || !opened.ok) throw new Error('no envelope');
  expect(outline.id).toEqual(opened.value.id);
  expect(outline.signers.map(({ input }) => input)).toEqual(opened.value.signers.map(({ input }) => input));
  return outline.signers;
}

test('what was found good is not checked again, until it is forgotten', async () => {
  const { crypto, checked } = counting();
  const ahead = new SignaturesAhead(crypto, nodeCrypto.verifyLater, keyOf);
  const signers = await signersOf(lin.sig, wang.sig);
  const begun = ahead.begin(signers);
  await begun.done;
  const ask = (): boolean[] => signers.map(({ kid, input, signature }) => ahead.crypto.verify(keyOf(kid) ?? [-19, new Uint8Array(32)], input, signature));
  expect(ask()).toEqual([true, true]);
  expect(checked()).toBe(0);
  ahead.forget(begun);
  expect(ask()).toEqual([true, true]);
  expect(checked()).toBe(2);
});

test('it is good for its own key and message alone', async () => {
  const { crypto, checked } = counting();
  const ahead = new SignaturesAhead(crypto, nodeCrypto.verifyLater, keyOf);
  const [signer] = await signersOf(lin.sig);
  if (signer === undefined) throw new Error('nobody signed');
  await ahead.begin([signer]).done;
  expect(ahead.crypto.verify(wang.sig.key, signer.input, signer.signature)).toBe(false);
  expect(ahead.crypto.verify([-9, lin.sig.key[1]], signer.input, signer.signature)).toBe(false);
  expect(ahead.crypto.verify(lin.sig.key, signer.input.map((byte, i) => (i === 50 ? byte ^ 1 : byte)), signer.signature)).toBe(false);
  expect(checked()).toBe(3);
});

test.each<{ what: string; spoil: (signer: EnvelopeSigner) => EnvelopeSigner; later?: typeof nodeCrypto.verifyLater }>([
  { what: 'is not good', spoil: (signer) => ({ ...signer, signature: signer.signature.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) }) },
  { what: 'is of an unknown key', spoil: (signer) => ({ ...signer, kid: new Uint8Array(32) }) },
  { what: 'is of a key that cannot be read', spoil: (signer) => ({ ...signer, kid: new Uint8Array(31) }) },
  { what: 'is of another algorithm than its key', spoil: (signer) => ({ ...signer, alg: -9 }) },
  { what: 'could not be checked', spoil: (signer) => signer, later: () => Promise.reject(new Error('no thread')) },
  {
    what: 'could not even be begun with',
    spoil: (signer) => signer,
    later: () => {
      throw new Error('no thread');
    },
  },
])('one that $what is left to the rules', async ({ spoil, later = nodeCrypto.verifyLater }) => {
  const { crypto, checked } = counting();
  const ahead = new SignaturesAhead(crypto, later, (kid) => {
    if (kid.length !== 32) throw new LedgerDamage('damaged');
    return keyOf(kid);
  });
  const [signer] = await signersOf(lin.sig);
  if (signer === undefined) throw new Error('nobody signed');
  const begun = ahead.begin([spoil(signer)]);
  await begun.done;
  expect(begun.names).toEqual([]);
  ahead.crypto.verify(lin.sig.key, signer.input, signer.signature);
  expect(checked()).toBe(1);
});
