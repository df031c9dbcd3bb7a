import { join } from 'node:path';
import type { CardInfo, DeviceStatus, ReaderStatus } from '../contract/device-host.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { DeviceHost } from '../drivers/device-host.ts';
import { spawnNodeHost } from '../drivers/spawn-node-host.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import type { Signer } from '../ledger/verify/envelope.ts';
import { cardIn, type Card } from '../main/card.ts';
import type { Terminal } from './terminal.ts';

export type Binding = 'smartcard' | 'pcsclite';
export const isBinding = (text: string): text is Binding => text === 'smartcard' || text === 'pcsclite';

/** Thrown by a signer, whose port has no other way to say it, and caught by the command. */
export class CardFailed extends Error {
  readonly failure: Failure<string>;
  constructor(failure: Failure<string>) {
    super(failure.code);
    this.failure = failure;
  }
}

export interface TakenCard {
  reader: string;
  card: Card;
  info: CardInfo;
}

/** Its PIN is asked for at each signature, as the card wants it. */
export interface CardSigner extends Signer {
  info: CardInfo;
  /** By the AUT key. */
  authenticate(challenge: Uint8Array): Promise<Uint8Array>;
  /** The card is reset: no PIN state is left in it. */
  release(): Promise<void>;
}

export interface CardsWish {
  binding: Binding;
  /** PC/SC name of the one reader to look into; null: any. */
  reader: string | null;
}

/** How long somebody may look for their card. */
const cardWaitMs = 120_000;

/** Cards in the PC/SC readers of this machine, one after the other or side by side, in the hands of whoever sits at the terminal. */
export class CardsAtHand {
  readonly #host: DeviceHost;
  readonly #terminal: Pick<Terminal, 'say' | 'askHidden'>;
  readonly #reader: string | null;
  /** Insertions that were looked at: in use, or not wanted. */
  readonly #seen = new Set<number>();

  constructor(terminal: Pick<Terminal, 'say' | 'askHidden'>, { binding, reader }: CardsWish) {
    this.#terminal = terminal;
    this.#reader = reader;
    this.#host = new DeviceHost(spawnNodeHost({ hostPath: join(import.meta.dirname, '../drivers/host.ts'), binding }));
  }

  /**
   * A card that was not taken yet: the one with this signing key, or the first.
   *
   * @param whose said while it is waited for: `the auditor’s card`.
   */
  async take(whose: string, key: Uint8Array | null): Promise<Result<TakenCard, Failure<string>>> {
    for (;;) {
      const found = await this.#waiting(whose);
      if (!found.ok) return found;
      const { name, insertion } = found.value;
      this.#seen.add(insertion);
      const card = cardIn(this.#host, name, insertion);
      const info = await card.open();
      if (!info.ok && info.failure.code === 'card-removed') continue;
      if (!info.ok) return info;
      if (key === null || equalBytes(info.value.keys.sig, key)) return ok({ reader: name, card, info: info.value });
      await card.release();
    }
  }

  /** As `take`. `pin-last-try`: the last one is never spent here. */
  async signer(whose: string, key: Uint8Array | null): Promise<Result<CardSigner, Failure<string>>> {
    const taken = await this.take(whose, key);
    if (!taken.ok) return taken;
    const { card, info } = taken.value;
    if (info.tries.pw1 <= 1) return fail(info.tries.pw1 === 0 ? 'pin-blocked' : 'pin-last-try');
    return ok({
      info,
      key: [-19, info.keys.sig],
      sign: (input) => this.#withPin(taken.value, whose, 'sign', () => card.sign(input)),
      authenticate: (challenge) => this.#withPin(taken.value, whose, 'user', () => card.authenticate(challenge)),
      release: () => card.release(),
    });
  }

  stop(): void {
    this.#host.stop();
  }

  async #withPin({ card, info: { pinPad } }: TakenCard, whose: string, purpose: 'user' | 'sign', act: () => Promise<Result<Uint8Array>>): Promise<Uint8Array> {
    this.#terminal.say(pinPad ? `Type the PIN of ${whose} on the reader.` : `PIN of ${whose}:`);
    const typed = pinPad ? null : await this.#terminal.askHidden('');
    if (!pinPad && typed === null) throw new CardFailed({ code: 'pin-pad-cancelled' });
    const verified = await card.verify(purpose, typed === null ? null : new Uint8Array(Buffer.from(typed.trim(), 'utf8')));
    if (!verified.ok) throw new CardFailed(verified.failure);
    if (!verified.value.verified) throw new CardFailed({ code: 'pin-wrong', detail: `${verified.value.triesLeft} left` });
    const signature = await act();
    if (!signature.ok) throw new CardFailed(signature.failure);
    return signature.value;
  }

  #waiting(whose: string): Promise<Result<ReaderStatus, Failure<string>>> {
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
        // A card that we hold shows as in use, by us.
        const fresh = readers.filter(({ name, insertion }) => (this.#reader === null || name === this.#reader) && !this.#seen.has(insertion));
        const ready = fresh.find(({ slot }) => slot === 'card-present');
        if (ready !== undefined) return settle(ok(ready));
        const useless = fresh.find(({ slot }) => slot === 'card-in-use' || slot === 'card-mute');
        if (useless !== undefined) return settle(fail(useless.slot === 'card-mute' ? 'card-mute' : 'card-in-use'));
        if (service !== 'ready' || isSaid) return;
        isSaid = true;
        this.#terminal.say(`Put ${whose} into a reader.`);
      };
      const limit = setTimeout(() => settle(fail(this.#host.status.readers.length === 0 ? 'reader-missing' : 'card-timeout')), cardWaitMs);
      const unlisten = this.#host.onStatus(look);
      look(this.#host.status);
    });
  }
}
