import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import type { ResidentBlock, ResidentRegister } from '../verify/acts.ts';
import { encodeChallenge, registerNonce } from '../verify/challenge.ts';
import { keyId } from '../verify/envelope.ts';
import { registerKeys, reject, type ActContext, type Rejection } from './context.ts';
import type { Demand } from './signers.ts';

type Demands = Result<Demand[], Failure<RejectionCode>>;

export const residentRegister = {
  demands: ({ id }: ResidentRegister): Demands =>
    ok([
      { demand: 'staff', roles: ['staff', 'registrar'] },
      { demand: 'resident', id },
    ]),
  apply: (act: ResidentRegister, context: ActContext): Rejection | null => {
    const { id, sig, aut, dec, space, counter } = act;
    const { draft, crypto, height } = context;
    if (draft.read('resident', id) !== undefined) return reject('id-taken', 'resident');
    draft.write(
      'resident',
      { id, state: 'active', sig, aut, dec, space, counter, chain: { count: 0, hash: new Uint8Array(32) }, since: height },
      id,
    );
    const refused = registerKeys(
      [
        { key: sig, use: 'sig' },
        { key: aut, use: 'aut' },
        { key: dec, use: 'dec' },
        { key: space, use: 'space' },
      ],
      { resident: id },
      context,
    );
    if (refused !== null) return refused;
    return provesAut(act, context) ? null : reject('challenge-invalid');
    function provesAut({ proof }: ResidentRegister, { chain, time }: ActContext): boolean {
      if (proof.notAfter < time) return false;
      if (proof.kiosk !== null && draft.read('kiosk', proof.kiosk)?.state !== 'active') return false;
      const challenge = encodeChallenge({
        chain,
        kiosk: proof.kiosk,
        purpose: 'register',
        nonce: registerNonce(act, crypto),
        notAfter: proof.notAfter,
      });
      return crypto.verify(aut, challenge, proof.signature);
    }
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
