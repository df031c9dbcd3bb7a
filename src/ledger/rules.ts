import type { RejectionCode } from '../contract/failures.ts';
import { fail, never, ok, type Failure, type Result } from '../contract/result.ts';
import { accessLookup, accessRecord } from './rules/access.ts';
import { credentialAnchor, credentialRevoke, factsKeep, grantEnd, grantGive, requestStep, requestSubmit, requestWithdraw, verificationAnswer } from './rules/activity.ts';
import { caseClose, caseOpen, caseUnseal } from './rules/cases.ts';
import { reject, secondsADay, type ActContext, type Rejection } from './rules/context.ts';
import { kioskEnrol, kioskRetire, recordAttestation } from './rules/kiosks.ts';
import { partyEnrol, partyRetire, partyRotate, partySuspend, staffEnrol, staffRetire } from './rules/parties.ts';
import { residentBlock, residentRegister, residentReplace, residentRetire } from './rules/residents.ts';
import { servicePublish, serviceWithdraw, statusPublish } from './rules/services.ts';
import { matchSigners, type Demand, type KnownSigner } from './rules/signers.ts';
import { validatorSet } from './rules/validators.ts';
import { StateDraft, type StateChange, type StateView } from './state.ts';
import type { Act, Body, Id, PublicKey } from './verify/acts.ts';
import { equalBytes } from './verify/bytes.ts';
import { encodeCbor } from './verify/cbor.ts';
import type { Crypto } from './verify/crypto.ts';
import { keyId, openEnvelope, type EnvelopeSigner, type OpenedEnvelope } from './verify/envelope.ts';
import { isSoundKey } from './verify/key-soundness.ts';
import type { PartyRecord } from './verify/records.ts';
import { extendChain } from './verify/resident-chain.ts';

/** Where in the chain a transaction is judged. */
export interface Place {
  chain: string;
  height: number;
  /** The block's time, Unix seconds. */
  time: number;
  /** That the transaction will have in the log. */
  logIndex: number;
}

export interface Accepted {
  id: Uint8Array;
  body: Body;
  /** What it changes, over the view that it was judged on. */
  draft: StateDraft;
  readonly changes: StateChange[];
}

const longestNotAfterSeconds = 30 * secondsADay;

/** The rules of transactions.md: (state, transaction, block time) → changes, or a rejection that changes nothing. Pure; every node comes to the same. */
export function judge(view: StateView, envelope: Uint8Array, place: Place, crypto: Crypto): Result<Accepted, Failure<RejectionCode>> {
  const opened = openEnvelope(envelope, crypto);
  return opened.ok ? judgeOpened(view, opened.value, place, { crypto, isSoundKey }) : opened;
}

/** The same of an envelope whose form is known to be good. Only what seeds a ledger to measure it hands in other checks. */
export function judgeOpened(
  view: StateView,
  opened: OpenedEnvelope,
  { chain, height, time, logIndex }: Place,
  { crypto, isSoundKey: isSound }: Pick<ActContext, 'crypto' | 'isSoundKey'>,
): Result<Accepted, Failure<RejectionCode>> {
  const { id, body } = opened;
  if (body.chain !== chain) return fail('chain-wrong', body.chain);
  if (body.notAfter < time) return fail('expired');
  if (body.notAfter > time + longestNotAfterSeconds) return fail('not-after-too-far');
  const draft = new StateDraft(view);
  if (draft.read('tx', id) !== undefined) return fail('transaction-known');
  const context: ActContext = { draft, crypto, isSoundKey: isSound, chain, height, time };
  const signers = knownSigners(opened, context);
  if (!signers.ok) return signers;

  const refused =
    checkSigners(body, signers.value, context) ??
    applyActs(body.acts, signers.value, logIndex, context) ??
    recordCounter(body, signers.value, draft);
  if (refused !== null) return { ok: false, failure: refused };
  if (body.kiosk !== undefined) recordAttestation(body.kiosk, logIndex, context);
  draft.write('tx', { notAfter: body.notAfter, height, index: logIndex }, id);
  return ok({
    id,
    body,
    draft,
    get changes() {
      return draft.changes();
    },
  });
}

/** Acts of a genesis: nobody signs them, everything else holds. */
export function applyUnsigned(acts: readonly Act[], context: ActContext): Rejection | null {
  for (const act of acts) {
    const refused = applyAct(act, [], context);
    if (refused !== null) return refused;
  }
  return null;
}

function knownSigners({ body, signers }: OpenedEnvelope, context: ActContext): Result<KnownSigner[], Failure<RejectionCode>> {
  const known: KnownSigner[] = [];
  for (const signer of signers) {
    const found = knownSigner(signer, body, context);
    if (!found.ok) return found;
    const { key } = found.value.signer;
    if (key[0] !== signer.alg || !context.crypto.verify(key, signer.input, signer.signature)) return fail('signature-invalid');
    if (found.value.refused !== null) return { ok: false, failure: found.value.refused };
    known.push(found.value.signer);
  }
  return ok(known);
}

