import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import { compareBytes, equalBytes } from './bytes.ts';
import { checkpointOf, checkpointText, isOrigin } from './checkpoint.ts';
import { cosignedMessage, type Cosignature } from './cosignature.ts';
import type { Crypto } from './crypto.ts';
import type { VerifiedHead } from './head.ts';
import { isBytes, isInt, isList, isMap, isTuple, type Shape } from './shape.ts';

/** Whose word from outside counts, and how many of them it takes. */
export interface Witnessing {
  /** Under which name they know this ledger. */
  origin: string;
  threshold: number;
  /** `key`: Ed25519, 32 bytes. */
  witnesses: { name: string; key: Uint8Array }[];
}

/**
 * Who outside has cosigned a receipt's head. The checkpoint that they signed follows from that head and the origin, so of each only the key, the
 * time (Unix seconds) and the signature are carried, by their keys in ascending order; names are the verifier's own.
 */
export interface ReceiptCheckpoint {
  origin: string;
  cosignatures: [key: Uint8Array, time: number, signature: Uint8Array][];
}

export const receiptCheckpointShape: Shape<ReceiptCheckpoint> = isMap({
  origin: (value: unknown): value is string => typeof value === 'string' && isOrigin(value),
  cosignatures: isList(isTuple<[Uint8Array, number, Uint8Array]>(isBytes(32), isInt(0, Number.MAX_SAFE_INTEGER), isBytes(64)), 1, 16),
});

/** What the witnesses say of a receipt, by the verifier's own list of them. */
export interface WitnessReport {
  /** In the order of the verifier's list. `time`: Unix seconds. */
  witnesses: { name: string; time: number }[];
  /** That as many of them cosigned as it takes: the third state, `witnessed`. */
  isWitnessed: boolean;
}

export const notWitnessed: WitnessReport = { witnesses: [], isWitnessed: false };

/** At most 16, whichever come first by their keys. */
export const receiptCheckpoint = (origin: string, cosignatures: readonly Cosignature[]): ReceiptCheckpoint => ({
  origin,
  cosignatures: cosignatures
    .map(({ witness, time, signature }): [Uint8Array, number, Uint8Array] => [witness.key, time, signature])
    .sort(([one], [other]) => compareBytes(one, other))
    .slice(0, 16),
});

/**
 * Every cosignature has to hold by the key beside it, also that of a witness who is not on the verifier's list: it says nothing then.
 * The failure's detail says which does not.
 */
export function verifyReceiptCheckpoint(
  { origin, cosignatures }: ReceiptCheckpoint,
  head: Pick<VerifiedHead, 'height' | 'logSize' | 'logRoot' | 'stateRoot'>,
  trusted: Witnessing | undefined,
  crypto: Crypto,
): Result<WitnessReport, Failure<'cosignature-invalid'>> {
  const text = checkpointText(checkpointOf(head, origin));
  for (const [i, [key, time, signature]] of cosignatures.entries()) {
    const earlier = cosignatures[i - 1]?.[0];
    if (earlier !== undefined && compareBytes(earlier, key) >= 0) return fail('cosignature-invalid', 'cosignatures out of order');
    if (!crypto.verify([-19, key], cosignedMessage(text, time), signature)) return fail('cosignature-invalid', `cosignature ${i}`);
  }
  // A witness may watch another ledger too: what it says of that one counts nothing here.
  if (trusted?.origin !== origin) return ok(notWitnessed);
  const witnesses = trusted.witnesses.flatMap(({ name, key }) => {
    const cosignature = cosignatures.find(([by]) => equalBytes(by, key));
    return cosignature === undefined ? [] : [{ name, time: cosignature[1] }];
  });
  return ok({ witnesses, isWitnessed: witnesses.length >= trusted.threshold });
}
