import type { JudgedTransaction } from '../../application.ts';
import type { Crypto } from '../../verify/crypto.ts';
import type { OpenedEnvelope } from '../../verify/envelope.ts';

/** Of a transaction that waits in the node's mempool. */
export interface WaitingTransaction {
  opened: OpenedEnvelope;
  judged: JudgedTransaction;
}

/** Where more wait, not all of them are judged anew after each block. */
const mostRejudged = 200;
/** But once in so long. */
const rejudgedEveryMs = 5000;

/**
 * What the application made of the transactions that wait. After each block the node asks again for all of them (RECHECK), which under load is several
 * times for each: then it is told what was found before, and some seconds later at most the rules are asked again. Nothing but the mempool hangs on it:
 * whoever proposes a block or votes for one judges what is in it.
 */
export class MempoolMemory {
  readonly #crypto: Crypto;
  #before = new Map<string, WaitingTransaction>();
  #waiting = new Map<string, WaitingTransaction>();
  #isRejudging = true;
  #rejudgedMs = Number.NEGATIVE_INFINITY;

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  /** undefined: it was not here before, or is to be judged anew. */
  recalled(tx: Uint8Array): WaitingTransaction | undefined {
    return this.#isRejudging ? undefined : this.find(tx);
  }

  find(tx: Uint8Array): WaitingTransaction | undefined {
    const name = this.#nameOf(tx);
    return this.#waiting.get(name) ?? this.#before.get(name);
  }

  keep(tx: Uint8Array, waiting: WaitingTransaction): void {
    this.#waiting.set(this.#nameOf(tx), waiting);
  }

  /** After a block: what is not asked for again by the next one is forgotten. */
  turn(nowMs: number): void {
    this.#before = this.#waiting;
    this.#waiting = new Map();
    this.#isRejudging = this.#before.size <= mostRejudged || nowMs - this.#rejudgedMs >= rejudgedEveryMs;
    if (this.#isRejudging) this.#rejudgedMs = nowMs;
  }

  #nameOf(tx: Uint8Array): string {
    return Buffer.from(this.#crypto.sha256(tx)).toString('latin1');
  }
}
