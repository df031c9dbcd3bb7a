import type { Crypto } from './verify/crypto.ts';
import { concatBytes } from './verify/bytes.ts';

/**
 * A node judges the same transaction several times: when it comes in, when a block is proposed, when it is applied. A signature that was found good
 * stays good, so the check is made once; what was found bad is checked again. Keeps at least the `size` that were used last, twice as many at most.
 */
export function rememberSignatures(crypto: Crypto, size: number): Crypto {
  let young = new Set<string>();
  let old = new Set<string>();
  const keep = (name: string): void => {
    young.add(name);
    if (young.size < size) return;
    old = young;
    young = new Set();
  };
  return {
    ...crypto,
    verify: (key, message, signature) => {
      const [alg, bytes] = key;
      // Lengths of key and signature follow from the algorithm; a wrong one is never kept, since it does not verify.
      const name = Buffer.from(crypto.sha256(concatBytes(Uint8Array.of(alg & 0xff, bytes.length, signature.length), bytes, signature, message))).toString('latin1');
      if (young.has(name)) return true;
      if (!old.has(name) && !crypto.verify(key, message, signature)) return false;
      keep(name);
      return true;
    },
  };
}
