import type { SignedRow } from '../../contract/bridge.ts';
import { ok, type Result } from '../../contract/result.ts';
import { openObjects } from '../../identity/space.ts';
import { encodeActivityReceipt } from '../../ledger/verify/activity-receipt.ts';
import type { Act } from '../../ledger/verify/acts.ts';
import { equalBytes, toHex } from '../../ledger/verify/bytes.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import { openEnvelope } from '../../ledger/verify/envelope.ts';
import type { Trust } from '../../ledger/verify/head.ts';
import { receiptToSymbols } from '../../ledger/verify/receipt-symbols.ts';
import { verifyReceipt } from '../../ledger/verify/receipt.ts';
import { reference } from '../../ledger/verify/reference.ts';
import type { District, ProvenActivity } from '../district.ts';
import type { Outbox } from '../outbox.ts';
import { standingOf, knownEntries, partiesNamed, type KnownEntry, type MyData } from './my-data.ts';
import type { Access, PastRequest } from './work.ts';

export interface LookupParts {
  district: Pick<District, 'activity' | 'readSpace' | 'parties' | 'receipt' | 'nowSeconds'>;
  outbox: Pick<Outbox, 'waiting'>;
  crypto: Crypto;
  trust: Trust;
}

export async function lookUpMyData({ session, resident, held, space }: Pick<Access, 'session' | 'resident' | 'held' | 'space'>, parts: LookupParts): Promise<Result<MyData>> {
  const activity = await parts.district.activity(session, resident.id);
  if (!activity.ok) return activity;
  const isWhole = knownEntries(activity.value, held.parts, parts.crypto).every(({ act, opened }) => opened !== null || !('private' in act) || (act.kind === 'access.record' && act.case !== undefined));
  if (isWhole) return tellMyData(activity.value, resident.id, held, parts);
  // Somebody looked or answered since the space was opened.
  const read = await parts.district.readSpace(session);
  if (!read.ok) return read;
  const opened = await openObjects(read.value.objects, space);
  return opened.ok ? tellMyData(activity.value, resident.id, merged(held, { ...opened.value, withheld: read.value.withheld }), parts) : opened;
}

/** What this kiosk saw signed stays, until the space has it. */
function merged(held: Access['held'], { parts, letters, withheld }: Access['held']): Access['held'] {
  const own = held.parts.filter((one) => !parts.some(({ transaction, act }) => act === one.act && equalBytes(transaction, one.transaction)));
  return { parts: [...parts, ...own], letters, withheld };
}

type TellingParts = Pick<LookupParts, 'outbox' | 'crypto'> & { district: Pick<District, 'parties' | 'nowSeconds'> };

/** What is proved, joined with what the data space has of it and said by name. */
export async function tellMyData(activity: ProvenActivity, resident: Uint8Array, held: Access['held'], { district, outbox, crypto }: TellingParts): Promise<Result<MyData>> {
  const entries = knownEntries(activity, held.parts, crypto);
  const parties = await district.parties(partiesNamed(entries));
  if (!parties.ok) return parties;
  return ok({
    activity,
    entries,
    held,
    parties: new Map(parties.value.map((party) => [party.id, party])),
    ending: waitingEnds(outbox, resident, crypto),
    now: district.nowSeconds(),
  });
}

/** Ids (hex) of the grants and requests whose signed end waits here. */
function waitingEnds(outbox: Pick<Outbox, 'waiting'>, resident: Uint8Array, crypto: Crypto): ReadonlySet<string> {
  const ends = new Set<string>();
  for (const waiting of outbox.waiting()) {
    if (!equalBytes(waiting.resident, resident)) continue;
    const opened = openEnvelope(waiting.submission.envelope, crypto);
    if (!opened.ok) continue;
    for (const act of opened.value.body.acts) if (act.kind === 'grant.end' || act.kind === 'request.withdraw') ends.add(toHex(act.id));
  }
  return ends;
}

/** The rows say how far each request is, where the ledger proves it. */
export const withSteps = (requests: readonly PastRequest[], data: MyData, offers: Access['offers']): PastRequest[] =>
  requests.map((request) => {
    const standing = standingOf(data, request, offers);
    return standing === null ? request : { ...request, row: { ...request.row, step: standing.step, decision: standing.decision } };
  });

