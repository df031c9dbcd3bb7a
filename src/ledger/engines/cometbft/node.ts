import type { DatabaseSync } from 'node:sqlite';
import { ok, type Failure, type Result } from '../../../contract/result.ts';
import { beginApplication, isBegun, openApplication, type Tip } from '../../application.ts';
import type { Genesis } from '../../genesis.ts';
import { nodeCrypto } from '../../node-crypto.ts';
import { rememberSignatures } from '../../signature-memory.ts';
import { openLedgerFile, openLedgerFileToFollow } from '../ledger-file.ts';
import { storageFailure } from '../storage-failure.ts';
import { inTransaction } from '../transaction.ts';
import { AbciApplication } from './abci-application.ts';
import { openAbciServer, type AbciAddress, type AbciServerFailure } from './abci-server.ts';

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
  /** A bug, or a disk that refuses: what was thrown. The node's CometBFT ends by it. */
  onFault: (error: unknown) => void;
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
export async function openNode({ path, genesis, address, clock, keepBlocks, onFault }: NodeOptions): Promise<Result<LedgerNode, Failure | AbciServerFailure>> {
  const crypto = rememberSignatures(nodeCrypto, rememberedSignatures);
  const files: DatabaseSync[] = [];
  const closeFiles = (): void => {
    for (const file of files.toReversed()) file.close();
  };
  const refuse = <F extends Failure<string>>(failure: F): { readonly ok: false; readonly failure: F } => {
    closeFiles();
    return { ok: false, failure };
  };
  try {
    const database = openLedgerFile(path);
    files.push(database);
    if (!isBegun(database)) {
      const begun = inTransaction(database, () => beginApplication(database, genesis, crypto));
      if (!begun.ok) return refuse(begun.failure);
    }
    const writing = openApplication(database, genesis, crypto);
    if (!writing.ok) return refuse(writing.failure);
    const sound = writing.value.check();
    if (!sound.ok) return refuse(sound.failure);
    const following = openLedgerFileToFollow(path);
    files.push(following);
    const committed = openApplication(following, genesis, crypto);
    if (!committed.ok) return refuse(committed.failure);
    const application = new AbciApplication({ genesis, database, writing: writing.value, committed: committed.value, clock, keepBlocks });
    const server = await openAbciServer({ address, handle: (request) => application.handle(request), onFault });
    if (!server.ok) return refuse(server.failure);
    return ok({
      address: server.value.address,
      tip: () => committed.value.tip(),
      async close() {
        await server.value.close();
        application.close();
        closeFiles();
      },
    });
  } catch (error) {
    closeFiles();
    return storageFailure(error);
  }
}
