import { randomBytes } from 'node:crypto';
import type { DoorParams, DoorResult, SubmissionState } from '../contract/hub-door.ts';
import type { Localized } from '../contract/language.ts';
import { fail, ok, type Result } from '../contract/result.ts';
import { readCatalogueFile, serviceGroups, termsOf, type CatalogueFile } from '../contract/service.ts';
import type { SpaceBefore } from '../identity/space-replacement.ts';
import { readStatusList, statusUri, type StatusList } from '../identity/status-list.ts';
import type { HubClient } from '../ledger/client/hub-client.ts';
import { query, type LightClient } from '../ledger/client/light-client.ts';
import type { Act, Name, PartyKind, PublicKey, Purpose } from '../ledger/verify/acts.ts';
import { concatBytes, equalBytes, toHex } from '../ledger/verify/bytes.ts';
import { encodeChallenge } from '../ledger/verify/challenge.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { keyId } from '../ledger/verify/envelope.ts';
import { decodeHead, type SignedHead, type VerifiedHead } from '../ledger/verify/head.ts';
import { verifyReceipt } from '../ledger/verify/receipt.ts';
import { decodeRecord, type KioskRecord, type PartyRecord, type ServiceRecord } from '../ledger/verify/records.ts';
import { verifyResidentChain } from '../ledger/verify/resident-chain.ts';
import type { Waiting } from './outbox.ts';
import type { QueuePlace } from './visit/hand-off.ts';
import { bundleOffer, type Offer, type Offered } from './visit/draft.ts';
import type { ProvenStaff } from './staff/work.ts';
import type { ProvenResident, Settlement, Ticket } from './visit/work.ts';

export type SealedSpace = DoorResult<'space.open'>;

/** A party as the ledger has it. Raw keys, 32 bytes. */
export interface ProvenParty {
  id: Name;
  kind: PartyKind;
  sign: PublicKey;
  seal: Uint8Array;
  names: Localized;
}

/** An active party that may have issued credentials. */
export interface Issuer {
  party: ProvenParty;
  /** The newest one, held against its hash on the ledger. null: there is none, or none that holds. */
  list: StatusList | null;
}

/** Asks as the hub carries them: who signed them is still to be proved. */
export type CarriedAsks = DoorResult<'asks.list'>['asks'];

/** A verified receipt without private parts. */
export interface FoundReceipt {
  receipt: Uint8Array;
  /** ISO 8601 in UTC, the time of the head that it rests on. */
  at: string;
  /** As many outsiders have cosigned that head as the trust root asks for. */
  isWitnessed: boolean;
}

/** All entries of a resident's chain, in the log's order. */
export interface ProvenActivity {
  subject: Uint8Array;
  head: VerifiedHead;
  /** The same head with what proves it, the record and its proof: for a receipt. */
  evidence: { head: SignedHead; record: Uint8Array | null; proof: Uint8Array };
  entries: { transaction: Uint8Array; logIndex: number; actIndex: number; bytes: Uint8Array; act: Act }[];
}

