import type { Id, StaffRole } from '../ledger/verify/acts.ts';
import { concatBytes, utf8 } from '../ledger/verify/bytes.ts';
import { verifiedBeside, type Crypto } from '../ledger/verify/crypto.ts';
import { longestOrderSeconds, openOrder, type Order, type OrderKind } from '../ledger/verify/order.ts';
import { stateKey, type PartyRecord, type StaffRecord } from '../ledger/verify/records.ts';
import { readRecord, readRecords, type LedgerView } from './ledger-records.ts';
import { must, refuse } from './refusal.ts';
import type { UsedOnce } from './store.ts';

/** An order that may be carried out, as far as its form, its signature and its time go. */
export interface SoundOrder<K extends OrderKind = OrderKind> {
  id: Uint8Array;
  order: Extract<Order, { kind: K }>;
  /** Who signed: somebody of the party, or null for the party's own key. */
  staff: Id | null;
  notAfter: number;
  /** Its nonce, which no other order of this key may have had. */
  nonce: UsedOnce;
}

/** The clock of whoever signs may be ahead of ours by this much. */
const clockSkewSeconds = 300;

/** `self`: the party's own key may sign too. */
const signers: Record<OrderKind, { roles: readonly StaffRole[]; self: boolean }> = {
  'grant.read': { roles: ['officer'], self: false },
  'case.read': { roles: ['auditor'], self: false },
  'request.step': { roles: ['officer'], self: true },
  'credential.issue': { roles: ['officer'], self: true },
  'credential.revoke': { roles: ['officer'], self: true },
  'index.lookup': { roles: ['registrar', 'staff'], self: false },
};

/**
 * For a walk (refusal.ts). Refuses what is malformed or of another kind or chain, a signature that is not good, a key that the ledger does not take,
 * a signer who is not of the order's party or of another role, a party that is suspended, and what is too early, too late or lasts too long.
 *
 * @param now Unix seconds.
 */
export async function soundOrder<K extends OrderKind>(signed: Uint8Array, kinds: readonly K[], { ledger, crypto }: { ledger: LedgerView; crypto: Crypto }, now: number): Promise<SoundOrder<K>> {
  const opened = openOrder(signed, crypto);
  if (!opened.ok) return refuse(opened.failure.code);
  const { id, body, signer } = opened.value;
  const { order } = body;
  if (!isOneOf(order, kinds)) return refuse('act-unknown');
  if (body.chain !== ledger.chain) refuse('chain-wrong');

  const key = must(await readRecord(ledger, 'key', stateKey.key(signer.kid))) ?? refuse('signer-unknown');
  if (key.key[0] !== signer.alg || !(await verifiedBeside(crypto, key.key, signer.input, signer.signature))) refuse('signature-invalid');
  if (key.state !== 'active') refuse('signer-revoked');
  const { roles, self } = signers[order.kind];
  const staff = 'staff' in key.owner ? key.owner.staff : null;
  const { person: found, party } = must(
    await readRecords(ledger, { party: ['party', stateKey.party(order.party)], ...(staff === null ? {} : { person: ['staff', stateKey.staff(staff)] as const }) }),
  ) as { person?: StaffRecord | null; party: PartyRecord | null };
  if (staff !== null) {
    const person = found ?? refuse('signer-unknown');
    if (person.state !== 'active') refuse('signer-revoked');
    if (person.until <= now) refuse('signer-expired');
    if (key.use !== 'sig' || person.party !== order.party || !roles.includes(person.role)) refuse('signer-role');
  } else if (!self || !('party' in key.owner) || key.owner.party !== order.party || key.use !== 'sign') {
    refuse('signer-role');
  }
  if (party === null) refuse('party-unknown');
  if (party?.state !== 'active') refuse('party-inactive');

  if (body.notAfter - body.at > longestOrderSeconds) refuse('not-after-too-far');
  if (body.at > now + clockSkewSeconds) refuse('order-too-early');
  if (body.notAfter < now || body.notAfter < body.at) refuse('expired');
  const nonce = { name: crypto.sha256(concatBytes(utf8('imi/order-nonce/1'), signer.kid, body.nonce)), order: id, until: body.notAfter };
  return { id, order, staff, notAfter: body.notAfter, nonce };
}

const isOneOf = <K extends OrderKind>(order: Order, kinds: readonly K[]): order is Extract<Order, { kind: K }> => (kinds as readonly OrderKind[]).includes(order.kind);

/** An access id as a name of what happens once. */
export const onceName = (access: Id, crypto: Crypto): Uint8Array => crypto.sha256(concatBytes(utf8('imi/access/1'), access));
