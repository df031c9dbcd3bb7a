import { fail, ok, type Result } from '../contract/result.ts';
import type { SpaceObject } from '../contract/hub-door.ts';
import type { Hash, Id, OpenedPart } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import { decodeOpenedPart } from '../ledger/verify/private-part.ts';
import { hashOf } from './grant.ts';
import { aes256Gcm, hpkeOpen, hpkeSeal, softwareOpener, type HpkeMessage, type OpenFailure, type Opener } from './hpke.ts';
import { decodeLetter, type Letter } from './letter.ts';
import { openSealed, sealInfo, sealTo } from './sealing.ts';
import { newX25519Secret, x25519Public } from './x25519.ts';
import { decodeSelfClaims, type SelfClaims } from './self-claims.ts';

/** A data space's own key pair (X25519). The public half stands in `resident.register`. */
export interface SpaceKeys {
  publicKey: Uint8Array;
  secret: Uint8Array;
}

export function newSpaceKeys(): SpaceKeys {
  const secret = newX25519Secret();
  return { secret, publicKey: x25519Public(secret) };
}

/** Who a space's private half is wrapped to: the card's DEC key, or the recovery key on the printed slip. */
export type WrappedFor = 'space-key' | 'recovery';

/** HPKE base mode without padding: one decipher of the card opens it. */
export const wrapSpaceKey = (secret: Uint8Array, resident: Id, recipient: Uint8Array, wrappedFor: WrappedFor = 'space-key'): HpkeMessage =>
  hpkeSeal(recipient, sealInfo(wrappedFor), resident, secret, aes256Gcm);

/** A new key pair of a space, whose private half is in its two wrappings only. */
export interface MadeSpaceKey {
  publicKey: Uint8Array;
  /** To the card's DEC key, and to the slip's. */
  wrapped: HpkeMessage;
  recovery: HpkeMessage;
  /** For the slip, 32 bytes: whoever has it opens the space. */
  recoverySecret: Uint8Array;
}

/** Throws where `dec` is of small order. */
export function makeSpaceKey(resident: Id, dec: Uint8Array): MadeSpaceKey {
  const { secret, publicKey } = newSpaceKeys();
  try {
    const wrapped = wrapSpaceKey(secret, resident, dec);
    const recoverySecret = newX25519Secret();
    return { publicKey, wrapped, recovery: wrapSpaceKey(secret, resident, x25519Public(recoverySecret), 'recovery'), recoverySecret };
  } finally {
    secret.fill(0);
  }
}

/** A data space while it is open: opens what is sealed to it, until it is closed. */
export interface OpenSpace {
  readonly resident: Id;
  readonly publicKey: Uint8Array;
  readonly opener: Opener;
  /** Overwrites the private key; nothing opens from then on. */
  close(): void;
}

/**
 * @param expected the space's public key as the ledger has it; `space-unreadable` where the unwrapped key is not its private half.
 * @param card the DEC key, or the recovery key.
 */
export async function openSpace(wrapped: HpkeMessage, resident: Id, expected: Uint8Array, card: Opener, wrappedFor: WrappedFor = 'space-key'): Promise<Result<OpenSpace>> {
  const secret = await unwrapSpaceKey(wrapped, resident, expected, card, wrappedFor);
  return secret.ok ? ok(spaceOf(secret.value, resident)) : secret;
}

/** The private half itself, for whoever replaces the card; as `openSpace`. */
export async function unwrapSpaceKey(wrapped: HpkeMessage, resident: Id, expected: Uint8Array, opener: Opener, wrappedFor: WrappedFor): Promise<Result<Uint8Array>> {
  const secret = await hpkeOpen(wrapped, opener, sealInfo(wrappedFor), resident, aes256Gcm);
  if (!secret.ok) return asUnreadable(secret.failure);
  if (secret.value.length === 32 && equalBytes(x25519Public(secret.value), expected)) return secret;
  secret.value.fill(0);
  return fail('space-unreadable', 'key');
}

