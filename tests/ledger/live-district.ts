import type { Genesis } from '../../src/ledger/genesis.ts';
import type { Act } from '../../src/ledger/verify/acts.ts';
import { body, envelopeOf, genesis, idOf, keys, registerAct, type TestResident } from './small-district.ts';

/** The small district under a chain whose blocks have the time of this machine's clock. */

export const liveGenesis = (): Genesis => ({ ...genesis, time: Math.floor(Date.now() / 1000) - 1 });

const soon = (): number => Math.floor(Date.now() / 1000) + 3600;

export const registerNow = (resident: TestResident): Promise<Uint8Array> =>
  envelopeOf(body([registerAct(resident)], { notAfter: soon() }), [keys.staff, resident.sig]);

/** Of a resident who is registered; each with a name of its own. */
export const anchorNow = (resident: TestResident, name: string): Promise<Uint8Array> =>
  envelopeOf(body([{ kind: 'credential.anchor', subject: resident.id, id: idOf(name), private: [-16, new Uint8Array(32)], status: 0 }], { notAfter: soon() }), [
    keys.registrar,
  ]);

/** Signed by the authority. */
export const orderNow = (acts: Act[]): Promise<Uint8Array> => envelopeOf(body(acts, { notAfter: soon() }), [keys.authority[0], keys.authority[1]]);
