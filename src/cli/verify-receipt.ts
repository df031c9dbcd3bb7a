import { readFile } from 'node:fs/promises';
import { trustRootSchema } from '../contract/hub-file.ts';
import { fail, ok, type Result } from '../contract/result.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { decodeActivityReceipt, verifyActivityReceipt } from '../ledger/verify/activity-receipt.ts';
import { trustThrough } from '../ledger/verify/handover.ts';
import type { Trust } from '../ledger/verify/head.ts';
import { checkPendingReceipt, decodePendingReceipt } from '../ledger/verify/pending-receipt.ts';
import { verifyReceipt } from '../ledger/verify/receipt.ts';
import {
  activityStatementOf,
  pendingStatementOf,
  statementOf,
  type ActivityStatement,
  type ActStatement,
  type PendingStatement,
  type ReceiptStatement,
} from '../ledger/verify/receipt-statement.ts';
import type { SymbolsFault } from '../ledger/verify/receipt-symbols.ts';
import { receiptFromFile } from '../ledger/verify/receipt-text.ts';
import { sayAct, type Calling } from '../pages/receipt/act-said.ts';
import { readWords, refused } from './arguments.ts';

export const usage = 'imi verify-receipt FILE --trust FILE';

/** FILE: the receipt's own bytes, or a text with its codes. 0: the receipt holds, and what it proves is said, a line an act. 3: a pending one, whole: signed, and not proved to be in any ledger. 1: it does not, with the code. 2: called wrongly, or a file cannot be read. */
export async function run(args: string[]): Promise<number> {
  const called = parse(args);
  if (called === undefined) return misuse(`Usage: ${usage}`);
  const trust = await readTrust(called.trust);
  if (!trust.ok) return misuse(trust.failure);
  const receipt = await readBytes(called.receipt);
  if (!receipt.ok) return misuse(receipt.failure);
  const joined = receiptFromFile(receipt.value);
  if (!joined.ok) return refused({ code: `codes-${joined.failure.kind}`, detail: symbolsDetail(joined.failure) });
  if (decodePendingReceipt(joined.value) !== undefined) {
    const signed = checkPendingReceipt(joined.value, trust.value, nodeCrypto);
    return signed.ok ? say(pendingLines(pendingStatementOf(signed.value)), 3) : refused(signed.failure);
  }
  if (decodeActivityReceipt(joined.value) !== undefined) {
    const complete = verifyActivityReceipt(joined.value, trust.value, nodeCrypto);
    return complete.ok ? say(activityLines(activityStatementOf(complete.value)), 0) : refused(complete.failure);
  }
  const proof = verifyReceipt(joined.value, trust.value, nodeCrypto);
  if (!proof.ok) return refused(proof.failure);
  return say(linesOf(statementOf(proof.value)), 0);
}

/**
 * `7KQ2-M4XD-09: recorded on imi-demo at height 12, log entry 4 of 9, signed by 2026-11-22T10:00:00.000Z`, and a line an act below it:
 * `  request.submit: A request was made to tax-bureau. For: tax/property-tax-certificate`.
 */
function linesOf({ reference, acts, chain, height, entry, entries, signedAtMs, witnessed }: ReceiptStatement): string[] {
  const signed = new Date(signedAtMs).toISOString();
  return [`${reference}: recorded on ${chain} at height ${height}, log entry ${entry} of ${entries}, signed by ${signed}`, ...acts.map(actLine), ...witnessLines(witnessed)];
}

/** `7KQ2-M4XD-09: signed, not recorded yet on imi-demo; lapses at 2026-11-29T10:00:00.000Z`, and the acts. */
function pendingLines({ reference, acts, chain, lapsesAtMs }: PendingStatement): string[] {
  return [`${reference}: signed, not recorded yet on ${chain}; lapses at ${new Date(lapsesAtMs).toISOString()}`, ...acts.map(actLine)];
}

/**
 * `00112233…: these 4 entries and no others on imi-demo at height 12, signed by 2026-11-22T10:00:00.000Z`, and below it a line an entry:
 * `  3: access.record: tax-bureau looked at 2 facts. …`.
 */
function activityLines({ subject, entries, chain, height, signedAtMs }: ActivityStatement): string[] {
  const count = entries.length === 1 ? 'this 1 entry' : `these ${entries.length} entries`;
  return [
    `${subject}: ${count} and no others on ${chain} at height ${height}, signed by ${new Date(signedAtMs).toISOString()}`,
    ...entries.map(({ entry, act, orderedAtMs }) => `  ${entry}: ${actLine(act).trim()}${orderedAtMs === null ? '' : `; Signed: ${new Date(orderedAtMs).toISOString()}`}`),
  ];
}

/** `  witnessed: witness.example/one at 2026-11-22T10:00:02.000Z`; `seen, by too few:` where they are not as many as it takes. */
function witnessLines({ witnesses, isWitnessed }: ReceiptStatement['witnessed']): string[] {
  if (witnesses.length === 0) return [];
  const who = witnesses.map(({ name, time }) => `${name} at ${new Date(time * 1000).toISOString()}`);
  return [`  ${isWitnessed ? 'witnessed' : 'seen, by too few'}: ${who.join(', ')}`];
}

const byId: Calling = { party: (id) => id, service: (id) => id };

function actLine(act: ActStatement): string {
  const { sentence, claims, facts, note } = sayAct(act, 'en', byId);
  const more = [...(claims.length === 0 ? [] : [`Facts: ${claims.join(', ')}`]), ...facts.map(([label, value]) => `${label}: ${value}`), ...(note === null ? [] : [note])];
  return `  ${act.kind}: ${sentence}${more.length === 0 ? '' : ` ${more.join('; ')}`}`;
}

function symbolsDetail(fault: SymbolsFault): string | undefined {
  switch (fault.kind) {
    case 'incomplete':
      return `missing ${fault.missing.join(', ')} of ${fault.of}`;
    case 'damaged':
      return `code ${fault.number}`;
    case 'mixed':
    case 'no-symbol':
      return undefined;
  }
}

function say(lines: string[], status: number): number {
  process.stdout.write(`${lines.join('\n')}\n`);
  return status;
}

function parse(args: string[]): { receipt: string; trust: string } | undefined {
  try {
    const { positionals, values } = readWords(args, { trust: { type: 'string' } });
    const [receipt, ...others] = positionals;
    return receipt === undefined || others.length > 0 || values.trust === undefined ? undefined : { receipt, trust: values.trust };
  } catch {
    // An option that is not ours.
    return undefined;
  }
}

async function readBytes(path: string): Promise<Result<Uint8Array, string>> {
  try {
    return ok(new Uint8Array(await readFile(path)));
  } catch (error) {
    return { ok: false, failure: `${path} cannot be read: ${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'}` };
  }
}

async function readTrust(path: string): Promise<Result<Trust, string>> {
  const bytes = await readBytes(path);
  if (!bytes.ok) return bytes;
  const json = parseJson(bytes.value);
  const root = json.ok ? trustRootSchema.safeParse(json.value) : undefined;
  if (root?.success !== true) return { ok: false, failure: `${path} is not a trust root` };
  try {
    return ok(trustThrough(root.data, nodeCrypto));
  } catch {
    return { ok: false, failure: `${path} has a validator key that is not 32 bytes, or a handover that those before it have not signed` };
  }
}

function parseJson(bytes: Uint8Array): Result<unknown> {
  try {
    return ok(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return fail('message-invalid');
  }
}

function misuse(sentence: string): number {
  process.stderr.write(`${sentence}\n`);
  return 2;
}
