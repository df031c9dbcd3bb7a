import { spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fail, ok, type Result } from '../contract/result.ts';
import { CdpError, CdpPipe } from './cdp-pipe.ts';
import { distributionChromium } from './distribution-chromium.ts';
import { unprivilegedAccount } from './unprivileged-account.ts';

const longestMs = 60_000;

/**
 * One self-contained page of HTML as PDF, by the distribution's Chromium without a network. Run by root, the browser is an unprivileged user, and
 * what it writes lies in a folder that only that user can enter; it is gone when this answers. Neither the page nor the PDF is ever a file.
 * `browser-missing`, `browser-sandbox`; `kiosk-storage` where there is no room for the folder; `kiosk-fault` with the browser's last words where it
 * printed nothing, or nothing whole.
 */
export async function printPdf(html: string, browser = distributionChromium): Promise<Result<Uint8Array>> {
  if (!existsSync(browser)) return fail('browser-missing', browser);
  try {
    const account = process.getuid?.() === 0 ? unprivilegedAccount() : null;
    if (account !== null && !account.ok) return account;
    const folder = mkdtempSync(join(tmpdir(), 'imi-print-'));
    try {
      if (account !== null) chownSync(folder, account.value.uid, account.value.gid);
      return await printIn(folder, html, browser, account?.value ?? {});
    } finally {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    }
  } catch (error) {
    return error instanceof Error && 'code' in error ? fail('kiosk-storage', String(error.code)) : fail('kiosk-fault', error instanceof Error ? error.name : undefined);
  }
}

/** ISO 32000-1 §7.5.1: it begins with its version and ends with `%%EOF`, after which some writers put a line's end. */
export function isWholePdf(bytes: Uint8Array): boolean {
  const text = (part: Uint8Array): string => Buffer.from(part).toString('latin1');
  return text(bytes.subarray(0, 5)) === '%PDF-' && text(bytes.subarray(-16)).trimEnd().endsWith('%%EOF');
}

/** `--print-to-pdf` reads its page by a `chrome://` address of its own, which the kiosk's policy (kiosk-image/chromium-policy.json) blocks like `file://`; the pipe is left to it. */
const flags = [
  '--headless',
  '--remote-debugging-pipe',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-breakpad',
  '--disable-extensions',
  '--password-store=basic',
  '--proxy-server=127.0.0.1:9',
];

async function printIn(home: string, html: string, browser: string, owner: { uid?: number; gid?: number }): Promise<Result<Uint8Array>> {
  const env = { HOME: home, PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', DBUS_SESSION_BUS_ADDRESS: 'disabled:' };
  const child = spawn(browser, [...flags, `--user-data-dir=${join(home, 'profile')}`, 'about:blank'], {
    ...owner,
    env,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    timeout: longestMs,
    killSignal: 'SIGKILL',
  });
  const [, , said, toBrowser, fromBrowser] = child.stdio as unknown as [null, null, Readable, Writable, Readable];
  let lastWords = '';
  said.on('data', (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString('utf8')).slice(-200);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      lastWords = error.message;
      resolve();
    });
    child.once('close', () => resolve());
  });
  try {
    const pdf = await printOver(toBrowser, fromBrowser, html);
    return isWholePdf(pdf) ? ok(pdf) : fail('kiosk-fault', 'half a PDF');
  } catch (error) {
    if (!(error instanceof CdpError)) throw error;
    child.kill('SIGKILL');
    await ended;
    return fail('kiosk-fault', `${error.message}; ${lastWords.trim()}`);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

/** @throws CdpError where the browser refuses, or ends before it has answered. */
async function printOver(toBrowser: Writable, fromBrowser: Readable, html: string): Promise<Uint8Array> {
  // The page that the browser opens by itself: under the kiosk's policy it opens no other.
  const page = Promise.withResolvers<string>();
  fromBrowser.once('close', () => page.reject(new CdpError('Target.targetCreated', 'the pipe closed')));
  // Where a command fails first, nobody waits for it.
  page.promise.catch(() => undefined);
  const pipe = new CdpPipe(toBrowser, fromBrowser, ({ method, params }) => {
    const { targetInfo } = params as { targetInfo?: { targetId: string; type: string } };
    if (method === 'Target.targetCreated' && targetInfo?.type === 'page') page.resolve(targetInfo.targetId);
  });
  await pipe.send('Target.setDiscoverTargets', { discover: true });
  const { sessionId } = (await pipe.send('Target.attachToTarget', { targetId: await page.promise, flatten: true })) as { sessionId: string };
  const { frameTree } = (await pipe.send('Page.getFrameTree', {}, sessionId)) as { frameTree: { frame: { id: string } } };
  await pipe.send('Page.setDocumentContent', { frameId: frameTree.frame.id, html }, sessionId);
  await pipe.send('Runtime.evaluate', { expression: allThere, awaitPromise: true }, sessionId);
  const { data } = (await pipe.send('Page.printToPDF', { printBackground: true, preferCSSPageSize: true }, sessionId)) as { data: string };
  return new Uint8Array(Buffer.from(data, 'base64'));
}

/** The page's own pictures and typefaces are in it as `data:`, and read after its text. */
const allThere = `new Promise((there) => document.readyState === 'complete' ? there() : addEventListener('load', there)).then(() => document.fonts.ready).then(() => true)`;
