import { credentialType } from '../contract/claims.ts';
import { ok, type Result } from '../contract/result.ts';
import { claimedIssuer, openCredential, type Credential } from '../identity/credential.ts';
import { statusValid } from '../identity/status-list.ts';
import type { Name } from '../ledger/verify/acts.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import type { Issuer, ProvenParty } from './district.ts';

export interface HeldCheck {
  /** Raw AUT key of the card in hand. */
  holder: Uint8Array;
  /** Unix seconds. */
  now: number;
  /** Those of these that are active parties. Without a status list whoever verifies will not take a credential; here it is no reason to hide a fact from its owner. */
  issuers(names: readonly Name[]): Promise<Result<Issuer[]>>;
  crypto: Crypto;
}

/** What of a data space may be shown to others: the newest of each type, not revoked. `why`: what was wrong with the last one that does not hold. */
export interface HeldCredentials {
  credentials: { credential: Credential; issuer: ProvenParty }[];
  why: string;
}

/** A credential that does not hold is left out; only what keeps the ledger from being asked is a failure. */
export async function heldCredentials(sdJwts: readonly string[], check: HeldCheck): Promise<Result<HeldCredentials>> {
  const { holder, now, crypto } = check;
  const named = sdJwts.map((sdJwt) => ({ sdJwt, name: claimedIssuer(sdJwt) }));
  const found = await check.issuers([...new Set(named.flatMap(({ name }) => name ?? []))]);
  if (!found.ok) return found;
  const issuers = new Map(found.value.map((issuer) => [issuer.party.id, issuer]));
  const good: HeldCredentials['credentials'] = [];
  let why = 'none';
  for (const { sdJwt, name } of named) {
    if (name === null) continue;
    const issuer = issuers.get(name);
    if (issuer === undefined) {
      why = 'issuer-unknown';
      continue;
    }
    const credential = openCredential(sdJwt, { issuer: { name, key: issuer.party.sign }, holder, now, verify: (key, message, signature) => crypto.verify(key, message, signature) });
    if (!credential.ok) why = credential.failure.detail ?? why;
    else if (!mayIssue(issuer.party, credential.value.vct)) why = 'issuer-role';
    else if ((issuer.list?.at(credential.value.status) ?? statusValid) !== statusValid) why = 'revoked';
    else good.push({ credential: credential.value, issuer: issuer.party });
  }
  good.sort((a, b) => b.credential.issuedAt - a.credential.issuedAt);
  return ok({ credentials: good.filter(({ credential }, index) => good.findIndex((other) => other.credential.vct === credential.vct) === index), why });
}

/** Each type of credential is one issuer's: a bank's word on somebody's name is nothing. */
function mayIssue({ id, kind }: ProvenParty, vct: string): boolean {
  const type = credentialType(vct);
  if (type === null) return false;
  return type.issuer === 'registrar' ? kind === 'registrar' : kind === 'agency' && id === type.issuer.agency;
}
