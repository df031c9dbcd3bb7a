import type { Slip } from '../../contract/device-host.ts';
import { fail, ok } from '../../contract/result.ts';
import type { Result } from '../../contract/result.ts';

/** DLE EOT n: asked in real time, whatever waits to be printed. Printer, cause of being off line, cause of an error, paper. */
export const statusKinds = [1, 2, 3, 4] as const;
export type StatusKind = (typeof statusKinds)[number];

export const askStatus = (kind: StatusKind): Uint8Array => Uint8Array.of(0x10, 0x04, kind);
/** DLE ENQ 2: forgets what is left to print, and goes on after an error. */
export const forgetRest = (): Uint8Array => Uint8Array.of(0x10, 0x05, 0x02);
/** GS r 1: answered in its turn, so only once all before it has been printed. */
export const askWhenPrinted = (): Uint8Array => Uint8Array.of(0x1d, 0x72, 0x01);
/** ESC @ */
export const reset = (): Uint8Array => Uint8Array.of(0x1b, 0x40);
/** Feeds the last line past the knife and cuts: GS V 66 0. */
export const cut = (): Uint8Array => Uint8Array.of(0x1d, 0x56, 0x42, 0x00);

/** Rows of one GS v 0: little enough for any printer's memory, and time to look at its state in between. */
const BAND_ROWS = 128;

/** The slip as raster images, GS v 0, from the top down. */
export function bandsOf({ widthDots, heightDots, dots }: Slip): Uint8Array[] {
  const rowBytes = widthDots / 8;
  const bands: Uint8Array[] = [];
  for (let row = 0; row < heightDots; row += BAND_ROWS) {
    const rows = Math.min(BAND_ROWS, heightDots - row);
    bands.push(Uint8Array.of(0x1d, 0x76, 0x30, 0, rowBytes & 0xff, rowBytes >> 8, rows & 0xff, rows >> 8, ...dots.subarray(row * rowBytes, (row + rows) * rowBytes)));
  }
  return bands;
}

/** What one byte of an answer is: bits 1 and 4 of DLE EOT's are always set, bit 4 of GS r's never. Null for anything else, as automatic status. */
export function answerOf(byte: number): { status: number } | { printed: true } | null {
  if ((byte & 0x93) === 0x12) return { status: byte };
  return (byte & 0x90) === 0 ? { printed: true } : null;
}

const OFFLINE = 0x08;
const COVER_OPEN = 0x04;
const CUTTER_ERROR = 0x08;
const MECHANICAL_ERROR = 0x04;
const UNRECOVERABLE = 0x20;
const PAPER_NEAR_END = 0x0c;
const PAPER_END = 0x60;

/** What the four bytes of `statusKinds`, in this order, come to. An open cover also looks like no paper, so it is looked at first. */
export function printerState([printer, offline, error, paper]: readonly [number, number, number, number]): Result<'ready' | 'paper-low'> {
  if ((offline & COVER_OPEN) !== 0) return fail('printer-cover-open');
  if ((paper & PAPER_END) !== 0) return fail('printer-paper-out');
  if ((error & (CUTTER_ERROR | MECHANICAL_ERROR)) !== 0) return fail('printer-jammed', error.toString(16));
  if ((error & UNRECOVERABLE) !== 0) return fail('device-fault', `error ${error.toString(16)}`);
  if ((printer & OFFLINE) !== 0) return fail('device-fault', `off line ${offline.toString(16)}`);
  return ok((paper & PAPER_NEAR_END) !== 0 ? 'paper-low' : 'ready');
}
