import { randomBytes } from 'node:crypto';
import { identityVct, type IdentityClaim } from '../contract/claims.ts';
import { hashOf } from '../identity/grant.ts';
import { issueCredential, type SignBytes } from '../identity/credential.ts';
import { sealTo } from '../identity/sealing.ts';
import { sealCredential } from '../identity/space.ts';
import type { Body, Id, Name, OpenedPart, PublicKey } from '../ledger/verify/acts.ts';
import { decodeCbor, encodeCbor } from '../ledger/verify/cbor.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { signEnvelope } from '../ledger/verify/envelope.ts';
import { commitPart, encodeOpenedPart } from '../ledger/verify/private-part.ts';

/** The facts of the population register about one person; what is not known is left out. A date is ISO 8601, a coded fact its code. */
export type IdentityFacts = Readonly<Partial<Record<IdentityClaim, string>>>;

export interface IssuerKeys {
  /** The party's name on the ledger, and its signing key there. */
  name: Name;
  key: PublicKey;
  sign: SignBytes;
}

export interface IdentityOrder {
  chain: string;
  resident: Id;
  /** Raw keys as in `resident.register`: the card's AUT, and the space's public half. */
  aut: Uint8Array;
  space: Uint8Array;
  /** The keeper's raw sealing key. */
  keeper: Uint8Array;
  facts: IdentityFacts;
  /** Index in the issuer's status list. */
  status: number;
  /** Unix seconds. */
  now: number;
  expiresAt: number;
}

/** What the keeper takes: the anchor's envelope and the ciphertexts that go along. */
export interface IssuedCredential {
  envelope: Uint8Array;
  payloads: { act: number; what: 'part' | 'credential'; to: 'space' | 'keeper'; sealed: Uint8Array }[];
}

/** An anchor that has not reached the ledger by then is issued anew. */
const anchorLifetimeSeconds = 24 * 3600;

/** Issues the identity credential to a resident's data space; only its salted hash and status index reach the ledger. */
export async function issueIdentity(order: IdentityOrder, issuer: IssuerKeys, crypto: Crypto): Promise<IssuedCredential> {
  const claims = Object.fromEntries(Object.entries(order.facts).filter(([, value]) => value !== undefined));
  const sdJwt = await issueCredential(
    { vct: identityVct, issuer: issuer.name, holder: order.aut, status: order.status, issuedAt: order.now, expiresAt: order.expiresAt, claims },
    issuer.sign,
  );
  const opened: OpenedPart = {
    salt: new Uint8Array(randomBytes(16)),
    part: { kind: 'credential.anchor', issuer: issuer.name, vct: identityVct, credential: hashOf(Buffer.from(sdJwt, 'ascii')) },
  };
  const body: Body = {
    v: 1,
    chain: order.chain,
    nonce: new Uint8Array(randomBytes(16)),
    notAfter: order.now + anchorLifetimeSeconds,
    acts: [
      {
        kind: 'credential.anchor',
        subject: order.resident,
        id: new Uint8Array(randomBytes(16)),
        private: commitPart(opened.salt, opened.part, crypto),
        status: order.status,
      },
    ],
  };
  const part = encodeOpenedPart(opened);
  return {
    envelope: await signEnvelope(body, [{ key: issuer.key, sign: issuer.sign }], crypto),
    payloads: [
      { act: 0, what: 'part', to: 'space', sealed: sealTo(order.space, 'part', order.resident, part) },
      { act: 0, what: 'part', to: 'keeper', sealed: sealTo(order.keeper, 'part', order.resident, part) },
      { act: 0, what: 'credential', to: 'space', sealed: sealCredential(order.space, order.resident, sdJwt) },
    ],
  };
}

/** To be kept until its anchor is recorded. */
export const encodeIssued = ({ envelope, payloads }: IssuedCredential): Uint8Array => encodeCbor([envelope, payloads.map(({ act, what, to, sealed }) => [act, what, to, sealed])]);

export function decodeIssued(bytes: Uint8Array): IssuedCredential {
  type Payload = IssuedCredential['payloads'][number];
  const [envelope, payloads] = decodeCbor(bytes) as unknown as [Uint8Array, [number, Payload['what'], Payload['to'], Uint8Array][]];
  return { envelope, payloads: payloads.map(([act, what, to, sealed]) => ({ act, what, to, sealed })) };
}
