import type { Act, ActKind, PrivatePart, RequestStep } from './acts.ts';
import type { ActivityProof } from './activity-receipt.ts';
import { toHex } from './bytes.ts';
import type { PendingProof } from './pending-receipt.ts';
import type { ReceiptProof } from './receipt.ts';
import type { WitnessReport } from './receipt-witnesses.ts';

/** What a receipt that holds says. Who shows it, puts it in words of their own. */
export interface ReceiptStatement {
  reference: string;
  acts: ActStatement[];
  /** Name of the kiosk at which it was signed, where one attested. */
  kiosk: string | null;
  /** How many keys signed, the kiosk's counted. */
  signatures: number;
  chain: string;
  /** Of the block after which the ledger was signed. */
  height: number;
  /** From 1. */
  entry: number;
  entries: number;
  /** When the ledger was signed with this entry in it; Unix milliseconds. */
  signedAtMs: number;
  /** Who outside has seen it there, and whether they are as many as it takes. */
  witnessed: WitnessReport;
}

/** What a pending receipt says: what was signed, and till when the signature can be recorded. Nothing of it is in the ledger yet. */
export interface PendingStatement extends Pick<ReceiptStatement, 'reference' | 'acts' | 'kiosk' | 'signatures' | 'chain'> {
  /** Unix milliseconds. */
  lapsesAtMs: number;
}

export type ActStatement =
  | { kind: ActKind; shown: 'all'; part: PrivatePart; reads: number | null; step: RequestStep['step'] | null }
  /** There is a private part, and the bearer does not show it. */
  | { kind: ActKind; shown: 'public-part' }
  /** An act without a private part. */
  | { kind: ActKind; shown: 'no-private-part' };

/** What a proof of a resident's whole list says. */
export interface ActivityStatement extends Pick<ReceiptStatement, 'chain' | 'height' | 'signedAtMs'> {
  /** The resident's id, 32 hex digits. */
  subject: string;
  /** Oldest first; `entry`: in the log, from 1. `orderedAtMs`: when whoever looked or stepped says to have signed that, Unix milliseconds. */
  entries: { entry: number; act: ActStatement; orderedAtMs: number | null }[];
}

export function activityStatementOf({ subject, entries, head }: ActivityProof): ActivityStatement {
  return {
    subject: toHex(subject),
    entries: entries.map(({ logIndex, act, part, orderedAt }) => ({ entry: logIndex + 1, act: actStatement(act, part), orderedAtMs: orderedAt === null ? null : orderedAt * 1000 })),
    chain: head.chain,
    height: head.height,
    signedAtMs: head.timeMs,
  };
}

export function statementOf(proof: ReceiptProof): ReceiptStatement {
  const { index, head, witnessed } = proof;
  return {
    ...signedStatement(proof),
    height: head.height,
    entry: index + 1,
    entries: head.logSize,
    signedAtMs: head.timeMs,
    witnessed,
  };
}

export function pendingStatementOf(proof: PendingProof): PendingStatement {
  return { ...signedStatement(proof), lapsesAtMs: proof.body.notAfter * 1000 };
}

function signedStatement({ reference, acts, body, signers }: PendingProof): Omit<PendingStatement, 'lapsesAtMs'> {
  return {
    reference,
    acts: body.acts.map((act, i) => actStatement(act, acts[i]?.part ?? null)),
    kiosk: body.kiosk ?? null,
    signatures: signers.length,
    chain: body.chain,
  };
}

function actStatement(act: Act, part: PrivatePart | null): ActStatement {
  if (!('private' in act)) return { kind: act.kind, shown: 'no-private-part' };
  if (part === null) return { kind: act.kind, shown: 'public-part' };
  return { kind: act.kind, shown: 'all', part, reads: act.kind === 'grant.give' ? act.reads : null, step: act.kind === 'request.step' ? act.step : null };
}
