import { readdirSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LedgerDamage } from '../../../src/ledger/damage.ts';
import { TransactionLog, type LogEntry } from '../../../src/ledger/log.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { equalBytes, utf8 } from '../../../src/ledger/verify/bytes.ts';
import { leafHash, merkleRoot, rangeRoot, verifyConsistency, verifyInclusion } from '../../../src/ledger/verify/merkle-log.ts';
import { haveVectors, readVector, vectorPath, vectorsReason } from '../vectors.ts';

const base64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

function filesBelow(folder: string): string[] {
  return readdirSync(vectorPath(folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(vectorPath('').length));
}

describe.skipIf(!haveVectors)(`published proofs, good and damaged${vectorsReason}`, () => {
  interface Inclusion {
    leafIdx: number;
    treeSize: number;
    root: string;
    leafHash: string;
    proof: string[] | null;
    wantErr: boolean;
  }
  test.each(haveVectors ? filesBelow('merkle/testdata/inclusion') : [])('%s', (file) => {
    const vector = readVector<Inclusion>(file);
    const { leafIdx: index, treeSize: size, proof, wantErr } = vector;
    const path = (proof ?? []).map(base64);
    expect(verifyInclusion({ leaf: base64(vector.leafHash), index, size, path, root: base64(vector.root) }, nodeCrypto)).toBe(!wantErr);
  });

  interface Consistency {
    size1: number;
    size2: number;
    root1: string;
    root2: string;
    proof: string[] | null;
    wantErr: boolean;
  }
  test.each(haveVectors ? filesBelow('merkle/testdata/consistency') : [])('%s', (file) => {
    const { size1, size2, root1, root2, proof, wantErr } = readVector<Consistency>(file);
    const path = (proof ?? []).map(base64);
    const proven = { first: size1, second: size2, firstRoot: base64(root1), secondRoot: base64(root2), path };
    expect(verifyConsistency(proven, nodeCrypto)).toBe(!wantErr);
  });
});

/** With a log of so many entries of its own, and the hashes of its leaves. */
function filledLog(count: number, database = new DatabaseSync(':memory:')): { log: TransactionLog; database: DatabaseSync; leaves: Uint8Array[] } {
  const log = new TransactionLog(database, nodeCrypto);
  const leaves: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    log.append(entryAt(index));
    leaves.push(leafHash(entryAt(index).envelope, nodeCrypto));
  }
  return { log, database, leaves };
}

function entryAt(index: number, text = 'envelope'): LogEntry {
  const envelope = utf8(`${text} ${index}`);
  return { index, transaction: nodeCrypto.sha256(envelope), envelope, height: index + 1 };
}

test('over groups of hashes of several layers, roots and proofs are those of the definition', () => {
  const { log, database, leaves } = filledLog(600);
  const other = new TransactionLog(database, nodeCrypto);
  for (const size of [1, 15, 16, 17, 255, 256, 257, 512, 599, 600]) {
    const root = merkleRoot(leaves.slice(0, size), nodeCrypto);
    expect(other.root(size)).toEqual(root);
    for (const index of [0, Math.floor(size / 2), size - 1]) {
      const proven = { leaf: leaves[index] ?? new Uint8Array(), index, size, path: other.inclusionPath(index, size), root };
      expect(verifyInclusion(proven, nodeCrypto)).toBe(true);
    }
    expect(verifyConsistency({ first: size, second: 600, firstRoot: root, secondRoot: log.root(600), path: log.consistencyPath(size, 600) }, nodeCrypto)).toBe(true);
  }
  for (const [level, position] of [[0, 3], [1, 9], [3, 2], [4, 7], [5, 1], [8, 1]] as const) {
    expect(other.subtreeHash(level, position)).toEqual(merkleRoot(leaves.slice(position * 2 ** level, (position + 1) * 2 ** level), nodeCrypto));
  }
});

test('what was appended and rolled back is forgotten', () => {
  for (const size of [14, 15, 16, 255, 256]) {
    const { log, database, leaves } = filledLog(size);
    const before = log.root(size);
    database.exec('BEGIN');
    for (let i = 0; i < 3; i++) log.append(entryAt(size + i, 'never'));
    expect(log.size()).toBe(size + 3);
    log.root(size + 3);
    database.exec('ROLLBACK');
    expect(log.root(size)).toEqual(before);
    for (let i = 0; i < 3; i++) log.append(entryAt(size + i));
    const all = [...leaves, ...[0, 1, 2].map((i) => leafHash(entryAt(size + i).envelope, nodeCrypto))];
    expect(log.root(size + 3)).toEqual(merkleRoot(all, nodeCrypto));
    expect(new TransactionLog(database, nodeCrypto).root(size + 3)).toEqual(log.root(size + 3));
  }
});

