import type { Attested, Hash, Id, Name, Names, PartyKind, PublicKey, Purpose, StaffRole } from './acts.ts';
import type { Validator } from './block.ts';
import { utf8 } from './bytes.ts';
import { decodeCbor, encodeCbor, type CborValue } from './cbor.ts';

/** What stands in the authenticated map: deterministic CBOR of these under `stateKey`. Heights are those of the block that wrote. */

export type KeyOwner =
  | { resident: Id }
  | { staff: Id }
  | { party: Name }
  | { kiosk: Name }
  | { authority: true };

export interface KeyRecord {
  key: PublicKey;
  owner: KeyOwner;
  /** `sign` and `seal` are parties', `attest` a kiosk's, the others a card's or a data space's. */
  use: 'sig' | 'aut' | 'dec' | 'space' | 'sign' | 'seal' | 'attest' | 'authority';
  state: 'active' | 'blocked' | 'ended';
  since: number;
  /** Height from which on it is not active. */
  until?: number;
}

export interface ResidentRecord {
  id: Id;
  state: 'active' | 'retired';
  sig: PublicKey;
  aut: PublicKey;
  dec: PublicKey;
  space: PublicKey;
  /** Highest value of the card's signature counter that any transaction carried. */
  counter: number;
  /** Every act with this subject, in order: how many, and the running hash over them (transactions.md, "What is committed"). */
  chain: { count: number; hash: Uint8Array };
  /** Set when a card was replaced, Unix seconds: before then its keys may only read, and block themselves. */
  readOnlyUntil?: number;
  since: number;
}

export interface StaffRecord {
  id: Id;
  party: Name;
  role: StaffRole;
  sig: PublicKey;
  aut: PublicKey;
  /** Unix seconds. */
  until: number;
  state: 'active' | 'retired';
}

export interface PartyRecord {
  id: Name;
  party: PartyKind;
  sign: PublicKey;
  seal: PublicKey;
  names: Names;
  purposes: Purpose[];
  state: 'active' | 'suspended' | 'retired';
}

export interface KioskRecord {
  id: Name;
  hub: Name;
  key: PublicKey;
  state: 'active' | 'retired';
  /** Left out: nothing yet. */
  attested?: Attested;
}

export interface ServiceRecord {
  id: Name;
  version: number;
  agency: Name;
  purpose: Name;
  claims: string[];
  languages: string[];
  definition: Hash;
  state: 'published' | 'withdrawn';
}

/** Of an issuer's newest list. */
export interface StatusRecord {
  issuer: Name;
  list: Hash;
  /** Unix seconds. */
  at: number;
  since: number;
}

/** Who signs blocks: the set in force first, then those that wait for their height. */
export interface ValidatorsRecord {
  sets: {
    /** Height of the first block that it signs. */
    from: number;
    /** By power, the greatest first, then by address, as CometBFT orders them. */
    validators: Validator[];
  }[];
}

export interface GrantRecord {
  id: Id;
  subject: Id;
  /** Unix seconds. */
  until: number;
  /** Left. */
  reads: number;
  state: 'live' | 'ended';
  since: number;
}

export interface RequestRecord {
  id: Id;
  subject: Id;
  grants: Id[];
  step: 'submitted' | 'received' | 'needs-more' | 'decided' | 'closed' | 'withdrawn';
  since: number;
}

export interface CredentialRecord {
  id: Id;
  subject: Id;
  /** The party that anchored it. */
  by: Name;
  status: number;
  state: 'valid' | 'revoked';
  since: number;
}

/** Of a verifier's nonce that was answered, or of an access: there is no second one with this id. */
export interface OnceRecord {
  subject: Id;
  since: number;
}

export interface CaseRecord {
  id: Id;
  /** The party of its auditor. */
  office: Name;
  /** Unix seconds: no read under it from then on. */
  until: number;
  /** Unix seconds: due for unsealing from then on. */
  opensAt: number;
  private: Hash;
  state: 'open' | 'closed';
  sealed: boolean;
  since: number;
}

