import { equalBytes } from './bytes.ts';

/**
 * What a transaction says: the body, its acts, and the private parts that activity acts commit to. CBOR maps have these names as text keys;
 * a member that is undefined is left out.
 */

/** SHA-256 under its COSE algorithm id (RFC 9054 §2.1). */
export type Hash = readonly [alg: -16, digest: Uint8Array];

/** A raw public key under a COSE algorithm id: Ed25519 (−19), ESP256 (−9, SEC1 compressed), X25519 for sealing (ECDH-ES + HKDF-256, −25). */
export type PublicKey = readonly [alg: -19 | -9 | -25, key: Uint8Array];

/** 16 random bytes: residents, staff, grants, requests. */
export type Id = Uint8Array;

/** Parties, kiosks and services have speaking names. */
export type Name = string;

export interface Body {
  v: 1;
  chain: string;
  /** 16 random bytes. */
  nonce: Uint8Array;
  /** Unix seconds; at most 30 days after the block's time. */
  notAfter: number;
  /** 1 to 16, all or none. */
  acts: Act[];
  /** What a resident signs: the value that the card's own signature counter (OpenPGP DO 93) will have after it. */
  counter?: number;
  /** What a resident signs: the kiosk that attests. */
  kiosk?: Name;
}

export type Names = { 'zh-Hans': string; en: string };

export type PartyKind = 'authority' | 'agency' | 'hub' | 'gateway' | 'registrar' | 'keeper' | 'auditor' | 'witness';

export interface Purpose {
  id: Name;
  /** Claims that this purpose may ask for. */
  claims: string[];
  /** Longest expiry of a grant for it, in days. */
  longestDays: number;
}

export interface PartyEnrol {
  kind: 'party.enrol';
  id: Name;
  party: PartyKind;
  sign: PublicKey;
  seal: PublicKey;
  names: Names;
  /** Agencies only. */
  purposes?: Purpose[];
}

export interface PartyRotate {
  kind: 'party.rotate';
  id: Name;
  /** The signing key until now: of two rotations that cross, one is refused. */
  current: PublicKey;
  /** The new ones, at least one of the two. */
  sign?: PublicKey;
  seal?: PublicKey;
}

export interface PartySuspend {
  kind: 'party.suspend';
  id: Name;
  /** false lifts it. */
  suspended: boolean;
}

export interface PartyRetire {
  kind: 'party.retire';
  id: Name;
}

export type StaffRole = 'staff' | 'technician' | 'registrar' | 'officer' | 'auditor';

export interface StaffEnrol {
  kind: 'staff.enrol';
  id: Id;
  /** The party that the person works for, and that signs. */
  party: Name;
  role: StaffRole;
  sig: PublicKey;
  aut: PublicKey;
  /** Unix seconds. */
  until: number;
}

export interface StaffRetire {
  kind: 'staff.retire';
  id: Id;
}

/** In force two heights later, as CometBFT does it. */
export interface ValidatorSet {
  kind: 'validator.set';
  key: PublicKey;
  /** 0 removes. */
  power: number;
}

export interface KioskEnrol {
  kind: 'kiosk.enrol';
  id: Name;
  hub: Name;
  key: PublicKey;
}

/** How many transactions a kiosk attested, and SHA-256("imi/attest/1" ‖ hash before ‖ log index u64 BE) over them, from 32 zero bytes on. */
export interface Attested {
  count: number;
  hash: Uint8Array;
}

export const nothingAttested: Attested = { count: 0, hash: new Uint8Array(32) };

export interface KioskRetire {
  kind: 'kiosk.retire';
  id: Name;
  /** All of it: a proof of the complete list hangs on this. */
  attested: Attested;
}

export interface ServicePublish {
  kind: 'service.publish';
  id: Name;
  version: number;
  agency: Name;
  purpose: Name;
  claims: string[];
  languages: string[];
  /** Of the service file's bytes. */
  definition: Hash;
}

export interface ServiceWithdraw {
  kind: 'service.withdraw';
  id: Name;
}

/** A Token Status List as published. */
export interface StatusPublish {
  kind: 'status.publish';
  issuer: Name;
  list: Hash;
  /** Its `iat`, Unix seconds. */
  at: number;
}

