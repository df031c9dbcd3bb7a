import type { Scan, Symbology } from '../../contract/device-host.ts';

/** HID POS usage tables, page 8C: report 02 carries scanned data. */
const SCANNED_DATA = 0x02;
const AIM_FLAG = 0x5d;
const AIM_AT = 2;
/** Data ends here, whether or not the model puts one byte more before it. */
const DATA_END = 61;
/** The maker's own number of the symbology, where there is no AIM identifier. */
const VENDOR_SYMBOLOGY = 61;
const MORE_FOLLOW = 63;
/** Honeywell's. */
const VENDOR_QR = 0x73;

/** A QR code of version 40 holds 7 089 digits; what is longer is no scan. */
const LONGEST_SCAN = 8_192;
/** Reports of one scan follow each other at once. */
const LONGEST_GAP_MS = 500;

/** The letter of an AIM identifier, ISO/IEC 15424. */
const symbologies: Readonly<Record<string, Symbology>> = {
  A: 'code-39',
  C: 'code-128',
  E: 'ean',
  F: 'codabar',
  G: 'code-93',
  I: 'interleaved-2-of-5',
  L: 'pdf417',
  Q: 'qr',
  d: 'data-matrix',
  z: 'aztec',
};

/** Puts scans together from reports of 64 bytes. Of a scan that breaks off nothing is told. */
export class ScanReports {
  #parts: Uint8Array[] = [];
  #symbology: Symbology = 'other';
  #lastMs = 0;

  /** The scan that this report completes, or null. */
  push(report: Uint8Array, nowMs: number): Scan | null {
    const isContinued = this.#parts.length > 0 && nowMs - this.#lastMs <= LONGEST_GAP_MS;
    if (!isContinued) this.#parts = [];
    const part = partOf(report);
    if (part === null) {
      this.#parts = [];
      return null;
    }
    if (this.#parts.length === 0) this.#symbology = part.symbology;
    this.#parts.push(part.data);
    this.#lastMs = nowMs;
    const length = this.#parts.reduce((sum, { length: bytes }) => sum + bytes, 0);
    if (part.moreFollow && length <= LONGEST_SCAN) return null;
    const bytes = Uint8Array.from(this.#parts.flatMap((data) => [...data]));
    this.#parts = [];
    const text = textOf(bytes);
    return part.moreFollow || text === '' ? null : { text, symbology: this.#symbology };
  }
}

function partOf(report: Uint8Array): { data: Uint8Array; symbology: Symbology; moreFollow: boolean } | null {
  if (report.length !== 64 || report[0] !== SCANNED_DATA) return null;
  const length = report[1] ?? 0;
  const isShifted = report[AIM_AT] !== AIM_FLAG && report[AIM_AT + 1] === AIM_FLAG;
  const aim = isShifted ? AIM_AT + 1 : AIM_AT;
  const start = aim + 3;
  if (length > DATA_END - start) return null;
  return { data: report.slice(start, start + length), symbology: symbologyOf(report, aim), moreFollow: report[MORE_FOLLOW] !== 0 };
}

function symbologyOf(report: Uint8Array, aim: number): Symbology {
  if (report[aim] !== AIM_FLAG) return report[VENDOR_SYMBOLOGY] === VENDOR_QR ? 'qr' : 'other';
  return symbologies[String.fromCharCode(report[aim + 1] ?? 0)] ?? 'other';
}

/** UTF-8, or GB 18030 where it is none, without the line end that a scanner may add. */
function textOf(bytes: Uint8Array): string {
  return decoded(bytes).replace(/[\r\n\t\0]+$/, '');
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return new TextDecoder('gb18030').decode(bytes);
  }
}
