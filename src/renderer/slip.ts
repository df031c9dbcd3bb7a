import { encode } from 'uqr';
import type { PackedSlip } from '../contract/bridge.ts';
import { stripsOf } from './slip-strips.ts';

/** What stands on a slip, from the top down. Never an identity number. `rule`: a line between two matters. */
export type SlipLine = { kind: 'heading' | 'text' | 'small' | 'reference'; text: string } | { kind: 'qr'; text: string } | { kind: 'rule' };

/** Dots; there are 8 a millimetre. */
const sizes = { heading: 44, reference: 48, text: 30, small: 24 } as const;
const margin = 8;
const gap = 20;
/** ISO/IEC 18004 §6.3.8. */
const quietModules = 4;
/** A code is no larger than a phone reads at arm's length. */
const largestCode = 520;

/** One thing drawn: how high it is, and how it gets onto the canvas. */
interface Piece {
  height: number;
  draw(context: CanvasRenderingContext2D, y: number): void;
}

/** What stands on a slip, measured and not yet drawn. */
interface Laid {
  canvas: HTMLCanvasElement;
  pieces: Piece[];
  heightDots: number;
}

/** Draws a slip in the fonts of the screen, black or white dot by dot, and packs it for the bridge, as one message. */
export async function drawSlip(lines: readonly SlipLine[], widthDots: number): Promise<PackedSlip> {
  const laid = await laidOut(lines, widthDots);
  return packedRows(laid, widthDots, 0, laid.heightDots);
}

/** As `drawSlip`, in as many strips as it takes. null: it is longer than a slip may be. */
export async function drawStrips(lines: readonly SlipLine[], widthDots: number): Promise<PackedSlip[] | null> {
  const laid = await laidOut(lines, widthDots);
  return stripsOf(laid.heightDots, (top, rows) => packedRows(laid, widthDots, top, rows));
}

async function laidOut(lines: readonly SlipLine[], widthDots: number): Promise<Laid> {
  const family = getComputedStyle(document.body).fontFamily;
  await Promise.all(lines.flatMap((line) => (line.kind === 'qr' || line.kind === 'rule' ? [] : [document.fonts.load(fontOf(line.kind, family), line.text)])));
  const canvas = document.createElement('canvas');
  const measuring = contextOf(canvas);
  const pieces = lines.flatMap((line): Piece[] => {
    if (line.kind === 'qr') return [codePiece(line.text, widthDots)];
    if (line.kind === 'rule') return [rulePiece(widthDots)];
    return textPieces(measuring, line.text, fontOf(line.kind, family), sizes[line.kind], widthDots);
  });
  return { canvas, pieces, heightDots: pieces.reduce((sum, { height }) => sum + height, 2 * gap) };
}

async function packedRows({ canvas, pieces }: Laid, widthDots: number, top: number, rows: number): Promise<PackedSlip> {
  canvas.width = widthDots;
  canvas.height = rows;
  const context = contextOf(canvas);
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, widthDots, rows);
  context.fillStyle = '#000000';
  let y = gap - top;
  for (const piece of pieces) {
    if (y + piece.height > 0 && y < rows) piece.draw(context, y);
    y += piece.height;
  }
  const dots = dotsOf(context.getImageData(0, 0, widthDots, rows).data);
  return { widthDots, heightDots: rows, dots: await packed(dots) };
}

const fontOf = (kind: keyof typeof sizes, family: string): string => `${kind === 'heading' || kind === 'reference' ? 600 : 400} ${sizes[kind]}px ${family}`;

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('no canvas');
  return context;
}

/** A text in lines no wider than the paper, broken where the language breaks them. */
function textPieces(context: CanvasRenderingContext2D, text: string, font: string, size: number, widthDots: number): Piece[] {
  context.font = font;
  const room = widthDots - 2 * margin;
  const rows: string[] = [];
  let row = '';
  for (const { segment } of new Intl.Segmenter(document.documentElement.lang, { granularity: 'word' }).segment(text)) {
    for (const part of context.measureText(segment).width > room ? Array.from(segment) : [segment]) {
      // A stop or a bracket that closes stays behind its word.
      const isHanging = /^[\p{Pe}\p{Po}\p{Pf}]$/u.test(part);
      if (row !== '' && !isHanging && context.measureText(row + part).width > room) {
        rows.push(row.trimEnd());
        row = '';
      }
      if (row !== '' || part.trim() !== '') row += part;
    }
  }
  if (row.trim() !== '') rows.push(row.trimEnd());
  const height = Math.ceil(size * 1.4);
  return rows.map((one, i) => ({
    height: i === rows.length - 1 ? height + gap / 2 : height,
    draw(onto, y) {
      onto.font = font;
      onto.textBaseline = 'middle';
      onto.fillText(one, margin, y + height / 2, room);
    },
  }));
}

function rulePiece(widthDots: number): Piece {
  return { height: 2 * gap, draw: (context, y) => context.fillRect(margin, y + gap, widthDots - 2 * margin, 2) };
}

function codePiece(text: string, widthDots: number): Piece {
  const { size, data } = encode(text, { ecc: 'L', border: 0 });
  const modules = size + 2 * quietModules;
  const module = Math.max(1, Math.floor(Math.min(widthDots, largestCode) / modules));
  const left = Math.floor((widthDots - module * size) / 2);
  return {
    height: module * modules + gap,
    draw(context, y) {
      data.forEach((row, r) => {
        row.forEach((isDark, c) => {
          if (isDark) context.fillRect(left + c * module, y + (r + quietModules) * module, module, module);
        });
      });
    },
  };
}

/** One bit a dot, the highest the leftmost, 1 where it is nearer black than white. */
function dotsOf(rgba: Uint8ClampedArray): Uint8Array<ArrayBuffer> {
  const dots = new Uint8Array(rgba.length / 32);
  for (let i = 0; i < dots.length * 8; i++) if ((rgba[4 * i + 1] ?? 255) < 128) dots[i >> 3] = (dots[i >> 3] ?? 0) | (0x80 >> (i & 7));
  return dots;
}

async function packed(dots: Uint8Array<ArrayBuffer>): Promise<string> {
  const deflated = await new Response(new Blob([dots]).stream().pipeThrough(new CompressionStream('deflate'))).arrayBuffer();
  return btoa(Array.from(new Uint8Array(deflated), (byte) => String.fromCharCode(byte)).join(''));
}
