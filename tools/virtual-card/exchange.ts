import { type Apdu, parseApdu } from './apdu.ts';
import { answer, type Answer } from './card.ts';
import { longestMessage } from './data-objects.ts';
import { sw } from './status-word.ts';

const chainBit = 0x10;
const getResponse = 0xc0;

/** What every card does with its bytes before and after a command: chains are put together (ISO 7816-4 §5.1.1.1), long answers given in pieces. */
export class ApduExchange {
  /** Parts of a command chain that is not over. */
  private chain: { head: Apdu; parts: Uint8Array[] } | null = null;
  /** What the last answer had no room for. */
  private rest: Uint8Array = new Uint8Array(0);

  /** Power off, power on and reset alike. */
  reset(): void {
    this.chain = null;
    this.rest = new Uint8Array(0);
  }

  async process(bytes: Uint8Array, execute: (command: Apdu) => Answer | Promise<Answer>): Promise<Uint8Array> {
    const apdu = parseApdu(bytes);
    if (apdu === null) return trailer(sw.wrongLength);
    if (apdu.cla === 0x00 && apdu.ins === getResponse) return this.fit(answer(sw.ok, this.rest), apdu.le);
    this.rest = new Uint8Array(0);
    const whole = this.unchain(apdu);
    return typeof whole === 'number' ? trailer(whole) : this.fit(await execute(whole), apdu.le);
  }

  /** The command that a chain's last part completes, or the status word for a part before. */
  private unchain(apdu: Apdu): Apdu | number {
    const { chain } = this;
    const isPart = (apdu.cla & chainBit) !== 0;
    const continues = chain !== null && chain.head.ins === apdu.ins && chain.head.p1 === apdu.p1 && chain.head.p2 === apdu.p2;
    if (chain !== null && !continues) {
      this.chain = null;
      return sw.chainLastExpected;
    }
    const parts = [...(chain?.parts ?? []), apdu.data];
    if (parts.reduce((length, part) => length + part.length, 0) > longestMessage) {
      this.chain = null;
      return sw.wrongLength;
    }
    this.chain = isPart ? { head: apdu, parts } : null;
    return isPart ? sw.ok : { ...apdu, data: Buffer.concat(parts) };
  }

  /** As many bytes as the host takes; 61xx says that there are more. */
  private fit({ sw: status, data }: Answer, le: number | null): Uint8Array {
    const now = data.subarray(0, le ?? 0);
    this.rest = data.subarray(now.length);
    return Buffer.concat([now, trailer(this.rest.length === 0 ? status : sw.bytesLeft(this.rest.length))]);
  }
}

const trailer = (status: number): Uint8Array => Uint8Array.of(status >> 8, status & 0xff);
