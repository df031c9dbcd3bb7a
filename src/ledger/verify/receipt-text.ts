import { ok, type Result } from '../../contract/result.ts';
import { decodeActivityReceipt } from './activity-receipt.ts';
import { decodePendingReceipt } from './pending-receipt.ts';
import { decodeReceipt } from './receipt.ts';
import { joinSymbols, type SymbolsFault } from './receipt-symbols.ts';

const header = /IMI1:[1-9][0-9]?:[1-9][0-9]?:/;
const beforeHeader = new RegExp(`(?=${header.source})`);

/**
 * The receipt, recorded or pending, in a text that holds its codes: in any order, one below the other or without anything between them, in capitals or not, with words
 * before the first. A code may go over several lines, as mail programs break them, whether the space at the end of a line was kept or not.
 */
export function receiptFromText(text: string): Result<Uint8Array, SymbolsFault> {
  const codes = text.toUpperCase().split(beforeHeader).filter((piece) => header.test(piece));
  const asWritten = joinSymbols(codes.map((code) => code.replaceAll(/[\r\n\t]+/g, '').trim()));
  if (asWritten.ok && isReceipt(asWritten.value)) return asWritten;
  // Base45 has a space in it, and a line that was broken there lost it.
  const withSpaces = joinSymbols(codes.map((code) => code.trim().replaceAll(/[\r\n\t]+/g, ' ')));
  return withSpaces.ok && isReceipt(withSpaces.value) ? withSpaces : asWritten;
}

/** In its form: recorded, pending, or of a resident's whole list. */
const isReceipt = (bytes: Uint8Array): boolean =>
  decodeReceipt(bytes) !== undefined || decodePendingReceipt(bytes) !== undefined || decodeActivityReceipt(bytes) !== undefined;

/** A file is a receipt's own bytes, or a text with its codes. */
export function receiptFromFile(bytes: Uint8Array): Result<Uint8Array, SymbolsFault> {
  const text = textOf(bytes);
  return text !== undefined && header.test(text.toUpperCase()) ? receiptFromText(text) : ok(bytes);
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
