import { z } from 'zod';
import type { Id } from '../ledger/verify/acts.ts';
import { decodeCbor, encodeCbor } from '../ledger/verify/cbor.ts';
import { sealTo } from './sealing.ts';

/** What an agency writes to a resident with a step of a request: plain text, in the resident's language. */
export interface Letter {
  title: string;
  /** Paragraphs are parted by an empty line. */
  text: string;
}

export const letterSchema = z.strictObject({ title: z.string().min(1).max(120), text: z.string().min(1).max(8000) });
const sealedSchema = letterSchema.extend({ v: z.literal(1) });

export const sealLetter = (spaceKey: Uint8Array, resident: Id, { title, text }: Letter): Uint8Array => sealTo(spaceKey, 'letter', resident, encodeCbor({ v: 1, title, text }));

export function decodeLetter(bytes: Uint8Array): Letter | null {
  const read = sealedSchema.safeParse(decodeCbor(bytes));
  return read.success ? { title: read.data.title, text: read.data.text } : null;
}
