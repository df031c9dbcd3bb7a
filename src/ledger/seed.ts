import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { layOutApplication, putTip } from './application.ts';
import { beginHeadGuard } from './engines/head-guard.ts';
import { storageFailure } from './engines/storage-failure.ts';
import { encodeGenesis, genesisState } from './genesis.ts';
import { fillLog, type TransactionLog } from './log.ts';
import { nodeCrypto } from './node-crypto.ts';
import { judgeOpened } from './rules.ts';
import { seedDistrict, seedResidentId, type SeedDistrict } from './seed-district.ts';
import { SeededLife, type SeededTransaction } from './seed-life.ts';
import { SeedState } from './seed-state.ts';
import { StateTree } from './state-tree.ts';
import type { Id } from './verify/acts.ts';
import { compareBytes, toHex } from './verify/bytes.ts';
import type { Crypto } from './verify/crypto.ts';
import { assembleEnvelope, encodeBody, keyId, type EnvelopeSigner } from './verify/envelope.ts';
import { stateKey } from './verify/records.ts';

export interface SeedOptions {
  /** Is made; must not be there. */
  dir: string;
  residents: number;
  /** Log entries beside the registrations: requests with their grants, their steps, and reads. */
  requests: number;
  /** The same number, the same ledger. */
  seed: number;
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

/** What the engines take in one block at most. */
const inBlock = 500;
/** The seeded past: two years. */
const pastSeconds = 2 * 366 * 86_400;
const entriesPerCommit = 50_000;
const entriesPerLine = 250_000;

const noSignature = new Uint8Array(64);
/** The rules as they are, but for the two checks that take a signature or a real key. */
const unsigned: { crypto: Crypto; isSoundKey: () => boolean } = {
  crypto: { sha256: (bytes) => nodeCrypto.sha256(bytes), verify: () => true },
  isSoundKey: () => true,
};

/**
 * A ledger as large as a district's, to be measured: every entry is judged by the rules at a time and height of its own, and none is signed. Its genesis
 * and the chain's name say so, and nothing that verifies, founds or runs a chain takes it. The entries stand in no blocks: the chain begins after them.
 */
export function seedLedger(options: SeedOptions): Result<SeededLedger, Failure<'hub-storage'>> {
  const { dir, seed, tell } = options;
  if (existsSync(dir)) return fail('hub-storage', 'the folder is there already');
  const district = seedDistrict(seed);
  const begin = genesisState(district.genesis, nodeCrypto);
  if (!begin.ok) throw new Error(`the seeded genesis is refused: ${begin.failure.code}`);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const state = new SeedState(join(dir, 'state'), nodeCrypto);
    const database = openToFill(join(dir, seededFiles.ledger));
    try {
      state.apply(begin.value, () => false);
      const filled = fill(options, district, state, database);
      beginHeadGuard(join(dir, `${seededFiles.ledger}.signed`));
      writeFileSync(join(dir, seededFiles.genesis), encodeGenesis(district.genesis), { flag: 'wx', flush: true });
      database.exec('PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL; PRAGMA wal_checkpoint(TRUNCATE)');
      tell('The folder can be measured now.');
      return ok({ ...filled, bytes: statSync(join(dir, seededFiles.ledger)).size });
    } finally {
      database.close();
      state.close();
    }
  } catch (error) {
    return storageFailure(error);
  }
}

/** Nothing is kept for a power failure: a filling that breaks off leaves a file in which no chain was begun, and which nobody opens. */
function openToFill(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144');
  return database;
}

