import type { Page } from '../../contract/bridge.ts';
import type { FailureCode } from '../../contract/failures.ts';
import type { Failure } from '../../contract/result.ts';
import { afterFailure } from '../visit/failure-policy.ts';
import type { DeskNext } from './acting.ts';

/** Another card, document or number may go well, whatever was wrong with this one. */
const otherOnes: readonly DeskNext[] = ['document', 'number', 'card', 'holder', 'again'];

/** Where the staff's card is wanted: the card can be put in again, or the right one. */
const anotherCard: readonly FailureCode[] = ['card-removed', 'card-mute', 'card-timeout', 'card-unknown', 'card-unsupported', 'staff-card-another'];

/** Where no other one helps. */
const over: readonly FailureCode[] = ['card-code-blocked', 'kiosk-fault'];

/**
 * A hub that was started anew wants to hear from the staff's card, which may be out by then: it is asked for, and what was signed stands. So it is where it
 * lies in the reader and answers nothing: put back and with its PIN at the reader's own pad it was let sign, and not yet answer a challenge (6982).
 */
const leadsOn = ({ code }: Failure, next: DeskNext): DeskNext => (next === 'submitting' && (code === 'card-error' || anotherCard.includes(code)) ? 'staffBack' : next);

/** Where an act of the desk goes on after a failure that wanted `asked`; `home` where nothing would go better. `card-waiting` at `card` → `card`; `kiosk-fault` at `card` → `home`. */
export function afterSetback(failure: Failure, asked: DeskNext): DeskNext {
  const next = leadsOn(failure, asked);
  const isHopeful = afterFailure(failure.code, true) === 'retry' || (otherOnes.includes(next) && !over.includes(failure.code)) || ((next === 'staffSign' || next === 'staffBack') && anotherCard.includes(failure.code));
  return isHopeful ? next : 'home';
}

type FailureNext = Pick<Extract<Page, { page: 'failure' }>, 'next' | 'another'>;

/** What the main button of a failure at the desk does: where the same again would fail again it asks for another one. */
export function deskButton({ code }: Failure, next: DeskNext): FailureNext {
  if (next === 'home') return { next: 'home' };
  const another = next === 'document' || next === 'number' || next === 'card' ? next : null;
  return another === null || afterFailure(code, true) === 'retry' ? { next: 'retry' } : { next: 'retry', another };
}
