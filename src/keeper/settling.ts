import { never, ok, type Result } from '../contract/result.ts';
import type { Opener } from '../identity/hpke.ts';
import type { CommittedBlock, Ledger, TransactionState } from '../ledger/ledger.ts';
import { toHex } from '../ledger/verify/bytes.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { openEnvelope } from '../ledger/verify/envelope.ts';
import { decodeLightBlock } from '../ledger/verify/light-block.ts';
import { resealParts } from './replacement.ts';
import type { KeeperStore, Settled, Tag } from './store.ts';

export interface SettlingParts {
  ledger: Pick<Ledger, 'chain' | 'values' | 'submit' | 'state' | 'block' | 'onBlock'>;
  store: Pick<KeeperStore, 'queued' | 'settle' | 'refused' | 'drop' | 'newest' | 'toReseal' | 'reseal'>;
  /** The keeper's own sealing key. */
  opener: Opener;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
  /** For the log: an exception in a round that nobody waits for. The next one begins anew. */
  onFault?: (where: string, error: unknown) => void;
}

/** What was given to the ledger is refused for good once it was refused on two states so many blocks apart: its node may be behind the one that another hub of this keeper asked. */
const heightsBetween = 2;
/** What came along with a refused one goes so long after its own end: then no block can have it, and no node is so far behind. */
const keptAfterSeconds = 86_400;

/**
 * Brings store and ledger together: what the ledger recorded shows in spaces and lists, what it does not know is given to it again, and what it rejected shows nowhere, and
 * is recorded all the same where a block has it in the end. Hubs that share a store do this side by side, each by its own node and clock.
 */
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
  /** The newest block that was heard of, by the ledger's own time in Unix seconds; null: of none yet. */
  #tip: { height: number; at: number } | null = null;
  /** By id in hex: height of the newest block when the ledger refused it first. */
  readonly #refusedAt = new Map<string, number>();
  /** A block may have been missed: before this program began, or with a round that failed. */
  #mayHaveMissed = true;

  constructor(parts: SettlingParts) {
    this.#parts = parts;
    this.#unlisten = parts.ledger.onBlock((block) => {
      this.#blocks.push(block);
      void this.#enqueue().catch((error: unknown) => parts.onFault?.('settling', error));
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
    await this.#settling.catch(() => undefined);
  }

  /** One round after the other. */
  #enqueue(): Promise<Result<null>> {
    if (this.#next !== null) return this.#next;
    const round = this.#settling.catch(() => undefined).then(() => {
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
    const mayHaveMissed = this.#mayHaveMissed;
    this.#mayHaveMissed = true;
    const done = await this.#settleRound(blocks, isCatchingUp, mayHaveMissed);
    if (done.ok) this.#mayHaveMissed = false;
    return done;
  }

  async #settleRound(blocks: readonly CommittedBlock[], isCatchingUp: boolean, mayHaveMissed: boolean): Promise<Result<null>> {
    const { store, ledger } = this.#parts;
    const newest = blocks.at(-1);
    if (newest !== undefined) this.#tip = { height: newest.height, at: Math.floor(newest.timeMs / 1000) };
    const queued = await store.queued();
    if (!queued.ok) return queued;
    const times = new Map(blocks.map(({ height, timeMs }) => [height, Math.floor(timeMs / 1000)]));
    const inBlocks = new Map(blocks.flatMap(({ transactions, timeMs }) => transactions.map(({ id, index }) => [toHex(id), { at: Math.floor(timeMs / 1000), index }] as const)));
    const settled: Settled[] = [];
    let own: readonly Tag[] = [];
    let failed: Result<never> | null = null;
    const waiting = new Set(queued.value.map(({ id }) => toHex(id)));
    for (const name of this.#refusedAt.keys()) if (!waiting.has(name)) this.#refusedAt.delete(name);
    for (const { id, envelope } of queued.value) {
      const place = inBlocks.get(toHex(id));
      if (place !== undefined) {
        settled.push({ id, state: 'recorded', ...place });
        continue;
      }
      const state = await ledger.state(id);
      const isUnknown = state.ok && state.value.state === 'unknown';
      const known = isUnknown ? await ledger.submit(envelope) : state;
      if (!known.ok) {
        failed = known;
        break;
      }
      const one = await this.#settledAs(id, known.value, times, endOf(envelope, this.#parts.crypto));
      const isFinal = one?.state !== 'rejected' || !isUnknown || this.#isRefusedForGood(one);
      if (one?.state !== 'rejected') this.#refusedAt.delete(toHex(id));
      if (one !== null && isFinal) settled.push(one);
    }
    const refused = await store.refused();
    if (!refused.ok) return refused;
    const over: Uint8Array[] = [];
    for (const { id, until } of refused.value) {
      const place = inBlocks.get(toHex(id));
      const isOver = this.#tip !== null && this.#tip.at > until + keptAfterSeconds;
      if (place !== undefined) settled.push({ id, state: 'recorded', ...place });
      if (place !== undefined || (!isOver && !mayHaveMissed)) continue;
      const state = await ledger.state(id);
      if (!state.ok) {
        failed ??= state;
        break;
      }
      const one = await this.#settledAs(id, state.value, times, until);
      if (one?.state === 'recorded') settled.push(one);
      else if (isOver && state.value.state !== 'queued') over.push(id);
    }
    if (settled.length > 0) {
      const placeOf = (one: Settled): number => (one.state === 'recorded' ? one.index : -1);
      const told = await store.settle(settled.toSorted((a, b) => placeOf(a) - placeOf(b)));
      if (!told.ok) return told;
      own = told.value;
    }
    if (over.length > 0) {
      const dropped = await store.drop(over);
      if (!dropped.ok) return dropped;
    }
    // What was queued above is settled by now, here or elsewhere.
    if (settled.length > 0 || blocks.length > 0) await this.#tellNews(own);
    if (settled.length > 0 || isCatchingUp) {
      const resealed = await resealParts(this.#parts);
      if (!resealed.ok) return resealed;
    }
    return failed ?? ok(null);
  }

  /** Given to the ledger and refused: by the ledger's own time it is over, or it was refused before, on a state some blocks older. */
  #isRefusedForGood({ id, code, until }: Extract<Settled, { state: 'rejected' }>): boolean {
    if (this.#tip === null) return false;
    const { height, at } = this.#tip;
    if (code === 'expired') return at > until;
    const since = this.#refusedAt.get(toHex(id));
    if (since === undefined) this.#refusedAt.set(toHex(id), height);
    return since !== undefined && height >= since + heightsBetween;
  }

  /** null: not settled yet. @param until of its own, Unix seconds. */
  async #settledAs(id: Uint8Array, state: TransactionState, times: Map<number, number>, until: number): Promise<Settled | null> {
    switch (state.state) {
      case 'recorded':
      case 'witnessed': {
        const at = times.get(state.height) ?? (await this.#timeOf(state.height));
        times.set(state.height, at);
        return { id, state: 'recorded', at, index: state.index };
      }
      case 'rejected':
        return { id, state: 'rejected', code: state.code, until };
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

/** `notAfter`, Unix seconds; 0 where it is no envelope, which no block can have. */
function endOf(envelope: Uint8Array, crypto: Crypto): number {
  const opened = openEnvelope(envelope, crypto);
  return opened.ok ? opened.value.body.notAfter : 0;
}
