import { compareBytes } from './verify/bytes.ts';
import { decodeRecord, encodeRecord, stateKey, type RecordKind, type Records } from './verify/records.ts';

/** What the rules may see of the state. */
export interface StateView {
  get(key: Uint8Array): Uint8Array | undefined;
}

/** null: the key goes. */
export interface StateChange {
  key: Uint8Array;
  value: Uint8Array | null;
}

/** For one judgement, in which the view stands still: each key is asked for once. */
export class RememberedView implements StateView {
  readonly #view: StateView;
  readonly #values = new Map<string, Uint8Array | undefined>();

  constructor(view: StateView) {
    this.#view = view;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const name = mapKey(key);
    if (this.#values.has(name)) return this.#values.get(name);
    const value = this.#view.get(key);
    this.#values.set(name, value);
    return value;
  }
}

/** Changes laid over a view: dropped when a transaction is refused, handed on when it is taken. */
export class StateDraft implements StateView {
  readonly #base: StateView;
  readonly #changes = new Map<string, StateChange>();
  /** By the value's own bytes: a record is read several times in one judgement. Nobody changes a record in place. */
  readonly #records = new WeakMap<Uint8Array, unknown>();

  constructor(base: StateView) {
    this.#base = base;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const change = this.#changes.get(mapKey(key));
    return change === undefined ? this.#base.get(key) : (change.value ?? undefined);
  }

  put(key: Uint8Array, value: Uint8Array | null): void {
    this.#changes.set(mapKey(key), { key, value });
  }

  read<K extends RecordKind>(kind: K, ...id: Parameters<(typeof stateKey)[K]>): Records[K] | undefined {
    const value = this.get(keyOf(kind, ...id));
    if (value === undefined) return undefined;
    const known = this.#records.get(value) as Records[K] | undefined;
    const record = known ?? decodeRecord(kind, value);
    if (known === undefined) this.#records.set(value, record);
    return record;
  }

  write<K extends RecordKind>(kind: K, record: Records[K], ...id: Parameters<(typeof stateKey)[K]>): void {
    this.put(keyOf(kind, ...id), encodeRecord(kind, record));
  }

  apply(changes: readonly StateChange[]): void {
    for (const { key, value } of changes) this.put(key, value);
  }

  /** In the order of their keys, so that whoever writes them does so the same everywhere. */
  changes(): StateChange[] {
    return [...this.#changes.values()].sort((a, b) => compareBytes(a.key, b.key));
  }
}

// State keys are ASCII: latin1 is the cheapest text of them.
const mapKey = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');

function keyOf<K extends RecordKind>(kind: K, ...id: Parameters<(typeof stateKey)[K]>): Uint8Array {
  const write: (...of: Parameters<(typeof stateKey)[K]>) => Uint8Array = stateKey[kind] as (typeof write);
  return write(...id);
}
