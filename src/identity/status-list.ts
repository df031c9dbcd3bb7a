import { deflateSync, inflateSync } from 'node:zlib';
import { z } from 'zod';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { Name, PublicKey } from '../ledger/verify/acts.ts';
import { fromBase64url } from '../ledger/verify/bytes.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import type { SignBytes } from './credential.ts';
import { isSignedBy, parseJws, signJws } from './jws.ts';

/** Bits of each entry: 1 tells valid from revoked; 2 leave room for `suspended` of other issuers' lists. */
export type StatusBits = 1 | 2;

/** Values of an entry (Token Status List §7.1). */
export const statusValid = 0;
export const statusInvalid = 1;

/** Two megabytes of bits: sixteen million credentials of one issuer. */
const mostBytes = 2 * 1024 * 1024;

/** A Token Status List (draft-ietf-oauth-status-list §4): entries by index, the lowest index in a byte's least significant bits. */
export class StatusList {
  readonly bits: StatusBits;
  readonly bytes: Uint8Array;

  constructor(bits: StatusBits, bytes: Uint8Array) {
    this.bits = bits;
    this.bytes = bytes;
  }

  /** Of so many entries, in steps of 65 536 credentials: a list's length does not tell how many were issued today. */
  static withRoomFor(entries: number): StatusList {
    const step = 65_536;
    return new StatusList(1, new Uint8Array((Math.max(1, Math.ceil(entries / step)) * step) / 8));
  }

  get length(): number {
    return (this.bytes.length * 8) / this.bits;
  }

  /** undefined: the list is shorter. */
  at(index: number): number | undefined {
    const byte = this.bytes[Math.floor((index * this.bits) / 8)];
    return byte === undefined ? undefined : (byte >> ((index * this.bits) % 8)) & (2 ** this.bits - 1);
  }

  set(index: number, value: number): void {
    if (index >= this.length || value >= 2 ** this.bits) throw new RangeError(`no entry ${index} of ${value}`);
    const at = Math.floor((index * this.bits) / 8);
    const shift = (index * this.bits) % 8;
    this.bytes[at] = ((this.bytes[at] ?? 0) & ~((2 ** this.bits - 1) << shift)) | (value << shift);
  }
}

/** As a credential names it. Whoever runs a hub hands the list out under it; outside it is at the gateway, `/v1/status-lists/<issuer>`. */
export const statusUri = (issuer: Name): string => `urn:imi:status:${issuer}`;

/** How long whoever has no ledger may rely on it without looking again, in seconds. */
const timeToLiveSeconds = 3600;

/** A Status List Token (§5.1). @param at Unix seconds, later than that of the list before. */
export function signStatusList(list: StatusList, issuer: Name, at: number, sign: SignBytes): string {
  const lst = deflateSync(list.bytes, { level: 9 }).toString('base64url');
  return signJws({ typ: 'statuslist+jwt', alg: 'EdDSA' }, { sub: statusUri(issuer), iat: at, ttl: timeToLiveSeconds, status_list: { bits: list.bits, lst } }, sign);
}

export interface ReadStatusList {
  list: StatusList;
  /** Unix seconds. */
  at: number;
}

const headerSchema = z.looseObject({ typ: z.literal('statuslist+jwt') });
const payloadSchema = z.looseObject({
  sub: z.string().max(500),
  iat: z.int().min(0),
  exp: z.int().min(0).optional(),
  status_list: z.looseObject({ bits: z.union([z.literal(1), z.literal(2)]), lst: z.string() }),
});

/**
 * `status-list-invalid`: not this issuer's, of another list, run out, or no list of the draft. Whether it is the newest says the ledger (`status.publish`).
 *
 * @param now Unix seconds.
 */
export function readStatusList(token: string, of: { uri: string; keys: readonly PublicKey[] }, verify: Crypto['verify'], now: number): Result<ReadStatusList, Failure<'status-list-invalid'>> {
  const invalid = (detail: string): Result<never, Failure<'status-list-invalid'>> => fail('status-list-invalid', detail);
  const jws = parseJws(token);
  if (jws === null) return invalid('form');
  if (!of.keys.some((key) => isSignedBy(jws, key, verify))) return invalid('signature');
  const payload = payloadSchema.safeParse(jws.payload);
  if (!payload.success || !headerSchema.safeParse(jws.header).success) return invalid('payload');
  const { sub, iat, exp, status_list: status } = payload.data;
  if (sub !== of.uri) return invalid('another list');
  if (exp !== undefined && exp <= now) return invalid('expired');
  const packed = fromBase64url(status.lst);
  const bytes = packed === undefined ? null : unpacked(packed);
  return bytes === null ? invalid('zlib') : ok({ list: new StatusList(status.bits, bytes), at: iat });
}

/** null: broken, or more than any issuer has. */
function unpacked(packed: Uint8Array): Uint8Array | null {
  try {
    return new Uint8Array(inflateSync(packed, { maxOutputLength: mostBytes }));
  } catch {
    return null;
  }
}
