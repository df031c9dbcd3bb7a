import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { layOutApplication, putTip } from './application.ts';
import { beginHeadGuard } from './engines/head-guard.ts';
import { storageFailure } from './engines/storage-failure.ts';
import { encodeGenesis } from './genesis.ts';
import { fillLog, type TransactionLog } from './log.ts';
import { nodeCrypto } from './node-crypto.ts';
import { notAfterSeconds, SeedCalendar, type SeedSize } from './seed-calendar.ts';
import { seedDistrict, seedResidentId, type SeedDistrict } from './seed-district.ts';
import { entriesInRound, type EntriesMessage, type EntriesSlab, type EntriesWork } from './seed-entries.ts';
import type { PagesMessage, PagesWork } from './seed-pages-worker.ts';
import { bitsOfFile, fileCount, sortedLeaves } from './seed-state.ts';
import { streamCount } from './seed-stream.ts';
import { SeedThread } from './seed-threads.ts';
import type { BuiltPage } from './state-build.ts';
import { mostInBucket } from './state-bucket.ts';
import { slotsOfBranch, type StateLeaf } from './state-path.ts';
import { StateTree } from './state-tree.ts';
import type { Id } from './verify/acts.ts';
import { compareBytes } from './verify/bytes.ts';

export interface SeedOptions extends SeedSize {
  /** Is made; must not be there. */
  dir: string;
  /** The ledger is the same with any number of them. Default: as many as the machine runs at once. */
  threads?: number;
  /** Milliseconds of a clock that only goes forward. */
  clock: () => number;
  tell: (line: string) => void;
}

export interface SeededLedger {
  entries: number;
  /** Keys of the state. */
  stateKeys: number;
  bytes: number;
  entriesMs: number;
  indexMs: number;
  stateMs: number;
}

export const seededFiles = { ledger: 'ledger.sqlite', genesis: 'genesis.cbor' } as const;

const entriesPerLine = 250_000;

/**
 * A ledger as large as a district's, to be measured: every entry is judged by the rules at a time and height of its own, and none is signed. Its genesis
 * and the chain's name say so, and nothing that verifies, founds or runs a chain takes it. The entries stand in no blocks: the chain begins after them.
 * Threads make entries and pages (seed-stream.ts), this one writes them, each table from its beginning to its end.
 */
export async function seedLedger(options: SeedOptions): Promise<Result<SeededLedger, Failure<'hub-storage'>>> {
  const { dir, seed, tell } = options;
  if (existsSync(dir)) return fail('hub-storage', 'the folder is there already');
  const district = seedDistrict(seed);
  const stateDir = join(dir, 'state');
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const database = openToFill(join(dir, seededFiles.ledger));
    try {
      const filled = await new Filling(options, district, stateDir, database).run();
      beginHeadGuard(join(dir, `${seededFiles.ledger}.signed`));
      writeFileSync(join(dir, seededFiles.genesis), encodeGenesis(district.genesis), { flag: 'wx', flush: true });
      database.exec('PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL; PRAGMA wal_checkpoint(TRUNCATE)');
      tell('The folder can be measured now.');
      return ok({ ...filled, bytes: statSync(join(dir, seededFiles.ledger)).size });
    } finally {
      database.close();
      rmSync(stateDir, { recursive: true, force: true });
    }
  } catch (error) {
    return storageFailure(error);
  }
}

/** Nothing is kept for a power failure: a filling that breaks off leaves a file in which no chain was begun, and which nobody opens. */
function openToFill(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144');
  return database;
}

class Filling {
  readonly #options: SeedOptions;
  readonly #district: SeedDistrict;
  readonly #calendar: SeedCalendar;
  readonly #streams: number;
  readonly #threads: number;
  readonly #stateDir: string;
  readonly #database: DatabaseSync;
  /** Of each entry behind the registrations. */
  readonly #subjects: Int32Array;
  readonly #remembered: { notAfter: number; id: Uint8Array }[] = [];
  /** Of the state's files. */
  readonly #counts = new Array<number>(fileCount).fill(0);

