import { createHash } from 'node:crypto';
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { ProblemCode } from '../contract/failures.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { hmacSha256 } from '../identity/symmetric.ts';
import { concatBytes, equalBytes, utf8 } from '../ledger/verify/bytes.ts';
import { identifyCaller, type CallerCheck } from './caller.ts';
import type { GatewayStore, KeptAnswer } from './gateway-store.ts';
import type { HttpMessage } from './http-signature.ts';
import { keyPattern, takesKey } from './openapi.ts';
import { problemOf, problemType } from './problem.ts';
import { RateLimit, type Rate } from './rate-limit.ts';
import { jsonType, kindsOf, usualBodyLimitBytes, type RawAnswer, type RawCall, type Route, type TextStream } from './route.ts';
import { matchRoute, readForm } from './router.ts';

export interface DoorLimits {
  connections: number;
  headersMs: number;
  requestMs: number;
  keepAliveMs: number;
  /** Nothing moves on a connection, but for a stream's. */
  silentMs: number;
}

const usualLimits: DoorLimits = { connections: 256, headersMs: 5000, requestMs: 15_000, keepAliveMs: 30_000, silentMs: 60_000 };
/** An answer under an idempotency key is kept for so long. */
const keySeconds = 24 * 3600;
/** Of those who prove nothing, by their network address. */
const strangersRate: Rate = { perSecond: 20, burst: 200 };

export interface GatewayDoorOptions {
  host: string;
  /** 0: whichever is free. */
  port: number;
  /** PEM; null: in the clear, for loopback addresses only. */
  tls: { cert: string; key: string } | null;
  /** By which callers know this gateway, beside the address itself: `host` or `host:port`, lower case. */
  authorities: readonly string[];
  /** For the address that it came to listen on. */
  routes: (url: string) => readonly Route[];
  check: CallerCheck;
  store: Pick<GatewayStore, 'answer' | 'keepAnswer'>;
  /** Of one party. */
  rate: Rate;
  limits?: Partial<DoorLimits>;
  /** Unix milliseconds. */
  now: () => number;
  /** A bug: what was called, and the exception. */
  onFault: (where: string, error: unknown) => void;
}

export interface GatewayDoor {
  /** `http://<host>:<port>`, or https. */
  url: string;
  close(): Promise<void>;
}

export async function openGatewayDoor(options: GatewayDoorOptions): Promise<Result<GatewayDoor, Failure<'unusable'>>> {
  const { host, port, tls } = options;
  const limits = { ...usualLimits, ...options.limits };
  let answer: RequestListener = (_, response) => response.destroy();
  const settings = { headersTimeout: limits.headersMs, requestTimeout: limits.requestMs, keepAliveTimeout: limits.keepAliveMs, connectionsCheckingInterval: 1000, maxHeaderSize: 16 * 1024 };
  const listener: RequestListener = (request, response) => answer(request, response);
  const server: Server = tls === null ? createHttpServer(settings, listener) : createHttpsServer({ ...settings, ...tls, minVersion: 'TLSv1.3' }, listener);
  server.maxConnections = limits.connections;
  server.maxHeadersCount = 64;
  server.timeout = limits.silentMs;
  server.on('clientError', answerNoHttp);
  const bound = await listen(server, host, port);
  if (!bound.ok) return bound;
  const scheme = tls === null ? 'http' : 'https';
  const authority = `${host.includes(':') ? `[${host}]` : host}:${bound.value}`;
  const url = `${scheme}://${authority}`;
  const standard = `:${tls === null ? 80 : 443}`;
  const authorities = new Set([authority, ...options.authorities].map((name) => withoutStandardPort(name.toLowerCase(), standard)));
  const answering = new Answering(options, options.routes(url), authorities, standard);
  answer = (request, response) => void answering.answer(request, response);
  return ok({
    url,
    close: () =>
      new Promise<void>((closed) => {
        answering.end();
        server.close(() => closed());
        server.closeIdleConnections();
        // Who is being answered gets the answer; streams have been ended.
        void answering.idle().then(() => server.closeAllConnections());
      }),
  });
}

