import type { DeskReadiness, DraftRow, KioskHealth, Page } from '../../contract/bridge.ts';
import type { BackChoice, ClosedReason } from '../../contract/closure.ts';
import type { CardInfo, PinResult } from '../../contract/device-host.ts';
import type { Localized } from '../../contract/language.ts';
import type { Result } from '../../contract/result.ts';
import type { Id, Name, StaffRole } from '../../ledger/verify/acts.ts';

/** A staff record on the ledger and its party, proved against a fresh head. Raw keys, 32 bytes each. */
export interface ProvenStaff {
  id: Id;
  role: StaffRole;
  party: Name;
  partyNames: Localized;
  sig: Uint8Array;
  aut: Uint8Array;
  /** Unix seconds. */
  until: number;
}

/** Signed in: the card has answered, here and at the hub. */
export interface StaffAccess {
  staff: ProvenStaff;
  /** Of the hub, 16 bytes. */
  session: Uint8Array;
  /** Name of the registrar's party, as the hub says it. */
  registrar: Name;
}

export type ShownHealth = Omit<Extract<Page, { page: 'desk-health' }>, 'page'>;
export type ShownDay = Omit<Extract<Page, { page: 'desk-day' }>, 'page'>;

/** What waits for a second signature. */
export interface ListedDrafts {
  rows: DraftRow[];
  /** false: the hub could not be asked, and these are this kiosk's own. */
  isWhole: boolean;
  /** Of a session anew, where the hub knew the one before no more. */
  access: StaffAccess;
}

/** What a session has done by others. */
export interface StaffWork {
  readCard(insertion: number): Promise<Result<CardInfo>>;
  /** `staff-card-unknown`, `-role`, `-expired`, `-retired`, `-office`; why the ledger could not be asked. */
  whose(card: CardInfo): Promise<Result<ProvenStaff>>;
  /** `pin` is overwritten with zeros in every case; null: the reader's own pad takes it. */
  checkPin(insertion: number, pin: Uint8Array | null): Promise<Result<PinResult>>;
  /** The card answers a challenge; opened too late (`signal` aborted), the hub's door is shut again. */
  signIn(insertion: number, staff: ProvenStaff, signal: AbortSignal): Promise<Result<StaffAccess>>;
  /** What waits for a second signature here, at once: who has signed is said as far as it is known. */
  ownDrafts(access: StaffAccess): DraftRow[];
  /**
   * What waits for a second signature, here and at the hub, as far as this person's office may know. `signal` aborted: nobody wants to know any more.
   * @param reopens a session that the hub knows no more is opened anew by the card.
   */
  drafts(access: StaffAccess, insertion: number, reopens: boolean, signal: AbortSignal): Promise<ListedDrafts>;
  health(): KioskHealth;
  /** Whether residents can be registered here; null: not by this person. */
  deskReadiness(staff: ProvenStaff): DeskReadiness | null;
  /** Until when the code of a matter is good, Unix seconds; null: it is not. Whose it is nobody is told. */
  handOffUntil(access: StaffAccess, insertion: number, code: string): Promise<Result<number | null>>;
  /** Everything of this kiosk as it is now, and the hub's other kiosks. @param reopens as for `drafts`. */
  machineHealth(access: StaffAccess, insertion: number, reopens: boolean): Promise<ShownHealth>;
  /** null: today's. Days of the district, as many back as are kept. */
  day(day: string | null): Promise<Result<ShownDay>>;
  /** Nobody is served here from now on; `kiosk-storage`. */
  close(access: StaffAccess, reason: ClosedReason, back: BackChoice): Result<null>;
  /** Residents are served again; `kiosk-storage`. */
  open(access: StaffAccess): Result<null>;
  /** The card is reset: no PIN state is left in it. */
  letGo(insertion: number): void;
  /** The hub's session ends. */
  leave(session: Uint8Array): void;
}
