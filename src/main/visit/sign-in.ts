import type { CardInfo, OpenPgpInfo } from '../../contract/device-host.ts';
import type { Notice, RequestRow } from '../../contract/bridge.ts';
import { credentialType, identityVct } from '../../contract/claims.ts';
import { fail, never, ok, type Result } from '../../contract/result.ts';
import type { Credential } from '../../identity/credential.ts';
import { openObjects, openSpace, type OpenSpace, type SpaceContents } from '../../identity/space.ts';
import type { Name } from '../../ledger/verify/acts.ts';
import { equalBytes } from '../../ledger/verify/bytes.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import type { Card } from '../card.ts';
import type { Clock } from '../clock.ts';
import type { CarriedAsks, District, ProvenActivity, ProvenParty, SealedSpace } from '../district.ts';
import { heldCredentials } from '../held-credentials.ts';
import type { Outbox, Untold } from '../outbox.ts';
import { waitingAsks } from './asks.ts';
import type { KnownClaims, Offered } from './draft.ts';
import { keptContents } from './kept-contents.ts';
import { tellMyData, withSteps } from './my-data-lookup.ts';
import { newsOf } from './my-data.ts';
import { pastRequests } from './past-requests.ts';
import { readOnlyNotice, replacementNews } from './replaced-card.ts';
import { handedOutFacts } from './typed-facts.ts';
import { closeAccess, type Access, type Proof, type ProvenResident, type Ticket } from './work.ts';

export interface SignInParts {
  district: District;
  outbox: Outbox;
  crypto: Crypto;
  clock: Clock;
  /** Proved services, as the kiosk knows them by now. */
  offers(): Promise<Result<Offered>>;
}

const seconds = (clock: Clock): number => Math.floor(clock.now() / 1000);

/** While the resident types: whose key this is, and a challenge to answer. */
export async function lookUp(keys: CardInfo['keys'], { district, offers }: SignInParts): Promise<Result<Ticket>> {
  // Proved anew for each visit, and beside the rest: the home page then waits for nothing.
  void offers();
  const [resident, challenge] = await Promise.all([district.residentOf(keys), district.challenge()]);
  if (!resident.ok) return resident;
  return challenge.ok ? ok({ resident: resident.value, ...challenge.value }) : challenge;
}

/** The card answers, and the answer is checked here against the ledger's key, whatever the keeper will say. */
export async function proveKey(card: Card, ticket: Ticket, { district, crypto, clock }: SignInParts): Promise<Result<Proof>> {
  let fresh = ticket;
  if (ticket.notAfter - 5 < seconds(clock)) {
    const challenge = await district.challenge();
    if (!challenge.ok) return challenge;
    fresh = { ...ticket, ...challenge.value };
  }
  const signature = await card.authenticate(fresh.challenge);
  if (!signature.ok) return signature;
  if (!crypto.verify([-19, fresh.resident.aut], fresh.challenge, signature.value)) return fail('challenge-failed', 'at the kiosk');
  return ok({ ticket: fresh, signature: signature.value });
}

/** One decipher of the card opens the data space; every credential in it is checked before a fact of it is believed. */
export async function openAccess(card: Card, info: OpenPgpInfo, proof: Proof, signal: AbortSignal, parts: SignInParts): Promise<Result<Access>> {
  const { district } = parts;
  const { resident, challenge } = proof.ticket;
  const sealed = await district.openSpace(resident.id, challenge, proof.signature);
  if (!sealed.ok) return sealed;
  const opened = await unsealAccess(card, info, resident, sealed.value, parts);
  if (opened.ok && !signal.aborted) return opened;
  // Nobody is there any more, or nothing can be shown: the keeper's door is shut again.
  const session = sealed.value.session.slice();
  if (opened.ok) closeAccess(opened.value);
  await district.closeSpace(session);
  return opened.ok ? fail('card-removed', 'too late') : opened;
}

async function unsealAccess(card: Card, info: OpenPgpInfo, resident: ProvenResident, sealed: SealedSpace, parts: SignInParts): Promise<Result<Access>> {
  const [space, offers, keeper, activity, mutes, asks] = await Promise.all([
    openSpace(sealed.wrappedKey, resident.id, resident.space, { publicKey: resident.dec, agree: (point) => card.agree(point) }),
    parts.offers(),
    parts.district.keeper(),
    parts.district.activity(sealed.session, resident.id),
    parts.district.mutes(sealed.session),
    parts.district.asks(sealed.session),
  ]);
  if (!space.ok) return space;
  const filled = !offers.ok ? offers : !keeper.ok ? keeper : await fillAccess(info, resident, sealed, space.value, offers.value, keeper.value, { activity, mutes, waiting: asks }, parts);
  if (!filled.ok) space.value.close();
  return filled;
}

