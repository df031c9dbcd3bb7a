import { userInfo } from 'node:os';
import { setInterval } from 'node:timers/promises';
import type { PrinterStatus, Slip } from '../../contract/device-host.ts';
import type { CupsFile } from '../../contract/hub-file.ts';
import { fail, ok } from '../../contract/result.ts';
import type { Result } from '../../contract/result.ts';
import { ippGroup, ippNotFound, ippOperations, isIppError } from './ipp.ts';
import type { IppAnswer, IppAttribute, IppValue } from './ipp.ts';
import { callIpp } from './ipp-client.ts';
import type { IppPlace } from './ipp-client.ts';
import { printerOfIpp } from './ipp-state.ts';
import type { IppPrinterState } from './ipp-state.ts';
import { slipFits } from './printer.ts';
import type { Printer } from './printer.ts';
import { slipPdf } from './slip-pdf.ts';

export interface CupsTimes {
  /** How often an idle queue is asked how it is. */
  lookEveryMs: number;
  answerMs: number;
  /** From handing the slip over to the word that it is printed. */
  jobMs: number;
  jobLookEveryMs: number;
}

export const cupsTimes: CupsTimes = { lookEveryMs: 3_000, answerMs: 3_000, jobMs: 40_000, jobLookEveryMs: 300 };

/** PWG 5101.1. */
const mediaOf = { a4: 'iso_a4_210x297mm', a5: 'iso_a5_148x210mm', letter: 'na_letter_8.5x11in' } as const;

/** `job-state` (RFC 8011 §5.3.7). */
const jobState = { canceled: 7, aborted: 8, completed: 9 } as const;

interface QueueState {
  product: string;
  state: Result<'ready' | 'paper-low'>;
}

/**
 * A queue of CUPS. It is asked how it is before anything is offered; a printer behind it that speaks IPP is asked itself, since a queue remembers what went wrong with the last slip. Printed is
 * what CUPS calls completed. A slip that is not, is cancelled, and of none is anything kept there.
 */
export class CupsPrinter implements Printer {
  readonly #file: CupsFile;
  readonly #place: IppPlace;
  readonly #uri: string;
  readonly #user: string;
  readonly #onStatus: (status: PrinterStatus) => void;
  readonly #times: CupsTimes;
  #status: PrinterStatus = { state: 'starting' };
  #next: NodeJS.Timeout | null = null;
  #isStopped = false;
  /** One conversation at a time: asking how it is, or printing. */
  #before: Promise<unknown> = Promise.resolve();

  constructor(file: CupsFile, onStatus: (status: PrinterStatus) => void, times: CupsTimes = cupsTimes) {
    this.#file = file;
    const path = `/printers/${encodeURIComponent(file.queue)}`;
    this.#place = { socketPath: file.server, path };
    this.#uri = `ipp://localhost${path}`;
    this.#user = userInfo().username;
    this.#onStatus = onStatus;
    this.#times = times;
    this.#lookLater(0);
  }

  get status(): PrinterStatus {
    return this.#status;
  }

  print(slip: Slip): Promise<Result<null>> {
    return this.#inTurn(() => this.#print(slip));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#next !== null) clearTimeout(this.#next);
    await this.#before;
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#before.then(act);
    this.#before = done;
    return done;
  }

  #say(status: PrinterStatus): void {
    if (this.#isStopped || JSON.stringify(status) === JSON.stringify(this.#status)) return;
    this.#status = status;
    this.#onStatus(status);
  }

