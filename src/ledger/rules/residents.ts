import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import type { ResidentBlock, ResidentRegister, ResidentReplace, ResidentRetire } from '../verify/acts.ts';
import { encodeChallenge, registerNonce } from '../verify/challenge.ts';
import { keyId } from '../verify/envelope.ts';
import { endKeys, registerKeys, reject, secondsADay, type ActContext, type Rejection } from './context.ts';
import type { Demand } from './signers.ts';

type Demands = Result<Demand[], Failure<RejectionCode>>;

/** For so long the keys of a replaced card may only read: time for the resident to notice a replacement that was not theirs. */
const readOnlySeconds = secondsADay;

const twoRoles: readonly Demand[] = [
  { demand: 'staff', roles: ['staff'] },
  { demand: 'staff', roles: ['registrar'] },
];

export const residentRegister = {
  demands: ({ id }: ResidentRegister): Demands =>
    ok([
      { demand: 'staff', roles: ['staff', 'registrar'] },
      { demand: 'new-card', id },
    ]),
  apply: (act: ResidentRegister, context: ActContext): Rejection | null => {
    const { id, sig, aut, dec, space, counter } = act;
    const { draft, height } = context;
    if (draft.read('resident', id) !== undefined) return reject('id-taken', 'resident');
    draft.write(
      'resident',
      { id, state: 'active', sig, aut, dec, space, counter, chain: { count: 0, hash: new Uint8Array(32) }, since: height },
      id,
    );
    return registerCard(act, context) ?? (provesAut(act, act.id, context) ? null : reject('challenge-invalid'));
  },
};

export const residentReplace = {
  demands: ({ subject }: ResidentReplace, { draft }: ActContext): Demands => {
    const resident = draft.read('resident', subject);
    if (resident === undefined) return fail('subject-unknown');
    return resident.state === 'active' ? ok([...twoRoles, { demand: 'new-card', id: subject }]) : fail('subject-inactive');
  },
  apply: (act: ResidentReplace, context: ActContext): Rejection | null => {
    const { subject, sig, aut, dec, space, counter } = act;
    const { draft, time } = context;
    const resident = draft.read('resident', subject);
    if (resident === undefined) return reject('subject-unknown');
    endKeys([resident.sig, resident.aut, resident.dec, resident.space], context);
    draft.write('resident', { ...resident, sig, aut, dec, space, counter, readOnlyUntil: time + readOnlySeconds }, subject);
    return registerCard({ ...act, id: subject }, context) ?? (provesAut(act, subject, context) ? null : reject('challenge-invalid'));
  },
};

export const residentBlock = {
  demands: ({ subject }: ResidentBlock, { draft }: ActContext): Demands =>
    draft.read('resident', subject) === undefined
      ? fail('subject-unknown')
      : ok([{ demand: 'resident-or-staff', id: subject, roles: ['staff', 'registrar'] }]),
  /** The card's three keys; the data space's own key is not on the card. */
  apply: ({ subject }: ResidentBlock, { draft, crypto, height }: ActContext): Rejection | null => {
    const resident = draft.read('resident', subject);
    if (resident === undefined) return reject('subject-unknown');
    for (const key of [resident.sig, resident.aut, resident.dec]) {
      const kid = keyId(key, crypto);
      const record = draft.read('key', kid);
      if (record?.state !== 'active') return reject('key-inactive');
      draft.write('key', { ...record, state: 'blocked', until: height }, kid);
    }
    return null;
  },
};

/** Grants end with it: none covers anything whose resident is not active (`coveringGrant`). */
export const residentRetire = {
  demands: ({ subject }: ResidentRetire, { draft }: ActContext): Demands => {
    const resident = draft.read('resident', subject);
    if (resident === undefined) return fail('subject-unknown');
    return resident.state === 'active' ? ok([...twoRoles]) : fail('subject-inactive');
  },
  apply: ({ subject }: ResidentRetire, context: ActContext): Rejection | null => {
    const resident = context.draft.read('resident', subject);
    if (resident?.state !== 'active') return reject('subject-inactive');
    context.draft.write('resident', { ...resident, state: 'retired' }, subject);
    endKeys([resident.sig, resident.aut, resident.dec, resident.space], context);
    return null;
  },
};

function registerCard({ id, sig, aut, dec, space }: Pick<ResidentRegister, 'id' | 'sig' | 'aut' | 'dec' | 'space'>, context: ActContext): Rejection | null {
  return registerKeys(
    [
      { key: sig, use: 'sig' },
      { key: aut, use: 'aut' },
      { key: dec, use: 'dec' },
      { key: space, use: 'space' },
    ],
    { resident: id },
    context,
  );
}

function provesAut(act: ResidentRegister | ResidentReplace, id: Uint8Array, { draft, crypto, chain, time }: ActContext): boolean {
  const { sig, aut, dec, space, proof } = act;
  if (proof.notAfter < time) return false;
  if (proof.kiosk !== null && draft.read('kiosk', proof.kiosk)?.state !== 'active') return false;
  const challenge = encodeChallenge({
    chain,
    kiosk: proof.kiosk,
    purpose: 'register',
    nonce: registerNonce({ id, sig, aut, dec, space }, crypto),
    notAfter: proof.notAfter,
  });
  return crypto.verify(aut, challenge, proof.signature);
}
