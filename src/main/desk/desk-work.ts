import { randomBytes, randomInt } from 'node:crypto';
import { identityVct } from '../../contract/claims.ts';
import type { SubmissionState } from '../../contract/hub-door.ts';
import type { FailureCode } from '../../contract/failures.ts';
import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import { claimedIssuer, openCredential } from '../../identity/credential.ts';
import { identityNumberIsSound } from '../../identity/identity-number.ts';
import { prepareRegistration } from '../../identity/registration.ts';
import { prepareReplacement } from '../../identity/replacement.ts';
import { sealTo } from '../../identity/sealing.ts';
import { openObjects, openSpace } from '../../identity/space.ts';
import type { Body, PublicKey, StaffRole } from '../../ledger/verify/acts.ts';
import { concatBytes, equalBytes, utf8 } from '../../ledger/verify/bytes.ts';
import { assembleCose } from '../../ledger/verify/cose.ts';
import { encodeCbor } from '../../ledger/verify/cbor.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import { completed, draftId, inputFor, newDraft, newOpenDraft, withSignature, type Draft } from '../../ledger/verify/draft.ts';
import { assembleEnvelope, encodeBody, signatureInput, transactionId } from '../../ledger/verify/envelope.ts';
import { reference } from '../../ledger/verify/reference.ts';
import { orderInput, type OrderBody } from '../../ledger/verify/order.ts';
import type { Card, Devices, NewCard } from '../card.ts';
import type { Clock } from '../clock.ts';
import type { District } from '../district.ts';
import { unpackSlip } from '../printing.ts';
import type { KeptDrafts } from '../staff/kept-drafts.ts';
import { inStaffSession, isUnknownSession, openStaffSession } from '../staff/staff-session.ts';
import type { StaffAccess } from '../staff/work.ts';
import { districtDay } from '../district-time.ts';
import { createCardsOnTheirWay, isOfCard } from './cards-on-their-way.ts';
import { checkDocument } from './document.ts';
import { closeHand } from './hands.ts';
import type { CardInHand, DeskWork, LookUpReason, Signed, Waiting } from './work.ts';

export interface DeskWorkParts {
  district: Pick<District, 'chain' | 'party' | 'areKnownKeys' | 'deskLookUp' | 'deskRegister' | 'residentOf' | 'challenge' | 'openSpace' | 'closeSpace' | 'openStaff' | 'closeStaff' | 'deliver' | 'deskRecovery' | 'deskReplace' | 'isUnderWay' | 'isRetired'>;
  devices: Devices;
  crypto: Crypto;
  clock: Clock;
  kioskId: string;
  staffCardOf(insertion: number): Card;
  newCardOf(insertion: number): NewCard;
  kept: Pick<KeptDrafts, 'keep' | 'input' | 'sign' | 'handOver'>;
  /** The card that waits in the resident's reader is another, or none any more. */
  onKept(): void;
  hasScanner(): boolean;
}

/** How long the reader looks for an identity card before it is asked again. */
const documentWaitMs = 20_000;
const orderSeconds = 600;
const lookUpReasons: Record<LookUpReason, string> = {
  register: 'Registration at the desk',
  replace: 'A card to be replaced',
  unblock: 'A PIN to be unlocked',
  block: 'A card to be blocked',
  retire: 'A resident to be taken off the register',
};
/** A block is recorded within this or signed anew. */
const blockSeconds = 600;
/** For both to sign, five minutes apart at most. */
const retireSeconds = 1200;
const recordWaitMs = 10_000;
const codeDigits = 12;
/** Not typed by anybody, so as long as every card takes. */
const adminPinDigits = 24;

