import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Intent, Page, Snapshot } from '../../src/contract/bridge.ts';
import type { HostMessage, IdentityCard, SpawnHost } from '../../src/contract/device-host.ts';
import type { HubPlace, KioskFile } from '../../src/contract/hub-file.ts';
import { fail, ok } from '../../src/contract/result.ts';
import { spawnNodeHost } from '../../src/drivers/spawn-node-host.ts';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { tlsPlaceIn } from '../../src/ledger/client/hub-address.ts';
import type { Screen, ScreenLoss } from '../../src/main/bridge.ts';
import { startKiosk, type RunningKiosk } from '../../src/main/kiosk.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { startPcscd, type Pcscd } from '../../tools/pcscd.ts';
import { startVirtualCard, type CardHand } from '../../tools/virtual-card/hand.ts';
import { layCable, type Cable } from '../fixtures/cable.ts';
import { answerFor } from './visit/visit-stand.ts';

/** A screen that nobody looks at: it keeps what it is shown, with the time. */
export class PaperScreen implements Screen {
  readonly shown: { snapshot: Snapshot; atMs: number }[] = [];
  wiped = 0;
  #intent: (intent: Intent) => void = () => undefined;
  #lost: (loss: ScreenLoss) => void = () => undefined;
  readonly #waiting = new Set<() => void>();

