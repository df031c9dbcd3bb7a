/** Keeps at least the entries used last that come to `size`, and at most twice as much: what was not used for one generation goes with it. */
export class PageCache<V> {
  readonly #size: number;
  readonly #sizeOf: (value: V) => number;
  #young = new Map<number, V>();
  #old = new Map<number, V>();
  #youngSize = 0;

  /** `size`: in what `sizeOf` says of each entry; by default, how many. */
  constructor(size: number, sizeOf: (value: V) => number = () => 1) {
    this.#size = size;
    this.#sizeOf = sizeOf;
  }

  get(key: number): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: number, value: V): void {
    const before = this.#young.get(key);
    this.#youngSize += this.#sizeOf(value) - (before === undefined ? 0 : this.#sizeOf(before));
    this.#young.set(key, value);
    if (this.#youngSize < this.#size) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngSize = 0;
  }
}
