import type { KioskHealth, Page } from '../../contract/bridge.ts';
import type { DeskAct } from '../../contract/desk-act.ts';
import type { CardInfo, PrinterStatus } from '../../contract/device-host.ts';
import type { Language } from '../../contract/language.ts';
import type { Failure } from '../../contract/result.ts';
import type { DeskSnapshot } from '../desk/acting.ts';
import type { WorkshopPage } from '../../contract/workshop.ts';
import type { ReaderView } from '../visit/reader-view.ts';
import type { ListedDrafts, ProvenStaff, ShownDay, ShownHealth, StaffAccess } from './work.ts';

/** Constant while the kiosk runs. */
export interface StaffSettings {
  languages: readonly Language[];
  /** Without a touch or a key: locked; and locked for as long again, ended. */
  idleLockMs: number;
  /** Of a session from its sign-in on; its last `warnMs` are announced. */
  limitMs: number;
  warnMs: number;
  /** How often the home page looks at kiosk and hub anew. */
  refreshMs: number;
  /** Dots of a line of the printer's paper; null: this kiosk has no printer. */
  paperDots: number | null;
  /** Residents' and staff's cards come into the same one. */
  oneReader: boolean;
}

/** What a failure page's button does: once more from the card on, or out with the card. */
export type StaffNext = Extract<Extract<Page, { page: 'failure' }>['next'], 'retry' | 'take-card'>;

/** One card's stay in the reader, or, with one reader for all, from its coming to the end of an act that has the reader. It is one object, so that dropping it drops all. */
export interface StaffSession {
  /** 16 random hex digits, for the journal. */
  id: string;
  insertion: number;
  card: CardInfo | null;
  staff: ProvenStaff | null;
  access: StaffAccess | null;
  triesLeft: number;
  triesAtFirst: number;
  pinWrong: boolean;
  onReaderPad: boolean;
  touchWanted: boolean;
  /** Of the pause after a wrong PIN. */
  waitSeconds: number;
  /** null: nobody has looked. `isWhole` null: the hub was not asked yet. */
  drafts: { rows: ListedDrafts['rows']; isWhole: boolean | null } | null;
  health: KioskHealth | null;
  /** The day whose figures are wanted, and those that were counted. */
  wantedDay: string | null;
  day: ShownDay | null;
  /** How everything of this kiosk is; null: it was not looked at yet. */
  machineHealth: ShownHealth | null;
  /** The code of a matter that a resident goes on with here; `until` Unix seconds, null: not asked yet, or not good. */
  handOff: { code: string; until: number | null; unknown: boolean } | null;
  setback: { failure: Failure; next: StaffNext } | null;
  /** What is under way at the desk. */
  desk: { act: DeskAct | 'countersign'; snapshot: DeskSnapshot } | null;
  /** What the bench of a technician shows. */
  workshop: WorkshopPage | null;
}

export type StaffEnded = 'card-removed' | 'done' | 'timeout' | 'limit';

export interface StaffContext {
  settings: StaffSettings;
  language: Language;
  help: boolean;
  reader: ReaderView;
  /** The resident's, which is the desk's while something is done with it. */
  residentReader: ReaderView;
  printer: PrinterStatus;
  /** The screen is free for staff: no visit is on it. */
  floor: boolean;
  session: StaffSession | null;
  ended: StaffEnded;
  minutesLeft: number;
}

export const newSession = (id: string, insertion: number): StaffSession => ({
  id,
  insertion,
  card: null,
  staff: null,
  access: null,
  triesLeft: 0,
  triesAtFirst: 0,
  pinWrong: false,
  onReaderPad: false,
  touchWanted: false,
  waitSeconds: 0,
  drafts: null,
  health: null,
  wantedDay: null,
  machineHealth: null,
  handOff: null,
  day: null,
  setback: null,
  desk: null,
  workshop: null,
});
