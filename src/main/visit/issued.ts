import type { RequestRow, RequestState, ServiceCard } from '../../contract/bridge.ts';
import type { Farewell, Issued, Visit, VisitContext } from './context.ts';
import { grantedClaims, lastDay, leadOf, toldLetters, type Draft, type KnownClaims, type Offer } from './draft.ts';
import { isInLedger, type Access, type Correction, type PastRequest, type Settlement, type ShownReceipt, type Signing, type Stored, type Undoing, type VisitWork } from './work.ts';

export function serviceCard({ service, agency }: Offer): ServiceCard {
  return { id: service.id, group: service.group, title: service.title, summary: service.summary, agency };
}

/** What the request is about: its service, or the bundle under its leading service's window. */
export function draftCard(draft: Draft): ServiceCard {
  const lead = serviceCard(leadOf(draft).offer);
  const { bundle } = draft;
  if (bundle === null) return lead;
  return { ...lead, id: bundle.id, title: bundle.title, summary: bundle.summary, agencies: toldLetters(draft).map(({ offer }) => offer.agency) };
}

/** What was signed, as it stands right after it was stored. */
export function issuedOf(signing: Signing, stored: Stored, { offers }: Pick<Access, 'offers'>): Issued {
  if (signing.what !== 'request') return issuedUndoing(signing, stored, offers);
  const { draft } = signing;
  const { service } = leadOf(draft).offer;
  const { fee } = service;
  return {
    what: 'request',
    transaction: stored.transaction,
    reference: stored.reference,
    service: draftCard(draft),
    state: 'queued',
    at: stored.at,
    steps: draft.bundle?.steps ?? service.steps,
    // No service of a bundle has one.
    fee: fee === undefined ? null : { amountFen: fee.amountFen, reference: `${fee.reference}-${stored.reference}` },
    qr: stored.qr,
    code: null,
    parts: stored.parts,
  };
}

function issuedUndoing(signing: Undoing | Correction, { transaction, reference, at, qr, parts }: Stored, offers: readonly Offer[]): Issued {
  return { transaction, reference, what: signing.what, service: aboutOf(signing, offers), state: 'queued', at, steps: [], fee: null, qr, code: null, parts };
}

/** The service that it is about, though it may be published no more. */
function aboutOf(signing: Undoing | Correction, offers: readonly Offer[]): ServiceCard | null {
  if (signing.what === 'facts.keep') return null;
  const { agency, group, service } = signing.what === 'grant.end' ? signing.grant.row : signing.request.row;
  const offer = offers.find((one) => one.service.title.en === service.en);
  return offer === undefined ? { id: `${group}/withdrawn`, group, title: service, summary: { 'zh-Hans': '', en: '' }, agency } : serviceCard(offer);
}

/** The resident's access with what was just signed in it. */
export function withStored(access: Access, signing: Signing, issued: Issued, { transaction, at, parts, self }: Stored): Access {
  const seconds = Math.floor(Date.parse(at) / 1000);
  const requests = signing.what === 'request' ? [...pastRequestsOf(signing.draft, access.known, issued), ...access.requests] : access.requests;
  const held = { ...access.held, parts: [...access.held.parts, ...parts.map((opened, act) => ({ transaction, act, at: seconds, opened }))] };
  return { ...access, self: self ?? access.self, requests, held };
}

/** One an agency, as they will come out of the data space. */
export function pastRequestsOf(draft: Draft, known: KnownClaims, issued: Issued): PastRequest[] {
  const { reference, state, at, transaction, parts } = issued;
  const letters = toldLetters(draft);
  return letters.map((letter, index) => ({
    transaction,
    row: {
      reference,
      service: letter.offer.service.title,
      agency: letter.offer.agency,
      group: letter.offer.service.group,
      state,
      at,
      step: null,
      decision: null,
      ...(letters.length === 1 ? {} : { act: 2 * index + 1 }),
    },
    steps: letter.offer.service.steps,
    claims: grantedClaims(letter, known),
    until: lastDay(letter.until),
    parts,
  }));
}

type FarewellReceipt = Farewell['receipts'][number];

const same = (a: { transaction: Uint8Array }, transaction: Uint8Array): boolean => Buffer.from(a.transaction).equals(transaction);

/** A request that was looked up anew: the list then says the same of it. */
export function opened(access: Access, request: PastRequest, shown: ShownReceipt): Pick<Visit, 'opened' | 'access'> {
  const requests = access.requests.map((past) => (same(past, request.transaction) ? { ...past, row: { ...past.row, state: shown.state } } : past));
  return { opened: { request, shown }, access: { ...access, requests } };
}

/**
 * What became of a request, put wherever it is shown: its receipt page, the list, the farewell page. A receipt that does not hold against
 * the private parts of this visit changes nothing.
 */
export function settled(
  context: VisitContext,
  transaction: Uint8Array,
  settlement: Settlement,
  work: Pick<VisitWork, 'drawReceipt'>,
): { visit: Visit | null; farewell: VisitContext['farewell'] } {
  const { visit, farewell } = context;
  return {
    visit: visit === null ? null : settledVisit(visit, transaction, settlement, work),
    farewell: farewell && {
      ...farewell,
      receipts: farewell.receipts.map((receipt) => (same(receipt, transaction) ? settledFarewell(receipt, settlement) : receipt)),
    },
  };
}

/**
 * The private parts that another receipt would need are gone. So codes of a receipt that only waits go when the request is recorded, and those of
 * a recorded one stay what they are.
 */
function settledFarewell(receipt: FarewellReceipt, { state }: Settlement): FarewellReceipt {
  return receipt.state === 'queued' ? { ...receipt, state, qr: [] } : receipt;
}

function settledVisit(visit: Visit, transaction: Uint8Array, settlement: Settlement, work: Pick<VisitWork, 'drawReceipt'>): Visit {
  const issued = visit.issued.find((one) => same(one, transaction));
  const drawn = issued !== undefined && isInLedger(settlement) ? work.drawReceipt(settlement.receipt, issued.parts) : null;
  if (drawn !== null && !drawn.ok) return visit;
  const state: RequestState = settlement.state;
  const qr = drawn === null ? [] : drawn.value;
  // A witnessed receipt rests on a later head than the request's own block.
  const at = settlement.state === 'recorded' ? settlement.at : null;
  const code = isInLedger(settlement) ? null : settlement.code;
  const rowOf = (row: RequestRow): RequestRow => ({
    ...row,
    state,
    at: at ?? row.at,
    ...(code === null ? {} : { code }),
  });
  return {
    ...visit,
    issued: visit.issued.map((one) => (same(one, transaction) ? { ...one, state, qr, code, at: at ?? one.at } : one)),
    access: visit.access && {
      ...visit.access,
      requests: visit.access.requests.map((past) => (same(past, transaction) ? { ...past, row: rowOf(past.row) } : past)),
    },
  };
}
