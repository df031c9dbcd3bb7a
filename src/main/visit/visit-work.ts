import type { PackedSlip } from '../../contract/bridge.ts';
import { fail, ok } from '../../contract/result.ts';
import type { Trust } from '../../ledger/verify/head.ts';
import type { Card } from '../card.ts';
import type { Delivery } from '../delivery.ts';
import type { WitnessWatch } from '../witness-watch.ts';
import { agreeToAsk, findAsk, refuseAsk } from './asks.ts';
import { handOff, takeUp } from './hand-off.ts';
import { lookAtHeld } from './held-receipt.ts';
import { grantUntil } from './draft.ts';
import { drawReceipt, openRequest } from './receipts.ts';
import { lookUp, openAccess, proveKey, tellBrokenOff, type SignInParts } from './sign-in.ts';
import { drawProof, lookUpMyData, lookUpSigned } from './my-data-lookup.ts';
import { signActs, type SigningParts } from './signing.ts';
import { provenFacts } from './typed-facts.ts';
import type { Access, VisitWork } from './work.ts';

export interface VisitWorkParts extends Omit<SigningParts, 'district'>, SignInParts {
  trust: Trust;
  delivery: Pick<Delivery, 'send'>;
  witnesses: Pick<WitnessWatch, 'follow'>;
  /** The card of one insertion. */
  cardOf(insertion: number): Card;
  print(visit: string, number: number, strips: readonly PackedSlip[]): void;
  /** The ledger says that the card of this insertion is a member of staff's. */
  onStaffCard(insertion: number): void;
}

/** As many as a resident looks at. */
const mostFollowed = 8;

const recordedLately = ({ requests }: Access): Uint8Array[] =>
  requests
    .filter(({ row }) => row.state === 'recorded')
    .slice(0, mostFollowed)
    .map(({ transaction }) => transaction);

/** The visit's work on the real card, hub and disk. */
export function createVisitWork(parts: VisitWorkParts): VisitWork {
  const { cardOf, district, outbox, delivery, witnesses, trust, crypto } = parts;
  let signing: Promise<unknown> = Promise.resolve();
  const recall: VisitWork['recall'] = ({ handedOut, resident }) => (handedOut === null ? Promise.resolve(ok({})) : provenFacts(handedOut, resident, { district, trust, crypto }));
  return {
    readCard: (insertion) => cardOf(insertion).open(),
    async lookUp(insertion, card) {
      const found = await lookUp(card.keys, parts);
      if (!found.ok && found.failure.code === 'key-not-resident') parts.onStaffCard(insertion);
      return found;
    },
    async tellStaffCard(insertion) {
      const card = await cardOf(insertion).open();
      const found = card.ok ? await district.residentOf(card.value.keys) : card;
      // First: whoever opens it next opens it for themselves.
      void cardOf(insertion).release();
      if (!found.ok && found.failure.code === 'key-not-resident') parts.onStaffCard(insertion);
    },
    checkPin: (insertion, purpose, pin) => cardOf(insertion).verify(purpose, pin),
    proveKey: (insertion, ticket) => proveKey(cardOf(insertion), ticket, parts),
    async openAccess(insertion, card, proof, signal) {
      // Of a resident, whose DEC key was found: it is of the kind that has one.
      if (card.application !== 'openpgp') return fail('card-unsupported', card.application);
      const access = await openAccess(cardOf(insertion), card, proof, signal, parts);
      if (!access.ok) return access;
      // Not before: a card that was pulled meanwhile means that nobody has read the notices.
      for (const { transaction } of outbox.untold(access.value.resident.id)) outbox.noteTold(transaction);
      void tellBrokenOff(access.value, parts);
      witnesses.follow(recordedLately(access.value));
      return access;
    },
    recall,
    now: () => parts.clock.now(),
    grantEnd: ({ service }) => grantUntil(district.nowSeconds(), service.grantDays),
    async findAsk(access, code) {
      const taken = await takeUp(access, code, parts);
      if (!taken.ok) return taken;
      if (taken.value === null) return findAsk(access.session, code, access.credentials, parts);
      // Home may have been left before what was typed earlier was proved.
      const self = access.self === null ? await recall(access) : ok(access.self);
      return ok({ handOff: { ...taken.value, self: self.ok ? self.value : null } });
    },
    handOff: (access, parcel) => handOff(access, parcel, parts),
    placeOf: ({ session }, code, known) => district.placeOf(session, code, known?.counter),
    dropHandOff({ session }, code) {
      void district.dropHandOff(session.slice(), code);
    },
    agreeToAsk: (insertion, { session }, ask, leftOut) => agreeToAsk(cardOf(insertion), session, ask, leftOut, parts),
    refuseAsk: ({ session }, ask) => refuseAsk(session, ask, parts),
    openRequest: (request, { resident }) => openRequest(request, resident.sig, parts),
    prepare: () => Promise.resolve(outbox.reserve()),
    sign(insertion, access, toSign) {
      const signed = signActs(cardOf(insertion), access, toSign, parts);
      signing = signed.catch(() => null);
      return signed;
    },
    lookUpMyData: (access) => lookUpMyData(access, parts),
    lookUpSigned: (access, data) => lookUpSigned(access, data, parts),
    drawProof: (data) => drawProof(data, crypto),
    mute: ({ session }, agency, muted) => district.mute(session, agency, muted),
    async finished() {
      await signing;
    },
    lookAtHeld: (symbols) => lookAtHeld(symbols, parts),
    print: (visit, number, strips) => parts.print(visit, number, strips),
    deliver(transaction) {
      delivery.send(transaction);
    },
    drawReceipt: (receipt, opened) => drawReceipt(receipt, opened, trust, crypto),
    leave(insertion, session) {
      void cardOf(insertion).release();
      if (session !== null) void district.closeSpace(session);
    },
  };
}