export interface ResidentRegister {
  kind: 'resident.register';
  id: Id;
  sig: PublicKey;
  aut: PublicKey;
  dec: PublicKey;
  /** Public half of the data space's own key pair. */
  space: PublicKey;
  /** The card's signature counter after it has signed this. */
  counter: number;
  /** AUT over the challenge of purpose `register`, whose nonce is SHA-256 of the CBOR of [id, sig, aut, dec, space]; kiosk null or the desk's. */
  proof: { kiosk: Name | null; notAfter: number; signature: Uint8Array };
}

/** The new card's keys; the old ones end at this height, and for 24 h the new ones may only read. */
export interface ResidentReplace {
  kind: 'resident.replace';
  subject: Id;
  sig: PublicKey;
  aut: PublicKey;
  dec: PublicKey;
  space: PublicKey;
  counter: number;
  /** SHA-256(salt16 ‖ what was read of the identity document): without the salt it could be guessed. */
  document: Hash;
  /** As in `resident.register`, with `subject` for the id. */
  proof: ResidentRegister['proof'];
}

/** Death or moving away; which of them is nobody's business here. */
export interface ResidentRetire {
  kind: 'resident.retire';
  subject: Id;
}

export interface ResidentBlock {
  kind: 'resident.block';
  subject: Id;
  reason: 'lost' | 'stolen' | 'damaged' | 'other';
}

/** Public part of an activity act, and the commitment to its private part: SHA-256(salt16 ‖ CBOR of the part). */
interface Activity {
  subject: Id;
  id: Id;
  /** 0 to 4 ids that it rests on. */
  refs?: Id[];
  private: Hash;
}

export interface CredentialAnchor extends Activity {
  kind: 'credential.anchor';
  /** Index in the issuer's status list. */
  status: number;
}

export interface CredentialRevoke extends Activity {
  kind: 'credential.revoke';
}

export interface GrantGive extends Activity {
  kind: 'grant.give';
  /** Unix seconds. */
  until: number;
  /** How often it may be read. */
  reads: number;
}

/** `id` is the grant's. */
export interface GrantEnd extends Activity {
  kind: 'grant.end';
}

export interface RequestSubmit extends Activity {
  kind: 'request.submit';
}

/** `id` is the request's. */
export interface RequestStep extends Activity {
  kind: 'request.step';
  step: 'received' | 'needs-more' | 'decided' | 'closed';
}

/** `id` is the request's. */
export interface RequestWithdraw extends Activity {
  kind: 'request.withdraw';
}

/** Typed facts are others from now on; it asks for nothing. */
export interface FactsKeep extends Activity {
  kind: 'facts.keep';
}

/** `id` is SHA-256 of the verifier's nonce: 32 bytes. */
export interface VerificationAnswer extends Activity {
  kind: 'verification.answer';
  /** Of the ask, Unix seconds. */
  until: number;
}

/** `id` is the idempotency key that the release shares. */
export interface AccessRecord extends Activity {
  kind: 'access.record';
  /** Under a sealed case, in place of `refs`: SHA-256(salt16 ‖ case id). */
  case?: Hash;
}

export interface AccessLookup extends Activity {
  kind: 'access.lookup';
}

/** Of whom and what it covers stands in the private part. */
export interface CaseOpen {
  kind: 'case.open';
  id: Id;
  /** The auditor's party. */
  office: Name;
  /** Unix seconds: no read under it from then on. */
  until: number;
  /** Unix seconds: due for unsealing from then on. */
  opensAt: number;
  private: Hash;
}

export interface CaseUnseal {
  kind: 'case.unseal';
  id: Id;
}

export interface CaseClose {
  kind: 'case.close';
  id: Id;
}

export type Act =
  | PartyEnrol
  | PartyRotate
  | PartySuspend
  | PartyRetire
  | StaffEnrol
  | StaffRetire
  | ValidatorSet
  | KioskEnrol
  | KioskRetire
  | ServicePublish
  | ServiceWithdraw
  | StatusPublish
  | ResidentRegister
  | ResidentReplace
  | ResidentBlock
  | ResidentRetire
  | CredentialAnchor
  | CredentialRevoke
  | GrantGive
  | GrantEnd
  | RequestSubmit
  | RequestStep
  | RequestWithdraw
  | FactsKeep
  | VerificationAnswer
  | AccessRecord
  | AccessLookup
  | CaseOpen
  | CaseUnseal
  | CaseClose;
