import { request } from 'node:http';
import { Agency } from '../../src/gateway/agency/agency.ts';
import { gatewayClient, type GatewayClient } from '../../src/gateway/client.ts';
import { signMessage, type HttpMessage } from '../../src/gateway/http-signature.ts';
import { softwareOpener } from '../../src/identity/hpke.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';
import { trustOf } from '../../src/ledger/verify/head.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import type { World } from '../../tools/demo/world.ts';

/** A call as bytes on the wire, so that a test can send what no client of ours would. */
export interface RawCall {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

export interface RawReply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: unknown;
}

export function sendRaw(url: string, { method = 'GET', path, headers = {}, body }: RawCall): Promise<RawReply> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers: { ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }), ...headers } }, (response) => {
      const pieces: Uint8Array[] = [];
      response.on('data', (piece: Uint8Array) => pieces.push(piece));
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8');
        let json: unknown;
        try {
          json = JSON.parse(text);
        } catch {
          json = undefined;
        }
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
      });
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

export const partySigner = (name: string): ReturnType<typeof ed25519Signer> => ed25519Signer(partySecrets(name).sign);

let count = 0;

/** The headers of a call as this party of the demonstration signs it, each time with another nonce. */
export async function signedHeaders(url: string, party: string, call: RawCall, wish: { created?: number; nonce?: string; keyId?: string; authority?: string } = {}): Promise<Record<string, string>> {
  const created = wish.created ?? Math.floor(Date.now() / 1000);
  const [path = '', query] = call.path.split('?');
  const message: HttpMessage = {
    method: call.method ?? 'GET',
    authority: wish.authority ?? new URL(url).host,
    path,
    query: query === undefined ? '?' : `?${query}`,
    headers: call.headers ?? {},
    body: Buffer.from(call.body ?? ''),
  };
  count += 1;
  const params = { keyId: wish.keyId ?? party, created, expires: created + 60, nonce: wish.nonce ?? `nonce-of-a-test-${process.pid}-${count}` };
  return { ...call.headers, ...(await signMessage(message, 'imi-gateway/1', params, partySigner(party))) };
}

export const clientOf = (url: string, party: string): GatewayClient => gatewayClient({ url, party: { name: party, signer: partySigner(party) }, now: Date.now });

/** An agency of the demonstration behind this gateway, which believes nobody but the hub's file. */
export const agencyOf = (url: string, name: string, world: World): Agency =>
  new Agency({
    client: clientOf(url, name),
    name,
    signer: partySigner(name),
    opener: softwareOpener(partySecrets(name).seal),
    chain: world.hubFile.trustRoot.chain,
    trust: trustOf(world.hubFile.trustRoot),
    crypto: nodeCrypto,
    now: Date.now,
  });
