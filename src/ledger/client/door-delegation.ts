import type { PublicKey } from '../verify/acts.ts';
import { concatBytes, utf8 } from '../verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../verify/cbor.ts';
import type { Crypto } from '../verify/crypto.ts';
import { z } from 'zod';

/**
 * A key that cannot be in TLS itself, since it lies in a TPM, says which key speaks for it at the hub's door, and until when. It rides in that key's
 * certificate (certificate.ts), under an object id of its own.
 */
export interface DoorDelegation {
  /** The device key, as on the ledger. */
  key: PublicKey;
  /** Unix seconds. */
  until: number;
  signature: Uint8Array;
}

/** 2.25 and the UUID 6d1f0c52-5a0e-4b7b-9c1e-2f7a90d4e613 as an arc (X.667): DER of the whole OBJECT IDENTIFIER. */
export const delegationOid: Uint8Array = Uint8Array.from(Buffer.from('061469' + '81da9f8694cba0f2adf79c8f8befa986d3cc13', 'hex'));

/** How long a stolen copy of the key that stands in is good for at the most. */
export const delegationSeconds = 24 * 3600;
/** A kiosk's clock may be ahead of the hub's by this much. */
const skewSeconds = 600;

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const delegationSchema = z.strictObject({ v: z.literal(1), alg: z.union([z.literal(-19), z.literal(-9)]), key: bytes, until: z.int().min(0), signature: bytes });

/** What the device key signs. @param spki of the key that stands in, DER. */
export function delegationInput(spki: Uint8Array, until: number, { sha256 }: Pick<Crypto, 'sha256'>): Uint8Array {
  const seconds = new Uint8Array(8);
  new DataView(seconds.buffer).setBigUint64(0, BigInt(until));
  return concatBytes(utf8('imi/door-delegation/1\n'), sha256(spki), seconds);
}

export const encodeDelegation = ({ key: [alg, key], until, signature }: DoorDelegation): Uint8Array => encodeCbor({ v: 1, alg, key, until, signature });

/**
 * The device key for which this certificate's key may speak now. undefined: it says nothing of one. null: what it says does not hold. Only found by its object id in
 * the certificate's bytes: whatever else stands there, the signature alone decides.
 */
export function delegatedBy(certificate: Uint8Array, spki: Uint8Array, now: number, crypto: Pick<Crypto, 'sha256' | 'verify'>): Pick<DoorDelegation, 'key' | 'until'> | null | undefined {
  const raw = Buffer.from(certificate);
  const at = raw.indexOf(delegationOid);
  if (at === -1) return undefined;
  // OCTET STRING with its length in one byte more than 127.
  const begin = at + delegationOid.length;
  if (raw[begin] !== 0x04 || raw[begin + 1] !== 0x81) return null;
  const said = delegationSchema.safeParse(decodeCbor(new Uint8Array(raw.subarray(begin + 3, begin + 3 + (raw[begin + 2] ?? 0)))));
  if (!said.success) return null;
  const { alg, key, until, signature } = said.data;
  const device: PublicKey = [alg, key];
  if (until <= now || until > now + delegationSeconds + skewSeconds) return null;
  return crypto.verify(device, delegationInput(spki, until, crypto), signature) ? { key: device, until } : null;
}
