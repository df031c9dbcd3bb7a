import type { News, Notice } from '../../contract/bridge.ts';
import { credentialType } from '../../contract/claims.ts';
import { ok, type Result } from '../../contract/result.ts';
import type { Credential } from '../../identity/credential.ts';
import { formerPlace, type SpaceContents } from '../../identity/space.ts';
import type { Name } from '../../ledger/verify/acts.ts';
import type { District, SealedSpace } from '../district.ts';
import type { ProvenResident } from './work.ts';

/** @param now Unix milliseconds. */
export const mayOnlyLook = ({ readOnlyUntil }: Pick<ProvenResident, 'readOnlyUntil'>, now: number): boolean => readOnlyUntil !== null && now < readOnlyUntil * 1000;

export const readOnlyNotice = ({ readOnlyUntil }: Pick<ProvenResident, 'readOnlyUntil'>, now: number): Notice[] =>
  readOnlyUntil !== null && mayOnlyLook({ readOnlyUntil }, now) ? [{ notice: 'card-read-only', until: new Date(readOnlyUntil * 1000).toISOString() }] : [];

interface AfterReplacement {
  resident: Pick<ProvenResident, 'readOnlyUntil'>;
  sealed: Pick<SealedSpace, 'objects' | 'lastOpened'>;
  contents: Pick<SpaceContents, 'lost' | 'selfHash'>;
  /** Those of this card. */
  credentials: readonly Pick<Credential, 'vct'>[];
}

const readOnlySeconds = 86_400;

/** What somebody whose card replaced another has to know, at the first visit and for the first day: what is gone with the old one, and what is not certified for this one yet. */
export async function replacementNews({ resident, sealed, contents, credentials }: AfterReplacement, district: Pick<District, 'parties'>, now: number): Promise<Result<News[]>> {
  const { readOnlyUntil } = resident;
  if (readOnlyUntil === null) return ok([]);
  const replacedAt = readOnlyUntil - readOnlySeconds;
  const isFirstVisit = (sealed.lastOpened ?? 0) < replacedAt;
  if (!isFirstVisit && !mayOnlyLook(resident, now)) return ok([]);
  const missing = await issuersMissing(sealed, credentials, district);
  if (!missing.ok) return missing;
  const letters = contents.lost.filter((name) => name.startsWith('letter/')).length;
  return ok([
    ...(isFirstVisit ? [{ news: 'card-replaced' as const, at: new Date(replacedAt * 1000).toISOString() }] : []),
    ...(contents.selfHash === null && contents.lost.includes('self') ? [{ news: 'typed-lost' as const }] : []),
    ...(letters > 0 ? [{ news: 'letters-lost' as const, count: letters }] : []),
    ...missing.value,
  ]);
}

/** A credential is bound to a card's key: whoever issued one to the card before has to issue it again, with a slip or without. */
async function issuersMissing({ objects }: Pick<SealedSpace, 'objects'>, credentials: readonly Pick<Credential, 'vct'>[], district: Pick<District, 'parties'>): Promise<Result<News[]>> {
  const held = new Set(credentials.map(({ vct }) => vct));
  const issuers = new Set<Name>();
  for (const { name } of objects) {
    const place = formerPlace(name);
    const issuer = place?.kind === 'credential' && !held.has(place.vct) ? credentialType(place.vct)?.issuer : undefined;
    // Without the registrar's nobody is signed in.
    if (typeof issuer === 'object') issuers.add(issuer.agency);
  }
  if (issuers.size === 0) return ok([]);
  const parties = await district.parties([...issuers]);
  return parties.ok ? ok([{ news: 'not-issued-yet', issuers: parties.value.map(({ names }) => names) }]) : parties;
}
