import type { Failure } from '../contract/result.ts';
import type { PublicKey } from '../ledger/verify/acts.ts';
import type { Clock } from './clock.ts';
import type { District } from './district.ts';
import type { Journal } from './journal.ts';

/**
 * Whether this kiosk may serve anybody: the ledger lets it attest, since what is signed at one that it does not know, or has retired, comes to nothing;
 * and it can believe the ledger at all.
 */
export interface Enrolment {
  /** `kiosk-not-enrolled` where that is proved, or where the hub does not let this kiosk in; null as long as nothing is. */
  readonly failure: Unfit | null;
  /** Asks the ledger, and again every minute. Each call starts the minute anew. */
  check(): void;
  stop(): void;
}

/** `trust-expired` and `ledger-split`: until the trust root is renewed in the workshop. */
export type Unfit = Failure<'kiosk-not-enrolled' | 'trust-expired' | 'ledger-split'>;

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
  let failure: Unfit | null = null;
  let timer: unknown = null;
  let stopped = false;

  const ask = async (): Promise<void> => {
    const checked = await district.checkKiosk(key);
    const found = checked.ok ? null : unfitBy(checked.failure);
    // A hub that is away, or a head that is too old, proves nothing in either direction.
    if (stopped || (!checked.ok && found === null)) return;
    if (whyOf(found) === whyOf(failure)) return;
    failure = found;
    journal.write(found === null ? { event: 'kiosk.enrolled', enrolled: true } : { event: 'kiosk.enrolled', enrolled: false, why: whyOf(found) });
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

function unfitBy({ code, detail }: Failure): Unfit | null {
  if (code !== 'kiosk-not-enrolled' && code !== 'trust-expired' && code !== 'ledger-split') return null;
  return detail === undefined ? { code } : { code, detail };
}

/** In one word: the detail of the others is a duration, or what was contradicted. */
const whyOf = (unfit: Unfit | null): string | undefined => (unfit?.code === 'kiosk-not-enrolled' ? unfit.detail : unfit?.code);
