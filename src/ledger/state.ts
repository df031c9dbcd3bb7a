import { compareBytes } from './verify/bytes.ts';
import { decodeRecord, encodeRecord, stateKey, type RecordKind, type Records } from './verify/records.ts';

/** What the rules may see of the state. */
export interface StateView {
  /** `name`: the key as text, of whoever has it at hand. */
  get(key: Uint8Array, name?: string): Uint8Array | undefined;
}

/** State keys are ASCII: latin1 is the cheapest text of them. */
export const keyName = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');

/** null: the key goes. */
export interface StateChange {
  key: Uint8Array;
  value: Uint8Array | null;
}

/** One key's value: as bytes, as the record they stand for, or both. Each is made of the other when somebody asks. */
class Held {
  readonly key: Uint8Array;
  /** null: there is none. undefined: only the record is known yet. */
  #value: Uint8Array | null | undefined;
  #record: unknown;
  readonly #kind: RecordKind | undefined;

  constructor(key: Uint8Array, value: Uint8Array | null | undefined, kind?: RecordKind, record?: unknown) {
    this.key = key;
    this.#value = value;
    this.#kind = kind;
    this.#record = record;
  }

  get value(): Uint8Array | null {
    if (this.#value === undefined) this.#value = encodeRecord(this.#kind ?? 'key', this.#record as Records[RecordKind]);
    return this.#value;
  }

  /** A key's record is always of the same kind. */
  record<K extends RecordKind>(kind: K): Records[K] | undefined {
    if (this.#record === undefined && this.value !== null) this.#record = decodeRecord(kind, this.value);
    return this.#record as Records[K] | undefined;
  }
}

/**
 * Changes laid over a view, which stands still as long as this is used: dropped when a transaction is refused, handed on when it is taken.
 * What was asked for is remembered, each key read and each record decoded once, also where one draft lies over another. Nobody changes a record in place.
 */
export class StateDraft implements StateView {
  readonly #base: StateView;
  readonly #changes = new Map<string, Held>();
  /** Kept by the lowest draft alone. */
  readonly #known: Map<string, Held> | null;

  constructor(base: StateView) {
    this.#base = base;
    this.#known = base instanceof StateDraft ? null : new Map();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#find(keyName(key), key).value ?? undefined;
  }

  put(key: Uint8Array, value: Uint8Array | null): void {
    this.#changes.set(keyName(key), new Held(key, value));
  }

  read<K extends RecordKind>(kind: K, ...id: Parameters<(typeof stateKey)[K]>): Records[K] | undefined {
    const key = keyOf(kind, ...id);
    return this.#find(keyName(key), key).record(kind);
  }

  write<K extends RecordKind>(kind: K, record: Records[K], ...id: Parameters<(typeof stateKey)[K]>): void {
    const key = keyOf(kind, ...id);
    this.#changes.set(keyName(key), new Held(key, undefined, kind, record));
  }

  /** What was changed in a draft that lies over this one. */
  take(draft: StateDraft): void {
    for (const [name, held] of draft.#changes) this.#changes.set(name, held);
  }

  apply(changes: readonly StateChange[]): void {
    for (const { key, value } of changes) this.put(key, value);
  }

  /** In no order. */
  each(visit: (name: string, change: StateChange) => void): void {
    for (const [name, held] of this.#changes) visit(name, held);
  }

  /** In the order of their keys, so that whoever writes them does so the same everywhere. */
  changes(): StateChange[] {
    return Array.from(this.#changes.values(), ({ key, value }) => ({ key, value })).sort((a, b) => compareBytes(a.key, b.key));
  }

  #find(name: string, key: Uint8Array): Held {
    const found = this.#changes.get(name) ?? this.#known?.get(name);
    if (found !== undefined) return found;
    if (this.#base instanceof StateDraft) return this.#base.#find(name, key);
    const held = new Held(key, this.#base.get(key, name) ?? null);
    this.#known?.set(name, held);
    return held;
  }
}

function keyOf<K extends RecordKind>(kind: K, ...id: Parameters<(typeof stateKey)[K]>): Uint8Array {
  const write: (...of: Parameters<(typeof stateKey)[K]>) => Uint8Array = stateKey[kind] as (typeof write);
  return write(...id);
}
