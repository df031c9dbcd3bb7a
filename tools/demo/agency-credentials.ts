import { randomBytes } from 'node:crypto';
import { agencyCredentials, type AgencyClaim } from '../../src/contract/claims.ts';
import { issueCredential } from '../../src/identity/credential.ts';
import { hashOf } from '../../src/identity/grant.ts';
import { sealTo } from '../../src/identity/sealing.ts';
import { sealCredential } from '../../src/identity/space.ts';
import type { Incoming } from '../../src/keeper/submission-check.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import type { MemorySigner } from '../../src/ledger/node-signer.ts';
import type { CredentialAnchor, Id, OpenedPart } from '../../src/ledger/verify/acts.ts';
import { signEnvelope } from '../../src/ledger/verify/envelope.ts';
import { signOrder } from '../../src/ledger/verify/order.ts';
import { commitPart, encodeOpenedPart } from '../../src/ledger/verify/private-part.ts';

/** What agencies know of one resident, each of its own. */
export type AgencyFacts = Readonly<Partial<Record<AgencyClaim, string>>>;

export interface AgencyIssuing {
  chain: string;
  resident: Id;
  /** Raw keys: the card's AUT, the data space's public half, the keeper's sealing key. */
  aut: Uint8Array;
  space: Uint8Array;
  keeper: Uint8Array;
  facts: AgencyFacts;
  /** Index in the status list of each issuer. */
  status: number;
  gateway: MemorySigner;
  agency(id: string): MemorySigner;
  /** Unix seconds. */
  now: number;
}

const lifetimeSeconds = 2 * 365 * 86_400;

/**
 * The credentials of all agencies that know something, in one transaction: each credential and the order to anchor it are signed by its agency, the
 * public acts by the gateway. null: no agency knows anything.
 */
export async function issueAgencyCredentials({ chain, resident, aut, space, keeper, facts, status, gateway, agency, now }: AgencyIssuing): Promise<Incoming | null> {
  const acts: CredentialAnchor[] = [];
  const payloads: Incoming['payloads'][number][] = [];
  for (const { vct, issuer, claims } of agencyCredentials) {
    const known = Object.fromEntries(claims.flatMap((claim) => (facts[claim] === undefined ? [] : [[claim, facts[claim]]])));
    if (Object.keys(known).length === 0) continue;
    const signer = agency(issuer);
    const sdJwt = await issueCredential({ vct, issuer, holder: aut, status, issuedAt: now, expiresAt: now + lifetimeSeconds, claims: known }, signer.sign);
    const hash = hashOf(Buffer.from(sdJwt, 'ascii'));
    const credential = new Uint8Array(randomBytes(16));
    const order = { kind: 'credential.issue' as const, party: issuer, subject: resident, credential, vct, status, hash };
    const signed = await signOrder({ v: 1, chain, nonce: new Uint8Array(randomBytes(16)), at: now, notAfter: now + 600, order }, signer, nodeCrypto);
    const opened: OpenedPart = { salt: new Uint8Array(randomBytes(16)), part: { kind: 'credential.anchor', issuer, vct, credential: hash, signed } };
    const act = acts.length;
    acts.push({ kind: 'credential.anchor', subject: resident, id: credential, status, private: commitPart(opened.salt, opened.part, nodeCrypto) });
    const part = encodeOpenedPart(opened);
    payloads.push(
      { act, what: 'part', to: 'space', sealed: sealTo(space, 'part', resident, part) },
      { act, what: 'part', to: 'keeper', sealed: sealTo(keeper, 'part', resident, part) },
      { act, what: 'credential', to: 'space', sealed: sealCredential(space, resident, sdJwt) },
    );
  }
  if (acts.length === 0) return null;
  const body = { v: 1 as const, chain, nonce: new Uint8Array(randomBytes(16)), notAfter: now + 3600, acts };
  return { envelope: await signEnvelope(body, [gateway], nodeCrypto), payloads };
}
