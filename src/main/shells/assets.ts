import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { kioskOrigin } from '../../contract/origin.ts';
import { fail, ok, type Result } from '../../contract/result.ts';

/** The built renderer, in memory. Key: the path of the URL, `/assets/index-4f2a.js`; `/` is index.html. */
export type Assets = ReadonlyMap<string, { contentType: string; body: Buffer }>;

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

/** On every answer of our origin, the refusals too. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'permissions-policy': deniedFeatures.map((feature) => `${feature}=()`).join(', '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/** Reads all files below `dir` once; nothing is looked up on the disk later. Fails with `kiosk-config` where the renderer is not built. */
export async function readAssets(dir: string): Promise<Result<Assets>> {
  const assets = new Map<string, { contentType: string; body: Buffer }>();
  try {
    const entries = await readdir(dir, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && path.extname(entry.name) in contentTypes);
    await Promise.all(
      files.map(async (entry) => {
        const file = path.join(entry.parentPath, entry.name);
        const urlPath = `/${path.relative(dir, file).split(path.sep).join('/')}`;
        assets.set(urlPath, { contentType: contentTypes[path.extname(file)] ?? '', body: await readFile(file) });
      }),
    );
  } catch (error) {
    return fail('kiosk-config', `renderer: ${(error as NodeJS.ErrnoException).code ?? 'unreadable'}`);
  }
  const index = assets.get('/index.html');
  if (index === undefined) return fail('kiosk-config', 'renderer: no index.html');
  assets.set('/', index);
  return ok(assets);
}

/** The answer to a request for our origin. The path is looked up as it is: no joining, no decoding. */
export function assetResponse(assets: Assets, method: string, url: URL): AssetResponse {
  const asset = method === 'GET' ? assets.get(url.pathname) : undefined;
  if (asset === undefined) return { status: 404, headers: { ...securityHeaders, 'content-type': 'text/plain' }, body: Buffer.alloc(0) };
  return { status: 200, headers: { ...securityHeaders, 'content-type': asset.contentType }, body: asset.body };
}

/** Ours, and served: `blob:` and `about:` documents inherit the origin without being our pages. */
export function isKioskUrl(url: string): boolean {
  const parsed = URL.parse(url);
  return parsed !== null && parsed.protocol === 'https:' && parsed.origin === kioskOrigin && parsed.username === '' && parsed.password === '';
}
