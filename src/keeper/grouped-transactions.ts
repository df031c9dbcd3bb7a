import { ok, type Result } from '../contract/result.ts';
import { gathered } from '../ledger/gather.ts';
import type { SqlWork } from './sql-database.ts';

interface Waiting {
  /** Within the group's transaction; answers with how to say that it is committed. */
  work: SqlWork<() => void>;
  refuse(failure: Result<never>): void;
  reject(error: unknown): void;
}

/** In one transaction from beginning to end; what `work` throws is rolled back and thrown. */
export type Transact = <T>(work: SqlWork<T>) => Promise<Result<T>>;

const mostInGroup = 256;

/** What comes while another waits for the database is one transaction, in the order in which it came: so many writes wait for the disk once, and many reads lock the file once. */
export class GroupedTransactions {
  readonly #transact: Transact;
  readonly #isOfReads: boolean;
  #waiting: Waiting[] = [];
  /** Of the groups that are under way. */
  #flushing: Promise<void> | null = null;

  /** @param isOfReads what fails for one of them (a damaged page) is tried for each alone. */
  constructor(transact: Transact, isOfReads = false) {
    this.#transact = transact;
    this.#isOfReads = isOfReads;
  }

  run<T>(work: SqlWork<T>): Promise<Result<T>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        work: async (sql) => {
          const value = await work(sql);
          return () => resolve(ok(value));
        },
        refuse: resolve,
        reject,
      });
      this.#flushing ??= this.#flush();
    });
  }

  /** When everything that came is answered. */
  async idle(): Promise<void> {
    await this.#flushing;
  }

  async #flush(): Promise<void> {
    // A read waits for no disk: what this turn of the event loop still brings goes along.
    if (this.#isOfReads) await new Promise((resolve) => void setImmediate(resolve));
    while (this.#waiting.length > 0) {
      if (!this.#isOfReads) await gathered(() => this.#waiting.length);
      await this.#commit(this.#waiting.splice(0, mostInGroup));
    }
    this.#flushing = null;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    let committed: Result<(() => void)[]>;
    try {
      committed = await this.#transact(async (sql) => {
        const answers: (() => void)[] = [];
        for (const { work } of group) answers.push(await work(sql));
        return answers;
      });
    } catch (error) {
      // A bug in one of them does not take the others with it.
      if (group.length > 1) for (const one of group) await this.#commit([one]);
      else for (const { reject } of group) reject(error);
      return;
    }
    if (committed.ok) for (const answer of committed.value) answer();
    else if (this.#isOfReads && group.length > 1) for (const one of group) await this.#commit([one]);
    else for (const { refuse } of group) refuse(committed);
  }
}