export type ActKind = Act['kind'];
/** With a resident as subject. */
export type ActivityAct = Extract<Act, Activity>;
/** All that commit to a private part. */
export type CommittingAct = Extract<Act, { private: Hash }>;

/** The residents whose chains a transaction makes longer, each once. */
export function subjectsOf({ acts }: Pick<Body, 'acts'>): Id[] {
  const subjects: Id[] = [];
  for (const act of acts) {
    if ('subject' in act && !subjects.some((subject) => equalBytes(subject, act.subject))) subjects.push(act.subject);
  }
  return subjects;
}

/** The consent record's fields follow ISO/IEC TS 27560; values of claims are never in it. */
export interface GrantPart {
  kind: 'grant.give';
  agency: Name;
  purpose: Name;
  service: Name;
  claims: string[];
  /** ISO 8601 date-times in UTC. */
  given: string;
  until: string;
  /** How it is taken back. */
  withdrawal: 'any kiosk of the hub';
  jurisdiction: string;
  /** Ciphertexts: to the agency inside, to the keeper outside. */
  inner: Hash;
  outer: Hash;
}

export interface RequestPart {
  kind: 'request.submit';
  agency: Name;
  service: Name;
  version: number;
  definition: Hash;
  /** What was typed, sealed to the agency. */
  answers: Hash;
  /** The new map of typed facts, sealed to the data space; left out when nothing lasting was typed. */
  self?: Hash;
}

export interface CredentialPart {
  kind: 'credential.anchor';
  issuer: Name;
  vct: string;
  /** Of the SD-JWT as issued. */
  credential: Hash;
  /** The issuer's order (order.ts), where the gateway carries it out. */
  signed?: Uint8Array;
}

export interface RevocationPart {
  kind: 'credential.revoke';
  issuer: Name;
  vct: string;
  reason: 'replaced' | 'wrong' | 'ended' | 'other';
  /** As in `CredentialPart`. */
  signed?: Uint8Array;
}

/** `agency`: the addressee, which the grant or the request was for. */
export interface EndPart {
  kind: 'grant.end' | 'request.withdraw';
  agency: Name;
}

export interface FactsPart {
  kind: 'facts.keep';
  /** The new map of typed facts, sealed to the data space. */
  self: Hash;
}

/** `reference`: as on the receipt page; the amount in fen (1/100 yuan). */
export interface Payment {
  reference: string;
  amountFen: number;
}

export interface StepPart {
  kind: 'request.step';
  agency: Name;
  /** With step `decided`. */
  decision?: 'approved' | 'refused';
  /** To the resident, sealed to the data space. */
  letter?: Hash;
  /** The fee of the request, confirmed. */
  payment?: Payment;
  /** What the agency signed and the gateway carries out (order.ts). */
  signed: Uint8Array;
}

export interface VerificationPart {
  kind: 'verification.answer';
  agency: Name;
  purpose: Name;
  claims: string[];
  /** Of the vp_token, as it is sealed to the agency. */
  token: Hash;
  /** The ask, as the agency signed it. */
  signed: Uint8Array;
}

export interface AccessPart {
  kind: 'access.record';
  /** The reader's agency, or auditor's office. */
  party: Name;
  /** Staff id of who reads. */
  officer: Id;
  purpose: Name;
  /** Released; none under a case. */
  claims: string[];
  /** Under a case: the law it rests on. */
  basis?: string;
  /** Under a sealed case: its id, and the salt that makes the act's `case` of it. */
  case?: { id: Id; salt: Uint8Array };
  /** The read request, as the officer or the auditor signed it (order.ts). */
  signed: Uint8Array;
}

export interface LookupPart {
  kind: 'access.lookup';
  party: Name;
  staff: Id;
  reason: string;
  /** The request, as the member of staff signed it (order.ts). */
  signed: Uint8Array;
}

export interface CasePart {
  kind: 'case.open';
  /** The law it rests on. */
  basis: string;
  subjects: Id[];
  /** What of their activity may be read. */
  kinds: string[];
  /** ISO 8601 date-times in UTC: of the activity that may be read. */
  from: string;
  to: string;
}

export type PrivatePart = GrantPart | RequestPart | CredentialPart | RevocationPart | EndPart | FactsPart | StepPart | VerificationPart | AccessPart | LookupPart | CasePart;

/** A private part with its salt, as sealed (CBOR of this) and as carried in receipts. */
export interface OpenedPart {
  salt: Uint8Array;
  part: PrivatePart;
}
