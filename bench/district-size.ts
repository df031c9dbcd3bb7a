import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { EmbeddedLedger } from '../src/ledger/engines/embedded.ts';
import { openLedgerFile } from '../src/ledger/engines/ledger-file.ts';
import { nodeCrypto } from '../src/ledger/node-crypto.ts';
import { seededFiles } from '../src/ledger/seed.ts';
import { seedResidentId } from '../src/ledger/seed-district.ts';
import { StateTree } from '../src/ledger/state-tree.ts';
import { stateKey } from '../src/ledger/verify/records.ts';
import { openSeeded, type SeededFolder } from './seeded-ledger.ts';
import { median } from './statistics.ts';

/** Of two ledgers that are measured in turns, so that what else the machine does meets both. */
export type OfBoth<T> = readonly [many: T, few: T];

export interface SizeFigures {
  startMs: OfBoth<number>;
  lookUpMs: OfBoth<number>;
  updateMs: OfBoth<number>;
}

const starts = 5;
const lookUpsInRound = 100;
const updatesInBlock = 100;
const rounds = 40;

/** What depends on how much a ledger holds. Medians; both files were read through once before, so they lie in the system's page cache where it has room for them. */
export async function sizeFigures(...both: OfBoth<SeededFolder>): Promise<SizeFigures> {
  // The first start of a seeded file makes its first block.
  for (const folder of both) await openSeeded(folder).close();
  const [many, few] = both;
  for (const folder of both) readThrough(join(folder.dir, seededFiles.ledger));
  const startMs = await inTurns(starts, [() => start(many), () => start(few)]);

  const ledgers = [openSeeded(many), openSeeded(few)] as const;
  const lookUpMs = await inTurns(rounds, [(round) => lookUps(ledgers[0], many, round), (round) => lookUps(ledgers[1], few, round)]);
  for (const ledger of ledgers) await ledger.close();

  const files = [openToUpdate(many), openToUpdate(few)] as const;
  const updateMs = await inTurns(rounds, [(round) => files[0].update(round), (round) => files[1].update(round)]);
  for (const file of files) file.undo();
  return { startMs, lookUpMs, updateMs };
}

function readThrough(path: string): void {
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(4 * 1024 * 1024);
  while (readSync(file, buffer) > 0);
  closeSync(file);
}

type Measurement = (round: number) => number[] | Promise<number[]>;

async function inTurns(times: number, [many, few]: OfBoth<Measurement>): Promise<OfBoth<number>> {
  const found: OfBoth<number[]> = [[], []];
  for (let round = 0; round < times; round++) {
    found[0].push(...(await many(round)));
    found[1].push(...(await few(round)));
  }
  return [median(found[0]), median(found[1])];
}

async function start(folder: SeededFolder): Promise<number[]> {
  const begun = performance.now();
  const ledger = openSeeded(folder);
  const ms = performance.now() - begun;
  await ledger.close();
  return [ms];
}

async function lookUps(ledger: EmbeddedLedger, folder: SeededFolder, round: number): Promise<number[]> {
  const found: number[] = [];
  for (const key of someResidents(folder, round, lookUpsInRound)) {
    const begun = performance.now();
    const read = await ledger.read([key]);
    found.push(performance.now() - begun);
    if (!read.ok || read.value.entries[0]?.value === null) throw new Error('a resident is not there');
  }
  return found;
}

/** Milliseconds an update, in blocks, without the commit, which is the disk's; in the end nothing of it stays. */
function openToUpdate(folder: SeededFolder): { update: Measurement; undo: () => void } {
  const database = openLedgerFile(join(folder.dir, seededFiles.ledger));
  const tree = new StateTree(database, nodeCrypto);
  database.exec('BEGIN');
  return {
    update: (block) => {
      const changes = someResidents(folder, block, updatesInBlock).map((key) => ({ key, value: new Uint8Array(280).fill(block) }));
      const begun = performance.now();
      tree.update(changes);
      return [(performance.now() - begun) / updatesInBlock];
    },
    undo: () => {
      database.exec('ROLLBACK');
      database.close();
    },
  };
}

/** Others in each round, from everywhere. */
const someResidents = ({ seed, residents }: SeededFolder, round: number, count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => stateKey.resident(seedResidentId(seed, ((round * count + i) * 7919) % residents)));
