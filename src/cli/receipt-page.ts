import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { hubFileSchema } from '../contract/hub-file.ts';
import { localizedSchema } from '../contract/language.ts';
import type { Result } from '../contract/result.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { trustThrough } from '../ledger/verify/handover.ts';
import type { Trust } from '../ledger/verify/head.ts';
import { trustFingerprint } from '../ledger/verify/trust-fingerprint.ts';
import { fillReceiptPage } from '../pages/receipt/page-hub.ts';

export const usage = `imi receipt-page --hub FILE --out FILE [--names FILE]
  --names FILE  names of agencies and services by their ids, for people to read:
                { "parties": { "tax-bureau": { "zh-Hans": "…", "en": "…" } }, "services": { … } }`;

const builtPage = join(import.meta.dirname, '../../dist/pages/receipt.html');
const namesSchema = z.strictObject({ parties: z.record(z.string(), localizedSchema).default({}), services: z.record(z.string(), localizedSchema).default({}) });

/** Writes one .html with the hub's trust root in it, and prints the fingerprint to publish. 2: called wrongly, or a file cannot be read or written. */
export async function run(args: string[]): Promise<number> {
  const called = parse(args);
  if (called === undefined) return misuse(`Usage: ${usage}`);
  const hub = await readAs(called.hub, hubFileSchema, 'a hub file');
  if (!hub.ok) return misuse(hub.failure);
  const names = called.names === undefined ? { ok: true as const, value: { parties: {}, services: {} } } : await readAs(called.names, namesSchema, 'a file of names');
  if (!names.ok) return misuse(names.failure);
  const { name, trustRoot } = hub.value;
  const trust = readTrust(trustRoot);
  if (trust === undefined) return misuse(`${called.hub} has a validator key that is not 32 bytes`);
  const built = await readText(builtPage);
  if (!built.ok) return misuse(`${built.failure}\nBuild the page first: npx vite build --config vite.pages.config.ts`);
  const page = fillReceiptPage(built.value, { name, trustRoot, ...names.value });
  if (page === undefined) return misuse(`${builtPage} is not the page as it was built`);
  try {
    await writeFile(called.out, page);
  } catch (error) {
    return misuse(`${called.out} cannot be written: ${codeOf(error)}`);
  }
  process.stdout.write(`${called.out} trusts ${trustRoot.chain}. Fingerprint: ${trustFingerprint(trust, nodeCrypto)}\n`);
  return 0;
}

function parse(args: string[]): { hub: string; out: string; names: string | undefined } | undefined {
  try {
    const { hub, out, names } = parseArgs({ args, options: { hub: { type: 'string' }, out: { type: 'string' }, names: { type: 'string' } } }).values;
    return hub === undefined || out === undefined ? undefined : { hub, out, names };
  } catch {
    // An option that is not ours.
    return undefined;
  }
}

function readTrust(root: Parameters<typeof trustThrough>[0]): Trust | undefined {
  try {
    return trustThrough(root, nodeCrypto);
  } catch {
    return undefined;
  }
}

async function readText(path: string): Promise<Result<string, string>> {
  try {
    return { ok: true, value: await readFile(path, 'utf8') };
  } catch (error) {
    return { ok: false, failure: `${path} cannot be read: ${codeOf(error)}` };
  }
}

async function readAs<T>(path: string, schema: z.ZodType<T>, what: string): Promise<Result<T, string>> {
  const text = await readText(path);
  if (!text.ok) return text;
  try {
    const parsed = schema.safeParse(JSON.parse(text.value));
    if (parsed.success) return { ok: true, value: parsed.data };
  } catch {
    // Not JSON.
  }
  return { ok: false, failure: `${path} is not ${what}` };
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown');

function misuse(sentence: string): number {
  process.stderr.write(`${sentence}\n`);
  return 2;
}
