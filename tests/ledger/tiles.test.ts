import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TransactionLog } from '../../src/ledger/log.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { readTile, tileAt, tilePath, type Tile } from '../../src/ledger/tiles.ts';
import { utf8 } from '../../src/ledger/verify/bytes.ts';
import { leafHash, merkleRoot } from '../../src/ledger/verify/merkle-log.ts';

const size = 70_000;
const database = new DatabaseSync(':memory:');
const log = new TransactionLog(database, nodeCrypto);
database.exec('BEGIN');
for (let index = 0; index < size; index++) {
  const envelope = utf8(`envelope ${index}`);
  log.append({ index, transaction: nodeCrypto.sha256(envelope), envelope, height: 1 });
}
database.exec('COMMIT');

const read = (path: string, of = size): Uint8Array | undefined => {
  const tile = tileAt(path);
  return tile && readTile(tile, log, of);
};
const hashes = (bytes: Uint8Array): Uint8Array[] => Array.from({ length: bytes.length / 32 }, (_, i) => bytes.slice(32 * i, 32 * i + 32));

describe('the tiles of a log', () => {
  // The example of C2SP tlog-tiles: of 70 000 entries there are 273 full tiles and one of 112, then one full and one of 17, then one of 1.
  const widths: { path: string; width: number | undefined }[] = [
    { path: 'tile/0/000', width: 256 },
    { path: 'tile/0/272', width: 256 },
    { path: 'tile/0/273', width: undefined },
    { path: 'tile/0/273.p/112', width: 112 },
    { path: 'tile/0/273.p/113', width: undefined },
    { path: 'tile/1/000', width: 256 },
    { path: 'tile/1/001', width: undefined },
    { path: 'tile/1/001.p/17', width: 17 },
    { path: 'tile/1/001.p/18', width: undefined },
    { path: 'tile/2/000', width: undefined },
    { path: 'tile/2/000.p/1', width: 1 },
    { path: 'tile/2/000.p/2', width: undefined },
    { path: 'tile/3/000.p/1', width: undefined },
    { path: 'tile/63/000.p/1', width: undefined },
  ];
  test.each(widths)('$path of 70 000 entries has $width hashes', ({ path, width }) => {
    expect(read(path)?.length).toBe(width === undefined ? undefined : width * 32);
  });

  test('at the size of a checkpoint hold nothing that is later', () => {
    expect(read('tile/0/000', 256)?.length).toBe(8192);
    expect(read('tile/0/000', 255)).toBeUndefined();
    expect(read('tile/1/000.p/1', 256)?.length).toBe(32);
    expect(read('tile/1/000.p/1', 255)).toBeUndefined();
    expect(read('tile/entries/000.p/1', 0)).toBeUndefined();
  });

  test('stand on each other, and the log’s root on the last of them', () => {
    const level0 = Array.from({ length: 273 }, (_, index) => hashes(readTile({ level: 0, index, width: 256 }, log, size) ?? new Uint8Array()));
    const level1 = [hashes(read('tile/1/000') ?? new Uint8Array()), hashes(read('tile/1/001.p/17') ?? new Uint8Array())].flat();
    expect(level0.map((tile) => merkleRoot(tile, nodeCrypto))).toEqual(level1);
    expect(read('tile/2/000.p/1')).toEqual(merkleRoot(level1.slice(0, 256), nodeCrypto));
    const rest = hashes(read('tile/0/273.p/112') ?? new Uint8Array());
    expect(merkleRoot([...level0.flat(), ...rest], nodeCrypto)).toEqual(log.root(size));
  });

  test('of entries hold each behind its length', () => {
    const bundle = read('tile/entries/273.p/112') ?? new Uint8Array();
    const leaves: Uint8Array[] = [];
    for (let at = 0; at < bundle.length; ) {
      const length = new DataView(bundle.buffer).getUint16(at);
      leaves.push(leafHash(bundle.subarray(at + 2, at + 2 + length), nodeCrypto));
      at += 2 + length;
    }
    expect(leaves).toEqual(hashes(read('tile/0/273.p/112') ?? new Uint8Array()));
    expect(bundle.subarray(2, 2 + 14)).toEqual(utf8('envelope 69888'));
  });
});

describe('the path of a tile', () => {
  test('is in groups of three digits', () => {
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067');
    expect(tilePath({ level: 'entries', index: 1000, width: 8 })).toBe('tile/entries/x001/000.p/8');
    expect(tilePath({ level: 63, index: 0, width: 1 })).toBe('tile/63/000.p/1');
  });

  test('leads back to the tile', () => {
    fc.assert(
      fc.property(fc.option(fc.integer({ min: 0, max: 63 })), fc.maxSafeNat(), fc.integer({ min: 1, max: 256 }), (level, index, width) => {
        const tile: Tile = { level: level ?? 'entries', index, width };
        expect(tileAt(tilePath(tile))).toEqual(tile);
      }),
    );
  });

  test.each([
    '',
    'tile',
    'tile/0',
    'tile/0/0',
    'tile/0/0000',
    'tile/0/x000/000',
    'tile/0/000/000',
    'tile/00/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/01',
    'tile/0/000.p/',
    'tile/0/x999/x999/x999/x999/x999/999',
    'tile/data/000',
    'tile/0/000?',
    'tile/0/../000',
  ])('%j is none', (path) => {
    expect(tileAt(path)).toBeUndefined();
  });
});
