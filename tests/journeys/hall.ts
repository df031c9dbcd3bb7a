import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CDPSession, Page } from '@playwright/test';
import type { DevicesFile, HubFile, HubServerFile } from '../../src/contract/hub-file.ts';
import type { JournalEvent } from '../../src/main/journal.ts';
import { seedWorld, worldAt, type World } from '../../tools/demo/world.ts';
import { HubProcess } from './hub-process.ts';
import { requestsInLedger } from './ledger-log.ts';
import { SmallDisk } from '../fixtures/small-disk.ts';
import { PostgresServer } from '../keeper/postgres-server.ts';
import { startPcscd, type Pcscd } from '../../tools/pcscd.ts';
import { startVirtualCard, type CardHand } from '../../tools/virtual-card/hand.ts';
import { Kiosk } from '../../tools/kiosk-driver/kiosk-driver.ts';
import { watchFacts, type FactsWatched } from './facts-on-screen.ts';
import { KioskProcess } from '../../tools/kiosk-driver/kiosk-process.ts';

/** `hall-1` stands upright, `hall-2` lies. */
export type KioskId = 'hall-1' | 'hall-2';

export interface HallPlan {
  kioskId?: KioskId;
  /** What the hub's file says otherwise. */
  hubFile?: Partial<HubFile>;
  /** Of the kiosk. */
  devices?: DevicesFile;
  /** The program that runs its device host, where that is not the host itself. */
  hostPath?: string;
  /** Instead of the demonstration's. */
  serverFile?: HubServerFile;
  /** A disk of its own for the hub, small enough to fill; mounting it takes root. */
  ownHubDisk?: boolean;
  /** The data spaces lie on a PostgreSQL server, as where hubs share a keeper. */
  sharedKeeper?: boolean;
}

interface HubFiles {
  hubPath: string;
  serverPath: string;
}

function kioskAt(kioskId: KioskId, world: World, { hubPath }: HubFiles, { socketPath }: Pcscd, hostPath?: string): { kioskDir: string; process: KioskProcess } {
  const kioskDir = world.kioskDirs[kioskId] ?? '';
  return { kioskDir, process: new KioskProcess({ hubFile: hubPath, kioskId, dataDir: kioskDir, pcscSocket: socketPath, hostPath }) };
}

/** A district as on its first day, to be copied: seeding it takes longer than the journey's first page. */
export async function seedTemplate(): Promise<{ dataDir: string; remove(): void }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'imi-w-'));
  await seedWorld(dataDir);
  return { dataDir, remove: () => rmSync(dataDir, { recursive: true }) };
}

/** What `imi` does on the hub's machine: it is told where the hub's file and folder are. */
const imiAt = (serverPath: string, hubDir: string, args: readonly string[]): Buffer =>
  execFileSync(process.execPath, [join(import.meta.dirname, '../../src/cli/imi.ts'), ...args, '--server', serverPath, '--data', hubDir], { stdio: ['ignore', 'pipe', 'pipe'] });

/** From the hub's file onto a server, as whoever runs the hub does it (docs/operations.md). */
function moveKeeper(serverPath: string, { dataDir, hubDir, serverFile }: World, url: string): void {
  const backup = join(dataDir, 'keeper.backup');
  imiAt(serverPath, hubDir, ['keeper', 'backup', '--out', backup]);
  for (const file of ['keeper.sqlite', 'asks.sqlite']) for (const end of ['', '-wal', '-shm']) rmSync(join(hubDir, file + end), { force: true });
  writeFileSync(serverPath, JSON.stringify({ ...serverFile, keeper: url }));
  imiAt(serverPath, hubDir, ['keeper', 'restore', '--from', backup]);
}

/** One hall for one journey: a hub, a kiosk, a PC/SC daemon with a reader of its own, and the hand that holds the cards. All real, all private. */
export class Hall {
  readonly world: World;
  readonly kiosk: Kiosk;
  readonly hand: CardHand;
  readonly pcscd: Pcscd;
  /** The disk that the hub's data lies on, where it has one of its own. */
  readonly hubDisk: SmallDisk | null;
  readonly #postgres: PostgresServer | null;
  #process: KioskProcess;
  #kioskDir: string;
  readonly #files: HubFiles;
  #hub: HubProcess;

