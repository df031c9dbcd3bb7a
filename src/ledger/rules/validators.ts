import type { Failure, Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import type { ValidatorSet } from '../verify/acts.ts';
import { validatorAddress, type Validator } from '../verify/block.ts';
import { compareBytes, equalBytes } from '../verify/bytes.ts';
import type { Crypto } from '../verify/crypto.ts';
import { keyId } from '../verify/envelope.ts';
import { isSoundKey } from '../verify/key-soundness.ts';
import type { ValidatorsRecord } from '../verify/records.ts';
import { authorityDemands, reject, type ActContext, type Rejection } from './context.ts';
import type { Demand } from './signers.ts';

/** CometBFT: what FinalizeBlock of height H answers signs from H + 2 on. */
const heightsUntilInForce = 2;
const mostValidators = 200;

export const validatorSet = {
  demands: (_act: ValidatorSet, context: ActContext): Result<Demand[], Failure<RejectionCode>> => authorityDemands(context),
  apply: ({ key, power }: ValidatorSet, { draft, crypto, height }: ActContext): Rejection | null => {
    if (!isSoundKey(key)) return reject('key-weak', 'validator');
    if (draft.read('key', keyId(key, crypto)) !== undefined) return reject('key-taken', 'validator');
    const record = draft.read('validators');
    const newest = record?.sets.at(-1);
    if (record === undefined || newest === undefined) return reject('validator-unknown', 'no set');
    const others = newest.validators.filter((one) => !equalBytes(one.key, key[1]));
    if (power === 0 && others.length === newest.validators.length) return reject('validator-unknown');
    const validators = power === 0 ? others : byPower([...others, { key: key[1], power }], crypto);
    if (validators.length === 0 || validators.length > mostValidators) return reject('validators-count', String(validators.length));
    const from = height + heightsUntilInForce;
    draft.write('validators', { sets: [...stillNeeded(record, height).filter((set) => set.from !== from), { from, validators }] });
    return null;
  },
};

/** In CometBFT's order, which the set's hash depends on. */
export const byPower = (validators: readonly Validator[], crypto: Crypto): Validator[] =>
  [...validators].sort((a, b) => b.power - a.power || compareBytes(validatorAddress(a.key, crypto), validatorAddress(b.key, crypto)));

/** Who signs the block of this height; undefined where the record says nothing of it. */
export const validatorsAt = ({ sets }: ValidatorsRecord, height: number): Validator[] | undefined => sets.findLast(({ from }) => from <= height)?.validators;

function stillNeeded({ sets }: ValidatorsRecord, height: number): ValidatorsRecord['sets'] {
  const inForce = sets.findLastIndex(({ from }) => from <= height);
  return sets.slice(Math.max(0, inForce));
}
