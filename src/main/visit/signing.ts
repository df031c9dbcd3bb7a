import { randomBytes } from 'node:crypto';
import type { FailureCode } from '../../contract/failures.ts';
import type { Payload } from '../../contract/hub-door.ts';
import { fail, never, ok, type Failure, type Result } from '../../contract/result.ts';
import { hashOf } from '../../identity/grant.ts';
import { presentClaims } from '../../identity/presentation.ts';
import { bundleRequests, prepareRequest, sealPart, type PreparedRequest } from '../../identity/request.ts';
import { sealSelfClaims, withAnswers, type Answers, type SelfClaims } from '../../identity/self-claims.ts';
import type { Act, Body, Id, Name, OpenedPart, PublicKey } from '../../ledger/verify/acts.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import { assembleEnvelope, encodeBody, signatureInput, transactionId } from '../../ledger/verify/envelope.ts';
import { encodePendingReceipt } from '../../ledger/verify/pending-receipt.ts';
import { commitPart } from '../../ledger/verify/private-part.ts';
import { receiptToSymbols } from '../../ledger/verify/receipt-symbols.ts';
import { reference } from '../../ledger/verify/reference.ts';
import type { Card } from '../card.ts';
import type { Clock } from '../clock.ts';
import type { DeviceKey } from '../device-key.ts';
import type { District } from '../district.ts';
import type { Journal } from '../journal.ts';
import type { Outbox } from '../outbox.ts';
import { answersOf, grantedClaims, toldLetters, type Draft, type Letter } from './draft.ts';
import { tellBrokenOff } from './sign-in.ts';
import type { Access, Signing, Stored } from './work.ts';

export interface SigningParts {
  district: Pick<District, 'chain' | 'tellBrokenOff'>;
  outbox: Outbox;
  journal: Journal;
  crypto: Crypto;
  clock: Clock;
  deviceKey: DeviceKey;
  kioskId: string;
}

/** A kiosk asks for seven days: long enough for an outbox behind a cut line, short enough that nobody is surprised by it. */
const lifetimeSeconds = 7 * 86_400;
/** How often an agency may look under one grant. */
const readsPerGrant = 10;
const jurisdiction = 'CN';

/**
 * The resident's signature over what is in hand, checked before it is used, attested by this kiosk and on disk when this answers ok.
 * The counter value is on disk as broken off before the card is asked, and `put` takes that back: whatever ends the kiosk in between,
 * no signature remains that nobody can account for.
 */
export async function signActs(card: Card, access: Access, signing: Signing, parts: SigningParts): Promise<Result<Stored>> {
  const now = Math.floor(parts.clock.now() / 1000);
  const { resident } = access;
  const prepared = await prepareActs(card, access, signing, now, parts.crypto);
  if (!prepared.ok) return prepared;
  const count = await card.signatureCount();
  if (!count.ok) return count;
  const counter = count.value + 1;
  const body = encodeBody({
    v: 1,
    chain: parts.district.chain,
    nonce: new Uint8Array(randomBytes(16)),
    notAfter: now + lifetimeSeconds,
    acts: prepared.value.acts,
    counter,
    kiosk: parts.kioskId,
  } satisfies Body);
  const keys: PublicKey[] = [[-19, resident.sig], parts.deviceKey.publicKey];
  const input = signatureInput(body, parts.district.chain, keys, 0, parts.crypto);

  // Before the card: a chip that does not sign costs the resident no signature. Where the card then signs nothing, this is forgotten with the body.
  const attested = await parts.deviceKey.sign(signatureInput(body, parts.district.chain, keys, 1, parts.crypto));
  if (!attested.ok) return attested;
  const noted = parts.outbox.noteBrokenOff(resident.id, counter);
  if (!noted.ok) return noted;
  const signature = await card.sign(input);
  if (!signature.ok) {
    if (mayHaveSigned(signature.failure.code)) return brokenOff(access, signature.failure, parts);
    parts.outbox.forgetBrokenOff(resident.id, counter);
    return signature;
  }
  if (!parts.crypto.verify([-19, resident.sig], input, signature.value)) return brokenOff(access, { code: 'signature-failed' }, parts);
  const envelope = assembleEnvelope(
    body,
    [
      { key: [-19, resident.sig], signature: signature.value },
      { key: parts.deviceKey.publicKey, signature: attested.value },
    ],
    parts.crypto,
  );
  const transaction = transactionId(body, parts.crypto);
  const waiting = { transaction, submission: { envelope, payloads: prepared.value.payloads }, reference: reference(transaction), resident: resident.id, counter, notAfter: now + lifetimeSeconds };
  const services = signing.what === 'request' ? toldLetters(signing.draft).map(({ offer }) => offer.service.id) : [];
  const stored = parts.outbox.put(waiting, services);
  if (!stored.ok) return brokenOff(access, stored.failure, parts);
  parts.journal.write({ event: 'outbox', what: 'stored' });
  const pending = encodePendingReceipt({ v: 1, state: 'queued', envelope, keys, parts: prepared.value.parts });
  return ok({
    transaction,
    reference: reference(transaction),
    at: new Date(now * 1000).toISOString(),
    parts: prepared.value.parts,
    qr: receiptToSymbols(pending),
    self: prepared.value.self,
  });
}

/** Acts of one body, what goes along with them, and the new map of typed facts where there is one. */
interface PreparedActs {
  acts: Act[];
  parts: OpenedPart[];
  payloads: Payload[];
  self: SelfClaims | null;
}

