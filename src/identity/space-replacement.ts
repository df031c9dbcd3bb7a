import { z } from 'zod';
import { ok, type Result } from '../contract/result.ts';
import type { Id } from '../ledger/verify/acts.ts';
import { decodeCbor, encodeCbor } from '../ledger/verify/cbor.ts';
import { softwareOpener, type HpkeMessage } from './hpke.ts';
import { makeSpaceKey, openFormerKey, sealFormerKey, unwrapSpaceKey } from './space.ts';

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
  const { publicKey, wrapped, recovery, recoverySecret } = makeSpaceKey(resident, dec);
  const formers = slip === null ? ok([]) : await handOn(before, slip, publicKey);
  if (!formers.ok) {
    recoverySecret.fill(0);
    return formers;
  }
  return ok({ publicKey, replacement: { number: replaced + 1, wrapped, recovery, formers: formers.value }, recoverySecret });
}

async function handOn(before: SpaceBefore, slip: Uint8Array, spaceKey: Uint8Array): Promise<Result<SpaceReplacement['formers']>> {
  const { resident, recovery, publicKey, replaced } = before;
  const secret = await unwrapSpaceKey(recovery, resident, publicKey, softwareOpener(slip), 'recovery');
  if (!secret.ok) return secret;
  const formers: SpaceReplacement['formers'] = [];
  const sealOn = (number: number, former: Uint8Array): void => {
    try {
      formers.push({ number, sealed: sealFormerKey(spaceKey, resident, former) });
    } finally {
      former.fill(0);
    }
  };
  try {
    const opener = softwareOpener(secret.value);
    for (const { number, sealed } of before.formers) {
      const former = await openFormerKey(sealed, resident, opener);
      if (!former.ok) return former;
      sealOn(number, former.value);
    }
    sealOn(replaced + 1, secret.value);
    return ok(formers);
  } finally {
    secret.value.fill(0);
  }
}