async function fillAccess(
  info: OpenPgpInfo,
  resident: ProvenResident,
  sealed: SealedSpace,
  space: OpenSpace,
  offered: Offered,
  keeper: ProvenParty,
  { activity, mutes, waiting }: { activity: Result<ProvenActivity>; mutes: Result<Name[]>; waiting: Result<CarriedAsks> },
  parts: SignInParts,
): Promise<Result<Access>> {
  const { outbox } = parts;
  const kept = await openObjects(sealed.objects, space);
  if (!kept.ok) return kept;
  const contents = await keptContents(kept.value, outbox, space);
  const checked = await checkCredentials(contents, info.keys.aut, parts);
  if (!checked.ok) return checked;
  const { credentials, known } = checked.value;
  const name = known.name?.value;
  if (name === undefined) return fail('credential-invalid', 'no name');
  const handedOut = handedOutFacts(kept.value);
  const held = { parts: contents.parts, letters: contents.letters, withheld: sealed.withheld };
  const requests = pastRequests(contents, offered.offers, stateIn(kept.value, resident.id, outbox));
  // Nobody is kept from signing in because a list could not be had: its own pages say so.
  const [asks, told] = await Promise.all([waitingAsks(waiting, credentials, parts), activity.ok ? tellMyData(activity.value, resident.id, held, parts) : activity]);
  const replaced = await replacementNews({ resident, sealed, contents, credentials }, parts.district, parts.clock.now());
  if (!replaced.ok) return replaced;
  const counters = [...sealed.knownCounters, ...outbox.counters(resident.id)];
  return ok({
    resident,
    session: sealed.session,
    space,
    name,
    credentials,
    known,
    // What this kiosk saw signed needs no proof, and is newer than what the keeper has.
    self: contents.signedHere ?? (handedOut === null ? {} : null),
    handedOut,
    requests: told.ok ? withSteps(requests, told.value, offered.offers) : requests,
    held,
    myData: told.ok ? told.value : null,
    news: [...replaced.value, ...(told.ok ? newsOf(told.value, sealed.lastOpened, requests, offered.offers) : told.failure.code === 'proof-invalid' ? [{ news: 'list-broken' as const }] : [])],
    muted: mutes.ok ? mutes.value : [],
    notices: [...readOnlyNotice(resident, parts.clock.now()), ...gapNotice(info.signatureCount, resident.counter, counters), ...outbox.untold(resident.id).map(noticeOf)],
    ...offered,
    asks,
    keeperSeal: keeper.seal,
  });
}

/** One that does not hold is left out, a revoked one too, and without an identity credential nobody is signed in. */
async function checkCredentials(contents: SpaceContents, holder: Uint8Array, { district, crypto, clock }: SignInParts): Promise<Result<{ credentials: Credential[]; known: KnownClaims }>> {
  const held = await heldCredentials(contents.credentials, {
    holder,
    now: seconds(clock),
    issuers: (names) => district.issuers(names),
    crypto,
  });
  if (!held.ok) return held;
  const { credentials, why } = held.value;
  if (!credentials.some(({ credential }) => credential.vct === identityVct)) return fail('credential-invalid', why);
  const known: KnownClaims = {};
  for (const { credential, issuer } of credentials) {
    for (const claim of credentialType(credential.vct)?.claims ?? []) {
      const value = credential.claims[claim];
      if (value !== undefined) known[claim] = { value, issuer: issuer.names, vct: credential.vct };
    }
  }
  return ok({ credentials: credentials.map(({ credential }) => credential), known });
}

/**
 * What the card signed and nobody knows of: its counter less the ledger's highest, less the values that hub and kiosk know as queued,
 * rejected or broken off. With 12 on the card, 9 on the ledger and 10 known as queued, 2 remain.
 */
export function counterGap(onCard: number, onLedger: number, known: readonly number[]): number {
  const accounted = new Set(known.filter((counter) => counter > onLedger && counter <= onCard));
  return Math.max(0, onCard - onLedger - accounted.size);
}

function gapNotice(onCard: number, onLedger: number, known: readonly number[]): Notice[] {
  const count = counterGap(onCard, onLedger, known);
  return count === 0 ? [] : [{ notice: 'counter-gap', count }];
}

function noticeOf(untold: Untold): Notice {
  const { reference } = untold;
  switch (untold.state) {
    case 'recorded':
      return { notice: 'request-recorded', reference };
    case 'rejected':
      return { notice: 'request-rejected', reference, code: untold.code };
    case 'expired':
      return { notice: 'request-expired', reference };
  }
  return never(untold);
}

/** What lies in the data space came with a block; the outbox knows of the rest. */
function stateIn(space: SpaceContents, resident: Uint8Array, outbox: Outbox): (transaction: Uint8Array) => Pick<RequestRow, 'state' | 'code'> {
  const refused = outbox.refusedOf(resident);
  return (transaction) => {
    if (outbox.find(transaction) !== null) return { state: 'queued' };
    const inSpace = space.parts.some((part) => equalBytes(part.transaction, transaction));
    const ended = inSpace ? undefined : refused.find((one) => equalBytes(one.transaction, transaction));
    return ended === undefined ? { state: 'recorded' } : { state: ended.state, code: ended.code };
  };
}

/** Tells the hub of signatures that came to nothing, so that no kiosk takes them for a theft. */
export async function tellBrokenOff(
  access: Access,
  { district, outbox }: { district: Pick<District, 'tellBrokenOff'>; outbox: Outbox },
): Promise<void> {
  const session = access.session.slice();
  for (const counter of outbox.brokenOff(access.resident.id)) {
    const told = await district.tellBrokenOff(session, counter);
    if (told.ok) outbox.forgetBrokenOff(access.resident.id, counter);
  }
}