function listen(server: Server, host: string, port: number): Promise<Result<number, Failure<'unusable'>>> {
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(fail('unusable', `${host}:${port} ${error.code ?? error.message}`)));
    server.listen(port, host, () => {
      server.on('error', () => {
        // A connection that the system could not give us (EMFILE): the next one may come through.
      });
      resolve(ok((server.address() as AddressInfo).port));
    });
  });
}

const withoutStandardPort = (authority: string, standard: string): string => (authority.endsWith(standard) ? authority.slice(0, -standard.length) : authority);

/** What is no HTTP, too long or too slow never becomes a request. */
function answerNoHttp(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(problemOf('call-malformed', 'http'));
  socket.end(`HTTP/1.1 400 Bad Request\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
}

type Headers = Record<string, string>;

/** One answer on its way: refusals and handlers' answers alike. */
interface Outgoing {
  status: number;
  type: string;
  body: Uint8Array | TextStream;
  headers?: Headers;
}

const refused = (code: ProblemCode, detail?: string, headers?: Headers): Outgoing => {
  const problem = problemOf(code, detail);
  return { status: problem.status, type: problemType, body: utf8(JSON.stringify(problem)), ...(headers === undefined ? {} : { headers }) };
};

/** What a person did not form well is told where; of everything else the code has to do. */
const refusedBy = ({ code, detail }: Failure<ProblemCode>): Outgoing =>
  refused(code, code === 'call-malformed' || code === 'signature-malformed' ? detail : undefined, code === 'signature-required' ? { 'WWW-Authenticate': 'Signature' } : undefined);

class Answering {
  readonly #options: GatewayDoorOptions;
  readonly #routes: readonly Route[];
  readonly #authorities: ReadonlySet<string>;
  readonly #standardPort: string;
  readonly #parties: RateLimit;
  readonly #strangers = new RateLimit(strangersRate);
  /** Calls under an idempotency key that are being answered. */
  readonly #underWay = new Map<string, Promise<KeptAnswer | null>>();
  readonly #ended = new AbortController();
  readonly #busy = new Set<Promise<void>>();

  constructor(options: GatewayDoorOptions, routes: readonly Route[], authorities: ReadonlySet<string>, standardPort: string) {
    this.#options = options;
    this.#routes = routes;
    this.#authorities = authorities;
    this.#standardPort = standardPort;
    this.#parties = new RateLimit(options.rate);
  }

  end(): void {
    this.#ended.abort();
  }

  async idle(): Promise<void> {
    await Promise.all(this.#busy);
  }

  /** Never rejects. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const work = this.#answer(request, response).catch((error: unknown) => {
      this.#options.onFault(`${request.method ?? ''} ${pathOf(request)}`, error);
      response.destroy();
    });
    this.#busy.add(work);
    return work.finally(() => this.#busy.delete(work));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    response.on('error', () => {
      // A caller who went away: 'close' follows.
    });
    const signal = AbortSignal.any([gone.signal, this.#ended.signal]);
    let outgoing: Outgoing | null;
    try {
      outgoing = await this.#outgoing(request, signal);
    } catch (error) {
      this.#options.onFault(`${request.method ?? ''} ${pathOf(request)}`, error);
      outgoing = refused('gateway-fault');
    }
    if (outgoing === null || response.destroyed) return;
    await send(request, response, outgoing, this.#options.tls !== null, signal);
  }

  /** null: the caller went away. */
  async #outgoing(request: IncomingMessage, signal: AbortSignal): Promise<Outgoing | null> {
    const { now } = this.#options;
    const method = request.method ?? '';
    const target = request.url ?? '';
    if (!/^\/[^#]*$/.test(target)) return refused('call-malformed', 'target');
    const path = pathOf(request);
    const match = matchRoute(this.#routes, method, path);
    if (match === null) return refused('path-unknown');
    if ('allow' in match) return refused('method-unknown', undefined, { Allow: allowed(match.allow) });
    const { route, params } = match;
    const authority = withoutStandardPort((request.headers.host ?? '').toLowerCase(), this.#standardPort);
    if (!this.#authorities.has(authority)) return refused('authority-unknown');
    if (!accepts(request.headers.accept, route)) return refused('not-acceptable');
    const isSigned = request.headers['signature-input'] !== undefined;
    const stranger = request.socket.remoteAddress ?? '';
    if (route.spec.auth === 'none' || !isSigned) {
      const wait = this.#strangers.take(stranger, now());
      if (wait !== null) return refused('rate-limited', undefined, { 'Retry-After': String(wait) });
    }
    if (route.spec.auth !== 'none' && !isSigned) return refusedBy({ code: 'signature-required' });

    const limit = route.spec.body === undefined ? 0 : (route.spec.bodyLimitBytes ?? usualBodyLimitBytes);
    const body = await readBody(request, limit);
    if (body === 'lost') return null;
    if (body === 'too-large') return route.spec.body === undefined ? refused('call-malformed', 'body') : refused('content-too-large');

    const query = target.includes('?') ? target.slice(target.indexOf('?')) : '?';
    const message: HttpMessage = { method, authority, path, query, headers: headersOf(request), body };
    let party: RawCall['party'] = null;
    if (route.spec.auth !== 'none') {
      const caller = await identifyCaller(message, kindsOf(route), this.#options.check, Math.floor(now() / 1000));
      if (!caller.ok) {
        const wait = this.#strangers.take(stranger, now());
        return wait === null ? refusedBy(caller.failure) : refused('rate-limited', undefined, { 'Retry-After': String(wait) });
      }
      party = caller.value;
      const wait = this.#parties.take(party.name, now());
      if (wait !== null) return refused('rate-limited', undefined, { 'Retry-After': String(wait) });
    }
    return this.#once(route, message, party, () => handled({ route, params, message, party, signal }));
  }

  /** Under an idempotency key the same call is done once, and has the same answer for a day. */
  async #once(route: Route, message: HttpMessage, party: RawCall['party'], handle: () => Promise<Outgoing>): Promise<Outgoing> {
    const key = message.headers['idempotency-key'];
    if (key === undefined || party === null || !takesKey(route.spec)) return handle();
    if (!keyPattern.test(key)) return refused('call-malformed', 'idempotency-key');
    const { store, check, now } = this.#options;
    const seconds = Math.floor(now() / 1000);
    const tag = hmacSha256(check.tagKey, `key\0${party.name}\0${key}`);
    const call = callHash(message);
    const again = (kept: KeptAnswer): Outgoing => (equalBytes(kept.call, call) ? kept : refused('key-reused'));

    const name = Buffer.from(tag).toString('hex');
    const earlier = await this.#underWay.get(name);
    if (earlier !== undefined && earlier !== null) return again(earlier);
    const known = store.answer(tag, seconds - keySeconds);
    if (!known.ok) return refusedBy(known.failure);
    if (known.value !== null) return again(known.value);

    const first = Promise.withResolvers<KeptAnswer | null>();
    this.#underWay.set(name, first.promise);
    try {
      const outgoing = await handle();
      // What another try may change is not kept.
      if (!(outgoing.body instanceof Uint8Array) || outgoing.status >= 500 || outgoing.status === 429) return outgoing;
      const kept = { call, status: outgoing.status, type: outgoing.type, body: outgoing.body };
      const stored = store.keepAnswer(tag, kept, seconds, seconds - keySeconds);
      if (!stored.ok) return refusedBy(stored.failure);
      first.resolve(kept);
      return outgoing;
    } finally {
      first.resolve(null);
      this.#underWay.delete(name);
    }
  }
}

interface Handled {
  route: Route;
  params: Record<string, string>;
  message: HttpMessage;
  party: RawCall['party'];
  signal: AbortSignal;
}

async function handled({ route, params, message, party, signal }: Handled): Promise<Outgoing> {
  const query = readForm(message.query.slice(1));
  if (query === null) return refused('call-malformed', 'query');
  const body = readContent(route, message);
  if (!body.ok) return refusedBy(body.failure);
  const answer = await route.answer({ party, params, query, body: body.value, header: (name) => message.headers[name], signal });
  return answer.ok ? outgoingOf(answer.value) : refusedBy(answer.failure);
}

function readContent({ spec }: Route, { headers, body }: HttpMessage): Result<unknown, Failure<ProblemCode>> {
  if (spec.body === undefined) return ok(undefined);
  const wanted = spec.consumes === 'form' ? 'application/x-www-form-urlencoded' : jsonType;
  const [type = '', ...params] = (headers['content-type'] ?? '').toLowerCase().split(';').map((piece) => piece.trim());
  if (type !== wanted || params.some((param) => !/^charset="?utf-8"?$/.test(param))) return fail('media-type-unknown');
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    const read: unknown = spec.consumes === 'form' ? readForm(text) : JSON.parse(text);
    return read === null ? fail('call-malformed', 'body') : ok(read);
  } catch {
    return fail('call-malformed', 'body');
  }
}

const isStream = (body: unknown): body is TextStream => typeof body === 'object' && body !== null && Symbol.asyncIterator in body;

function outgoingOf({ status, type, body }: RawAnswer): Outgoing {
  if (isStream(body)) return { status, type, body };
  return { status, type, body: utf8(type === jsonType ? JSON.stringify(body) : String(body)) };
}

async function send(request: IncomingMessage, response: ServerResponse, { status, type, body, headers }: Outgoing, isSecure: boolean, signal: AbortSignal): Promise<void> {
  const common = {
    'Content-Type': type,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(isSecure ? { 'Strict-Transport-Security': 'max-age=31536000' } : {}),
    // What is left of a body that nobody reads is not taken for the next call.
    ...(request.complete ? {} : { Connection: 'close' }),
    ...headers,
  };
  if (body instanceof Uint8Array) {
    response.writeHead(status, { ...common, 'Content-Length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
    return;
  }
  response.writeHead(status, common);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  response.flushHeaders();
  request.socket.setTimeout(0);
  for await (const piece of body) {
    if (signal.aborted) break;
    if (!response.write(piece)) await new Promise<void>((resolve) => void [response.once('drain', resolve), response.once('close', resolve)]);
  }
  response.end();
}

const pathOf = (request: IncomingMessage): string => (request.url ?? '').replace(/\?.*$/s, '');

const allowed = (methods: readonly string[]): string => [...new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))].join(', ');

/** Only names are compared; a weight of 0 is a no. */
function accepts(field: string | undefined, { spec }: Route): boolean {
  if (field === undefined || field.trim() === '') return true;
  const offered = [...Object.values(spec.answers).map(({ type = jsonType }) => type), problemType];
  return field.split(',').some((range) => {
    const [name = '', ...params] = range.split(';').map((piece) => piece.trim().toLowerCase());
    if (params.some((param) => /^q=0(?:\.0{0,3})?$/.test(param))) return false;
    return name === '*/*' || offered.some((type) => name === type || name === `${type.split('/')[0] ?? ''}/*`);
  });
}

function headersOf(request: IncomingMessage): HttpMessage['headers'] {
  return Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]));
}

const callHash = ({ method, path, query, body }: HttpMessage): Uint8Array =>
  new Uint8Array(createHash('sha256').update(concatBytes(utf8(`${method}\n${path}\n${query}\n`), body)).digest());

function readBody(request: IncomingMessage, limitBytes: number): Promise<Uint8Array | 'too-large' | 'lost'> {
  return new Promise((resolve) => {
    if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
      resolve('too-large');
      return;
    }
    const pieces: Uint8Array[] = [];
    let length = 0;
    request.on('data', (piece: Uint8Array) => {
      length += piece.length;
      if (length <= limitBytes) pieces.push(piece);
      else {
        resolve('too-large');
        request.pause();
      }
    });
    request.on('end', () => resolve(concatBytes(...pieces)));
    request.on('close', () => resolve('lost'));
    request.on('error', () => resolve('lost'));
  });
}
