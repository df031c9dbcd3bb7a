import { deflateSync } from 'node:zlib';
import type { Slip } from '../../contract/device-host.ts';

/** Sheets that a slip is put on; millimetres. */
export const sheets = { a4: { widthMm: 210, heightMm: 297 }, a5: { widthMm: 148, heightMm: 210 }, letter: { widthMm: 216, heightMm: 279 } } as const;
export type Sheet = keyof typeof sheets;

/** A slip's dots on paper, in whichever way: 8 a millimetre. */
const dotsPerMm = 8;
/** No office printer prints up to the edge. */
const marginMm = 12;
const gapMm = 8;
const pointsPerMm = 72 / 25.4;

/** Part of a slip, and where on which page: millimetres from the top left corner. */
interface Placed {
  page: number;
  leftMm: number;
  topMm: number;
  from: number;
  rows: number;
}

/**
 * A slip as a PDF (ISO 32000-1): its dots at their size, as pictures, and nothing else. What is longer than the sheet goes on in the next column, and on the next page; it is parted
 * where there is white paper all across, so that neither a line nor a code is cut.
 */
export function slipPdf(slip: Slip, sheet: Sheet): Uint8Array {
  const { widthMm, heightMm } = sheets[sheet];
  const placed = placeSlip(slip, sheet);
  const pages = Math.max(...placed.map(({ page }) => page)) + 1;
  const pageObject = (page: number): number => 3 + page;
  const contentObject = (page: number): number => 3 + pages + page;
  const imageObject = (piece: number): number => 3 + 2 * pages + piece;
  const rowBytes = slip.widthDots / 8;
  const list = Array.from({ length: pages }, (_, page) => `${pageObject(page)} 0 R`);
  const objects: Uint8Array[] = [
    ascii('<</Type/Catalog/Pages 2 0 R>>'),
    ascii(`<</Type/Pages/Kids[${list.join(' ')}]/Count ${pages}>>`),
    ...list.map((_, page) => {
      const images = placed.flatMap((piece, at) => (piece.page === page ? [`/P${at} ${imageObject(at)} 0 R`] : []));
      return ascii(`<</Type/Page/Parent 2 0 R/MediaBox[0 0 ${points(widthMm)} ${points(heightMm)}]/Resources<</XObject<<${images.join('')}>>>>/Contents ${contentObject(page)} 0 R>>`);
    }),
    ...list.map((_, page) => {
      const draws = placed.flatMap((piece, at) => {
        if (piece.page !== page) return [];
        const [width, height] = [slip.widthDots / dotsPerMm, piece.rows / dotsPerMm];
        return [`q ${points(width)} 0 0 ${points(height)} ${points(piece.leftMm)} ${points(heightMm - piece.topMm - height)} cm/P${at} Do Q`];
      });
      return stream('', ascii(draws.join('\n')));
    }),
    ...placed.map(({ from, rows }) =>
      // 1 is black on paper, and white to PDF.
      stream(`/Type/XObject/Subtype/Image/Width ${slip.widthDots}/Height ${rows}/ColorSpace/DeviceGray/BitsPerComponent 1/Decode[1 0]/Filter/FlateDecode`, deflateSync(slip.dots.subarray(from * rowBytes, (from + rows) * rowBytes))),
    ),
  ];
  return fileOf(objects);
}

/** Worked: a slip of 72 mm by 400 mm on A4 has room for 273 mm in a column, and for two columns. */
export function placeSlip(slip: Slip, sheet: Sheet): Placed[] {
  const { widthMm, heightMm } = sheets[sheet];
  const slipMm = slip.widthDots / dotsPerMm;
  const columns = Math.max(1, Math.floor((widthMm - 2 * marginMm + gapMm) / (slipMm + gapMm)));
  const room = Math.floor((heightMm - 2 * marginMm) * dotsPerMm);
  const placed: Placed[] = [];
  for (let from = 0; from < slip.heightDots; ) {
    const rows = slip.heightDots - from <= room ? slip.heightDots - from : partedAt(slip, from, room);
    const column = placed.length % columns;
    placed.push({ page: Math.floor(placed.length / columns), leftMm: marginMm + column * (slipMm + gapMm), topMm: marginMm, from, rows });
    from += rows;
  }
  return placed;
}

/** As many rows as have room and end in the last white paper of 2 mm before it; all that have room where there is none. */
function partedAt({ dots, widthDots }: Slip, from: number, room: number): number {
  const rowBytes = widthDots / 8;
  let white = 0;
  for (let rows = room; rows > 0; rows -= 1) {
    const start = (from + rows - 1) * rowBytes;
    white = dots.subarray(start, start + rowBytes).every((byte) => byte === 0) ? white + 1 : 0;
    if (white >= 2 * dotsPerMm) return rows + white - 1;
  }
  return room;
}

const encoder = new TextEncoder();
const ascii = (text: string): Uint8Array => encoder.encode(text);
const points = (mm: number): string => (mm * pointsPerMm).toFixed(3);
const joined = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

const stream = (dictionary: string, bytes: Uint8Array): Uint8Array => joined([ascii(`<<${dictionary}/Length ${bytes.length}>>stream\n`), bytes, ascii('\nendstream')]);

function fileOf(objects: readonly Uint8Array[]): Uint8Array {
  const parts = [ascii('%PDF-1.4\n')];
  const offsets: number[] = [];
  let length = parts[0]?.length ?? 0;
  const push = (bytes: Uint8Array): void => {
    parts.push(bytes);
    length += bytes.length;
  };
  objects.forEach((object, at) => {
    offsets.push(length);
    push(joined([ascii(`${at + 1} 0 obj\n`), object, ascii('\nendobj\n')]));
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const start = length;
  push(ascii(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer\n<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${start}\n%%EOF\n`));
  return joined(parts);
}