/** `refused`: the key was good once; said only to whom holds it, after the signature was checked. */
function knownSigner(
  { kid }: EnvelopeSigner,
  { acts }: Body,
  { draft, crypto, time }: ActContext,
): Result<{ signer: KnownSigner; refused: Rejection | null }, Failure<RejectionCode>> {
  const record = draft.read('key', kid);
  if (record === undefined) {
    const card = acts.map(newCardOf).find((one) => one !== null && equalBytes(keyId(one.sig, crypto), kid)) ?? null;
    return card === null ? fail('signer-unknown') : ok({ signer: { signer: 'resident', key: card.sig, use: 'sig', id: card.id, registering: true }, refused: null });
  }
  const { key, use, owner } = record;
  const revoked = record.state === 'active' ? null : reject('signer-revoked');
  if ('resident' in owner) return ok({ signer: { signer: 'resident', key, use, id: owner.resident, registering: false }, refused: revoked });
  if ('authority' in owner) return ok({ signer: { signer: 'authority', key, use }, refused: revoked });
  if ('kiosk' in owner) {
    const kiosk = draft.read('kiosk', owner.kiosk);
    const retired = kiosk?.state === 'active' ? refusedIfInactive(draft.read('party', kiosk.hub)) : reject('kiosk-retired', owner.kiosk);
    return ok({ signer: { signer: 'kiosk', key, use, id: owner.kiosk }, refused: retired ?? revoked });
  }
  if ('party' in owner) {
    const party = draft.read('party', owner.party);
    if (party === undefined) return fail('signer-unknown');
    const suspended = refusedIfInactive(party);
    return ok({ signer: { signer: 'party', key, use, id: party.id, party: party.party }, refused: revoked ?? suspended });
  }
  if ('staff' in owner) {
    const staff = draft.read('staff', owner.staff);
    if (staff === undefined) return fail('signer-unknown');
    const ended = staff.state !== 'active' ? reject('signer-revoked') : staff.until < time ? reject('signer-expired') : null;
    const employer = refusedIfInactive(draft.read('party', staff.party));
    return ok({ signer: { signer: 'staff', key, use, party: staff.party, role: staff.role }, refused: revoked ?? ended ?? employer });
  }
  return never(owner);
}

/** What an act registers a card of. */
function newCardOf(act: Act): { id: Id; sig: PublicKey } | null {
  if (act.kind === 'resident.register') return { id: act.id, sig: act.sig };
  return act.kind === 'resident.replace' ? { id: act.subject, sig: act.sig } : null;
}

/** Nobody acts in the name of a party that is suspended or retired. */
const refusedIfInactive = (party: PartyRecord | undefined): Rejection | null =>
  party?.state === 'active' ? null : reject('party-inactive', party?.state);

function checkSigners(body: Body, signers: readonly KnownSigner[], context: ActContext): Rejection | null {
  const demands: Demand[] = [];
  for (const act of body.acts) {
    const asked = demandsOf(act, context);
    if (!asked.ok) return asked.failure;
    demands.push(...asked.value);
  }
  const residents = signers.filter((signer) => signer.signer === 'resident' && !signer.registering);
  const residentSigns = residents.length > 0;
  if (residents.length > 1) return reject('body-malformed', 'one counter for two cards');
  if (residentSigns && body.kiosk === undefined) return reject('kiosk-not-attested');
  if (residentSigns !== (body.counter !== undefined)) return reject('body-malformed', 'counter');
  if (body.kiosk !== undefined) demands.push({ demand: 'kiosk', id: body.kiosk });
  return matchSigners(signers, demands) ?? refusedIfReadOnly(residents, demands, context);
}

/** A card that has just replaced another may be blocked by its holder, and signs nothing else. */
function refusedIfReadOnly(residents: readonly KnownSigner[], demands: readonly Demand[], { draft, time }: ActContext): Rejection | null {
  const [resident] = residents;
  if (resident?.signer !== 'resident' || !demands.some(({ demand }) => demand === 'resident')) return null;
  return (draft.read('resident', resident.id)?.readOnlyUntil ?? 0) > time ? reject('key-read-only') : null;
}

