import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { setInterval } from 'node:timers/promises';
import type { Slot } from './virtual-card/control.ts';

const daemon = '/usr/sbin/pcscd';
const driver = '/usr/lib/pcsc/drivers/serial/libifdvpcd.so';
const setpriv = '/usr/bin/setpriv';
const builtShim = join(import.meta.dirname, '../.runtime/vpcd-shim.so');
/** `sun_path` has 108 bytes, the last one zero; the socket is made under a longer name first. */
const longestSocketPath = 107 - '.new'.length;
const startAttempts = 3;
const startLimitMs = 10_000;
const pollMs = 20;
const stopLimitMs = 5_000;

export type { Slot };

export interface PcscdOptions {
  /** A folder of this daemon's own, for its configuration and its socket; made if missing, at most 80 characters. */
  dir: string;
  /** The preload shim that keeps vpcd on 127.0.0.1: by itself vpcd listens on every interface, so it is not started without. */
  shim?: string;
  /** Run as somebody else. Who connects must be that user or root. */
  uid?: number;
  gid?: number;
  /** Where the daemon's own log goes. */
  log?: 'ignore' | 'inherit';
}

/** A PC/SC daemon of one's own, beside the machine's, with a virtual reader of two slots. */
export interface Pcscd {
  /** For PCSCLITE_CSOCK_NAME in the environment of whoever shall see these readers. */
  readonly socketPath: string;
  /** Where a card connects to, on 127.0.0.1. */
  readonly ports: Readonly<Record<Slot, number>>;
  /** Exact, as PC/SC lists them. */
  readonly readerNames: Readonly<Record<Slot, string>>;
  /** Ends it and removes the socket. */
  stop(): Promise<void>;
  /** As a crash: SIGKILL; the socket's name stays, and nobody answers there. */
  kill(): Promise<void>;
  /** Ends what runs, if anything does, and starts anew behind the same socket path and the same ports. */
  restart(): Promise<void>;
}

/** vpcd names the slots of the reader `Virtual PCD` 00 and 01. */
export const readerNames = { resident: 'Virtual PCD 00 00', staff: 'Virtual PCD 00 01' } as const;

/** Resolves when both slots listen, on 127.0.0.1 and nowhere else. Throws where the machine lacks a part, naming it. */
export async function startPcscd(options: PcscdOptions): Promise<Pcscd> {
  const shim = resolve(options.shim ?? builtShim);
  demand(daemon, 'install the Debian package pcscd');
  demand(driver, 'install the Debian package vsmartcard-vpcd');
  demand(shim, 'npm start and npm test build it, and vpcd would listen on every interface without it');

  const dir = resolve(options.dir);
  const socketPath = join(dir, 'pcscd.sock');
  if (Buffer.byteLength(socketPath) > longestSocketPath) throw new Error(`${socketPath} is too long for a socket: choose a shorter folder`);
  const configDir = join(dir, 'reader.conf.d');
  mkdirSync(configDir, { recursive: true });
  const launch = { socketPath, configDir, shim, log: options.log ?? 'ignore', uid: options.uid, gid: options.gid };

  let running: ChildProcess | null = null;
  let ports = await freePorts();
  for (let attempt = 1; running === null; attempt += 1) {
    running = await start({ ...launch, ports });
    if (running !== null) break;
    if (attempt === startAttempts) throw new Error(`pcscd opened no virtual reader, lastly on 127.0.0.1:${ports.resident}`);
    ports = await freePorts();
  }

  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    const child = running;
    running = null;
    if (child !== null) await endProcess(child, signal);
  };
  return {
    socketPath,
    ports,
    readerNames,
    kill: () => end('SIGKILL'),
    async stop() {
      await end('SIGTERM');
      rmSync(socketPath, { force: true });
    },
    async restart() {
      await end('SIGTERM');
      running = await start({ ...launch, ports });
      if (running === null) throw new Error(`pcscd did not come back on 127.0.0.1:${ports.resident}`);
    },
  };
}

