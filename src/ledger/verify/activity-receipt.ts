import { ok, type Result } from '../../contract/result.ts';
import { openedPartShape } from './act-shapes.ts';
import type { Act, Id, OpenedPart, PrivatePart } from './acts.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Crypto } from './crypto.ts';
import type { SignedHead, Trust, VerifiedHead } from './head.ts';
import { openOrder } from './order.ts';
import { opensAct } from './private-part.ts';
import { receiptFails, type ReceiptFailure } from './receipt.ts';
import { receiptHead, receiptHeadShape, verifyReceiptHead, type ReceiptHead } from './receipt-head.ts';
import { verifyResidentChain, type ChainEntry } from './resident-chain.ts';
import { isBytes, isEither, isInt, isList, isOneOf, isTuple, type Shape } from './shape.ts';

/**
 * Everything that touched a resident up to one head, for a stranger to check offline: these n entries, no fewer. It shows no more of each than the
 * bearer wants: the act's public part always, its private part where it is put in.
 */
export interface ActivityReceipt {
  v: 'activity-1';
  subject: Id;
  /** In the log's order, from the resident's first act on. */
  entries: ActivityEntry[];
  /** The resident's record, encoded; null where nothing ever touched the id. */
  record: Uint8Array | null;
  /** Of the record, or of its absence, under the head's state root (state-proof.ts). */
  proof: Uint8Array;
  logRoot: Uint8Array;
  head: ReceiptHead;
}

/** `opened`: the act's private part, or null where it has none or the bearer does not show it. */
export interface ActivityEntry extends ChainEntry {
  opened: OpenedPart | null;
}

export interface ActivityProof {
  subject: Id;
  entries: { logIndex: number; act: Act; part: PrivatePart | null; /** Unix seconds at which an order in the part was signed (order.ts). */ orderedAt: number | null }[];
  head: VerifiedHead;
}

type CarriedEntry = [logIndex: number, actIndex: number, act: Uint8Array, opened: OpenedPart | null];
type Carried = [v: ActivityReceipt['v'], subject: Id, entries: CarriedEntry[], record: Uint8Array | null, proof: Uint8Array, logRoot: Uint8Array, head: ReceiptHead];

/** A record and a proof of the state are far below this. */
const mostBytes = 65_536;
const mostEntries = 100_000;

const entryShape: Shape<CarriedEntry> = isTuple<CarriedEntry>(
  isInt(0, Number.MAX_SAFE_INTEGER),
  isInt(0, 15),
  isBytes(1, mostBytes),
  isEither(openedPartShape, isOneOf(null)),
);
const activityShape: Shape<Carried> = isTuple<Carried>(
  isOneOf('activity-1'),
  isBytes(16),
  isList(entryShape, 0, mostEntries),
  isEither(isBytes(1, mostBytes), isOneOf(null)),
  isBytes(1, mostBytes),
  isBytes(32),
  receiptHeadShape,
);

/** @param head on which record and proof rest. */
export function encodeActivityReceipt({ subject, entries, record, proof }: Omit<ActivityReceipt, 'v' | 'logRoot' | 'head'>, head: SignedHead, crypto: Crypto): Uint8Array {
  const carried: Carried = [
    'activity-1',
    subject,
    entries.map(({ logIndex, actIndex, act, opened }): CarriedEntry => [logIndex, actIndex, act, opened]),
    record,
    proof,
    head.logRoot,
    receiptHead(head, crypto),
  ];
  return encodeCbor(carried);
}

/** Its form only; `verifyActivityReceipt` says whether to believe it. */
export function decodeActivityReceipt(bytes: Uint8Array): ActivityReceipt | undefined {
  const carried: unknown = decodeCbor(bytes);
  if (!activityShape(carried)) return undefined;
  const [v, subject, entries, record, proof, logRoot, head] = carried;
  return { v, subject, entries: entries.map(([logIndex, actIndex, act, opened]) => ({ logIndex, actIndex, act, opened })), record, proof, logRoot, head };
}

/** `proof-invalid` or `head-invalid`, with the reason as detail. Every byte that is carried has been held against something signed. */
export function verifyActivityReceipt(bytes: Uint8Array, trust: Trust, crypto: Crypto): Result<ActivityProof, ReceiptFailure> {
  const receipt = decodeActivityReceipt(bytes);
  if (receipt === undefined) return receiptFails('not-a-receipt', 'malformed');
  const { subject, entries, record, proof, logRoot } = receipt;
  const head = verifyReceiptHead(receipt.head, logRoot, trust, crypto);
  if (!head.ok) return head;
  const chain = verifyResidentChain({ subject, entries, record, proof }, head.value.stateRoot, crypto);
  if (!chain.ok) return receiptFails('altered', chain.failure.detail ?? chain.failure.fault);
  const shown: ActivityProof['entries'] = [];
  for (const [i, act] of chain.value.entries()) {
    const { logIndex, opened } = entries[i] ?? { logIndex: 0, opened: null };
    if (opened !== null && !('private' in act && opensAct(act, opened, crypto))) return receiptFails('part-altered', `the private part of entry ${i + 1}`);
    shown.push({ logIndex, act, part: opened?.part ?? null, orderedAt: opened === null ? null : orderTime(opened.part, crypto) });
  }
  return ok({ subject, entries: shown, head: head.value });
}

/** Whose key signed it is not known here: only when they say they did. */
function orderTime(part: PrivatePart, crypto: Crypto): number | null {
  if (!('signed' in part) || part.signed === undefined) return null;
  const opened = openOrder(part.signed, crypto);
  return opened.ok ? opened.value.body.at : null;
}
