import { z } from 'zod';

/** `<name>+<key id>+<base64>`: C2SP's form of a key for signed notes; a name has no space and no plus. */
export const noteKeySchema = z.string().regex(/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$/);

/** Read by `imi witness` only. Paths are relative to the witness's data folder. */
export const witnessFileSchema = z.strictObject({
  $schema: z.string().optional(),
  /** Stands in front of its cosignatures, and never changes: a name that looks like an address without its scheme. */
  name: z.string().regex(/^[^\s+]+$/),
  key: z.string().default('witness.key.json'),
  path: z.string().default('witness.sqlite'),
  listen: z.strictObject({ host: z.string().default('127.0.0.1'), port: z.int().min(0).max(65_535).default(8480) }).prefault({}),
  /** The logs that it watches. */
  logs: z
    .array(
      z.strictObject({
        origin: z.string().min(1),
        keys: z.array(noteKeySchema).min(1),
        /** How many of the keys have to have signed a checkpoint. */
        threshold: z.int().min(1).default(1),
      }),
    )
    .refine((logs) => new Set(logs.map(({ origin }) => origin)).size === logs.length, 'an origin twice')
    .refine((logs) => logs.every(({ keys, threshold }) => new Set(keys).size === keys.length && threshold <= keys.length), 'a key twice, or fewer keys than have to sign'),
});
export type WitnessFile = z.infer<typeof witnessFileSchema>;
