import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cupsQueues } from '../../../src/drivers/printer/cups-printer.ts';

const daemon = '/usr/sbin/cupsd';
const lpadmin = '/usr/sbin/lpadmin';
const nobody = 65_534;

/** Why there is no CUPS here, or null. */
export const whyNoCups = (): string | null => [daemon, lpadmin, '/usr/lib/cups/backend/ipp'].find((path) => !existsSync(path)) ?? null;

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/** A CUPS of one's own at a socket, without root, with the policy of jobs that Debian's has. */
export class PrivateCups {
  readonly socket: string;
  readonly #dir: string;
  readonly #owner: { uid?: number; gid?: number };
  #child: ChildProcess | null = null;

  private constructor(dir: string) {
    this.#dir = dir;
    this.socket = join(dir, 'cups.sock');
    this.#owner = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  }

  static async start(): Promise<PrivateCups> {
    const cups = new PrivateCups(mkdtempSync(join(tmpdir(), 'cups-')));
    cups.#configure();
    await cups.resume();
    return cups;
  }

  /** Resolves when it answers. */
  async resume(): Promise<void> {
    this.#child = spawn(daemon, ['-f', '-c', join(this.#dir, 'cupsd.conf'), '-s', join(this.#dir, 'cups-files.conf')], { ...this.#owner, stdio: 'ignore', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });
    for (;;) {
      if (hasEnded(this.#child)) throw new Error(`cupsd ended: ${readFileSync(join(this.#dir, 'error_log'), 'utf8').slice(-500)}`);
      if (existsSync(this.socket) && (await promisify(execFile)('/usr/bin/lpstat', ['-r'], { env: { CUPS_SERVER: this.socket } })).stdout.includes('is running')) return;
    }
  }

  /** It writes down what it knows, and ends. */
  async pause(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    if (hasEnded(child)) throw new Error(`cupsd had ended by itself (${child.signalCode ?? child.exitCode})`);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
    rmSync(this.socket, { force: true });
  }

  /** A queue that hands documents on as they are: no filters are needed for a printer that takes PDF. */
  async addQueue(queue: string, deviceUri: string): Promise<void> {
    await this.command(lpadmin, '-p', queue, '-E', '-v', deviceUri, '-m', 'raw', '-o', 'printer-error-policy=abort-job');
  }

  /** One of CUPS's own programs. */
  async command(program: string, ...args: string[]): Promise<string> {
    return (await promisify(execFile)(program, args, { env: { CUPS_SERVER: this.socket, LANG: 'C' } })).stdout;
  }

  queues(): ReturnType<typeof cupsQueues> {
    return cupsQueues(this.socket);
  }

  /** Documents that it keeps. */
  get keptFiles(): string[] {
    return readdirSync(join(this.#dir, 'spool')).filter((name) => name.startsWith('d'));
  }

  async stop(): Promise<void> {
    await this.pause();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #configure(): void {
    const { uid, gid } = this.#owner;
    const own = (path: string): void => {
      if (uid !== undefined) chownSync(path, uid, gid ?? uid);
    };
    own(this.#dir);
    for (const folder of ['root', 'cache', 'state', 'spool', 'tmp']) {
      mkdirSync(join(this.#dir, folder));
      own(join(this.#dir, folder));
    }
    writeFileSync(
      join(this.#dir, 'cupsd.conf'),
      `Listen ${this.socket}
Browsing No
WebInterface No
DefaultAuthType Basic
<Location />
  Order allow,deny
  Allow all
</Location>
<Policy default>
  JobPrivateAccess default
  JobPrivateValues default
  SubscriptionPrivateAccess default
  SubscriptionPrivateValues default
  <Limit Create-Job Print-Job Print-URI Validate-Job>
    Order deny,allow
  </Limit>
  <Limit Send-Document Send-URI Hold-Job Release-Job Restart-Job Purge-Jobs Set-Job-Attributes Reprocess-Job Cancel-Current-Job Suspend-Current-Job Resume-Job Cancel-My-Jobs Close-Job>
    Require user @OWNER @SYSTEM
    Order deny,allow
  </Limit>
  <Limit Cancel-Job>
    Require user @OWNER @SYSTEM
    Order deny,allow
  </Limit>
  <Limit All>
    Order deny,allow
  </Limit>
</Policy>
`,
    );
    writeFileSync(
      join(this.#dir, 'cups-files.conf'),
      `ServerRoot ${join(this.#dir, 'root')}
CacheDir ${join(this.#dir, 'cache')}
StateDir ${join(this.#dir, 'state')}
RequestRoot ${join(this.#dir, 'spool')}
TempDir ${join(this.#dir, 'tmp')}
ServerBin /usr/lib/cups
DataDir /usr/share/cups
AccessLog ${join(this.#dir, 'access_log')}
ErrorLog ${join(this.#dir, 'error_log')}
PageLog ${join(this.#dir, 'page_log')}
`,
    );
  }
}
