import { z } from 'zod';
import { closedReasons } from './closure.ts';
import { identityClaims } from './claims.ts';

/**
 * What a kiosk says to its hub and back. Frames on a Unix socket, or over TLS 1.3 (ALPN `imi/door/1`): u32 BE length, then deterministic CBOR.
 * A request is `{id, method, params}`, an answer `{id, ok: true, result}` or `{id, ok: false, code, detail?}` with a code of `failures.ts` or `rejections`.
 * Over TLS a kiosk says `hello` first, under id 0, and is in when it is answered; it says it again when it has heard nothing for a while.
 * A failure under id 0 is the hub's last word before it closes: nothing of what came could be told apart, or this kiosk may not, or no longer, come in.
 * A kiosk that is set up, and that no ledger knows yet, speaks `imi/setup/1` instead: it may read what is proved and have itself enrolled, and nothing else.
 * The kiosk believes none of it: heads, states and receipts are verified, services are held against their hash on the ledger.
 */
export const doorFrameLimitBytes = 1024 * 1024;

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'bytes');
const id16 = bytes.refine((b) => b.length === 16, 'id: 16 bytes');
const agencyName = z.string().regex(/^[a-z0-9][a-z0-9./_-]{2,79}$/);
const key32 = bytes.refine((b) => b.length === 32, 'key: 32 bytes');
const hash32 = bytes.refine((b) => b.length === 32, 'hash: 32 bytes');

/** A ciphertext that goes along with a transaction and is stored before the transaction is taken. */
export const payloadSchema = z.strictObject({
  /** Index of the act that it belongs to. */
  act: z.int().min(0).max(15),
  /** `part`: the private part with its salt. `grant`: the presentations, to the agency inside, to the keeper outside. `answers`: what was typed, to the agency. `self`: the new map of typed facts, to the data space. */
  what: z.enum(['part', 'grant', 'answers', 'self']),
  to: z.enum(['space', 'keeper', 'agency']),
  sealed: bytes,
});
export type Payload = z.infer<typeof payloadSchema>;

export const submissionSchema = z.strictObject({ envelope: bytes, payloads: z.array(payloadSchema).max(64) });
export type Submission = z.infer<typeof submissionSchema>;

/** `queued`: the hub has it on disk. `witnessed`: recorded, and outsiders have cosigned it. A `rejected` one carries a code of `rejectionCodes`, or the keeper's refusal. */
export const submissionStateSchema = z.strictObject({
  state: z.enum(['unknown', 'queued', 'recorded', 'witnessed', 'rejected']),
  code: z.string().optional(),
  height: z.int().optional(),
  /** The keeper's signed note of what it has kept of this transaction (ledger/verify/storage-receipt.ts), for whoever brought it. */
  receipt: bytes.optional(),
});
export type SubmissionState = z.infer<typeof submissionStateSchema>;

export const spaceObjectSchema = z.strictObject({
  /**
   * `credential/<vct>/<n>`, `self`, `part/<transaction id, hex>/<act>`, `letter/<transaction id, hex>/<act>`. What was there when the card was replaced
   * for the n-th time stands under `former/<n>/` from then on, and under `former/<n>/key` the key that opens it, where it was handed on.
   */
  name: z.string(),
  sealed: bytes,
  /** Unix seconds of the block that it came with. */
  at: z.int(),
});
export type SpaceObject = z.infer<typeof spaceObjectSchema>;

const askSchema = z.strictObject({ id: id16, signed: z.string().max(4096) });
/** A look under a sealed case: the private part of this act of this transaction is given out when the case is unsealed, due at `opensAt`, Unix seconds. */
const withheldSchema = z.strictObject({ transaction: hash32, act: z.int().min(0).max(15), opensAt: z.int() });
export type Withheld = z.infer<typeof withheldSchema>;

