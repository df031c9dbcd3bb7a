import type { Localized } from '../../contract/language.ts';
import { fail, ok, type Result } from '../../contract/result.ts';
import { answerAsk, matchAsk, shownSet, type AnswerPart } from '../../identity/answer.ts';
import { askInLink } from '../../identity/ask-link.ts';
import { askedClaims, claimedAsker, readAsk, type Ask } from '../../identity/ask.ts';
import type { Credential } from '../../identity/credential.ts';
import type { Id, Name } from '../../ledger/verify/acts.ts';
import { toBase64url } from '../../ledger/verify/bytes.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import { receiptToSymbols } from '../../ledger/verify/receipt-symbols.ts';
import { reference } from '../../ledger/verify/reference.ts';
import type { Card } from '../card.ts';
import type { Clock } from '../clock.ts';
import type { CarriedAsks, District } from '../district.ts';

/** An ask as a kiosk shows it: who asks is proved, and what would be shown is at hand. */
export interface ShownAsk {
  id: Id;
  ask: Ask;
  agency: Localized;
  parts: AnswerPart[];
  /** Claims that no credential here has. */
  missing: string[];
  /** Names of the issuers of `parts`, by type. */
  issuers: Readonly<Record<string, Localized>>;
}

/** What became of it. `not-taken`: the gateway refused the answer, with its code. */
export type AskOutcome =
  | { outcome: 'answered'; reference: string; recorded: boolean; qr: string[] }
  | { outcome: 'refused' }
  | { outcome: 'not-taken'; code: string };

export interface AskParts {
  district: Pick<District, 'askByCode' | 'askById' | 'answerAsk' | 'refuseAsk' | 'asker' | 'receipt' | 'party'>;
  crypto: Crypto;
  clock: Clock;
}

const seconds = (clock: Clock): number => Math.floor(clock.now() / 1000);

/** Those that wait for whoever is signed in, of those that the hub carries. None where the hub cannot say: nobody is kept out for it. */
export async function waitingAsks(waiting: Result<CarriedAsks>, credentials: readonly Credential[], parts: AskParts): Promise<ShownAsk[]> {
  if (!waiting.ok) return [];
  const shown = await Promise.all(waiting.value.map((carried) => shownAsk(carried, credentials, parts)));
  return shown.filter((ask) => ask !== null);
}

/** null: nothing that may be shown: not signed by an agency of the ledger, over, or beyond its purposes. The hub only carries it. */
async function shownAsk({ id, signed }: { id: Id; signed: string }, credentials: readonly Credential[], { district, crypto, clock }: AskParts): Promise<ShownAsk | null> {
  const name = claimedAsker(signed);
  const asker = name === null ? null : await district.asker(name);
  if (asker === null || !asker.ok) return null;
  const read = readAsk(signed, asker.value.sign, crypto.verify, seconds(clock));
  if (!read.ok || toBase64url(id) !== read.value.state) return null;
  const purpose = asker.value.purposes.find((one) => one.id === read.value.purpose);
  if (purpose === undefined || !askedClaims(read.value).every((claim) => purpose.claims.includes(claim))) return null;
  const { parts, missing } = matchAsk(read.value, credentials);
  const issuers: Record<Name, Localized> = {};
  for (const { credential } of parts) {
    const issuer = await district.party(credential.issuer);
    if (issuer.ok) issuers[credential.vct] = issuer.value.names;
  }
  return { id, ask: read.value, agency: asker.value.names, parts, missing: missing.flatMap(({ claims }) => claims), issuers };
}

/** An ask that was looked for. `ask: null`: there is none of this code for whoever is signed in. `triesLeft: null`: it was scanned, and may be again. */
export interface FoundAsk {
  ask: ShownAsk | null;
  triesLeft: number | null;
}

/** @param code as it was typed, or a link as it was scanned. */
export async function findAsk(session: Uint8Array, code: string, credentials: readonly Credential[], parts: AskParts): Promise<Result<FoundAsk>> {
  const id = askInLink(code);
  const found: Result<{ ask: { id: Id; signed: string } | null; triesLeft?: number }> = id === null ? await parts.district.askByCode(session, code) : await parts.district.askById(session, id);
  if (!found.ok) return found;
  const { ask, triesLeft = null } = found.value;
  return ok({ ask: ask === null ? null : await shownAsk(ask, credentials, parts), triesLeft });
}

/** The card signs once for each credential (AUT), the gateway judges and records; the receipt is fetched and checked as a stranger would check it. */
export async function agreeToAsk(card: Card, session: Uint8Array, shown: ShownAsk, leftOut: readonly string[], { district, clock }: AskParts): Promise<Result<AskOutcome>> {
  const answer = await answerAsk(shown.ask, shown.parts, leftOut, seconds(clock), (input) => card.authenticate(input));
  if (!answer.ok) return answer;
  const taken = await district.answerAsk(session, shown.id, JSON.stringify(answer.value.vpToken));
  if (!taken.ok) return taken;
  if ('refused' in taken.value) return ok({ outcome: 'not-taken', code: taken.value.refused });
  const { transaction } = taken.value;
  if (transaction === null) return fail('hub-refused', 'no act');
  const receipt = await district.receipt(transaction, 2000);
  const found = receipt.ok ? receipt.value : null;
  return ok({ outcome: 'answered', reference: reference(transaction), recorded: found !== null, qr: found === null ? [] : receiptToSymbols(found.receipt) });
}

export async function refuseAsk(session: Uint8Array, { id }: ShownAsk, { district }: AskParts): Promise<Result<AskOutcome>> {
  const refused = await district.refuseAsk(session, id);
  if (!refused.ok) return refused;
  return ok('refused' in refused.value ? { outcome: 'not-taken', code: refused.value.refused } : { outcome: 'refused' });
}

/** What would be shown now: everything but what the resident keeps back. */
export const askedRows = ({ parts, issuers }: ShownAsk, leftOut: readonly string[]): { claim: string; value: string; optional: boolean; chosen: boolean; issuer: Localized | null }[] =>
  parts.flatMap((part) => {
    // What the agency will be shown, and not what it might have been: a query may take one of several sets and no more.
    const set = shownSet(part, leftOut);
    return part.claims.map(({ claim, value, optional }) => ({ claim, value, optional, chosen: !optional || (set === null ? !leftOut.includes(claim) : set.includes(claim)), issuer: issuers[part.credential.vct] ?? null }));
  });
