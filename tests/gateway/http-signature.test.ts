import { describe, expect, it } from 'vitest';
import { clockSkewSeconds, contentDigest, digestMatches, isInTime, longestWindowSeconds, readSignature, signatureBase, signedBy, signMessage, type HttpMessage } from '../../src/gateway/http-signature.ts';
import { readByteSequences, readInnerLists, writeInnerList } from '../../src/gateway/structured-field.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';
import { fromBase64url, utf8 } from '../../src/ledger/verify/bytes.ts';
import { must } from '../hub/visitor.ts';

const now = 1_800_000_000;
const signer = ed25519Signer(new Uint8Array(32).fill(7));
const message: HttpMessage = { method: 'POST', authority: 'gateway.example', path: '/v1/requests', query: '?limit=2', headers: { 'idempotency-key': 'once-upon-a-time' }, body: utf8('{"a":1}') };
const params = { keyId: 'tax-bureau', created: now, expires: now + 60, nonce: 'abcdefghijklmnopqrstuv' };
const signed = async (of: HttpMessage = message): Promise<HttpMessage> => ({ ...of, headers: { ...of.headers, ...(await signMessage(of, 'imi-gateway/1', params, signer)) } });

describe('RFC 9421', () => {
  /** Appendix B.2.6, over the request of B.2, with the key of B.1.4. */
  it('makes the base of its Ed25519 example, and its signature holds', () => {
    const input = '("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"';
    const covered = readInnerLists(`sig-b26=${input}`)?.get('sig-b26');
    const request: HttpMessage = {
      method: 'POST',
      authority: 'example.com',
      path: '/foo',
      query: '?param=Value&Pet=dog',
      headers: { date: 'Tue, 20 Apr 2021 02:07:55 GMT', 'content-type': 'application/json', 'content-length': '18' },
      body: utf8('{"hello": "world"}'),
    };
    const base = covered === undefined ? null : signatureBase(request, covered);
    expect(Buffer.from(base ?? []).toString()).toBe(
      `"date": Tue, 20 Apr 2021 02:07:55 GMT\n"@method": POST\n"@path": /foo\n"@authority": example.com\n"content-type": application/json\n"content-length": 18\n"@signature-params": ${input}`,
    );
    const signature = readByteSequences('sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:')?.get('sig-b26');
    const key = fromBase64url('JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs') ?? new Uint8Array();
    expect(nodeCrypto.verify([-19, key], base ?? new Uint8Array(), signature ?? new Uint8Array())).toBe(true);
  });

  /** Appendix B.2: its digest, by RFC 9530. */
  it('takes the digest of its example', () => {
    const field = 'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:';
    expect(digestMatches(field, utf8('{"hello": "world"}'))).toBe(true);
    expect(digestMatches(field, utf8('{"hello": "world!"}'))).toBe(false);
  });
});

