import type { HeldAct, HeldOutcome, HeldReceipt } from '../../contract/held-receipt.ts';
import type { Localized } from '../../contract/language.ts';
import type { Result } from '../../contract/result.ts';
import { askInLink } from '../../identity/ask-link.ts';
import { handOffInLink } from '../../identity/hand-off.ts';
import { decodeActivityReceipt, verifyActivityReceipt } from '../../ledger/verify/activity-receipt.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import type { Trust } from '../../ledger/verify/head.ts';
import { checkPendingReceipt, completeReceipt, decodePendingReceipt, type PendingReceipt } from '../../ledger/verify/pending-receipt.ts';
import { activityStatementOf, pendingStatementOf, statementOf, type ActStatement } from '../../ledger/verify/receipt-statement.ts';
import { joinSymbols, receiptToSymbols, type SymbolsFault } from '../../ledger/verify/receipt-symbols.ts';
import { verifyReceipt, type ReceiptFault } from '../../ledger/verify/receipt.ts';
import type { District } from '../district.ts';
import type { Offered } from './draft.ts';

/** Codes of a receipt that were held under the scanner so far, and what came of them. */
export interface Held {
  symbols: string[];
  shown: HeldReceipt;
}

/** With what was just held under the scanner. A code of another receipt begins anew with that; what is none says so and changes nothing else. */
export function withSymbol(before: Held | null, text: string): Held {
  const symbols = before === null || before.shown.outcome !== null ? [] : before.symbols;
  const alone = faultOf([text]);
  if (alone?.kind === 'no-symbol') return { symbols, shown: { ...progress(symbols), problem: askInLink(text) !== null || handOffInLink(text) !== null ? 'needs-card' : 'not-a-receipt' } };
  if (alone?.kind === 'damaged') return { symbols, shown: { ...progress(symbols), problem: 'damaged' } };
  const isAnother = faultOf([...symbols, text])?.kind === 'mixed';
  const now = isAnother ? [text] : [...new Set([...symbols, text])];
  return { symbols: now, shown: { ...progress(now), problem: isAnother ? 'another' : null } };
}

/** All of its codes were seen, and nobody has looked at it yet. */
export const isWhole = (held: Held | null): held is Held => held !== null && held.shown.outcome === null && held.symbols.length > 0 && joinSymbols(held.symbols).ok;

function faultOf(texts: readonly string[]): SymbolsFault | null {
  const joined = joinSymbols(texts);
  return joined.ok ? null : joined.failure;
}

function progress(symbols: readonly string[]): HeldReceipt {
  const fault = symbols.length === 0 ? null : faultOf(symbols);
  return { seen: symbols.length, of: fault?.kind === 'incomplete' ? fault.of : symbols.length, problem: null, outcome: null };
}

export interface HeldSources {
  district: Pick<District, 'receipt' | 'party' | 'areKnownKeys' | 'nowSeconds'>;
  trust: Trust;
  crypto: Crypto;
  offers(): Promise<Result<Offered>>;
}

/** What the receipt proves, checked as a stranger would check it. One that only waits is looked up in the ledger: where it is recorded by now it is whole. */
export async function lookAtHeld(symbols: readonly string[], sources: HeldSources): Promise<HeldOutcome> {
  const { trust, crypto } = sources;
  const joined = joinSymbols(symbols);
  if (!joined.ok) return { is: 'refused', why: 'damaged' };
  const bytes = joined.value;
  const pending = decodePendingReceipt(bytes);
  if (pending !== undefined) return lookAtPending(bytes, pending, sources);
  if (decodeActivityReceipt(bytes) !== undefined) {
    const list = verifyActivityReceipt(bytes, trust, crypto);
    if (!list.ok) return refused(list.failure);
    const { entries, signedAtMs } = activityStatementOf(list.value);
    return { is: 'list', entries: entries.length, at: new Date(signedAtMs).toISOString() };
  }
  return recorded(bytes, false, sources);
}

