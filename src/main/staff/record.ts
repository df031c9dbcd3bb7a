import { failureCodes } from '../../contract/failures.ts';
import { toHex } from '../../ledger/verify/bytes.ts';
import { pseudonym } from '../../ledger/verify/reference.ts';
import { journalDetail, type JournalEvent } from '../journal.ts';
import type { StaffSession } from './context.ts';
import type { StaffState } from './snapshot.ts';

const isAt = (desk: StaffSession['desk'], state: 'done' | 'kept'): boolean => desk?.snapshot.value === state;

/**
 * What the journal hears of a step of a staff session, found by holding the states before and after it against each other. Who signed in stands
 * in it by pseudonym, role and party: that is what the journal is read for.
 */
export function recordOf(before: StaffState, after: StaffState): JournalEvent[] {
  const events: JournalEvent[] = [];
  const was = before.context.session;
  const is = after.context.session;
  if (was !== null && was.id !== is?.id) events.push({ event: 'staff.ended', session: was.id, ended: is === null ? after.context.ended : 'card-removed' });
  if (is !== null && is.id !== was?.id) events.push({ event: 'staff.began', session: is.id });
  if (is !== null && is.access !== null && (was?.id !== is.id || was.access === null)) {
    const { id, role, party } = is.access.staff;
    events.push({ event: 'staff.signed-in', session: is.id, who: pseudonym(id), role, party });
  }
  if (before.stage !== after.stage) events.push({ event: 'staff.state', session: is?.id ?? was?.id ?? null, from: before.stage, to: after.stage });
  if (is?.setback && is.setback !== was?.setback && failureCodes.includes(is.setback.failure.code)) {
    events.push({ event: 'staff.failure', session: is.id, code: is.setback.failure.code, detail: journalDetail(is.setback.failure.detail) });
  }
  for (const [state, event] of [['done', 'desk.done'], ['kept', 'desk.signed']] as const) {
    if (is?.access && is.desk && isAt(is.desk, state) && !isAt(was?.desk ?? null, state)) events.push({ event, session: is.id, act: is.desk.act, staff: toHex(is.access.staff.id) });
  }
  const slip = is?.desk?.snapshot.context.printing;
  if (is && slip && slip.state !== 'printing' && slip !== was?.desk?.snapshot.context.printing) {
    events.push({ event: 'slip', visit: is.id, ...(slip.state === 'printed' ? { printed: true } : { printed: false, code: slip.failure.code, detail: journalDetail(slip.failure.detail) }) });
  }
  const [deskWas, deskIs] = [was?.desk?.snapshot.context.setback, is?.desk?.snapshot.context.setback];
  if (is && deskIs && deskIs !== deskWas) events.push({ event: 'staff.failure', session: is.id, code: deskIs.failure.code, detail: journalDetail(deskIs.failure.detail) });
  return events;
}
