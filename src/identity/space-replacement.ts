import { z } from 'zod';
import { ok, type Result } from '../contract/result.ts';
import type { Id } from '../ledger/verify/acts.ts';
import { decodeCbor, encodeCbor } from '../ledger/verify/cbor.ts';
import { softwareOpener, type HpkeMessage } from './hpke.ts';
import { newSpaceKeys, openFormerKey, sealFormerKey, unwrapSpaceKey, wrapSpaceKey } from './space.ts';
import { newX25519Secret, x25519Public } from './x25519.ts';

/** What goes along with `resident.replace`: the new space key's private half, wrapped twice, and what a slip opened. Ciphertexts all of it. */
export interface SpaceReplacement {
  /** From 1: how often this resident's card was replaced, with this time. */
  number: number;
  /** To the new card's DEC key, and to the recovery key of the new slip. */
  wrapped: HpkeMessage;
  recovery: HpkeMessage;
  /** Private halves of the space's keys before each replacement, sealed to the new one (`sealFormerKey`); empty without a slip. */
  formers: { number: number; sealed: Uint8Array }[];
}

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const messageSchema = z.strictObject({ enc: bytes.refine(({ length }) => length === 32), ciphertext: bytes.refine(({ length }) => length === 48) });
const number = z.int().min(1).max(999);
const replacementSchema = z.strictObject({
  v: z.literal(1),
  number,
  wrapped: messageSchema,
  recovery: messageSchema,
  formers: z.array(z.strictObject({ number, sealed: bytes })).max(999),
});

/** The payload `replacement`, to the keeper. */
export const encodeReplacement = (replacement: SpaceReplacement): Uint8Array => encodeCbor({ v: 1, ...replacement });

/** null: not of this form. */
export function decodeReplacement(payload: Uint8Array): SpaceReplacement | null {
  const read = replacementSchema.safeParse(decodeCbor(payload));
  return read.success ? { number: read.data.number, wrapped: read.data.wrapped, recovery: read.data.recovery, formers: read.data.formers } : null;
}

/** What the keeper holds of a space that is to get a new key. */
export interface SpaceBefore {
  resident: Id;
  /** Public half of the space's key, as the resident's record has it. */
  publicKey: Uint8Array;
  /** The second wrapping, and the keys before it that were handed on. */
  recovery: HpkeMessage;
  formers: readonly { number: number; sealed: Uint8Array }[];
  /** How often the card was replaced so far. */
  replaced: number;
}

export interface NewSpace {
  /** For `resident.replace`. */
  publicKey: Uint8Array;
  replacement: SpaceReplacement;
  /** For the new slip; the old one opens nothing from then on. */
  recoverySecret: Uint8Array;
}

/**
 * A new key for a space, for the card with this DEC key. With the slip's secret everything sealed before stays readable; without it only what is
 * sealed anew. `space-unreadable`: not this resident's slip, or one that was used before.
 */
export async function replaceSpaceKey(before: SpaceBefore, dec: Uint8Array, slip: Uint8Array | null): Promise<Result<NewSpace>> {
  const { resident, replaced } = before;
  const keys = newSpaceKeys();
  const formers = slip === null ? ok([]) : await handOn(before, slip, keys.publicKey);
  if (!formers.ok) return formers;
  const recoverySecret = newX25519Secret();
  const replacement: SpaceReplacement = {
    number: replaced + 1,
    wrapped: wrapSpaceKey(keys.secret, resident, dec),
    recovery: wrapSpaceKey(keys.secret, resident, x25519Public(recoverySecret), 'recovery'),
    formers: formers.value,
  };
  keys.secret.fill(0);
  return ok({ publicKey: keys.publicKey, replacement, recoverySecret });
}

async function handOn(before: SpaceBefore, slip: Uint8Array, spaceKey: Uint8Array): Promise<Result<SpaceReplacement['formers']>> {
  const { resident, recovery, publicKey, replaced } = before;
  const secret = await unwrapSpaceKey(recovery, resident, publicKey, softwareOpener(slip), 'recovery');
  if (!secret.ok) return secret;
  const formers: SpaceReplacement['formers'] = [];
  for (const { number, sealed } of before.formers) {
    const former = await openFormerKey(sealed, resident, softwareOpener(secret.value));
    if (!former.ok) return former;
    formers.push({ number, sealed: sealFormerKey(spaceKey, resident, former.value) });
    former.value.fill(0);
  }
  formers.push({ number: replaced + 1, sealed: sealFormerKey(spaceKey, resident, secret.value) });
  return ok(formers);
}
