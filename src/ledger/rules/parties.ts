import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import type { PartyEnrol, PartyKind, PartyRetire, PartyRotate, PartySuspend, StaffEnrol, StaffRetire, StaffRole } from '../verify/acts.ts';
import { equalBytes } from '../verify/bytes.ts';
import type { PartyRecord } from '../verify/records.ts';
import { authorityDemands, endKeys, registerKeys, reject, secondsADay, type ActContext, type NewKey, type Rejection } from './context.ts';
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
  demands: (_act: PartyEnrol, context: ActContext): Demands => authorityDemands(context),
  apply: (act: PartyEnrol, context: ActContext): Rejection | null => {
    const { id, party, sign, seal, names, purposes } = act;
    if (purposes !== undefined && party !== 'agency') return reject('act-malformed', 'purposes are for agencies');
    if (purposes !== undefined && new Set(purposes.map((purpose) => purpose.id)).size < purposes.length) return reject('act-malformed', 'a purpose twice');
    if (context.draft.read('party', id) !== undefined) return reject('id-taken', id);
    context.draft.write('party', { id, party, sign, seal, names, purposes: purposes ?? [], state: 'active' }, id);
    return registerKeys([{ key: sign, use: 'sign' }, { key: seal, use: 'seal' }], { party: id }, context);
  },
};

export const partyRotate = {
  demands: (_act: PartyRotate, context: ActContext): Demands => authorityDemands(context),
  apply: ({ id, current, sign, seal }: PartyRotate, context: ActContext): Rejection | null => {
    if (sign === undefined && seal === undefined) return reject('act-malformed', 'no new key');
    const party = context.draft.read('party', id);
    if (party === undefined) return reject('party-unknown', id);
    if (party.state === 'retired') return reject('party-inactive', party.state);
    if (!equalBytes(current[1], party.sign[1])) return reject('key-not-current');
    context.draft.write('party', { ...party, sign: sign ?? party.sign, seal: seal ?? party.seal }, id);
    if (sign !== undefined) endKeys([party.sign], context);
    if (seal !== undefined) endKeys([party.seal], context);
    const added: (NewKey | null)[] = [sign === undefined ? null : { key: sign, use: 'sign' }, seal === undefined ? null : { key: seal, use: 'seal' }];
    return registerKeys(added.filter((key) => key !== null), { party: id }, context);
  },
};

export const partySuspend = {
  demands: (_act: PartySuspend, context: ActContext): Demands => authorityDemands(context),
  apply: ({ id, suspended }: PartySuspend, { draft }: ActContext): Rejection | null => {
    const party = draft.read('party', id);
    if (party === undefined) return reject('party-unknown', id);
    const state: PartyRecord['state'] = suspended ? 'suspended' : 'active';
    if (party.state === 'retired' || party.state === state) return reject('party-state', party.state);
    draft.write('party', { ...party, state }, id);
    return null;
  },
};

export const partyRetire = {
  demands: (_act: PartyRetire, context: ActContext): Demands => authorityDemands(context),
  apply: ({ id }: PartyRetire, context: ActContext): Rejection | null => {
    const party = context.draft.read('party', id);
    if (party === undefined) return reject('party-unknown', id);
    if (party.state === 'retired') return reject('party-state', party.state);
    context.draft.write('party', { ...party, state: 'retired' }, id);
    endKeys([party.sign, party.seal], context);
    return null;
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

export const staffRetire = {
  demands: ({ id }: StaffRetire, { draft }: ActContext): Demands => {
    const staff = draft.read('staff', id);
    return staff === undefined ? fail('staff-unknown') : ok([{ demand: 'party', id: staff.party }]);
  },
  apply: ({ id }: StaffRetire, context: ActContext): Rejection | null => {
    const staff = context.draft.read('staff', id);
    if (staff === undefined) return reject('staff-unknown');
    if (staff.state !== 'active') return reject('key-inactive');
    context.draft.write('staff', { ...staff, state: 'retired' }, id);
    endKeys([staff.sig, staff.aut], context);
    return null;
  },
};
