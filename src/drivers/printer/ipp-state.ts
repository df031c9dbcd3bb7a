import { fail, ok } from '../../contract/result.ts';
import type { Result } from '../../contract/result.ts';

export interface IppPrinterState {
  /** `printer-state` (RFC 8011 §5.4.11): 3 idle, 4 processing, 5 stopped. */
  state: number;
  /** `printer-state-reasons` (§5.4.12): keywords, some ending in how bad it is. */
  reasons: readonly string[];
  accepts: boolean;
}

const stopped = 5;

/** In this order: an open cover also looks like no paper. */
const troubles = [
  { code: 'printer-cover-open', reasons: ['cover-open', 'door-open', 'interlock-open', 'input-tray-missing'] },
  { code: 'printer-paper-out', reasons: ['media-empty', 'media-needed'] },
  { code: 'printer-jammed', reasons: ['media-jam'] },
  { code: 'printer-missing', reasons: ['offline', 'shutdown', 'timed-out'] },
  { code: 'device-fault', reasons: ['paused', 'moving-to-paused', 'toner-empty', 'marker-supply-empty', 'fuser-over-temp', 'spool-area-full'] },
] as const;

/** What a printer, or a queue, says of itself. What it merely reports keeps nobody from printing (§5.4.12: `-report`); being away does. */
export function printerOfIpp({ state, reasons, accepts }: IppPrinterState): Result<'ready' | 'paper-low'> {
  const said = reasons.filter((reason) => !reason.endsWith('-report') || reason === 'offline-report').map((reason) => reason.replace(/-(?:error|warning|report)$/, ''));
  const trouble = troubles.find(({ reasons: ours }) => ours.some((reason) => said.includes(reason)));
  if (trouble !== undefined) return fail(trouble.code, reasons.join(' '));
  if (state === stopped) return fail('device-fault', `stopped: ${reasons.join(' ')}`);
  if (!accepts) return fail('device-fault', 'takes no jobs');
  return ok(said.includes('media-low') ? 'paper-low' : 'ready');
}

/** `job-state` of a job that is over (RFC 8011 §5.3.7). */
const jobOver = { canceled: 7, aborted: 8, completed: 9 } as const;

/** What a job came to, by its `job-state` and its `job-state-reasons` (§5.3.8). null: it is under way. */
export function jobOfIpp(state: number, reasons: readonly string[]): Result<null> | null {
  if (state === jobOver.completed && !reasons.includes('job-completed-with-errors')) return ok(null);
  return state === jobOver.completed || state === jobOver.canceled || state === jobOver.aborted ? fail('printer-unconfirmed', reasons.join(' ')) : null;
}