interface Launch {
  socketPath: string;
  configDir: string;
  shim: string;
  ports: Record<Slot, number>;
  log: 'ignore' | 'inherit';
  uid: number | undefined;
  gid: number | undefined;
}

/**
 * By socket activation: the daemon takes the listening socket as descriptor 3, so several run beside each other, and without
 * root. It dies with this process, however this one ends. Null when it opened no reader, which is so when somebody else took a port.
 */
async function start({ socketPath, configDir, shim, ports, log, uid, gid }: Launch): Promise<ChildProcess | null> {
  const port = `0x${ports.resident.toString(16).toUpperCase()}`;
  writeFileSync(
    join(configDir, 'vpcd'),
    `FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:${port}\nLIBPATH ${driver}\nCHANNELID ${port}\n`,
  );
  const draft = `${socketPath}.new`;
  rmSync(draft, { force: true });
  const server = createServer().listen(draft);
  await once(server, 'listening');
  chmodSync(draft, 0o600);
  if (uid !== undefined) chownSync(draft, uid, gid ?? uid);
  const script = `LD_PRELOAD="$1" LISTEN_FDS=1 LISTEN_PID=$$ exec ${setpriv} --pdeathsig KILL ${daemon} --foreground -c "$2"`;
  const child = spawn('/bin/sh', ['-c', script, 'pcscd', shim, configDir], { stdio: ['ignore', log, log, descriptorOf(server)], uid, gid });
  renameSync(draft, socketPath);
  // Closing unlinks the name it was bound under, which is gone by now; the daemon holds the socket.
  server.close();

  const started = AbortSignal.any([AbortSignal.timeout(startLimitMs), aborted(once(child, 'exit'))]);
  try {
    for await (const _ of setInterval(pollMs, undefined, { signal: started })) {
      const addresses = listeningAddresses(child.pid);
      if (Object.values(ports).every((wanted) => addresses.includes(`127.0.0.1:${wanted}`))) return child;
    }
  } catch (error) {
    if (!started.aborted) throw error;
  }
  await endProcess(child, 'SIGKILL');
  return null;
}

/** TCP addresses a process listens on, from /proc: a connection to find out would take the slot's one place for a card. */
function listeningAddresses(pid: number | undefined): string[] {
  const own = new Set<string>();
  try {
    for (const entry of readdirSync(`/proc/${pid}/fd`)) own.add(readlinkSync(`/proc/${pid}/fd/${entry}`));
  } catch {
    return [];
  }
  const listening = '0A';
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((column) => column[3] === listening && own.has(`socket:[${column[9]}]`))
    .map((column) => {
      const [address = '', port = ''] = (column[1] ?? '').split(':');
      return `${[...Buffer.from(address, 'hex')].reverse().join('.')}:${Number.parseInt(port, 16)}`;
    });
}

/** Two neighbouring ports that nobody listens on now. */
async function freePorts(): Promise<Record<Slot, number>> {
  for (;;) {
    const first = createServer().listen(0, '127.0.0.1');
    await once(first, 'listening');
    const { port } = first.address() as AddressInfo;
    const second = createServer().listen(port + 1, '127.0.0.1');
    const free = await once(second, 'listening').then(
      () => true,
      () => false,
    );
    await Promise.all([first, second].map((server) => new Promise((closed) => server.close(closed))));
    if (free) return { resident: port, staff: port + 1 };
  }
}

async function endProcess(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const overdue = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
  await exited;
  clearTimeout(overdue);
}

/** Node has no public way to hand a listening socket to a program that is not Node. */
function descriptorOf(server: Server): number {
  const { _handle: handle } = server as unknown as { _handle?: { fd?: number } };
  if (handle?.fd === undefined || handle.fd < 0) throw new Error('a listening socket without a descriptor');
  return handle.fd;
}

/** A signal that fires once the promise has settled. */
function aborted(promise: Promise<unknown>): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  promise.then(abort, abort);
  return controller.signal;
}

function demand(path: string, cure: string): void {
  if (!existsSync(path)) throw new Error(`${path} is missing: ${cure}`);
}