/** Whoever makes one, signs it with keys of their own: where the ledger can be asked, it is refused unless it knows them all. Whose they are proves only the record. */
async function lookAtPending(bytes: Uint8Array, pending: PendingReceipt, sources: HeldSources): Promise<HeldOutcome> {
  const { district, trust, crypto } = sources;
  const signed = checkPendingReceipt(bytes, trust, crypto);
  if (!signed.ok) return refused(signed.failure);
  const found = await district.receipt(signed.value.transaction, 0);
  const whole = found.ok && found.value !== null ? completeReceipt(pending, found.value.receipt, crypto) : undefined;
  if (whole !== undefined) return recorded(whole, true, sources);
  const known = await Promise.all(signed.value.signers.map((key) => district.areKnownKeys([key])));
  if (known.some((one) => one.ok && !one.value)) return { is: 'refused', why: 'unknown-signer' };
  const { reference, acts, lapsesAtMs } = pendingStatementOf(signed.value);
  const says = { reference, acts: await named(acts, sources), until: new Date(lapsesAtMs).toISOString() };
  if (found.ok && lapsesAtMs < district.nowSeconds() * 1000) return { is: 'lapsed', ...says };
  return { is: 'waiting', ...says, asked: found.ok && known.every((one) => one.ok) };
}

async function recorded(bytes: Uint8Array, isNow: boolean, sources: HeldSources): Promise<HeldOutcome> {
  const proof = verifyReceipt(bytes, sources.trust, sources.crypto);
  if (!proof.ok) return refused(proof.failure);
  const { reference, acts, signedAtMs, witnessed } = statementOf(proof.value);
  return {
    is: 'recorded',
    reference,
    acts: await named(acts, sources),
    at: new Date(signedAtMs).toISOString(),
    isWitnessed: witnessed.isWitnessed,
    qr: isNow ? receiptToSymbols(bytes) : [],
  };
}

const refused = ({ fault }: { fault: ReceiptFault }): HeldOutcome => ({ is: 'refused', why: fault === 'other-ledger' ? 'other-ledger' : 'altered' });

/** A grant that ends at midnight ends with the day before. null: its form is a moment's, and there is no such moment. */
function lastMoment(end: string): string | null {
  const ms = Date.parse(end);
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 19) !== end.slice(0, 19)) return null;
  return new Date(ms - 1000).toISOString();
}

/** By the names that agencies and services have now; of what the bearer does not show nothing is said. */
async function named(acts: readonly ActStatement[], { district, offers }: HeldSources): Promise<HeldAct[]> {
  const offered = await offers();
  const services = offered.ok ? offered.value.offers.map(({ service }) => service) : [];
  const agencyOf = async (id: string): Promise<Localized> => {
    const party = await district.party(id);
    return party.ok ? party.value.names : { 'zh-Hans': id, en: id };
  };
  const titleOf = (id: string): Localized => services.find((service) => service.id === id)?.title ?? { 'zh-Hans': id, en: id };
  return Promise.all(
    acts.map(async (act): Promise<HeldAct> => {
      if (act.shown !== 'all') return { act: 'other' };
      const { part } = act;
      switch (part.kind) {
        case 'request.submit':
          return { act: 'request', agency: await agencyOf(part.agency), service: titleOf(part.service) };
        case 'grant.give': {
          const until = lastMoment(part.until);
          return until === null ? { act: 'other' } : { act: 'grant', agency: await agencyOf(part.agency), service: titleOf(part.service), claims: part.claims.length, until };
        }
        case 'grant.end':
          return { act: 'grant-end', agency: await agencyOf(part.agency) };
        case 'request.withdraw':
          return { act: 'withdraw', agency: await agencyOf(part.agency) };
        case 'facts.keep':
          return { act: 'facts-keep' };
        case 'request.step':
        case 'credential.anchor':
        case 'credential.revoke':
        case 'verification.answer':
        case 'access.record':
        case 'access.lookup':
        case 'case.open':
          return { act: 'other' };
      }
    }),
  );
}
