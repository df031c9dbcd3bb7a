import { IDENTITY_TEXT_BYTES } from '../../src/drivers/hid/identity-text.ts';
import { sdtCommands, sdtFrame } from '../../src/drivers/hid/sdt.ts';
import type { SdtCommand } from '../../src/drivers/hid/sdt.ts';

const PHOTO_BYTES = 1_024;
const OK = 0x90;
const FOUND = 0x9f;
const READ_FAILED = 0x41;
const FIND_FAILED = 0x80;
const SELECT_FAILED = 0x81;
const LONGEST_REQUEST = 64;

/** How a card lies in the field: found once, then it has to leave. */
type Field = { card: Uint8Array; state: 'new' | 'found' | 'selected' | 'read' } | null;

/** What a test makes go wrong: the bytes to send in place of an answer, or null for none. */
export type Mischief = (command: SdtCommand, answer: Uint8Array) => Uint8Array | null;

/** A SAM-V module: requests in, answers out, on whatever line. */
export class SamV {
  readonly #send: (bytes: Uint8Array) => void;
  #field: Field = null;
  #held = new Uint8Array(0);
  /** Replaces answers while it is set. */
  mischief: Mischief = (_, answer) => answer;
  /** The commands it has heard. */
  readonly heard: SdtCommand[] = [];

  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send;
  }

  /** Lays a card with this text (256 bytes) on the reader. */
  lay(card: Uint8Array): void {
    if (card.length !== IDENTITY_TEXT_BYTES) throw new RangeError(`a card’s text has ${IDENTITY_TEXT_BYTES} bytes`);
    this.#field = { card, state: 'new' };
  }

  lift(): void {
    this.#field = null;
  }

  /** Bytes from the computer, in any pieces. */
  hear(bytes: Uint8Array): void {
    this.#held = Uint8Array.of(...this.#held, ...bytes).slice(-LONGEST_REQUEST);
    for (const command of Object.keys(sdtCommands) as SdtCommand[]) {
      const request = Buffer.from(sdtFrame(Uint8Array.from(sdtCommands[command])));
      const at = Buffer.from(this.#held).indexOf(request);
      if (at < 0) continue;
      this.#held = this.#held.slice(at + request.length);
      this.heard.push(command);
      const answer = this.mischief(command, this.#answer(command));
      if (answer !== null) this.#send(answer);
      return;
    }
  }

  #answer(command: SdtCommand): Uint8Array {
    switch (command) {
      case 'reset':
      case 'status':
        return samVAnswer(OK);
      case 'samId':
        return samVAnswer(OK, new Uint8Array(16));
      case 'find':
        return this.#step('new', 'found') ? samVAnswer(FOUND, new Uint8Array(4)) : samVAnswer(FIND_FAILED);
      case 'select':
        return this.#step('found', 'selected') ? samVAnswer(OK, new Uint8Array(8)) : samVAnswer(SELECT_FAILED);
      case 'read':
        return this.#field !== null && (this.#step('selected', 'read') || this.#field.state === 'read') ? samVAnswer(OK, textAndPhoto(this.#field.card)) : samVAnswer(READ_FAILED);
    }
  }

  #step(from: NonNullable<Field>['state'], to: NonNullable<Field>['state']): boolean {
    if (this.#field?.state !== from) return false;
    this.#field.state = to;
    return true;
  }
}

/** An answer of three status bytes, of which the third counts, and data. */
export function samVAnswer(sw3: number, data = new Uint8Array(0)): Uint8Array {
  return sdtFrame(Uint8Array.of(0, 0, sw3, ...data));
}

function textAndPhoto(text: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(text.length >> 8, text.length & 0xff, PHOTO_BYTES >> 8, PHOTO_BYTES & 0xff, ...text, ...new Uint8Array(PHOTO_BYTES));
}
