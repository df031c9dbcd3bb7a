import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { partySecrets } from '../../tools/demo/parties.ts';
import { startPcscd, type Pcscd } from '../../tools/pcscd.ts';
import { startVirtualCard, type CardHand } from '../../tools/virtual-card/hand.ts';
import { writeKeyFile } from '../../src/hub/key-file.ts';

export interface CaseDone {
  code: number;
  /** What was printed, as JSON; null where nothing was. */
  said: unknown;
  complaints: string;
}

/** Where an auditor works: a terminal, two card readers of their own, and the keys of the offices that this desk serves. */
export class CaseDesk {
  readonly hand: CardHand;
  readonly #pcscd: Pcscd;
  readonly #dir: string;
  readonly #hubPath: string;
  readonly #gateway: string;
  readonly #cardFile: (person: string) => string;

  private constructor(parts: { hand: CardHand; pcscd: Pcscd; dir: string; hubPath: string; gateway: string; cardFile: (person: string) => string }) {
    this.hand = parts.hand;
    this.#pcscd = parts.pcscd;
    this.#dir = parts.dir;
    this.#hubPath = parts.hubPath;
    this.#gateway = parts.gateway;
    this.#cardFile = parts.cardFile;
  }

  static async open({ dir, hubPath, gateway, cardFile }: { dir: string; hubPath: string; gateway: string; cardFile: (person: string) => string }): Promise<CaseDesk> {
    const pcscd = await startPcscd({ dir: join(dir, 'desk-pcsc') });
    const hand = await startVirtualCard({ ports: pcscd.ports });
    for (const name of ['audit-office', 'civil-affairs', 'authority-north', 'authority-south']) writeKeyFile(join(dir, `${name}.key.json`), { ...partySecrets(name) });
    return new CaseDesk({ hand, pcscd, dir, hubPath, gateway, cardFile });
  }

  /**
   * `imi case …` for one office. Cards are put into the reader when the command asks for one, in this order; each PIN is typed when it is asked for.
   */
  async case(office: string, args: readonly string[], cards: readonly string[] = []): Promise<CaseDone> {
    const where = ['--hub', this.#hubPath, '--gateway', this.#gateway, '--party', office, '--key', join(this.#dir, `${office}.key.json`)];
    const child = spawn(process.execPath, ['src/cli/imi.ts', 'case', ...args, ...where], { env: { PATH: process.env['PATH'], PCSCLITE_CSOCK_NAME: this.#pcscd.socketPath }, stdio: ['pipe', 'pipe', 'pipe'] });
    const waiting = [...cards];
    let complaints = '';
    let text = '';
    child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
    createInterface({ input: child.stderr }).on('line', (line) => {
      complaints += `${line}\n`;
      const next = line.startsWith('Put ') ? waiting.shift() : undefined;
      if (next !== undefined) void this.hand.insert(this.#cardFile(next));
      if (line.startsWith('PIN of ')) child.stdin.write('123456\n');
    });
    const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? 1)));
    await this.hand.pull();
    return { code, said: text === '' ? null : JSON.parse(text), complaints };
  }

  async close(): Promise<void> {
    await this.hand.close();
    await this.#pcscd.stop();
  }
}
