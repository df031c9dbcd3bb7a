import type { DeskReadiness, Doing, KioskHealth, Page, StaffWho } from '../../contract/bridge.ts';
import type { FailureCode } from '../../contract/failures.ts';
import { pseudonym } from '../../ledger/verify/reference.ts';
import { deskPage, type Paper } from '../desk/desk-pages.ts';
import type { StaffShown } from '../floor.ts';
import type { ReaderView } from '../visit/reader-view.ts';
import type { KioskFacts } from '../visit/snapshot.ts';
import type { StaffContext, StaffSession } from './context.ts';
import { tendsKiosks } from './tending.ts';
import type { ProvenStaff } from './work.ts';

/** A state of the machine, as much of it as the screen needs. */
export interface StaffState {
  /** The state of the region `stage` as a path: `serving.inside.home`. */
  stage: string;
  context: StaffContext;
}

/** The staff's side of the screen is this function of the session, and of nothing else. */
export function shownOf({ stage, context }: StaffState, kiosk: KioskFacts, readiness: (staff: ProvenStaff) => DeskReadiness | null): StaffShown {
  if (stage === 'waiting') return 'waiting';
  const page = pageOf({ stage, context }, readiness);
  if (page === null) return null;
  return {
    seq: 0,
    language: context.language,
    languages: [...context.settings.languages],
    kiosk,
    cardIn: false,
    staffWaits: false,
    overlay: context.help ? { overlay: 'help' } : null,
    page,
  };
}

function pageOf({ stage, context }: StaffState, readiness: (staff: ProvenStaff) => DeskReadiness | null): Page | null {
  const { session, reader } = context;
  if (stage === 'unreadable') return { page: 'failure', code: reader.view === 'in-use' ? 'card-in-use' : 'card-mute', detail: null, next: 'none', sent: 'not-begun', toStaff: true };
  if (stage === 'takeCard') return { page: 'staff-take-card', ended: context.ended === 'card-removed' ? 'done' : context.ended };
  if (stage === 'serving.inside.awaiting' && session !== null) return awaitingPage(session, context);
  return session === null ? null : sessionPage(stage, session, { printer: context.printer, dots: context.settings.paperDots }, context.minutesLeft, readiness);
}

function sessionPage(stage: string, session: StaffSession, paper: Paper, minutesLeft: number, readiness: (staff: ProvenStaff) => DeskReadiness | null): Page | null {
  if (session.desk !== null) return deskPage(session.desk.act, session.desk.snapshot, paper);
  if (session.workshop !== null) return { page: 'workshop', ...session.workshop };
  switch (stage) {
    case 'serving.pin.typing':
    case 'serving.pin.pausing':
      return pinPage(stage, session);
    case 'serving.inside.home':
      return homePage(session, minutesLeft, readiness);
    case 'serving.inside.standing':
      return { page: 'desk-standing', closure: healthOf(session).closure };
    case 'serving.inside.health':
      return session.machineHealth === null ? { page: 'working', doing: 'preparing' } : { page: 'desk-health', ...session.machineHealth };
    case 'serving.inside.bringing':
      return { page: 'desk-hand-off', unknown: session.handOff?.unknown ?? false };
    case 'serving.inside.day':
      return dayPage(session);
    case 'serving.failed':
      return failurePage(session);
    default:
      return stage.startsWith('serving') ? { page: 'working', doing: doingOf(stage, session) } : null;
  }
}

function pinPage(stage: string, { card, staff, access, triesLeft, pinWrong, waitSeconds }: StaffSession): Page {
  if (card === null || staff === null) throw new Error('the PIN is asked for before its card is known');
  return {
    page: 'staff-pin',
    why: access === null ? 'sign-in' : 'locked',
    who: whoOf(staff),
    waitSeconds: stage === 'serving.pin.pausing' ? waitSeconds : 0,
    triesLeft,
    pinPad: card.pinPad,
    wrong: pinWrong,
    minLength: card.pinMinLength,
    maxLength: card.pinMaxLength,
  };
}

function homePage({ staff, health, drafts }: StaffSession, minutesLeft: number, readiness: (staff: ProvenStaff) => DeskReadiness | null): Page {
  if (staff === null || health === null) throw new Error('nobody is signed in');
  const isPart = drafts?.isWhole !== true;
  const rows = drafts === null || (isPart && drafts.rows.length === 0) ? null : drafts.rows;
  return { page: 'staff-home', who: whoOf(staff), health, drafts: rows, ...(drafts?.isWhole === false && rows !== null ? { hubSilent: true as const } : {}), minutesLeft: minutesLeft > 0 ? minutesLeft : null, desk: readiness(staff), tends: tendsKiosks(staff.role) };
}

function awaitingPage({ handOff, insertion, health }: StaffSession, { settings, reader, residentReader }: StaffContext): Page {
  const until = new Date((handOff?.until ?? 0) * 1000).toISOString();
  const inReader = 'insertion' in reader && reader.insertion === insertion ? 'staff' : 'nothing';
  const standing = health === null ? null : health.closure === null ? health.unfit : 'closed';
  return { page: 'desk-hand-off-ready', until, problem: standing ?? problemOf(residentReader), ...(settings.oneReader ? { inReader } : {}) };
}

/** Why what lies in the resident's reader begins no visit. */
function problemOf(view: ReaderView): FailureCode | null {
  if (view.view === 'mute') return 'card-mute';
  if (view.view === 'in-use') return 'card-in-use';
  return view.view === 'fault' ? view.code : null;
}

function dayPage({ day }: StaffSession): Page {
  if (day === null) throw new Error('nothing was counted');
  return { page: 'desk-day', ...day };
}

function healthOf({ health }: StaffSession): KioskHealth {
  if (health === null) throw new Error('nobody has looked around');
  return health;
}

function failurePage({ setback }: StaffSession): Page {
  if (setback === null) throw new Error('nothing failed');
  const { failure, next } = setback;
  return { page: 'failure', code: failure.code, detail: failure.detail ?? null, next, sent: 'not-begun', toStaff: true };
}

function doingOf(stage: string, { touchWanted, onReaderPad }: StaffSession): Doing {
  if (touchWanted) return 'touch-card';
  if (stage === 'serving.checking') return onReaderPad ? 'pin-on-reader' : 'checking-pin';
  if (stage === 'serving.inside.askingAfter') return 'preparing';
  if (stage === 'serving.inside.counting') return 'counting';
  return stage === 'serving.proving' || stage === 'serving.verified' ? 'proving-key' : 'reading-card';
}

const whoOf = ({ id, role, partyNames, until }: ProvenStaff): StaffWho => ({
  role,
  party: partyNames,
  pseudonym: pseudonym(id),
  until: new Date((until - 1) * 1000).toISOString().slice(0, 10),
});
