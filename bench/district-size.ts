import { join } from 'node:path';
import { inTransaction } from '../src/ledger/engines/transaction.ts';
import { openLedgerFile } from '../src/ledger/engines/ledger-file.ts';
import { nodeCrypto } from '../src/ledger/node-crypto.ts';
import { seededFiles } from '../src/ledger/seed.ts';
import { seedResidentId } from '../src/ledger/seed-district.ts';
import { StateTree } from '../src/ledger/state-tree.ts';
import { stateKey } from '../src/ledger/verify/records.ts';
import { openSeeded, type SeededFolder } from './seeded-ledger.ts';
import { median } from './statistics.ts';

export interface SizeFigures {
  startMs: number;
  lookUpMs: number;
  updateMs: number;
  bytesPerEntry: number;
}

const starts = 5;
const lookUps = 4000;
const blocks = 40;
const updatesInBlock = 100;

/** What depends on how much a ledger holds. Medians; the file is what the system's page cache makes of it. */
export async function sizeFigures(folder: SeededFolder): Promise<SizeFigures> {
  const startMs: number[] = [];
  // The first start of a seeded file makes its first block.
  await openSeeded(folder).close();
  for (let i = 0; i < starts; i++) {
    const begun = performance.now();
    const ledger = openSeeded(folder);
    startMs.push(performance.now() - begun);
    await ledger.close();
  }
  const ledger = openSeeded(folder);
  const lookUpMs: number[] = [];
  for (const key of someResidents(folder, lookUps)) {
    const begun = performance.now();
    const read = await ledger.read([key]);
    lookUpMs.push(performance.now() - begun);
    if (!read.ok || read.value.entries[0]?.value === null) throw new Error('a resident is not there');
  }
  await ledger.close();
  const { bytes, entries } = folder;
  return { startMs: median(startMs), lookUpMs: median(lookUpMs), updateMs: median(updates(folder)), bytesPerEntry: bytes / entries };
}

const someResidents = ({ seed, residents }: SeededFolder, count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => stateKey.resident(seedResidentId(seed, (i * 7919) % residents)));

/** Milliseconds an update in blocks of a hundred, without the commit, which is the disk's; everything is rolled back. */
function updates(folder: SeededFolder): number[] {
  const database = openLedgerFile(join(folder.dir, seededFiles.ledger));
  const tree = new StateTree(database, nodeCrypto);
  const keys = someResidents(folder, blocks * updatesInBlock);
  const found: number[] = [];
  class Undone extends Error {}
  try {
    inTransaction(database, () => {
      for (let block = 0; block < blocks; block++) {
        const changed = keys.slice(block * updatesInBlock, (block + 1) * updatesInBlock);
        const begun = performance.now();
        tree.update(changed.map((key) => ({ key, value: new Uint8Array(280).fill(block) })));
        found.push((performance.now() - begun) / updatesInBlock);
      }
      throw new Undone();
    });
  } catch (error) {
    if (!(error instanceof Undone)) throw error;
  } finally {
    database.close();
  }
  return found;
}
