import { hashOf, openGrantOuter, sameHash } from '../identity/grant.ts';
import { placeName } from '../identity/space.ts';
import type { FactsKeep, GrantEnd, GrantGive, RequestSubmit, RequestWithdraw } from '../ledger/verify/acts.ts';
import { toHex } from '../ledger/verify/bytes.ts';
import { refuse } from './refusal.ts';
import { activeAgency, concern, grantPart, openPart, publishedService, requestPart, takeNamed, type Walk } from './submission-walk.ts';

export const mostReads = 32;
/** A kiosk's clock may be ahead of ours by this much when it computes the longest expiry. */
const clockSkewSeconds = 300;

/** What a resident's card signed, each as the rules leave it to the keeper. */
export async function checkGrant(index: number, act: GrantGive, walk: Walk): Promise<void> {
  const { bundle, keeper, now } = walk;
  const part = await openPart(index, act, walk, true);
  const outer = bundle.take(index, act, 'grant', 'keeper', null);
  if (!sameHash(hashOf(outer), part.outer)) refuse('payload-mismatch');
  const inner = await openGrantOuter(outer, act.id, keeper.opener);
  if (!inner.ok || !sameHash(hashOf(inner.value), part.inner)) refuse('payload-mismatch');

  const agency = await activeAgency(part.agency, keeper);
  const purpose = agency.purposes.find(({ id }) => id === part.purpose) ?? refuse('purpose-not-owned');
  if (part.claims.some((claim) => !purpose.claims.includes(claim))) refuse('claims-beyond-purpose');
  const service = await publishedService(part.service, keeper);
  if (service.agency !== part.agency || service.purpose !== part.purpose) refuse('service-mismatch');
  if (part.claims.some((claim) => !service.claims.includes(claim))) refuse('claims-beyond-service');
  if (Date.parse(part.until) !== act.until * 1000) refuse('until-mismatch');
  if (act.until <= now) refuse('until-past');
  if (act.until > now + purpose.longestDays * 86_400 + clockSkewSeconds) refuse('until-too-far');
  if (act.reads > mostReads) refuse('reads-too-many');
  walk.grants.set(toHex(act.id), part);
  concern(walk, index, act, part.agency);
}

export async function checkRequest(index: number, act: RequestSubmit, walk: Walk): Promise<void> {
  const { keeper } = walk;
  const part = await openPart(index, act, walk, true);
  await activeAgency(part.agency, keeper);
  const service = await publishedService(part.service, keeper);
  if (service.agency !== part.agency || service.version !== part.version || !sameHash(service.definition, part.definition)) refuse('service-mismatch');
  for (const grant of act.refs ?? []) {
    const given = await grantPart(act.subject, grant, walk);
    if (given.agency !== part.agency || given.service !== part.service) refuse('service-mismatch');
  }
  takeNamed(walk, index, act, 'answers', 'agency', null, part.answers);
  if (part.self !== undefined) takeNamed(walk, index, act, 'self', 'space', placeName({ kind: 'self' }), part.self);
  walk.requests.set(toHex(act.id), part);
  concern(walk, index, act, part.agency, { service: part.service, step: 'submitted' });
}

/** Also from an agency that was suspended, and from one whose service is gone: what was given is taken back at any time. */
export async function checkEnd(index: number, act: GrantEnd, walk: Walk): Promise<void> {
  const part = await openPart(index, act, walk, true);
  const given = await grantPart(act.subject, act.id, walk);
  if (given.agency !== part.agency) refuse('addressee-mismatch');
  concern(walk, index, act, part.agency);
}

export async function checkWithdrawal(index: number, act: RequestWithdraw, walk: Walk): Promise<void> {
  const part = await openPart(index, act, walk, true);
  const submitted = await requestPart(act.subject, act.id, walk);
  if (submitted.agency !== part.agency) refuse('addressee-mismatch');
  concern(walk, index, act, part.agency, { step: 'withdrawn' });
}

/** Nobody is addressed: only the resident and the keeper have the part. */
export async function checkFacts(index: number, act: FactsKeep, walk: Walk): Promise<void> {
  const part = await openPart(index, act, walk, false);
  takeNamed(walk, index, act, 'self', 'space', placeName({ kind: 'self' }), part.self);
}
