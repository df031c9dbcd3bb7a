import type pcsclite from 'pcsclite';
import { ok } from '../../contract/result.ts';
import { establishFailure, pcscFailure, slotReading } from './codes.ts';
import type { Pcsc, PcscCard, PcscFailure, PcscResult, PcscWatch, SlotReading } from './pcsc.ts';

type Monitor = ReturnType<typeof pcsclite>;
type Reader = Parameters<Parameters<Monitor['on']>[1]>[0];

/** The native method behind the monitor's `reader` events; the package's types leave it out. */
interface Listing {
  start(onReaders: (error: unknown, names: unknown) => void): void;
}

/** The longest answer there is in extended form: 65 536 bytes and the status word. */
const LONGEST_ANSWER = 65_538;
const LONGEST_CONTROL_ANSWER = 256;

/**
 * PC/SC through `pcsclite` (NAN). Two of its habits shape this file. Its callbacks run outside a callback scope on Node 26, so that a promise
 * settled in one stays asleep until something else happens: each hops over setImmediate. And it locks a reader while it transmits, and takes the
 * same lock on the main thread to report a change: with a card that never answers the whole process stands, until whoever watches it ends it.
 */
export class PcscliteBinding implements Pcsc {
  /** Of the running watch: the binding connects through the very objects that it watches with. */
  #readers: ReadonlyMap<string, Reader> = new Map();

  watch(onSlots: (slots: SlotReading[]) => void, onEnd: (failure: PcscFailure) => void): PcscWatch {
    const watch = new Watch(onSlots, onEnd);
    this.#readers = watch.readers;
    void watch.run();
    return watch;
  }

  async connect(name: string): Promise<PcscResult<PcscCard>> {
    const reader = this.#readers.get(name);
    if (reader === undefined) return { ok: false, failure: { code: 'unknown-reader' } };
    // After a card was pulled this stays true, and `connect` would then do nothing at all.
    reader.connected = false;
    const options = { share_mode: reader.SCARD_SHARE_EXCLUSIVE, protocol: reader.SCARD_PROTOCOL_T0 | reader.SCARD_PROTOCOL_T1 };
    const protocol = await settled<number>((done) => reader.connect(options, done));
    return protocol.ok ? ok(new PcscliteCard(reader, protocol.value)) : protocol;
  }
}

class Watch implements PcscWatch {
  readonly readers = new Map<string, Reader>();
  readonly #states = new Map<string, number>();
  readonly #onSlots: (slots: SlotReading[]) => void;
  readonly #onEnd: (failure: PcscFailure) => void;
  #monitor: Monitor | null = null;
  #ended = false;

  constructor(onSlots: (slots: SlotReading[]) => void, onEnd: (failure: PcscFailure) => void) {
    this.#onSlots = onSlots;
    this.#onEnd = onEnd;
  }

  async run(): Promise<void> {
    let open: typeof pcsclite;
    try {
      open = (await import('pcsclite')).default;
    } catch (error) {
      this.#end({ code: 'no-service', detail: `binding pcsclite: ${error instanceof Error ? error.message : String(error)}` });
      return;
    }
    if (this.#ended) return;
    try {
      this.#follow(open());
    } catch (error) {
      this.#end(establishFailure(error));
    }
  }

  stop(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#close();
  }

  #follow(monitor: Monitor): void {
    this.#monitor = monitor;
    // No event says that there is no reader; the listing itself does.
    const listing = monitor as Monitor & Listing;
    const start = listing.start.bind(listing);
    listing.start = (onReaders) => {
      start((error, names) => {
        onReaders(error, names);
        setImmediate(() => this.#report());
      });
    };
    monitor.on('error', (error: unknown) => this.#end(pcscFailure(error)));
    monitor.on('reader', (reader) => {
      this.readers.set(reader.name, reader);
      reader.on('error', (error: unknown) => this.#end(pcscFailure(error)));
      reader.on('status', ({ state }) => {
        this.#states.set(reader.name, state);
        setImmediate(() => this.#report());
      });
      reader.on('end', () => {
        this.readers.delete(reader.name);
        this.#states.delete(reader.name);
        setImmediate(() => this.#report());
      });
    });
  }

  #report(): void {
    const names = [...this.readers.keys()];
    if (this.#ended || names.some((name) => !this.#states.has(name))) return;
    this.#onSlots(names.map((name) => slotReading(name, this.#states.get(name) ?? 0)));
  }

  #end(failure: PcscFailure): void {
    if (this.#ended) return;
    this.#ended = true;
    setImmediate(() => {
      this.#close();
      this.#onEnd(failure);
    });
  }

  #close(): void {
    for (const reader of this.readers.values()) reader.close();
    this.#monitor?.close();
    this.readers.clear();
  }
}

class PcscliteCard implements PcscCard {
  readonly protocol: 't0' | 't1';
  readonly #reader: Reader;
  readonly #protocolNumber: number;

  constructor(reader: Reader, protocolNumber: number) {
    this.#reader = reader;
    this.#protocolNumber = protocolNumber;
    this.protocol = protocolNumber === reader.SCARD_PROTOCOL_T0 ? 't0' : 't1';
  }

  transmit(command: Uint8Array): Promise<PcscResult<Uint8Array>> {
    return settled((done) => this.#reader.transmit(asBuffer(command), LONGEST_ANSWER, this.#protocolNumber, done));
  }

  control(code: number, data: Uint8Array): Promise<PcscResult<Uint8Array>> {
    return settled((done) => this.#reader.control(asBuffer(data), code, LONGEST_CONTROL_ANSWER, done));
  }

  async disconnect(): Promise<void> {
    await settled<void>((done) => this.#reader.disconnect(this.#reader.SCARD_RESET_CARD, (error: unknown) => done(error, undefined)));
  }
}

/** A callback of the binding as a promise. It throws at once where its own bookkeeping says that there is no connection. */
function settled<T>(start: (done: (error: unknown, value: T) => void) => void): Promise<PcscResult<T>> {
  return new Promise((resolve) => {
    const settle = (result: PcscResult<T>): void => {
      setImmediate(() => resolve(result));
    };
    try {
      start((error, value) => settle(error ? { ok: false, failure: pcscFailure(error) } : ok(value)));
    } catch (error) {
      settle({ ok: false, failure: pcscFailure(error) });
    }
  });
}

/** The same memory: whoever zeroes a PIN zeroes this as well. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
