import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { demoPin } from '../../tools/demo/people.ts';
import { startPcscd, type Pcscd } from '../../tools/pcscd.ts';
import { startVirtualCard, type CardHand } from '../../tools/virtual-card/hand.ts';

export interface Done {
  code: number;
  out: string;
  /** Without what asks for cards and PINs. */
  err: string;
}

/** A terminal with a card reader of its own. */
export class TerminalWithCards {
  readonly pcscd: Pcscd;
  readonly #hand: CardHand;

  /** At readers that are somebody else's to close. */
  constructor(pcscd: Pcscd, hand: CardHand) {
    this.pcscd = pcscd;
    this.#hand = hand;
  }

  static async open(dir: string): Promise<TerminalWithCards> {
    const pcscd = await startPcscd({ dir });
    return new TerminalWithCards(pcscd, await startVirtualCard({ ports: pcscd.ports }));
  }

  /** `imi …`: these cards (their files) go in one after the other as they are asked for, and each PIN is typed as it is asked for. */
  async imi(args: readonly string[], cards: readonly string[] = []): Promise<Done> {
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/cli/imi.ts'), ...args], {
      env: { PATH: process.env['PATH'], PCSCLITE_CSOCK_NAME: this.pcscd.socketPath },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const waiting = [...cards];
    let [out, err] = ['', ''];
    child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
    createInterface({ input: child.stderr }).on('line', (line) => {
      const next = line.startsWith('Put ') ? waiting.shift() : undefined;
      if (next !== undefined) void this.#hand.insert(next);
      else if (line.startsWith('PIN of')) child.stdin.write(`${demoPin}\n`);
      else err += `${line}\n`;
    });
    const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? -1)));
    await this.#hand.pull();
    return { code, out, err };
  }

  async close(): Promise<void> {
    await this.#hand.close();
    await this.pcscd.stop();
  }
}