async function prepareActs(card: Card, access: Access, signing: Signing, now: number, crypto: Crypto): Promise<Result<PreparedActs>> {
  switch (signing.what) {
    case 'request': {
      const { draft } = signing;
      // Over facts that could not be looked at nothing is written: a new map would take their place.
      const self = access.self === null ? null : factsWith(access.self, draft, now);
      const prepared = await prepareRequests(card, access, draft, self, now, crypto);
      return prepared.ok ? ok({ ...prepared.value, self }) : prepared;
    }
    case 'grant.end':
      return prepareEnds(access, [{ kind: 'grant.end', ...signing.grant }], crypto);
    case 'request.withdraw':
      return prepareEnds(access, [{ kind: 'request.withdraw', id: signing.id, agency: signing.agency }, ...signing.grants.map((grant) => ({ kind: 'grant.end' as const, ...grant }))], crypto);
    case 'facts.keep':
      return ok(prepareFacts(access, signing.self, crypto));
  }
  return never(signing);
}

function prepareEnds(access: Access, ends: readonly { kind: 'grant.end' | 'request.withdraw'; id: Id; agency: Name }[], crypto: Crypto): Result<PreparedActs> {
  const { resident, keeperSeal, myData } = access;
  const prepared: PreparedActs = { acts: [], parts: [], payloads: [], self: null };
  for (const [index, { kind, id, agency }] of ends.entries()) {
    const seal = myData?.parties.get(agency)?.seal;
    if (seal === undefined) return fail('hub-refused', 'party-unknown');
    const opened: OpenedPart = { salt: new Uint8Array(randomBytes(16)), part: { kind, agency } };
    prepared.acts.push({ kind, subject: resident.id, id, private: commitPart(opened.salt, opened.part, crypto) });
    prepared.parts.push(opened);
    prepared.payloads.push(...sealPart(opened, index, resident.id, { space: resident.space, agency: seal, keeper: keeperSeal }));
  }
  return ok(prepared);
}

/** The corrected map, as it would ride with a request: its hash in a part that the card signs, the map itself sealed to the data space. */
function prepareFacts({ resident, keeperSeal }: Access, self: SelfClaims, crypto: Crypto): PreparedActs {
  const sealed = sealSelfClaims(resident.space, resident.id, self);
  const opened: OpenedPart = { salt: new Uint8Array(randomBytes(16)), part: { kind: 'facts.keep', self: hashOf(sealed) } };
  return {
    acts: [{ kind: 'facts.keep', subject: resident.id, id: new Uint8Array(randomBytes(16)), private: commitPart(opened.salt, opened.part, crypto) }],
    parts: [opened],
    payloads: [...sealPart(opened, 0, resident.id, { space: resident.space, keeper: keeperSeal }), { act: 0, what: 'self', to: 'space', sealed }],
    self,
  };
}

/** The typed facts with what this request adds, whichever agency asked for it; null where nothing is new. */
function factsWith(known: SelfClaims, draft: Draft, now: number): SelfClaims | null {
  let facts: SelfClaims | null = null;
  for (const letter of toldLetters(draft)) facts = withAnswers(facts ?? known, letter.offer.service, answersOf(draft, letter), now) ?? facts;
  return facts;
}

/** The new map of typed facts goes along once, with the first request. */
async function prepareRequests(card: Card, access: Access, draft: Draft, self: SelfClaims | null, now: number, crypto: Crypto): Promise<Result<ReturnType<typeof bundleRequests>>> {
  const prepared: PreparedRequest[] = [];
  for (const letter of toldLetters(draft)) {
    const one = await prepareLetter(card, access, letter, answersOf(draft, letter), prepared.length === 0 ? self : null, now, crypto);
    if (!one.ok) return one;
    prepared.push(one.value);
  }
  return ok(bundleRequests(prepared));
}

/** Each fact is presented by the credential whose value the resident was shown; the card signs once for each such credential, with AUT. */
async function prepareLetter(
  card: Card,
  access: Access,
  letter: Letter,
  answers: Answers,
  self: SelfClaims | null,
  now: number,
  crypto: Crypto,
): Promise<Result<PreparedRequest>> {
  const { service, definition, seal } = letter.offer;
  const grant = new Uint8Array(randomBytes(16));
  const claims = grantedClaims(letter, access.known);
  const presentations: string[] = [];
  for (const credential of access.credentials) {
    const fromHere = claims.filter((claim) => access.known[claim]?.vct === credential.vct);
    if (fromHere.length === 0) continue;
    const presented = await presentClaims(credential, fromHere, { grant, agency: service.agency }, now, (input) => card.authenticate(input));
    if (!presented.ok) return presented;
    presentations.push(presented.value);
  }
  return ok(
    prepareRequest(
      {
        resident: access.resident.id,
        grant,
        request: new Uint8Array(randomBytes(16)),
        service,
        definition,
        claims,
        presentations,
        answers,
        self,
        now,
        until: letter.until,
        reads: readsPerGrant,
        jurisdiction,
      },
      { space: access.resident.space, agency: seal, keeper: access.keeperSeal },
      crypto,
    ),
  );
}

/** The value noted is told to the hub: at another kiosk it must not look like a theft either. */
function brokenOff(access: Access, failure: Failure, parts: SigningParts): Result<Stored> {
  void tellBrokenOff(access, parts);
  return { ok: false, failure };
}

/** What a card says before it signs; after any other failure nobody knows whether it has. */
const refusedBeforeSigning: ReadonlySet<FailureCode> = new Set<FailureCode>(['card-error', 'card-touch-missed', 'card-in-use', 'pin-blocked', 'pin-last-try']);

const mayHaveSigned = (code: FailureCode): boolean => !refusedBeforeSigning.has(code);