  private constructor(parts: { world: World; files: HubFiles; kioskDir: string; pcscd: Pcscd; hand: CardHand; process: KioskProcess; hub: HubProcess; hubDisk: SmallDisk | null; postgres: PostgresServer | null }) {
    this.world = parts.world;
    this.pcscd = parts.pcscd;
    this.hand = parts.hand;
    this.hubDisk = parts.hubDisk;
    this.#postgres = parts.postgres;
    this.#kioskDir = parts.kioskDir;
    this.#files = parts.files;
    this.#process = parts.process;
    this.#hub = parts.hub;
    this.kiosk = new Kiosk({ current: () => this.#process.current() }, parts.hand, (person) => this.cardFile(person));
  }

  static async open(template: string, { kioskId = 'hall-1', hubFile = {}, devices, hostPath, serverFile, ownHubDisk = false, sharedKeeper = false }: HallPlan = {}): Promise<Hall> {
    const dataDir = mkdtempSync(join(tmpdir(), 'imi-j-'));
    const demo = worldAt(dataDir);
    const hubDisk = ownHubDisk ? SmallDisk.mount(demo.hubDir) : null;
    cpSync(template, dataDir, { recursive: true });
    const files = { hubPath: join(dataDir, 'hub.json'), serverPath: join(dataDir, 'hub.server.json') };
    const planned = { ...demo.hubFile, ...hubFile };
    const kiosks = Object.fromEntries(Object.entries(planned.kiosks).map(([id, kiosk]) => [id, devices !== undefined && id === kioskId ? { ...kiosk, devices } : kiosk]));
    writeFileSync(files.hubPath, JSON.stringify({ ...planned, kiosks }));
    const postgres = sharedKeeper ? await PostgresServer.start() : null;
    writeFileSync(files.serverPath, JSON.stringify(serverFile ?? demo.serverFile));
    if (postgres !== null) moveKeeper(files.serverPath, demo, postgres.url());
    const world = worldAt(dataDir, files);
    const [hub, pcscd] = await Promise.all([HubProcess.start({ ...files, dataDir: world.hubDir }), startPcscd({ dir: join(dataDir, 'pcsc') })]);
    const { kioskDir, process } = kioskAt(kioskId, world, files, pcscd, hostPath);
    const hand = await startVirtualCard({ ports: pcscd.ports });
    return new Hall({ world, files, kioskDir, pcscd, hand, process, hub, hubDisk, postgres });
  }

  /** To another kiosk of the same hall; the one before it is switched off, and the readers go along. */
  async goTo(kioskId: KioskId): Promise<void> {
    await this.#process.stop();
    const { kioskDir, process } = kioskAt(kioskId, this.world, this.#files, this.pcscd);
    [this.#kioskDir, this.#process] = [kioskDir, process];
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

  /** The page as a technician with tools sees it, for what no hand can find out. */
  async page(): Promise<{ page: Page; tools: CDPSession }> {
    const { page, touchpad } = await this.#process.current();
    return { page, tools: touchpad };
  }

  /** References of all requests that the ledger holds, in its order. */
  requestsInLedger(): string[] {
    const { ledger } = this.world.serverFile;
    if (ledger.engine !== 'embedded') throw new Error('this hub has no ledger of its own');
    return requestsInLedger(join(this.world.hubDir, ledger.path));
  }

  /** Every place that kiosk and hub write to. */
  get writtenPlaces(): string[] {
    return [this.world.hubDir, this.#kioskDir, this.#process.profileDir ?? ''];
  }

  /** The hub's public file, as everybody in this hall has it. */
  get hubPath(): string {
    return this.#files.hubPath;
  }

  /** A command of `imi` on the hub's machine, while the hub runs. */
  onHub(...args: string[]): void {
    imiAt(this.#files.serverPath, this.world.hubDir, args);
  }

  /** What the hub wrote to its terminal. */
  get hubWords(): string {
    return this.#hub.words;
  }

  /** Where agencies come in. */
  get gatewayUrl(): string {
    const url = /imi gateway is ready on (\S+)/.exec(this.hubWords)?.[1];
    if (url === undefined) throw new Error('this hub has no gateway');
    return url;
  }

  /** What the kiosk has written to its journal so far. */
  journal(): { at: string; event: JournalEvent }[] {
    const lines = readFileSync(join(this.#kioskDir, 'journal.jsonl'), 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as { at: string; event: JournalEvent });
  }

  /** How visits went from state to state, the newest last. */
  visitStates(): Extract<JournalEvent, { event: 'visit.state' }>[] {
    return this.journal()
      .map(({ event }) => event)
      .filter((event) => event.event === 'visit.state')
      .filter(({ from }) => from.startsWith('visiting.'));
  }

  /** Resolves when the hub listens again; rejects with its last words where it does not. */
  async startHub(): Promise<void> {
    this.#hub = await HubProcess.start({ ...this.#files, dataDir: this.world.hubDir });
  }

  /** As a power cut: SIGKILL. */
  async killHub(): Promise<void> {
    await this.#hub.end('SIGKILL');
  }

  /** It answers nobody, and does not hang up either. */
  holdHub(): void {
    this.#hub.signal('SIGSTOP');
  }

  letHubGoOn(): void {
    this.#hub.signal('SIGCONT');
  }

  async close(): Promise<void> {
    await this.#process.stop();
    await this.hand.close();
    await this.#hub.end('SIGTERM');
    await this.#postgres?.stop();
    await this.pcscd.stop();
    this.hubDisk?.unmount();
    rmSync(this.world.dataDir, { recursive: true, force: true });
  }
}
