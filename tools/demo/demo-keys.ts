import { hkdfSync } from 'node:crypto';

/**
 * Every key of the demonstration follows from this sentence: whoever reads it has them all. They stand for nothing but the demonstration,
 * and a hub whose trust root is `imi-demo`'s is no hub that anybody may rely on.
 */
const publicSeed = 'imi demo — not secret';

/** 32 bytes for one name: an Ed25519 seed, an X25519 scalar, the seed of a card. */
export const demoSecret = (name: string): Uint8Array => new Uint8Array(hkdfSync('sha256', publicSeed, new Uint8Array(0), name, 32));

/** 16 bytes for one name. */
export const demoId = (name: string): Uint8Array => demoSecret(`id/${name}`).slice(0, 16);
