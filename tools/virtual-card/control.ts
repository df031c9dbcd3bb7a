import { z } from 'zod';

export const slotSchema = z.enum(['resident', 'staff']);
export type Slot = z.infer<typeof slotSchema>;

/** A command by its INS and, where it matters, P1 and P2: `{ ins: 0x2a, p1: 0x9e, p2: 0x9a }` is PSO:CDS. */
const commandPatternSchema = z.strictObject({
  ins: z.int().min(0).max(0xff),
  p1: z.int().min(0).max(0xff).optional(),
  p2: z.int().min(0).max(0xff).optional(),
});
export type CommandPattern = z.infer<typeof commandPatternSchema>;

const occurrence = { at: commandPatternSchema.optional(), nth: z.int().min(1).default(1) };

/**
 * What a card can be made to do wrong. `at` waits for a command like this, `nth` for the nth of them counted from now on (each
 * command where there is no `at`).
 * - `mute`: no answer to reset, as a card inserted backwards. Holds for every insertion until another fault is set.
 * - `slow`: every answer comes `delayMs` later.
 * - `hang`: the command and all after it are never answered.
 * - `vanish`: the card is out before it did anything.
 * - `vanish-after`: the card does what it was told, and is out before it can answer.
 * - `cut-short`: an answer of one byte, the card stays. (An answer of no byte is what PC/SC hands on when a card vanishes; vpcd carries no empty one.)
 */
export const faultSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('mute') }),
  z.strictObject({ kind: z.literal('slow'), delayMs: z.int().min(0).max(600_000) }),
  z.strictObject({ kind: z.literal('hang'), ...occurrence }),
  z.strictObject({ kind: z.literal('vanish'), ...occurrence }),
  z.strictObject({ kind: z.literal('vanish-after'), ...occurrence }),
  z.strictObject({ kind: z.literal('cut-short'), ...occurrence }),
]);
export type CardFault = z.input<typeof faultSchema>;

/** One JSON line to the program's standard input; answered by one with the same id. */
export const controlRequestSchema = z.discriminatedUnion('do', [
  z.strictObject({ id: z.int(), do: z.literal('insert'), slot: slotSchema, card: z.string().min(1) }),
  z.strictObject({ id: z.int(), do: z.literal('pull'), slot: slotSchema }),
  z.strictObject({ id: z.int(), do: z.literal('fault'), slot: slotSchema, fault: faultSchema.nullable() }),
  z.strictObject({ id: z.int(), do: z.literal('touch'), slot: slotSchema }),
  z.strictObject({ id: z.int(), do: z.literal('status') }),
]);
export type ControlRequest = z.infer<typeof controlRequestSchema>;

const slotStatusSchema = z.strictObject({
  /** Path of the card's file, null while the slot is empty. */
  card: z.string().nullable(),
  label: z.string().nullable(),
  /** The reader gave the card power and it has not been reset since. */
  powered: z.boolean(),
  /** Commands answered or swallowed since insertion. */
  commands: z.int(),
  touchWanted: z.boolean(),
  fault: faultSchema.nullable(),
});
export type SlotStatus = z.infer<typeof slotStatusSchema>;
export const statusSchema = z.strictObject({ resident: slotStatusSchema, staff: slotStatusSchema });
export type CardStatus = z.infer<typeof statusSchema>;

/** What the program tells by itself. A command's data is never told: it may hold a PIN. */
export const cardEventSchema = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('command'), slot: slotSchema, ins: z.int(), p1: z.int(), p2: z.int() }),
  z.strictObject({ event: z.literal('inserted'), slot: slotSchema, card: z.string(), label: z.string() }),
  /** By whom: pulled by hand or by a fault, or lost because the reader is gone. */
  z.strictObject({ event: z.literal('removed'), slot: slotSchema, because: z.enum(['pulled', 'vanished', 'reader-gone']) }),
  z.strictObject({ event: z.literal('touch-wanted'), slot: slotSchema }),
  /** A finger came, or none in time, or the card has lost its power. */
  z.strictObject({ event: z.literal('touch-over'), slot: slotSchema }),
]);
export type CardEvent = z.infer<typeof cardEventSchema>;

export const controlMessageSchema = z.union([
  z.strictObject({ id: z.int(), ok: z.literal(true), status: statusSchema }),
  z.strictObject({ id: z.int(), ok: z.literal(false), error: z.string() }),
  cardEventSchema,
]);
export type ControlMessage = z.infer<typeof controlMessageSchema>;
