import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { hubFileSchema } from '../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { Agency, type AgencyParts } from '../gateway/agency/agency.ts';
import { gatewayClient } from '../gateway/client.ts';
import { secretsOf, writeKeyFile } from '../hub/key-file.ts';
import { softwareOpener } from '../identity/hpke.ts';
import { x25519Public } from '../identity/x25519.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { ed25519Signer } from '../ledger/node-signer.ts';
import { toBase64url } from '../ledger/verify/bytes.ts';
import { trustThrough } from '../ledger/verify/handover.ts';

/** agency.json: where an agency's commands find everything. Paths are relative to it. */
const configSchema = z.strictObject({
  agency: z.string().regex(/^[a-z0-9-]{3,40}$/),
  gateway: z.url({ protocol: /^https?$/ }),
  /** The hub's public file: its trust root is what heads are held against. */
  hub: z.string(),
  /** Signing and sealing key of the agency. */
  key: z.string().default('agency.key.json'),
  /** Certificate of the authority behind the gateway's, where it is no public one. */
  ca: z.string().optional(),
  /** Demonstrations only: an officer's signing key as a file, where there is no card. */
  demoOfficerKey: z.string().optional(),
});

export interface AgencyPlace {
  agency: Agency;
  parts: AgencyParts;
  demoOfficerKey: string | null;
  hubName: z.output<typeof hubFileSchema>['name'];
}

/** `usage`: a file cannot be read or is not what it should be; a key file has its own codes. */
export function openAgency(path: string): Result<AgencyPlace, Failure<string>> {
  const config = readAs(path, configSchema);
  if (!config.ok) return config;
  const at = (name: string): string => resolve(dirname(path), name);
  const { agency, gateway, hub, key, ca, demoOfficerKey } = config.value;
  const hubFile = readAs(at(hub), hubFileSchema);
  if (!hubFile.ok) return hubFile;
  const keys = secretsOf(at(key), ['sign', 'seal']);
  if (!keys.ok) return keys;
  const signer = ed25519Signer(keys.value.sign);
  const { trustRoot, name } = hubFile.value;
  const reached = reachedBy(gateway, ca === undefined ? null : at(ca));
  if (!reached.ok) return reached;
  const parts: AgencyParts = {
    client: gatewayClient({ ...reached.value, party: { name: agency, signer }, now: Date.now }),
    name: agency,
    signer,
    opener: softwareOpener(keys.value.seal),
    chain: trustRoot.chain,
    trust: trustThrough(trustRoot, nodeCrypto),
    crypto: nodeCrypto,
    now: Date.now,
  };
  return ok({
    agency: new Agency(parts),
    parts,
    demoOfficerKey: demoOfficerKey === undefined ? null : at(demoOfficerKey),
    hubName: name,
  });
}

export interface AgencyFounding {
  dir: string;
  name: string;
  gateway: string;
  hub: string;
}

/** Makes keys and configuration; the public halves are for the authority, which enrols the agency. Nothing is written over. */
export function foundAgency({ dir, name, gateway, hub }: AgencyFounding): Result<{ id: string; sign: string; seal: string }, Failure<string>> {
  const checked = configSchema.safeParse({ agency: name, gateway, hub: relative(resolve(dir), resolve(hub)) });
  if (!checked.success) return fail('usage', 'a name is 3 to 40 of a-z, 0-9 and -; a gateway an http or https address');
  const [sign, seal] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(32))];
  const written = writeFounding(dir, 'agency', checked.data, { sign, seal });
  return written.ok ? ok({ id: name, sign: toBase64url(ed25519Signer(sign).key[1]), seal: toBase64url(x25519Public(seal)) }) : written;
}

/** Configuration and keys of whoever calls a gateway: `<what>.json` and `<what>.key.json`. Nothing is written over. */
export function writeFounding(dir: string, what: 'agency' | 'queue', config: object, keys: Parameters<typeof writeKeyFile>[1]): Result<null, Failure<'usage'>> {
  const [configPath, keyPath] = [join(dir, `${what}.json`), join(dir, `${what}.key.json`)];
  const there = [configPath, keyPath].filter((path) => existsSync(path));
  if (there.length > 0) return fail('usage', `${there.join(', ')}: already there`);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    writeKeyFile(keyPath, keys);
    writeFileSync(configPath, `${JSON.stringify(config, null, 2)}\n`, { flag: 'wx' });
  } catch (error) {
    return fail('usage', `${dir}: ${error instanceof Error ? error.message : ''}`);
  }
  return ok(null);
}

/** @param certificate of the authority behind the gateway's, where it is no public one. */
export function reachedBy(gateway: string, certificate: string | null): Result<{ url: string; ca?: string }, Failure<'usage'>> {
  if (certificate === null) return ok({ url: gateway });
  try {
    return ok({ url: gateway, ca: readFileSync(certificate, 'utf8') });
  } catch {
    return fail('usage', `${certificate} cannot be read`);
  }
}

export function readAs<T>(path: string, schema: z.ZodType<T>): Result<T, Failure<'usage'>> {
  try {
    const read = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return read.success ? ok(read.data) : fail('usage', `${path}: ${read.error.issues.map(({ path: at, message }) => `${at.join('.')} ${message}`).join('; ')}`);
  } catch {
    return fail('usage', `${path} cannot be read, or is no JSON`);
  }
}