/** What the kiosk wants of hub and ledger. Whatever is said here about keys, services and receipts was proved, not told. */
export interface District {
  readonly chain: string;
  /**
   * Whose card this is, against a head young enough to sign in on.
   * `key-unknown`, `key-blocked`, `key-not-resident`; `head-too-old` and its kind; why the hub did not answer.
   */
  residentOf(keys: { sig: Uint8Array; aut: Uint8Array; dec?: Uint8Array }): Promise<Result<ProvenResident>>;
  /**
   * Whose staff card this is, and that it may sign in at this kiosk: active, in time, its party active, and where it works for a hub, for this one.
   * `staff-card-unknown`, `-role` (detail: whose key it is), `-retired`, `-expired`, `-office`; else as `residentOf`.
   */
  staffOf(keys: { sig: Uint8Array; aut: Uint8Array }): Promise<Result<ProvenStaff>>;
  /** Whether the ledger has this as a signing key of this resident's, of a card that was replaced too. */
  isSigningKeyOf(key: PublicKey, resident: Uint8Array): Promise<Result<boolean>>;
  /** Whose signing key this is, where it is a member of staff's; null: it is not. */
  staffByKey(key: PublicKey): Promise<Result<{ id: Uint8Array; party: Name } | null>>;
  /** The card's answer to a challenge opens a staff session at the hub. */
  openStaff(staff: Uint8Array, challenge: Uint8Array, signature: Uint8Array): Promise<Result<DoorResult<'staff.open'>>>;
  closeStaff(session: Uint8Array): Promise<void>;
  /** Whether one of these keys is anybody's, now or before. */
  areKnownKeys(keys: readonly PublicKey[]): Promise<Result<boolean>>;
  /** Whether the ledger has this resident as retired. */
  isRetired(resident: Uint8Array): Promise<Result<boolean>>;
  /** In the registrar's index, by an order that the session's staff has signed. null: nobody. */
  deskLookUp(params: DoorParams<'desk.look-up'>): Promise<Result<Uint8Array | null>>;
  /** A registration, and whatever belongs to it. Waits for the block, and may be asked again. */
  deskRegister(params: DoorParams<'desk.register'>): Promise<Result<SubmissionState>>;
  /** What replacing this resident's card takes, with the space's public key as the ledger has it. `resident-unknown`. */
  deskRecovery(session: Uint8Array, resident: Uint8Array): Promise<Result<SpaceBefore>>;
  /** A replacement, and whatever belongs to it. As `deskRegister`. */
  deskReplace(params: DoorParams<'desk.replace'>): Promise<Result<SubmissionState>>;
  /** Whether the hub has a card with one of these keys in hand, which the ledger may not have yet. @param keys raw, 32 bytes each. */
  isUnderWay(session: Uint8Array, keys: Uint8Array[]): Promise<Result<boolean>>;
  /** Drafts at the hub that this person's party is to sign or has signed. */
  drafts(session: Uint8Array): Promise<Result<DoorResult<'drafts.list'>['drafts']>>;
  /** A challenge of which one half is the kiosk's and one the keeper's. */
  challenge(): Promise<Result<Omit<Ticket, 'resident'>>>;
  openSpace(resident: Uint8Array, challenge: Uint8Array, signature: Uint8Array): Promise<Result<SealedSpace>>;
  closeSpace(session: Uint8Array): Promise<void>;
  readSpace(session: Uint8Array): Promise<Result<DoorResult<'space.read'>>>;
  /** Everything that ever touched the resident, held against a fresh head: these entries and no fewer. `proof-invalid` with the chain's fault as detail. */
  activity(session: Uint8Array, resident: Uint8Array): Promise<Result<ProvenActivity>>;
  mutes(session: Uint8Array): Promise<Result<Name[]>>;
  mute(session: Uint8Array, agency: Name, muted: boolean): Promise<Result<unknown>>;
  /** Those of these that the ledger has, whatever their standing is by now. */
  parties(names: readonly Name[]): Promise<Result<ProvenParty[]>>;
  tellBrokenOff(session: Uint8Array, counter: number): Promise<Result<unknown>>;
  /** An active party. `hub-refused` where the ledger has none of that name. */
  party(name: Name): Promise<Result<ProvenParty>>;
  /** Those of these that the ledger has as active parties. */
  issuers(names: readonly Name[]): Promise<Result<Issuer[]>>;
  /** An agency that may ask, with its purposes. `hub-refused` where the ledger has no active one of that name. */
  asker(name: Name): Promise<Result<ProvenParty & { purposes: Purpose[] }>>;
  asks(session: Uint8Array): Promise<Result<CarriedAsks>>;
  askById(session: Uint8Array, ask: Uint8Array): Promise<Result<DoorResult<'ask.by-id'>>>;
  askByCode(session: Uint8Array, code: string): Promise<Result<DoorResult<'ask.by-code'>>>;
  /** Of this kiosk, to the hub. */
  sayStanding(standing: Omit<DoorParams<'kiosk.standing'>, 'kiosk'>): Promise<Result<unknown>>;
  /** What kiosks have said to the hub: told, not proved. */
  kiosksSeen(session: Uint8Array): Promise<Result<DoorResult<'kiosks.seen'>>>;
  /** What the ledger has of these kiosks, at most 64. */
  kioskRecords(ids: readonly Name[]): Promise<Result<ReadonlyMap<Name, KioskRecord | null>>>;
  /** Sealed already; the hub keeps what it cannot read. */
  putHandOff(session: Uint8Array, sealed: Uint8Array): Promise<Result<DoorResult<'hand-off.put'>>>;
  /** null: none of this code, for this resident. */
  handOff(session: Uint8Array, code: string): Promise<Result<Uint8Array | null>>;
  dropHandOff(session: Uint8Array, code: string): Promise<Result<unknown>>;
  /**
   * Where it stands in the hall's queue: at once where `known` is left out, else when it is called to another counter, or after some seconds. null: this hub has none.
   * A hub of an earlier release refuses (`message-invalid`).
   */
  placeOf(session: Uint8Array, code: string, known?: string | null): Promise<Result<QueuePlace | null>>;
  /** By a staff session. Unix seconds; null: the code is not good. */
  handOffUntil(session: Uint8Array, code: string): Promise<Result<number | null>>;
  answerAsk(session: Uint8Array, ask: Uint8Array, vpToken: string): Promise<Result<DoorResult<'ask.answer'>>>;
  refuseAsk(session: Uint8Array, ask: Uint8Array): Promise<Result<DoorResult<'ask.refuse'>>>;
  /** That the ledger lets this kiosk attest with this key. `kiosk-not-enrolled`, with `unknown`, `retired` or `key`. */
  checkKiosk(key: PublicKey): Promise<Result<null>>;
  /** The keeper that this hub's data spaces lie with. As `party`; `hub-refused` too where the ledger has it as something else. */
  keeper(): Promise<Result<ProvenParty>>;
  /**
   * Published services and bundles whose files are the ones that the ledger names; `refused` counts the others. The same `mark` says that all of it,
   * the agencies' keys too, is as it was.
   */
  services(): Promise<Result<Offered & { refused: number; mark: string }>>;
  /** Hands a request over, or asks after it, and waits up to `waitMs` for the block. null: the hub has it on disk. */
  deliver(waiting: Pick<Waiting, 'transaction' | 'submission'>, waitMs: number): Promise<Result<Settlement | null>>;
  /** null: not recorded yet. As long as no head is believed (`ledger-split`, `trust-expired`) no receipt is. */
  receipt(transaction: Uint8Array, waitMs: number): Promise<Result<FoundReceipt | null>>;
  /** Unix seconds of the newest verified block, or of the clock where that is earlier. */
  nowSeconds(): number;
}

