import { randomBytes } from 'node:crypto';
import type { Result } from '../contract/result.ts';
import { hashOf } from './grant.ts';
import { encodeReplacement, replaceSpaceKey, type SpaceBefore } from './space-replacement.ts';
import type { Body, Name, PublicKey, ResidentReplace } from '../ledger/verify/acts.ts';
import { concatBytes } from '../ledger/verify/bytes.ts';
import { encodeChallenge, registerNonce } from '../ledger/verify/challenge.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';

/** A new card as it lies in the reader: raw public keys, and its signature counter. */
export interface NewCard {
  sig: Uint8Array;
  aut: Uint8Array;
  dec: Uint8Array;
  signatureCount: number;
}

export interface ReplacementOrder {
  chain: string;
  space: SpaceBefore;
  card: NewCard;
  /** What was read of the identity document; only its salted hash is kept. */
  document: string;
  /** The secret of the slip, or null where there is none. */
  slip: Uint8Array | null;
  /** Name of the kiosk at which it is done, or null: at the registrar's. */
  kiosk: Name | null;
  /** Unix seconds. */
  now: number;
}

export interface PreparedReplacement {
  /** For the new card's AUT key to sign. */
  challenge: Uint8Array;
  /** With that signature: what two members of staff and the new card sign, and what goes along. */
  finish(signature: Uint8Array): { body: Body; payloads: { act: 0; what: 'replacement'; to: 'keeper'; sealed: Uint8Array }[] };
  /** For the new slip. */
  recoverySecret: Uint8Array;
}

/** For the three to sign, one after the other at one reader perhaps. */
const lifetimeSeconds = 3600;

/** A new card in place of the old one: keys, a new key of the data space, and what a slip opens handed on. `space-unreadable`: not the right slip. */
export async function prepareReplacement({ chain, space, card, document, slip, kiosk, now }: ReplacementOrder, crypto: Crypto): Promise<Result<PreparedReplacement>> {
  const renewed = await replaceSpaceKey(space, card.dec, slip);
  if (!renewed.ok) return renewed;
  const { publicKey, replacement, recoverySecret } = renewed.value;
  const keys = { sig: [-19, card.sig], aut: [-19, card.aut], dec: [-25, card.dec], space: [-25, publicKey] } satisfies Record<string, PublicKey>;
  const notAfter = now + lifetimeSeconds;
  const nonce = registerNonce({ id: space.resident, ...keys }, crypto);
  const act: Omit<ResidentReplace, 'proof'> = {
    kind: 'resident.replace',
    subject: space.resident,
    ...keys,
    // The card signs the transaction next.
    counter: card.signatureCount + 1,
    document: hashOf(concatBytes(new Uint8Array(randomBytes(16)), new TextEncoder().encode(document))),
  };
  return {
    ok: true,
    value: {
      challenge: encodeChallenge({ chain, kiosk, purpose: 'register', nonce, notAfter }),
      recoverySecret,
      finish: (signature) => ({
        body: { v: 1, chain, nonce: new Uint8Array(randomBytes(16)), notAfter, acts: [{ ...act, proof: { kiosk, notAfter, signature } }] },
        payloads: [{ act: 0, what: 'replacement', to: 'keeper', sealed: encodeReplacement(replacement) }],
      }),
    },
  };
}
