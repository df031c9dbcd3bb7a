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
  /** Of what has come and was not given out: its first `#held` bytes. Grows by doubling, so that the smallest pieces cost no more than large ones. */
  #buffer = new Uint8Array(0);
  #held = 0;

  /** The frames that are complete with this piece. undefined: too large a frame, or not deterministic CBOR. */
  push(piece: Uint8Array): CborValue[] | undefined {
    this.#append(piece);
    const messages: CborValue[] = [];
    let at = 0;
    while (this.#held - at >= 4) {
      const end = at + 4 + new DataView(this.#buffer.buffer).getUint32(at);
      if (end - at > 4 + doorFrameLimitBytes) return undefined;
      if (end > this.#held) break;
      const message = decodeCbor(this.#buffer.subarray(at + 4, end));
      if (message === undefined) return undefined;
      messages.push(message);
      at = end;
    }
    this.#drop(at);
    return messages;
  }

  #append(piece: Uint8Array): void {
    const needed = this.#held + piece.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, this.#held));
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#held);
    this.#held = needed;
  }

  #drop(bytes: number): void {
    this.#held -= bytes;
    if (this.#held === 0) this.#buffer = new Uint8Array(0);
    else if (bytes > 0) this.#buffer.copyWithin(0, bytes, bytes + this.#held);
  }
}
