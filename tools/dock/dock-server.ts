import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { type Dock, dockActSchema, type DockState } from './dock.ts';

const root = join(import.meta.dirname, '../..');
const longestRequest = 4096;

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.woff2': 'font/woff2',
  '.svg': 'image/svg+xml',
};

const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

export interface DockServer {
  /** With the secret in its path. */
  url: string;
  close(): Promise<void>;
}

/** Serves the dock's page on 127.0.0.1, to whoever knows its address: the path is the secret, and no other origin may ask. */
export async function serveDock(dock: Dock): Promise<DockServer> {
  const secret = randomBytes(24).toString('base64url');
  const assets = readAssets();
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = ownPath(request);
    if (path === null) return refuse(response, 404);
    if (request.method === 'POST' && path === 'act') return act(request, response);
    if (request.method !== 'GET') return refuse(response, 405);
    if (path === 'state') return stream(response);
    if (/^slip\/\d+\.png$/.test(path) && dock.slip !== null) {
      response.writeHead(200, { ...headers, 'content-type': 'image/png' });
      response.end(dock.slip);
      return;
    }
    const asset = assets.get(path === '' ? 'index.html' : path);
    if (asset === undefined) return refuse(response, 404);
    response.writeHead(200, { ...headers, 'content-type': contentTypes[extname(path === '' ? 'index.html' : path)] });
    response.end(asset);
  }

  /** What follows the secret; null where the secret, the host or the origin is not ours. */
  function ownPath(request: IncomingMessage): string | null {
    const { host: asked, origin } = request.headers;
    if (asked !== host || (origin !== undefined && origin !== `http://${host}`)) return null;
    const [, given = '', ...rest] = (request.url ?? '').split('?')[0]?.split('/') ?? [];
    const known = given.length === secret.length && timingSafeEqual(Buffer.from(given), Buffer.from(secret));
    return known ? rest.join('/') : null;
  }

  async function act(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A page elsewhere can send neither this type nor this origin without being asked back.
    if (request.headers['content-type'] !== 'application/json' || request.headers.origin === undefined) return refuse(response, 415);
    let body = '';
    for await (const chunk of request) {
      body += String(chunk);
      if (body.length > longestRequest) return refuse(response, 413);
    }
    const parsed = dockActSchema.safeParse(jsonOrNull(body));
    if (!parsed.success) return refuse(response, 400);
    await dock.act(parsed.data);
    response.writeHead(204, headers).end();
  }

  /** Server-sent events: the whole state at once and after each change. */
  function stream(response: ServerResponse): void {
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' });
    const send = (state: DockState): void => {
      response.write(`data: ${JSON.stringify(state)}\n\n`);
    };
    send(dock.current);
    response.on('close', dock.onChange(send));
  }

  return {
    url: `http://${host}/${secret}/`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, headers).end();
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The page, and the kiosk's own fonts: everything that may be asked for, read once. */
function readAssets(): Map<string, Buffer> {
  const assets = new Map<string, Buffer>();
  const add = (folder: string, prefix: string): void => {
    if (!existsSync(folder)) return;
    for (const name of readdirSync(folder)) {
      if (extname(name) in contentTypes) assets.set(`${prefix}${name}`, readFileSync(join(folder, name)));
    }
  };
  add(join(import.meta.dirname, 'page'), '');
  add(join(root, 'src/renderer/fonts'), 'fonts/');
  add(join(root, 'node_modules/@fontsource-variable/noto-sans-sc'), 'noto/');
  add(join(root, 'node_modules/@fontsource-variable/noto-sans-sc/files'), 'noto/files/');
  return assets;
}
