import { inflateSync } from 'node:zlib';
import type { PackedSlip, PrintOffer } from '../contract/bridge.ts';
import type { PrinterStatus, Slip } from '../contract/device-host.ts';
import { fail, ok } from '../contract/result.ts';
import type { Failure, Result } from '../contract/result.ts';
import { concatBytes } from '../ledger/verify/bytes.ts';

/** What became of a slip; null: it was not printed yet. */
export type Printing = { state: 'printing' } | { state: 'printed' } | { state: 'failed'; failure: Failure };

/** It can print, and this slip is not on paper or on its way there. */
export const mayPrint = (printing: Printing | null, { state }: PrinterStatus): boolean =>
  (state === 'ready' || state === 'paper-low') && (printing === null || printing.state === 'failed');

export function printOffer(printing: Printing | null, printer: PrinterStatus, widthDots: number): PrintOffer {
  if (printing?.state === 'printing' || printing?.state === 'printed') return { state: printing.state, widthDots, code: null };
  if (printer.state === 'unusable') return { state: 'unusable', widthDots, code: printer.failure.code };
  return { state: mayPrint(printing, printer) ? 'ready' : 'unusable', widthDots, code: printing === null ? null : printing.failure.code };
}

/** A slip as the screen drew it, unpacked; `message-invalid` where its dots are not as many as it says. */
export function unpackSlip({ widthDots, heightDots, dots }: PackedSlip): Result<Slip> {
  const expected = (widthDots / 8) * heightDots;
  try {
    const unpacked = inflateSync(Buffer.from(dots, 'base64'), { maxOutputLength: expected });
    return unpacked.length === expected ? ok({ widthDots, heightDots, dots: new Uint8Array(unpacked) }) : fail('message-invalid', 'slip');
  } catch {
    return fail('message-invalid', 'slip');
  }
}

/** The strips of one slip, from the top down; `message-invalid` where one of them is none, or of another width. */
export function joinStrips(strips: readonly PackedSlip[]): Result<Slip> {
  const unpacked: Slip[] = [];
  for (const strip of strips) {
    const slip = unpackSlip(strip);
    if (!slip.ok) return slip;
    unpacked.push(slip.value);
  }
  const widthDots = unpacked[0]?.widthDots ?? 0;
  if (unpacked.some((slip) => slip.widthDots !== widthDots)) return fail('message-invalid', 'strips');
  return ok({ widthDots, heightDots: unpacked.reduce((sum, { heightDots }) => sum + heightDots, 0), dots: concatBytes(...unpacked.map(({ dots }) => dots)) });
}
