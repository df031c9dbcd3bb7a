import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import type { KioskEnrol, PartyEnrol, PartyKind, ServicePublish, StaffEnrol, StaffRole } from '../verify/acts.ts';
import { registerKeys, reject, secondsADay, type ActContext, type Rejection } from './context.ts';
import type { Demand } from './signers.ts';

type Demands = Result<Demand[], Failure<RejectionCode>>;

const longestStaffSeconds = 3653 * secondsADay;

/** Which roles work for which party. */
const rolesOf: { readonly [K in PartyKind]: readonly StaffRole[] } = {
  hub: ['staff', 'technician'],
  registrar: ['registrar'],
  agency: ['officer'],
  auditor: ['auditor'],
  authority: [],
  gateway: [],
  keeper: [],
  witness: [],
};

export const partyEnrol = {
  demands: (_act: PartyEnrol, { draft }: ActContext): Demands => {
    const authority = draft.read('authority');
    return authority === undefined ? fail('signer-unknown', 'no authority') : ok([{ demand: 'authority', threshold: authority.threshold }]);
  },
  apply: (act: PartyEnrol, context: ActContext): Rejection | null => {
    const { id, party, sign, seal, names, purposes } = act;
    if (purposes !== undefined && party !== 'agency') return reject('act-malformed', 'purposes are for agencies');
    if (purposes !== undefined && new Set(purposes.map((purpose) => purpose.id)).size < purposes.length) return reject('act-malformed', 'a purpose twice');
    if (context.draft.read('party', id) !== undefined) return reject('id-taken', id);
    context.draft.write('party', { id, party, sign, seal, names, purposes: purposes ?? [], state: 'active' }, id);
    return registerKeys([{ key: sign, use: 'sign' }, { key: seal, use: 'seal' }], { party: id }, context);
  },
};

export const staffEnrol = {
  demands: ({ party }: StaffEnrol, { draft }: ActContext): Demands =>
    draft.read('party', party) === undefined ? fail('party-unknown', party) : ok([{ demand: 'party', id: party }]),
  apply: (act: StaffEnrol, context: ActContext): Rejection | null => {
    const { id, party, role, sig, aut, until } = act;
    const employer = context.draft.read('party', party);
    if (employer === undefined) return reject('party-unknown', party);
    if (!rolesOf[employer.party].includes(role)) return reject('role-unfit', `${role} of a ${employer.party}`);
    if (until <= context.time) return reject('until-past');
    if (until > context.time + longestStaffSeconds) return reject('until-too-far');
    if (context.draft.read('staff', id) !== undefined) return reject('id-taken', 'staff');
    context.draft.write('staff', { id, party, role, sig, aut, until, state: 'active' }, id);
    return registerKeys([{ key: sig, use: 'sig' }, { key: aut, use: 'aut' }], { staff: id }, context);
  },
};

export const kioskEnrol = {
  demands: ({ hub }: KioskEnrol, { draft }: ActContext): Demands => {
    const party = draft.read('party', hub);
    if (party === undefined) return fail('party-unknown', hub);
    if (party.party !== 'hub') return fail('party-kind', `${hub} is a ${party.party}`);
    return ok([
      { demand: 'staff', roles: ['technician'], of: hub },
      { demand: 'party', id: hub },
    ]);
  },
  apply: ({ id, hub, key }: KioskEnrol, context: ActContext): Rejection | null => {
    if (context.draft.read('kiosk', id) !== undefined) return reject('id-taken', id);
    context.draft.write('kiosk', { id, hub, key, state: 'active' }, id);
    return registerKeys([{ key, use: 'attest' }], { kiosk: id }, context);
  },
};

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
