import { createHash, createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { saveStateFile } from './state-file.ts';

const hex = (bytes: number): z.ZodString => z.string().regex(new RegExp(`^([0-9a-f]{2}){${bytes}}$`));
const anyHex = z.string().regex(/^([0-9a-f]{2})*$/);
const localized = z.strictObject({ en: z.string(), 'zh-Hans': z.string() });

/** What a dock draws of the card; no command of the card ever reads it. */
export const faceSchema = z.strictObject({
  name: z.string().min(1),
  kind: z.enum(['resident', 'new', 'blank', 'staff', 'technician', 'registrar', 'officer', 'auditor', 'other']).default('resident'),
  /** One line of what is special about it: "blocked at the district", "wrong kind of card". */
  note: localized.optional(),
});

const pinSchema = z.strictObject({
  /** As VERIFY carries it: the digits' ASCII, or the KDF's hash where the card has one. */
  value: anyHex,
  triesLeft: z.int().min(0).max(15),
});

const keySchema = z.strictObject({
  algorithm: z.enum(['ed25519', 'x25519', 'rsa2048']),
  /** Ed25519 seed or X25519 scalar; null where no key was made. */
  secret: hex(32).nullable(),
  fingerprint: hex(20),
  /** Seconds since 1970, DO CE to D0. */
  createdAt: z.int().min(0),
  /** DO D6 to D8, byte 1: 00 no touch, 01 touch, 02 touch for ever. */
  touch: z.enum(['off', 'on', 'permanent']),
});

const kdfSchema = z.strictObject({
  /** The KDF-DO's content as GET DATA F9 gives it (OpenPGP 3.4 §4.3.2). */
  object: anyHex,
});

const styleSchema = z.strictObject({
  /** What a wrong PIN answers. Real cards do either. A blocked PIN asked by an empty VERIFY is 6983 in the first, 63C0 in the second. */
  wrongPin: z.enum(['6982', '63Cx']),
  /** Whether GET DATA gives C0 to C6 and CD also alone, or inside 6E and 73 only. */
  attributes: z.enum(['alone-too', 'only-inside']),
  /** Whether GET DATA gives 65, 6E, 73 and 7A with their own tag and length, or their content only. */
  constructed: z.enum(['whole', 'content']),
  /** What a touch that never came answers. */
  touchMissed: z.enum(['6600', '6985']),
  /** Whether PUT DATA C1 to C3 makes another kind of key of a slot, as a card from the factory has it, or takes only what is there. */
  attributesTaken: z.enum(['any', 'own']).default('own'),
  /** INTERNAL AUTHENTICATE over more is 6700, as on cards that sign nothing but a hash. */
  longestChallenge: z.int().min(1).default(2048),
});

const cardStateSchema = z.strictObject({
  format: z.literal('imi-virtual-card/1'),
  label: z.string().regex(/^[a-z0-9-]{1,40}$/),
  face: faceSchema,
  manufacturer: hex(2),
  serial: hex(4),
  pw1: pinSchema,
  pw3: pinSchema,
  /** Null: none set, and its tries count as 0. */
  resetCode: pinSchema.nullable(),
  /** DO C4 byte 1 = 00. */
  pinPerSignature: z.boolean(),
  keys: z.strictObject({ sig: keySchema, dec: keySchema, aut: keySchema }),
  caFingerprints: z.tuple([hex(20), hex(20), hex(20)]),
  /** DO 93: 24 bits. */
  signatureCount: z.int().min(0).max(0xffffff),
  holder: z.strictObject({ name: anyHex, language: anyHex, sex: anyHex, login: anyHex, url: anyHex }),
  /** DO 7F21 of AUT, DEC, SIG, in the order of their occurrences. */
  certificates: z.tuple([anyHex, anyHex, anyHex]),
  /** DOs 0101 to 0104; null on a card that has none, as most. */
  privateObjects: z.tuple([anyHex, anyHex, anyHex, anyHex]).nullable(),
  kdf: kdfSchema.nullable(),
  terminated: z.boolean(),
  style: styleSchema,
});

/** Everything a virtual card keeps when it has no power. */
export type CardState = z.infer<typeof cardStateSchema>;
export type CardFace = z.infer<typeof faceSchema>;
export type CardStyle = z.infer<typeof styleSchema>;
export type KeyRole = keyof CardState['keys'];
export type KeyState = z.infer<typeof keySchema>;
export type PinState = z.infer<typeof pinSchema>;

/** Raw public keys, 32 bytes each. */
export interface CardPublicKeys {
  sig: Uint8Array;
  aut: Uint8Array;
  dec: Uint8Array;
}

export const factoryPw1 = '123456';
export const factoryPw3 = '12345678';
export const maxTries = 3;

export interface NewCard {
  /** Names the card where people are not named: file names, logs, tests. [a-z0-9-] */
  label: string;
  /** 32 bytes: keys, serial number and salts follow from it and from nothing else. */
  seed: Uint8Array;
  face?: CardFace;
  /** PW1, default 123456. */
  pin?: string;
  /** PW3, default 12345678. */
  adminPin?: string;
  pinTriesLeft?: number;
  pinPerSignature?: boolean;
  signatureCount?: number;
  style?: Partial<CardStyle>;
  /** With a KDF-DO of 100 000 octets, salts from the seed: what VERIFY takes is then the hash. */
  kdf?: boolean;
  touch?: Partial<Record<KeyRole, boolean>>;
  privateObjects?: boolean;
  /** A card of another kind: RSA attributes only, and no key that could be used here. */
  rsaOnly?: boolean;
  /** As from the factory: no keys, RSA attributes that can be changed. */
  blank?: boolean;
  /** Of the keys; default 2026-01-01. */
  createdAt?: Date;
}

/** A card as it leaves the personalisation desk: the same for the same `NewCard`, byte for byte. */
export function newCardState(card: NewCard): CardState {
  if (card.seed.length !== 32) throw new RangeError('seed must have 32 bytes');
  const derive = (purpose: string, length: number): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', card.seed, new Uint8Array(0), `imi virtual card/${purpose}`, length));
  const createdAt = Math.floor((card.createdAt ?? new Date('2026-01-01T00:00:00Z')).getTime() / 1000);
  const pin = Buffer.from(card.pin ?? factoryPw1, 'ascii');
  const adminPin = Buffer.from(card.adminPin ?? factoryPw3, 'ascii');
  const kdf = card.kdf === true ? newKdf(derive('kdf salts', 24)) : null;

  const key = (role: KeyRole, algorithm: 'ed25519' | 'x25519'): KeyState => {
    const touch = card.touch?.[role] === true ? 'on' : 'off';
    if (card.rsaOnly === true || card.blank === true) return { algorithm: 'rsa2048', secret: null, fingerprint: zeros(20), createdAt: 0, touch };
    const secret = derive(`key ${role}`, 32);
    const fingerprint = openpgpFingerprint(algorithm, publicKeyOf(algorithm, secret), createdAt);
    return { algorithm, secret: toHex(secret), fingerprint: toHex(fingerprint), createdAt, touch };
  };

  return {
    format: 'imi-virtual-card/1',
    label: card.label,
    face: card.face ?? { name: card.label, kind: 'resident' },
    manufacturer: 'fffe',
    serial: toHex(derive('serial', 4)),
    pw1: { value: toHex(kdf === null ? pin : hashPin(kdf, 'pw1', pin)), triesLeft: card.pinTriesLeft ?? maxTries },
    pw3: { value: toHex(kdf === null ? adminPin : hashPin(kdf, 'pw3', adminPin)), triesLeft: maxTries },
    resetCode: null,
    pinPerSignature: card.pinPerSignature ?? true,
    keys: { sig: key('sig', 'ed25519'), dec: key('dec', 'x25519'), aut: key('aut', 'ed25519') },
    caFingerprints: [zeros(20), zeros(20), zeros(20)],
    signatureCount: card.signatureCount ?? 0,
    holder: { name: '', language: toHex(Buffer.from('zh')), sex: '39', login: '', url: '' },
    certificates: ['', '', ''],
    privateObjects: card.privateObjects === true ? ['', '', '', ''] : null,
    kdf: kdf === null ? null : { object: toHex(kdfObject(kdf)) },
    terminated: false,
    style: { wrongPin: '6982', attributes: 'alone-too', constructed: 'whole', touchMissed: '6600', attributesTaken: card.blank === true ? 'any' : 'own', longestChallenge: 2048, ...card.style },
  };
}

/** Throws where a key is missing: an RSA-only or terminated card has none to ask for. */
export function cardPublicKeys(state: CardState): CardPublicKeys {
  const of = (role: KeyRole): Uint8Array => {
    const { algorithm, secret } = state.keys[role];
    if (algorithm === 'rsa2048' || secret === null) throw new Error(`card ${state.label} has no ${role} key`);
    return publicKeyOf(algorithm, Buffer.from(secret, 'hex'));
  };
  return { sig: of('sig'), aut: of('aut'), dec: of('dec') };
}

export function loadCardState(path: string): CardState {
  return cardStateSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
}

export const saveCardState = (path: string, state: CardState): void => saveStateFile(path, state);

const pkcs8Head = { ed25519: '302e020100300506032b657004220420', x25519: '302e020100300506032b656e04220420' } as const;

/** Raw, 32 bytes. */
export function publicKeyOf(algorithm: 'ed25519' | 'x25519', secret: Uint8Array): Uint8Array {
  const der = Buffer.concat([Buffer.from(pkcs8Head[algorithm], 'hex'), secret]);
  const publicKey = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  return new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
}

/** Version 4 fingerprint (RFC 4880 §12.2, RFC 6637 §9), as the host that makes the keys would put it into C5. */
export function openpgpFingerprint(algorithm: 'ed25519' | 'x25519', publicKey: Uint8Array, createdAt: number): Uint8Array {
  const time = Buffer.alloc(4);
  time.writeUInt32BE(createdAt);
  const point = Buffer.concat([Buffer.from('010740', 'hex'), publicKey]);
  const material =
    algorithm === 'ed25519'
      ? [Buffer.from('16092b06010401da470f01', 'hex'), point]
      : [Buffer.from('120a2b060104019755010501', 'hex'), point, Buffer.from('03010807', 'hex')];
  const body = Buffer.concat([Buffer.from('04', 'hex'), time, ...material]);
  const head = Buffer.from([0x99, body.length >> 8, body.length & 0xff]);
  return createHash('sha1').update(head).update(body).digest();
}

/** Iterated and salted S2K with SHA-256 (RFC 4880 §3.7.1.3, OpenPGP card 3.4 §4.3.2). */
interface Kdf {
  /** Octets of salt ‖ PIN, repeated, that are hashed. */
  count: number;
  salts: { pw1: Uint8Array; resetCode: Uint8Array; pw3: Uint8Array };
}

const newKdf = (salts: Uint8Array): Kdf => ({
  count: 100_000,
  salts: { pw1: salts.subarray(0, 8), resetCode: salts.subarray(8, 16), pw3: salts.subarray(16, 24) },
});

function hashPin({ count, salts }: Kdf, which: 'pw1' | 'pw3', pin: Uint8Array): Uint8Array {
  const once = Buffer.concat([salts[which], pin]);
  const octets = Math.max(count, once.length);
  const hash = createHash('sha256');
  for (let done = 0; done < octets; done += once.length) hash.update(once.subarray(0, Math.min(once.length, octets - done)));
  return hash.digest();
}

/** Fields 87 and 88 are the hashes of the factory PINs, whatever the PINs are now. */
function kdfObject(kdf: Kdf): Uint8Array {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(kdf.count);
  const field = (tag: number, value: Uint8Array): Uint8Array => Buffer.concat([Uint8Array.of(tag, value.length), value]);
  return Buffer.concat([
    field(0x81, Uint8Array.of(0x03)),
    field(0x82, Uint8Array.of(0x08)),
    field(0x83, count),
    field(0x84, kdf.salts.pw1),
    field(0x85, kdf.salts.resetCode),
    field(0x86, kdf.salts.pw3),
    field(0x87, hashPin(kdf, 'pw1', Buffer.from(factoryPw1, 'ascii'))),
    field(0x88, hashPin(kdf, 'pw3', Buffer.from(factoryPw3, 'ascii'))),
  ]);
}

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const zeros = (length: number): string => '00'.repeat(length);
