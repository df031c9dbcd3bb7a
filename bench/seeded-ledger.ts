import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openLedgerToMeasure, type EmbeddedLedger } from '../src/ledger/engines/embedded.ts';
import { decodeGenesis } from '../src/ledger/genesis.ts';
import { seedDistrict, seedResidentId, type SeedDistrict } from '../src/ledger/seed-district.ts';
import { seededFiles, seedLedger } from '../src/ledger/seed.ts';
import { stateKey } from '../src/ledger/verify/records.ts';

/** A folder that `imi ledger seed` filled. */
export interface SeededFolder {
  dir: string;
  seed: number;
  district: SeedDistrict;
  residents: number;
  entries: number;
  bytes: number;
  /** Unix milliseconds: after everything that happened in it. */
  nowMs: number;
}

const seed = 1;

/** Fills it where it is not there yet. `entries` counts the registrations too. */
export async function seededFolder(dir: string, { residents, entries }: { residents: number; entries: number }, say: (line: string) => void): Promise<SeededFolder> {
  if (!existsSync(dir)) {
    const seeded = await seedLedger({ dir, residents, requests: entries - residents, seed, clock: () => performance.now(), tell: (line) => say(`  ${line}`) });
    if (!seeded.ok) throw new Error(seeded.failure.detail);
  }
  const genesis = decodeGenesis(new Uint8Array(readFileSync(join(dir, seededFiles.genesis))));
  if (genesis?.chain !== `unsigned-${seed}`) throw new Error(`${dir} was not seeded with the number ${seed}`);
  const bytes = statSync(join(dir, seededFiles.ledger)).size;
  const folder = { dir, seed, district: seedDistrict(seed), residents, entries, bytes, nowMs: (genesis.time + 3 * 366 * 86_400) * 1000 };
  await expectSize(folder);
  return folder;
}

/** One that was there may be of another size than somebody says. */
async function expectSize(folder: SeededFolder): Promise<void> {
  const { dir, seed, residents, entries } = folder;
  const ledger = openSeeded(folder);
  const ends = await ledger.values([residents - 1, residents].map((index) => stateKey.resident(seedResidentId(seed, index))));
  const lastEntries = await ledger.entries(entries - 1, 2);
  await ledger.close();
  const [last, next] = ends.ok ? ends.value : [];
  const isOfSize = lastEntries.ok && lastEntries.value.length === 1 && last instanceof Uint8Array && next === null;
  if (!isOfSize) throw new Error(`${dir} is not a ledger of ${residents} residents and ${entries} entries`);
}

export function openSeeded({ dir, district, nowMs }: SeededFolder): EmbeddedLedger {
  const opened = openLedgerToMeasure({
    path: join(dir, seededFiles.ledger),
    genesis: district.genesis,
    validator: district.validator,
    clock: () => nowMs,
    heartbeatMs: 3_600_000,
  });
  if (!opened.ok) throw new Error(opened.failure.detail);
  return opened.value;
}
