import type { CardCommand, DeviceCommands, HostMessage, HostRequest } from '../contract/device-host.ts';
import { fail, never, ok } from '../contract/result.ts';
import type { Result } from '../contract/result.ts';
import type { ApduTransport } from './cards/apdu.ts';
import { OpenPgpCard } from './cards/openpgp.ts';
import { cardFailure } from './pcsc/codes.ts';
import type { Pcsc, PcscCard } from './pcsc/pcsc.ts';
import { findPinPad } from './pcsc/pin-pad.ts';
import { ReaderWatch, readerWatchTimes } from './pcsc/reader-watch.ts';
import type { ReaderWatchTimes } from './pcsc/reader-watch.ts';

/** One card from `card.open` to `card.release`, exclusively ours. */
interface Session {
  reader: string;
  connection: PcscCard;
  card: OpenPgpCard;
  /** The request that is being served, for `touchWanted`. */
  request: number;
}

type CardRequest = Extract<HostRequest, { command: CardCommand }>;

/** What runs in the device host's process: one answer to each request, in the order of the requests for each card. */
export class DeviceService {
  readonly #pcsc: Pcsc;
  readonly #post: (message: HostMessage) => void;
  readonly #watch: ReaderWatch;
  readonly #sessions = new Map<number, Session>();
  /** The last command of each insertion: the next one waits for it. */
  readonly #queues = new Map<number, Promise<void>>();

  constructor(pcsc: Pcsc, post: (message: HostMessage) => void, times: ReaderWatchTimes = readerWatchTimes) {
    this.#pcsc = pcsc;
    this.#post = post;
    this.#watch = new ReaderWatch(
      pcsc,
      (status) => {
        post({ status });
        this.#dropRemoved();
      },
      times,
    );
  }

  handle(request: HostRequest): void {
    const { id, command } = request;
    if (command === 'ping') this.#post({ answer: id, result: ok(null) });
    else if (command === 'identity.read') this.#post({ answer: id, result: fail('identity-reader-missing') });
    else if (command === 'printer.print') this.#post({ answer: id, result: fail('printer-missing') });
    else this.#handleCard(request);
  }

  stop(): void {
    this.#watch.stop();
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
      case 'card.verify':
        return this.#with(request, ({ card }) => card.verify(request.params.purpose, request.params.pin));
      case 'card.authenticate':
        return this.#with(request, ({ card }) => card.authenticate(request.params.data));
      case 'card.sign':
        return this.#with(request, ({ card }) => card.sign(request.params.data));
      case 'card.agree':
        return this.#with(request, ({ card }) => card.agree(request.params.point));
      case 'card.count':
        return this.#with(request, ({ card }) => card.count());
      case 'card.change-pin':
        return this.#with(request, ({ card }) => card.changePin(request.params.oldPin, request.params.newPin));
      default:
        return never(request);
    }
  }

  async #with<T>(request: { id: number; params: { insertion: number } }, act: (session: Session) => Promise<Result<T>>): Promise<Result<T>> {
    const session = this.#sessions.get(request.params.insertion);
    if (session === undefined) return fail('card-error', 'not open');
    session.request = request.id;
    return act(session);
  }

  async #open(id: number, params: DeviceCommands['card.open']['params']): Promise<Result<unknown>> {
    if (!this.#watch.hasReader(params.reader)) return fail('reader-missing');
    if (this.#watch.readerOf(params.insertion) !== params.reader) return fail('card-removed');
    await this.#release(params.insertion);
    await this.#watch.hold(params.reader);
    const connection = await this.#connectFresh(params.reader);
    if (!connection.ok) {
      this.#watch.holdFailed(params.reader, connection.failure.code === 'card-in-use');
      return connection;
    }
    const card = await openCard(connection.value, () => this.#post({ touchWanted: this.#sessions.get(params.insertion)?.request ?? id }));
    if (!card.ok) {
      await connection.value.disconnect();
      this.#watch.letGo(params.reader);
      return card;
    }
    this.#sessions.set(params.insertion, { reader: params.reader, connection: connection.value, card: card.value, request: id });
    if (this.#watch.readerOf(params.insertion) === null) await this.#release(params.insertion);
    return ok(card.value.info);
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

async function openCard(connection: PcscCard, onTouchWanted: () => void): Promise<Result<OpenPgpCard>> {
  const transport: ApduTransport = {
    protocol: connection.protocol,
    async transmit(command) {
      const answer = await connection.transmit(command);
      return answer.ok ? answer : { ok: false, failure: cardFailure(answer.failure) };
    },
  };
  return OpenPgpCard.open(transport, { pinPad: await findPinPad(connection), onTouchWanted });
}
