import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { gunzipSync, gzip } from 'node:zlib';
import { z } from 'zod';
import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import { isSignedBy, parseJws, signJwsBy } from '../../identity/jws.ts';
import type { Opener } from '../../identity/hpke.ts';
import { openSealed, sealTo } from '../../identity/sealing.ts';
import type { Name, PublicKey } from '../../ledger/verify/acts.ts';
import { utf8 } from '../../ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../../ledger/verify/cbor.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import type { DeviceKey } from '../device-key.ts';
import { journalFiles } from '../journal.ts';

/** What the device key has signed: whose journal it is, until when, and what is sealed. */
const statementSchema = z.strictObject({ v: z.literal(1), kiosk: z.string(), at: z.iso.datetime(), sealed: z.string() });
export type JournalStatement = z.infer<typeof statementSchema>;

const fileSchema = z.strictObject({ v: z.literal(1), statement: z.string(), sealed: z.custom<Uint8Array>((value) => value instanceof Uint8Array) });

/** Megabytes of it take a while, in which cards are read. */
const gzipped = promisify(gzip);

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface ExportParts {
  dataDir: string;
  kioskId: Name;
  deviceKey: DeviceKey;
  /** X25519, of the hub's party: whoever has its private half opens it. */
  hubSeal: Uint8Array;
  /** Unix milliseconds. */
  now: number;
}

/** The whole journal, oldest line first, sealed to the hub and signed by this kiosk: CBOR of `{v, statement, sealed}`. `device-key-silent`. */
export async function sealJournal({ dataDir, kioskId, deviceKey, hubSeal, now }: ExportParts): Promise<Result<Uint8Array>> {
  const lines = journalFiles(dataDir)
    .filter((file) => existsSync(file))
    .toReversed()
    .map((file) => readFileSync(file));
  const sealed = sealTo(hubSeal, 'journal', utf8(kioskId), await gzipped(Buffer.concat(lines)));
  const statement: JournalStatement = { v: 1, kiosk: kioskId, at: new Date(now).toISOString(), sealed: sha256(sealed) };
  const signed = await signJwsBy({ alg: deviceKey.publicKey[0] === -19 ? 'EdDSA' : 'ES256', typ: 'imi-journal+jwt' }, statement, (input) => deviceKey.sign(input));
  return signed.ok ? ok(encodeCbor({ v: 1, statement: signed.value, sealed })) : signed;
}

export type JournalFileFault = Failure<'export-form' | 'export-signature' | 'seal-broken'>;

/** What a file says that it is, whoever signed it. */
export function statementOf(file: Uint8Array): JournalStatement | null {
  const read = fileSchema.safeParse(decodeCbor(file));
  const statement = read.success ? statementSchema.safeParse(parseJws(read.data.statement)?.payload) : null;
  return statement?.success === true ? statement.data : null;
}

/** The lines of an exported journal, where this key, the ledger's for that kiosk, has signed it. */
export async function openJournalFile(file: Uint8Array, key: PublicKey, opener: Opener, verify: Crypto['verify']): Promise<Result<string, JournalFileFault>> {
  const read = fileSchema.safeParse(decodeCbor(file));
  const statement = statementOf(file);
  if (!read.success || statement === null) return fail('export-form');
  const jws = parseJws(read.data.statement);
  if (jws === null || !isSignedBy(jws, key, verify) || sha256(read.data.sealed) !== statement.sealed) return fail('export-signature');
  const opened = await openSealed(read.data.sealed, 'journal', utf8(statement.kiosk), opener);
  if (!opened.ok) return fail('seal-broken', opened.failure.detail);
  try {
    return ok(gunzipSync(opened.value, { maxOutputLength: 256 * 1024 * 1024 }).toString('utf8'));
  } catch {
    return fail('export-form', 'gzip');
  }
}
