import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Debian keeps each version's programs in a folder of its own, outside PATH. */
const versions = '/usr/lib/postgresql';
const newest = existsSync(versions) ? readdirSync(versions).filter((name) => existsSync(join(versions, name, 'bin/postgres'))).toSorted((a, b) => Number(a) - Number(b)).at(-1) : undefined;

/** Why there is no PostgreSQL here; null: there is. */
export const noPostgres = newest === undefined ? `no PostgreSQL below ${versions} (Debian: postgresql)` : null;

const program = (name: string): string => join(versions, newest ?? '', 'bin', name);

/** The server runs as nobody's administrator: it refuses root. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

/** A server of the tests' own, in a folder of its own, on a Unix socket and nothing else. */
export class PostgresServer {
  /** Everything that it writes. */
  readonly folder = mkdtempSync(join(tmpdir(), 'imi-pg-'));
  readonly #user = serverUser();
  #process: ChildProcess | null = null;

  static async start(): Promise<PostgresServer> {
    const server = new PostgresServer();
    if (server.#user !== undefined) chownSync(server.folder, server.#user.uid, server.#user.gid);
    server.run('initdb', ['--pgdata', server.#data, '--username', 'imi', '--auth', 'trust', '--encoding', 'UTF8', '--locale', 'C.UTF-8', '--no-sync']);
    await server.resume();
    return server;
  }

  get #data(): string {
    return join(this.folder, 'data');
  }

  /** As a keeper's file names it. */
  url(database = 'postgres'): string {
    return `postgres:///${database}?host=${encodeURIComponent(this.folder)}&user=imi`;
  }

  /** One of PostgreSQL's own programs, as the server's user, with the socket to find it by. */
  run(name: string, args: string[], input?: Uint8Array): Buffer {
    const { status, stdout, stderr } = spawnSync(program(name), args, { ...this.#user, cwd: this.folder, env: { ...process.env, PGHOST: this.folder, PGUSER: 'imi' }, maxBuffer: 1 << 28, ...(input === undefined ? {} : { input }) });
    if (status !== 0) throw new Error(`${name}: ${stderr.toString()}`);
    return stdout;
  }

  sql(text: string, database = 'postgres'): string {
    return this.run('psql', ['--no-psqlrc', '--tuples-only', '--no-align', '--quiet', '--set', 'ON_ERROR_STOP=1', '--dbname', database, '--command', text]).toString().trim();
  }

  /** A new database of this name, as a keeper's file names it. */
  create(database: string): string {
    this.sql(`CREATE DATABASE ${database}`);
    return this.url(database);
  }

  /** After `kill`, or at first. Resolves when it takes connections. */
  async resume(settings: Record<string, string> = {}): Promise<void> {
    const given = Object.entries({ listen_addresses: '', unix_socket_directories: this.folder, logging_collector: 'off', ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(program('postgres'), ['-D', this.#data, ...given], { ...this.#user, cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line);
      if (line.includes('database system is ready to accept connections')) {
        child.stderr.resume();
        return;
      }
    }
    this.#process = null;
    throw new Error(`PostgreSQL ended before it was ready: ${said.join('; ')}`);
  }

  /** As a loss of power: the server and everything that it started are gone at once. */
  async kill(): Promise<void> {
    const running = this.#process;
    if (running?.pid === undefined) return;
    // Its output ends with the last of its processes: as long as one of them holds the shared memory, another server does not begin.
    const gone = once(running, 'close');
    const children = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').trim().split(' ').map(Number);
    // The one that would start them again first.
    for (const pid of [running.pid, ...children]) killNow(pid);
    await gone;
    this.#process = null;
  }

  /** In good order; `resume` starts it again. */
  async stopServing(): Promise<void> {
    const running = this.#process;
    if (running === null) return;
    const gone = once(running, 'close');
    running.kill('SIGINT');
    await gone;
    this.#process = null;
  }

  async stop(): Promise<void> {
    await this.stopServing();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has seen its server go, and went.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