  show(snapshot: Snapshot): void {
    this.shown.push({ snapshot, atMs: performance.now() });
    for (const look of [...this.#waiting]) look();
  }
  onIntent(listener: (intent: Intent) => void): void {
    this.#intent = listener;
  }
  onPainted(): void {}
  onLost(listener: (loss: ScreenLoss) => void): void {
    this.#lost = listener;
  }
  onDropped(): void {}
  wipe(): void {
    this.wiped += 1;
  }
  close(): Promise<void> {
    return Promise.resolve();
  }

  get page(): Page {
    return this.shown.at(-1)?.snapshot.page ?? { page: 'attract' };
  }
  touch(intent: Intent): void {
    this.#intent(intent);
  }
  lose(): void {
    this.#lost('crashed');
  }

  sees<P extends Page['page']>(page: P, fits: (page: Extract<Page, { page: P }>) => boolean = () => true): Promise<Extract<Page, { page: P }>> {
    return new Promise((resolve) => {
      const look = (): void => {
        const now = this.page;
        if (now.page !== page || !fits(now as Extract<Page, { page: P }>)) return;
        this.#waiting.delete(look);
        resolve(now as Extract<Page, { page: P }>);
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** A whole kiosk but for its window: a PC/SC daemon, virtual cards, a seeded hub. */
export interface KioskStand {
  world: World;
  /** null while it is stopped. */
  hub: Hub | null;
  /** null where kiosk and hub share a socket. */
  cable: Cable | null;
  screen: PaperScreen;
  /** On the identity-card reader; null: none. */
  identityCard: IdentityCard | null;
  pcscd: Pcscd;
  hand: CardHand;
  /** When main last heard that the resident's reader is empty. */
  cardOutAtMs: number;
  insert(person: string): Promise<void>;
  pull(): Promise<void>;
  signIn(person: string): Promise<Extract<Page, { page: 'home' }>>;
  toSign(service: string): Promise<string[]>;
  sign(service: string): Promise<Extract<Page, { page: 'receipt' }>>;
  startHub(): Promise<void>;
  stopHub(): Promise<void>;
  startKiosk(): Promise<void>;
  stopKiosk(): Promise<void>;
  close(): Promise<void>;
}

/** The same device host, with an ear at its door. */
function listening(spawn: SpawnHost, hear: (message: HostMessage) => void): SpawnHost {
  return () => {
    const host = spawn();
    host.onMessage(hear);
    return host;
  };
}

/** The same device host, with an identity-card reader at its door: what lies on it is read once, and a reader without one says so at once. */
function withIdentityReader(spawn: SpawnHost, take: () => IdentityCard | null): SpawnHost {
  return () => {
    const host = spawn();
    const listeners: ((message: HostMessage) => void)[] = [];
    return {
      post(request) {
        if (request.command !== 'identity.read') return host.post(request);
        const card = take();
        const answer = { answer: request.id, result: card === null ? fail('identity-card-missing') : ok(card) };
        setTimeout(() => listeners.forEach((listener) => listener(answer)), card === null ? 50 : 0);
      },
      onMessage(listener) {
        listeners.push(listener);
        host.onMessage(listener);
      },
      onExit: (listener) => host.onExit(listener),
      kill: () => host.kill(),
    };
  };
}

/**
 * @param over `tls`: kiosk and hub have a cable between them, instead of a socket that they share.
 * @param readers other ones than the demonstration's file names.
 */
export async function openKioskStand({ over = 'socket', readers }: { over?: 'socket' | 'tls'; readers?: KioskFile['readers'] } = {}): Promise<KioskStand> {
  const dataDir = mkdtempSync(join(tmpdir(), 'imi-'));
  const world = await seedWorld(join(dataDir, 'world'));
  const pcscd = await startPcscd({ dir: join(dataDir, 'pcscd') });
  const hand = await startVirtualCard({ ports: pcscd.ports });
  let hubAddress = over === 'tls' ? 'tls://127.0.0.1:0' : world.hubFile.hub.address;
  let place: HubPlace = world.hubFile.hub;
  let kiosk: RunningKiosk | null = null;
  const named = world.hubFile.kiosks['hall-1'];
  if (named === undefined) throw new Error('no hall-1');
  const kiosks = { ...world.hubFile.kiosks, 'hall-1': { ...named, readers: readers ?? named.readers, devices: { identityReader: { connection: 'serial' as const, path: '/dev/ttyS0' } } } };

  const takeIdentityCard = (): IdentityCard | null => {
    const card = stand.identityCard;
    stand.identityCard = null;
    return card;
  };

  const stand: KioskStand = {
    world,
    hub: null,
    cable: null,
    screen: new PaperScreen(),
    identityCard: null,
    pcscd,
    hand,
    cardOutAtMs: 0,
    insert: (person) => hand.insert(world.cards[person] ?? ''),
    pull: () => hand.pull(),
    async signIn(person) {
      await stand.insert(person);
      await stand.screen.sees('pin');
      stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
      return stand.screen.sees('home');
    },
    async toSign(service) {
      const { screen } = stand;
      screen.touch({ intent: 'service.open', service });
      await screen.sees('consent');
      screen.touch({ intent: 'consent.allow' });
      const asked: string[] = [];
      while (screen.page.page === 'question') {
        asked.push(screen.page.question);
        screen.touch({ intent: 'answer.submit', question: screen.page.question, value: answerFor(screen.page) });
      }
      await screen.sees('check');
      screen.touch({ intent: 'check.confirm' });
      await screen.sees('sign');
      return asked;
    },
    async sign(service) {
      await stand.toSign(service);
      stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
      return stand.screen.sees('receipt');
    },
    async startHub() {
      const serverFile = { ...world.serverFile, door: { ...world.serverFile.door, listen: [hubAddress] } };
      const opened = await openHub({ hubFile: world.hubFile, serverFile, dataDir: world.hubDir });
      if (!opened.ok) throw new Error(opened.failure.code);
      stand.hub = opened.value;
      if (over === 'socket') return;
      // Stopped and started, it is where it was.
      hubAddress = opened.value.doors[0]?.address ?? '';
      stand.cable ??= await layCable(tlsPlaceIn(hubAddress).port);
      place = { address: `tls://127.0.0.1:${stand.cable.port}`, pin: opened.value.pin ?? '' };
    },
    async stopHub() {
      await stand.hub?.close();
      stand.hub = null;
    },
    async startKiosk() {
      const started = await startKiosk({
        hubFile: { ...world.hubFile, hub: place, kiosks },
        kioskId: 'hall-1',
        version: '0.0.0',
        dataDir: world.kioskDirs['hall-1'] ?? '',
        openScreen: () => Promise.resolve(ok(stand.screen)),
        spawnHost: listening(withIdentityReader(spawnNodeHost({ hostPath: 'src/drivers/host.ts', binding: 'smartcard', pcscSocket: pcscd.socketPath }), takeIdentityCard), (message) => {
          if ('status' in message && message.status.readers[0]?.slot === 'no-card') stand.cardOutAtMs = performance.now();
        }),
      });
      if (!started.ok) throw new Error(started.failure.code);
      kiosk = started.value;
    },
    async stopKiosk() {
      await kiosk?.stop();
      kiosk = null;
    },
    async close() {
      await stand.stopKiosk();
      await stand.stopHub();
      stand.cable?.close();
      await hand.close();
      await pcscd.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  await stand.startHub();
  await stand.startKiosk();
  return stand;
}
