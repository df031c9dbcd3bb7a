import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import type { ActivityAct, CredentialAnchor, GrantGive, Id, Name, RequestSubmit } from '../verify/acts.ts';
import { equalBytes } from '../verify/bytes.ts';
import { reject, secondsADay, type ActContext, type Rejection } from './context.ts';
import type { Demand } from './signers.ts';

type Demands = Result<Demand[], Failure<RejectionCode>>;

/** The law's longest; a purpose's own limit stands in the private part's realm and is the keeper's to check. */
const longestGrantSeconds = 366 * secondsADay;
const mostRefs = 4;

export const credentialAnchor = {
  demands: (act: CredentialAnchor, context: ActContext): Demands =>
    demandsOn(act, context, [{ demand: 'party-of', kinds: ['registrar', 'gateway'] }]),
  /** `by`: the party that signed. */
  apply: (act: CredentialAnchor, { draft, height }: ActContext, by: Name): Rejection | null => {
    const { id, subject, status } = act;
    if (draft.read('credential', id) !== undefined) return reject('id-taken', 'credential');
    draft.write('credential', { id, subject, by, status, state: 'valid', since: height }, id);
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

export const requestSubmit = {
  demands: (act: RequestSubmit, context: ActContext): Demands => demandsOn(act, context, [{ demand: 'resident', id: act.subject }]),
  apply: ({ id, subject, refs = [] }: RequestSubmit, context: ActContext): Rejection | null => {
    if (refs.length === 0) return reject('refs-count', 'a request rests on a grant');
    for (const ref of refs) {
      const refused = liveGrantOf(subject, ref, context);
      if (refused !== null) return refused;
    }
    if (context.draft.read('request', id) !== undefined) return reject('id-taken', 'request');
    context.draft.write('request', { id, subject, grants: [...refs], step: 'submitted', since: context.height }, id);
    return null;
  },
};

/** Another resident's grant is as unknown as one that was never given. */
function liveGrantOf(subject: Id, id: Id, { draft, time }: ActContext): Rejection | null {
  const grant = draft.read('grant', id);
  if (grant === undefined || !equalBytes(grant.subject, subject)) return reject('grant-unknown');
  return grant.state === 'live' && grant.until > time ? null : reject('grant-not-live');
}

function demandsOn({ subject, refs = [] }: ActivityAct, { draft }: ActContext, demands: Demand[]): Demands {
  const resident = draft.read('resident', subject);
  if (resident === undefined) return fail('subject-unknown');
  if (resident.state !== 'active') return fail('subject-inactive');
  return refs.length > mostRefs ? fail('refs-count', String(refs.length)) : ok(demands);
}
