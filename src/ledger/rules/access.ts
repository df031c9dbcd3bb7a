import type { Failure, Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import type { AccessLookup, AccessRecord, Id } from '../verify/acts.ts';
import { coveringGrant, demandsOnAny } from './activity.ts';
import { sealedCases } from './cases.ts';
import { reject, type ActContext, type Rejection } from './context.ts';
import type { Demand } from './signers.ts';

type Demands = Result<Demand[], Failure<RejectionCode>>;

/**
 * A read rests on exactly one thing: a grant or an unsealed case, named in `refs`, or a sealed case, whose id only the keeper can hold against
 * the hash in `case`. The id is the release's idempotency key: a release that is repeated after a crash counts one read.
 */
export const accessRecord = {
  demands: (act: AccessRecord, context: ActContext): Demands => demandsOnAny(act, context, [{ demand: 'party-of', kinds: ['keeper'] }]),
  apply: (act: AccessRecord, context: ActContext): Rejection | null => {
    const { id, subject, refs = [], case: hidden } = act;
    const [ref, ...others] = refs;
    if (others.length > 0 || (ref === undefined) === (hidden === undefined)) return reject('refs-count', 'a read rests on one grant or case');
    return recordOnce(id, subject, context) ?? (ref === undefined ? underSealedCase(context) : underRef(subject, ref, context));
  },
};

export const accessLookup = {
  demands: (act: AccessLookup, context: ActContext): Demands => demandsOnAny(act, context, [{ demand: 'party-of', kinds: ['registrar'] }]),
  apply: ({ id, subject }: AccessLookup, context: ActContext): Rejection | null => recordOnce(id, subject, context),
};

function recordOnce(id: Id, subject: Id, { draft, height }: ActContext): Rejection | null {
  if (draft.read('access', id) !== undefined) return reject('access-known');
  draft.write('access', { subject, since: height }, id);
  return null;
}

function underRef(subject: Id, ref: Id, context: ActContext): Rejection | null {
  const { draft, time } = context;
  const found = draft.read('case', ref);
  if (found !== undefined) {
    if (found.sealed) return reject('case-sealed');
    return found.state === 'open' && found.until > time ? null : reject('case-closed');
  }
  const grant = coveringGrant(subject, ref, context);
  if (!grant.ok) return grant.failure;
  if (grant.value.reads === 0) return reject('reads-spent');
  draft.write('grant', { ...grant.value, reads: grant.value.reads - 1 }, ref);
  return null;
}

/** Which one stays hidden; without any there is nothing that it could be. */
const underSealedCase = (context: ActContext): Rejection | null =>
  sealedCases(context).some(({ state, until }) => state === 'open' && until > context.time) ? null : reject('case-unknown');

