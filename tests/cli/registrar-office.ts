import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { toHex } from '../../src/ledger/verify/bytes.ts';
import { demoId } from '../../tools/demo/demo-keys.ts';
import { demoPeople, demoPin } from '../../tools/demo/people.ts';
import type { World } from '../../tools/demo/world.ts';
import { startPcscd, type Pcscd } from '../../tools/pcscd.ts';
import { startVirtualCard, type CardHand } from '../../tools/virtual-card/hand.ts';

export interface ReplaceDone {
  code: number;
  out: string;
  err: string;
}

interface OfficeSetup {
  dir: string;
  world: World;
  hubPath: string;
  gateway: string;
}

/** The registrar's office: a terminal and a card reader of its own. */
export class RegistrarOffice {
  readonly #setup: OfficeSetup;
  readonly #pcscd: Pcscd;
  readonly #hand: CardHand;

  private constructor(setup: OfficeSetup, pcscd: Pcscd, hand: CardHand) {
    this.#setup = setup;
    this.#pcscd = pcscd;
    this.#hand = hand;
  }

  static async open(setup: OfficeSetup): Promise<RegistrarOffice> {
    mkdirSync(setup.dir, { recursive: true });
    const pcscd = await startPcscd({ dir: join(setup.dir, 'pcsc') });
    return new RegistrarOffice(setup, pcscd, await startVirtualCard({ ports: pcscd.ports }));
  }

  /** `imi registrar replace`: each card is put in as it is asked for, each PIN typed as it is asked for. @param card the resident's new one. */
  async replace(person: string, card: string, more: readonly string[] = []): Promise<ReplaceDone> {
    const { dir, world, hubPath, gateway } = this.#setup;
    const facts = join(dir, `${person}.json`);
    writeFileSync(facts, JSON.stringify(demoPeople.find(({ id }) => id === person)?.facts ?? {}));
    const staff = (id: string): string => toHex(demoId(id));
    const args = ['replace', staff(person), '--clerk', staff('clerk-tan'), '--staff', staff('staff-liang'), '--facts', facts, '--document', 'ID 2026-11-30'];
    const office = ['--hub', hubPath, '--gateway', gateway, '--party', 'registrar', '--key', join(world.hubDir, world.serverFile.registrar.key), '--out', dir];
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/cli/imi.ts'), 'registrar', ...args, ...office, ...more], {
      env: { PATH: process.env['PATH'], HOME: dir, PCSCLITE_CSOCK_NAME: this.#pcscd.socketPath },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const cards: Record<string, string> = { 'Put the resident’s new card into a reader.': card, 'Put the clerk’s card into a reader.': 'clerk-tan', 'Put the card of the hub’s member of staff into a reader.': 'staff-liang' };
    let [out, err] = ['', ''];
    child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
    createInterface({ input: child.stderr }).on('line', (line) => {
      const wanted = cards[line];
      if (wanted !== undefined) void this.#hand.insert(world.cards[wanted] ?? '');
      else if (line.startsWith('PIN of')) child.stdin.write(`${demoPin}\n`);
      else err += `${line}\n`;
    });
    const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? -1)));
    await this.#hand.pull();
    return { code, out, err };
  }

  async close(): Promise<void> {
    await this.#hand.close();
    await this.#pcscd.stop();
  }
}
