import { randomBytes } from 'node:crypto';
import { combine, split } from 'shamir-secret-sharing';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { Id, Name, OpenedPart } from '../ledger/verify/acts.ts';
import { concatBytes, equalBytes, utf8 } from '../ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../ledger/verify/cbor.ts';
import { decodeOpenedPart, encodeOpenedPart } from '../ledger/verify/private-part.ts';
import type { Opener } from './hpke.ts';
import { openSealed, paddedLength, sealTo } from './sealing.ts';
import { gcmOpen, gcmSeal } from './symmetric.ts';

/** A member of the authority that holds a piece of the key: its party, and the raw sealing key that the ledger has for it. */
export interface CaseMember {
  party: Name;
  seal: Uint8Array;
}

/** The two payloads that go along with `case.open`. */
export interface SealedCase {
  keeper: Uint8Array;
  authority: Uint8Array;
}

/** As it lies with the keeper, who can open none of it: the body under a key of its own, and the pieces of that key, each sealed to its member. */
interface AuthorityBody {
  v: 1;
  threshold: number;
  nonce: Uint8Array;
  ciphertext: Uint8Array;
  shares: { party: Name; sealed: Uint8Array }[];
}

const nonceBytes = 12;
const keyBytes = 32;
const tagBytes = 16;
const mostMembers = 16;

/** A body says by its length no more than a sealed thing does (sealing.ts). */
function padded(content: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(paddedLength(4 + content.length));
  bytes.writeUInt32BE(content.length);
  bytes.set(content, 4);
  return bytes;
}

const associated = (id: Id): Uint8Array => concatBytes(utf8('imi/case/1'), id);

/**
 * The private part of a case, sealed to the keeper, who holds its reads against it, and to `threshold` of the members: fewer of them learn nothing
 * (Shamir's sharing over GF(256) of an AES-256-GCM key that is used once).
 *
 * @param members none of the auditor's office; at least `threshold`, and at most 16.
 */
export async function sealCase(opened: OpenedPart, id: Id, keeperSealKey: Uint8Array, members: readonly CaseMember[], threshold: number): Promise<SealedCase> {
  if (threshold < 1 || threshold > members.length || members.length > mostMembers) throw new RangeError('as many members as it takes');
  const key = new Uint8Array(randomBytes(keyBytes));
  const nonce = new Uint8Array(randomBytes(nonceBytes));
  const content = padded(encodeOpenedPart(opened));
  const ciphertext = gcmSeal(key, nonce, associated(id), content);
  content.fill(0);
  // The library shares among two and more, by at least two; one alone holds the key itself.
  const pieces = threshold === 1 ? members.map(() => key.slice()) : await split(key, members.length, threshold);
  key.fill(0);
  const body: AuthorityBody = {
    v: 1,
    threshold,
    nonce,
    ciphertext,
    shares: members.map(({ party, seal }, index) => ({ party, sealed: sealTo(seal, 'case-share', id, pieces[index] ?? new Uint8Array()) })),
  };
  for (const piece of pieces) piece.fill(0);
  return { keeper: sealTo(keeperSealKey, 'case', id, encodeOpenedPart(opened)), authority: encodeCbor({ ...body, shares: body.shares.map((share) => ({ ...share })) }) };
}

/** Who holds a piece, and how many of them it takes; undefined: not such a body. */
export function caseMembers(authority: Uint8Array): { threshold: number; members: Name[] } | undefined {
  const body = readBody(authority);
  return body === undefined ? undefined : { threshold: body.threshold, members: body.shares.map(({ party }) => party) };
}

/** A member's own piece, opened with the sealing key of its party. `case-not-ours`: it holds none. */
export async function openCaseShare(authority: Uint8Array, id: Id, party: Name, opener: Opener): Promise<Result<Uint8Array, Failure | Failure<'seal-broken' | 'case-not-ours'>>> {
  const sealed = readBody(authority)?.shares.find((share) => share.party === party)?.sealed;
  return sealed === undefined ? fail('case-not-ours') : openSealed(sealed, 'case-share', id, opener);
}

/** `case-too-few`: fewer pieces than it takes. `seal-broken`: a piece that is none, or of another case. The caller holds the part against the act on the ledger. */
export async function openCaseBody(authority: Uint8Array, id: Id, pieces: readonly Uint8Array[]): Promise<Result<OpenedPart, Failure<'seal-broken' | 'case-too-few'>>> {
  const body = readBody(authority);
  if (body === undefined) return fail('seal-broken', 'body');
  const different = pieces.filter((piece, index) => !pieces.slice(0, index).some((before) => equalBytes(before, piece)));
  if (different.length < body.threshold) return fail('case-too-few', `${different.length} of ${body.threshold}`);
  const key = body.threshold === 1 ? (different[0] ?? new Uint8Array()) : await combined(different.slice(0, body.threshold));
  if (key?.length !== keyBytes) return fail('seal-broken', 'share');
  const content = gcmOpen(key, body.nonce, associated(id), body.ciphertext);
  if (content === undefined || content.length < 4) return fail('seal-broken', 'tag');
  const length = new DataView(content.buffer, content.byteOffset).getUint32(0);
  const opened = 4 + length > content.length ? undefined : decodeOpenedPart(content.slice(4, 4 + length));
  return opened === undefined ? fail('seal-broken', 'part') : ok(opened);
}

/** undefined: pieces that do not belong together. */
async function combined(pieces: Uint8Array[]): Promise<Uint8Array | undefined> {
  try {
    return await combine(pieces);
  } catch {
    // The library throws for pieces of different lengths, and for two at one place.
    return undefined;
  }
}

function readBody(bytes: Uint8Array): AuthorityBody | undefined {
  const value: unknown = decodeCbor(bytes);
  if (typeof value !== 'object' || value === null) return undefined;
  const body = value as Partial<AuthorityBody>;
  const isWhole =
    body.v === 1 &&
    Number.isSafeInteger(body.threshold) &&
    (body.threshold ?? 0) >= 1 &&
    body.nonce instanceof Uint8Array &&
    body.nonce.length === nonceBytes &&
    body.ciphertext instanceof Uint8Array &&
    body.ciphertext.length > tagBytes + 4 &&
    Array.isArray(body.shares) &&
    body.shares.length <= mostMembers &&
    body.shares.every((share: unknown) => isShare(share));
  return isWhole ? (body as AuthorityBody) : undefined;
}

const isShare = (share: unknown): boolean => typeof share === 'object' && share !== null && 'party' in share && typeof share.party === 'string' && 'sealed' in share && share.sealed instanceof Uint8Array;
