import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import type {
  ActivityAct,
  CredentialAnchor,
  CredentialRevoke,
  FactsKeep,
  GrantEnd,
  GrantGive,
  Id,
  Name,
  RequestStep,
  RequestSubmit,
  RequestWithdraw,
  VerificationAnswer,
} from '../verify/acts.ts';
import { equalBytes } from '../verify/bytes.ts';
import type { GrantRecord, RequestRecord } from '../verify/records.ts';
import { reject, secondsADay, type ActContext, type Rejection } from './context.ts';
import type { Demand } from './signers.ts';

type Demands = Result<Demand[], Failure<RejectionCode>>;

/** The law's longest; a purpose's own limit stands in the private part's realm and is the keeper's to check. */
const longestGrantSeconds = 366 * secondsADay;
const mostRefs = 4;

const byIssuer: Demand = { demand: 'party-of', kinds: ['registrar', 'gateway'] };
const byGateway: Demand = { demand: 'party-of', kinds: ['gateway'] };

export const credentialAnchor = {
  demands: (act: CredentialAnchor, context: ActContext): Demands => demandsOn(act, context, [byIssuer]),
  /** `by`: the party that signed. */
  apply: (act: CredentialAnchor, { draft, height }: ActContext, by: Name): Rejection | null => {
    const { id, subject, status } = act;
    if (draft.read('credential', id) !== undefined) return reject('id-taken', 'credential');
    draft.write('credential', { id, subject, by, status, state: 'valid', since: height }, id);
    return null;
  },
};

export const credentialRevoke = {
  demands: (act: CredentialRevoke, context: ActContext): Demands => demandsOnAny(act, context, [byIssuer]),
  /** `by`: the party that signed, which has to be the one that anchored it. */
  apply: ({ id, subject }: CredentialRevoke, { draft }: ActContext, by: Name): Rejection | null => {
    const credential = draft.read('credential', id);
    if (credential === undefined || !equalBytes(credential.subject, subject)) return reject('credential-unknown');
    if (credential.by !== by) return reject('signer-role', `anchored by ${credential.by}`);
    if (credential.state !== 'valid') return reject('credential-revoked');
    draft.write('credential', { ...credential, state: 'revoked' }, id);
    return null;
  },
};

export const grantGive = {
  demands: (act: GrantGive, context: ActContext): Demands => demandsOn(act, context, [{ demand: 'resident', id: act.subject }]),
  apply: ({ id, subject, until, reads }: GrantGive, { draft, height, time }: ActContext): Rejection | null => {
    if (until <= time) return reject('until-past');
    if (until > time + longestGrantSeconds) return reject('until-too-far');
    if (draft.read('grant', id) !== undefined) return reject('id-taken', 'grant');
    draft.write('grant', { id, subject, until, reads, state: 'live', since: height }, id);
    return null;
  },
};

export const grantEnd = {
  demands: (act: GrantEnd, context: ActContext): Demands => demandsOn(act, context, [{ demand: 'resident', id: act.subject }]),
  apply: ({ id, subject }: GrantEnd, context: ActContext): Rejection | null => {
    const grant = coveringGrant(subject, id, context);
    if (!grant.ok) return grant.failure;
    context.draft.write('grant', { ...grant.value, state: 'ended' }, id);
    return null;
  },
};

export const requestSubmit = {
  demands: (act: RequestSubmit, context: ActContext): Demands => demandsOn(act, context, [{ demand: 'resident', id: act.subject }]),
  apply: ({ id, subject, refs = [] }: RequestSubmit, context: ActContext): Rejection | null => {
    if (refs.length === 0) return reject('refs-count', 'a request rests on a grant');
    for (const ref of refs) {
      const grant = coveringGrant(subject, ref, context);
      if (!grant.ok) return grant.failure;
    }
    if (context.draft.read('request', id) !== undefined) return reject('id-taken', 'request');
    context.draft.write('request', { id, subject, grants: [...refs], step: 'submitted', since: context.height }, id);
    return null;
  },
};

type Step = RequestRecord['step'];

/** submitted → received → (needs-more ⇄ received) → decided → closed; withdrawn at any step before decided. */
const edges: { readonly [K in Step]: readonly Step[] } = {
  submitted: ['received', 'withdrawn'],
  received: ['needs-more', 'decided', 'withdrawn'],
  'needs-more': ['received', 'withdrawn'],
  decided: ['closed'],
  closed: [],
  withdrawn: [],
};

export const requestStep = {
  demands: (act: RequestStep, context: ActContext): Demands => demandsOnAny(act, context, [byGateway]),
  apply: ({ id, subject, step }: RequestStep, context: ActContext): Rejection | null => stepTo(step, subject, id, context),
};

export const requestWithdraw = {
  demands: (act: RequestWithdraw, context: ActContext): Demands => demandsOn(act, context, [{ demand: 'resident', id: act.subject }]),
  apply: ({ id, subject }: RequestWithdraw, context: ActContext): Rejection | null => stepTo('withdrawn', subject, id, context),
};

export const factsKeep = {
  demands: (act: FactsKeep, context: ActContext): Demands => demandsOn(act, context, [{ demand: 'resident', id: act.subject }]),
};

function stepTo(step: Step, subject: Id, id: Id, { draft }: ActContext): Rejection | null {
  const request = draft.read('request', id);
  if (request === undefined || !equalBytes(request.subject, subject)) return reject('request-unknown');
  if (!edges[request.step].includes(step)) return reject('step-illegal', `${request.step} to ${step}`);
  draft.write('request', { ...request, step }, id);
  return null;
}

export const verificationAnswer = {
  demands: (act: VerificationAnswer, context: ActContext): Demands => demandsOn(act, context, [byGateway]),
  apply: ({ id, subject, until }: VerificationAnswer, { draft, height, time }: ActContext): Rejection | null => {
    if (until <= time) return reject('until-past');
    if (draft.read('answer', id) !== undefined) return reject('nonce-spent');
    draft.write('answer', { subject, since: height }, id);
    return null;
  },
};

/** A grant that covers a read or a request now. Another resident's is as unknown as one that was never given. */
export function coveringGrant(subject: Id, id: Id, { draft, time }: ActContext): Result<GrantRecord, Rejection> {
  const grant = draft.read('grant', id);
  if (grant === undefined || !equalBytes(grant.subject, subject)) return fail('grant-unknown');
  const isLive = grant.state === 'live' && grant.until > time && draft.read('resident', subject)?.state === 'active';
  return isLive ? ok(grant) : fail('grant-not-live');
}

/** For acts on residents who are active. */
export function demandsOn(act: ActivityAct, context: ActContext, demands: Demand[]): Demands {
  const active = context.draft.read('resident', act.subject)?.state !== 'retired';
  return active ? demandsOnAny(act, context, demands) : fail('subject-inactive');
}

/** For acts on a resident who may be retired: what was begun is still brought to its end, and who looks is still recorded. */
export function demandsOnAny({ subject, refs = [] }: ActivityAct, { draft }: ActContext, demands: Demand[]): Demands {
  if (draft.read('resident', subject) === undefined) return fail('subject-unknown');
  return refs.length > mostRefs ? fail('refs-count', String(refs.length)) : ok(demands);
}