function spaceOf(secret: Uint8Array, resident: Id): OpenSpace {
  let open = true;
  const software = softwareOpener(secret);
  return {
    resident,
    publicKey: software.publicKey,
    opener: {
      publicKey: software.publicKey,
      async agree(point) {
        const shared = await software.agree(point);
        if (open) return shared;
        // Closed meanwhile, or before.
        if (shared.ok) shared.value.fill(0);
        return fail('space-unreadable', 'closed');
      },
    },
    close() {
      open = false;
      secret.fill(0);
    },
  };
}

const asUnreadable = (failure: OpenFailure): Result<never> =>
  failure.code === 'seal-broken' ? fail('space-unreadable', failure.detail) : { ok: false, failure };

/** Seals a credential (SD-JWT as issued) to a data space. */
export const sealCredential = (spaceKey: Uint8Array, resident: Id, sdJwt: string): Uint8Array => sealTo(spaceKey, 'credential', resident, Buffer.from(sdJwt, 'ascii'));

/** All that lies in a data space, in the clear. Anybody could have sealed it: credentials, typed facts and parts are still to be checked against who signed them. */
export interface SpaceContents {
  /** SD-JWTs as issued. */
  credentials: string[];
  self: SelfClaims;
  /** Of the sealed map of typed facts, as a signed request names it; null: there is none. */
  selfHash: Hash | null;
  parts: { transaction: Uint8Array; act: number; /** Unix seconds. */ at: number; opened: OpenedPart }[];
  /** What agencies wrote; `hash` is that of the sealed letter, as the part of the step beside it names it. */
  letters: { transaction: Uint8Array; act: number; /** Unix seconds. */ at: number; hash: Hash; letter: Letter }[];
  /** Names of what a replaced card has lost: it was sealed to a key that nobody handed on. */
  lost: string[];
  /** Names of what cannot be read although it is the keeper's to keep: an agency sealed it badly. */
  unreadable: string[];
}

/** Nobody but the resident can see whether these are what they should be; a bad one takes nothing else with it. */
const sealedByAgencies: ReadonlySet<Place['kind']> = new Set(['credential', 'letter']);

export async function openObjects(objects: readonly SpaceObject[], space: OpenSpace): Promise<Result<SpaceContents>> {
  const contents: SpaceContents = { credentials: [], self: {}, selfHash: null, parts: [], letters: [], lost: [], unreadable: [] };
  const formers = await openFormerKeys(objects, space);
  if (!formers.ok) return formers;
  // The oldest key's first: a map of typed facts that was signed since holds all that the one before it held.
  for (const { object, former, name } of inOrder(objects)) {
    if (name === formerKeyName && former !== null) continue;
    const place = placeOf(name);
    if (place === null) return fail('space-unreadable', 'object-name');
    const opener = former === null ? space.opener : formers.value.get(former);
    if (opener === undefined) {
      contents.lost.push(name);
      continue;
    }
    const opened = await openSealed(object.sealed, place.kind, space.resident, opener);
    if (!opened.ok && opened.failure.code === 'seal-broken' && sealedByAgencies.has(place.kind)) {
      contents.unreadable.push(object.name);
      continue;
    }
    if (!opened.ok) return asUnreadable(opened.failure);
    switch (place.kind) {
      case 'credential':
        contents.credentials.push(Buffer.from(opened.value).toString('ascii'));
        break;
      case 'self': {
        const self = decodeSelfClaims(opened.value);
        if (self === null) return fail('space-unreadable', 'self');
        contents.self = self;
        contents.selfHash = hashOf(object.sealed);
        break;
      }
      case 'part': {
        const part = decodeOpenedPart(opened.value);
        if (part === undefined) return fail('space-unreadable', 'part');
        contents.parts.push({ transaction: place.transaction, act: place.act, at: object.at, opened: part });
        break;
      }
      case 'letter': {
        const letter = decodeLetter(opened.value);
        if (letter === null) contents.unreadable.push(object.name);
        else contents.letters.push({ transaction: place.transaction, act: place.act, at: object.at, hash: hashOf(object.sealed), letter });
        break;
      }
    }
  }
  return ok(contents);
}

