import type { PackedSlip } from '../../contract/bridge.ts';
import type { BlockReason } from '../../contract/block-reason.ts';
import type { FailureCode } from '../../contract/failures.ts';
import type { DeviceCommands, OpenPgpInfo, PinChoice, PinResult } from '../../contract/device-host.ts';
import type { Result } from '../../contract/result.ts';
import type { DeskAct, TwoHandedAct } from '../../contract/desk-act.ts';
import type { HpkeMessage } from '../../identity/hpke.ts';
import type { SpaceBefore } from '../../identity/space-replacement.ts';
import type { StaffRole } from '../../ledger/verify/acts.ts';
import type { Draft } from '../../ledger/verify/draft.ts';
import type { StaffAccess } from '../staff/work.ts';
import type { Document } from './document.ts';

/** A card that was made, and what goes with it. */
export interface MadeCard {
  info: OpenPgpInfo;
  /** The card's admin PIN, sealed to the registrar. */
  adminPin: Uint8Array;
  /** Twelve digits: with them its holder unlocks the PIN. */
  unlockCode: string;
}

/** A new card on its way to its holder: the act, who has signed it so far, and what goes to the hub beside it. */
export interface CardInHand {
  resident: Uint8Array;
  /** For the slip, 32 bytes: whoever has it opens the space. */
  recoverySecret: Uint8Array;
  beside: { what: 'registration'; wrapped: HpkeMessage; recovery: HpkeMessage } | { what: 'replacement'; replacement: Uint8Array };
  made: MadeCard;
  draft: Draft;
}

/** What the hub keeps for whoever's card is replaced, and the slip of the card before, which opens it; null: there is none. */
export interface Replaced {
  space: SpaceBefore;
  slip: Uint8Array | null;
}

/** What one member of staff has signed, and waits for another of another role. */
export interface Waiting {
  act: TwoHandedAct;
  draft: Draft;
  /** Of whoever has signed. */
  role: StaffRole;
  number: string;
  document: Document | null;
  hand: CardInHand | null;
  /** Insertion of the new card, which stays in the resident's reader meanwhile; null: there is none, or, with one reader for all, it is at hand. */
  card: number | null;
}

/** A block that the member of staff has signed. */
export interface SignedBlock {
  transaction: Uint8Array;
  envelope: Uint8Array;
}

/** A card that is in the reader again. */
export interface CardBack {
  triesLeft: number;
  pinPad: boolean;
}

/** Why a number is looked up: its holder reads it. */
export type LookUpReason = DeskAct;

export type Signed<T> = Extract<PinResult, { verified: false }> | ({ verified: true } & T);

