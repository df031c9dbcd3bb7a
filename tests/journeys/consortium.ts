import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base } from '@playwright/test';
import type { TestnetNode } from '../../src/ledger/engines/cometbft/testnet.ts';
import { NodeRpc } from '../ledger/engines/cometbft/node-rpc.ts';
import { openConsortium, type Consortium } from '../../tools/demo/consortium.ts';
import type { Kiosk } from '../../tools/kiosk-driver/kiosk-driver.ts';
import type { World } from '../../tools/demo/world.ts';
import { Hall, type HallPlan } from './hall.ts';
import { requestActsInLedger, type LoggedRequest } from './ledger-log.ts';
import { LyingNode } from './lying-node.ts';

/** Younger than this, a head is good enough to sign in on. */
export const maxHeadAgeMs = 25_000;
const heartbeatMs = 1000;
const patienceMs = 60_000;

/** Four agencies that keep the ledger together, each with a machine of its own, and each could lie to the hub. */
export class Agencies {
  readonly #consortium: Consortium;
  readonly #liars: readonly LyingNode[];

  constructor(consortium: Consortium, liars: readonly LyingNode[]) {
    this.#consortium = consortium;
    this.#liars = liars;
  }

  get world(): World {
    return this.#consortium.world;
  }

  /** A hub that knows them all. */
  get hallPlan(): HallPlan {
    const { hubFile, serverFile } = this.world;
    const nodes = this.#liars.map(({ url }) => url);
    const { trustRoot } = hubFile;
    return { hubFile: { trustRoot, maxHeadAgeMs }, serverFile: { ...serverFile, ledger: { engine: 'cometbft', nodes, queue: 'submissions.sqlite' } } };
  }

  liar(agency: number): LyingNode {
    const liar = this.#liars[agency];
    if (liar === undefined) throw new Error(`no agency ${agency}`);
    return liar;
  }

  /** As a power cut. */
  kill(agency: number): void {
    for (const program of this.#programs(agency)) program.signal('SIGKILL');
  }

  /** It answers nobody, and does not hang up either. */
  hold(agency: number): void {
    for (const program of this.#programs(agency)) program.signal('SIGSTOP');
  }

  letGoOn(agency: number): void {
    for (const program of this.#programs(agency)) program.signal('SIGCONT');
  }

  async restart(agency: number): Promise<void> {
    const node = this.#node(agency);
    await Promise.all([node.comet?.exited(), node.application?.exited()]);
    const started = await node.start();
    if (!started.ok) throw new Error(started.failure.detail);
  }

  /** Until it has what this other one has by now. */
  async catchesUp(agency: number, with_: number): Promise<void> {
    const wanted = await this.#logSize(with_);
    await expect.poll(() => this.#logSize(agency), { message: `agency ${agency} catches up`, timeout: patienceMs }).toBeGreaterThanOrEqual(wanted);
  }

  /** All requests in the ledger of this agency. */
  requests(agency: number): LoggedRequest[] {
    return requestActsInLedger(join(this.#node(agency).dir, 'ledger.sqlite'));
  }

  /** How old the newest block is that this agency has. */
  async headAgeMs(agency: number): Promise<number> {
    const rpc = new NodeRpc(this.#node(agency).rpc);
    const { timeMs } = await rpc.block(await rpc.height());
    return Date.now() - timeMs;
  }

  async #logSize(agency: number): Promise<number> {
    try {
      return (await new NodeRpc(this.#node(agency).rpc).query('/tip', 'newest'))?.logSize ?? 0;
    } catch {
      // It is on its way up.
      return 0;
    }
  }

  get #nodes(): readonly TestnetNode[] {
    return this.#consortium.testnet.nodes;
  }

  #node(agency: number): TestnetNode {
    const node = this.#nodes[agency];
    if (node === undefined) throw new Error(`no agency ${agency}`);
    return node;
  }

  #programs(agency: number) {
    const { application, comet } = this.#node(agency);
    return [application, comet].filter((program) => program !== null);
  }
}

interface Day {
  agencies: Agencies;
  hall: Hall;
}

/** One hall, and one ledger of four agencies, for all the journeys of a file: a day on which this and that happens. */
export const test = base.extend<{ kiosk: Kiosk }, Day>({
  agencies: [
    async ({}, use) => {
      const folder = mkdtempSync(join(tmpdir(), 'imi-c-'));
      const consortium = await openConsortium({ dataDir: join(folder, 'world'), validatorsDir: join(folder, 'validators'), validators: 4, heartbeatMs });
      const heard = new Map<string, unknown>();
      const liars = await Promise.all(consortium.testnet.nodes.map(({ rpc }) => LyingNode.before(rpc, heard)));
      await use(new Agencies(consortium, liars));
      for (const liar of liars) liar.close();
      await consortium.testnet.stop();
      rmSync(folder, { recursive: true, force: true });
    },
    { scope: 'worker', timeout: 120_000 },
  ],
  hall: [
    async ({ agencies }, use) => {
      const hall = await Hall.open(agencies.world.dataDir, agencies.hallPlan);
      await use(hall);
      await hall.close();
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  kiosk: async ({ hall }, use, info) => {
    await use(hall.kiosk);
    if (info.status === info.expectedStatus) return;
    await hall.kiosk.screenshot(info.outputPath('last-screen.png')).catch(() => undefined);
    await info.attach('what the kiosk wrote', { body: hall.kioskWords, contentType: 'text/plain' });
    await info.attach('what the hub wrote', { body: hall.hubWords, contentType: 'text/plain' });
  },
});
