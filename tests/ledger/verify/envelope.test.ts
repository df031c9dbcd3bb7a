import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { concatBytes, utf8 } from '../../../src/ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../../../src/ledger/verify/cbor.ts';
import { decodeChallenge, encodeChallenge } from '../../../src/ledger/verify/challenge.ts';
import { assembleEnvelope, encodeBody, keyId, openEnvelope, signatureInput, transactionId } from '../../../src/ledger/verify/envelope.ts';
import { decodeOpenedPart, encodeOpenedPart, opensAct } from '../../../src/ledger/verify/private-part.ts';
import { envelopeOf, idOf, keys, lin, requestBody } from '../small-district.ts';

const { body, parts } = requestBody(lin, 7);
const bytes = encodeBody(body);

describe('what a card signs', () => {
  const longest = 'a'.repeat(20);
  test.each([
    { name: 'alone', signers: [lin.sig.key], first: 0x84 },
    { name: 'with the kiosk', signers: [lin.sig.key, keys.kiosk.key], first: 0x85 },
  ])('$name: one short APDU, and its first byte says what it is', ({ signers, first }) => {
    const input = signatureInput(encodeBody({ ...body, chain: longest }), longest, signers, 0, nodeCrypto);
    expect(input.length).toBeLessThanOrEqual(200);
    expect(input[0]).toBe(first);
  });

  test('is the Sig_structure of RFC 9052 §4.4 over the hash of the body (RFC 9995)', () => {
    const input = signatureInput(bytes, body.chain, [lin.sig.key], 0, nodeCrypto);
    const header = encodeCbor(new Map<number, unknown>([[1, -19], [4, keyId(lin.sig.key, nodeCrypto)], [258, -16], [259, 60]]));
    expect(decodeCbor(input)).toEqual(['Signature1', header, utf8('imi/tx/1imi-test'), transactionId(bytes, nodeCrypto)]);
  });
});

describe('an envelope', () => {
  test('comes apart as it was put together', async () => {
    const opened = openEnvelope(await envelopeOf(body, [lin.sig, keys.kiosk]), nodeCrypto);
    if (!opened.ok) throw new Error(opened.failure.code);
    expect(opened.value.body).toEqual(body);
    expect(opened.value.id).toEqual(transactionId(bytes, nodeCrypto));
    expect(opened.value.signers.map(({ input, signature }, i) => nodeCrypto.verify([lin.sig, keys.kiosk][i]?.key ?? lin.sig.key, input, signature))).toEqual([true, true]);
  });

  const forms: { name: string; make: () => Uint8Array }[] = [
    { name: 'nothing', make: () => new Uint8Array() },
    { name: 'a body of another hash', make: () => reassembled((cose) => [cose, encodeBody({ ...body, notAfter: 1 })]) },
    { name: 'something behind the body', make: () => reassembled((cose, inner) => [cose, inner, 1]) },
    { name: 'another tag', make: () => reassembled((cose, inner) => [concatBytes(Uint8Array.of(0xd1), cose.subarray(1)), inner]) },
    { name: 'a signer twice', make: () => assembleEnvelope(bytes, [signed(), signed()], nodeCrypto) },
    { name: 'a header too many', make: () => reassembled((cose, inner) => [withUnprotected(cose), inner]) },
    { name: 'more than 64 KiB', make: () => new Uint8Array(64 * 1024 + 1) },
  ];
  const signed = () => ({ key: lin.sig.key, signature: new Uint8Array(64) });
  function reassembled(change: (cose: Uint8Array, inner: Uint8Array) => unknown): Uint8Array {
    const outer = decodeCbor(assembleEnvelope(bytes, [signed()], nodeCrypto));
    if (!Array.isArray(outer)) throw new Error('no envelope');
    return encodeCbor(change(outer[0] as Uint8Array, outer[1] as Uint8Array));
  }
  function withUnprotected(cose: Uint8Array): Uint8Array {
    const message = decodeCbor(cose.subarray(1));
    if (!Array.isArray(message)) throw new Error('no COSE_Sign1');
    return concatBytes(cose.subarray(0, 1), encodeCbor([message[0], new Map([[4, 1]]), message[2], message[3]]));
  }
  test.each(forms)('with $name is malformed', ({ make }) => {
    expect(openEnvelope(make(), nodeCrypto)).toMatchObject({ ok: false, failure: { code: 'envelope-malformed' } });
  });
});

test('a challenge is no transaction: its first byte is 0x69', () => {
  const challenge = { chain: 'imi-test', kiosk: 'hall-1', purpose: 'sign-in', nonce: nodeCrypto.sha256(utf8('nonce')), notAfter: 1_800_000_000 };
  const encoded = encodeChallenge(challenge);
  expect(encoded[0]).toBe(0x69);
  expect(decodeChallenge(encoded)).toEqual(challenge);
  expect(decodeChallenge(encodeChallenge({ ...challenge, kiosk: null }))).toEqual({ ...challenge, kiosk: null });
  for (let bit = 0; bit < 11 * 8; bit++) expect(decodeChallenge(encoded.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)))).toBeUndefined();
  expect(decodeChallenge(encoded.subarray(0, -1))).toBeUndefined();
});

test('a private part opens its own act and no other', () => {
  const [grant, request] = body.acts;
  const [grantPart, requestPart] = parts;
  if (grant?.kind !== 'grant.give' || request?.kind !== 'request.submit' || grantPart === undefined || requestPart === undefined) throw new Error('no such acts');
  expect(opensAct(grant, grantPart, nodeCrypto)).toBe(true);
  expect(opensAct(request, grantPart, nodeCrypto)).toBe(false);
  expect(opensAct(grant, { ...grantPart, salt: idOf('other') }, nodeCrypto)).toBe(false);
  expect(decodeOpenedPart(encodeOpenedPart(requestPart))).toEqual(requestPart);
  expect(decodeOpenedPart(Uint8Array.of(0xa0))).toBeUndefined();
});
