import { never, ok, type Result } from '../contract/result.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import type { Act, Id, PublicKey } from '../ledger/verify/acts.ts';
import { keyId, openEnvelope, type OpenedEnvelope } from '../ledger/verify/envelope.ts';
import { stateKey, type KeyOwner } from '../ledger/verify/records.ts';
import { checkCredential, checkRevocation, checkStep } from './agency-acts.ts';
import { checkAnswer } from './answer-check.ts';
import { Bundle, type IncomingPayload } from './bundle.ts';
import { checkCase } from './case-acts.ts';
import { readRecord } from './ledger-records.ts';
import { must, refuse, refusing, type RefusedCode } from './refusal.ts';
import { checkReplacement } from './replacement.ts';
import { checkLookup } from './registrar-acts.ts';
import { checkEnd, checkFacts, checkGrant, checkRequest, checkWithdrawal } from './resident-acts.ts';
import type { KeptTransaction } from './store.ts';
import type { CheckingKeeper, Walk } from './submission-walk.ts';

export interface Incoming {
  envelope: Uint8Array;
  payloads: readonly IncomingPayload[];
}

/** Of a transaction whose signatures were good: a counter value of this card is spent. */
type Signed = Pick<KeptTransaction, 'id' | 'resident' | 'counter'>;

export type Verdict =
  | { verdict: 'sound'; transaction: KeptTransaction }
  /** `signed`: null where nothing was proven. */
  | { verdict: 'refused'; code: RefusedCode; signed: Signed | null };

/**
 * What the rules cannot see: that the private parts are the ones committed to, that they keep within purpose and service, and that every
 * ciphertext is the one they name. Signatures are checked first, so that nobody else's submission costs space or spends a counter.
 *
 * @param now Unix seconds.
 */
export async function checkSubmission(incoming: Incoming, keeper: CheckingKeeper, now: number): Promise<Result<Verdict>> {
  const opened = openEnvelope(incoming.envelope, keeper.crypto);
  if (!opened.ok) return ok({ verdict: 'refused', code: opened.failure.code, signed: null });
  const envelope = opened.value;
  const { body, id } = envelope;
  const owned = await refusing(() => (body.chain === keeper.ledger.chain ? verifiedOwners(envelope, keeper) : refuse('chain-wrong')));
  if (!owned.ok) return 'refused' in owned ? ok({ verdict: 'refused', code: owned.refused, signed: null }) : owned;
  const owners = owned.value;
  const resident = owners.find((owner) => 'resident' in owner)?.resident ?? null;
  const signed: Signed = { id, resident, counter: resident === null ? null : (body.counter ?? null) };

  const walked = await refusing(async (): Promise<KeptTransaction> => {
    const walk: Walk = { transaction: id, bundle: new Bundle(incoming.payloads), keeper, owners, now, grants: new Map(), requests: new Map(), concerns: [], once: [], removals: [], replacements: [] };
    // In order: a request may rest on a grant before it in the body only.
    for (const [index, act] of body.acts.entries()) await checkAct(index, act, walk);
    const { concerns, once, removals, replacements } = walk;
    return { ...signed, envelope: incoming.envelope, payloads: walk.bundle.finish(), concerns, once, removals, replacements, receipt: null };
  });
  if (walked.ok) return ok({ verdict: 'sound', transaction: walked.value });
  return 'refused' in walked ? ok({ verdict: 'refused', code: walked.refused, signed }) : walked;
}

async function verifiedOwners({ body, signers }: OpenedEnvelope, keeper: CheckingKeeper): Promise<KeyOwner[]> {
  const owners: KeyOwner[] = [];
  for (const { kid, input, signature } of signers) {
    const record = must(await readRecord(keeper.ledger, 'key', stateKey.key(kid)));
    // A card that is just being registered has its key in the act itself.
    const card = record === null ? body.acts.map(newCardOf).find((one) => one !== null && equalBytes(keyId(one.sig, keeper.crypto), kid)) : null;
    if (card === undefined) refuse('signer-unknown');
    if (record !== null && record.state !== 'active') refuse('signer-revoked');
    const key = record?.key ?? card?.sig ?? refuse('signer-unknown');
    if (!keeper.crypto.verify(key, input, signature)) refuse('signature-invalid');
    owners.push(record?.owner ?? { resident: card?.resident ?? refuse('signer-unknown') });
  }
  return owners;
}

/** What an act registers a card of. */
function newCardOf(act: Act): { resident: Id; sig: PublicKey } | null {
  if (act.kind === 'resident.register') return { resident: act.id, sig: act.sig };
  return act.kind === 'resident.replace' ? { resident: act.subject, sig: act.sig } : null;
}

async function checkAct(index: number, act: Act, walk: Walk): Promise<void> {
  switch (act.kind) {
    case 'grant.give':
      return checkGrant(index, act, walk);
    case 'grant.end':
      return checkEnd(index, act, walk);
    case 'request.submit':
      return checkRequest(index, act, walk);
    case 'request.withdraw':
      return checkWithdrawal(index, act, walk);
    case 'facts.keep':
      return checkFacts(index, act, walk);
    case 'request.step':
      return checkStep(index, act, walk);
    case 'credential.anchor':
      return checkCredential(index, act, walk);
    case 'credential.revoke':
      return checkRevocation(index, act, walk);
    case 'resident.replace':
      return checkReplacement(index, act, walk);
    case 'verification.answer':
      return checkAnswer(index, act, walk);
    case 'access.lookup':
      return checkLookup(index, act, walk);
    case 'case.open':
      return checkCase(index, act, walk);
    // The keeper makes it itself, and takes none from anybody (release.ts).
    case 'access.record':
      return refuse('act-unknown');
    // Public altogether: the rules see all of it.
    case 'party.enrol':
    case 'party.rotate':
    case 'party.suspend':
    case 'party.retire':
    case 'staff.enrol':
    case 'staff.retire':
    case 'validator.set':
    case 'kiosk.enrol':
    case 'kiosk.retire':
    case 'service.publish':
    case 'service.withdraw':
    case 'status.publish':
    case 'resident.register':
    case 'resident.block':
    case 'resident.retire':
    case 'case.unseal':
    case 'case.close':
      return;
  }
  return never(act);
}
