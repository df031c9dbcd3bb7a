import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import type { ServicePublish, ServiceWithdraw, StatusPublish } from '../verify/acts.ts';
import { reject, type ActContext, type Rejection } from './context.ts';
import type { Demand } from './signers.ts';

type Demands = Result<Demand[], Failure<RejectionCode>>;

/** How far an issuer's clock may be ahead of the block's time. */
const clockSkewSeconds = 300;

export const servicePublish = {
  demands: ({ agency }: ServicePublish, { draft }: ActContext): Demands => {
    const party = draft.read('party', agency);
    if (party === undefined) return fail('party-unknown', agency);
    if (party.party !== 'agency') return fail('party-kind', `${agency} is a ${party.party}`);
    return ok([{ demand: 'party', id: agency }]);
  },
  apply: (act: ServicePublish, { draft }: ActContext): Rejection | null => {
    const { id, version, agency, purpose, claims, languages, definition } = act;
    const owned = draft.read('party', agency)?.purposes.find((one) => one.id === purpose);
    if (owned === undefined) return reject('purpose-not-owned', purpose);
    const beyond = claims.find((claim) => !owned.claims.includes(claim));
    if (beyond !== undefined) return reject('claims-beyond-purpose', beyond);
    const published = draft.read('service', id);
    if (published !== undefined && published.agency !== agency) return reject('id-taken', id);
    if (published !== undefined && published.version >= version) return reject('service-known', `version ${published.version}`);
    draft.write('service', { id, version, agency, purpose, claims, languages, definition, state: 'published' }, id);
    return null;
  },
};

export const serviceWithdraw = {
  demands: ({ id }: ServiceWithdraw, { draft }: ActContext): Demands => {
    const service = draft.read('service', id);
    return service === undefined ? fail('service-unknown', id) : ok([{ demand: 'party', id: service.agency }]);
  },
  /** A later version may be published again. */
  apply: ({ id }: ServiceWithdraw, { draft }: ActContext): Rejection | null => {
    const service = draft.read('service', id);
    if (service?.state !== 'published') return reject('service-unknown', id);
    draft.write('service', { ...service, state: 'withdrawn' }, id);
    return null;
  },
};

export const statusPublish = {
  demands: ({ issuer }: StatusPublish, { draft }: ActContext): Demands => {
    const party = draft.read('party', issuer);
    if (party === undefined) return fail('party-unknown', issuer);
    if (party.party !== 'registrar' && party.party !== 'agency') return fail('party-kind', `${issuer} is a ${party.party}`);
    return ok([{ demand: 'party', id: issuer }]);
  },
  apply: ({ issuer, list, at }: StatusPublish, { draft, height, time }: ActContext): Rejection | null => {
    if (at > time + clockSkewSeconds) return reject('status-ahead');
    const last = draft.read('status', issuer);
    if (last !== undefined && at <= last.at) return reject('status-not-newer');
    draft.write('status', { issuer, list, at, since: height }, issuer);
    return null;
  },
};