  #lookLater(delayMs: number): void {
    this.#next = setTimeout(() => {
      void this.#inTurn(() => this.#look()).then(() => {
        if (!this.#isStopped) this.#lookLater(this.#times.lookEveryMs);
      });
    }, delayMs);
  }

  async #look(): Promise<QueueState> {
    const queue = await this.#ask();
    const { product, state } = queue;
    this.#say(state.ok ? { state: state.value, product } : { state: 'unusable', failure: state.failure });
    return queue;
  }

  /** The queue, and the printer behind it where that speaks IPP. */
  async #ask(): Promise<QueueState> {
    const { queue } = this.#file;
    const wanted = ['printer-state', 'printer-state-reasons', 'printer-is-accepting-jobs', 'printer-make-and-model', 'device-uri'];
    const asked = await this.#call(ippOperations.getPrinterAttributes, [requested(wanted)]);
    if (!asked.ok) return { product: queue, state: asked };
    const its = asked.value.groups.find(({ of }) => of === ippGroup.printer)?.attributes ?? new Map<string, IppValue[]>();
    const product = textOf(its, 'printer-make-and-model') ?? queue;
    const behind = ippDeviceOf(textOf(its, 'device-uri'));
    const state = printerOfIpp(stateOf(its));
    // What keeps the queue itself from printing, it alone knows; paper and covers, the printer knows better.
    if (behind === null || (!state.ok && state.failure.code === 'device-fault')) return { product, state };
    const device = await callIpp(behind.place, { operation: ippOperations.getPrinterAttributes, uri: behind.uri, attributes: [requested(['printer-state', 'printer-state-reasons', 'printer-is-accepting-jobs'])], limitMs: this.#times.answerMs });
    if (!device.ok) return { product, state: device };
    if (isIppError(device.value.code)) return { product, state };
    const attributes = device.value.groups.find(({ of }) => of === ippGroup.printer)?.attributes;
    return { product, state: attributes === undefined ? state : printerOfIpp(stateOf(attributes)) };
  }

  async #print(slip: Slip): Promise<Result<null>> {
    if (!slipFits(slip, this.#file.widthDots)) return fail('message-invalid', 'slip');
    const { product, state } = await this.#look();
    if (!state.ok) return state;
    this.#say({ state: 'printing', product });
    const job = await this.#submit(slip);
    const printed = job.ok ? await this.#followed(job.value) : job;
    if (job.ok) await this.#forget(job.value);
    await this.#look();
    return printed;
  }

  /** @returns its `job-id`. Where CUPS does not say that it took the slip, nobody knows whether it did. */
  async #submit(slip: Slip): Promise<Result<number>> {
    const sheet = this.#file.sheet;
    const taken = await this.#call(
      ippOperations.printJob,
      [
        { name: 'job-name', tag: 'name', values: ['slip'] },
        { name: 'document-format', tag: 'mimeMediaType', values: ['application/pdf'] },
      ],
      {
        job: [
          { name: 'media', tag: 'keyword', values: [mediaOf[sheet]] },
          { name: 'print-scaling', tag: 'keyword', values: ['none'] },
        ],
        document: slipPdf(slip, sheet),
      },
    );
    if (!taken.ok) return taken.failure.code === 'printer-missing' ? fail('printer-unconfirmed', taken.failure.detail) : taken;
    const id = taken.value.groups.find(({ of }) => of === ippGroup.job)?.attributes.get('job-id')?.[0];
    return typeof id === 'number' ? ok(id) : fail('printer-unconfirmed', 'no job');
  }

  /** Until CUPS calls the job completed or over, the printer says what is wrong, or neither for too long: then it is cancelled. */
  async #followed(job: number): Promise<Result<null>> {
    const deadlineMs = performance.now() + this.#times.jobMs;
    for await (const _ of setInterval(this.#times.jobLookEveryMs)) {
      const over = await this.#jobOver(job);
      if (over !== null) return over;
      const { state } = await this.#ask();
      // A printer that does not answer while it prints is busy; in the end the deadline tells.
      const trouble = !state.ok && state.failure.code !== 'printer-missing' ? state : performance.now() > deadlineMs ? fail('printer-unconfirmed', 'not completed in time') : null;
      if (trouble !== null) return (await this.#cancelled(job)) ?? trouble;
    }
    return fail('printer-unconfirmed', 'unreachable');
  }

  /** null: it is under way. */
  async #jobOver(job: number): Promise<Result<null> | null> {
    const asked = await this.#call(ippOperations.getJobAttributes, [jobId(job), requested(['job-state', 'job-state-reasons'])]);
    if (!asked.ok) return fail('printer-unconfirmed', asked.failure.detail);
    const its = asked.value.groups.find(({ of }) => of === ippGroup.job)?.attributes;
    const state = its?.get('job-state')?.[0];
    if (state === jobState.completed) return ok(null);
    if (state === jobState.canceled || state === jobState.aborted) return fail('printer-unconfirmed', its?.get('job-state-reasons')?.join(' '));
    return null;
  }

  /** The slip may have been finished meanwhile: then it is printed after all. */
  async #cancelled(job: number): Promise<Result<null> | null> {
    await this.#call(ippOperations.cancelJob, [jobId(job)]);
    const over = await this.#jobOver(job);
    return over?.ok === true ? over : null;
  }

  /** CUPS would keep the job, and perhaps what is on it. One that it is about to stop it forgets only once it has. */
  async #forget(job: number): Promise<void> {
    const deadlineMs = performance.now() + this.#times.answerMs;
    for await (const _ of setInterval(this.#times.jobLookEveryMs)) {
      await this.#call(ippOperations.cancelJob, [jobId(job), { name: 'purge-job', tag: 'boolean', values: [true] }]);
      const kept = await this.#call(ippOperations.getJobAttributes, [jobId(job), requested(['job-state'])]);
      if (!kept.ok || performance.now() > deadlineMs) return;
    }
  }

  async #call(operation: number, attributes: readonly IppAttribute[], more: { job?: readonly IppAttribute[]; document?: Uint8Array } = {}): Promise<Result<IppAnswer>> {
    const answer = await callIpp(this.#place, { operation, uri: this.#uri, attributes, user: this.#user, limitMs: this.#times.answerMs, ...more });
    if (!answer.ok || !isIppError(answer.value.code)) return answer;
    const { code } = answer.value;
    const detail = `IPP ${code.toString(16).padStart(4, '0')}`;
    if (code === ippNotFound) return fail('printer-missing', detail);
    return fail(notAllowed.has(code) ? 'device-no-permission' : 'device-fault', detail);
  }
}

