import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { trustRootSchema } from '../contract/hub-file.ts';
import { fail, ok, type Result } from '../contract/result.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { trustOf, type Trust } from '../ledger/verify/head.ts';
import { verifyReceipt, type ReceiptProof } from '../ledger/verify/receipt.ts';

const usage = 'imi verify-receipt FILE --trust FILE';

/** 0: the receipt holds, and one line says what it proves. 1: it does not, with the code. 2: called wrongly, or a file cannot be read. */
export async function run(args: string[]): Promise<number> {
  const called = parse(args);
  if (called === undefined) return misuse(`Usage: ${usage}`);
  const trust = await readTrust(called.trust);
  if (!trust.ok) return misuse(trust.failure);
  const receipt = await readBytes(called.receipt);
  if (!receipt.ok) return misuse(receipt.failure);
  const proof = verifyReceipt(receipt.value, trust.value, nodeCrypto);
  if (!proof.ok) {
    process.stderr.write(`Refused: ${proof.failure.code}${proof.failure.detail === undefined ? '' : ` (${proof.failure.detail})`}\n`);
    return 1;
  }
  process.stdout.write(`${sentenceOf(proof.value)}\n`);
  return 0;
}

/** `7KQ2-M4XD-09: grant.give (tax-bureau, tax/x), request.submit (tax-bureau, tax/x); recorded on imi-demo at height 12, log entry 4 of 9, signed by 2026-11-22T10:00:00.000Z` */
export function sentenceOf({ reference, acts, index, head }: ReceiptProof): string {
  const named = acts.map(({ kind, part }) => {
    if (part === null) return kind;
    return part.kind === 'credential.anchor' ? `${kind} (${part.issuer}, ${part.vct})` : `${kind} (${part.agency}, ${part.service})`;
  });
  const signed = new Date(head.timeMs).toISOString();
  return `${reference}: ${named.join(', ')}; recorded on ${head.chain} at height ${head.height}, log entry ${index + 1} of ${head.logSize}, signed by ${signed}`;
}

function parse(args: string[]): { receipt: string; trust: string } | undefined {
  try {
    const { positionals, values } = parseArgs({ args, options: { trust: { type: 'string' } }, allowPositionals: true });
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
    return ok(trustOf(root.data));
  } catch {
    return { ok: false, failure: `${path} has a validator key that is not 32 bytes` };
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
