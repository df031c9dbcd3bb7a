import { userInfo } from 'node:os';
import { setInterval } from 'node:timers/promises';
import type { PrinterStatus, Slip } from '../../contract/device-host.ts';
import type { CupsFile } from '../../contract/hub-file.ts';
import { fail, ok } from '../../contract/result.ts';
import type { Result } from '../../contract/result.ts';
import { Turns } from '../turns.ts';
import { ippGroup, ippNotFound, ippOperations, isIppError } from './ipp.ts';
import type { IppAnswer, IppAttribute, IppValue } from './ipp.ts';
import { callIpp } from './ipp-client.ts';
import type { IppCall, IppPlace } from './ipp-client.ts';
import { jobOfIpp, printerOfIpp } from './ipp-state.ts';
import type { IppPrinterState } from './ipp-state.ts';
import { slipFits } from './printer.ts';
import type { Printer } from './printer.ts';
import { slipPdf } from './slip-pdf.ts';

export interface CupsTimes {
  /** How often an idle queue is asked how it is. */
  lookEveryMs: number;
  answerMs: number;
  /** CUPS writes a document down before it answers. */
  documentMs: number;
  /** From handing the slip over to the word that it is printed. */
  jobMs: number;
  jobLookEveryMs: number;
}

export const cupsTimes: CupsTimes = { lookEveryMs: 3_000, answerMs: 3_000, documentMs: 10_000, jobMs: 40_000, jobLookEveryMs: 300 };

/** PWG 5101.1. */
const mediaOf = { a4: 'iso_a4_210x297mm', a5: 'iso_a5_148x210mm', letter: 'na_letter_8.5x11in' } as const;

interface JobState {
  id: number;
  /** `job-state` and `job-state-reasons` (RFC 8011 §5.3.7, §5.3.8). */
  state: number;
  reasons: string[];
}
const jobWords = ['job-id', 'job-state', 'job-state-reasons'];
/** Cancelled, and its backend still at work. */
const stopping = { state: 7, reason: 'processing-to-stop-point' } as const;

interface QueueState {
  product: string;
  state: Result<'ready' | 'paper-low'>;
}

