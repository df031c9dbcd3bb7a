import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A HID device as sysfs tells of it. */
export interface PluggedHid {
  /** Four hexadecimal digits each. */
  vendor: string;
  product: string;
  title: string;
  serial: string;
  /** Its report descriptor. */
  descriptor: Uint8Array;
}

/** One device, from plugging in to pulling out. */
export interface HidPlug {
  /** As the device: one report, several joined, or a part of one. */
  send(bytes: Uint8Array): void;
  /** Resolves when nothing of it is left. */
  unplug(): Promise<void>;
}

/** The machine's HID devices as umockdev shows them to programs that are started with `env`. */
export interface HidBus {
  readonly env: Readonly<Record<string, string>>;
  /** @param onWritten what a program wrote, with the report id before it (00 for a device whose reports have none). */
  plug(device: PluggedHid, onWritten?: (bytes: Uint8Array) => void): Promise<HidPlug>;
  stop(): Promise<void>;
}

/** Why HID devices cannot be shown here, or null. */
export function whyNoHidBus(): string | null {
  const wanted = ['/usr/bin/umockdev-wrapper', '/usr/bin/python3', '/usr/lib/python3/dist-packages/gi'];
  const missing = wanted.find((path) => !existsSync(path));
  return missing === undefined ? null : `${missing} is missing`;
}

type News = { dir: string } | { plugged: string } | { unplugged: string } | { written: string; bytes: string };

export async function startHidBus(): Promise<HidBus> {
  const child = spawn('/usr/bin/umockdev-wrapper', ['/usr/bin/python3', join(import.meta.dirname, 'hidraw.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  const bus = new UmockdevBus(child, exit);
  const dir = await Promise.race([bus.dir, exit.then(() => null)]);
  if (dir === null) throw new Error('umockdev did not start');
  return { env: { LD_PRELOAD: 'libumockdev-preload.so.0', UMOCKDEV_DIR: dir }, plug: (device, onWritten) => bus.plug(device, onWritten), stop: () => bus.stop() };
}

class UmockdevBus {
  readonly dir: Promise<string>;
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  readonly #written = new Map<string, (bytes: Uint8Array) => void>();
  /** What is waited for, by the words of the news. */
  readonly #awaited = new Map<string, () => void>();
  #plugs = 0;
  #sayDir: (dir: string) => void = () => undefined;

  constructor(child: ChildProcess, exit: Promise<unknown>) {
    this.#child = child;
    this.#exit = exit;
    this.dir = new Promise((resolve) => {
      this.#sayDir = resolve;
    });
    if (child.stdout === null) throw new Error('unreachable');
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(line));
  }

  async plug(device: PluggedHid, onWritten: (bytes: Uint8Array) => void = () => undefined): Promise<HidPlug> {
    const name = `device-${++this.#plugs}`;
    this.#written.set(name, onWritten);
    const { vendor, product, title, serial, descriptor } = device;
    await this.#tell({ plug: name, vendor, product, title, serial, descriptor: hex(descriptor) }, `plugged ${name}`);
    return {
      send: (bytes) => this.#say({ send: name, bytes: hex(bytes) }),
      unplug: () => this.#tell({ unplug: name }, `unplugged ${name}`),
    };
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await this.#exit;
  }

  #say(message: object): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  async #tell(message: object, answer: string): Promise<void> {
    const answered = new Promise<'answered'>((resolve) => {
      this.#awaited.set(answer, () => resolve('answered'));
      this.#say(message);
    });
    if ((await Promise.race([answered, this.#exit])) !== 'answered') throw new Error(`umockdev ended instead of: ${answer}`);
  }

  #hear(line: string): void {
    if (!line.startsWith('{')) return;
    const news = JSON.parse(line) as News;
    if ('dir' in news) this.#sayDir(news.dir);
    else if ('written' in news) this.#written.get(news.written)?.(Uint8Array.from(Buffer.from(news.bytes, 'hex')));
    else this.#awaited.get('plugged' in news ? `plugged ${news.plugged}` : `unplugged ${news.unplugged}`)?.();
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
