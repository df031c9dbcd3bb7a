import type { PublicKey } from '../verify/acts.ts';
import { equalBytes } from '../verify/bytes.ts';
import type { Crypto, VerifyLater } from '../verify/crypto.ts';
import type { EnvelopeSigner } from '../verify/envelope.ts';
import { storageFailure } from './storage-failure.ts';

/** A transaction's signatures on their way: `done` never rejects. */
export interface Ahead {
  done: Promise<void>;
  /** Of what was found good, for `forget`. */
  names: string[];
}

/** Signatures under way; those of what comes in beyond are checked when it is judged. */
const mostAtOnce = 4096;
const mostKeys = 4096;

/**
 * Signatures are checked on other threads while their transactions wait to be judged: a check hangs on nothing but key, message and signature. The
 * rules ask for each of them all the same, by `crypto`, which knows the good ones; any other it checks then.
 */
export class SignaturesAhead {
  readonly crypto: Crypto;
  readonly #later: VerifyLater;
  readonly #keyOf: (kid: Uint8Array) => PublicKey | undefined;
  readonly #good = new Map<string, { key: PublicKey; message: Uint8Array }>();
  /** An id is its key's hash, so it never names another. */
  readonly #keys = new Map<string, PublicKey>();
  #running = 0;

  /** @param keyOf whose id this is, if anybody's; damage and what SQLite throws mean nobody's. */
  constructor(crypto: Crypto, later: VerifyLater, keyOf: (kid: Uint8Array) => PublicKey | undefined) {
    this.#later = later;
    this.#keyOf = keyOf;
    this.crypto = { ...crypto, verify: (key, message, signature) => this.#isGood(key, message, signature) || crypto.verify(key, message, signature) };
  }

  begin(signers: readonly EnvelopeSigner[]): Ahead {
    const ahead: Ahead = { done: Promise.resolve(), names: [] };
    if (this.#running >= mostAtOnce) return ahead;
    const checks = signers.flatMap((signer) => {
      const key = this.#known(signer.kid);
      return key?.[0] === signer.alg ? [this.#check(key, signer.input, signer.signature, ahead.names)] : [];
    });
    if (checks.length > 0) ahead.done = Promise.all(checks).then(() => undefined);
    return ahead;
  }

  /** Whatever became of them. */
  forget({ names }: Ahead): void {
    for (const name of names) this.#good.delete(name);
  }

  async #check(key: PublicKey, message: Uint8Array, signature: Uint8Array, names: string[]): Promise<void> {
    this.#running += 1;
    try {
      if (!(await this.#later(key, message, signature))) return;
    } catch {
      // Not checked: the rules do it.
      return;
    } finally {
      this.#running -= 1;
    }
    const name = nameOf(signature);
    this.#good.set(name, { key, message });
    names.push(name);
  }

  #known(kid: Uint8Array): PublicKey | undefined {
    const name = nameOf(kid);
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    let key: PublicKey | undefined;
    try {
      key = this.#keyOf(kid);
    } catch (error) {
      // It is named where the transaction is judged.
      storageFailure(error);
      return undefined;
    }
    if (key === undefined) return undefined;
    if (this.#keys.size >= mostKeys) this.#keys.clear();
    this.#keys.set(name, key);
    return key;
  }

  #isGood(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
    const good = this.#good.get(nameOf(signature));
    return good !== undefined && good.key[0] === key[0] && equalBytes(good.key[1], key[1]) && equalBytes(good.message, message);
  }
}

const nameOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
