import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { CardInfo, DeviceStatus, ReaderStatus } from '../contract/device-host.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { DeviceHost } from '../drivers/device-host.ts';
import { spawnNodeHost } from '../drivers/spawn-node-host.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import type { Signer } from '../ledger/verify/envelope.ts';
import { cardIn, type Card } from '../main/card.ts';

/** Thrown by a signer, whose port has no other way to say it, and caught by the command. */
export class CardFailed extends Error {
  readonly failure: Failure<string>;
  constructor(failure: Failure<string>) {
    super(failure.code);
    this.failure = failure;
  }
}

/** Whoever sits at the terminal. */
export interface Person {
  say(line: string): void;
  /** Not shown while it is typed, and never an argument; null: broken off. */
  askPin(): Promise<Uint8Array | null>;
}

export interface CardSigner extends Signer {
  info: CardInfo;
  /** By the AUT key, whose PIN is asked for. */
  authenticate(challenge: Uint8Array): Promise<Uint8Array>;
  /** The card is reset: no PIN state is left in it. */
  release(): Promise<void>;
}

const cardWaitMs = 120_000;

/** Cards in any PC/SC reader of this machine, one after the other or side by side. */
export class CaseCards {
  readonly #host: DeviceHost;
  readonly #person: Person;
  /** Insertions that were looked at and are not wanted. */
  readonly #seen = new Set<number>();

  constructor(person: Person, binding: 'smartcard' | 'pcsclite' = 'smartcard') {
    this.#person = person;
    this.#host = new DeviceHost(spawnNodeHost({ hostPath: join(import.meta.dirname, '../drivers/host.ts'), binding }));
  }

  /**
   * A card with this signing key, or the first one. Its PIN is asked for at each signature, as the card wants it.
   *
   * @param whose said while it is waited for: `the auditor’s card`.
   */
  async card(whose: string, key: Uint8Array | null): Promise<Result<CardSigner, Failure<string>>> {
    for (;;) {
      const found = await this.#reader(whose);
      if (!found.ok) return found;
      const { name, insertion } = found.value;
      const card = cardIn(this.#host, name, insertion);
      const info = await card.open();
      if (!info.ok && info.failure.code !== 'card-removed') return info;
      if (!info.ok) continue;
      const { keys, pinPad, tries } = info.value;
      if (key !== null && !equalBytes(keys.sig, key)) {
        this.#seen.add(insertion);
        await card.release();
        continue;
      }
      if (tries.pw1 <= 1) return fail(tries.pw1 === 0 ? 'pin-blocked' : 'pin-last-try');
      this.#seen.add(insertion);
      return ok({
        info: info.value,
        key: [-19, keys.sig],
        sign: (input) => this.#withPin(card, whose, pinPad, 'sign', () => card.sign(input)),
        authenticate: (challenge) => this.#withPin(card, whose, pinPad, 'user', () => card.authenticate(challenge)),
        release: () => card.release(),
      });
    }
  }

  stop(): void {
    this.#host.stop();
  }

  async #withPin(card: Card, whose: string, pinPad: boolean, purpose: 'user' | 'sign', act: () => Promise<Result<Uint8Array>>): Promise<Uint8Array> {
    this.#person.say(pinPad ? `Type the PIN of ${whose} on the reader.` : `PIN of ${whose}:`);
    const pin = pinPad ? null : await this.#person.askPin();
    if (!pinPad && pin === null) throw new CardFailed({ code: 'pin-pad-cancelled' });
    const verified = await card.verify(purpose, pin);
    if (!verified.ok) throw new CardFailed(verified.failure);
    if (!verified.value.verified) throw new CardFailed({ code: 'pin-wrong', detail: `${verified.value.triesLeft} left` });
    const signature = await act();
    if (!signature.ok) throw new CardFailed(signature.failure);
    return signature.value;
  }

  #reader(whose: string): Promise<Result<ReaderStatus, Failure<string>>> {
    return new Promise((resolve) => {
      let isSaid = false;
      const settle = (result: Result<ReaderStatus>): void => {
        clearTimeout(limit);
        unlisten();
        resolve(result);
      };
      const look = ({ service, detail, readers }: DeviceStatus): void => {
        if (service === 'no-service') return settle(fail('reader-no-service', detail));
        if (service === 'no-permission') return settle(fail('reader-no-permission', detail));
        const ready = readers.find(({ slot, insertion }) => slot === 'card-present' && !this.#seen.has(insertion));
        if (ready !== undefined) return settle(ok(ready));
        if (service !== 'ready' || isSaid) return;
        isSaid = true;
        this.#person.say(`Put ${whose} into a reader.`);
      };
      const limit = setTimeout(() => settle(fail(this.#host.status.readers.length === 0 ? 'reader-missing' : 'card-timeout')), cardWaitMs);
      const unlisten = this.#host.onStatus(look);
      look(this.#host.status);
    });
  }
}

/** The terminal that the command runs in; its input may be a pipe, then a PIN is a line of it. */
export function personAtTerminal(): Person & { close(): void } {
  const lines = createInterface({ input: process.stdin, terminal: false });
  const typed: string[] = [];
  const waiting: ((line: string | null) => void)[] = [];
  let ended = false;
  lines.on('line', (line) => {
    const next = waiting.shift();
    if (next === undefined) typed.push(line);
    else next(line);
  });
  lines.on('close', () => {
    ended = true;
    for (const next of waiting.splice(0)) next(null);
  });
  return {
    say: (line) => void process.stderr.write(`${line}\n`),
    async askPin() {
      const isTty = process.stdin.isTTY;
      // The line discipline echoes: `stty -echo` as it were, for as long as the digits are typed.
      if (isTty) process.stderr.write('\u001b[8m');
      const line = typed.shift() ?? (ended ? null : await new Promise<string | null>((resolve) => waiting.push(resolve)));
      if (isTty) process.stderr.write('\u001b[28m\u001b[1A\u001b[2K');
      return line === null ? null : new Uint8Array(Buffer.from(line.trim(), 'utf8'));
    },
    close() {
      lines.close();
      process.stdin.pause();
    },
  };
}
