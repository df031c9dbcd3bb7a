import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { kioskOrigin } from '../../contract/origin.ts';
import { fail, ok, type Result } from '../../contract/result.ts';

export interface Asset {
  contentType: string;
  /** Read once and kept: most slices of the fonts are never asked for. Null where the file has gone since. */
  body(): Buffer | null;
}

/** The built renderer. Key: the path of the URL, `/assets/index.js`; `/` is index.html. */
export type Assets = ReadonlyMap<string, Asset>;

export interface AssetResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
};

/** `sandbox` without allow-popups, -downloads and -modals closes windows, downloads and dialogs by itself (kiosk hardening, checked by the shell's tests). */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types vue',
  'sandbox allow-scripts allow-same-origin allow-forms',
].join('; ');

const deniedFeatures = [
  'accelerometer',
  'autoplay',
  'bluetooth',
  'camera',
  'clipboard-read',
  'clipboard-write',
  'display-capture',
  'fullscreen',
  'geolocation',
  'gyroscope',
  'hid',
  'idle-detection',
  'local-fonts',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'picture-in-picture',
  'publickey-credentials-get',
  'screen-wake-lock',
  'serial',
  'storage-access',
  'usb',
  'window-management',
  'xr-spatial-tracking',
];

/**
 * On every answer of our origin, the refusals too. No Cross-Origin-Opener-Policy: no other window can be opened, and with it the browser throws the page's first renderer away
 * (docs/decisions/one-renderer.md).
 */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'permissions-policy': deniedFeatures.map((feature) => `${feature}=()`).join(', '),
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/** Fixes which files there are; none is looked for later. Fails with `kiosk-config` where the renderer is not built. */
export async function readAssets(dir: string): Promise<Result<Assets>> {
  const assets = new Map<string, Asset>();
  try {
    for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
      const contentType = contentTypes[path.extname(entry.name)];
      if (!entry.isFile() || contentType === undefined) continue;
      const file = path.join(entry.parentPath, entry.name);
      assets.set(`/${path.relative(dir, file).split(path.sep).join('/')}`, fileAsset(file, contentType));
    }
  } catch (error) {
    return fail('kiosk-config', `renderer: ${(error as NodeJS.ErrnoException).code ?? 'unreadable'}`);
  }
  const index = assets.get('/index.html');
  if (index === undefined) return fail('kiosk-config', 'renderer: no index.html');
  assets.set('/', index);
  return ok(assets);
}

function fileAsset(file: string, contentType: string): Asset {
  let kept: Buffer | null = null;
  const read = (): Buffer | null => {
    try {
      return readFileSync(file);
    } catch {
      return null;
    }
  };
  return { contentType, body: () => (kept ??= read()) };
}

/** The answer to a request for our origin. The path is looked up as it is: no joining, no decoding. */
export function assetResponse(assets: Assets, method: string, url: URL): AssetResponse {
  const asset = method === 'GET' ? assets.get(url.pathname) : undefined;
  const body = asset?.body() ?? null;
  if (asset === undefined || body === null) return { status: 404, headers: { ...securityHeaders, 'content-type': 'text/plain' }, body: Buffer.alloc(0) };
  return { status: 200, headers: { ...securityHeaders, 'content-type': asset.contentType }, body };
}

/** Ours, and served: `blob:` and `about:` documents inherit the origin without being our pages. */
export function isKioskUrl(url: string): boolean {
  const parsed = URL.parse(url);
  return parsed !== null && parsed.protocol === 'https:' && parsed.origin === kioskOrigin && parsed.username === '' && parsed.password === '';
}
