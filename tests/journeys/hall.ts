import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { JournalEvent } from '../../src/main/journal.ts';
import { demoHubPath, demoServerPath, seedWorld, worldAt, type World } from '../../tools/demo/world.ts';
import { startPcscd, type Pcscd } from '../../tools/pcscd.ts';
import { startVirtualCard, type CardHand } from '../../tools/virtual-card/hand.ts';
import { Kiosk } from '../../tools/kiosk-driver/kiosk-driver.ts';
import { watchFacts, type FactsWatched } from './facts-on-screen.ts';
import { KioskProcess } from '../../tools/kiosk-driver/kiosk-process.ts';

const program = join(import.meta.dirname, '../../src/cli/imi.ts');

/** `hall-1` stands upright, `hall-2` lies. */
export type KioskId = 'hall-1' | 'hall-2';

/** A district as on its first day, to be copied: seeding it takes longer than the journey's first page. */
export async function seedTemplate(): Promise<{ dataDir: string; remove(): void }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'imi-w-'));
  await seedWorld(dataDir);
  return { dataDir, remove: () => rmSync(dataDir, { recursive: true }) };
}

/** One hall for one journey: a hub, a kiosk, a PC/SC daemon with a reader of its own, and the hand that holds the cards. All real, all private. */
export class Hall {
  readonly world: World;
  readonly kiosk: Kiosk;
  readonly hand: CardHand;
  readonly pcscd: Pcscd;
  readonly #process: KioskProcess;
  #hub: ChildProcess;
  readonly #kioskDir: string;

  private constructor(world: World, kioskDir: string, pcscd: Pcscd, hand: CardHand, process: KioskProcess, hub: ChildProcess) {
    this.world = world;
    this.#kioskDir = kioskDir;
    this.pcscd = pcscd;
    this.hand = hand;
    this.#process = process;
    this.#hub = hub;
    this.kiosk = new Kiosk(process, hand, (person) => this.cardFile(person));
  }

  static async open(template: string, kioskId: KioskId = 'hall-1'): Promise<Hall> {
    const dataDir = mkdtempSync(join(tmpdir(), 'imi-j-'));
    cpSync(template, dataDir, { recursive: true });
    const world = worldAt(dataDir);
    const hubFile = fileURLToPath(demoHubPath);
    const kioskDir = world.kioskDirs[kioskId] ?? '';
    const [hub, pcscd] = await Promise.all([startHub(world), startPcscd({ dir: join(dataDir, 'pcsc') })]);
    const process = new KioskProcess({ hubFile, kioskId, dataDir: kioskDir, pcscSocket: pcscd.socketPath });
    const hand = await startVirtualCard({ ports: pcscd.ports });
    return new Hall(world, kioskDir, pcscd, hand, process, hub);
  }

  cardFile(person: string): string {
    const file = this.world.cards[person];
    if (file === undefined) throw new Error(`nobody here is called ${person}`);
    return file;
  }

  /** What the kiosk wrote to its terminal. */
  get kioskWords(): string {
    return this.#process.lastWords;
  }

  /** When the kiosk's main heard of the last card's leaving the resident's reader: Unix milliseconds with fractions. */
  cardOutHeardAt(): number {
    const reader = this.pcscd.readerNames.resident;
    const heard = this.#process.readerNews.findLast(({ readers }) => readers.some(({ name, slot }) => name === reader && slot === 'no-card'));
    return heard?.at ?? Number.NaN;
  }

  /** Watches the page for facts that are on it now. */
  async watchFacts(...facts: string[]): Promise<FactsWatched> {
    return watchFacts((await this.#process.current()).touchpad, facts);
  }

  /** What the kiosk has written to its journal so far. */
  journal(): { at: string; event: JournalEvent }[] {
    const lines = readFileSync(join(this.#kioskDir, 'journal.jsonl'), 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as { at: string; event: JournalEvent });
  }

  /** Resolves when the hub listens again. */
  async startHub(): Promise<void> {
    this.#hub = await startHub(this.world);
  }

  /** As a power cut: SIGKILL. */
  async killHub(): Promise<void> {
    await end(this.#hub, 'SIGKILL');
  }

  async close(): Promise<void> {
    await this.#process.stop();
    await this.hand.close();
    await end(this.#hub, 'SIGTERM');
    await this.pcscd.stop();
    rmSync(this.world.dataDir, { recursive: true, force: true });
  }
}

async function startHub({ hubDir }: World): Promise<ChildProcess> {
  const args = ['hub', '--hub', fileURLToPath(demoHubPath), '--server', fileURLToPath(demoServerPath), '--data', hubDir];
  const hub = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ready = once(createInterface({ input: hub.stdout }), 'line');
  const ended = once(hub, 'exit').then(([code]) => {
    throw new Error(`the hub ended with code ${String(code)}`);
  });
  ended.catch(() => undefined);
  await Promise.race([ready, ended]);
  return hub;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}