function demandsOf(act: Act, context: ActContext): Result<Demand[], Failure<RejectionCode>> {
  switch (act.kind) {
    case 'party.enrol':
      return partyEnrol.demands(act, context);
    case 'party.rotate':
      return partyRotate.demands(act, context);
    case 'party.suspend':
      return partySuspend.demands(act, context);
    case 'party.retire':
      return partyRetire.demands(act, context);
    case 'staff.enrol':
      return staffEnrol.demands(act, context);
    case 'staff.retire':
      return staffRetire.demands(act, context);
    case 'validator.set':
      return validatorSet.demands(act, context);
    case 'kiosk.enrol':
      return kioskEnrol.demands(act, context);
    case 'kiosk.retire':
      return kioskRetire.demands(act, context);
    case 'service.publish':
      return servicePublish.demands(act, context);
    case 'service.withdraw':
      return serviceWithdraw.demands(act, context);
    case 'status.publish':
      return statusPublish.demands(act, context);
    case 'resident.register':
      return residentRegister.demands(act);
    case 'resident.replace':
      return residentReplace.demands(act, context);
    case 'resident.block':
      return residentBlock.demands(act, context);
    case 'resident.retire':
      return residentRetire.demands(act, context);
    case 'credential.anchor':
      return credentialAnchor.demands(act, context);
    case 'credential.revoke':
      return credentialRevoke.demands(act, context);
    case 'grant.give':
      return grantGive.demands(act, context);
    case 'grant.end':
      return grantEnd.demands(act, context);
    case 'request.submit':
      return requestSubmit.demands(act, context);
    case 'request.step':
      return requestStep.demands(act, context);
    case 'request.withdraw':
      return requestWithdraw.demands(act, context);
    case 'facts.keep':
      return factsKeep.demands(act, context);
    case 'verification.answer':
      return verificationAnswer.demands(act, context);
    case 'access.record':
      return accessRecord.demands(act, context);
    case 'access.lookup':
      return accessLookup.demands(act, context);
    case 'case.open':
      return caseOpen.demands(act, context);
    case 'case.unseal':
      return caseUnseal.demands(act, context);
    case 'case.close':
      return caseClose.demands(act, context);
  }
  return never(act);
}

function applyActs(acts: readonly Act[], signers: readonly KnownSigner[], logIndex: number, context: ActContext): Rejection | null {
  for (const [index, act] of acts.entries()) {
    const refused = applyAct(act, signers, context);
    if (refused !== null) return refused;
    if ('subject' in act) lengthenChain(act, act.subject, logIndex, index, context);
  }
  return null;
}

function applyAct(act: Act, signers: readonly KnownSigner[], context: ActContext): Rejection | null {
  switch (act.kind) {
    case 'party.enrol':
      return partyEnrol.apply(act, context);
    case 'party.rotate':
      return partyRotate.apply(act, context);
    case 'party.suspend':
      return partySuspend.apply(act, context);
    case 'party.retire':
      return partyRetire.apply(act, context);
    case 'staff.enrol':
      return staffEnrol.apply(act, context);
    case 'staff.retire':
      return staffRetire.apply(act, context);
    case 'validator.set':
      return validatorSet.apply(act, context);
    case 'kiosk.enrol':
      return kioskEnrol.apply(act, context);
    case 'kiosk.retire':
      return kioskRetire.apply(act, context);
    case 'service.publish':
      return servicePublish.apply(act, context);
    case 'service.withdraw':
      return serviceWithdraw.apply(act, context);
    case 'status.publish':
      return statusPublish.apply(act, context);
    case 'resident.register':
      return residentRegister.apply(act, context);
    case 'resident.replace':
      return residentReplace.apply(act, context);
    case 'resident.block':
      return residentBlock.apply(act, context);
    case 'resident.retire':
      return residentRetire.apply(act, context);
    case 'credential.anchor':
    case 'credential.revoke': {
      const by = signers.find((signer) => signer.signer === 'party' && (signer.party === 'registrar' || signer.party === 'gateway'));
      if (by?.signer !== 'party') return reject('signer-missing', 'registrar or gateway');
      return act.kind === 'credential.anchor' ? credentialAnchor.apply(act, context, by.id) : credentialRevoke.apply(act, context, by.id);
    }
    case 'grant.give':
      return grantGive.apply(act, context);
    case 'grant.end':
      return grantEnd.apply(act, context);
    case 'request.submit':
      return requestSubmit.apply(act, context);
    case 'request.step':
      return requestStep.apply(act, context);
    case 'request.withdraw':
      return requestWithdraw.apply(act, context);
    case 'facts.keep':
      // The resident's chain is longer by one; nothing else of it is public.
      return null;
    case 'verification.answer':
      return verificationAnswer.apply(act, context);
    case 'access.record':
      return accessRecord.apply(act, context);
    case 'access.lookup':
      return accessLookup.apply(act, context);
    case 'case.open':
      return caseOpen.apply(act, context);
    case 'case.unseal':
      return caseUnseal.apply(act, context);
    case 'case.close':
      return caseClose.apply(act, context);
  }
  return never(act);
}

/** So that a proof of the whole list of what touched a resident is possible: these n entries and no fewer (verify/resident-chain.ts). */
function lengthenChain(act: Act, subject: Id, logIndex: number, actIndex: number, { draft, crypto }: ActContext): void {
  const resident = draft.read('resident', subject);
  if (resident === undefined) throw new Error('an act was applied to a subject that does not exist');
  draft.write('resident', { ...resident, chain: extendChain(resident.chain, { logIndex, actIndex, act: encodeCbor(act) }, crypto) }, subject);
}

/** The highest value that a transaction carried; never a reason to refuse one. */
function recordCounter({ counter }: Body, signers: readonly KnownSigner[], draft: StateDraft): null {
  for (const signer of signers) {
    if (counter === undefined || signer.signer !== 'resident' || signer.registering) continue;
    const resident = draft.read('resident', signer.id);
    if (resident !== undefined && counter > resident.counter) draft.write('resident', { ...resident, counter }, signer.id);
  }
  return null;
}
