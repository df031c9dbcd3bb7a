import type { CardCommand, DeviceCommands, HostMessage, HostRequest, ReadersStatus } from '../contract/device-host.ts';
import { fail, never, ok } from '../contract/result.ts';
import type { Result } from '../contract/result.ts';
import type { ApduTransport } from './cards/apdu.ts';
import { ApduTrace } from './cards/apdu-trace.ts';
import { openCardApplication } from './cards/card-application.ts';
import type { CardApplication, CardOptions } from './cards/card-application.ts';
import { OpenPgpCard } from './cards/openpgp.ts';
import { choosePin, RawOpenPgpCard, unblockPin } from './cards/openpgp-making.ts';
import type { Devices, DevicesEars } from './devices.ts';
import { cardFailure } from './pcsc/codes.ts';
import type { Pcsc, PcscCard } from './pcsc/pcsc.ts';
import { findPinPad } from './pcsc/pin-pad.ts';
import { ReaderWatch, readerWatchTimes } from './pcsc/reader-watch.ts';
import type { ReaderWatchTimes } from './pcsc/reader-watch.ts';

/** One card from `card.open` to `card.release`, exclusively ours. */
interface Session {
  reader: string;
  connection: PcscCard;
  transport: ApduTransport;
  options: CardOptions;
  /** A raw one until it is made. */
  card: CardApplication | RawOpenPgpCard;
  /** The request that is being served, for `touchWanted`. */
  request: number;
}

type CardRequest = Extract<HostRequest, { command: CardCommand }>;

/** What runs in the device host's process: one answer to each request, in the order of the requests for each card. */
export class DeviceService {
  readonly #pcsc: Pcsc;
  readonly #post: (message: HostMessage) => void;
  readonly #devices: Devices;
  readonly #watch: ReaderWatch;
  readonly #trace = new ApduTrace();
  /** Null until they are known: before that nothing is told. */
  #readers: ReadersStatus | null = null;
  readonly #sessions = new Map<number, Session>();
  /** The last command of each insertion: the next one waits for it. */
  readonly #queues = new Map<number, Promise<void>>();