export const doorMethods = {
  hello: {
    params: z.strictObject({ kiosk: z.string() }),
    result: z.strictObject({ chain: z.string(), hub: z.string(), keeper: z.string() }),
  },
  /** The hub's public file, as JSON: for whoever is set up and has of this hub its address and pin alone. Believed as far as the pin is. */
  'hub.file': { params: z.strictObject({}), result: z.strictObject({ file: z.string().max(256 * 1024) }) },
  /** The newest signed head, with what a light client needs (ledger/verify/head.ts). */
  'head.get': { params: z.strictObject({}), result: z.strictObject({ head: bytes }) },
  /** A header with its commit and set (ledger/verify/light-block.ts), for the steps between two heads whose sets differ; null: the hub has it no more. */
  'block.get': { params: z.strictObject({ height: z.int().min(1) }), result: z.strictObject({ block: bytes.nullable() }) },
  /** RFC 9162 §2.1.4.1: that the log of `second` entries begins with the one of `first`. null: it is not that long. */
  'log.consistency': {
    params: z.strictObject({ first: z.int().min(1), second: z.int().min(1) }),
    result: z.strictObject({ path: z.array(hash32).max(128).nullable() }),
  },
  /** Values with inclusion or absence proofs, all against one signed head. */
  'state.get': {
    params: z.strictObject({ keys: z.array(bytes).min(1).max(64) }),
    result: z.strictObject({ head: bytes, entries: z.array(z.strictObject({ value: bytes.nullable(), proof: bytes })) }),
  },
  /** What is published and not withdrawn. `known`: SHA-256 of files that the kiosk has; of these only the hashes come back, in `held`. */
  'services.list': {
    params: z.strictObject({ known: z.array(hash32).max(64).optional() }),
    result: z.strictObject({ services: z.array(z.strictObject({ id: z.string(), definition: bytes })), held: z.array(hash32) }),
  },
  /** An issuer's newest Token Status List, as it was signed. null: there is none, or the hub does not have it. */
  'status.get': { params: z.strictObject({ issuer: z.string().max(80) }), result: z.strictObject({ list: bytes.nullable() }) },
  /** The keeper's half of a challenge; the kiosk's half is its own, so both are sure that it is fresh. nonce32 = kiosk16 ‖ keeper16. */
  'challenge.get': { params: z.strictObject({ kioskNonce: id16 }), result: z.strictObject({ keeperNonce: id16, notAfter: z.int() }) },
  /** The challenge as signed (verify/challenge.ts) and the AUT key's signature: opens the sealed data space to this visit. */
  'space.open': {
    params: z.strictObject({ resident: id16, challenge: bytes, signature: bytes }),
    result: z.strictObject({
      session: id16,
      /** The space's private key, wrapped to the card's DEC key (HPKE base mode). */
      wrappedKey: z.strictObject({ enc: bytes, ciphertext: bytes }),
      objects: z.array(spaceObjectSchema),
      withheld: z.array(withheldSchema),
      /** Counter values that hub and keeper know of and that the ledger does not hold: queued, rejected, broken off. */
      knownCounters: z.array(z.int()),
      /** When this resident last opened the space, Unix seconds. */
      lastOpened: z.int().nullable(),
    }),
  },
  /** What agencies ask of this resident, the oldest first: each the request object as it was signed (identity/ask.ts), to be verified by the kiosk. */
  'asks.list': { params: z.strictObject({ session: id16 }), result: z.strictObject({ asks: z.array(askSchema).max(32) }) },
  /** The one whose short code was typed. null: there is none, it is over, or it is another's; `triesLeft` in this visit. */
  'ask.by-code': { params: z.strictObject({ session: id16, code: z.string().max(20) }), result: z.strictObject({ ask: askSchema.nullable(), triesLeft: z.int().min(0) }) },
  /** The one that a scanned code leads to. null: as above. Its name of 128 bits is not guessed, so nobody counts. */
  'ask.by-id': { params: z.strictObject({ session: id16, ask: id16 }), result: z.strictObject({ ask: askSchema.nullable() }) },
  /** `refused`: a code of `answerRefusalCodes`, or of the ledger's or keeper's refusals. */
  'ask.answer': {
    params: z.strictObject({ session: id16, ask: id16, vpToken: z.string().max(64 * 1024) }),
    result: z.union([z.strictObject({ transaction: hash32.nullable() }), z.strictObject({ refused: z.string().max(60) })]),
  },
  /** Kept with the ask, and nowhere else. */
  'ask.refuse': { params: z.strictObject({ session: id16, ask: id16 }), result: z.union([z.strictObject({}), z.strictObject({ refused: z.string().max(60) })]) },
  /** What lies in the space by now: more than at its opening, where somebody looked or answered since. */
  'space.read': { params: z.strictObject({ session: id16 }), result: z.strictObject({ objects: z.array(spaceObjectSchema), withheld: z.array(withheldSchema) }) },
  /** A signature that the card made or may have made and that never came to anything. */
  'counter.broken-off': { params: z.strictObject({ session: id16, counter: z.int() }), result: z.strictObject({}) },
  /**
   * All that touched this resident, from its own entry number `from` on, up to 1000 of them: what verify/resident-chain.ts takes, with the transaction of each.
   * The record's chain says how many there are. Several pages are read up to that number; the last one's head and proof are those that count.
   */
  'activity.list': {
    params: z.strictObject({ session: id16, from: z.int().min(0).default(0) }),
    result: z.strictObject({
      head: bytes,
      record: bytes.nullable(),
      proof: bytes,
      entries: z.array(z.strictObject({ logIndex: z.int().min(0), actIndex: z.int().min(0).max(255), transaction: hash32, act: bytes })).max(1000),
    }),
  },
  /** Asks of a muted agency are not shown to the resident. What it gets because of a grant or a request is another matter. */
  'mute.set': { params: z.strictObject({ session: id16, agency: agencyName, muted: z.boolean() }), result: z.strictObject({}) },
  'mute.list': { params: z.strictObject({ session: id16 }), result: z.strictObject({ agencies: z.array(z.string()) }) },
  /**
   * All of the data space, as it lies with the keeper: from the object behind `after` on (empty: the first), `next` to go on; null: that was all.
   * The key comes wrapped to the card and to the recovery slip. What the ledger has of the resident is `activity.list`.
   */
  'space.export': {
    params: z.strictObject({ session: id16, after: z.string().max(400).default('') }),
    result: z.strictObject({
      resident: id16,
      wrappedKey: z.strictObject({ enc: bytes, ciphertext: bytes }),
      recoveryKey: z.strictObject({ enc: bytes, ciphertext: bytes }),
      objects: z.array(spaceObjectSchema),
      next: z.string().nullable(),
    }),
  },
  /** A kiosk says whether residents are served there, at each change and every minute: for the staff at the hub's other kiosks, and believed by nobody else. `unfit`: the kiosk itself says why, on its screen. */
  'kiosk.standing': { params: z.strictObject({ kiosk: agencyName, standing: z.enum(['open', 'closed', 'unfit']), reason: z.enum(closedReasons).nullable() }), result: z.strictObject({}) },
  /** What kiosks have said, for staff. `since`: when this hub was started; `at`: when it was said; Unix seconds. */
  'kiosks.seen': {
    params: z.strictObject({ session: id16 }),
    result: z.strictObject({ since: z.int(), kiosks: z.array(z.strictObject({ kiosk: z.string(), standing: z.enum(['open', 'closed', 'unfit']), reason: z.enum(closedReasons).nullable(), at: z.int() })).max(256) }),
  },
  /** A matter that is gone on with elsewhere, sealed to the data space of the session's resident: good for 24 hours. */
  'hand-off.put': { params: z.strictObject({ session: id16, sealed: bytes.refine((b) => b.length <= 64 * 1024, 'too long') }), result: z.strictObject({ code: z.string().max(12), /** Unix seconds. */ until: z.int() }) },
  /** null: there is none of this code, it is over, or it is another resident's. */
  'hand-off.get': { params: z.strictObject({ session: id16, code: z.string().max(20) }), result: z.strictObject({ sealed: bytes.nullable() }) },
  /**
   * Its number in the hall's queue, drawn where it has none, and the counter that it was called to. `known`: the counter that the kiosk knows of (null: none),
   * so that the answer waits up to `waitMs` for another. null: this hub has no queue, or the matter is none.
   */
  'hand-off.place': {
    params: z.strictObject({ session: id16, code: z.string().max(20), known: z.string().max(3).nullable().optional(), waitMs: z.int().min(0).max(10_000).default(0) }),
    result: z.strictObject({ place: z.strictObject({ ticket: z.string().max(8), counter: z.string().max(3).nullable() }).nullable() }),
  },
  'hand-off.drop': { params: z.strictObject({ session: id16, code: z.string().max(20) }), result: z.strictObject({}) },
  /** For staff: until when the code is good, Unix seconds, and no word of whose or what it is; null: it is not. */
  'hand-off.until': { params: z.strictObject({ session: id16, code: z.string().max(20) }), result: z.strictObject({ until: z.int().nullable() }) },
  'space.close': { params: z.strictObject({ session: id16 }), result: z.strictObject({}) },
  /** The challenge as signed, of the same two halves, and the answer of a staff card's AUT key: a session for staff, 16 bytes. */
  'staff.open': { params: z.strictObject({ staff: id16, challenge: bytes, signature: bytes }), result: z.strictObject({ session: id16, /** Name of the registrar's party, which the kiosk proves. */ registrar: z.string() }) },
  'staff.close': { params: z.strictObject({ session: id16 }), result: z.strictObject({}) },
  /** Drafts that wait for another signature and concern the session's party. What is signed stays with the hub; this is enough to know of it. */
  'drafts.list': {
    params: z.strictObject({ session: id16 }),
    result: z.strictObject({
      drafts: z.array(
        z.strictObject({
          /** Transaction id of what is being signed. */
          id: hash32,
          /** Of the first act. */
          kind: z.string(),
          /** Who has signed. */
          signed: z.array(z.strictObject({ staff: id16, party: z.string() })),
          /** Unix seconds. */
          until: z.int(),
        }),
      ).max(64),
    }),
  },
  /**
   * The signed order of the session's own staff (ledger/verify/order.ts), the number and the salt that its hash was made of. null: the district knows nobody
   * of that number. Whoever was found reads who asked and why; what was not found stands in the registrar's journal.
   */
  'desk.look-up': {
    params: z.strictObject({ session: id16, order: bytes, number: z.string().min(1).max(40), salt: id16 }),
    result: z.strictObject({ resident: id16.nullable() }),
  },
  /**
   * A `resident.register` that the session's staff and the new card have signed, with what its resident gets once it is recorded: the space's key, wrapped twice, and
   * a credential of these facts. Idempotent by the transaction's id. `recorded` is said when all of it is done.
   */
  'desk.register': {
    params: z.strictObject({
      session: id16,
      envelope: bytes,
      wrapped: z.strictObject({ enc: bytes, ciphertext: bytes }),
      recovery: z.strictObject({ enc: bytes, ciphertext: bytes }),
      facts: z.partialRecord(z.enum(identityClaims), z.string().min(1).max(200)),
      /** The card's admin PIN, sealed to the registrar. */
      adminPin: bytes,
    }),
    result: submissionStateSchema,
  },
  /** What the new key of a resident's space is made of, when a card is replaced: the key as wrapped to the slip, and those before it that were handed on. */
  'desk.recovery': {
    params: z.strictObject({ session: id16, resident: id16 }),
    result: z.strictObject({
      recovery: z.strictObject({ enc: bytes, ciphertext: bytes }),
      formers: z.array(z.strictObject({ number: z.int().min(1), sealed: bytes })).max(999),
      /** How often the card was replaced so far. */
      replaced: z.int().min(0),
    }),
  },
  /** A `resident.replace`, signed by two members of staff and the new card, of whom one brings it; as `desk.register`, with the new key of the space for the keeper. */
  'desk.replace': {
    params: z.strictObject({
      session: id16,
      envelope: bytes,
      replacement: bytes,
      facts: z.partialRecord(z.enum(identityClaims), z.string().min(1).max(200)),
      adminPin: bytes,
    }),
    result: submissionStateSchema,
  },
  /**
   * Whether a card with one of these keys is under way: its registration or replacement is on the hub's disk, and not all of it is done. The ledger may not
   * have the keys for as long, so a kiosk that did not bring it asks before it wipes a card.
   */
  'desk.under-way': { params: z.strictObject({ session: id16, keys: z.array(key32).min(1).max(3) }), result: z.strictObject({ underWay: z.boolean() }) },
  /**
   * A draft (verify/draft.ts) of one `kiosk.enrol` or `kiosk.retire` that a technician of this hub has signed: the hub adds its own signature and takes it.
   * Whoever is set up enrols its own key, and a kiosk retires itself; who is on the hub's machine does either for any kiosk. `hub-refused`, with what is wrong with it.
   */
  'kiosk.countersign': { params: z.strictObject({ draft: bytes }), result: submissionStateSchema },
  /** Idempotent by the transaction's id. `queued` is said after fsync, `recorded` after the block that holds it is committed. */
  'transaction.submit': { params: submissionSchema, result: submissionStateSchema },
  'transaction.state': { params: z.strictObject({ transaction: hash32 }), result: submissionStateSchema },
  /** The receipt without private parts (the hub has none in the clear); the kiosk adds those it knows. Waits up to waitMs for the block. */
  'transaction.receipt': {
    params: z.strictObject({ transaction: hash32, waitMs: z.int().min(0).max(10_000) }),
    result: z.strictObject({ receipt: bytes.nullable() }),
  },
} as const;

export type DoorMethod = keyof typeof doorMethods;
export type DoorParams<M extends DoorMethod> = z.infer<(typeof doorMethods)[M]['params']>;
export type DoorResult<M extends DoorMethod> = z.infer<(typeof doorMethods)[M]['result']>;