/** client-error-forbidden, -not-authenticated, -not-authorized. */
const notAllowed: ReadonlySet<number> = new Set([0x0401, 0x0402, 0x0403]);

// Those of the operation's own group come before what is asked for, the job's id among them.
const jobId = (job: number): IppAttribute => ({ name: 'job-id', tag: 'integer', values: [job] });
const requested = (names: readonly string[]): IppAttribute => ({ name: 'requested-attributes', tag: 'keyword', values: names });

function textOf(attributes: Map<string, IppValue[]>, name: string): string | null {
  const value = attributes.get(name)?.[0];
  return typeof value === 'string' && value !== '' ? value : null;
}

function stateOf(attributes: Map<string, IppValue[]>): IppPrinterState {
  return {
    state: Number(attributes.get('printer-state')?.[0] ?? 0),
    reasons: (attributes.get('printer-state-reasons') ?? []).filter((reason) => typeof reason === 'string'),
    accepts: attributes.get('printer-is-accepting-jobs')?.[0] !== false,
  };
}

/** null: the printer behind the queue speaks something else, or IPP over TLS, whose certificate nobody here could check. */
function ippDeviceOf(uri: string | null): { uri: string; place: IppPlace } | null {
  if (uri === null || !uri.startsWith('ipp://')) return null;
  const parsed = URL.parse(uri.replace(/^ipp:/, 'http:'));
  if (parsed === null) return null;
  return { uri, place: { host: parsed.hostname.replace(/^\[|\]$/g, ''), port: parsed.port === '' ? 631 : Number(parsed.port), path: parsed.pathname } };
}

/** The queues that CUPS has at this socket, by name, with what they say they are; none where there is no CUPS. */
export async function cupsQueues(server: string, limitMs = cupsTimes.answerMs): Promise<{ queue: string; name: string }[]> {
  const asked = await callIpp({ socketPath: server, path: '/' }, { operation: ippOperations.getPrinters, uri: '', attributes: [requested(['printer-name', 'printer-info', 'printer-make-and-model'])], limitMs });
  if (!asked.ok || isIppError(asked.value.code)) return [];
  return asked.value.groups
    .filter(({ of }) => of === ippGroup.printer)
    .flatMap(({ attributes }) => {
      const queue = textOf(attributes, 'printer-name');
      return queue === null ? [] : [{ queue, name: textOf(attributes, 'printer-info') ?? textOf(attributes, 'printer-make-and-model') ?? queue }];
    })
    .sort((one, other) => one.queue.localeCompare(other.queue, 'en'));
}
