/** The same numbers from the same seed everywhere (sfc32): for what is made up, never for a secret. */
export class Chance {
  #a = 0;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, stream: number) {
    this.#b = seed >>> 0;
    this.#c = stream >>> 0;
    for (let i = 0; i < 12; i++) this.next();
  }

  /** u32. */
  next(): number {
    const value = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + value) >>> 0;
    return value;
  }

  below(limit: number): number {
    return this.next() % limit;
  }

  /** `count` is a multiple of four. */
  bytes(count: number): Uint8Array {
    const words = new Uint32Array(count / 4);
    for (let i = 0; i < words.length; i++) words[i] = this.next();
    return new Uint8Array(words.buffer);
  }
}
