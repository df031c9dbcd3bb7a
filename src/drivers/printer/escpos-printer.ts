import type { PrinterStatus, Slip } from '../../contract/device-host.ts';
import { fail, ok } from '../../contract/result.ts';
import type { Failure, Result } from '../../contract/result.ts';
import { KeptLine } from '../line.ts';
import type { Line, OpenLine } from '../line.ts';
import { Turns } from '../turns.ts';
import { answerOf, askStatus, askWhenPrinted, bandsOf, cut, forgetRest, printerState, reset, statusKinds } from './escpos.ts';
import type { StatusKind } from './escpos.ts';
import { slipFits } from './printer.ts';
import type { Printer } from './printer.ts';

export interface EscposTimes {
  lookEveryMs: number;
  /** How often an idle printer is asked how it is. */
  askEveryMs: number;
  answerMs: number;
  /** From the last byte sent to the printer's word that all of it is on paper. */
  confirmMs: number;
  /** How often it is asked how it is meanwhile. */
  watchEveryMs: number;
}

export const escposTimes: EscposTimes = { lookEveryMs: 2_000, askEveryMs: 2_000, answerMs: 1_000, confirmMs: 20_000, watchEveryMs: 300 };

/**
 * A receipt printer on ESC/POS. It is asked how it is before anything is offered, and nothing is called printed before it has said so itself. What it
 * has not printed when something goes wrong it is told to forget: the next visitor must not find it.
 */
export class EscposPrinter implements Printer {
  readonly #widthDots: number;
  readonly #onStatus: (status: PrinterStatus) => void;
  readonly #times: EscposTimes;
  readonly #kept: KeptLine;
  #line: Line | null = null;
  #status: PrinterStatus = { state: 'starting' };
  #onAnswer: ((byte: number) => void) | null = null;
  #onPrinted: (() => void) | null = null;
  #next: NodeJS.Timeout | null = null;
  /** One conversation at a time: asking how it is, or printing. */
  readonly #turns = new Turns();

  constructor(open: OpenLine, widthDots: number, onStatus: (status: PrinterStatus) => void, times: EscposTimes = escposTimes) {
    this.#widthDots = widthDots;
    this.#onStatus = onStatus;
    this.#times = times;
    this.#kept = new KeptLine(
      open,
      { onUp: (line) => this.#up(line), onBytes: (bytes) => this.#hear(bytes), onDown: (failure) => this.#down(failure) },
      times.lookEveryMs,
    );
  }

  get status(): PrinterStatus {
    return this.#status;
  }

  print(slip: Slip): Promise<Result<null>> {
    return this.#turns.take(() => this.#print(slip));
  }

  async stop(): Promise<void> {
    await this.#kept.stop();
    this.#down(fail('device-lost', 'stopped').failure);
  }

