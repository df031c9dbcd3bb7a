import type { BlockReason } from '../../contract/block-reason.ts';
import type { CardInfo, DeviceCommands, PinChoice, PinResult } from '../../contract/device-host.ts';
import type { Result } from '../../contract/result.ts';
import type { PreparedRegistration } from '../../identity/registration.ts';
import type { Draft } from '../../ledger/verify/draft.ts';
import type { StaffAccess } from '../staff/work.ts';
import type { Document } from './document.ts';

/** A card that was made, and what goes with it. */
export interface MadeCard {
  info: CardInfo;
  /** The card's admin PIN, sealed to the registrar. */
  adminPin: Uint8Array;
  /** Twelve digits: with them its holder unlocks the PIN. */
  unlockCode: string;
}

/** A registration on its way: the body, and who has signed it so far. */
export interface RegistrationInHand {
  prepared: PreparedRegistration;
  made: MadeCard;
  draft: Draft;
}

/** Why a number is looked up: its holder reads it. */
export type LookUpReason = 'register' | 'block' | 'unblock';

export type Signed<T> = Extract<PinResult, { verified: false }> | ({ verified: true } & T);

/** What the desk has done by others. Each `pin` is overwritten with zeros in every case; null: the reader's own pad takes it. */
export interface DeskWork {
  /** Waits for a card to be laid on, a while: `identity-card-missing`. What it says is checked, `document-…`. */
  readDocument(): Promise<Result<Document>>;
  /** The member of staff signs the look-up. `resident` null: the district knows nobody of that number. */
  lookUp(access: StaffAccess, staffCard: number, pin: Uint8Array | null, number: string, why: LookUpReason): Promise<Result<Signed<{ resident: Uint8Array | null }>>>;
  /** 18 characters whose last one fits. */
  isNumber(number: string): boolean;
  /** Signed by the member of staff and recorded: the card's keys sign nothing from then on. `request-rejected` with the rejection's code, `key-inactive` where it is blocked already. */
  block(access: StaffAccess, staffCard: number, pin: Uint8Array | null, resident: Uint8Array, reason: BlockReason): Promise<Result<Signed<{ reference: string }>>>;
  /** `card-registered`: its keys are somebody's. */
  lookAtCard(insertion: number): Promise<Result<'blank' | 'used'>>;
  wipe(insertion: number): Promise<Result<null>>;
  make(access: StaffAccess, insertion: number): Promise<Result<MadeCard>>;
  choosePin(insertion: number, pin: Uint8Array, document: Document): Promise<Result<PinChoice>>;
  /** The new card answers for its keys; from then on it is all there but the signatures. */
  prove(access: StaffAccess, insertion: number, made: MadeCard): Promise<Result<RegistrationInHand>>;
  signAsResident(insertion: number, pin: Uint8Array | null, hand: RegistrationInHand): Promise<Result<Signed<{ hand: RegistrationInHand }>>>;
  signAsStaff(access: StaffAccess, staffCard: number, pin: Uint8Array | null, hand: RegistrationInHand): Promise<Result<Signed<{ hand: RegistrationInHand }>>>;
  /** All of it is carried out when this answers ok; asked again, it happens once. `request-rejected` with the rejection's code. */
  submit(access: StaffAccess, staffCard: number, hand: RegistrationInHand, document: Document): Promise<Result<null>>;
  /** As at its first visit: the ledger has the keys, the space opens, and what lies in it names its holder. */
  tryOut(insertion: number, hand: RegistrationInHand, document: Document): Promise<Result<null>>;
  /** That the card is this resident's, and takes an unlock code: `card-another`, `card-code-blocked`; else as at a visit's sign-in. */
  lookAtHolder(insertion: number, resident: Uint8Array): Promise<Result<{ codeTries: number }>>;
  /** As `card.unblock`. Both secrets are overwritten with zeros in every case. */
  unblock(insertion: number, code: Uint8Array, pin: Uint8Array, document: Document): Promise<Result<DeviceCommands['card.unblock']['result']>>;
  /** Secrets that are still in hand are overwritten, and the card is reset. */
  forget(inHand: { hand: RegistrationInHand | null; card: number | null; code: Uint8Array | null }): void;
}
