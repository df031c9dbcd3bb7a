import { randomBytes } from 'node:crypto';
import { createActor, type SnapshotFrom } from 'xstate';
import type { Intent } from '../../contract/bridge.ts';
import type { PrinterStatus } from '../../contract/device-host.ts';
import type { Clock } from '../clock.ts';
import type { DeskWork } from '../desk/work.ts';
import type { StaffSide } from '../floor.ts';
import { faultPlace, journalDetail, type Journal } from '../journal.ts';
import { stagePath } from '../stage-path.ts';
import { sameView, type ReaderView } from '../visit/reader-view.ts';
import type { KioskFacts } from '../visit/snapshot.ts';
import type { Workshop } from '../workshop/technician.ts';
import type { StaffSettings } from './context.ts';
import { clearDesk, eventOf, staffMachine, type StaffEvent } from './machine.ts';
import { recordOf } from './record.ts';
import { shownOf, type StaffState } from './snapshot.ts';
import type { StaffWork } from './work.ts';

type MachineSnapshot = SnapshotFrom<ReturnType<typeof staffMachine>>;

export interface StaffParts {
  work: StaffWork;
  desk: DeskWork;
  workshop: Workshop;
  settings: StaffSettings;
  screen: StaffSide;
  journal: Journal;
  clock: Clock;
  kiosk: KioskFacts;
  /** Told when the desk needs the resident's reader for itself, and when it needs it no more. */
  onClaim(claim: ReaderClaim): void;
  /** The code with which a resident is awaited; null: none is. */
  onAwaited(code: string | null): void;
}

/** What becomes of a card in the resident's reader: `desk`: it is the desk's, and begins no visit before it was out again; `moment`: it is its holder's, whose visit begins once what was signed has settled. null: its visit begins. */
export type ReaderClaim = 'desk' | 'moment' | null;

/** The staff sessions of one kiosk, one after the other. */
export interface StaffSessions {
  intent(intent: Intent): void;
  reader(view: ReaderView): void;
  /** What is in the resident's reader; `empty` for as long as that is a visit's. */
  residentReader(view: ReaderView): void;
  floor(free: boolean): void;
  touchWanted(insertion: number): void;
  printer(status: PrinterStatus): void;
  /** Something was held under the scanner: a recovery slip, or the code of a matter, where one is asked for. */
  scanned(text: string): void;
  screenLost(): void;
  /** The resident who was awaited with a code has signed in. */
  handOffTaken(): void;
  /** Of the card of the session that is under way, or of the last one for as long as none is: a card that was put back and has proven itself stays one of the staff's until it is out. */
  readonly insertion: number | null;
  stop(): void;
}

export function stateOf(snapshot: MachineSnapshot): StaffState {
  const { stage } = snapshot.value as { stage: unknown };
  const { desk = null } = snapshot.context.session ?? {};
  const path = stagePath(stage);
  return { stage: desk === null ? path : `${path}.${stagePath(desk.snapshot.value)}`, context: snapshot.context };
}

/** While they last, cards in the resident's reader begin no visit; with one reader for all a bench has its own card in it all the while. */
const deskActs = /^serving\.inside\.(registering|replacing|unblocking|countersigning)/;
const deskActsAndWorkshop = /^serving\.inside\.(registering|replacing|unblocking|countersigning|workshop)/;
/** What needs the staff's card alone is given up when a visit takes the screen; not from its signature on until whoever signed has read what became of it. */
const signedByNumber = /^serving\.inside\.(blocking|retiring)\.(staffSign\.working|delivering|keeping|done|kept)/;
const isInTheMiddle = ({ stage, context }: StaffState): boolean => {
  const { block = null, waiting = null } = context.session?.desk?.snapshot.context ?? {};
  return signedByNumber.test(stage) || (/^serving\.inside\.(blocking|retiring)\.failed/.test(stage) && (block !== null || waiting !== null));
};