/** Each costs a receipt. */
const mostSigned = 24;

/** Acts that a resident's own card signs. */
const signedByResident: ReadonlySet<Act['kind']> = new Set<Act['kind']>(['grant.give', 'grant.end', 'request.submit', 'request.withdraw', 'facts.keep', 'resident.block']);

/** Transactions of the chain that the resident's card signed, newest first, in the log's order. */
export function signedTransactions({ entries }: Pick<MyData, 'entries'>): KnownEntry[][] {
  const own = entries.filter(({ act }) => signedByResident.has(act.kind));
  return [...Map.groupBy(own, ({ transaction }) => toHex(transaction)).values()].reverse();
}

export async function lookUpSigned(access: Pick<Access, 'resident' | 'requests'>, data: MyData, { district, trust, crypto }: LookupParts): Promise<Result<{ signed: SignedRow[]; more: number }>> {
  const transactions = signedTransactions(data);
  const looked = await Promise.all(transactions.slice(0, mostSigned).map(async (entries) => ({ entries, found: await district.receipt(entries[0]?.transaction ?? new Uint8Array(32), 0) })));
  const signed: SignedRow[] = [];
  for (const { entries, found } of looked) {
    const [first] = entries;
    if (!found.ok) return found;
    if (first === undefined || found.value === null) continue;
    const proof = verifyReceipt(found.value.receipt, trust, crypto);
    if (!proof.ok) return proof;
    const { body, signers } = proof.value;
    // A block by the desk is not the resident's.
    if (!signers.some(([, key]) => equalBytes(key, access.resident.sig)) && body.counter === undefined) continue;
    const asked = submissionOf(entries, data);
    const request = access.requests.find(({ transaction }) => asked !== undefined && equalBytes(transaction, asked.transaction));
    const party = entries.map(({ opened }) => opened?.part).find((part) => part !== undefined && 'agency' in part);
    signed.push({
      reference: reference(first.transaction),
      what: whatOf(entries),
      title: request?.row.service ?? null,
      agency: party !== undefined && 'agency' in party ? (data.parties.get(party.agency)?.names ?? null) : null,
      at: first.at === null ? found.value.at : new Date(first.at * 1000).toISOString(),
      kiosk: body.kiosk ?? null,
    });
  }
  return ok({ signed, more: Math.max(0, transactions.length - mostSigned) });
}

/** The request that these acts are about. */
function submissionOf(entries: readonly KnownEntry[], data: MyData): KnownEntry | undefined {
  const about = entries.find(({ act }) => act.kind === 'request.submit' || act.kind === 'request.withdraw')?.act;
  if (about?.kind !== 'request.submit' && about?.kind !== 'request.withdraw') return undefined;
  return data.entries.find(({ act }) => act.kind === 'request.submit' && equalBytes(act.id, about.id));
}

function whatOf(entries: readonly KnownEntry[]): SignedRow['what'] {
  const kinds = new Set(entries.map(({ act }) => act.kind));
  if (kinds.has('request.submit')) return 'request';
  if (kinds.has('request.withdraw')) return 'request.withdraw';
  if (kinds.has('facts.keep')) return 'facts.keep';
  return kinds.has('grant.end') ? 'grant.end' : 'other';
}

/** With more of them nobody stands before the screen to the end, and the snapshot would not fit the bridge. */
const mostCodes = 16;

/** Looks carry who looked; of the rest the public part is enough to be counted. Where that is too long, public parts alone. */
export function drawProof({ activity, entries }: MyData, crypto: Crypto): string[] {
  const { subject, evidence } = activity;
  const receiptOf = (shows: (act: Act) => boolean): string[] =>
    receiptToSymbols(
      encodeActivityReceipt(
        {
          subject,
          record: evidence.record,
          proof: evidence.proof,
          entries: entries.map(({ logIndex, actIndex, bytes, act, opened }) => ({ logIndex, actIndex, act: bytes, opened: shows(act) ? opened : null })),
        },
        evidence.head,
        crypto,
      ),
    );
  const whole = receiptOf((act) => act.kind === 'access.record' || act.kind === 'access.lookup' || act.kind === 'verification.answer');
  if (whole.length <= mostCodes) return whole;
  const bare = receiptOf(() => false);
  return bare.length <= mostCodes ? bare : [];
}
