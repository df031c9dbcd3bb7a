import { timingSafeEqual } from 'node:crypto';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { hmacSha256 } from '../identity/symmetric.ts';
import { concatBytes, fromBase64url, toBase64url, u64, utf8 } from '../ledger/verify/bytes.ts';

const macLength = 16;

/** Places in lists, opaque to whoever gets one: good for one party and one list, and for nobody else. They never end. */
export class Cursors {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** @param list what is listed: path and filters. */
  write(party: string, list: string, place: number): string {
    const bytes = u64(place);
    return toBase64url(concatBytes(bytes, this.#mac(party, list, bytes)));
  }

  /** null: from the beginning. */
  read(party: string, list: string, cursor: string | undefined): Result<number | null, Failure<'cursor-invalid'>> {
    if (cursor === undefined) return ok(null);
    const bytes = fromBase64url(cursor);
    if (bytes?.length !== 8 + macLength) return fail('cursor-invalid');
    const place = bytes.subarray(0, 8);
    if (!timingSafeEqual(bytes.subarray(8), this.#mac(party, list, place))) return fail('cursor-invalid');
    return ok(Number(new DataView(place.buffer, place.byteOffset).getBigUint64(0)));
  }

  #mac(party: string, list: string, place: Uint8Array): Uint8Array {
    const named = [utf8(party), utf8(list)].flatMap((part) => [u64(part.length), part]);
    return hmacSha256(this.#key, ...named, place).subarray(0, macLength);
  }
}
