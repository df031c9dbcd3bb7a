import type { Failure } from '../contract/result.ts';
import type { PublicKey } from '../ledger/verify/acts.ts';
import type { Clock } from './clock.ts';
import type { District } from './district.ts';
import type { Journal } from './journal.ts';

/** Whether the ledger still lets this kiosk attest: what is signed at one that it does not know, or has retired, comes to nothing. */
export interface Enrolment {
  /** `kiosk-not-enrolled` where that is proved; null as long as it is not. */
  readonly failure: Failure | null;
  /** Asks the ledger, and again every minute. Each call starts the minute anew. */
  check(): void;
  stop(): void;
}

export interface EnrolmentParts {
  district: Pick<District, 'checkKiosk'>;
  key: PublicKey;
  clock: Clock;
  journal: Journal;
  /** `failure` is another than before. */
  onChange(): void;
}

const againMs = 60_000;

export function watchEnrolment({ district, key, clock, journal, onChange }: EnrolmentParts): Enrolment {
  let failure: Failure | null = null;
  let timer: unknown = null;
  let stopped = false;

  const ask = async (): Promise<void> => {
    const checked = await district.checkKiosk(key);
    // A hub that is away, or a head that is too old, proves nothing in either direction.
    if (stopped || (!checked.ok && checked.failure.code !== 'kiosk-not-enrolled')) return;
    const found = checked.ok ? null : checked.failure;
    if (found?.detail === failure?.detail && (found === null) === (failure === null)) return;
    failure = found;
    journal.write(found === null ? { event: 'kiosk.enrolled', enrolled: true } : { event: 'kiosk.enrolled', enrolled: false, why: found.detail });
    onChange();
  };

  const check = (): void => {
    if (stopped) return;
    if (timer !== null) clock.clearTimeout(timer);
    timer = clock.setTimeout(check, againMs);
    void ask();
  };

  return {
    get failure() {
      return failure;
    },
    check,
    stop() {
      stopped = true;
      if (timer !== null) clock.clearTimeout(timer);
    },
  };
}