const digits = (count: number): string => Array.from({ length: count }, () => String(randomInt(10))).join('');
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The desk's work on real cards, ledger and hub. */
export function createDeskWork(parts: DeskWorkParts): DeskWork {
  const { district, devices, crypto, clock, kioskId, newCardOf, staffCardOf, kept, onKept } = parts;
  /** By reference. */
  const waitingFor = new Map<string, Waiting>();
  const onTheirWay = createCardsOnTheirWay(parts);
  const seconds = (): number => Math.floor(clock.now() / 1000);

  /** A PIN, one signature, checked before it is used. */
  async function sign(card: Card, pin: Uint8Array | null, key: PublicKey, input: Uint8Array): Promise<Result<Signed<{ signature: Uint8Array }>>> {
    const verified = await card.verify('sign', pin);
    if (!verified.ok) return verified;
    if (!verified.value.verified) return ok(verified.value);
    const signature = await card.sign(input);
    if (!signature.ok) return signature;
    return crypto.verify(key, input, signature.value) ? ok({ verified: true, signature: signature.value }) : fail('signature-failed');
  }

  const inSession = <T>(access: StaffAccess, staffCard: number, call: (session: Uint8Array) => Promise<Result<T>>): Promise<Result<T>> => inStaffSession(staffCardOf(staffCard), access, call, parts);

  /** A new card with all its signatures, given to the hub: until it is heard how that ended its keys are somebody's already. */
  async function handOver(hand: CardInHand, give: () => Promise<Result<SubmissionState>>): Promise<Result<SubmissionState>> {
    const mayHaveIt = onTheirWay.has([hand.made.info.keys.sig]);
    onTheirWay.add(hand);
    const taken = await give();
    const isOver = taken.ok ? taken.value.state === 'rejected' : !mayHaveIt && wasRefused(taken.failure);
    if (isOver) onTheirWay.drop(hand);
    return taken;
  }

  /** What was signed twice waits here until the hub has said that it has it: whoever signed it may be gone by then, and a colleague signs it once more. */
  async function giveKept<T>(draft: Draft, give: (transaction: Uint8Array) => Promise<Result<T>>): Promise<Result<T>> {
    const id = draftId(draft, crypto);
    const given = await kept.handOver(id, () => give(id));
    if (given.ok && waitingFor.delete(reference(id))) onKept();
    return given;
  }

  const waitsFor = (keys: readonly Uint8Array[]): boolean => onTheirWay.has(keys) || [...waitingFor.values()].some(({ hand }) => hand !== null && keys.some((key) => isOfCard(hand.made, key)));

  /**
   * Whether the hub has it in hand, brought from another kiosk, or from here before a restart. With one reader for all the staff's card is out by now: that it
   * does not answer a hub that was started anew says nothing of the card in hand.
   */
  async function isUnderWay(access: StaffAccess, staffCard: number, keys: Uint8Array[]): Promise<Result<boolean>> {
    const asked = await district.isUnderWay(access.session, keys);
    if (!isUnknownSession(asked)) return asked;
    const again = await inSession(access, staffCard, (session) => district.isUnderWay(session, keys));
    return again.ok ? again : asked;
  }

  /** By the new card, whose slip's secret is zero where that came to nothing. */
  async function provenBy(insertion: number, aut: Uint8Array, { challenge, recoverySecret }: { challenge: Uint8Array; recoverySecret: Uint8Array }): Promise<Result<Uint8Array>> {
    let proven = false;
    try {
      const signature = await newCardOf(insertion).authenticate(challenge);
      if (!signature.ok) return signature;
      proven = crypto.verify([-19, aut], challenge, signature.value);
      return proven ? signature : fail('challenge-failed', 'at the kiosk');
    } finally {
      if (!proven) recoverySecret.fill(0);
    }
  }

  async function signDraft(card: Card, pin: Uint8Array | null, key: PublicKey, hand: CardInHand): Promise<Result<Signed<{ hand: CardInHand }>>> {
    const input = inputFor(hand.draft, key, crypto);
    if (input === undefined) throw new Error('not one of the signers');
    const signed = await sign(card, pin, key, input);
    if (!signed.ok || !signed.value.verified) return signed as Result<Signed<never>>;
    const draft = withSignature(hand.draft, key, signed.value.signature, crypto);
    return draft.ok ? ok({ verified: true, hand: { ...hand, draft: draft.value } }) : fail('signature-failed', draft.failure.code);
  }

  return {
    async readDocument() {
      const card = await devices.call('identity.read', { waitMs: documentWaitMs });
      return card.ok ? checkDocument(card.value, districtDay(clock.now())) : card;
    },

    isNumber: (number) => identityNumberIsSound(number.toUpperCase(), `${number.slice(6, 10)}-${number.slice(10, 12)}-${number.slice(12, 14)}`),

    async lookUp(access, staffCard, pin, number, why) {
      const { staff } = access;
      const salt = new Uint8Array(randomBytes(16));
      const body: OrderBody = {
        v: 1,
        chain: district.chain,
        nonce: new Uint8Array(randomBytes(16)),
        at: seconds(),
        notAfter: seconds() + orderSeconds,
        order: { kind: 'index.lookup', party: staff.party, number: [-16, crypto.sha256(concatBytes(salt, utf8(number)))], reason: lookUpReasons[why], access: new Uint8Array(randomBytes(16)) },
      };
      const key: PublicKey = [-19, staff.sig];
      const bytes = encodeCbor(body);
      const signed = await sign(staffCardOf(staffCard), pin, key, orderInput(bytes, body.chain, key, crypto));
      if (!signed.ok || !signed.value.verified) return signed as Result<Signed<never>>;
      const order = encodeCbor([assembleCose(crypto.sha256(bytes), [{ key, signature: signed.value.signature }], crypto), bytes]);
      const found = await inSession(access, staffCard, (session) => district.deskLookUp({ session, order, number, salt }));
      if (!found.ok) return found;
      const retired = found.value === null || why === 'register' ? ok(false) : await district.isRetired(found.value);
      if (!retired.ok) return retired;
      return retired.value ? fail('resident-retired') : ok({ verified: true, resident: found.value });
    },

    async signBlock({ staff }, staffCard, pin, resident, reason) {
      const key: PublicKey = [-19, staff.sig];
      const body = encodeBody({
        v: 1,
        chain: district.chain,
        nonce: new Uint8Array(randomBytes(16)),
        notAfter: seconds() + blockSeconds,
        acts: [{ kind: 'resident.block', subject: resident, reason }],
      });
      const signed = await sign(staffCardOf(staffCard), pin, key, signatureInput(body, district.chain, [key], 0, crypto));
      if (!signed.ok || !signed.value.verified) return signed as Result<Signed<never>>;
      return ok({ verified: true, block: { transaction: transactionId(body, crypto), envelope: assembleEnvelope(body, [{ key, signature: signed.value.signature }], crypto) } });
    },

    async deliverBlock({ transaction, envelope }) {
      const settled = await district.deliver({ transaction, submission: { envelope, payloads: [] } }, recordWaitMs);
      if (!settled.ok) return settled;
      if (settled.value === null) return fail('hub-busy', 'block');
      if (settled.value.state !== 'rejected' && settled.value.state !== 'expired') return ok({ already: false });
      // By its holder, or by a colleague: what was wanted is so.
      return settled.value.code === 'key-inactive' ? ok({ already: true }) : fail('request-rejected', settled.value.code);
    },

    async lookAtCard(access, staffCard, insertion) {
      const raw = await newCardOf(insertion).openRaw();
      if (!raw.ok) return raw;
      const { sig, aut, dec } = raw.value.keys;
      const keys = [sig && ([-19, sig] as const), aut && ([-19, aut] as const), dec && ([-25, dec] as const)].filter((key) => key !== null) as PublicKey[];
      if (keys.length === 0) return ok(raw.value.state);
      const known = await district.areKnownKeys(keys);
      if (!known.ok) return known;
      if (known.value) return fail('card-registered');
      const rawKeys = keys.map(([, key]) => key);
      if (waitsFor(rawKeys)) return fail('card-waiting');
      const underWay = await isUnderWay(access, staffCard, rawKeys);
      if (!underWay.ok) return underWay;
      return underWay.value ? fail('card-waiting') : ok(raw.value.state);
    },

    async wipe(insertion) {
      const wiped = await newCardOf(insertion).wipe();
      return wiped.ok ? ok(null) : wiped;
    },

    async make({ registrar }, insertion) {
      const party = await district.party(registrar);
      if (!party.ok) return party;
      // The hub only says its name.
      if (party.value.kind !== 'registrar') return fail('hub-refused', 'not a registrar');
      const adminPin = ascii(digits(adminPinDigits));
      const unlockCode = digits(codeDigits);
      const copy = adminPin.slice();
      try {
        const info = await newCardOf(insertion).make(adminPin, ascii(unlockCode));
        return info.ok ? ok({ info: info.value, unlockCode, adminPin: sealTo(party.value.seal, 'admin-pin', info.value.keys.aut, copy) }) : info;
      } finally {
        for (const secret of [adminPin, copy]) secret.fill(0);
      }
    },

    choosePin: (insertion, pin, { guessable }) => newCardOf(insertion).choosePin(pin, guessable),

    async prove({ staff }, insertion, made) {
      const { keys, signatureCount } = made.info;
      const prepared = prepareRegistration({ chain: district.chain, kiosk: kioskId, ...keys, signatureCount, now: seconds() }, crypto);
      const { resident, recoverySecret, wrapped, recovery } = prepared;
      const signature = await provenBy(insertion, keys.aut, prepared);
      if (!signature.ok) return signature;
      const draft = newDraft(prepared.finish(signature.value), [[-19, keys.sig], [-19, staff.sig]]);
      return ok({ resident, recoverySecret, beside: { what: 'registration', wrapped, recovery }, made, draft });
    },

    lookUpSpace: (access, staffCard, resident) => inSession(access, staffCard, (session) => district.deskRecovery(session, resident)),

    async proveReplacement(access, insertion, made, { space, slip }, document) {
      const { keys, signatureCount } = made.info;
      const prepared = await prepareReplacement(
        { chain: district.chain, kiosk: kioskId, space, card: { ...keys, signatureCount }, document: JSON.stringify(document.facts), slip, now: seconds() },
        crypto,
      );
      if (!prepared.ok) return prepared;
      const signature = await provenBy(insertion, keys.aut, prepared.value);
      if (!signature.ok) return signature;
      const { body, payloads } = prepared.value.finish(signature.value);
      const [payload] = payloads;
      if (payload === undefined) throw new Error('a replacement without a key');
      const draft = newOpenDraft(body, [[-19, keys.sig], [-19, access.staff.sig]]);
      return ok({ resident: space.resident, recoverySecret: prepared.value.recoverySecret, beside: { what: 'replacement', replacement: payload.sealed }, made, draft });
    },

    signAsResident: (insertion, pin, hand) => signDraft(newCardOf(insertion), pin, [-19, hand.made.info.keys.sig], hand),
    async signAsStaff({ staff }, staffCard, pin, hand, isBack) {
      const card = staffCardOf(staffCard);
      // As after a sign-in: whatever is asked of it later in this session, it answers.
      if (isBack && pin !== null) {
        const verified = await card.verify('user', pin.slice());
        if (!verified.ok || !verified.value.verified) {
          pin.fill(0);
          return verified as Result<Signed<never>>;
        }
      }
      return signDraft(card, pin, [-19, staff.sig], hand);
    },

    async lookAtStaff({ staff }, insertion) {
      const card = await staffCardOf(insertion).open();
      if (!card.ok) return card;
      const { keys, tries, pinPad } = card.value;
      if (!equalBytes(keys.sig, staff.sig) || !equalBytes(keys.aut, staff.aut)) return fail('staff-card-another');
      return ok({ triesLeft: tries.pw1, pinPad });
    },

    async proveStaff({ staff }, staffCard, pin) {
      const card = staffCardOf(staffCard);
      const verified = await card.verify('user', pin);
      if (!verified.ok || !verified.value.verified) return verified;
      const opened = await openStaffSession(card, staff, parts);
      if (!opened.ok) return opened;
      await district.closeStaff(opened.value.session);
      return verified;
    },

    async submit(access, staffCard, hand, { facts }) {
      const { draft, beside, made } = hand;
      const envelope = completed(draft, crypto);
      if (envelope === null || beside.what !== 'registration') throw new Error('not a registration that all have signed');
      const { wrapped, recovery } = beside;
      const registration = { envelope, wrapped, recovery, facts, adminPin: made.adminPin };
      return settled(await inSession(access, staffCard, (session) => handOver(hand, () => district.deskRegister({ session, ...registration }))));
    },

    async signRetirement({ staff }, staffCard, pin, resident) {
      const key: PublicKey = [-19, staff.sig];
      const body: Body = { v: 1, chain: district.chain, nonce: new Uint8Array(randomBytes(16)), notAfter: seconds() + retireSeconds, acts: [{ kind: 'resident.retire', subject: resident }] };
      const draft = newOpenDraft(body, [key]);
      const input = inputFor(draft, key, crypto);
      if (input === undefined) throw new Error('not one of the signers');
      const signed = await sign(staffCardOf(staffCard), pin, key, input);
      if (!signed.ok || !signed.value.verified) return signed as Result<Signed<never>>;
      const withIt = withSignature(draft, key, signed.value.signature, crypto);
      return withIt.ok ? ok({ verified: true, draft: withIt.value }) : fail('signature-failed', withIt.failure.code);
    },

    keep(waiting) {
      const name = reference(draftId(waiting.draft, crypto));
      const onGone = (): void => {
        waitingFor.delete(name);
        if (waiting.card !== null) void newCardOf(waiting.card).release();
        onKept();
      };
      const taken = kept.keep(waiting.draft, { wants: [otherRole(waiting.role)], onGone });
      if (!taken.ok) return taken;
      waitingFor.set(name, waiting);
      onKept();
      return ok({ reference: name });
    },
    get hasScanner() {
      return parts.hasScanner();
    },
    waiting: (name) => waitingFor.get(name) ?? null,
    get keptCard() {
      return [...waitingFor.values()].findLast(({ card }) => card !== null)?.card ?? null;
    },

    async countersign({ staff }, staffCard, pin, { draft }) {
      const key: PublicKey = [-19, staff.sig];
      const id = draftId(draft, crypto);
      const input = kept.input(id, key);
      if (input === null) return gone;
      const signed = await sign(staffCardOf(staffCard), pin, key, input);
      if (!signed.ok || !signed.value.verified) return signed as Result<Signed<never>>;
      const envelope = kept.sign(id, key, signed.value.signature);
      if (!envelope.ok) return envelope.failure.detail === 'draft-unknown' ? gone : envelope;
      if (envelope.value === null) throw new Error('a signature is missing');
      return ok({ verified: true, envelope: envelope.value });
    },

    async carryOut(access, staffCard, envelope, { hand, document, draft }) {
      if (hand === null || document === null) {
        const done = await giveKept(draft, (transaction) => district.deliver({ transaction, submission: { envelope, payloads: [] } }, recordWaitMs));
        if (!done.ok) return done;
        if (done.value === null) return fail('hub-busy', 'retire');
        return done.value.state === 'rejected' || done.value.state === 'expired' ? fail('request-rejected', done.value.code) : ok(null);
      }
      const { beside, made } = hand;
      if (beside.what !== 'replacement') throw new Error('not a replacement');
      const replaced = { envelope, replacement: beside.replacement, facts: document.facts, adminPin: made.adminPin };
      return settled(await giveKept(draft, () => inSession(access, staffCard, (session) => handOver(hand, () => district.deskReplace({ session, ...replaced })))));
    },

    tryOut: (insertion, hand, document) => tryOut(newCardOf(insertion), hand, document.facts.name, parts),

    async lookAtMade(insertion, { made }) {
      const card = await newCardOf(insertion).open();
      if (!card.ok) return card;
      const { keys, tries, pinPad } = card.value;
      return equalBytes(keys.sig, made.info.keys.sig) && equalBytes(keys.aut, made.info.keys.aut) ? ok({ triesLeft: tries.pw1, pinPad }) : fail('card-another');
    },

    async tryOutAgain(insertion, pin, hand, document) {
      const card = newCardOf(insertion);
      const verified = await card.verify('user', pin);
      if (!verified.ok) return verified;
      if (!verified.value.verified) return ok(verified.value);
      const tried = await tryOut(card, hand, document.facts.name, parts);
      return ok({ verified: true, untried: tried.ok ? null : tried.failure.code });
    },

    async lookAtHolder(insertion, resident) {
      const card = newCardOf(insertion);
      const info = await card.open();
      if (!info.ok) return info;
      const holder = await district.residentOf(info.value.keys);
      if (!holder.ok) return holder;
      if (!equalBytes(holder.value.id, resident)) return fail('card-another');
      const codeTries = info.value.tries.resetCode;
      return codeTries > 1 ? ok({ codeTries }) : fail('card-code-blocked', String(codeTries));
    },
    unblock: (insertion, code, pin, { guessable }) => newCardOf(insertion).unblock(code, pin, guessable),

    async print(packed) {
      const slip = unpackSlip(packed);
      if (!slip.ok) return slip;
      const printed = await devices.call('printer.print', { slip: slip.value });
      slip.value.dots.fill(0);
      return printed;
    },

    forget({ hand, card, code, slip }) {
      if (hand !== null) closeHand(hand);
      code?.fill(0);
      slip?.fill(0);
      if (card !== null) void newCardOf(card).release();
    },
  };
}

