/** A PIN that somebody is asked for. It is taken once: what is typed where none is asked for is not even encoded. */
export class AskedPin {
  #take: ((pin: Uint8Array | null | 'gone') => void) | null = null;

  /** null: the reader's own pad takes it. `gone`: nobody waits for it any more. */
  ask(): Promise<Uint8Array | null | 'gone'> {
    this.drop();
    return new Promise((resolve) => {
      this.#take = resolve;
    });
  }

  give(typed: string | null): void {
    this.#settle(typed === null ? () => null : () => new TextEncoder().encode(typed));
  }

  drop(): void {
    this.#settle(() => 'gone');
  }

  #settle(pin: () => Uint8Array | null | 'gone'): void {
    const take = this.#take;
    this.#take = null;
    take?.(pin());
  }
}
