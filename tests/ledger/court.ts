import type { RejectionCode } from '../../src/contract/failures.ts';
import { genesisState } from '../../src/ledger/genesis.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { judge, type Place } from '../../src/ledger/rules.ts';
import { StateDraft, type StateChange } from '../../src/ledger/state.ts';
import type { Act, Body } from '../../src/ledger/verify/acts.ts';
import { body, chain, envelopeOf, genesis, keys, lin, now, register } from './small-district.ts';

export const place: Place = { chain, height: 5, time: now, logIndex: 41 };
export const twoOfThree = [keys.authority[0], keys.authority[1]];

/** Signed by the authority. */
export const order = (acts: Act[], change: Partial<Body> = {}): Promise<Uint8Array> => envelopeOf(body(acts, change), twoOfThree);

/** Signed by a resident at the kiosk that attests. */
export const atKiosk = (acts: Act[], change: Partial<Body> = {}, signers = [lin.sig, keys.kiosk]): Promise<Uint8Array> =>
  envelopeOf(body(acts, { counter: 3, kiosk: 'hall-1', ...change }), signers);

/** A state that transactions are judged against, one after the other. */
export class Court {
  readonly state = new StateDraft({ get: () => undefined });

  constructor(begin: readonly StateChange[]) {
    this.state.apply(begin);
  }

  /** The code of the rejection, which changed nothing; null: taken, and the state is changed. */
  async hear(envelope: Uint8Array | Promise<Uint8Array>, at: Partial<Place> = {}): Promise<RejectionCode | null> {
    const judged = judge(this.state, await envelope, { ...place, ...at }, nodeCrypto);
    if (!judged.ok) return judged.failure.code;
    this.state.apply(judged.value.changes);
    return null;
  }

  async take(envelope: Uint8Array | Promise<Uint8Array>, at: Partial<Place> = {}): Promise<void> {
    const code = await this.hear(envelope, at);
    if (code !== null) throw new Error(`refused: ${code}`);
  }
}

/** The small district after its first resident, Lin, was registered. */
export async function firstDay(): Promise<StateChange[]> {
  const changes = genesisState(genesis, nodeCrypto);
  if (!changes.ok) throw new Error(changes.failure.code);
  const court = new Court(changes.value);
  await court.take(register(lin));
  return court.state.changes();
}

/** A transaction that is refused with `code`, after `before` was done. */
export interface RefusedCase {
  code: RejectionCode;
  name: string;
  envelope: () => Promise<Uint8Array>;
  before?: (court: Court) => Promise<void> | void;
  at?: Partial<Place>;
}
