import { never, ok, type Result } from '../contract/result.ts';
import type { Opener } from '../identity/hpke.ts';
import type { CommittedBlock, Ledger, TransactionState } from '../ledger/ledger.ts';
import { toHex } from '../ledger/verify/bytes.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { decodeLightBlock } from '../ledger/verify/light-block.ts';
import { resealParts } from './replacement.ts';
import type { KeeperStore, Settled, Tag } from './store.ts';

export interface SettlingParts {
  ledger: Pick<Ledger, 'chain' | 'values' | 'submit' | 'state' | 'block' | 'onBlock'>;
  store: Pick<KeeperStore, 'queued' | 'settle' | 'newest' | 'toReseal' | 'reseal'>;
  /** The keeper's own sealing key. */
  opener: Opener;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
}

/** Brings store and ledger together: what the ledger recorded shows in spaces and lists, what it rejected goes, what it does not know is given to it again. */
export class Settling {
  readonly #parts: SettlingParts;
  readonly #unlisten: () => void;
  /** By agency, as hex of its tag. `told`: number of the newest change when they began to listen, or were told last; null: it could not be read. */
  readonly #listening = new Map<string, { agency: Tag; listeners: Set<() => void>; told: Promise<number | null> }>();
  #settling: Promise<Result<null>> = Promise.resolve(ok(null));
  /** A round that has not begun: whatever comes goes along with it. */
  #next: Promise<Result<null>> | null = null;
  #blocks: CommittedBlock[] = [];
  #isCatchingUp = false;

  constructor(parts: SettlingParts) {
    this.#parts = parts;
    this.#unlisten = parts.ledger.onBlock((block) => {
      this.#blocks.push(block);
      void this.#enqueue();
    });
  }

  /** Everything that the ledger has by now. */
  catchUp(): Promise<Result<null>> {
    this.#isCatchingUp = true;
    return this.#enqueue();
  }

  /** Whenever this agency is told of something new. Returns what ends the listening. */
  onTold(agency: Tag, listener: () => void): () => void {
    const name = toHex(agency);
    const known = this.#listening.get(name) ?? { agency, listeners: new Set(), told: this.#newest(agency) };
    known.listeners.add(listener);
    this.#listening.set(name, known);
    return () => {
      known.listeners.delete(listener);
      if (known.listeners.size === 0) this.#listening.delete(name);
    };
  }

  tell(agencies: readonly Tag[]): void {
    for (const agency of agencies) for (const listener of this.#listening.get(toHex(agency))?.listeners ?? []) listener();
  }

  /** Of what was settled here (`own`), and of what another hub has settled or noted in a store that they share. */
  async #tellNews(own: readonly Tag[]): Promise<void> {
    const names = new Set(own.map(toHex));
    for (const [name, known] of this.#listening) {
      const [before, newest] = [await known.told, await this.#newest(known.agency)];
      known.told = Promise.resolve(newest);
      // Where it could not be read, they look for themselves.
      if (names.has(name) || newest === null || newest !== before) this.tell([known.agency]);
    }
  }

  async #newest(agency: Tag): Promise<number | null> {
    const newest = await this.#parts.store.newest(agency);
    return newest.ok ? newest.value : null;
  }

  async close(): Promise<void> {
    this.#unlisten();
    await this.#settling;
  }

  /** One round after the other. */
  #enqueue(): Promise<Result<null>> {
    if (this.#next !== null) return this.#next;
    const round = this.#settling.then(() => {
      const [blocks, isCatchingUp] = [this.#blocks, this.#isCatchingUp];
      [this.#next, this.#blocks, this.#isCatchingUp] = [null, [], false];
      return this.#settleQueued(blocks, isCatchingUp);
    });
    this.#next = round;
    this.#settling = round;
    return round;
  }

  /**
   * Everything still queued is looked at, not only what these blocks have: what could not be settled, or given to the ledger, on a full disk
   * is caught up with by the next block.
   */
  async #settleQueued(blocks: readonly CommittedBlock[], isCatchingUp: boolean): Promise<Result<null>> {
    const { store, ledger } = this.#parts;
    const queued = await store.queued();
    if (!queued.ok) return queued;
    const times = new Map(blocks.map(({ height, timeMs }) => [height, Math.floor(timeMs / 1000)]));
    const inBlocks = new Map(blocks.flatMap(({ transactions, timeMs }) => transactions.map(({ id, index }) => [toHex(id), { at: Math.floor(timeMs / 1000), index }] as const)));
    const settled: Settled[] = [];
    let own: readonly Tag[] = [];
    let failed: Result<never> | null = null;
    for (const { id, envelope } of queued.value) {
      const place = inBlocks.get(toHex(id));
      if (place !== undefined) {
        settled.push({ id, state: 'recorded', ...place });
        continue;
      }
      const state = await ledger.state(id);
      const known = state.ok && state.value.state === 'unknown' ? await ledger.submit(envelope) : state;
      if (!known.ok) {
        failed = known;
        break;
      }
      const one = await this.#settledAs(id, known.value, times);
      if (one !== null) settled.push(one);
    }
    if (settled.length > 0) {
      const placeOf = (one: Settled): number => (one.state === 'recorded' ? one.index : -1);
      const told = await store.settle(settled.toSorted((a, b) => placeOf(a) - placeOf(b)));
      if (!told.ok) return told;
      own = told.value;
    }
    // What was queued above is settled by now, here or elsewhere.
    if (settled.length > 0 || blocks.length > 0) await this.#tellNews(own);
    if (settled.length > 0 || isCatchingUp) {
      const resealed = await resealParts(this.#parts);
      if (!resealed.ok) return resealed;
    }
    return failed ?? ok(null);
  }

  /** null: not settled yet. */
  async #settledAs(id: Uint8Array, state: TransactionState, times: Map<number, number>): Promise<Settled | null> {
    switch (state.state) {
      case 'recorded':
      case 'witnessed': {
        const at = times.get(state.height) ?? (await this.#timeOf(state.height));
        times.set(state.height, at);
        return { id, state: 'recorded', at, index: state.index };
      }
      case 'rejected':
        return { id, state: 'rejected', code: state.code };
      case 'queued':
      case 'unknown':
        return null;
    }
    return never(state);
  }

  /** Of the block, Unix seconds; where it is not to be had any more, of now. */
  async #timeOf(height: number): Promise<number> {
    const { ledger, crypto, now } = this.#parts;
    const block = await ledger.block(height);
    const light = block.ok && block.value !== null ? decodeLightBlock(block.value, ledger.chain, crypto) : undefined;
    return light?.header.time.seconds ?? Math.floor(now() / 1000);
  }
}
