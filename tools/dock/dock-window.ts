import { spawn } from 'node:child_process';
import { chownSync, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const chromium = '/usr/lib/chromium/chromium';
const nobody = 65_534;

export interface DockWindowOptions {
  url: string;
  position: { x: number; y: number };
  size: { width: number; height: number };
}

export interface DockWindow {
  /** When somebody closed it, or `close` did. */
  closed: Promise<void>;
  close(): void;
}

/** A small window of its own, beside the kiosk. The browser's sandbox stays on: started by root it runs as nobody. */
export function openDockWindow({ url, position, size }: DockWindowOptions): DockWindow {
  if (!existsSync(chromium)) throw new Error(`${chromium} is missing: install the Debian package chromium`);
  const profile = mkdtempSync(join(tmpdir(), 'imi-dock-'));
  const owner = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  const env: NodeJS.ProcessEnv = { ...process.env, HOME: profile };
  const cookie = process.env['XAUTHORITY'] ?? join(homedir(), '.Xauthority');
  if (existsSync(cookie)) {
    env['XAUTHORITY'] = join(profile, '.Xauthority');
    copyFileSync(cookie, env['XAUTHORITY']);
    if (owner.uid !== undefined) chownSync(env['XAUTHORITY'], owner.uid, owner.gid);
  }
  if (owner.uid !== undefined) chownSync(profile, owner.uid, owner.gid);
  const flags = [
    `--app=${url}`,
    `--user-data-dir=${profile}`,
    `--window-position=${position.x},${position.y}`,
    `--window-size=${size.width},${size.height}`,
    '--no-first-run',
    '--no-default-browser-check',
    '--no-proxy-server',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-extensions',
    '--disable-sync',
    '--disable-breakpad',
    '--hide-crash-restore-bubble',
    '--password-store=basic',
    '--disable-features=Translate,MediaRouter',
  ];
  const browser = spawn(chromium, flags, { stdio: 'ignore', cwd: '/', env, ...owner });
  const closed = new Promise<void>((resolve) => {
    browser.once('error', () => resolve());
    browser.once('exit', () => resolve());
  }).then(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  return { closed, close: () => void browser.kill() };
}