function fill({ residents, requests, seed, clock, tell }: SeedOptions, district: SeedDistrict, state: SeedState, database: DatabaseSync): Omit<SeededLedger, 'bytes'> {
  const { genesis } = district;
  const size = residents + requests;
  const life = new SeededLife(seed, district, { residents, requests });
  const subjects = new Int32Array(requests);
  const remembered: { notAfter: number; id: Uint8Array }[] = [];
  let forgotten = 0;
  const timeOf = (index: number): number => genesis.time + 1 + Math.floor((index / size) * pastSeconds);
  const heightOf = (index: number): number => 1 + Math.floor(index / inBlock);
  const begunMs = clock();

  const append = (log: TransactionLog, index: number, { body, signers, subject, finished }: SeededTransaction, isFinal: (name: string) => boolean): void => {
    const bodyBytes = encodeBody(body);
    const id = nodeCrypto.sha256(bodyBytes);
    const place = { chain: genesis.chain, height: heightOf(index), time: timeOf(index), logIndex: index };
    const judged = judgeOpened(state, { id, body, bodyBytes, signers: signers.map(unsignedBy) }, place, unsigned);
    if (!judged.ok) throw new Error(`seeded entry ${index} is refused: ${judged.failure.code} ${judged.failure.detail ?? ''}`);
    state.apply(judged.value.changes, isFinal);
    if (index >= residents) subjects[index - residents] = subject;
    if (finished !== null) {
      state.finish(stateKey.grant(finished.grant));
      state.finish(stateKey.request(finished.request));
    }
    log.append({ index, transaction: id, envelope: assembleEnvelope(bodyBytes, signers.map((key) => ({ key, signature: noSignature })), nodeCrypto), height: place.height });
    remembered.push({ notAfter: body.notAfter, id });
    for (let due = remembered[forgotten]; due !== undefined && due.notAfter < place.time; due = remembered[forgotten]) {
      state.apply([{ key: stateKey.tx(due.id), value: null }], () => false);
      forgotten += 1;
    }
    if (forgotten > 100_000) {
      remembered.splice(0, forgotten);
      forgotten = 0;
    }
  };

  const appendAll = (log: TransactionLog): void => {
    database.exec('BEGIN');
    for (let index = 0; index < size; index++) {
      const transaction = index < residents ? life.register(index, timeOf(index)) : life.next(timeOf(index));
      append(log, index, transaction, index < residents ? finalAtRegistration(transaction) : finalAfter);
      if ((index + 1) % entriesPerCommit === 0) database.exec('COMMIT; BEGIN');
      if ((index + 1) % entriesPerLine === 0) tell(`${index + 1} of ${size} entries, ${Math.round((index + 1) / ((clock() - begunMs) / 1000))} a second`);
    }
    database.exec('COMMIT');
  };

  let entriesMs = 0;
  const log = fillLog(
    database,
    nodeCrypto,
    (empty) => {
      appendAll(empty);
      entriesMs = clock() - begunMs;
      tell(`${size} entries in ${Math.round(entriesMs / 1000)} s; making the indices`);
      database.exec('BEGIN');
    },
    () => bySubject(seed, residents, subjects),
  );
  database.exec('COMMIT');
  const indexMs = clock() - begunMs - entriesMs;
  tell(`The indices in ${Math.round(indexMs / 1000)} s; building the state`);

  database.exec('BEGIN');
  const tree = new StateTree(database, nodeCrypto);
  tree.build(state.leaves());
  const start = heightOf(size - 1);
  layOutApplication(database, genesis, start);
  const remember = database.prepare('INSERT INTO remembered (not_after, id) VALUES (?, ?)');
  for (const { notAfter, id } of remembered.slice(forgotten)) remember.run(notAfter, id);
  putTip(database, { height: start, timeMs: timeOf(size) * 1000, logSize: size, logRoot: log.root(size), stateRoot: tree.root() });
  database.exec('COMMIT');
  const stateMs = clock() - begunMs - entriesMs - indexMs;
  tell(`${state.count} keys of the state in ${Math.round(stateMs / 1000)} s`);
  return { entries: size, stateKeys: state.count, entriesMs, indexMs, stateMs };
}

const unsignedBy = (key: SeededTransaction['signers'][number]): EnvelopeSigner => ({ alg: -19, kid: keyId(key, nodeCrypto), input: new Uint8Array(), signature: noSignature });

/** A read is never asked for again; of a card's keys only the one that signs. */
const finalAfter = (name: string): boolean => name.startsWith('access/');

function finalAtRegistration({ signers }: SeededTransaction): (name: string) => boolean {
  const signing = signers.map((key) => `key/${toHex(keyId(key, nodeCrypto))}`);
  return (name) => name.startsWith('key/') && !signing.includes(name);
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
