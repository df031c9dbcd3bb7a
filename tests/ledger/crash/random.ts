import { createHash } from 'node:crypto';

/** Numbers below `most`, the same for the same seed. */
export function randomFrom(seed: string): (most: number) => number {
  let drawn = 0;
  return (most) => createHash('sha256').update(`${seed} ${drawn++}`).digest().readUInt32BE() % most;
}
