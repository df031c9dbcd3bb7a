import { hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type CardFace, faceSchema, publicKeyOf } from './card-state.ts';
import { saveStateFile } from './state-file.ts';

const bytesAsHex = z.string().regex(/^([0-9a-f]{2})*$/);

const pivStateSchema = z.strictObject({
  format: z.literal('imi-virtual-piv/1'),
  label: z.string().regex(/^[a-z0-9-]{1,40}$/),
  face: faceSchema.optional(),
  pin: z.strictObject({ digits: z.string().regex(/^\d{6,8}$/), triesLeft: z.int().min(0).max(15) }),
  /** Ed25519 seeds of 9C and 9A; null where no key was made. */
  keys: z.strictObject({ sig: bytesAsHex.nullable(), aut: bytesAsHex.nullable() }),
  /** X.509, DER, of each; empty where there is none. */
  certificates: z.strictObject({ sig: bytesAsHex, aut: bytesAsHex }),
  style: z.strictObject({
    /** The number that its maker gave Ed25519, which the standard has none for. */
    ed25519: z.union([z.literal(0xe0), z.literal(0xe2), z.literal(0x22)]),
    /** Whether GET METADATA and GET VERSION are there, which are YubiKey's and those' that follow it. */
    tellsMetadata: z.boolean(),
    /** Of what is to be signed: all of it, or only its first 32 bytes, as one maker's cards do. */
    signs: z.enum(['all', 'first-32-bytes']),
    touch: z.boolean(),
  }),
});

/** Everything a virtual PIV card keeps when it has no power. */
export type PivState = z.infer<typeof pivStateSchema>;
export type PivSlot = keyof PivState['keys'];

export const pivTries = 3;

export interface NewPiv {
  label: string;
  face?: CardFace;
  /** 32 bytes: the keys follow from it and from nothing else. */
  seed: Uint8Array;
  pin?: string;
  triesLeft?: number;
  style?: Partial<PivState['style']>;
  certificates?: PivState['certificates'];
  /** As from the factory. */
  blank?: boolean;
}

export function newPivState({ label, face, seed, pin = '123456', triesLeft = pivTries, style = {}, certificates = { sig: '', aut: '' }, blank = false }: NewPiv): PivState {
  const key = (slot: PivSlot): string | null => (blank ? null : Buffer.from(hkdfSync('sha256', seed, new Uint8Array(0), `imi virtual piv/${slot}`, 32)).toString('hex'));
  return {
    format: 'imi-virtual-piv/1',
    label,
    ...(face === undefined ? {} : { face }),
    pin: { digits: pin, triesLeft },
    keys: { sig: key('sig'), aut: key('aut') },
    certificates,
    style: { ed25519: 0xe0, tellsMetadata: true, signs: 'all', touch: false, ...style },
  };
}

/** Raw, 32 bytes each. Throws where a key is missing. */
export function pivPublicKeys({ label, keys }: PivState): Record<PivSlot, Uint8Array> {
  const of = (secret: string | null): Uint8Array => {
    if (secret === null) throw new Error(`card ${label} has no keys`);
    return publicKeyOf('ed25519', Buffer.from(secret, 'hex'));
  };
  return { sig: of(keys.sig), aut: of(keys.aut) };
}

export const loadPivState = (path: string): PivState => pivStateSchema.parse(JSON.parse(readFileSync(path, 'utf8')));

export const savePivState = (path: string, state: PivState): void => saveStateFile(path, state);

/** Whether this is such a card's file. */
export const isPivFile = (path: string): boolean => pivStateSchema.pick({ format: true }).loose().safeParse(JSON.parse(readFileSync(path, 'utf8'))).success;
