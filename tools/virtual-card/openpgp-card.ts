import { checkAccess } from './access.ts';
import { type Apdu, parseApdu } from './apdu.ts';
import { answer, type Answer, type Card, newSession, type Session } from './card.ts';
import { type CardState, loadCardState, saveCardState } from './card-state.ts';
import { type Command, parseCommand } from './command.ts';
import { getData, getNextData, putData, selectData } from './commands/data.ts';
import { authenticate, decipher, generateKey, getChallenge, readKey, sign } from './commands/keys.ts';
import { activate, terminate } from './commands/life-cycle.ts';
import { askVerified, changePin, forgetVerified, unblockPin, verify } from './commands/pin.ts';
import { select } from './commands/select.ts';
import { answerToReset, longestMessage } from './data-objects.ts';
import { never } from '../../src/contract/result.ts';
import { sw } from './status-word.ts';

const chainBit = 0x10;
const getResponse = 0xc0;

/** An OpenPGP card 3.4 behind its contacts: APDU bytes in, APDU bytes out, everything lasting in its file. */
export class OpenpgpCard implements Card {
  readonly state: CardState;
  session: Session = newSession();
  private readonly path: string;
  private readonly waitForTouch: () => Promise<boolean>;
  /** Parts of a command chain that is not over (ISO 7816-4 §5.1.1.1). */
  private chain: { head: Apdu; parts: Uint8Array[] } | null = null;
  /** What the last answer had no room for. */
  private rest: Uint8Array = new Uint8Array(0);

  /** Throws where the file is no card's. */
  constructor(path: string, waitForTouch: () => Promise<boolean>) {
    this.path = path;
    this.state = loadCardState(path);
    this.waitForTouch = waitForTouch;
  }

  get answerToReset(): Uint8Array {
    return answerToReset(this.state);
  }

  /** Power off, power on and reset alike: nothing is verified and no chain is open any more. */
  reset(): void {
    this.session = newSession();
    this.chain = null;
    this.rest = new Uint8Array(0);
  }

  keep(): void {
    saveCardState(this.path, this.state);
  }

  touched(): Promise<boolean> {
    return this.waitForTouch();
  }

  async process(bytes: Uint8Array): Promise<Uint8Array> {
    const apdu = parseApdu(bytes);
    if (apdu === null) return trailer(sw.wrongLength);
    if (apdu.cla === 0x00 && apdu.ins === getResponse) return this.fit(answer(sw.ok, this.rest), apdu.le);
    this.rest = new Uint8Array(0);
    const whole = this.unchain(apdu);
    if (typeof whole === 'number') return trailer(whole);
    const command = parseCommand(whole);
    if (typeof command === 'number') return trailer(command);
    const refusal = checkAccess(this, command);
    if (refusal !== sw.ok) return trailer(refusal);
    return this.fit(await execute(this, command), apdu.le);
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

function execute(card: Card, command: Command): Answer | Promise<Answer> {
  switch (command.kind) {
    case 'select':
      return select(card, command);
    case 'select-data':
      return selectData(card, command);
    case 'get-data':
      return getData(card, command);
    case 'get-next-data':
      return getNextData(card);
    case 'put-data':
      return putData(card, command);
    case 'verify':
      return verify(card, command);
    case 'ask-verified':
      return askVerified(card, command);
    case 'forget-verified':
      return forgetVerified(card, command);
    case 'change-pin':
      return changePin(card, command);
    case 'unblock-pin':
      return unblockPin(card, command);
    case 'generate-key':
      return generateKey(card, command);
    case 'read-key':
      return readKey(card, command);
    case 'sign':
      return sign(card, command);
    case 'decipher':
      return decipher(card, command);
    case 'authenticate':
      return authenticate(card, command);
    case 'get-challenge':
      return getChallenge(command);
    case 'terminate':
      return terminate(card);
    case 'activate':
      return activate(card);
    default:
      return never(command);
  }
}