  constructor(pcsc: Pcsc, devices: (ears: DevicesEars) => Devices, post: (message: HostMessage) => void, times: ReaderWatchTimes = readerWatchTimes) {
    this.#pcsc = pcsc;
    this.#post = post;
    this.#devices = devices({ onStatus: () => this.#tell(), onScan: (scan) => post({ scan }) });
    this.#watch = new ReaderWatch(
      pcsc,
      (readers) => {
        this.#readers = readers;
        this.#tell();
        this.#dropRemoved();
      },
      times,
    );
  }

  handle(request: HostRequest): void {
    const { id, command } = request;
    if (command === 'ping') this.#post({ answer: id, result: ok(null) });
    else if (command === 'identity.read') this.#answer(id, this.#devices.readIdentity(request.params.waitMs));
    else if (command === 'reader.trace') this.#post({ answer: id, result: ok(this.#trace.of(request.params.reader)) });
    else if (command === 'devices.survey') this.#answer(id, this.#devices.survey());
    else if (command === 'printer.print') this.#answer(id, this.#devices.print(request.params.slip));
    else this.#handleCard(request);
  }

  async stop(): Promise<void> {
    this.#watch.stop();
    await this.#devices.stop();
  }

  #tell(): void {
    if (this.#readers !== null) this.#post({ status: { ...this.#readers, ...this.#devices.status } });
  }

  #answer(id: number, result: Promise<Result<unknown>>): void {
    void result.then((settled) => this.#post({ answer: id, result: settled }));
  }

  #handleCard(request: CardRequest): void {
    const { insertion } = request.params;
    const before = this.#queues.get(insertion) ?? Promise.resolve();
    const served = before.then(async () => {
      const result = await this.#serve(request);
      this.#post({ answer: request.id, result: this.#isLate(request, result) ? fail('card-removed') : result });
    });
    this.#queues.set(insertion, served);
    void served.finally(() => {
      if (this.#queues.get(insertion) === served) this.#queues.delete(insertion);
    });
  }

  async #serve(request: CardRequest): Promise<Result<unknown>> {
    switch (request.command) {
      case 'card.open':
        return this.#open(request.id, request.params);
      case 'card.release':
        await this.#release(request.params.insertion);
        return ok(null);
      case 'card.open-raw':
        return this.#openRaw(request.id, request.params);
      case 'card.wipe':
        return this.#withRaw(request, (card) => card.wipe());
      case 'card.make':
        return this.#make(request, request.params);
      case 'card.verify':
        return this.#with(request, (card) => card.verify(request.params.purpose, request.params.pin));
      case 'card.authenticate':
        return this.#with(request, (card) => card.authenticate(request.params.data));
      case 'card.sign':
        return this.#with(request, (card) => card.sign(request.params.data));
      case 'card.agree':
        return this.#with(request, (card) => card.agree(request.params.point));
      case 'card.count':
        return this.#with(request, (card) => card.count());
      case 'card.change-pin':
        return this.#with(request, (card) => card.changePin(request.params.oldPin, request.params.newPin));
      case 'card.choose-pin':
        return this.#withMade(request, (card) => choosePin(card, request.params.newPin, request.params.avoid));
      case 'card.unblock':
        return this.#withMade(request, (_, { transport }) => unblockPin(transport, request.params.resetCode, request.params.newPin, request.params.avoid));
      default:
        return never(request);
    }
  }

  async #with<T>(request: { id: number; params: { insertion: number } }, act: (card: CardApplication, session: Session) => Promise<Result<T>>): Promise<Result<T>> {
    const session = this.#sessions.get(request.params.insertion);
    if (session === undefined || session.card instanceof RawOpenPgpCard) return fail('card-error', 'not open');
    session.request = request.id;
    return act(session.card, session);
  }

  /** What is only done to cards of the kind that is made here. */
  async #withMade<T>(request: { id: number; params: { insertion: number } }, act: (card: OpenPgpCard, session: Session) => Promise<Result<T>>): Promise<Result<T>> {
    return this.#with(request, async (card, session) => (card instanceof OpenPgpCard ? act(card, session) : fail('card-unsupported', card.info.application)));
  }

  async #withRaw<T>(request: { id: number; params: { insertion: number } }, act: (card: RawOpenPgpCard, session: Session) => Promise<Result<T>>): Promise<Result<T>> {
    const session = this.#sessions.get(request.params.insertion);
    if (session === undefined || !(session.card instanceof RawOpenPgpCard)) return fail('card-error', 'not open');
    session.request = request.id;
    return act(session.card, session);
  }

  async #make(request: { id: number; params: { insertion: number } }, { adminPin, resetCode }: DeviceCommands['card.make']['params']): Promise<Result<unknown>> {
    const made = await this.#withRaw(request, async (card, session) => {
      const keyed = await card.make(adminPin, resetCode, session.options);
      if (keyed.ok) session.card = keyed.value;
      return keyed;
    });
    return made.ok ? ok(made.value.info) : made;
  }

  async #open(id: number, params: DeviceCommands['card.open']['params']): Promise<Result<unknown>> {
    return this.#connect(id, params, async (transport, options) => {
      const card = await openCardApplication(transport, options);
      return card.ok ? ok({ card: card.value, said: card.value.info }) : card;
    });
  }

  async #openRaw(id: number, params: DeviceCommands['card.open-raw']['params']): Promise<Result<unknown>> {
    return this.#connect(id, params, async (transport) => {
      const opened = await RawOpenPgpCard.open(transport);
      return opened.ok ? ok({ card: opened.value.card, said: opened.value.raw }) : opened;
    });
  }

  /** Exclusively, and reset where somebody else had it. What `open` says of the card is the answer. */
  async #connect(
    id: number,
    params: DeviceCommands['card.open']['params'],
    open: (transport: ApduTransport, options: CardOptions) => Promise<Result<{ card: Session['card']; said: unknown }>>,
  ): Promise<Result<unknown>> {
    if (!this.#watch.hasReader(params.reader)) return fail('reader-missing');
    if (this.#watch.readerOf(params.insertion) !== params.reader) return fail('card-removed');
    await this.#release(params.insertion);
    await this.#watch.hold(params.reader);
    const connection = await this.#connectFresh(params.reader);
    if (!connection.ok) {
      this.#watch.holdFailed(params.reader, connection.failure.code === 'card-in-use');
      return connection;
    }
    const transport = this.#trace.heard(params.reader, transportOf(connection.value));
    const options: CardOptions = {
      pinPad: await findPinPad(connection.value),
      onTouchWanted: () => this.#post({ touchWanted: this.#sessions.get(params.insertion)?.request ?? id }),
    };
    const opened = await open(transport, options);
    if (!opened.ok) {
      await connection.value.disconnect();
      this.#watch.letGo(params.reader);
      return opened;
    }
    this.#sessions.set(params.insertion, { reader: params.reader, connection: connection.value, transport, options, card: opened.value.card, request: id });
    if (this.#watch.readerOf(params.insertion) === null) await this.#release(params.insertion);
    return ok(opened.value.said);
  }

  /** A card that somebody else may have left with its PIN verified is reset before it is used. */
  async #connectFresh(reader: string): Promise<Result<PcscCard>> {
    if (this.#watch.needsReset(reader)) {
      const stale = await this.#pcsc.connect(reader);
      if (!stale.ok) return { ok: false, failure: cardFailure(stale.failure) };
      await stale.value.disconnect();
    }
    const connection = await this.#pcsc.connect(reader);
    return connection.ok ? connection : { ok: false, failure: cardFailure(connection.failure) };
  }

  async #release(insertion: number): Promise<void> {
    const session = this.#sessions.get(insertion);
    if (session === undefined) return;
    this.#sessions.delete(insertion);
    await session.connection.disconnect();
    this.#watch.letGo(session.reader);
  }

  /** What is left of a card that is out. Waits for a command under way, which ends by itself once its card is gone. */
  #dropRemoved(): void {
    for (const insertion of this.#sessions.keys()) {
      if (this.#watch.readerOf(insertion) !== null) continue;
      const before = this.#queues.get(insertion) ?? Promise.resolve();
      void before.then(() => this.#release(insertion));
    }
  }

  /** The card is out: whatever it still answered is nobody's any more. */
  #isLate(request: CardRequest, result: Result<unknown>): boolean {
    if (request.command === 'card.release' || this.#watch.readerOf(request.params.insertion) !== null) return false;
    return result.ok || !result.failure.code.startsWith('reader-');
  }
}

function transportOf(connection: PcscCard): ApduTransport {
  return {
    protocol: connection.protocol,
    async transmit(command) {
      const answer = await connection.transmit(command);
      return answer.ok ? answer : { ok: false, failure: cardFailure(answer.failure) };
    },
  };
}