/** What the desk has done by others. Each `pin` is overwritten with zeros in every case; null: the reader's own pad takes it. */
export interface DeskWork {
  /** Waits for a card to be laid on, a while: `identity-card-missing`. What it says is checked, `document-…`. */
  readDocument(): Promise<Result<Document>>;
  /** The member of staff signs the look-up. `resident` null: the district knows nobody of that number. `resident-retired`, but to register, where somebody known is refused whatever their standing. */
  lookUp(access: StaffAccess, staffCard: number, pin: Uint8Array | null, number: string, why: LookUpReason): Promise<Result<Signed<{ resident: Uint8Array | null }>>>;
  /** 18 characters whose last one fits. */
  isNumber(number: string): boolean;
  signBlock(access: StaffAccess, staffCard: number, pin: Uint8Array | null, resident: Uint8Array, reason: BlockReason): Promise<Result<Signed<{ block: SignedBlock }>>>;
  /** Recorded when this answers ok: the card's keys sign nothing from then on; `already`: nor did they before, and nothing was recorded. Asked again, it happens once. `request-rejected` with the rejection's code. */
  deliverBlock(block: SignedBlock): Promise<Result<{ already: boolean }>>;
  /** `card-registered`: its keys are somebody's. `card-waiting`: they are to be, by what waits for a second signature here, or for the hub, or at it. Where the hub cannot be asked that, why. */
  lookAtCard(access: StaffAccess, staffCard: number, insertion: number): Promise<Result<'blank' | 'used'>>;
  wipe(insertion: number): Promise<Result<null>>;
  make(access: StaffAccess, insertion: number): Promise<Result<MadeCard>>;
  choosePin(insertion: number, pin: Uint8Array, document: Document): Promise<Result<PinChoice>>;
  /** The new card answers for its keys; from then on it is all there but the signatures. */
  prove(access: StaffAccess, insertion: number, made: MadeCard): Promise<Result<CardInHand>>;
  /** What a card in place of another takes of the hub, which may want to hear from the staff's card first. */
  lookUpSpace(access: StaffAccess, staffCard: number, resident: Uint8Array): Promise<Result<SpaceBefore>>;
  /** As `prove`, for a card in place of another. `space-unreadable`: not the slip of this resident's last card. */
  proveReplacement(access: StaffAccess, insertion: number, made: MadeCard, replaced: Replaced, document: Document): Promise<Result<CardInHand>>;
  signAsResident(insertion: number, pin: Uint8Array | null, hand: CardInHand): Promise<Result<Signed<{ hand: CardInHand }>>>;
  /** @param isBack the card was out of the reader since its sign-in: with the same PIN it is signed in again. */
  signAsStaff(access: StaffAccess, staffCard: number, pin: Uint8Array | null, hand: CardInHand, isBack: boolean): Promise<Result<Signed<{ hand: CardInHand }>>>;
  /** That a card that was put back has the keys of whoever is signed in, which proves nothing yet: `staff-card-another`. */
  lookAtStaff(access: StaffAccess, insertion: number): Promise<Result<CardBack>>;
  /** With its PIN the card of whoever is signed in answers a challenge, and may be asked for more from then on. */
  proveStaff(access: StaffAccess, staffCard: number, pin: Uint8Array | null): Promise<Result<PinResult>>;
  /** All of it is carried out when this answers ok; asked again, it happens once. `request-rejected` with the rejection's code. */
  submit(access: StaffAccess, staffCard: number, hand: CardInHand, document: Document): Promise<Result<null>>;
  signRetirement(access: StaffAccess, staffCard: number, pin: Uint8Array | null, resident: Uint8Array): Promise<Result<Signed<{ draft: Draft }>>>;
  /** For five minutes, until a colleague of the other role has signed. `hub-busy`: too many are waiting. */
  keep(waiting: Waiting): Result<{ reference: string }>;
  /** What waits under this reference; null: it is gone. */
  waiting(reference: string): Waiting | null;
  /** Insertion of the new card that waits in the resident's reader for a second signature; null: none does. */
  readonly keptCard: number | null;
  /** There is a scanner to hold a slip under. */
  readonly hasScanner: boolean;
  /** The second signature: the envelope. `draft-gone`: its five minutes are over. */
  countersign(access: StaffAccess, staffCard: number, pin: Uint8Array | null, waiting: Waiting): Promise<Result<Signed<{ envelope: Uint8Array }>>>;
  /** As `submit`. */
  carryOut(access: StaffAccess, staffCard: number, envelope: Uint8Array, waiting: Waiting): Promise<Result<null>>;
  /** As at its first visit: the ledger has the keys, the space opens, and what lies in it names its holder. */
  tryOut(insertion: number, hand: CardInHand, document: Document): Promise<Result<null>>;
  /** That a new card that was out in between is the one that was made: `card-another`. */
  lookAtMade(insertion: number, hand: CardInHand): Promise<Result<CardBack>>;
  /** As `tryOut`, of a card that has to have its PIN first; whatever comes of it, `untried` says why it could not be. */
  tryOutAgain(insertion: number, pin: Uint8Array | null, hand: CardInHand, document: Document): Promise<Result<Signed<{ untried: FailureCode | null }>>>;
  /** That the card is this resident's, and takes an unlock code: `card-another`, `card-code-blocked`; else as at a visit's sign-in. */
  lookAtHolder(insertion: number, resident: Uint8Array): Promise<Result<{ codeTries: number }>>;
  /** As `card.unblock`. Both secrets are overwritten with zeros in every case. */
  unblock(insertion: number, code: Uint8Array, pin: Uint8Array, document: Document): Promise<Result<DeviceCommands['card.unblock']['result']>>;
  /** Answered once the printer has said that it is on paper. */
  print(slip: PackedSlip): Promise<Result<null>>;
  /** Secrets that are still in hand are overwritten, and the card is reset. */
  forget(inHand: { hand: CardInHand | null; card: number | null; code: Uint8Array | null; slip: Uint8Array | null }): void;
}
