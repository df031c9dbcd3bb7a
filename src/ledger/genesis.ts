import type { RejectionCode } from '../contract/failures.ts';
import { ok, type Failure, type Result } from '../contract/result.ts';
import { applyUnsigned } from './rules.ts';
import { registerKeys, type ActContext } from './rules/context.ts';
import { StateDraft, type StateChange } from './state.ts';
import { actShapes, publicKeyShape } from './verify/act-shapes.ts';
import type { Act, ActKind } from './verify/acts.ts';
import type { Validator } from './verify/block.ts';
import { decodeCbor, encodeCbor } from './verify/cbor.ts';
import type { Crypto } from './verify/crypto.ts';
import { decodeHandover } from './verify/handover.ts';
import { repeatsKey } from './verify/head.ts';
import { isSoundKey } from './verify/key-soundness.ts';
import type { AuthorityRecord } from './verify/records.ts';
import { isBytes, isInt, isList, isMap, isOneOf, isText, optional, type Shape } from './verify/shape.ts';
import { isUnsignedChain } from './verify/unsigned-chain.ts';

/** What a chain begins with: written once, the same on every node. */
export interface Genesis {
  v: 1;
  chain: string;
  /** Unix seconds; the first block is later. */
  time: number;
  /** By power, the greatest first, then by address, as CometBFT orders them. */
  validators: Validator[];
  authority: AuthorityRecord;
  /** Applied in order, unsigned: the parties of the first day. */
  acts: Act[];
  /** Where the chain was another's until then: what its validators signed last (verify/handover.ts). It begins with that log and state, which a snapshot brings. */
  handover?: Uint8Array;
  /** Set where log and state were filled without signatures, to be measured (seed.ts): exactly where the chain's name says so too. */
  unsigned?: true;
}

/** Kinds whose acts a genesis can hold: not those that hang on who signed them. */
const genesisKinds: readonly ActKind[] = ['party.enrol', 'staff.enrol', 'kiosk.enrol', 'service.publish', 'resident.register'];

const actShape: Shape<Act> = (value): value is Act => genesisKinds.some((kind) => actShapes[kind](value));

const isTrue: Shape<true> = (value): value is true => value === true;

const genesisShape: Shape<Genesis> = isMap({
  v: isOneOf(1),
  chain: isText(/^[a-z0-9-]{1,20}$/),
  time: isInt(0, 2 ** 40),
  validators: isList(isMap({ key: isBytes(32), power: isInt(1, 2 ** 48) }), 1, 1000),
  authority: isMap({ threshold: isInt(1, 16), keys: isList(publicKeyShape, 1, 64) }),
  acts: isList(actShape, 0, 10_000),
  handover: optional(isBytes(1, 262_144)),
  unsigned: optional(isTrue),
});

export const encodeGenesis = (genesis: Genesis): Uint8Array => encodeCbor(genesis);

/** undefined: not a genesis. */
export function decodeGenesis(bytes: Uint8Array): Genesis | undefined {
  const value = decodeCbor(bytes);
  if (!genesisShape(value) || repeatsKey(value.validators) || (value.unsigned ?? false) !== isUnsignedChain(value.chain)) return undefined;
  return value.authority.threshold <= value.authority.keys.length ? value : undefined;
}

/** Height of the block before the chain's first; undefined: its handover is damaged. One that was seeded begins where its entries end. */
export const startOf = ({ chain, handover }: Genesis): number | undefined => (handover === undefined ? 0 : decodeHandover(handover, chain)?.height);

/** The state before the first block. The rejection is that of the first act that the rules refuse. */
export function genesisState(genesis: Genesis, crypto: Crypto): Result<StateChange[], Failure<RejectionCode>> {
  const draft = new StateDraft({ get: () => undefined });
  const context: ActContext = { draft, crypto, isSoundKey, chain: genesis.chain, height: 0, time: genesis.time };
  draft.write('authority', genesis.authority);
  draft.write('validators', { sets: [{ from: 1, validators: genesis.validators }] });
  const refused =
    registerKeys(
      genesis.authority.keys.map((key) => ({ key, use: 'authority' })),
      { authority: true },
      context,
    ) ?? applyUnsigned(genesis.acts, context);
  return refused === null ? ok(draft.changes()) : { ok: false, failure: refused };
}
