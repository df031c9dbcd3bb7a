import { failureCodes } from '../../contract/failures.ts';
import { journalDetail, type JournalEvent } from '../journal.ts';
import type { VisitState } from './snapshot.ts';

const word = (text: string): string => text.replace(/[^a-zA-Z0-9._-]/g, '-');

/** One state of the machine with the time since it was entered. */
export interface Moment extends VisitState {
  /** Unix milliseconds. */
  sinceMs: number;
}

/**
 * What the journal hears of a step of the visit: found by holding the states before and after it against each other, so that no transition
 * writes for itself and none can be forgotten. It names states, codes and times; nothing of the context's facts.
 */
export function recordOf(before: Moment, after: VisitState, nowMs: number, visitBeganMs: number): JournalEvent[] {
  const events: JournalEvent[] = [];
  const was = before.context.visit;
  const is = after.context.visit;
  if (was !== null && was.id !== is?.id) {
    events.push({
      event: 'visit.ended',
      visit: was.id,
      // With one reader for all a staff card is taken for a visit until the ledger has said whose it is.
      ended: after.stage.startsWith('welcome') || after.stage.startsWith('closed') ? 'of-staff' : (after.context.farewell?.ended ?? 'replaced'),
      durationMs: Math.max(0, Math.round(nowMs - visitBeganMs)),
      requests: was.issued.length,
      signedIn: was.access !== null,
    });
  }
  if (is !== null && is.id !== was?.id) events.push({ event: 'visit.began', visit: is.id });
  if (before.stage !== after.stage) {
    events.push({
      event: 'visit.state',
      visit: is?.id ?? was?.id ?? null,
      from: before.stage,
      to: after.stage,
      durationMs: Math.max(0, Math.round(nowMs - before.sinceMs)),
    });
  }
  if (is?.setback && is.setback !== was?.setback && failureCodes.includes(is.setback.failure.code)) {
    events.push({ event: 'visit.failure', visit: is.id, code: is.setback.failure.code, detail: journalDetail(is.setback.failure.detail) });
  }
  if (before.context.reader !== after.context.reader) {
    const { reader } = after.context;
    events.push({ event: 'readers', service: reader.view === 'fault' ? word(reader.code) : 'ready', slot: word(reader.view) });
  }
  return events;
}
