import type { SelfClaims } from '../../identity/self-claims.ts';
import type { SpaceContents } from '../../identity/space.ts';
import { ok, type Result } from '../../contract/result.ts';
import type { Hash, OpenedPart } from '../../ledger/verify/acts.ts';
import { equalBytes } from '../../ledger/verify/bytes.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import type { Trust } from '../../ledger/verify/head.ts';
import { opensAct } from '../../ledger/verify/private-part.ts';
import { verifyReceipt, type ReceiptProof } from '../../ledger/verify/receipt.ts';
import type { District } from '../district.ts';
import type { ProvenResident } from './work.ts';

/** Typed facts as the keeper handed them out. Anybody can seal to a data space: none of this is to be believed before `provenFacts`. */
export interface HandedOutFacts {
  claims: SelfClaims;
  /** Of the sealed map. */
  hash: Hash;
  /** The requests and corrections in the space that name a map of typed facts. */
  vouchers: { transaction: Uint8Array; act: number; opened: OpenedPart; names: Hash }[];
}

/** null: there is no map of typed facts in the space. */
export function handedOutFacts({ self, selfHash, parts }: SpaceContents): HandedOutFacts | null {
  if (selfHash === null) return null;
  const vouchers = parts.flatMap(({ transaction, act, opened }) => {
    const names = opened.part.kind === 'request.submit' || opened.part.kind === 'facts.keep' ? opened.part.self : undefined;
    return names === undefined ? [] : [{ transaction, act, opened, names }];
  });
  return { claims: self, hash: selfHash, vouchers };
}

export interface FactParts {
  district: Pick<District, 'receipt' | 'isSigningKeyOf'>;
  trust: Trust;
  crypto: Crypto;
}

/**
 * The facts, where the newest request or correction that names any names these: one that stands in the ledger, that this resident's card signed, or one
 * that it replaced, and that commits to the part in the space. No facts where it does not. A failure (the hub is away) leaves open which of the two it is.
 * A part that the keeper withholds is not missed.
 */
export async function provenFacts({ claims, hash, vouchers }: HandedOutFacts, resident: ProvenResident, { district, trust, crypto }: FactParts): Promise<Result<SelfClaims>> {
  let newest: { index: number; act: number; names: Hash } | null = null;
  for (const { transaction, act, opened, names } of vouchers) {
    const found = await district.receipt(transaction, 0);
    if (!found.ok && found.failure.code !== 'proof-invalid' && found.failure.code !== 'head-invalid') return found;
    if (!found.ok || found.value === null) continue;
    const proof = verifyReceipt(found.value.receipt, trust, crypto);
    if (!proof.ok || !vouches(proof.value, act, opened, resident, crypto)) continue;
    const signed = await isSignedBy(resident, proof.value, district);
    if (!signed.ok) return signed;
    if (!signed.value) continue;
    const { index } = proof.value;
    if (newest === null || index > newest.index || (index === newest.index && act > newest.act)) newest = { index, act, names };
  }
  return ok(newest !== null && equalBytes(newest.names[1], hash[1]) ? claims : {});
}

function vouches({ body }: ReceiptProof, act: number, opened: OpenedPart, resident: ProvenResident, crypto: Crypto): boolean {
  const signed = body.acts[act];
  return (signed?.kind === 'request.submit' || signed?.kind === 'facts.keep') && equalBytes(signed.subject, resident.id) && opensAct(signed, opened, crypto);
}

async function isSignedBy({ id, sig, readOnlyUntil }: ProvenResident, { signers }: ReceiptProof, district: Pick<District, 'isSigningKeyOf'>): Promise<Result<boolean>> {
  if (signers.some(([algorithm, key]) => algorithm === -19 && equalBytes(key, sig))) return ok(true);
  if (readOnlyUntil === null) return ok(false);
  for (const signer of signers) {
    const former = await district.isSigningKeyOf(signer, id);
    if (!former.ok || former.value) return former;
  }
  return ok(false);
}
