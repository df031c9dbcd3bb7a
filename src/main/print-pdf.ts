import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fail, ok, type Result } from '../contract/result.ts';
import { unprivilegedAccount } from './unprivileged-account.ts';

const chromium = '/usr/lib/chromium/chromium';
const longestMs = 60_000;

/**
 * One self-contained page of HTML as PDF, by the distribution's Chromium without a network. Run by root, the browser is an unprivileged user, and
 * what it reads and writes lies in a folder that only that user can enter; it is gone when this answers.
 * `browser-missing`, `browser-sandbox`; `kiosk-fault` with the browser's last words where it printed nothing.
 */
export async function printPdf(html: string): Promise<Result<Uint8Array>> {
  if (!existsSync(chromium)) return fail('browser-missing', chromium);
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : null;
  if (account !== null && !account.ok) return account;
  const folder = mkdtempSync(join(tmpdir(), 'imi-print-'));
  try {
    const page = join(folder, 'page.html');
    const pdf = join(folder, 'page.pdf');
    writeFileSync(page, html, { mode: 0o600 });
    if (account !== null) for (const path of [folder, page]) chownSync(path, account.value.uid, account.value.gid);
    const lastWords = await browse([`--user-data-dir=${join(folder, 'profile')}`, `--print-to-pdf=${pdf}`, pathToFileURL(page).href], folder, account?.value ?? {});
    return existsSync(pdf) ? ok(new Uint8Array(readFileSync(pdf))) : fail('kiosk-fault', lastWords.slice(-200));
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

const flags = [
  '--headless',
  '--disable-gpu',
  '--no-pdf-header-footer',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-breakpad',
  '--disable-extensions',
  '--password-store=basic',
  '--proxy-server=127.0.0.1:9',
];

function browse(args: string[], home: string, owner: { uid?: number; gid?: number }): Promise<string> {
  return new Promise((resolve) => {
    const env = { HOME: home, PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', DBUS_SESSION_BUS_ADDRESS: 'disabled:' };
    execFile(chromium, [...flags, ...args], { ...owner, env, cwd: '/', timeout: longestMs, killSignal: 'SIGKILL' }, (_error, _stdout, stderr) => resolve(stderr));
  });
}
