import { randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { Name } from '../ledger/verify/acts.ts';
import { toBase64url, utf8 } from '../ledger/verify/bytes.ts';
import type { Signer } from '../ledger/verify/envelope.ts';
import { signMessage, type HttpMessage } from './http-signature.ts';
import { problemSchema } from './problem.ts';
import type { Method } from './route.ts';

export interface GatewayClientOptions {
  /** `https://gateway.example` or with a port. */
  url: string;
  /** Who calls; null: only what is open to everybody. */
  party: { name: Name; signer: Signer } | null;
  /** Unix milliseconds. */
  now: () => number;
  /** PEM of the authority behind the gateway's certificate, where it is no public one. */
  ca?: string;
  deadlineMs?: number;
}

export interface ClientCall {
  query?: Record<string, string | undefined>;
  /** Sent as JSON. */
  body?: unknown;
  idempotencyKey?: string;
  lastEventId?: string;
}

/** What came back and is no refusal: the body as JSON, or as text where it is none. */
export interface ClientAnswer {
  status: number;
  body: unknown;
}

/** `code` is the problem's, or `hub-unreachable`. `detail` begins with the HTTP status. */
export type ClientFailure = Failure<string>;

/** An agency's half of the door: signs each call (RFC 9421) and tells refusals by their codes. */
export interface GatewayClient {
  call(method: Method, path: string, call?: ClientCall): Promise<Result<ClientAnswer, ClientFailure>>;
  /** Server-sent events as they come; ends when the gateway or the signal ends it. */
  events(path: string, signal: AbortSignal, lastEventId?: string): Promise<Result<AsyncIterable<{ id: string; event: string; data: string }>, ClientFailure>>;
}

export function gatewayClient({ url, party, now, ca, deadlineMs = 30_000 }: GatewayClientOptions): GatewayClient {
  const base = new URL(url);
  const send = base.protocol === 'https:' ? httpsRequest : httpRequest;

  const open = async (method: Method, path: string, { query = {}, body, idempotencyKey, lastEventId }: ClientCall, accept: string, signal: AbortSignal): Promise<Result<IncomingMessage, ClientFailure>> => {
    const asked = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`]));
    const content = body === undefined ? new Uint8Array(0) : utf8(JSON.stringify(body));
    const headers: Record<string, string> = {
      accept,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    };
    const message: HttpMessage = { method, authority: base.host, path, query: `?${asked.join('&')}`, headers, body: content };
    if (party !== null) {
      const created = Math.floor(now() / 1000);
      const params = { keyId: party.name, created, expires: created + 60, nonce: toBase64url(randomBytes(18)) };
      Object.assign(headers, await signMessage(message, 'imi-gateway/1', params, party.signer));
    }
    const options: RequestOptions & { ca?: string } = {
      method,
      hostname: base.hostname.replace(/^\[|\]$/g, ''),
      port: base.port,
      path: asked.length === 0 ? path : `${path}${message.query}`,
      headers: { ...headers, host: base.host, ...(content.length === 0 ? {} : { 'content-length': String(content.length) }) },
      signal,
      ...(ca === undefined ? {} : { ca }),
    };
    return new Promise((resolve) => {
      const request = send(options, (response) => resolve(ok(response)));
      request.on('error', (error: NodeJS.ErrnoException) => resolve(fail('hub-unreachable', `0 ${error.code ?? error.name}`)));
      request.end(content);
    });
  };

  return {
    async call(method, path, call = {}) {
      const answered = await open(method, path, call, 'application/json, */*;q=0.5', AbortSignal.timeout(deadlineMs));
      if (!answered.ok) return answered;
      const text = await textOf(answered.value);
      return text.ok ? outcomeOf(answered.value, text.value) : text;
    },
    async events(path, signal, lastEventId) {
      const answered = await open('GET', path, lastEventId === undefined ? {} : { lastEventId }, 'text/event-stream', signal);
      if (!answered.ok) return answered;
      if (answered.value.statusCode === 200) return ok(eventsOf(answered.value));
      const text = await textOf(answered.value);
      if (!text.ok) return text;
      const outcome = outcomeOf(answered.value, text.value);
      return outcome.ok ? fail('hub-unreachable', String(outcome.value.status)) : outcome;
    },
  };
}

async function textOf(response: IncomingMessage): Promise<Result<string, ClientFailure>> {
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of response) pieces.push(piece as Uint8Array);
    return ok(Buffer.concat(pieces).toString('utf8'));
  } catch (error) {
    return fail('hub-unreachable', `0 ${error instanceof Error ? error.name : ''}`);
  }
}

function outcomeOf(response: IncomingMessage, text: string): Result<ClientAnswer, ClientFailure> {
  const status = response.statusCode ?? 0;
  const body = (response.headers['content-type'] ?? '').includes('json') ? parsed(text) : text;
  if (status < 400) return ok({ status, body });
  const problem = problemSchema.safeParse(body);
  return problem.success ? fail(problem.data.code, [String(status), problem.data.detail].filter((piece) => piece !== undefined).join(' ')) : fail('hub-unreachable', String(status));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** WHATWG HTML §9.2.6, of what a gateway sends. */
async function* eventsOf(response: IncomingMessage): AsyncIterable<{ id: string; event: string; data: string }> {
  const decoder = new TextDecoder();
  let pending = '';
  try {
    for await (const piece of response) {
      pending += decoder.decode(piece as Uint8Array, { stream: true });
      for (let end = pending.indexOf('\n\n'); end !== -1; end = pending.indexOf('\n\n')) {
        const fields = pending.slice(0, end).split('\n');
        pending = pending.slice(end + 2);
        const field = (name: string): string => fields.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? '';
        if (field('data') !== '') yield { id: field('id'), event: field('event'), data: field('data') };
      }
    }
  } catch {
    // Cut off, or ended by the signal: whoever listens comes again with the last id.
  }
}