const formerKeyName = 'key';

/** `former`: the number of the replacement that it is from before; null: of this card's own time. */
interface Named {
  object: SpaceObject;
  former: number | null;
  name: string;
}

function inOrder(objects: readonly SpaceObject[]): Named[] {
  const named = objects.map((object): Named => {
    const [, number, name] = /^former\/([1-9][0-9]{0,2})\/(.+)$/.exec(object.name) ?? [];
    return number === undefined || name === undefined ? { object, former: null, name: object.name } : { object, former: Number(number), name };
  });
  return named.toSorted((a, b) => (a.former ?? Number.MAX_SAFE_INTEGER) - (b.former ?? Number.MAX_SAFE_INTEGER));
}

/** Private halves of the space's keys before each replacement, as far as they were handed on with a slip. */
async function openFormerKeys(objects: readonly SpaceObject[], space: OpenSpace): Promise<Result<Map<number, Opener>>> {
  const openers = new Map<number, Opener>();
  for (const { object, former, name } of inOrder(objects)) {
    if (former === null || name !== formerKeyName) continue;
    const secret = await openFormerKey(object.sealed, space.resident, space.opener);
    if (!secret.ok) return secret;
    openers.set(former, softwareOpener(secret.value));
  }
  return ok(openers);
}

export const formerKeyPlace = (number: number): string => `former/${number}/${formerKeyName}`;

/** Hands the private half of a space's key on to the key that comes after it. */
export const sealFormerKey = (spaceKey: Uint8Array, resident: Id, secret: Uint8Array): Uint8Array => sealTo(spaceKey, 'former-key', resident, secret);

/** `space-unreadable` where it was not sealed to this key. */
export async function openFormerKey(sealed: Uint8Array, resident: Id, opener: Opener): Promise<Result<Uint8Array>> {
  const secret = await openSealed(sealed, 'former-key', resident, opener);
  if (!secret.ok) return asUnreadable(secret.failure);
  return secret.value.length === 32 ? secret : fail('space-unreadable', 'former-key');
}

export type Place = { kind: 'credential'; vct: string; number: number } | { kind: 'self' } | { kind: 'part' | 'letter'; transaction: Uint8Array; act: number };

export function placeName(place: Place): string {
  switch (place.kind) {
    case 'credential':
      return `credential/${place.vct}/${place.number}`;
    case 'self':
      return 'self';
    case 'part':
    case 'letter':
      return `${place.kind}/${Buffer.from(place.transaction).toString('hex')}/${place.act}`;
  }
}

/** What stands there from before the card was replaced; null for any other name. */
export function formerPlace(name: string): Place | null {
  const former = /^former\/[1-9][0-9]{0,2}\/(.+)$/.exec(name);
  return former?.[1] === undefined ? null : placeOf(former[1]);
}

/** null for a name that is none of those of `spaceObjectSchema`. */
export function placeOf(name: string): Place | null {
  if (name === 'self') return { kind: 'self' };
  const credential = /^credential\/(.{1,200})\/([0-9]{1,10})$/.exec(name);
  if (credential?.[1] !== undefined) return { kind: 'credential', vct: credential[1], number: Number(credential[2]) };
  const ofAct = /^(part|letter)\/([0-9a-f]{64})\/([0-9]|1[0-5])$/.exec(name);
  if (ofAct?.[2] !== undefined) return { kind: ofAct[1] === 'part' ? 'part' : 'letter', transaction: new Uint8Array(Buffer.from(ofAct[2], 'hex')), act: Number(ofAct[3]) };
  return null;
}
