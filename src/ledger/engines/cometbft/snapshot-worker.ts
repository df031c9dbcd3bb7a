import { workerData } from 'node:worker_threads';
import { openApplication } from '../../application.ts';
import { decodeGenesis } from '../../genesis.ts';
import { nodeCrypto } from '../../node-crypto.ts';
import { snapshotChunks } from '../../snapshot.ts';
import { openLedgerFileToRead } from '../ledger-file.ts';
import { writeSnapshot, type SnapshotWork } from './snapshot-store.ts';

/** A thread of its own: one read transaction sees one height, whatever is committed meanwhile. */
const { ledgerPath, folder, genesis: bytes } = workerData as SnapshotWork;
const genesis = decodeGenesis(bytes);
if (genesis === undefined) throw new Error('the genesis did not arrive whole');
const database = openLedgerFileToRead(ledgerPath);
const application = openApplication(database, genesis, nodeCrypto);
if (!application.ok) throw new Error(application.failure.detail);
writeSnapshot(folder, application.value.tip().height, snapshotChunks(database, genesis, nodeCrypto), nodeCrypto);
database.close();
