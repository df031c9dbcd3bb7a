import { readdirSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TransactionLog } from '../../../src/ledger/log.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { utf8 } from '../../../src/ledger/verify/bytes.ts';
import { leafHash, merkleRoot, verifyConsistency, verifyInclusion } from '../../../src/ledger/verify/merkle-log.ts';
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