test('a changed entry or hash is damage to whoever asks for it, and never handed out', () => {
  const { database } = filledLog(300);
  const open = (): TransactionLog => new TransactionLog(database, nodeCrypto);
  database.exec("UPDATE log_leaf SET envelope = x'00' WHERE position = 40");
  expect(() => open().at(40)).toThrow(LedgerDamage);
  expect(() => open().find(entryAt(40).transaction)).toThrow('log entry 40 is damaged');
  expect(open().at(41)).toEqual(entryAt(41));
  const groups = database.prepare('SELECT id, hashes FROM log_group').all() as { id: number; hashes: Uint8Array }[];
  expect(groups).toHaveLength(19);
  const root = open().root(300);
  for (const { id, hashes } of groups) {
    const changed = hashes.slice();
    changed[70] = (changed[70] ?? 0) ^ 4;
    database.prepare('UPDATE log_group SET hashes = ? WHERE id = ?').run(changed, id);
    const noticed = Array.from({ length: 300 }, (_, index) => {
      try {
        const log = open();
        return !verifyInclusion({ leaf: log.leafHashAt(index), index, size: 300, path: log.inclusionPath(index, 300), root }, nodeCrypto) ? 'wrong' : 'right';
      } catch (error) {
        return error instanceof LedgerDamage ? 'damage' : 'bug';
      }
    });
    // A group below the edge fails its own hash; one that the edge follows from changes the root, which no signed block has.
    expect(noticed.includes('damage') || !equalBytes(open().root(300), root)).toBe(true);
    expect(noticed).not.toContain('bug');
    database.prepare('UPDATE log_group SET hashes = ? WHERE id = ?').run(hashes, id);
  }
});

test('entries that touch a resident are found, in order, up to a size', () => {
  const log = new TransactionLog(new DatabaseSync(':memory:'), nodeCrypto);
  const [lin, mei] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];
  for (let index = 0; index < 40; index++) log.append(entryAt(index), index % 7 === 0 ? [lin, mei] : index % 3 === 0 ? [mei] : []);
  expect(log.touching(lin, 40)).toEqual([0, 7, 14, 21, 28, 35]);
  expect(log.touching(lin, 14)).toEqual([0, 7]);
  expect(log.touching(mei, 10)).toEqual([0, 3, 6, 7, 9]);
  expect(log.touching(new Uint8Array(16), 40)).toEqual([]);
});

test('the log proves every entry at every size, and every size against every later one', () => {
  const database = new DatabaseSync(':memory:');
  const log = new TransactionLog(database, nodeCrypto);
  const leaves: Uint8Array[] = [];
  const roots = [log.root(0)];
  for (let index = 0; index < 21; index++) {
    const envelope = utf8(`envelope ${index}`);
    log.append({ index, transaction: nodeCrypto.sha256(envelope), envelope, height: index + 1 });
    leaves.push(leafHash(envelope, nodeCrypto));
    expect(log.root(index + 1)).toEqual(merkleRoot(leaves, nodeCrypto));
    roots.push(log.root(index + 1));
  }
  for (let size = 1; size <= leaves.length; size++) {
    const root = roots[size] ?? new Uint8Array();
    for (let index = 0; index < size; index++) {
      const proven = { leaf: leaves[index] ?? new Uint8Array(), index, size, path: log.inclusionPath(index, size), root };
      expect(verifyInclusion(proven, nodeCrypto)).toBe(true);
      expect(verifyInclusion({ ...proven, index: (index + 1) % (size + 1) }, nodeCrypto)).toBe(false);
    }
    for (let first = 1; first <= size; first++) {
      const proven = { first, second: size, firstRoot: roots[first] ?? root, secondRoot: root, path: log.consistencyPath(first, size) };
      expect(verifyConsistency(proven, nodeCrypto)).toBe(true);
      expect(verifyConsistency({ ...proven, firstRoot: roots[first - 1] ?? root }, nodeCrypto)).toBe(false);
    }
  }
  expect(log.size()).toBe(21);
});

test('entries one behind the other lead to the root with the paths of the first and the last, and no others do', () => {
  const database = new DatabaseSync(':memory:');
  const log = new TransactionLog(database, nodeCrypto);
  const leaves: Uint8Array[] = [];
  for (let index = 0; index < 21; index++) {
    const envelope = utf8(`envelope ${index}`);
    log.append({ index, transaction: nodeCrypto.sha256(envelope), envelope, height: index + 1 });
    leaves.push(leafHash(envelope, nodeCrypto));
  }
  for (const size of [1, 2, 7, 8, 20, 21]) {
    const root = log.root(size);
    for (let first = 0; first < size; first++) {
      for (let end = first + 1; end <= size; end++) {
        const range = { leaves: leaves.slice(first, end), first, size, firstPath: log.inclusionPath(first, size), lastPath: log.inclusionPath(end - 1, size) };
        const isRoot = (change: Partial<typeof range>): boolean => equalBytes(rangeRoot({ ...range, ...change }, nodeCrypto) ?? new Uint8Array(), root);
        expect(isRoot({})).toBe(true);
        const { leaves: own } = range;
        expect(isRoot({ leaves: own.with(Math.floor(own.length / 2), new Uint8Array(32)) })).toBe(false);
        if (own.length > 2) {
          expect(isRoot({ leaves: own.toSpliced(1, 1) }), 'one left out').toBe(false);
          expect(isRoot({ leaves: [own[1] ?? own[0]!, own[0]!, ...own.slice(2)] }), 'two swapped').toBe(false);
        }
        if (size > 1) expect(isRoot({ firstPath: [...range.firstPath, new Uint8Array(32)] })).toBe(false);
        expect(isRoot({ first: first + 1 })).toBe(false);
      }
    }
  }
  expect(rangeRoot({ leaves: [], first: 0, size: 3, firstPath: [], lastPath: [] }, nodeCrypto)).toBeUndefined();
});
