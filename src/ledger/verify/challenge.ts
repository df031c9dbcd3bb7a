import type { Id, Name, PublicKey } from './acts.ts';
import { concatBytes, equalBytes, utf8 } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Crypto } from './crypto.ts';
import { isBytes, isEither, isInt, isOneOf, isText, isTuple } from './shape.ts';

/** The one form, beside a KB-JWT's signing input, that an AUT key signs; its first byte (0x69) is no Sig_structure's. */
export interface Challenge {
  chain: string;
  kiosk: Name | null;
  /** `sign-in`, `register`, `home` (no kiosk: a reader at home), or a remote verifier's own word. */
  purpose: string;
  /** At sign-in the kiosk's 16 random bytes, then the keeper's; at registration `registerNonce`. */
  nonce: Uint8Array;
  /** Unix seconds. */
  notAfter: number;
}

const prefix = concatBytes(utf8('imi/aut/1'), Uint8Array.of(0));
const challengeShape = isTuple<[string, string | null, string, Uint8Array, number]>(
  isText(/^[a-z0-9-]{1,20}$/),
  isEither(isText(/^[a-z0-9-]{3,40}$/), isOneOf(null)),
  isText(/^[a-z0-9.-]{1,60}$/),
  isBytes(32),
  isInt(0, Number.MAX_SAFE_INTEGER),
);

export function encodeChallenge(challenge: Challenge): Uint8Array {
  return concatBytes(prefix, encodeCbor([challenge.chain, challenge.kiosk, challenge.purpose, challenge.nonce, challenge.notAfter]));
}

/** undefined: not exactly this form. */
export function decodeChallenge(bytes: Uint8Array): Challenge | undefined {
  if (!equalBytes(bytes.subarray(0, prefix.length), prefix)) return undefined;
  const fields = decodeCbor(bytes.subarray(prefix.length));
  if (!challengeShape(fields)) return undefined;
  const [chain, kiosk, purpose, nonce, notAfter] = fields;
  return { chain, kiosk, purpose, nonce, notAfter };
}

/** Binds the answer of a new card's AUT key to the whole set of keys it is registered with. */
export function registerNonce(
  keys: { id: Id; sig: PublicKey; aut: PublicKey; dec: PublicKey; space: PublicKey },
  crypto: Crypto,
): Uint8Array {
  return crypto.sha256(encodeCbor([keys.id, keys.sig, keys.aut, keys.dec, keys.space]));
}