/** The hub may have it or not: whoever asks again is told. */
function settled(taken: Result<SubmissionState>): Result<null> {
  if (!taken.ok) return taken;
  if (taken.value.state === 'rejected') return fail('request-rejected', taken.value.code);
  return taken.value.state === 'recorded' || taken.value.state === 'witnessed' ? ok(null) : fail('hub-busy', taken.value.state);
}

/** The hub did not take it: it knows the session no more, the member of staff may not bring it, or it is not to be begun. What it has all the same its own door says. */
const refusals: readonly FailureCode[] = ['hub-refused', 'staff-card-unknown', 'staff-card-retired', 'staff-card-expired', 'staff-card-office', 'document-number', 'resident-known', 'resident-unknown'];
const wasRefused = ({ code, detail }: Failure): boolean => refusals.includes(code) || (code === 'hub-busy' && detail === 'registration');

const gone = fail('draft-gone');

/** Of the two that such an act takes. */
export const otherRole = (role: StaffRole): StaffRole => (role === 'registrar' ? 'staff' : 'registrar');

async function tryOut(card: NewCard, { resident: holder, made }: CardInHand, name: string, { district, crypto, clock }: DeskWorkParts): Promise<Result<null>> {
  const [resident, asked] = await Promise.all([district.residentOf(made.info.keys), district.challenge()]);
  if (!resident.ok) return resident;
  if (!asked.ok) return asked;
  const signature = await card.authenticate(asked.value.challenge);
  if (!signature.ok) return signature;
  const sealed = await district.openSpace(holder, asked.value.challenge, signature.value);
  if (!sealed.ok) return sealed;
  try {
    const space = await openSpace(sealed.value.wrappedKey, holder, resident.value.space, { publicKey: made.info.keys.dec, agree: (point) => card.agree(point) });
    if (!space.ok) return space;
    const contents = await openObjects(sealed.value.objects, space.value);
    space.value.close();
    if (!contents.ok) return contents;
    for (const sdJwt of contents.value.credentials) {
      const issuer = claimedIssuer(sdJwt);
      const party = issuer === null ? null : await district.party(issuer);
      if (party === null || !party.ok) continue;
      const opened = openCredential(sdJwt, { issuer: { name: party.value.id, key: party.value.sign }, holder: made.info.keys.aut, now: Math.floor(clock.now() / 1000), verify: crypto.verify });
      if (opened.ok && opened.value.vct === identityVct && opened.value.claims['name'] === name) return ok(null);
    }
    return fail('credential-invalid', 'none of this name');
  } finally {
    await district.closeSpace(sealed.value.session);
  }
}
