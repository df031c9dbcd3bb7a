import { z } from 'zod';
import { fail, ok, type Result } from '../contract/result.ts';
import type { GrantPart, Hash, Id, Name } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../ledger/verify/cbor.ts';
import { sha256 } from './credential.ts';
import type { OpenFailure, Opener } from './hpke.ts';
import { openSealed, sealTo } from './sealing.ts';

/** What the resident allows: one agency, one purpose, these claims, until then. */
export interface GrantTerms {
  id: Id;
  agency: Name;
  purpose: Name;
  service: Name;
  claims: string[];
  /** Unix seconds. */
  given: number;
  until: number;
  /** ISO 3166-1 code, with a subdivision where there is one. */
  jurisdiction: string;
}

export interface SealedGrant {
  part: GrantPart;
  /** The presentations, to the agency inside, to the keeper outside. */
  sealed: Uint8Array;
}

export const hashOf = (bytes: Uint8Array): Hash => [-16, sha256(bytes)];

export const sameHash = (a: Hash, b: Hash): boolean => a[0] === b[0] && equalBytes(a[1], b[1]);

export const isoSeconds = (unixSeconds: number): string => new Date(unixSeconds * 1000).toISOString();

/** Bundles one SD-JWT+KB per issuer under one grant. */
export function sealGrant(terms: GrantTerms, presentations: readonly string[], agencySealKey: Uint8Array, keeperSealKey: Uint8Array): SealedGrant {
  const inner = sealTo(agencySealKey, 'grant-agency', terms.id, encodeCbor({ v: 1, presentations: [...presentations] }));
  const outer = sealTo(keeperSealKey, 'grant-keeper', terms.id, inner);
  return {
    sealed: outer,
    part: {
      kind: 'grant.give',
      agency: terms.agency,
      purpose: terms.purpose,
      service: terms.service,
      claims: terms.claims,
      given: isoSeconds(terms.given),
      until: isoSeconds(terms.until),
      withdrawal: 'any kiosk of the hub',
      jurisdiction: terms.jurisdiction,
      inner: hashOf(inner),
      outer: hashOf(outer),
    },
  };
}

/** The keeper takes its layer off: what remains is sealed to the agency. */
export const openGrantOuter = (sealed: Uint8Array, grant: Id, keeper: Opener): Promise<Result<Uint8Array, OpenFailure>> => openSealed(sealed, 'grant-keeper', grant, keeper);

const presentationsSchema = z.strictObject({ v: z.literal(1), presentations: z.array(z.string()).min(1).max(16) });

/** The agency's half: the presentations, still to be verified (`verifyPresentation`). */
export async function openGrantInner(sealed: Uint8Array, grant: Id, agency: Opener): Promise<Result<string[], OpenFailure>> {
  const opened = await openSealed(sealed, 'grant-agency', grant, agency);
  if (!opened.ok) return opened;
  const read = presentationsSchema.safeParse(decodeCbor(opened.value));
  return read.success ? ok(read.data.presentations) : fail('seal-broken', 'presentations');
}
