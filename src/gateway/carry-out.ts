import type { ProblemCode } from '../contract/failures.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { sealTo } from '../identity/sealing.ts';
import { hmacSha256 } from '../identity/symmetric.ts';
import type { Incoming } from '../keeper/submission-check.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Act, Body, Name, OpenedPart, PrivatePart } from '../ledger/verify/acts.ts';
import { u64 } from '../ledger/verify/bytes.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { openEnvelope, signEnvelope, type Signer } from '../ledger/verify/envelope.ts';
import { openOrder, type OpenedOrder, type Order, type OrderKind } from '../ledger/verify/order.ts';
import { commitPart, encodeOpenedPart } from '../ledger/verify/private-part.ts';
import { decodeRecord, stateKey, type RecordKind, type Records } from '../ledger/verify/records.ts';
import type { AgencyKeeper } from './keeper-port.ts';
import type { Caller } from './route.ts';

export interface CarryingParts {
  ledger: Pick<Ledger, 'chain' | 'values' | 'receipt' | 'state'>;
  keeper: Pick<AgencyKeeper, 'take'>;
  keeperName: Name;
  party: { name: Name; signer: Signer };
  /** Nonces and salts come of it and of the order, so that the same order is always the same transaction. */
  nonceKey: Uint8Array;
  crypto: Crypto;
}

type Payload = Incoming['payloads'][number];
type Refused = Failure<ProblemCode>;

/** An order as it came, of the kind that this route carries out. */
export interface ReadOrder<K extends OrderKind> {
  signed: Uint8Array;
  opened: OpenedOrder;
  order: Extract<Order, { kind: K }>;
}

/** Only its form, and that it is the caller's own: everything else is for the keeper to check, before anything of it is kept. */
export function readOrder<K extends OrderKind>(signed: Uint8Array | undefined, kind: K, caller: Caller | null, crypto: Crypto): Result<ReadOrder<K>, Refused> {
  if (signed === undefined) return fail('call-malformed', 'body: order');
  const opened = openOrder(signed, crypto);
  if (!opened.ok) return opened;
  const { order } = opened.value.body;
  if (order.kind !== kind) return fail('act-unknown');
  if (order.party !== caller?.name) return fail('addressee-mismatch');
  return ok({ signed, opened: opened.value, order: order as Extract<Order, { kind: K }> });
}

/** One act that an order asks for, and what goes along with it beside the copies of its part. */
export interface OrderedAct {
  act: (commitment: { private: ReturnType<typeof commitPart> }) => Act;
  part: PrivatePart;
  /** Besides the resident and the keeper, the agency gets a copy of the part. */
  toAgency: boolean;
  along: Omit<Payload, 'act'>[];
}

export interface Carried {
  transaction: Uint8Array;
  state: 'recorded' | 'queued';
}

/** Long enough for a block; who waits longer asks for the receipt. */
const recordWaitMs = 8000;

/**
 * Makes the public acts of orders about one resident, all or none, signs them as the gateway, and has the keeper check and keep them. The same orders are the same
 * transaction, whenever they come: carried out once, answered alike.
 */
export async function carryOut(acts: readonly OrderedAct[], orders: readonly Pick<ReadOrder<never>, 'opened'>[], caller: Caller, subject: Uint8Array, parts: CarryingParts): Promise<Result<Carried, Refused>> {
  const { ledger, party, crypto } = parts;
  const keeperRecord = await recordOf('party', stateKey.party(parts.keeperName), ledger);
  if (!keeperRecord.ok) return keeperRecord;
  const resident = await recordOf('resident', stateKey.resident(subject), ledger);
  if (!resident.ok) return resident;
  if (resident.value === null || keeperRecord.value === null) return fail('request-unknown');
  const sealKeys = { space: resident.value.space[1], keeper: keeperRecord.value.seal[1], agency: caller.record.seal[1] };
  const derived = (what: string, index: number): Uint8Array => hmacSha256(parts.nonceKey, what, u64(index), ...orders.map(({ opened }) => opened.id)).slice(0, 16);
  const salted = acts.map((ordered, index) => ({ ...ordered, opened: { salt: derived('salt', index), part: ordered.part } satisfies OpenedPart }));
  const body: Body = {
    v: 1,
    chain: ledger.chain,
    nonce: derived('nonce', 0),
    notAfter: Math.min(...orders.map((order) => order.opened.body.notAfter)),
    acts: salted.map(({ act, opened: { salt, part } }) => act({ private: commitPart(salt, part, crypto) })),
  };
  const payloads = salted.flatMap(({ toAgency, along, opened }, act): Payload[] => {
    const copy = encodeOpenedPart(opened);
    const addressees = toAgency ? (['space', 'keeper', 'agency'] as const) : (['space', 'keeper'] as const);
    return [...addressees.map((to): Payload => ({ act, what: 'part', to, sealed: sealTo(sealKeys[to], 'part', subject, copy) })), ...along.map((payload): Payload => ({ ...payload, act }))];
  });
  const envelope = await signEnvelope(body, [party.signer], crypto);
  return submitted({ envelope, payloads }, parts);
}

/** Gives a transaction to the keeper and waits for its block. */
export async function submitted(incoming: Incoming, { ledger, keeper, crypto }: Pick<CarryingParts, 'ledger' | 'keeper' | 'crypto'>): Promise<Result<Carried, Refused>> {
  const opened = openEnvelope(incoming.envelope, crypto);
  if (!opened.ok) return opened;
  const transaction = opened.value.id;
  const taken = await keeper.take(incoming);
  if (!taken.ok) return taken;
  if (taken.value.state === 'rejected') return { ok: false, failure: { code: (taken.value.code ?? 'hub-refused') as ProblemCode } };
  const receipt = await ledger.receipt(transaction, recordWaitMs);
  if (!receipt.ok) return receipt;
  if (receipt.value !== null) return ok({ transaction, state: 'recorded' });
  const state = await ledger.state(transaction);
  if (state.ok && state.value.state === 'rejected') return fail(state.value.code);
  return ok({ transaction, state: 'queued' });
}

export async function recordOf<K extends RecordKind>(kind: K, key: Uint8Array, ledger: Pick<Ledger, 'values'>): Promise<Result<Records[K] | null>> {
  const values = await ledger.values([key]);
  if (!values.ok) return values;
  const [value] = values.value;
  return ok(value === null || value === undefined ? null : decodeRecord(kind, value));
}

/** Why an order is not carried out, whatever its kind. */
export const orderRefusals: readonly ProblemCode[] = [
  'envelope-malformed',
  'body-malformed',
  'algorithm-unknown',
  'act-unknown',
  'chain-wrong',
  'addressee-mismatch',
  'order-mismatch',
  'signature-invalid',
  'signer-unknown',
  'signer-revoked',
  'signer-expired',
  'signer-role',
  'party-unknown',
  'party-inactive',
  'order-too-early',
  'not-after-too-far',
  'expired',
  'nonce-spent',
];

/** Beside them, why keeper or ledger refuse the transaction that would come of it. */
export const carryRefusals: readonly ProblemCode[] = [
  ...orderRefusals,
  'payload-mismatch',
  'payload-missing',
  'payload-superfluous',
  'payload-too-large',
  'subject-unknown',
  'subject-inactive',
  'transaction-known',
  'id-taken',
  'request-unknown',
  'hub-refused',
];
