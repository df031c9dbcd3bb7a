import type { CommittingAct, Hash, OpenedPart, PrivatePart } from './acts.ts';
import { openedPartShape } from './act-shapes.ts';
import { concatBytes, equalBytes } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Crypto } from './crypto.ts';

/** What an activity act's `private` holds: SHA-256(salt16 ‖ CBOR of the part). */
export function commitPart(salt: Uint8Array, part: PrivatePart, crypto: Crypto): Hash {
  if (salt.length !== 16) throw new RangeError('a salt has 16 bytes');
  return [-16, crypto.sha256(concatBytes(salt, encodeCbor(part)))];
}

/** As sealed to the data space, the addressee and the keeper, and as carried in receipts. */
export const encodeOpenedPart = (opened: OpenedPart): Uint8Array => encodeCbor(opened);

/** undefined: not a private part of a kind we know, with its salt. */
export function decodeOpenedPart(bytes: Uint8Array): OpenedPart | undefined {
  const value = decodeCbor(bytes);
  return openedPartShape(value) ? value : undefined;
}

/** true: this is the part that the act commits to, and of the act's own kind. */
export function opensAct(act: CommittingAct, opened: OpenedPart, crypto: Crypto): boolean {
  return opened.part.kind === act.kind && equalBytes(act.private[1], commitPart(opened.salt, opened.part, crypto)[1]);
}
