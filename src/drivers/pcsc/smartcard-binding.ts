import type { CardInterface, ContextInterface, ReaderState } from 'smartcard';
import { ok } from '../../contract/result.ts';
import { establishFailure, pcscFailure, slotReading } from './codes.ts';
import type { Pcsc, PcscCard, PcscFailure, PcscResult, PcscWatch, SlotReading } from './pcsc.ts';

type Smartcard = typeof import('smartcard');

/** Reported as a change whenever a reader comes or goes. */
const READERS_THEMSELVES = '\\\\?PnP?\\Notification';
const STATE_CHANGED = 0x0002;
/** Each wait begins with a look at the states, so that a change which the service failed to announce shows within this time. */
const LONGEST_WAIT_MS = 1_000;
/** A reader in this state is reported at once. */
const UNAWARE = 0;
/** The longest answer there is in extended form: 65 536 bytes and the status word. */
const LONGEST_ANSWER = 65_538;

/** PC/SC through `smartcard` (N-API). Its own monitor repeats an error for ever once the service has gone, so this drives the context itself. */
export class SmartcardBinding implements Pcsc {
  watch(onSlots: (slots: SlotReading[]) => void, onEnd: (failure: PcscFailure) => void): PcscWatch {
    const watch = new Watch(onSlots, onEnd);
    void watch.run();
    return watch;
  }

  async connect(reader: string): Promise<PcscResult<PcscCard>> {
    const loaded = await load();
    if (!loaded.ok) return loaded;
    const smartcard = loaded.value;
    const context = establish(smartcard);
    if (!context.ok) return context;
    try {
      const found = context.value.listReaders().find(({ name }) => name === reader);
      if (found === undefined) throw new Error('Unknown reader');
      const protocols = smartcard.SCARD_PROTOCOL_T0 | smartcard.SCARD_PROTOCOL_T1;
      const card = await found.connect(smartcard.SCARD_SHARE_EXCLUSIVE, protocols);
      const protocol = card.protocol === smartcard.SCARD_PROTOCOL_T0 ? 't0' : 't1';
      return ok(new SmartcardCard(context.value, card, protocol, smartcard.SCARD_RESET_CARD));
    } catch (error) {
      context.value.close();
      return { ok: false, failure: pcscFailure(error) };
    }
  }
}

class Watch implements PcscWatch {
  readonly #onSlots: (slots: SlotReading[]) => void;
  readonly #onEnd: (failure: PcscFailure) => void;
  #context: ContextInterface | null = null;
  #stopped = false;

  constructor(onSlots: (slots: SlotReading[]) => void, onEnd: (failure: PcscFailure) => void) {
    this.#onSlots = onSlots;
    this.#onEnd = onEnd;
  }

  async run(): Promise<void> {
    const failure = await this.#follow();
    this.#context?.close();
    this.#context = null;
    if (!this.#stopped) this.#onEnd(failure);
  }

  stop(): void {
    this.#stopped = true;
    try {
      this.#context?.cancel();
    } catch {
      // The service is gone, and what waited for it has ended by itself.
    }
  }

  async #follow(): Promise<PcscFailure> {
    const smartcard = await load();
    if (!smartcard.ok) return smartcard.failure;
    const context = establish(smartcard.value);
    if (!context.ok) return context.failure;
    this.#context = context.value;
    let known = new Map<string, number>([[READERS_THEMSELVES, UNAWARE]]);
    for (;;) {
      if (this.#stopped) return { code: 'cancelled' };
      try {
        known = withReaders(known, context.value);
        const changes = await context.value.waitForChange(watched(known), LONGEST_WAIT_MS);
        if (changes === null) return { code: 'cancelled' };
        for (const { name, state } of changes) known.set(name, state & ~STATE_CHANGED);
        known = withReaders(known, context.value);
        const isComplete = [...known].filter(([name]) => name !== READERS_THEMSELVES).every(([, state]) => state !== UNAWARE);
        if (isComplete && !this.#stopped) this.#onSlots(readings(known));
      } catch (error) {
        const failure = pcscFailure(error);
        if (failure.code !== 'unknown-reader') return failure;
      }
    }
  }
}

/** The readers there are now, each with the state it was last seen in. */
function withReaders(known: ReadonlyMap<string, number>, context: ContextInterface): Map<string, number> {
  const now = new Map([[READERS_THEMSELVES, known.get(READERS_THEMSELVES) ?? UNAWARE]]);
  for (const { name } of context.listReaders()) now.set(name, known.get(name) ?? UNAWARE);
  return now;
}

function watched(known: ReadonlyMap<string, number>): ReaderState[] {
  return [...known].map(([name, state]) => ({ name, state, changed: false, atr: null }));
}

function readings(known: ReadonlyMap<string, number>): SlotReading[] {
  return [...known].filter(([name]) => name !== READERS_THEMSELVES).map(([name, state]) => slotReading(name, state));
}

class SmartcardCard implements PcscCard {
  readonly protocol: 't0' | 't1';
  /** Closes the connection when it is collected, so it lives as long as the card. */
  readonly #context: ContextInterface;
  readonly #card: CardInterface;
  readonly #reset: number;

  constructor(context: ContextInterface, card: CardInterface, protocol: 't0' | 't1', reset: number) {
    this.#context = context;
    this.#card = card;
    this.protocol = protocol;
    this.#reset = reset;
  }

  transmit(command: Uint8Array): Promise<PcscResult<Uint8Array>> {
    return settled(() => this.#card.transmit(asBuffer(command), { maxRecvLength: LONGEST_ANSWER }));
  }

  control(code: number, data: Uint8Array): Promise<PcscResult<Uint8Array>> {
    return settled(() => this.#card.control(code, asBuffer(data)));
  }

  disconnect(): Promise<void> {
    try {
      this.#card.disconnect(this.#reset);
    } catch {
      // The card or the service is gone, and with it the connection.
    }
    this.#context.close();
    return Promise.resolve();
  }
}

async function load(): Promise<PcscResult<Smartcard>> {
  try {
    return ok(await import('smartcard'));
  } catch (error) {
    return { ok: false, failure: { code: 'no-service', detail: `binding smartcard: ${error instanceof Error ? error.message : String(error)}` } };
  }
}

function establish(smartcard: Smartcard): PcscResult<ContextInterface> {
  try {
    return ok(new smartcard.Context());
  } catch (error) {
    return { ok: false, failure: establishFailure(error) };
  }
}

async function settled(work: () => Promise<Uint8Array>): Promise<PcscResult<Uint8Array>> {
  try {
    return ok(await work());
  } catch (error) {
    return { ok: false, failure: pcscFailure(error) };
  }
}

/** The same memory: whoever zeroes a PIN zeroes this as well. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
