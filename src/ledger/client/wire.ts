import { z } from 'zod';
import { doorFrameLimitBytes } from '../../contract/hub-door.ts';
import { concatBytes } from '../verify/bytes.ts';
import { decodeCbor, encodeCbor, type CborValue } from '../verify/cbor.ts';

/** Frames of contract/hub-door.ts, either direction: u32 BE length, then deterministic CBOR. */

export const requestSchema = z.strictObject({ id: z.int().min(0), method: z.string().max(60), params: z.unknown() });
export type Request = z.infer<typeof requestSchema>;

export const answerSchema = z.discriminatedUnion('ok', [
  z.strictObject({ id: z.int().min(0), ok: z.literal(true), result: z.unknown() }),
  z.strictObject({ id: z.int().min(0), ok: z.literal(false), code: z.string().max(60), detail: z.string().max(400).optional() }),
]);
export type Answer = z.infer<typeof answerSchema>;

/** undefined: larger than a frame may be. */
export function encodeFrame(message: Request | Answer): Uint8Array | undefined {
  const payload = encodeCbor(message);
  if (payload.length > doorFrameLimitBytes) return undefined;
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, payload.length);
  return concatBytes(length, payload);
}

/** Puts together what a stream delivers in pieces. After `undefined` the stream is beyond repair: close it. */
export class FrameReader {
  #pieces: Uint8Array[] = [];
  #held = 0;

  /** The frames that are complete with this piece. undefined: too large a frame, or not deterministic CBOR. */
  push(piece: Uint8Array): CborValue[] | undefined {
    this.#pieces.push(piece);
    this.#held += piece.length;
    const messages: CborValue[] = [];
    for (;;) {
      const wanted = this.#nextFrameBytes();
      if (wanted === undefined) return messages;
      if (wanted > 4 + doorFrameLimitBytes) return undefined;
      if (this.#held < wanted) return messages;
      const all = this.#join();
      // A copy: byte strings inside it outlive the stream's buffer.
      const message = decodeCbor(all.slice(4, wanted));
      this.#pieces = wanted < all.length ? [all.subarray(wanted)] : [];
      this.#held -= wanted;
      if (message === undefined) return undefined;
      messages.push(message);
    }
  }

  #nextFrameBytes(): number | undefined {
    if (this.#held < 4) return undefined;
    const [first] = this.#pieces;
    const start = first !== undefined && first.length >= 4 ? first : this.#join();
    return 4 + new DataView(start.buffer, start.byteOffset).getUint32(0);
  }

  #join(): Uint8Array {
    const all = concatBytes(...this.#pieces);
    this.#pieces = [all];
    return all;
  }
}
