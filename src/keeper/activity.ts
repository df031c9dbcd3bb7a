import { fail, ok, type Result } from '../contract/result.ts';
import type { CommittedBlock, Ledger } from '../ledger/ledger.ts';
import type { Id } from '../ledger/verify/acts.ts';
import { encodeCbor } from '../ledger/verify/cbor.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { openEnvelope } from '../ledger/verify/envelope.ts';
import { decodeRecord, stateKey } from '../ledger/verify/records.ts';
import type { IndexedAct, KeeperStore } from './store.ts';

export interface ActivityParts {
  ledger: Pick<Ledger, 'read' | 'entries' | 'onBlock'>;
  store: Pick<KeeperStore, 'indexed' | 'index' | 'activity'>;
  crypto: Crypto;
  /** A block that could not be looked at: whoever asks next reads on. */
  onFault?: (where: string, error: unknown) => void;
}

/** What verify/resident-chain.ts takes: nobody need believe it. */
export interface ActivityPage {
  /** Signed, with the state root that record and proof are of. */
  head: Uint8Array;
  /** The resident's record: its chain says how many entries there are in all. */
  record: Uint8Array | null;
  proof: Uint8Array;
  entries: { logIndex: number; actIndex: number; transaction: Uint8Array; act: Uint8Array }[];
}

const entriesAtOnce = 256;
/** A page with as many of the largest acts stays far below a frame of the door. */
export const mostOnPage = 1000;

/** All that touched each resident, by the log: caught up with at start, and kept by each block. It can be thrown away and read anew. */
export class ActivityIndex {
  readonly #parts: ActivityParts;
  readonly #unlisten: () => void;
  #indexing: Promise<unknown> = Promise.resolve();

  constructor(parts: ActivityParts) {
    this.#parts = parts;
    this.#unlisten = parts.ledger.onBlock((block) => {
      if (block.transactions.length > 0) void this.#enqueue(() => this.#addBlock(block)).catch((error: unknown) => parts.onFault?.('activity', error));
    });
  }

  /** Up to the log's end. */
  catchUp(): Promise<Result<null>> {
    return this.#enqueue(() => this.#readOn());
  }

  /** From entry number `from` of the resident's own on. `hub-busy`: the index is not as far as the ledger, and cannot be brought there now. */
  async of(resident: Id, from: number): Promise<Result<ActivityPage>> {
    const { ledger, store } = this.#parts;
    for (let tries = 0; tries < 2; tries++) {
      const read = await ledger.read([stateKey.resident(resident)]);
      if (!read.ok) return read;
      const { head, entries: [entry] } = read.value;
      const record = entry?.value ?? null;
      const count = record === null ? 0 : decodeRecord('resident', record).chain.count;
      const wanted = Math.max(0, Math.min(mostOnPage, count - from));
      const acts = await store.activity(resident, { after: from, limit: wanted });
      if (!acts.ok) return acts;
      if (acts.value.length === wanted) {
        const entries = acts.value.map(({ logIndex, actIndex, transaction, act }) => ({ logIndex, actIndex, transaction, act }));
        return ok({ head, record, proof: entry?.proof ?? new Uint8Array(), entries });
      }
      const caughtUp = await this.catchUp();
      if (!caughtUp.ok) return caughtUp;
    }
    return fail('hub-busy', 'activity index');
  }

  async close(): Promise<void> {
    this.#unlisten();
    await this.#indexing;
  }

  /** One after the other, whatever becomes of the one before. */
  #enqueue(work: () => Promise<Result<null>>): Promise<Result<null>> {
    const done = this.#indexing.then(work);
    this.#indexing = done.catch(() => undefined);
    return done;
  }

  async #addBlock({ transactions }: CommittedBlock): Promise<Result<null>> {
    const next = await this.#parts.store.indexed();
    if (!next.ok) return next;
    // After a gap the log is read: also where a block was handed on twice.
    return transactions[0]?.index === next.value ? this.#add(next.value, transactions.map(({ envelope }) => envelope)) : this.#readOn();
  }

  async #readOn(): Promise<Result<null>> {
    for (;;) {
      const next = await this.#parts.store.indexed();
      if (!next.ok) return next;
      const entries = await this.#parts.ledger.entries(next.value, entriesAtOnce);
      if (!entries.ok) return entries;
      if (entries.value.length === 0) return ok(null);
      const added = await this.#add(next.value, entries.value);
      if (!added.ok) return added;
    }
  }

  #add(from: number, envelopes: readonly Uint8Array[]): Promise<Result<null>> {
    return this.#parts.store.index(from, from + envelopes.length, envelopes.flatMap((envelope, i) => actsOf(envelope, from + i, this.#parts.crypto)));
  }
}

function actsOf(envelope: Uint8Array, index: number, crypto: Crypto): IndexedAct[] {
  const opened = openEnvelope(envelope, crypto);
  if (!opened.ok) throw new Error(`log entry ${index} is no envelope`);
  const { id, body } = opened.value;
  return body.acts.flatMap((act, actIndex): IndexedAct[] => ('subject' in act ? [{ subject: act.subject, logIndex: index, actIndex, transaction: id, act: encodeCbor(act) }] : []));
}
