import type { IdentityCard, IdentityReaderStatus } from '../../contract/device-host.ts';
import { fail, ok } from '../../contract/result.ts';
import type { Failure, Result } from '../../contract/result.ts';
import { parseIdentityText } from './identity-text.ts';
import { KeptLine } from '../line.ts';
import type { Line, OpenLine } from '../line.ts';
import { Turns } from '../turns.ts';
import { encodeSdtCommand, fitsCommand, sdtFailure, SdtStream, textOfRead } from './sdt.ts';
import type { SdtAnswer, SdtCommand } from './sdt.ts';

export interface IdentityReaderTimes {
  lookEveryMs: number;
  /** Between two questions for a card. */
  findEveryMs: number;
  /** What the module answers from its own memory. */
  answerMs: number;
  /** What it has to read from a card first. */
  readMs: number;
  /** For a whole answer behind a broken one. */
  afterBrokenMs: number;
}

export const identityReaderTimes: IdentityReaderTimes = { lookEveryMs: 1_000, findEveryMs: 300, answerMs: 1_000, readMs: 3_000, afterBrokenMs: 200 };

interface Waiting {
  command: SdtCommand;
  settle(result: Result<SdtAnswer>): void;
  /** What was heard instead of the answer. */
  broken: 'length' | 'checksum' | null;
  deadline: NodeJS.Timeout;
}

/**
 * A reader of resident identity cards: a SAM-V module on any line. A card is looked for only while somebody asks for one; find, select, read, and then
 * it has to leave the field before it is found again. Nothing of a card is kept.
 */
export class IdentityReader {
  readonly #onStatus: (status: IdentityReaderStatus) => void;
  readonly #times: IdentityReaderTimes;
  readonly #stream = new SdtStream();
  readonly #kept: KeptLine;
  #line: Line | null = null;
  #status: IdentityReaderStatus = { state: 'starting' };
  #waiting: Waiting | null = null;
  /** Ends the pause between two questions. */
  #wake: (() => void) | null = null;
  readonly #turns = new Turns();

  constructor(open: OpenLine, onStatus: (status: IdentityReaderStatus) => void, times: IdentityReaderTimes = identityReaderTimes) {
    this.#onStatus = onStatus;
    this.#times = times;
    this.#kept = new KeptLine(
      open,
      { onUp: (line) => void this.#greet(line), onBytes: (bytes) => this.#hear(bytes), onDown: (failure) => this.#down(failure) },
      times.lookEveryMs,
    );
  }

  get status(): IdentityReaderStatus {
    return this.#status;
  }

  /** Fails at once where the reader cannot be used, with `identity-card-missing` where no card came, or with what the module said. One after the other. */
  read(waitMs: number): Promise<Result<IdentityCard>> {
    return this.#turns.take(() => this.#read(waitMs));
  }

  async stop(): Promise<void> {
    await this.#kept.stop();
    this.#down(fail('device-lost', 'stopped').failure);
  }

  /** Only a module that passes its own test is ready. */
  async #greet(line: Line): Promise<void> {
    this.#line = line;
    const answer = await this.#ask(line, 'status', this.#times.answerMs);
    if (this.#line !== line) return;
    const failure = answer.ok ? sdtFailure(answer.value) : answer.failure;
    if (failure === null) this.#say({ state: 'ready', product: line.product });
    else this.#kept.drop(line, failure);
  }

