import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, chownSync, constants, copyFileSync, existsSync, mkdtempSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fail, ok, type Result } from '../../contract/result.ts';
import { unprivilegedAccount, type Account } from '../unprivileged-account.ts';
import { chromiumFlags, type ChromiumWindow } from './chromium-flags.ts';

/** Then comes the kiosk's process id. */
const profilePrefix = 'imi-screen-';

export interface ChromiumLaunch {
  window: ChromiumWindow;
  binary: string;
  /** Runs the browser in bubblewrap: no network namespace, no files but /usr, /etc, the profile and the display's socket. */
  confined: boolean;
  /** For tests alone, which need a debugging port; the product passes none. */
  extraFlags: readonly string[];
}

export interface ChromiumProcess {
  pid: number;
  profileDir: string;
  toBrowser: Writable;
  fromBrowser: Readable;
  /** Resolves with the last lines that the browser wrote, its streams closed. */
  exited: Promise<string>;
  /** SIGKILL; the profile is removed. */
  end(): Promise<void>;
}

/** Starts the browser as an unprivileged user in a private profile, and returns at once. Fails with `browser-missing`. */
export function startChromium(launch: ChromiumLaunch): Result<ChromiumProcess> {
  try {
    accessSync(launch.binary, constants.X_OK);
  } catch {
    return fail('browser-missing', launch.binary);
  }
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : null;
  if (account !== null && !account.ok) return account;
  const owner = account?.value ?? null;

  const profileDir = mkdtempSync(path.join(os.tmpdir(), `${profilePrefix}${process.pid}-`));
  const env = browserEnvironment(profileDir, owner);
  if (owner !== null) chownSync(profileDir, owner.uid, owner.gid);

  const flags = [...chromiumFlags(launch.window, profileDir), ...launch.extraFlags];
  const [command, args] = launch.confined ? ['bwrap', [...bubblewrapArguments(profileDir, env), launch.binary, ...flags]] : [launch.binary, flags];
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    env,
    cwd: '/',
    ...(owner === null ? {} : { uid: owner.uid, gid: owner.gid }),
  });
  return ok(watched(child, profileDir));
}

/** Removes the profiles of kiosks that were killed before they could, as far as they are ours to remove. */
export async function sweepProfiles(): Promise<void> {
  const names = await readdir(os.tmpdir()).catch(() => []);
  for (const name of names) {
    const pid = name.startsWith(profilePrefix) ? Number(name.slice(profilePrefix.length).split('-')[0]) : NaN;
    if (pid > 0 && !existsSync(`/proc/${pid}`)) await rm(path.join(os.tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function watched(child: ChildProcess, profileDir: string): ChromiumProcess {
  let lastWords = '';
  (child.stdio[2] as Readable).on('data', (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString('utf8')).slice(-4096);
  });
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('close', () => {
      resolve(lastWords);
    });
  });
  return {
    pid: child.pid ?? -1,
    profileDir,
    toBrowser: child.stdio[3] as Writable,
    fromBrowser: child.stdio[4] as Readable,
    exited,
    end: async () => {
      child.kill('SIGKILL');
      await exited;
      await rm(profileDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}

/** Nothing of our own environment but the display and the language; home is the profile. */
function browserEnvironment(profileDir: string, owner: Account | null): Record<string, string> {
  const env: Record<string, string> = {
    HOME: profileDir,
    PATH: '/usr/bin:/bin',
    LANG: process.env['LANG'] ?? 'C.UTF-8',
    DBUS_SESSION_BUS_ADDRESS: 'disabled:',
    DBUS_SYSTEM_BUS_ADDRESS: 'disabled:',
  };
  const { DISPLAY: display, WAYLAND_DISPLAY: wayland, XDG_RUNTIME_DIR: runtimeDir } = process.env;
  if (display !== undefined) env['DISPLAY'] = display;
  if (wayland !== undefined && runtimeDir !== undefined && owner === null) {
    env['WAYLAND_DISPLAY'] = wayland;
    env['XDG_RUNTIME_DIR'] = runtimeDir;
  }
  const cookie = process.env['XAUTHORITY'] ?? path.join(os.homedir(), '.Xauthority');
  if (display !== undefined && existsSync(cookie)) {
    const copy = path.join(profileDir, '.Xauthority');
    copyFileSync(cookie, copy);
    if (owner !== null) chownSync(copy, owner.uid, owner.gid);
    env['XAUTHORITY'] = copy;
  }
  return env;
}

/** The browser's own sandbox stays on inside; /dev/dri and /sys are there for the graphics card. */
function bubblewrapArguments(profileDir: string, env: Readonly<Record<string, string>>): string[] {
  const wayland = env['WAYLAND_DISPLAY'];
  const runtimeDir = env['XDG_RUNTIME_DIR'];
  return [
    ...['--ro-bind', '/usr', '/usr', '--ro-bind', '/etc', '/etc', '--ro-bind-try', '/sys', '/sys'],
    ...['/bin', '/lib', '/lib64'].flatMap((link) => ['--symlink', `usr${link}`, link]),
    ...['--proc', '/proc', '--dev', '/dev', '--dev-bind-try', '/dev/dri', '/dev/dri'],
    ...['/tmp', '/home', '/run', '/var', '/dev/shm'].flatMap((dir) => ['--tmpfs', dir]),
    ...['--ro-bind-try', '/var/cache/fontconfig', '/var/cache/fontconfig', '--ro-bind-try', '/tmp/.X11-unix', '/tmp/.X11-unix'],
    ...(wayland !== undefined && runtimeDir !== undefined ? ['--ro-bind', path.join(runtimeDir, wayland), path.join(runtimeDir, wayland)] : []),
    ...['--bind', profileDir, profileDir],
    ...['--unshare-net', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--die-with-parent', '--new-session', '--'],
  ];
}
