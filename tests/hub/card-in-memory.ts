import { readFileSync } from 'node:fs';
import { ok, type Result } from '../../src/contract/result.ts';
import { softwareOpener, type Opener } from '../../src/identity/hpke.ts';
import { ed25519Signer, type MemorySigner } from '../../src/ledger/node-signer.ts';
import { loadCardState } from '../../tools/virtual-card/card-state.ts';

/** A resident's card without PC/SC: its keys as the state file has them. For tests of what stands behind the device host. */
export interface CardInMemory {
  sig: MemorySigner;
  aut: MemorySigner;
  dec: Opener;
  signWithAut(input: Uint8Array): Promise<Result<Uint8Array>>;
  /** Value of the signature counter after the next signature; counts. */
  nextCounter(): number;
}

export function cardInMemory(path: string): CardInMemory {
  const state = loadCardState(path);
  const secret = (role: 'sig' | 'aut' | 'dec'): Uint8Array => Buffer.from(state.keys[role].secret ?? '', 'hex');
  const aut = ed25519Signer(secret('aut'));
  let { signatureCount } = state;
  return {
    sig: ed25519Signer(secret('sig')),
    aut,
    dec: softwareOpener(secret('dec')),
    signWithAut: (input) => Promise.resolve(ok(aut.sign(input))),
    nextCounter: () => (signatureCount += 1),
  };
}

/** The device key of a seeded kiosk. */
export function kioskSigner(keyPath: string): MemorySigner {
  const { d } = JSON.parse(readFileSync(keyPath, 'utf8')) as { d: string };
  return ed25519Signer(Buffer.from(d, 'base64url'));
}
