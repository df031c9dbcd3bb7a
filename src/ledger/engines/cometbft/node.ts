import { ok, type Failure, type Result } from '../../../contract/result.ts';
import type { Tip } from '../../application.ts';
import type { Genesis } from '../../genesis.ts';
import { nodeCrypto } from '../../node-crypto.ts';
import { rememberSignatures } from '../../signature-memory.ts';
import { storageFailure } from '../storage-failure.ts';
import { AbciApplication, type Misbehaviour } from './abci-application.ts';
import { openAbciServer, type AbciAddress, type AbciServerFailure } from './abci-server.ts';
import { MisbehaviourJournal } from './misbehaviour-journal.ts';
import type { SignTip } from './node-checkpoint.ts';
import { NodeStore } from './node-store.ts';
import { SnapshotStore } from './snapshot-store.ts';

export interface NodeOptions {
  /** The SQLite file; made, and the chain begun in it, where there is none: CometBFT then gives it every block again. */
  path: string;
  genesis: Genesis;
  /** What the node's `proxy_app` names. */
  address: AbciAddress;
  /** Unix milliseconds. */
  clock: () => number;
  /** How many blocks CometBFT is to keep; null: all. */
  keepBlocks: number | null;
  /** A snapshot for nodes that join is made after so many blocks; null: none. */
  snapshotEvery: number | null;
  /** Signs checkpoints for those who ask (`/checkpoint` of queries.ts); left out: none. */
  signTip?: SignTip;
  /** A bug, or a disk that refuses: what was thrown. The node's CometBFT ends by it. */
  onFault: (error: unknown) => void;
  /** Once for each, when it is in `<path>.misbehaviour.jsonl`. */
  onMisbehaviour: (found: Misbehaviour) => void;
}

/** A validator's application: what its CometBFT process talks to. */
export interface LedgerNode {
  /** As in `proxy_app`. */
  readonly address: string;
  /** What is committed. */
  tip(): Tip;
  close(): Promise<void>;
}

/** Good for some thousand transactions that wait, each with two or three signatures. */
const rememberedSignatures = 20_000;

/** `hub-storage` where the file is damaged, held by another process or another chain's; what `openAbciServer` says of the address. */
export async function openNode(options: NodeOptions): Promise<Result<LedgerNode, Failure | AbciServerFailure>> {
  const { path, genesis, address, clock, keepBlocks, snapshotEvery, onFault, onMisbehaviour } = options;
  const crypto = rememberSignatures(nodeCrypto, rememberedSignatures);
  let store: NodeStore | null = null;
  let snapshots: SnapshotStore | null = null;
  try {
    const opened = NodeStore.open(path, genesis, crypto);
    if (!opened.ok) return opened;
    const ledger = opened.value;
    store = ledger;
    snapshots = snapshotEvery === null ? null : new SnapshotStore(`${path}.snapshots`, path, genesis, crypto);
    const journal = new MisbehaviourJournal(`${path}.misbehaviour.jsonl`);
    const application = new AbciApplication({
      genesis,
      store,
      snapshots: snapshots === null || snapshotEvery === null ? null : { store: snapshots, everyBlocks: snapshotEvery },
      restoreFolder: `${path}.restoring`,
      clock,
      keepBlocks,
      ...(options.signTip === undefined ? {} : { signTip: options.signTip }),
      onFault,
      onMisbehaviour: (found) => {
        try {
          if (journal.write(found)) onMisbehaviour(found);
        } catch (error) {
          // It stands in the block: the node's own work does not hang on this file.
          onFault(error);
          onMisbehaviour(found);
        }
      },
    });
    const server = await openAbciServer({ address, handle: (request) => application.handle(request), onFault });
    if (!server.ok) {
      ledger.close();
      return server;
    }
    return ok({
      address: server.value.address,
      tip: () => ledger.committed.tip(),
      async close() {
        await server.value.close();
        await snapshots?.close();
        application.close();
        ledger.close();
      },
    });
  } catch (error) {
    store?.close();
    return storageFailure(error);
  }
}