describe('a signed call', () => {
  it('is read and holds', async () => {
    const read = must(readSignature(await signed(), 'imi-gateway/1'));
    expect(read).toMatchObject(params);
    expect(await signedBy(read, signer.key, nodeCrypto)).toBe(true);
    expect(await signedBy(read, ed25519Signer(new Uint8Array(32).fill(8)).key, nodeCrypto)).toBe(false);
  });

  it.each<{ name: string; change: (of: HttpMessage) => HttpMessage }>([
    { name: 'another method', change: (of) => ({ ...of, method: 'PUT' }) },
    { name: 'another gateway', change: (of) => ({ ...of, authority: 'gateway.other' }) },
    { name: 'another path', change: (of) => ({ ...of, path: '/v1/grants' }) },
    { name: 'another query', change: (of) => ({ ...of, query: '?limit=3' }) },
    { name: 'another idempotency key', change: (of) => ({ ...of, headers: { ...of.headers, 'idempotency-key': 'twice-upon-a-time' } }) },
    { name: 'another digest', change: (of) => ({ ...of, headers: { ...of.headers, 'content-digest': contentDigest(utf8('{}')) } }) },
    { name: 'other parameters', change: (of) => ({ ...of, headers: { ...of.headers, 'signature-input': (of.headers['signature-input'] ?? '').replace('tax-bureau', 'water-works') } }) },
  ])('does not hold for $name', async ({ change }) => {
    const read = readSignature(change(await signed()), 'imi-gateway/1');
    expect(read.ok && (await signedBy(read.value, signer.key, nodeCrypto))).toBe(false);
  });

  const input = async (): Promise<string> => (await signed()).headers['signature-input'] ?? '';
  it.each<{ name: string; change: (field: string) => string | undefined; code: string; detail?: string }>([
    { name: 'none', change: () => undefined, code: 'signature-required' },
    { name: 'no structured field', change: () => 'imi=(', code: 'signature-malformed', detail: 'form' },
    { name: 'another tag', change: (field) => field.replace('imi-gateway/1', 'imi-webhook/1'), code: 'signature-malformed', detail: 'tag' },
    { name: 'two of our tag', change: (field) => `${field}, b${field}`, code: 'signature-malformed', detail: 'tag' },
    { name: 'the path not covered', change: (field) => field.replace('"@path" ', ''), code: 'signature-malformed', detail: 'components' },
    { name: 'the body not covered', change: (field) => field.replace('"content-digest"', '"content-length"'), code: 'signature-malformed', detail: 'components' },
    { name: 'the idempotency key not covered', change: (field) => field.replace(' "idempotency-key"', ''), code: 'signature-malformed', detail: 'components' },
    { name: 'a component that nobody sent', change: (field) => field.replace('"@path"', '"@path" "x-none"'), code: 'signature-malformed', detail: 'components' },
    { name: 'a longer window than a minute', change: (field) => field.replace(String(now + 60), String(now + 61)), code: 'signature-malformed', detail: 'created' },
    { name: 'an end before the beginning', change: (field) => field.replace(String(now + 60), String(now)), code: 'signature-malformed', detail: 'created' },
    { name: 'no nonce', change: (field) => field.replace(/;nonce="[^"]*"/, ''), code: 'signature-malformed', detail: 'nonce' },
    { name: 'a nonce that can be guessed', change: (field) => field.replace(/nonce="[^"]*"/, 'nonce="1"'), code: 'signature-malformed', detail: 'nonce' },
    { name: 'another algorithm', change: (field) => field.replace('ed25519', 'hmac-sha256'), code: 'signature-malformed', detail: 'keyid' },
    { name: 'a label that is not signed', change: (field) => field.replace('imi=', 'ami='), code: 'signature-malformed', detail: 'signature' },
  ])('is refused with $name', async ({ change, code, detail }) => {
    const whole = await signed();
    const read = readSignature({ ...whole, headers: { ...whole.headers, 'signature-input': change(await input()) } }, 'imi-gateway/1');
    expect(read).toEqual({ ok: false, failure: detail === undefined ? { code } : { code, detail } });
  });

  it.each([
    { at: now - clockSkewSeconds - 1, expected: false },
    { at: now - clockSkewSeconds, expected: true },
    { at: now + longestWindowSeconds + clockSkewSeconds, expected: true },
    { at: now + longestWindowSeconds + clockSkewSeconds + 1, expected: false },
  ])('is in time at its bounds: $at', ({ at, expected }) => {
    expect(isInTime(params, at)).toBe(expected);
  });
});

describe('structured fields', () => {
  it.each(['', 'a', 'a=()()', 'a=("b" "b")', 'a=("b"', 'a=("b");', 'a=("b");x', 'a=("b"), a=("c")', 'A=("b")', 'a=("\u00e9")', `a=("${'b'.repeat(5000)}")`, 'a=("b"),'])('refuses %j', (text) => {
    expect(readInnerLists(text)).toBeNull();
  });

  it('writes again what it read', () => {
    const text = '("@method" "x-a");created=1;nonce="a\\"b\\\\c"';
    const read = readInnerLists(`one=${text}`)?.get('one');
    expect(read === undefined ? '' : writeInnerList(read)).toBe(text);
  });

  it.each(['a=:AQ:', 'a=:A===:', 'a="x"', 'a=1'])('takes %j for no bytes', (text) => {
    expect(readByteSequences(text)).toBeNull();
  });
});
