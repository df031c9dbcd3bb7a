import { checkAccess } from './access.ts';
import { answer, type Answer, type Card, newSession, type Session } from './card.ts';
import { type CardState, loadCardState, saveCardState } from './card-state.ts';
import { type Command, parseCommand } from './command.ts';
import { getData, getNextData, putData, selectData } from './commands/data.ts';
import { authenticate, decipher, generateKey, getChallenge, readKey, sign } from './commands/keys.ts';
import { activate, terminate } from './commands/life-cycle.ts';
import { askVerified, changePin, forgetVerified, unblockPin, verify } from './commands/pin.ts';
import { select } from './commands/select.ts';
import { answerToReset } from './data-objects.ts';
import { ApduExchange } from './exchange.ts';
import { never } from '../../src/contract/result.ts';
import { sw } from './status-word.ts';

/** An OpenPGP card 3.4 behind its contacts: APDU bytes in, APDU bytes out, everything lasting in its file. */
export class OpenpgpCard implements Card {
  readonly state: CardState;
  session: Session = newSession();
  private readonly path: string;
  private readonly waitForTouch: () => Promise<boolean>;
  private readonly exchange = new ApduExchange();

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
    this.exchange.reset();
  }

  keep(): void {
    saveCardState(this.path, this.state);
  }

  touched(): Promise<boolean> {
    return this.waitForTouch();
  }

  process(bytes: Uint8Array): Promise<Uint8Array> {
    return this.exchange.process(bytes, (apdu) => {
      const command = parseCommand(apdu);
      if (typeof command === 'number') return answer(command);
      const refusal = checkAccess(this, command);
      return refusal === sw.ok ? execute(this, command) : answer(refusal);
    });
  }
}

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