/**
 * A queue of CUPS. It is asked how it is before anything is offered; a printer behind it that speaks IPP is asked itself, since a queue remembers what went wrong with the last slip. Printed is
 * what CUPS calls completed. A slip that is not, is cancelled, and of none is anything kept there: before the queue is called ready, and before the
 * next slip, none of ours is in it, whoever left it there, a kiosk that lost its power too.
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
  readonly #turns = new Turns();
  /** Whether CUPS is known to have no job of ours. At first it is not: an earlier kiosk may have ended in the middle. */
  #isClean = false;
  /** The `job-id` of the last slip, until CUPS knows it no more. */
  #job: number | null = null;

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
    return this.#turns.take(() => this.#print(slip));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#next !== null) clearTimeout(this.#next);
    await this.#turns.over();
  }

  #say(status: PrinterStatus): void {
    if (this.#isStopped || JSON.stringify(status) === JSON.stringify(this.#status)) return;
    this.#status = status;
    this.#onStatus(status);
  }

  #lookLater(delayMs: number): void {
    this.#next = setTimeout(() => {
      void this.#turns.take(() => this.#look()).then(() => {
        if (!this.#isStopped) this.#lookLater(this.#isClean ? this.#times.lookEveryMs : this.#times.jobLookEveryMs);
      });
    }, delayMs);
  }

  async #look(): Promise<QueueState> {
    const cleaned = this.#isClean ? ok(null) : await this.#clean();
    const { product, state: said } = await this.#state();
    const state = said.ok && !cleaned.ok ? cleaned : said;
    this.#say(state.ok ? { state: state.value, product } : { state: 'unusable', failure: state.failure });
    return { product, state };
  }

  /** The queue, and the printer behind it where that speaks IPP. */
  async #state(): Promise<QueueState> {
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
    const printed = await this.#handedOver(slip);
    await this.#look();
    return printed;
  }

  /** CUPS has told the job's number before it has anything of the slip: what goes wrong from there on can be taken back. */
  async #handedOver(slip: Slip): Promise<Result<null>> {
    this.#isClean = false;
    const deadlineMs = performance.now() + this.#times.jobMs;
    const created = await this.#create();
    if (!created.ok) return created;
    const job = created.value;
    this.#job = job;
    const sent = await this.#call(
      ippOperations.sendDocument,
      [jobId(job), { name: 'document-format', tag: 'mimeMediaType', values: ['application/pdf'] }, { name: 'last-document', tag: 'boolean', values: [true] }],
      { document: slipPdf(slip, this.#file.sheet), limitMs: this.#times.documentMs },
    );
    if (sent.ok) return this.#followed(job, deadlineMs);
    return (await this.#cancelled(job)) ?? (sent.failure.code === 'printer-missing' ? fail('printer-unconfirmed', sent.failure.detail) : sent);
  }

  /** @returns its `job-id`. */
  async #create(): Promise<Result<number>> {
    const job: IppAttribute[] = [
      { name: 'media', tag: 'keyword', values: [mediaOf[this.#file.sheet]] },
      { name: 'print-scaling', tag: 'keyword', values: ['none'] },
    ];
    const created = await this.#call(ippOperations.createJob, [{ name: 'job-name', tag: 'name', values: ['slip'] }], { job });
    if (!created.ok) return created;
    const [its] = jobsOf(created.value);
    return its === undefined ? fail('device-fault', 'no job-id') : ok(its.id);
  }

  /** Until CUPS calls the job completed or over, the printer says what is wrong, or neither for too long: then it is cancelled. */
  async #followed(job: number, deadlineMs: number): Promise<Result<null>> {
    for await (const _ of setInterval(this.#times.jobLookEveryMs)) {
      const over = await this.#jobOver(job);
      if (over !== null) return over;
      const { state } = await this.#state();
      // A printer that does not answer while it prints is busy; in the end the deadline tells.
      const trouble = !state.ok && state.failure.code !== 'printer-missing' ? state : performance.now() > deadlineMs ? fail('printer-unconfirmed', 'not completed in time') : null;
      if (trouble !== null) return (await this.#cancelled(job)) ?? trouble;
    }
    return fail('printer-unconfirmed', 'unreachable');
  }

  /** null: it is under way. */
  async #jobOver(job: number): Promise<Result<null> | null> {
    const asked = await this.#call(ippOperations.getJobAttributes, [jobId(job), requested(jobWords)]);
    if (!asked.ok) return fail('printer-unconfirmed', asked.failure.detail);
    const [its] = jobsOf(asked.value);
    return its === undefined ? null : jobOfIpp(its.state, its.reasons);
  }

  /** The slip may have been finished meanwhile: then it is printed after all. */
  async #cancelled(job: number): Promise<Result<null> | null> {
    await this.#call(ippOperations.cancelJob, [jobId(job)]);
    const over = await this.#jobOver(job);
    return over?.ok === true ? over : null;
  }

  /**
   * Takes every job of ours out of the queue, and what CUPS keeps of it, until it knows of none. Where it does not answer, or takes too long, the next look goes on.
   */
  async #clean(): Promise<Result<null>> {
    const patientMs = performance.now() + this.#times.answerMs;
    let left = await this.#purge(true);
    if (left.ok && left.value > 0) {
      for await (const _ of setInterval(this.#times.jobLookEveryMs)) {
        left = await this.#purge(performance.now() < patientMs);
        if (!left.ok || left.value === 0 || performance.now() > patientMs + this.#times.answerMs) break;
      }
    }
    if (!left.ok) return left;
    this.#isClean = left.value === 0;
    return this.#isClean ? ok(null) : fail('device-fault', `jobs left: ${left.value}`);
  }

  /**
   * A job under way is cancelled first, and purged only when its backend has ended: by purging CUPS kills the backend at once, before that has told the printer, which goes on printing.
   * @param isPatient whether to leave a backend time for that. Not for ever: CUPS 2.4 may go on saying of a job that it read again from its spool that it is being stopped.
   * @returns how many jobs there were.
   */
  async #purge(isPatient: boolean): Promise<Result<number>> {
    const jobs = await this.#jobs();
    if (!jobs.ok) return jobs;
    for (const { id, state, reasons } of jobs.value) {
      if (isPatient && state === stopping.state && reasons.includes(stopping.reason)) continue;
      const isOver = jobOfIpp(state, reasons) !== null;
      const purged = await this.#ask(ippOperations.cancelJob, [jobId(id), ...(isOver ? [{ name: 'purge-job', tag: 'boolean' as const, values: [true] }] : [])]);
      if (!purged.ok) return purged;
    }
    return ok(jobs.value.length);
  }

  /** All of ours, over or not. The last one is no more when CUPS has none of its number, and by nothing else. */
  async #jobs(): Promise<Result<JobState[]>> {
    const listed = await this.#call(ippOperations.getJobs, [requested(jobWords), { name: 'which-jobs', tag: 'keyword', values: ['all'] }, { name: 'my-jobs', tag: 'boolean', values: [true] }]);
    if (!listed.ok) return listed;
    const jobs = jobsOf(listed.value);
    const last = this.#job;
    if (last === null || jobs.some(({ id }) => id === last)) return ok(jobs);
    const asked = await this.#ask(ippOperations.getJobAttributes, [jobId(last), requested(jobWords)]);
    if (!asked.ok) return asked;
    if (asked.value.code !== ippNotFound) return ok([...jobs, ...(jobsOf(asked.value).length > 0 ? jobsOf(asked.value) : [{ id: last, state: 0, reasons: [] }])]);
    this.#job = null;
    return ok(jobs);
  }

  async #call(operation: number, attributes: readonly IppAttribute[], more: CallMore = {}): Promise<Result<IppAnswer>> {
    const answer = await this.#ask(operation, attributes, more);
    if (!answer.ok || !isIppError(answer.value.code)) return answer;
    const { code } = answer.value;
    const detail = `IPP ${code.toString(16).padStart(4, '0')}`;
    if (code === ippNotFound) return fail('printer-missing', detail);
    return fail(notAllowed.has(code) ? 'device-no-permission' : 'device-fault', detail);
  }

  /** A refusal is an answer. */
  #ask(operation: number, attributes: readonly IppAttribute[], more: CallMore = {}): Promise<Result<IppAnswer>> {
    return callIpp(this.#place, { operation, uri: this.#uri, attributes, user: this.#user, limitMs: this.#times.answerMs, ...more });
  }
}

