import { randomBytes } from 'node:crypto';
import { createActor, type SnapshotFrom } from 'xstate';
import type { Intent, Snapshot } from '../../contract/bridge.ts';
import type { Closure } from '../../contract/closure.ts';
import type { PrinterStatus } from '../../contract/device-host.ts';
import type { Result } from '../../contract/result.ts';
import type { Screen } from '../bridge.ts';
import type { Clock } from '../clock.ts';
import { faultPlace, journalDetail, type Journal } from '../journal.ts';
import { stagePath } from '../stage-path.ts';
import { wipeVisit, type VisitSettings } from './context.ts';
import type { Offered } from './draft.ts';
import { eventOf, visitMachine, type VisitEvent } from './machine.ts';
import { recordOf, type Moment } from './record.ts';
import { sameView, type ReaderView } from './reader-view.ts';
import { snapshotOf, type KioskFacts, type VisitState } from './snapshot.ts';
import { isInLedger, type Settlement, type VisitWork } from './work.ts';

type MachineSnapshot = SnapshotFrom<ReturnType<typeof visitMachine>>;

export interface VisitParts {
  work: VisitWork;
  settings: VisitSettings;
  screen: Pick<Screen, 'show' | 'wipe'>;
  journal: Journal;
  clock: Clock;
  kiosk: KioskFacts;
  /** What staff have said of this kiosk. */
  closure(): Closure | null;
  /** The code of a matter with which staff await a resident; null: with none. */
  brought(): string | null;
  /** Whoever was awaited with it has signed in. */
  onTakenUp(): void;
}

/** The visits of one kiosk, one after the other. */
export interface Visits {
  intent(intent: Intent): void;
  reader(view: ReaderView): void;
  /** Staff have closed this kiosk, or opened it. */
  standing(): void;
  touchWanted(insertion: number): void;
  /** The card in a reader that serves all is staff's: no visit. */
  cardOfStaff(insertion: number): void;
  /** true: its resident is still there and sees that it is recorded. A refusal is told once more at the next sign-in. */
  settled(transaction: Uint8Array, settlement: Settlement): boolean;
  printer(status: PrinterStatus): void;
  scanner(isReady: boolean): void;
  /** Something was held under the scanner. */
  scanned(text: string): void;
  /** What became of the slip that this visit sent. */
  slipDone(visit: string, number: number, result: Result<null>): void;
  /** The catalogue is another from now on, in the visit that is under way too. */
  offered(offered: Offered): void;
  /** What the screen showed is gone with its renderer: the visit ends. */
  screenLost(): void;
  /** No visit is under way. */
  readonly idle: boolean;
  stop(): void;
}

/** The machine's state as the screen and the journal take it. */
export function stateOf(snapshot: MachineSnapshot): VisitState {
  const { stage, attention } = snapshot.value as { stage: unknown; attention: VisitState['attention'] };
  return { stage: stagePath(stage), attention, context: snapshot.context };
}

/**
 * Runs the machine, puts each of its states on the screen and what changed into the journal.
 * A fault in it is a bug: one page says so, and the next change at the reader starts afresh.
 */