/** The cases that are sealed, of every office, closed ones too. */
export interface SealedRecord {
  cases: Id[];
}

/** Kept until `notAfter`, so that a transaction happens once; after that its own `notAfter` refuses it. */
export interface TransactionRecord {
  notAfter: number;
  height: number;
  /** In the log. */
  index: number;
}

/** Whose k signatures enrol parties. */
export interface AuthorityRecord {
  threshold: number;
  keys: PublicKey[];
}

export interface Records {
  key: KeyRecord;
  resident: ResidentRecord;
  staff: StaffRecord;
  party: PartyRecord;
  kiosk: KioskRecord;
  service: ServiceRecord;
  grant: GrantRecord;
  request: RequestRecord;
  credential: CredentialRecord;
  tx: TransactionRecord;
  authority: AuthorityRecord;
  validators: ValidatorsRecord;
  status: StatusRecord;
  answer: OnceRecord;
  access: OnceRecord;
  case: CaseRecord;
  sealed: SealedRecord;
}
export type RecordKind = keyof Records;

/** Asked for several times in each judgement: written without a text in between. */
function hexKey(prefix: string, id: Uint8Array): Uint8Array {
  const key = new Uint8Array(prefix.length + 2 * id.length);
  for (let i = 0; i < prefix.length; i++) key[i] = prefix.charCodeAt(i);
  let at = prefix.length;
  for (const byte of id) {
    key[at++] = hexDigits[byte >> 4] ?? 0;
    key[at++] = hexDigits[byte & 15] ?? 0;
  }
  return key;
}

const hexDigits = utf8('0123456789abcdef');

/** UTF-8 of `<kind>/<name or hex>`: `key/<keyId>`, `resident/<id>`, `party/<name>`, `tx/<transaction id>`; `authority`, `validators` and `sealed` have no second half. */
export const stateKey = {
  key: (keyId: Uint8Array): Uint8Array => hexKey('key/', keyId),
  resident: (id: Id): Uint8Array => hexKey('resident/', id),
  staff: (id: Id): Uint8Array => hexKey('staff/', id),
  party: (id: Name): Uint8Array => utf8(`party/${id}`),
  kiosk: (id: Name): Uint8Array => utf8(`kiosk/${id}`),
  service: (id: Name): Uint8Array => utf8(`service/${id}`),
  grant: (id: Id): Uint8Array => hexKey('grant/', id),
  request: (id: Id): Uint8Array => hexKey('request/', id),
  credential: (id: Id): Uint8Array => hexKey('credential/', id),
  tx: (id: Uint8Array): Uint8Array => hexKey('tx/', id),
  authority: (): Uint8Array => utf8('authority'),
  validators: (): Uint8Array => utf8('validators'),
  /** SHA-256 of the nonce. */
  answer: (nonceHash: Uint8Array): Uint8Array => hexKey('answer/', nonceHash),
  access: (id: Id): Uint8Array => hexKey('access/', id),
  case: (id: Id): Uint8Array => hexKey('case/', id),
  sealed: (): Uint8Array => utf8('sealed'),
  status: (issuer: Name): Uint8Array => utf8(`status/${issuer}`),
} as const;

export const encodeRecord = <K extends RecordKind>(_kind: K, record: Records[K]): Uint8Array => encodeCbor(record);

/**
 * A value of the state, read as the kind that its key names. Values come from the rules alone, or were proven against a head that validators
 * signed: their form is not checked again. Throws where the bytes are no CBOR at all.
 */
export function decodeRecord<K extends RecordKind>(_kind: K, value: Uint8Array): Records[K] {
  const record: CborValue | undefined = decodeCbor(value);
  if (record === undefined) throw new TypeError('a state value that is no CBOR');
  return record as unknown as Records[K];
}
