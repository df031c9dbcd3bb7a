import { fromBase64url } from '../ledger/verify/bytes.ts';

/** A validator's public key of 32 bytes: base64, as CometBFT's `pub_key` has it, or base64url. undefined: it is none. */
export function readValidatorKey(text: string): Uint8Array | undefined {
  const key = fromBase64url(text.replaceAll('+', '-').replaceAll('/', '_').replace(/=$/, ''));
  return key?.length === 32 ? key : undefined;
}