type CallMore = Partial<Pick<IppCall, 'job' | 'document' | 'limitMs'>>;

/** client-error-forbidden, -not-authenticated, -not-authorized. */
const notAllowed: ReadonlySet<number> = new Set([0x0401, 0x0402, 0x0403]);

// Those of the operation's own group come before what is asked for, the job's id among them.
const jobId = (job: number): IppAttribute => ({ name: 'job-id', tag: 'integer', values: [job] });
const requested = (names: readonly string[]): IppAttribute => ({ name: 'requested-attributes', tag: 'keyword', values: names });

const wordsOf = (values: readonly IppValue[] = []): string[] => values.filter((value) => typeof value === 'string');

const jobsOf = ({ groups }: IppAnswer): JobState[] =>
  groups
    .filter(({ of }) => of === ippGroup.job)
    .flatMap(({ attributes }) => {
      const id = attributes.get('job-id')?.[0];
      return typeof id === 'number' ? [{ id, state: Number(attributes.get('job-state')?.[0] ?? 0), reasons: wordsOf(attributes.get('job-state-reasons')) }] : [];
    });

function textOf(attributes: Map<string, IppValue[]>, name: string): string | null {
  const value = attributes.get(name)?.[0];
  return typeof value === 'string' && value !== '' ? value : null;
}

function stateOf(attributes: Map<string, IppValue[]>): IppPrinterState {
  return {
    state: Number(attributes.get('printer-state')?.[0] ?? 0),
    reasons: wordsOf(attributes.get('printer-state-reasons')),
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