  #down(failure: Failure): void {
    this.#line = null;
    this.#say({ state: 'unusable', failure });
    this.#waiting?.settle({ ok: false, failure });
    this.#wake?.();
  }

  #say(status: IdentityReaderStatus): void {
    this.#status = status;
    this.#onStatus(status);
  }

  async #read(waitMs: number): Promise<Result<IdentityCard>> {
    const line = this.#line;
    if (this.#status.state === 'unusable') return { ok: false, failure: this.#status.failure };
    if (line === null || this.#status.state === 'starting') return fail('device-host-lost', 'starting');
    const { product } = line;
    this.#say({ state: 'waiting', product });
    const card = await this.#readFrom(line, performance.now() + waitMs);
    if (this.#line === line) this.#say({ state: card.ok ? 'card-read' : 'ready', product });
    return card;
  }

  async #readFrom(line: Line, untilMs: number): Promise<Result<IdentityCard>> {
    const found = await this.#find(line, untilMs);
    if (!found.ok) return found;
    this.#say({ state: 'reading', product: line.product });
    const selected = await this.#askTwice(line, 'select', this.#times.answerMs);
    if (!selected.ok) return selected;
    const read = await this.#askTwice(line, 'read', this.#times.readMs);
    if (!read.ok) return read;
    const text = textOfRead(read.value.data);
    return text === null ? fail('identity-card-unreadable', 'length') : parseIdentityText(text);
  }

  /** Asks until a card is there. A module that stays silent twice in a row is lost. */
  async #find(line: Line, untilMs: number): Promise<Result<SdtAnswer>> {
    let silences = 0;
    for (;;) {
      const found = await this.#outcome(line, 'find', this.#times.answerMs);
      if (found.ok) return found;
      const { code, detail } = found.failure;
      silences = code === 'device-lost' && detail === 'no answer' ? silences + 1 : 0;
      const goesOn = code === 'identity-card-missing' || code === 'device-fault' || silences === 1;
      if (!goesOn && this.#line === line && code === 'device-lost') this.#kept.drop(line, found.failure);
      if (!goesOn || performance.now() + this.#times.findEveryMs > untilMs) return found;
      await this.#pause();
      if (this.#line !== line) return fail('device-lost', 'unplugged');
    }
  }

  /** A broken answer is asked for once more: the card is still selected. Silence is a reader that hangs. */
  async #askTwice(line: Line, command: SdtCommand, limitMs: number): Promise<Result<SdtAnswer>> {
    const first = await this.#outcome(line, command, limitMs);
    const isBroken = !first.ok && first.failure.code === 'device-fault' && this.#line === line;
    const last = isBroken ? await this.#outcome(line, command, limitMs) : first;
    if (!last.ok && last.failure.code === 'device-lost' && this.#line === line) this.#kept.drop(line, last.failure);
    return last;
  }

  /** What the module said, as a failure where it was one. */
  async #outcome(line: Line, command: SdtCommand, limitMs: number): Promise<Result<SdtAnswer>> {
    const answer = await this.#ask(line, command, limitMs);
    const failure = answer.ok ? sdtFailure(answer.value) : null;
    return failure === null ? answer : { ok: false, failure };
  }

  async #ask(line: Line, command: SdtCommand, limitMs: number): Promise<Result<SdtAnswer>> {
    this.#stream.clear();
    const answer = new Promise<Result<SdtAnswer>>((resolve) => {
      const waiting: Waiting = {
        command,
        broken: null,
        deadline: setTimeout(() => waiting.settle(this.#unanswered(waiting)), limitMs),
        settle: (result) => {
          clearTimeout(waiting.deadline);
          if (this.#waiting === waiting) this.#waiting = null;
          resolve(result);
        },
      };
      this.#waiting = waiting;
    });
    const sent = await line.send(encodeSdtCommand(command));
    if (!sent.ok) this.#waiting?.settle(sent);
    return answer;
  }

  #unanswered({ broken }: Waiting): Result<SdtAnswer> {
    if (broken !== null) return fail('device-fault', broken);
    return this.#stream.isInside ? fail('device-fault', 'cut off') : fail('device-lost', 'no answer');
  }

  #hear(bytes: Uint8Array): void {
    for (const event of this.#stream.push(bytes)) {
      const waiting = this.#waiting;
      if (waiting === null) continue;
      if ('answer' in event) {
        if (fitsCommand(waiting.command, event.answer)) waiting.settle(ok(event.answer));
      } else if (waiting.broken === null) {
        waiting.broken = event.broken;
        clearTimeout(waiting.deadline);
        waiting.deadline = setTimeout(() => waiting.settle(this.#unanswered(waiting)), this.#times.afterBrokenMs);
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), this.#times.findEveryMs);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
    });
  }
}
