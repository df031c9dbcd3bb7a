import { credentialType } from '../contract/claims.ts';
import { sameHash } from '../identity/grant.ts';
import { placeName } from '../identity/space.ts';
import type { CredentialAnchor, CredentialPart, CredentialRevoke, Hash, Payment, RequestStep } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import type { Order, OrderKind } from '../ledger/verify/order.ts';
import { stateKey } from '../ledger/verify/records.ts';
import { readRecord } from './ledger-records.ts';
import { soundOrder } from './order-check.ts';
import { must, refuse } from './refusal.ts';
import { concern, openPart, recordedPart, requestPart, takeNamed, type Walk } from './submission-walk.ts';

/** What an agency ordered and the gateway signed: that the two say the same, and that it is the agency's to say. */
export async function checkStep(index: number, act: RequestStep, walk: Walk): Promise<void> {
  const part = await openPart(index, act, walk, true);
  const order = await orderOf(part.signed, 'request.step', part.agency, walk);
  const isSame =
    equalBytes(order.subject, act.subject) &&
    equalBytes(order.request, act.id) &&
    order.step === act.step &&
    order.decision === part.decision &&
    sameOrNone(order.letter, part.letter, sameHash) &&
    sameOrNone(order.payment, part.payment, samePayment);
  if (!isSame || (act.step === 'decided') !== (part.decision !== undefined)) refuse('order-mismatch');
  const submitted = await requestPart(act.subject, act.id, walk);
  // Another agency's request is as unknown as none.
  if (submitted.agency !== part.agency) refuse('request-unknown');
  if (part.letter !== undefined) takeNamed(walk, index, act, 'letter', 'space', placeName({ kind: 'letter', transaction: walk.transaction, act: index }), part.letter);
  concern(walk, index, act, part.agency, { step: act.step });
}

/** By the registrar in its own name, or by the gateway, which carries the issuer's order. */
export async function checkCredential(index: number, act: CredentialAnchor, walk: Walk): Promise<void> {
  const part: CredentialPart = await openPart(index, act, walk, false);
  if (part.signed === undefined) {
    if (!isOwnAct(part.issuer, walk)) refuse('signer-role');
  } else {
    const order = await orderOf(part.signed, 'credential.issue', part.issuer, walk);
    const isSame = equalBytes(order.subject, act.subject) && equalBytes(order.credential, act.id) && order.vct === part.vct && order.status === act.status && sameHash(order.hash, part.credential);
    if (!isSame) refuse('order-mismatch');
    // Each type is one issuer's: who somebody is says the register alone, and no agency takes another's credential's place in a space.
    const issuer = credentialType(part.vct)?.issuer;
    if (issuer === undefined || issuer === 'registrar' || issuer.agency !== part.issuer) refuse('signer-role');
    concern(walk, index, act, part.issuer);
  }
  walk.bundle.take(index, act, 'credential', 'space', placeName({ kind: 'credential', vct: part.vct, number: act.status }));
}

export async function checkRevocation(index: number, act: CredentialRevoke, walk: Walk): Promise<void> {
  const part = await openPart(index, act, walk, false);
  if (part.signed === undefined) {
    if (!isOwnAct(part.issuer, walk)) refuse('signer-role');
  } else {
    const order = await orderOf(part.signed, 'credential.revoke', part.issuer, walk);
    if (!equalBytes(order.subject, act.subject) || !equalBytes(order.credential, act.id) || order.vct !== part.vct || order.reason !== part.reason) refuse('order-mismatch');
    concern(walk, index, act, part.issuer);
  }
  const anchored = await recordedPart(act.subject, act.id, 'credential.anchor', walk.keeper);
  if (anchored?.issuer !== part.issuer || anchored.vct !== part.vct) refuse('credential-unknown');
  const record = must(await readRecord(walk.keeper.ledger, 'credential', stateKey.credential(act.id))) ?? refuse('credential-unknown');
  walk.removals.push({ subject: act.subject, place: placeName({ kind: 'credential', vct: part.vct, number: record.status }) });
}

/** The order inside, which nobody carries out a second time. */
async function orderOf<K extends OrderKind>(signed: Uint8Array, kind: K, party: string, { keeper, once, now }: Walk): Promise<Extract<Order, { kind: K }>> {
  const { order, nonce } = await soundOrder(signed, [kind], keeper, now);
  if (order.party !== party) refuse('addressee-mismatch');
  once.push(nonce);
  return order;
}

const isOwnAct = (issuer: string, { owners }: Walk): boolean => owners.some((owner) => 'party' in owner && owner.party === issuer);

const sameOrNone = <T extends Hash | Payment>(a: T | undefined, b: T | undefined, same: (a: T, b: T) => boolean): boolean => (a === undefined || b === undefined ? a === b : same(a, b));

const samePayment = (a: Payment, b: Payment): boolean => a.reference === b.reference && a.amountFen === b.amountFen;
