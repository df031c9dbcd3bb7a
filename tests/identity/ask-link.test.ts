import fc from 'fast-check';
import { expect, test } from 'vitest';
import { askInLink } from '../../src/identity/ask-link.ts';
import { toBase64url } from '../../src/ledger/verify/bytes.ts';

const id = Uint8Array.from({ length: 16 }, (_, i) => 17 * i);
const request = `https://gateway.example/v1/openid4vp/requests/${toBase64url(id)}`;
const wallet = (uri: string): string => `openid4vp://?${new URLSearchParams({ client_id: 'pension-office', request_uri: uri }).toString()}`;

test.each([
  { name: 'a link for wallets', text: wallet(request) },
  { name: 'the request’s own address', text: request },
  { name: 'a gateway on this machine', text: wallet(request.replace('https://gateway.example', 'http://127.0.0.1:8080')) },
])('$name leads to its ask', ({ text }) => {
  expect(askInLink(text)).toEqual(id);
});

test.each([
  { name: 'nothing', text: '' },
  { name: 'a bill', text: '690012345678' },
  { name: 'a receipt', text: 'IMI1:1:1:ABC' },
  { name: 'another place on the web', text: 'https://gateway.example/v1/requests/AAAA' },
  { name: 'an id that is too short', text: wallet(request.slice(0, -3)) },
  { name: 'an id with something behind it', text: `${request}/answer` },
  { name: 'another scheme', text: wallet(request.replace('https:', 'file:')) },
  { name: 'a wallet’s link without an address', text: 'openid4vp://?client_id=pension-office' },
  { name: 'a link in a link', text: wallet(wallet(request)) },
])('$name does not', ({ text }) => {
  expect(askInLink(text)).toBeNull();
});

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.string().map(wallet)), (text) => {
      const found = askInLink(text);
      expect(found === null || found.length === 16).toBe(true);
    }),
  );
});
