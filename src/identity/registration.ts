import { randomBytes } from 'node:crypto';
import type { Body, Id, Name, PublicKey } from '../ledger/verify/acts.ts';
import { encodeChallenge, registerNonce } from '../ledger/verify/challenge.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import type { HpkeMessage } from './hpke.ts';
import { makeSpaceKey } from './space.ts';

/** A new card: raw public keys, and its signature counter as it is. */
export interface RegistrationOrder {
  chain: string;
  /** Name of the kiosk at which it is done. */
  kiosk: Name;
  sig: Uint8Array;
  aut: Uint8Array;
  dec: Uint8Array;
  signatureCount: number;
  /** Unix seconds. */
  now: number;
}

export interface PreparedRegistration {
  resident: Id;
  /** For the new card's AUT key to sign. */
  challenge: Uint8Array;
  /** With that signature: what staff and the new card sign. */
  finish(signature: Uint8Array): Body;
  /** The private half of the space's key, to the card and to the slip. */
  wrapped: HpkeMessage;
  recovery: HpkeMessage;
  /** For the slip, 32 bytes: whoever has it opens the space. */
  recoverySecret: Uint8Array;
}

/** For both to sign, one after the other. */
const lifetimeSeconds = 3600;

/** A resident who has no id yet, with a data space of their own: all of it but the signatures. */
export function prepareRegistration({ chain, kiosk, sig, aut, dec, signatureCount, now }: RegistrationOrder, crypto: Crypto): PreparedRegistration {
  const resident = new Uint8Array(randomBytes(16));
  const space = makeSpaceKey(resident, dec);
  const keys = { sig: [-19, sig], aut: [-19, aut], dec: [-25, dec], space: [-25, space.publicKey] } satisfies Record<string, PublicKey>;
  const notAfter = now + lifetimeSeconds;
  return {
    resident,
    challenge: encodeChallenge({ chain, kiosk, purpose: 'register', nonce: registerNonce({ id: resident, ...keys }, crypto), notAfter }),
    finish: (signature) => ({
      v: 1,
      chain,
      nonce: new Uint8Array(randomBytes(16)),
      notAfter,
      // The card signs the transaction next.
      acts: [{ kind: 'resident.register', id: resident, ...keys, counter: signatureCount + 1, proof: { kiosk, notAfter, signature } }],
    }),
    wrapped: space.wrapped,
    recovery: space.recovery,
    recoverySecret: space.recoverySecret,
  };
}