/** Runs the machine. A fault in it is a bug: the session ends, and the next change at the reader starts afresh. */
export function startStaff({ work, desk, workshop, settings, screen, journal, clock, kiosk, onClaim, onAwaited }: StaffParts): StaffSessions {
  const machine = staffMachine({ work, desk, workshop, settings, newSessionId: () => randomBytes(8).toString('hex') });
  let faulted = false;
  let stopped = false;
  let reader: ReaderView = { view: 'starting' };
  let free = true;
  let residentReader: ReaderView = { view: 'starting' };
  let printer: PrinterStatus = { state: 'starting' };
  let claimed: ReaderClaim = null;
  let awaited: string | null = null;
  let shown = '';
  let insertion: number | null = null;
  let actor = createActor(machine, { clock });
  let moment: StaffState = stateOf(actor.getSnapshot());
  begin();

  function begin(): void {
    faulted = false;
    actor = createActor(machine, { clock });
    moment = stateOf(actor.getSnapshot());
    actor.subscribe({ next: (snapshot) => onState(stateOf(snapshot)), error: onFault });
    actor.start();
    actor.send({ type: 'floor', free });
    actor.send({ type: 'resident.reader', view: residentReader });
    actor.send({ type: 'printer', printer });
  }

  function onState(after: StaffState): void {
    const before = moment;
    moment = after;
    insertion = after.context.session?.insertion ?? insertion;
    const ended = before.context.session !== null && before.context.session.id !== after.context.session?.id;
    show(after);
    if (ended) screen.wipe();
    for (const event of recordOf(before, after)) journal.write(event);
    claim((settings.oneReader ? deskActs : deskActsAndWorkshop).test(after.stage) ? 'desk' : isInTheMiddle(after) ? 'moment' : null);
    sayAwaited(after.stage === 'serving.inside.awaiting' ? (after.context.session?.handOff?.code ?? null) : null);
  }

  function sayAwaited(code: string | null): void {
    if (code === awaited) return;
    awaited = code;
    onAwaited(code);
  }

  function claim(now: ReaderClaim): void {
    if (now === claimed) return;
    claimed = now;
    onClaim(now);
  }

  function show(state: StaffState): void {
    const what = shownOf(state, kiosk, (staff) => work.deskReadiness(staff));
    const text = JSON.stringify(what);
    if (text === shown) return;
    shown = text;
    screen.show(what);
  }

  function onFault(error: unknown): void {
    if (faulted) return;
    faulted = true;
    const name = error instanceof Error ? error.name.replace(/[^a-zA-Z0-9]/g, '') : 'Unknown';
    journal.write({ event: 'kiosk.fault', name: name === '' ? 'Error' : name, detail: journalDetail(faultPlace(error)) });
    endAtOnce();
    shown = '';
    screen.show(null);
    screen.wipe();
  }

  function endAtOnce(): void {
    actor.stop();
    const { session } = moment.context;
    if (session === null) return;
    work.letGo(session.insertion);
    if (session.access !== null) work.leave(session.access.session);
    clearDesk(session, work, desk);
    claim(null);
    sayAwaited(null);
    moment = { stage: 'away', context: { ...moment.context, session: null } };
  }

  function send(event: StaffEvent): void {
    if (!faulted && !stopped) actor.send(event);
  }

  return {
    intent(intent) {
      if (faulted || stopped) return;
      if (intent.intent !== 'activity') send({ type: 'activity' });
      const event = eventOf(intent);
      if (intent.intent === 'activity' || actor.getSnapshot().can(event)) send(event);
      else journal.write({ event: 'intent.ignored', visit: null, intent: intent.intent, state: `staff.${moment.stage}` });
    },
    reader(view) {
      if (stopped || sameView(view, reader)) return;
      reader = view;
      if (faulted) begin();
      send({ type: 'reader', view });
    },
    residentReader(view) {
      if (stopped || sameView(view, residentReader)) return;
      residentReader = view;
      send({ type: 'resident.reader', view });
    },
    floor(now) {
      if (now === free) return;
      free = now;
      send({ type: 'floor', free });
    },
    touchWanted(insertion) {
      send({ type: 'touch.wanted', insertion });
    },
    printer(status) {
      printer = status;
      send({ type: 'printer', printer });
    },
    scanned(text) {
      if (faulted || stopped) return;
      const events: StaffEvent[] = [{ type: 'desk.slip', text: text.slice(0, 80) }, { type: 'scanned', text }];
      for (const event of events) if (actor.getSnapshot().can(event)) send(event);
    },
    screenLost() {
      send({ type: 'screen.lost' });
    },
    handOffTaken() {
      send({ type: 'hand-off.taken' });
    },
    get insertion() {
      return insertion;
    },
    stop() {
      stopped = true;
      endAtOnce();
    },
  };
}
