import type { PublicKey } from './acts.ts';

/** What a verifier is handed: node:crypto in Node and Electron, @noble in pages. Both accept exactly the same signatures. */
export interface Crypto {
  sha256(bytes: Uint8Array): Uint8Array;
  /** The same put into `target` from `at` on, which trees of many hashes are asked for; not there: `sha256` is what there is. */
  putSha256?(bytes: Uint8Array, target: Uint8Array, at: number): void;
  /**
   * Ed25519 (−19) as `ed25519-strict.ts` defines it, or ESP256 (−9; R ‖ S, 64 bytes).
   * false for any other algorithm, for a malformed key and for a malformed signature: it never throws.
   */
  verify(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean;
  /** Not there: `verify` is what there is. */
  verifyLater?: VerifyLater;
}

/** As `Crypto.verify`, on another thread; where it rejects, nothing is known. */
export type VerifyLater = (key: PublicKey, message: Uint8Array, signature: Uint8Array) => Promise<boolean>;

/** For whoever has more to do meanwhile: on another thread where there is one. */
export const verifiedBeside = (crypto: Crypto, ...signed: Parameters<VerifyLater>): Promise<boolean> => crypto.verifyLater?.(...signed) ?? Promise.resolve(crypto.verify(...signed));
