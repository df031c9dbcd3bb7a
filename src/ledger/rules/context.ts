import type { RejectionCode } from '../../contract/failures.ts';
import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { StateDraft } from '../state.ts';
import type { PublicKey } from '../verify/acts.ts';
import type { Crypto } from '../verify/crypto.ts';
import { keyId } from '../verify/envelope.ts';
import type { KeyOwner, KeyRecord } from '../verify/records.ts';
import type { Demand } from './signers.ts';

/** What an act is judged by: nothing else exists for the rules, no clock and no chance. */
export interface ActContext {
  draft: StateDraft;
  crypto: Crypto;
  /** verify/key-soundness.ts */
  isSoundKey(key: PublicKey): boolean;
  chain: string;
  height: number;
  /** Of the block, Unix seconds. */
  time: number;
}

export type Rejection = Failure<RejectionCode>;

export const reject = (code: RejectionCode, detail?: string): Rejection => (detail === undefined ? { code } : { code, detail });

export const secondsADay = 86_400;

export interface NewKey {
  key: PublicKey;
  use: KeyRecord['use'];
}

/** Every key has one owner and one use, for good. */
export function registerKeys(keys: readonly NewKey[], owner: KeyOwner, { draft, crypto, isSoundKey, height }: ActContext): Rejection | null {
  for (const { key, use } of keys) {
    if (!isSoundKey(key)) return reject('key-weak', use);
    const kid = keyId(key, crypto);
    if (draft.read('key', kid) !== undefined) return reject('key-taken', use);
    draft.write('key', { key, owner, use, state: 'active', since: height }, kid);
  }
  return null;
}

/** From this height on. One that was blocked before stays blocked since then. */
export function endKeys(keys: readonly PublicKey[], { draft, crypto, height }: ActContext): void {
  for (const key of keys) {
    const kid = keyId(key, crypto);
    const record = draft.read('key', kid);
    if (record?.state === 'active') draft.write('key', { ...record, state: 'ended', until: height }, kid);
  }
}

export function authorityDemands({ draft }: ActContext): Result<Demand[], Failure<RejectionCode>> {
  const authority = draft.read('authority');
  return authority === undefined ? fail('signer-unknown', 'no authority') : ok([{ demand: 'authority', threshold: authority.threshold }]);
}
