import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { TransactionLog } from '../../src/ledger/log.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { utf8 } from '../../src/ledger/verify/bytes.ts';
import { leafHash, merkleRoot } from '../../src/ledger/verify/merkle-log.ts';

const envelope = (index: number): Uint8Array => utf8(`entry ${index}`);
const rootOf = (size: number): Uint8Array => merkleRoot(Array.from({ length: size }, (_, index) => leafHash(envelope(index), nodeCrypto)), nodeCrypto);

test.each([
  { name: 'the entry', at: 20, table: 'log_leaf', when: 'new.position = 20' },
  { name: 'the group that it fills', at: 15, table: 'log_group', when: 'TRUE' },
  { name: 'the group above that one', at: 255, table: 'log_group', when: 'new.id & 1' },
])('what the disk refuses in the middle of an entry leaves nothing behind: $name', ({ at, table, when }) => {
  const database = new DatabaseSync(':memory:');
  const log = new TransactionLog(database, nodeCrypto);
  const append = (index: number): void => log.append({ index, transaction: nodeCrypto.sha256(envelope(index)), envelope: envelope(index), height: 1 });
  for (let index = 0; index < at; index++) append(index);

  database.exec(`CREATE TABLE refusing (x); CREATE TRIGGER refuses BEFORE INSERT ON ${table} WHEN ${when} AND EXISTS (SELECT 1 FROM refusing) BEGIN SELECT raise(ABORT, 'disk'); END`);
  database.exec('INSERT INTO refusing VALUES (1)');
  database.exec('BEGIN');
  expect(() => append(at)).toThrow('disk');
  database.exec('ROLLBACK');
  expect(log.root(at)).toEqual(rootOf(at));

  database.exec('DELETE FROM refusing');
  for (let index = at; index < 300; index++) append(index);
  expect(log.root(300)).toEqual(rootOf(300));
  expect(new TransactionLog(database, nodeCrypto).root(300)).toEqual(rootOf(300));
});
