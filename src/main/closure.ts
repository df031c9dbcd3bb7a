import { z } from 'zod';
import { closedReasons, type Closure } from '../contract/closure.ts';

/** A closure as it is kept in a file. Its words are in the contract, without the schema: the screen's policy refuses the code that a schema makes. */
export const closureSchema = z.strictObject({
  reason: z.enum(closedReasons),
  back: z.union([z.iso.datetime(), z.iso.date()]).nullable(),
}) satisfies z.ZodType<Closure>;