export interface DistrictParts {
  hub: HubClient;
  light: LightClient;
  crypto: Crypto;
  kioskId: string;
  /** Unix milliseconds. */
  now(): number;
}

/** The registrar records first and answers then: it waits ten seconds itself. */
const deskWaitMs = 20_000;

/** Of one resident; a hub that tells of more is not listened to for ever. */
const mostEntries = 100_000;
/** As many records as can be proved at once. */
const mostFiles = 64;
/** The hub waits no longer than this for a call to a counter. */
const placeWaitMs = 10_000;

/** As many names at a time as can be proved at once. */
async function inParts<T>(names: readonly Name[], part: (names: readonly Name[]) => Promise<Result<T[]>>): Promise<Result<T[]>> {
  const found: T[] = [];
  for (let from = 0; from < names.length; from += mostFiles) {
    const some = await part(names.slice(from, from + mostFiles));
    if (!some.ok) return some;
    found.push(...some.value);
  }
  return ok(found);
}

export function createDistrict({ hub, light, crypto, kioskId, now }: DistrictParts): District {
  const { chain } = light.trust;
  let keeperName: Name | null = null;
  /** Read once, by the hash in hex: as long as the hub has them, they are not sent again. */
  const files = new Map<string, { hash: Uint8Array; file: CatalogueFile }>();
  const statusLists = new Map<Name, { hash: Uint8Array; list: StatusList }>();

  const residentOf: District['residentOf'] = async (keys) => {
    const aut: PublicKey = [-19, keys.aut];
    const found = await light.read([query.key(keyId(aut, crypto))]);
    if (!found.ok) return found;
    const [key] = found.value.records;
    if (key === null) return fail('key-unknown');
    if (!('resident' in key.owner) || key.use !== 'aut') return fail('key-not-resident');
    if (key.state !== 'active') return fail('key-blocked', key.state);
    const read = await light.read([query.resident(key.owner.resident)]);
    if (!read.ok) return read;
    const [record] = read.value.records;
    if (record === null) return fail('key-unknown', 'no resident');
    if (record.state !== 'active') return fail('key-blocked', record.state);
    const proven: ProvenResident = {
      id: record.id,
      sig: record.sig[1],
      aut: record.aut[1],
      dec: record.dec[1],
      space: record.space[1],
      counter: record.counter,
      readOnlyUntil: record.readOnlyUntil ?? null,
    };
    const same = equalBytes(proven.aut, keys.aut) && equalBytes(proven.sig, keys.sig) && keys.dec !== undefined && equalBytes(proven.dec, keys.dec);
    return same ? ok(proven) : fail('key-unknown', 'keys differ');
  };

  const staffOf: District['staffOf'] = async (keys) => {
    const found = await light.read([query.key(keyId([-19, keys.aut], crypto)), query.kiosk(kioskId)]);
    if (!found.ok) return found;
    const [key, kiosk] = found.value.records;
    if (key === null) return fail('staff-card-unknown');
    if (!('staff' in key.owner) || key.use !== 'aut') return fail('staff-card-role', Object.keys(key.owner)[0]);
    const read = await light.read([query.staff(key.owner.staff)]);
    if (!read.ok) return read;
    const [record] = read.value.records;
    if (record === null || !equalBytes(record.aut[1], keys.aut) || !equalBytes(record.sig[1], keys.sig)) return fail('staff-card-unknown', 'keys differ');
    if (record.state !== 'active' || key.state !== 'active') return fail('staff-card-retired');
    // By the later of the two clocks: an idle chain's time stands still, and a kiosk's may be slow.
    if (record.until * 1000 <= Math.max(now(), read.value.head.timeMs)) return fail('staff-card-expired');
    const office = await light.read([query.party(record.party)]);
    if (!office.ok) return office;
    const [employer] = office.value.records;
    if (employer?.state !== 'active') return fail('staff-card-office', employer?.state ?? 'unknown');
    if (employer.party === 'hub' && employer.id !== kiosk?.hub) return fail('staff-card-role', 'another-hub');
    return ok({ id: record.id, role: record.role, party: record.party, partyNames: employer.names, sig: record.sig[1], aut: record.aut[1], until: record.until });
  };

  const party: District['party'] = async (name) => {
    const read = await light.read([query.party(name)]);
    if (!read.ok) return read;
    const [record] = read.value.records;
    return record?.state === 'active' ? ok(provenParty(record)) : fail('hub-refused', 'party-unknown');
  };

  const receipt: District['receipt'] = async (transaction, waitMs) => {
    const answer = await hub.call('transaction.receipt', { transaction, waitMs }, { deadlineMs: waitMs + 5000 });
    if (!answer.ok) return answer;
    const bytes = answer.value.receipt;
    if (bytes === null) return ok(null);
    // Of a ledger that told two stories no receipt proves anything: the other story has one as well.
    const refused = light.refusal();
    if (refused !== null) return { ok: false, failure: refused };
    const proof = verifyReceipt(bytes, light.trust, crypto);
    if (!proof.ok) return proof;
    if (!equalBytes(proof.value.transaction, transaction)) return fail('proof-invalid', 'another transaction');
    return ok({ receipt: bytes, at: new Date(proof.value.head.timeMs).toISOString(), isWitnessed: proof.value.witnessed.isWitnessed });
  };

  const statusList = async ({ id, sign }: ProvenParty, hash: Uint8Array): Promise<StatusList | null> => {
    const kept = statusLists.get(id);
    if (kept !== undefined && equalBytes(kept.hash, hash)) return kept.list;
    const told = await hub.call('status.get', { issuer: id });
    if (!told.ok || told.value.list === null || !equalBytes(crypto.sha256(told.value.list), hash)) return null;
    const opened = readStatusList(Buffer.from(told.value.list).toString('ascii'), { uri: statusUri(id), keys: [sign] }, crypto.verify, Math.floor(now() / 1000));
    if (!opened.ok) return null;
    statusLists.set(id, { hash, list: opened.value.list });
    return opened.value.list;
  };

  const issuersOf = async (names: readonly Name[]): Promise<Result<Issuer[]>> => {
    const [named, listed] = await Promise.all([light.read(names.map((name) => query.party(name))), light.read(names.map((name) => query.status(name)))]);
    if (!named.ok) return named;
    const found = named.value.records.map(async (record, index): Promise<Issuer | null> => {
      if (record?.state !== 'active') return null;
      const party = provenParty(record);
      const status = listed.ok ? (listed.value.records[index] ?? null) : null;
      return { party, list: status === null ? null : await statusList(party, status.list[1]) };
    });
    return ok((await Promise.all(found)).filter((issuer) => issuer !== null));
  };

  return {
    chain,
    residentOf,
    staffOf,
    async isSigningKeyOf(key, resident) {
      const found = await light.read([query.key(keyId(key, crypto))]);
      if (!found.ok) return found;
      const [record] = found.value.records;
      return ok(record !== null && record.use === 'sig' && 'resident' in record.owner && equalBytes(record.owner.resident, resident));
    },
    async staffByKey(key) {
      const found = await light.read([query.key(keyId(key, crypto))]);
      if (!found.ok) return found;
      const [record] = found.value.records;
      if (record === null || !('staff' in record.owner)) return ok(null);
      const read = await light.read([query.staff(record.owner.staff)]);
      if (!read.ok) return read;
      const [staff] = read.value.records;
      return ok(staff === null ? null : { id: staff.id, party: staff.party });
    },
    openStaff: (staff, challenge, signature) => hub.call('staff.open', { staff, challenge, signature }),
    async areKnownKeys(keys) {
      const read = await light.read(keys.map((key) => query.key(keyId(key, crypto))));
      return read.ok ? ok(read.value.records.some((record) => record !== null)) : read;
    },
    async isRetired(resident) {
      const read = await light.read([query.resident(resident)]);
      return read.ok ? ok(read.value.records[0]?.state === 'retired') : read;
    },
    // The registrar waits for the block before it answers.
    async deskLookUp(params) {
      const found = await hub.call('desk.look-up', params, { deadlineMs: deskWaitMs });
      return found.ok ? ok(found.value.resident) : found;
    },
    deskRegister: (params) => hub.call('desk.register', params, { deadlineMs: deskWaitMs }),
    async deskRecovery(session, resident) {
      const read = await light.read([query.resident(resident)]);
      if (!read.ok) return read;
      const [record] = read.value.records;
      if (record === null) return fail('resident-unknown');
      const kept = await hub.call('desk.recovery', { session, resident });
      return kept.ok ? ok({ resident, publicKey: record.space[1], ...kept.value }) : kept;
    },
    deskReplace: (params) => hub.call('desk.replace', params, { deadlineMs: deskWaitMs }),
    async isUnderWay(session, keys) {
      const asked = await hub.call('desk.under-way', { session, keys });
      return asked.ok ? ok(asked.value.underWay) : asked;
    },
    async closeStaff(session) {
      await hub.call('staff.close', { session });
    },
    async drafts(session) {
      const listed = await hub.call('drafts.list', { session });
      return listed.ok ? ok(listed.value.drafts) : listed;
    },
    party,
    issuers: (names) => inParts(names, issuersOf),
    receipt,
    async challenge() {
      const kioskNonce = new Uint8Array(randomBytes(16));
      const answer = await hub.call('challenge.get', { kioskNonce });
      if (!answer.ok) return answer;
      const { keeperNonce, notAfter } = answer.value;
      const nonce = concatBytes(kioskNonce, keeperNonce);
      return ok({ challenge: encodeChallenge({ chain, kiosk: kioskId, purpose: 'sign-in', nonce, notAfter }), notAfter });
    },
    openSpace: (resident, challenge, signature) => hub.call('space.open', { resident, challenge, signature }),
    async closeSpace(session) {
      await hub.call('space.close', { session });
    },
    async asker(name) {
      const read = await light.read([query.party(name)]);
      if (!read.ok) return read;
      const [record] = read.value.records;
      return record?.state === 'active' && record.party === 'agency' ? ok({ ...provenParty(record), purposes: record.purposes }) : fail('hub-refused', 'party-unknown');
    },
    async asks(session) {
      const listed = await hub.call('asks.list', { session });
      return listed.ok ? ok(listed.value.asks) : listed;
    },
    askById: (session, ask) => hub.call('ask.by-id', { session, ask }),
    sayStanding: (standing) => hub.call('kiosk.standing', { kiosk: kioskId, ...standing }),
    kiosksSeen: (session) => hub.call('kiosks.seen', { session }),
    async kioskRecords(ids) {
      const asked = ids.slice(0, mostFiles);
      const read = await light.read(asked.map((id) => query.kiosk(id)));
      return read.ok ? ok(new Map(asked.map((id, i) => [id, read.value.records[i] ?? null]))) : read;
    },
    putHandOff: (session, sealed) => hub.call('hand-off.put', { session, sealed }),
    async handOff(session, code) {
      const found = await hub.call('hand-off.get', { session, code });
      return found.ok ? ok(found.value.sealed) : found;
    },
    dropHandOff: (session, code) => hub.call('hand-off.drop', { session, code }),
    async placeOf(session, code, known) {
      const waitMs = known === undefined ? 0 : placeWaitMs;
      const found = await hub.call('hand-off.place', { session, code, ...(known === undefined ? {} : { known }), waitMs }, { deadlineMs: waitMs + 5000 });
      return found.ok ? ok(found.value.place) : found;
    },
    async handOffUntil(session, code) {
      const found = await hub.call('hand-off.until', { session, code });
      return found.ok ? ok(found.value.until) : found;
    },
    askByCode: (session, code) => hub.call('ask.by-code', { session, code }),
    // The gateway waits for the block before it answers.
    answerAsk: (session, ask, vpToken) => hub.call('ask.answer', { session, ask, vpToken }, { deadlineMs: 15_000 }),
    refuseAsk: (session, ask) => hub.call('ask.refuse', { session, ask }),
    readSpace: (session) => hub.call('space.read', { session }),
    async activity(session, resident) {
      const entries: DoorResult<'activity.list'>['entries'] = [];
      let asked = await light.ask(() => hub.call('activity.list', { session, from: 0 }));
      // Page by page: the last one's head counts, and an empty page ends it, whatever it lacks then.
      while (asked.ok && asked.value.answer.entries.length > 0) {
        entries.push(...asked.value.answer.entries);
        const { record } = asked.value.answer;
        if (record === null || entries.length >= Math.min(mostEntries, decodeRecord('resident', record).chain.count)) break;
        asked = await light.ask(() => hub.call('activity.list', { session, from: entries.length }));
      }
      if (!asked.ok) return asked;
      const { head, answer } = asked.value;
      const chainOf = verifyResidentChain({ subject: resident, entries, record: answer.record, proof: answer.proof }, head.stateRoot, crypto);
      if (!chainOf.ok) return chainOf;
      const signed = decodeHead(answer.head, chain, crypto);
      if (signed === undefined) return fail('head-invalid', 'malformed');
      return ok({
        subject: resident,
        head,
        evidence: { head: signed, record: answer.record, proof: answer.proof },
        entries: entries.map(({ transaction, logIndex, actIndex, act: bytes }, index) => ({ transaction, logIndex, actIndex, bytes, act: chainOf.value[index] as Act })),
      });
    },
    async mutes(session) {
      const listed = await hub.call('mute.list', { session });
      return listed.ok ? ok(listed.value.agencies) : listed;
    },
    mute: (session, agency, muted) => hub.call('mute.set', { session, agency, muted }),
    parties: (names) =>
      inParts(names, async (some) => {
        const read = await light.read(some.map((name) => query.party(name)));
        return read.ok ? ok(read.value.records.flatMap((record) => (record === null ? [] : [provenParty(record)]))) : read;
      }),
    tellBrokenOff: (session, counter) => hub.call('counter.broken-off', { session, counter }),
    async checkKiosk([algorithm, bytes]) {
      const read = await light.read([query.kiosk(kioskId)]);
      if (!read.ok) return read;
      const [record] = read.value.records;
      if (record === null) return fail('kiosk-not-enrolled', 'unknown');
      if (record.state !== 'active') return fail('kiosk-not-enrolled', 'retired');
      return record.key[0] === algorithm && equalBytes(record.key[1], bytes) ? ok(null) : fail('kiosk-not-enrolled', 'key');
    },
    async keeper() {
      if (keeperName === null) {
        const hello = await hub.call('hello', { kiosk: kioskId });
        if (!hello.ok) return hello;
        if (hello.value.chain !== chain) return fail('head-invalid', 'another chain');
        keeperName = hello.value.keeper;
      }
      const named = await party(keeperName);
      // The hub only says its name: an agency in its place could take off both layers of what is sealed to it.
      return !named.ok || named.value.kind === 'keeper' ? named : fail('hub-refused', 'not a keeper');
    },
    async services() {
      const listed = await hub.call('services.list', { known: [...files.values()].map(({ hash }) => hash) });
      if (!listed.ok) return listed;
      for (const hex of [...files.keys()]) if (!listed.value.held.some((hash) => toHex(hash) === hex)) files.delete(hex);
      for (const { definition } of listed.value.services) {
        const hash = crypto.sha256(definition);
        const file = readCatalogueFile(definition);
        if (file !== null && files.size < mostFiles) files.set(toHex(hash), { hash, file });
      }
      const read = [...files.values()].map(({ hash, file }) => ({ hash, file, ...termsOf(file) }));
      const told = listed.value.services.length + listed.value.held.length;
      if (read.length === 0) return ok({ offers: [], bundles: [], refused: told, mark: '' });
      const names = [...new Set(read.map(({ agency }) => agency))];
      const records = await light.read(read.map(({ id }) => query.service(id)));
      if (!records.ok) return records;
      const parties = await light.read(names.map((name) => query.party(name)));
      if (!parties.ok) return parties;
      const agencyOf = (name: Name): ProvenParty | null => {
        const record = parties.value.records[names.indexOf(name)] ?? null;
        return record?.state === 'active' && record.party === 'agency' ? provenParty(record) : null;
      };
      const vouchedFor = read.filter(({ hash, file, agency }, index) => {
        const record = records.value.records[index] ?? null;
        return record !== null && equalBytes(hash, record.definition[1]) && fitsRecord(file, record) && agencyOf(agency) !== null;
      });
      const offers = vouchedFor.flatMap(({ hash, file }): Offer[] => {
        const agency = 'service' in file ? agencyOf(file.service.agency) : null;
        return 'service' in file && agency !== null ? [{ service: file.service, definition: [-16, hash], agency: agency.names, seal: agency.seal }] : [];
      });
      offers.sort(byGroup);
      const bundles = vouchedFor.flatMap(({ file }) => {
        const offer = 'bundle' in file ? bundleOffer(file.bundle, offers) : null;
        return offer === null ? [] : [offer];
      });
      bundles.sort((a, b) => (a.bundle.id < b.bundle.id ? -1 : 1));
      const mark = [...vouchedFor.map(({ hash }) => toHex(hash)), ...names.map((name) => toHex(agencyOf(name)?.seal ?? new Uint8Array(0)))].sort().join(' ');
      return ok({ offers, bundles, refused: told - offers.length - bundles.length, mark });
    },
    async deliver(waiting, waitMs) {
      const submitted = await hub.call('transaction.submit', waiting.submission);
      if (!submitted.ok) return submitted;
      // A refusal may be of the second copy of what stands in the ledger already: the receipt decides.
      const refused = submitted.value.state === 'rejected';
      const proved = await receipt(waiting.transaction, refused ? 0 : waitMs);
      if (!proved.ok) return proved;
      if (proved.value !== null) {
        const { receipt: bytes, at, isWitnessed } = proved.value;
        return ok({ state: isWitnessed ? 'witnessed' : 'recorded', receipt: bytes, at });
      }
      if (refused) return ok(refusal(submitted.value.code));
      const state = await hub.call('transaction.state', { transaction: waiting.transaction });
      if (!state.ok) return state;
      return ok(state.value.state === 'rejected' ? refusal(state.value.code) : null);
    },
    nowSeconds: () => Math.floor(Math.min(now(), light.newest?.timeMs ?? now()) / 1000),
  };
}

/** `expired` is a word of its own for the resident: nobody refused the request, it came too late. */
function refusal(code: string | undefined): Settlement {
  return { state: code === 'expired' ? 'expired' : 'rejected', code: code ?? 'unknown' };
}

const provenParty = ({ id, party, sign, seal, names }: PartyRecord): ProvenParty => ({ id, kind: party, sign, seal: seal[1], names });

/** false: withdrawn, or a file that says other things than its record. */
function fitsRecord(file: CatalogueFile, record: ServiceRecord): boolean {
  const { agency, purpose, version, claims } = termsOf(file);
  const isSame = agency === record.agency && purpose === record.purpose && version === record.version;
  return record.state === 'published' && isSame && claims.every((claim) => record.claims.includes(claim));
}

/** In the order of the six windows, and in each by name. */
const byGroup = ({ service: a }: Offer, { service: b }: Offer): number =>
  serviceGroups.indexOf(a.group) - serviceGroups.indexOf(b.group) || (a.id < b.id ? -1 : 1);
