/** Keeps at least the `size` entries used last, and at most twice as many: what was not used for one generation goes with it. */
export class PageCache<V> {
  readonly #size: number;
  #young = new Map<number, V>();
  #old = new Map<number, V>();

  constructor(size: number) {
    this.#size = size;
  }

  get(key: number): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: number, value: V): void {
    this.#young.set(key, value);
    if (this.#young.size < this.#size) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
