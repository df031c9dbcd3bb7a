import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import type { CaseClose, CaseOpen, CaseUnseal } from '../verify/acts.ts';
import { equalBytes } from '../verify/bytes.ts';
import type { CaseRecord } from '../verify/records.ts';
import { authorityDemands, reject, secondsADay, type ActContext, type Rejection } from './context.ts';
import type { Demand } from './signers.ts';

type Demands = Result<Demand[], Failure<RejectionCode>>;

const longestCaseSeconds = 366 * secondsADay;
/** The law's longest delay before the resident is told. */
const longestSealSeconds = 183 * secondsADay;

export const caseOpen = {
  demands: ({ office }: CaseOpen, { draft }: ActContext): Demands => {
    const party = draft.read('party', office);
    if (party === undefined) return fail('party-unknown', office);
    if (party.party !== 'auditor') return fail('party-kind', `${office} is a ${party.party}`);
    return ok([
      { demand: 'staff', roles: ['auditor'], of: office },
      { demand: 'staff', roles: ['auditor', 'officer'], notOf: office },
    ]);
  },
  apply: (act: CaseOpen, context: ActContext): Rejection | null => {
    const { id, office, until, opensAt, private: commitment } = act;
    const { draft, height, time } = context;
    if (until <= time || opensAt <= time) return reject('until-past');
    if (until > time + longestCaseSeconds) return reject('until-too-far');
    if (opensAt > time + longestSealSeconds) return reject('delay-too-long');
    if (draft.read('case', id) !== undefined) return reject('id-taken', 'case');
    if (sealedCases(context).some((one) => one.office === office && one.opensAt < time)) return reject('case-overdue', office);
    draft.write('case', { id, office, until, opensAt, private: commitment, state: 'open', sealed: true, since: height }, id);
    draft.write('sealed', { cases: [...(draft.read('sealed')?.cases ?? []), id] });
    return null;
  },
};

export const caseUnseal = {
  demands: (_act: CaseUnseal, context: ActContext): Demands => authorityDemands(context),
  apply: ({ id }: CaseUnseal, { draft, time }: ActContext): Rejection | null => {
    const found = draft.read('case', id);
    if (found === undefined) return reject('case-unknown');
    if (!found.sealed) return reject('case-not-sealed');
    if (time < found.opensAt) return reject('case-not-due');
    draft.write('case', { ...found, sealed: false }, id);
    draft.write('sealed', { cases: (draft.read('sealed')?.cases ?? []).filter((one) => !equalBytes(one, id)) });
    return null;
  },
};

export const caseClose = {
  demands: ({ id }: CaseClose, { draft }: ActContext): Demands => {
    const found = draft.read('case', id);
    return found === undefined ? fail('case-unknown') : ok([{ demand: 'staff', roles: ['auditor'], of: found.office }]);
  },
  /** What was sealed stays due for unsealing. */
  apply: ({ id }: CaseClose, { draft }: ActContext): Rejection | null => {
    const found = draft.read('case', id);
    if (found === undefined) return reject('case-unknown');
    if (found.state !== 'open') return reject('case-closed');
    draft.write('case', { ...found, state: 'closed' }, id);
    return null;
  },
};

/** Of every office, closed ones too. */
export const sealedCases = ({ draft }: ActContext): CaseRecord[] =>
  (draft.read('sealed')?.cases ?? []).map((id) => draft.read('case', id)).filter((one) => one !== undefined);