export function startVisits({ work, settings, screen, journal, clock, kiosk, closure, brought, onTakenUp }: VisitParts): Visits {
  let seq = 0;
  let shown = '';
  let faulted = false;
  let stopped = false;
  let reader: ReaderView = { view: 'starting' };
  let printer: PrinterStatus = { state: 'starting' };
  let scannerReady = false;
  let visitBeganMs = 0;

  const machine = visitMachine({ work, settings, closureNow: closure, brought, newVisitId: () => randomBytes(8).toString('hex') });
  let actor = createActor(machine, { clock }).start();
  let moment: Moment = momentOf(stateOf(actor.getSnapshot()));
  listen();

  function listen(): void {
    actor.subscribe({ next: onState, error: onFault });
    show(moment);
  }

  function momentOf(state: VisitState): Moment {
    return { ...state, sinceMs: clock.now() };
  }

  /** The screen comes first: between the card's leaving and the page without facts stands no disk. */
  function onState(snapshot: MachineSnapshot): void {
    const before = moment;
    const after = stateOf(snapshot);
    const now = clock.now();
    const events = recordOf(before, after, now, visitBeganMs);
    const was = before.context.visit?.id;
    const is = after.context.visit?.id;
    if (is !== undefined && is !== was) visitBeganMs = now;
    moment = { ...after, sinceMs: after.stage === before.stage ? before.sinceMs : now };
    show(after);
    if (!faulted && was !== undefined && was !== is) {
      // The page without facts is painted first; then the document itself goes, and the fresh one gets the page once more.
      screen.wipe();
      show(after, true);
    }
    for (const event of events) journal.write(event);
    if (was !== undefined && was === is && before.context.visit?.brought !== null && after.context.visit?.brought === null) onTakenUp();
  }

  function show(state: VisitState, again = false): void {
    let snapshot: Snapshot;
    try {
      snapshot = snapshotOf(state, kiosk, 0);
    } catch (error) {
      onFault(error);
      return;
    }
    const text = JSON.stringify(snapshot);
    if (text === shown && !again) return;
    shown = text;
    seq += 1;
    screen.show({ ...snapshot, seq });
  }

  function onFault(error: unknown): void {
    if (faulted) return;
    faulted = true;
    const name = error instanceof Error ? error.name.replace(/[^a-zA-Z0-9]/g, '') : 'Unknown';
    journal.write({ event: 'kiosk.fault', name: name === '' ? 'Error' : name, detail: journalDetail(faultPlace(error)) });
    endAtOnce();
    showFault();
    screen.wipe();
  }

  /** Not by the machine: it is broken, or is not to run any more. */
  function endAtOnce(): void {
    actor.stop();
    const { context } = moment;
    const { visit } = context;
    if (visit !== null) {
      work.leave(visit.insertion, visit.access?.session.slice() ?? null);
      wipeVisit(visit);
    }
    moment = { ...moment, stage: 'fault', context: { ...context, visit: null, farewell: null } };
  }

  function showFault(): void {
    seq += 1;
    shown = '';
    screen.show({
      ...snapshotOf({ ...moment, attention: 'off' }, kiosk, seq),
      page: { page: 'failure', code: 'kiosk-fault', detail: null, next: 'none', sent: 'nothing' },
    });
  }

  function startAfresh(): void {
    faulted = false;
    actor = createActor(machine, { clock }).start();
    moment = momentOf(stateOf(actor.getSnapshot()));
    listen();
    send({ type: 'printer', printer });
    send({ type: 'scanner', isReady: scannerReady });
  }

  function send(event: VisitEvent): void {
    if (!faulted && !stopped) actor.send(event);
  }

  return {
    intent(intent) {
      if (faulted || stopped) return;
      if (intent.intent !== 'activity') send({ type: 'activity' });
      const event = eventOf(intent);
      if (intent.intent === 'activity' || actor.getSnapshot().can(event)) send(event);
      else journal.write({ event: 'intent.ignored', visit: moment.context.visit?.id ?? null, intent: intent.intent, state: moment.stage });
    },
    reader(view) {
      if (stopped || sameView(view, reader)) return;
      reader = view;
      if (faulted) startAfresh();
      send({ type: 'reader', view });
    },
    standing() {
      send({ type: 'standing', closure: closure() });
    },
    touchWanted(insertion) {
      send({ type: 'touch.wanted', insertion });
    },
    cardOfStaff(insertion) {
      send({ type: 'card.of-staff', insertion });
    },
    settled(transaction, settlement) {
      send({ type: 'request.settled', transaction, settlement });
      const requests = moment.context.visit?.access?.requests ?? [];
      return isInLedger(settlement) && requests.some((request) => Buffer.from(request.transaction).equals(transaction));
    },
    scanner(isReady) {
      if (isReady === scannerReady) return;
      scannerReady = isReady;
      send({ type: 'scanner', isReady });
    },
    scanned(text) {
      send({ type: 'activity' });
      send({ type: 'scanned', text });
    },
    printer(status) {
      printer = status;
      send({ type: 'printer', printer: status });
    },
    slipDone(visit, number, result) {
      send({ type: 'slip.done', visit, number, result });
    },
    offered(offered) {
      send({ type: 'offers.changed', offered });
    },
    screenLost() {
      send({ type: 'screen.lost' });
      if (faulted) showFault();
      else show(moment, true);
    },
    get idle() {
      return moment.context.visit === null;
    },
    stop() {
      stopped = true;
      endAtOnce();
    },
  };
}
