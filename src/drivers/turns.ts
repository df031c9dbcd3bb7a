/** Conversations with one device, or what is written onto one, one after the other. One that throws does so to whoever asked for it; those after it have their turn. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#last.then(act);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Resolves when all that were asked for are over. */
  async over(): Promise<void> {
    await this.#last;
  }
}
