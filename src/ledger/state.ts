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

/** Changes laid over a view: dropped when a transaction is refused, handed on when it is taken. */
export class StateDraft implements StateView {
  readonly #base: StateView;
  readonly #changes = new Map<string, StateChange>();

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
    return value === undefined ? undefined : decodeRecord(kind, value);
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