  constructor(options: SeedOptions, district: SeedDistrict, stateDir: string, database: DatabaseSync) {
    this.#options = options;
    this.#district = district;
    this.#calendar = new SeedCalendar(options, district.genesis);
    this.#streams = streamCount(options, district);
    this.#threads = Math.min(this.#streams, options.threads ?? availableParallelism());
    this.#stateDir = stateDir;
    this.#database = database;
    this.#subjects = new Int32Array(options.requests);
  }

  async run(): Promise<Omit<SeededLedger, 'bytes'>> {
    const { clock, tell, residents, seed } = this.#options;
    const { size } = this.#calendar;
    const begunMs = clock();
    let entriesMs = 0;
    const log = await fillLog(
      this.#database,
      nodeCrypto,
      async (empty) => {
        await this.#inTransaction(() => this.#appendAll(empty, begunMs));
        entriesMs = clock() - begunMs;
        tell(`${size} entries in ${Math.round(entriesMs / 1000)} s; making the indices`);
        this.#database.exec('BEGIN');
      },
      () => bySubject(seed, residents, this.#subjects),
    );
    this.#database.exec('COMMIT');
    const indexMs = clock() - begunMs - entriesMs;
    tell(`The indices in ${Math.round(indexMs / 1000)} s; building the state`);

    await this.#inTransaction(async () => {
      const tree = new StateTree(this.#database, nodeCrypto);
      await this.#buildState(tree);
      const start = this.#calendar.heightOf(size - 1);
      layOutApplication(this.#database, this.#district.genesis, start);
      const remember = this.#database.prepare('INSERT INTO remembered (not_after, id) VALUES (?, ?)');
      for (const { notAfter, id } of this.#remembered) remember.run(notAfter, id);
      putTip(this.#database, { height: start, timeMs: this.#calendar.timeOf(size) * 1000, logSize: size, logRoot: log.root(size), stateRoot: tree.root() });
    });
    const stateMs = clock() - begunMs - entriesMs - indexMs;
    const stateKeys = this.#counts.reduce((sum, count) => sum + count, 0);
    tell(`${stateKeys} keys of the state in ${Math.round(stateMs / 1000)} s`);
    return { entries: size, stateKeys, entriesMs, indexMs, stateMs };
  }

  async #inTransaction(work: () => Promise<void>): Promise<void> {
    this.#database.exec('BEGIN');
    await work();
    this.#database.exec('COMMIT');
  }

  async #appendAll(log: TransactionLog, begunMs: number): Promise<void> {
    const { seed, residents, requests, clock, tell } = this.#options;
    const size: SeedSize = { seed, residents, requests };
    const threads = this.#dirs().map((dir, thread) => {
      const own = Array.from({ length: this.#streams }, (_, stream) => stream).filter((stream) => stream % this.#threads === thread);
      const work: EntriesWork = { size, own, isFirst: thread === 0, dir };
      return new SeedThread<EntriesMessage>('seed-entries-worker.ts', work);
    });
    try {
      for (let from = 0; from < this.#calendar.size; from += entriesInRound) {
        const slabs: EntriesSlab[] = [];
        for (const [thread, message] of (await Promise.all(threads.map((one) => one.next()))).entries()) {
          if (!('slabs' in message)) throw new Error('a thread that ended too early');
          for (const [i, slab] of message.slabs.entries()) slabs[i * this.#threads + thread] = slab;
        }
        this.#appendRound(log, from, slabs);
        const done = Math.min(from + entriesInRound, this.#calendar.size);
        if (Math.floor(done / entriesPerLine) > Math.floor(from / entriesPerLine)) tell(`${done} of ${this.#calendar.size} entries, ${Math.round(done / ((clock() - begunMs) / 1000))} a second`);
      }
      for (const message of await Promise.all(threads.map((one) => one.next()))) {
        if (!('counts' in message)) throw new Error('a thread that did not end');
        for (const [file, count] of message.counts.entries()) this.#counts[file] = (this.#counts[file] ?? 0) + count;
      }
    } finally {
      await Promise.all(threads.map((thread) => thread.end()));
    }
  }

  #appendRound(log: TransactionLog, from: number, slabs: readonly EntriesSlab[]): void {
    const ats = slabs.map(() => 0);
    const to = Math.min(from + entriesInRound, this.#calendar.size);
    const { firstRemembered } = this.#calendar;
    for (let index = from; index < to; index++) {
      const stream = index % this.#streams;
      const slab = slabs[stream];
      const i = Math.floor((index - from) / this.#streams);
      const at = ats[stream] ?? 0;
      const end = at + (slab?.lengths[i] ?? 0);
      if (slab === undefined) throw new Error('a round without one of its streams');
      ats[stream] = end;
      const transaction = slab.ids.subarray(32 * i, 32 * i + 32);
      log.appendHashed({ index, transaction, envelope: slab.envelopes.subarray(at, end), height: this.#calendar.heightOf(index) }, slab.leaves.slice(32 * i, 32 * i + 32));
      if (index >= this.#options.residents) this.#subjects[index - this.#options.residents] = slab.subjects[i] ?? 0;
      if (index >= firstRemembered) this.#remembered.push({ notAfter: this.#calendar.timeOf(index) + notAfterSeconds, id: transaction.slice() });
    }
  }

  #dirs(): string[] {
    return Array.from({ length: this.#threads }, (_, thread) => join(this.#stateDir, String(thread)));
  }

  async #buildState(tree: StateTree): Promise<void> {
    if (!this.#isLarge()) {
      tree.build(this.#allLeaves());
      return;
    }
    const threads = this.#dirs().map((_, thread) => {
      const own = Array.from({ length: fileCount }, (_, file) => file).filter((file) => file % this.#threads === thread);
      const work: PagesWork = { dirs: this.#dirs(), own };
      return new SeedThread<PagesMessage>('seed-pages-worker.ts', work);
    });
    try {
      const all: BuiltPage[] = [];
      for (let file = 0; file < fileCount; file++) {
        const thread = threads[file % this.#threads];
        let built: BuiltPage | null = null;
        while (thread !== undefined && built === null) {
          const message = await thread.next();
          const { ids, lengths, contents } = message;
          let at = 0;
          for (const [i, id] of ids.entries()) {
            const end = at + (lengths[i] ?? 0);
            tree.putPage(id, contents.subarray(at, end));
            at = end;
          }
          built = message.built;
        }
        if (built !== null) all.push(built);
      }
      tree.buildAbove(bitsOfFile, all);
    } finally {
      await Promise.all(threads.map((thread) => thread.end()));
    }
  }

  /** Whether all pages above the files' prefixes are branches. */
  #isLarge(): boolean {
    const counts = Array.from({ length: fileCount / slotsOfBranch }, (_, i) => this.#counts.slice(i * slotsOfBranch, (i + 1) * slotsOfBranch).reduce((sum, count) => sum + count, 0));
    return counts.every((count) => count > mostInBucket);
  }

  *#allLeaves(): Generator<StateLeaf> {
    for (let file = 0; file < fileCount; file++) yield* sortedLeaves(this.#dirs(), file);
  }
}

/** Positions of each resident's entries, residents in the order of their ids. */
function* bySubject(seed: number, residents: number, subjects: Int32Array): Generator<[Id, number]> {
  const ids = Array.from({ length: residents }, (_, index) => seedResidentId(seed, index));
  const order = Array.from(ids.keys()).sort((one, other) => compareBytes(ids[one] ?? new Uint8Array(), ids[other] ?? new Uint8Array()));
  const begins = new Int32Array(residents + 1);
  for (const subject of subjects) begins[subject + 1] = (begins[subject + 1] ?? 0) + 1;
  for (let i = 0; i < residents; i++) begins[i + 1] = (begins[i + 1] ?? 0) + (begins[i] ?? 0);
  const ends = begins.slice();
  const positions = new Int32Array(subjects.length);
  for (const [at, subject] of subjects.entries()) {
    const place = ends[subject] ?? 0;
    positions[place] = residents + at;
    ends[subject] = place + 1;
  }
  for (const subject of order) {
    const id = ids[subject];
    for (let at = begins[subject] ?? 0; id !== undefined && at < (begins[subject + 1] ?? 0); at++) yield [id, positions[at] ?? 0];
  }
}
