import { parentPort, workerData } from 'node:worker_threads';
import { genesisState } from './genesis.ts';
import { nodeCrypto } from './node-crypto.ts';
import { SeedCalendar } from './seed-calendar.ts';
import { seedDistrict } from './seed-district.ts';
import { entriesInRound, type EntriesMessage, type EntriesSlab, type EntriesWork } from './seed-entries.ts';
import { SeedState } from './seed-state.ts';
import { SeedStream, streamCount, type SeedEntry } from './seed-stream.ts';
import { waitUntilWanted, type Taken } from './seed-threads.ts';
import { keyName } from './state.ts';
import { stateKey } from './verify/records.ts';

const { size, own, isFirst, dir, taken } = workerData as EntriesWork & { taken: Taken };
const district = seedDistrict(size.seed);
const streams = streamCount(size, district);
const calendar = new SeedCalendar(size, district.genesis);
const begin = genesisState(district.genesis, nodeCrypto);
if (!begin.ok) throw new Error(`the seeded genesis is refused: ${begin.failure.code}`);
const state = new SeedState(dir, nodeCrypto);
for (const { key, value } of begin.value) state.put(key, value);
const running = own.map((number) => ({ number, stream: new SeedStream(size, number, state) }));

let round = 0;
for (let from = 0; from < calendar.size; from += entriesInRound, round++) {
  const to = Math.min(from + entriesInRound, calendar.size);
  const slabs = running.map(({ number, stream }) => {
    const entries: SeedEntry[] = [];
    for (let index = from + number; index < to; index += streams) entries.push(stream.take(index));
    return slabOf(entries);
  });
  waitUntilWanted(taken, round);
  const message: EntriesMessage = { slabs };
  parentPort?.postMessage(message, slabs.flatMap(({ ids, leaves, subjects, lengths, envelopes }) => [ids, leaves, subjects, lengths, envelopes].map(({ buffer }) => buffer)));
}
for (const { stream } of running) stream.forget(calendar.timeOf(calendar.size - 1));

const ofGenesis = new Set(begin.value.map(({ key }) => keyName(key)));
const kioskOf = (stream: number): string => keyName(stateKey.kiosk(district.kiosks[stream]?.id ?? ''));
const changed = new Set(Array.from({ length: streams }, (_, stream) => kioskOf(stream)));
const ownKiosks = new Set(own.map(kioskOf));
state.close((name) => ofGenesis.has(name) && !ownKiosks.has(name) && (!isFirst || changed.has(name)));
const last: EntriesMessage = { counts: state.counts };
parentPort?.postMessage(last);

function slabOf(entries: readonly SeedEntry[]): EntriesSlab {
  const count = entries.length;
  const slab: EntriesSlab = {
    ids: new Uint8Array(32 * count),
    leaves: new Uint8Array(32 * count),
    subjects: new Int32Array(count),
    lengths: new Int32Array(count),
    envelopes: new Uint8Array(entries.reduce((sum, { envelope }) => sum + envelope.length, 0)),
  };
  let at = 0;
  for (const [i, { id, leaf, subject, envelope }] of entries.entries()) {
    slab.ids.set(id, 32 * i);
    slab.leaves.set(leaf, 32 * i);
    slab.subjects[i] = subject;
    slab.lengths[i] = envelope.length;
    slab.envelopes.set(envelope, at);
    at += envelope.length;
  }
  return slab;
}
