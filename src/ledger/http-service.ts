import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { concatBytes, utf8 } from './verify/bytes.ts';

export interface HttpRequest {
  method: string;
  /** Without what stands behind a question mark. */
  path: string;
  body: Uint8Array;
}

export interface HttpAnswer {
  status: number;
  type: string;
  body: Uint8Array | string;
  /** `Cache-Control`. */
  cache?: string;
}

export interface HttpServiceOptions {
  host: string;
  /** 0: whichever is free. */
  port: number;
  /** Of a request's body; what is longer is answered 413 unread. */
  limitBytes: number;
  /** A connection on which nothing moved for so long is cut off. */
  silentMs?: number;
  answer: (request: HttpRequest) => HttpAnswer;
  /** What `answer` threw; the asker is told 503. */
  onFault: (error: unknown) => void;
}

export interface HttpService {
  /** `http://<host>:<port>`. */
  url: string;
  /** Cuts off whoever is connected. */
  close(): Promise<void>;
}

/** For outsiders who need nothing but public bytes: witnesses and monitors. Whatever matters in them is signed, so the connection need not be. */
export function openHttpService({ host, port, limitBytes, silentMs = 30_000, answer, onFault }: HttpServiceOptions): Promise<Result<HttpService, Failure<'unusable'>>> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000, keepAliveTimeout: 30_000 }, (request, response) => {
    void readBody(request, limitBytes).then((body) => {
      if (body === 'too-large') send(response, { status: 413, type: plain, body: 'too large\n' });
      if (!(body instanceof Uint8Array)) return;
      try {
        send(response, answer({ method: request.method ?? '', path: (request.url ?? '').replace(/\?.*$/s, ''), body }));
      } catch (error) {
        onFault(error);
        send(response, { status: 503, type: plain, body: 'not now\n' });
      }
    });
  });
  server.maxConnections = 64;
  // An asker who takes nothing of an answer would keep one of those places for ever.
  server.timeout = silentMs;
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(fail('unusable', `${host}:${port} ${error.code ?? error.message}`)));
    server.listen(port, host, () => {
      const { address, port: bound, family } = server.address() as AddressInfo;
      resolve(
        ok({
          url: `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`,
          close: () =>
            new Promise<void>((closed) => {
              server.close(() => closed());
              server.closeAllConnections();
            }),
        }),
      );
    });
  });
}

const plain = 'text/plain; charset=utf-8';

/** `lost`: the asker went away. */
function readBody(request: IncomingMessage, limitBytes: number): Promise<Uint8Array | 'too-large' | 'lost'> {
  return new Promise((resolve) => {
    const pieces: Uint8Array[] = [];
    let length = 0;
    request.on('data', (piece: Uint8Array) => {
      length += piece.length;
      if (length > limitBytes) resolve('too-large');
      else pieces.push(piece);
    });
    request.on('end', () => resolve(concatBytes(...pieces)));
    request.on('close', () => resolve('lost'));
    request.on('error', () => resolve('lost'));
  });
}

function send(response: ServerResponse, { status, type, body, cache }: HttpAnswer): void {
  const bytes = typeof body === 'string' ? utf8(body) : body;
  const isRefused = status === 413;
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'Cache-Control': cache ?? 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(isRefused ? { Connection: 'close' } : {}),
  });
  response.end(bytes);
}