  #up(line: Line): void {
    this.#line = line;
    this.#askLater(line, 0);
  }

  #down(failure: Failure): void {
    this.#line = null;
    if (this.#next !== null) clearTimeout(this.#next);
    this.#say({ state: 'unusable', failure });
  }

  #say(status: PrinterStatus): void {
    if (JSON.stringify(status) === JSON.stringify(this.#status)) return;
    this.#status = status;
    this.#onStatus(status);
  }

  #askLater(line: Line, delayMs: number): void {
    if (this.#next !== null) clearTimeout(this.#next);
    this.#next = setTimeout(() => {
      void this.#turns.take(async () => {
        if (this.#line === line) await this.#look(line);
        if (this.#line === line) this.#askLater(line, this.#times.askEveryMs);
      });
    }, delayMs);
  }

  /** Asks how the printer is, and says it. One that does not answer is as good as away. */
  async #look(line: Line): Promise<Result<'ready' | 'paper-low'>> {
    const state = await this.#ask(line);
    if (this.#line !== line) return fail('device-lost', 'unplugged');
    if (state.ok) this.#say({ state: state.value, product: line.product });
    else if (state.failure.code === 'printer-missing' || state.failure.code === 'device-lost') this.#kept.drop(line, state.failure);
    else this.#say({ state: 'unusable', failure: state.failure });
    return state;
  }

  async #ask(line: Line): Promise<Result<'ready' | 'paper-low'>> {
    const bytes: number[] = [];
    for (const kind of statusKinds) {
      const byte = await this.#askOne(line, kind);
      if (!byte.ok) return byte;
      bytes.push(byte.value);
    }
    const [printer = 0, offline = 0, error = 0, paper = 0] = bytes;
    return printerState([printer, offline, error, paper]);
  }

  async #askOne(line: Line, kind: StatusKind): Promise<Result<number>> {
    const { promise, resolve } = Promise.withResolvers<Result<number>>();
    const deadline = setTimeout(() => resolve(fail('printer-missing', 'no answer')), this.#times.answerMs);
    this.#onAnswer = (byte) => resolve(ok(byte));
    const sent = await line.send(askStatus(kind));
    const answer = sent.ok ? await promise : sent;
    clearTimeout(deadline);
    this.#onAnswer = null;
    return answer;
  }

  #hear(bytes: Uint8Array): void {
    for (const byte of bytes) {
      const answer = answerOf(byte);
      if (answer === null) continue;
      if ('status' in answer) this.#onAnswer?.(answer.status);
      else this.#onPrinted?.();
    }
  }

  async #print(slip: Slip): Promise<Result<null>> {
    if (!slipFits(slip, this.#widthDots)) return fail('message-invalid', 'slip');
    const line = this.#line;
    if (line === null) return this.#status.state === 'unusable' ? { ok: false, failure: this.#status.failure } : fail('printer-missing', 'starting');
    const state = await this.#look(line);
    if (!state.ok) return state;
    this.#say({ state: 'printing', product: line.product });
    const printed = await this.#send(line, slip);
    if (!printed.ok && this.#line === line) await line.send(forgetRest());
    if (this.#line === line) await this.#look(line);
    return printed;
  }

  async #send(line: Line, slip: Slip): Promise<Result<null>> {
    for (const part of [reset(), ...bandsOf(slip), cut()]) {
      const sent = await line.send(part);
      if (!sent.ok) return fail('printer-unconfirmed', sent.failure.detail);
      const state = await this.#ask(line);
      if (!state.ok) return this.#broken(state.failure);
    }
    return this.#confirmed(line);
  }

  /** Until the printer says that all is on paper, says what is wrong, or says neither for too long. */
  async #confirmed(line: Line): Promise<Result<null>> {
    const { promise, resolve } = Promise.withResolvers<Result<null>>();
    const deadline = setTimeout(() => resolve(fail('printer-unconfirmed', 'no answer')), this.#times.confirmMs);
    let isOver = false;
    let asking = Promise.resolve();
    let next: NodeJS.Timeout | null = null;
    const watch = async (): Promise<void> => {
      const state = await this.#ask(line);
      if (isOver) return;
      if (!state.ok) resolve(this.#broken(state.failure));
      else next = setTimeout(() => {
        asking = watch();
      }, this.#times.watchEveryMs);
    };
    this.#onPrinted = () => resolve(ok(null));
    const asked = await line.send(askWhenPrinted());
    if (!asked.ok) resolve(fail('printer-unconfirmed', asked.failure.detail));
    asking = watch();
    const printed = await promise;
    isOver = true;
    if (next !== null) clearTimeout(next);
    this.#onPrinted = null;
    clearTimeout(deadline);
    await asking;
    return printed;
  }

  /** What a printer says of itself in the middle is the reason; one that says nothing any more leaves it open what is on paper. */
  #broken(failure: Failure): Result<null> {
    return failure.code === 'printer-missing' || failure.code === 'device-lost' ? fail('printer-unconfirmed', failure.detail) : { ok: false, failure };
  }
}
