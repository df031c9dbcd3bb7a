import { crc32 } from 'node:zlib';

export interface ZipEntry {
  name: string;
  body: Buffer;
  /** Permission bits of a regular file, as in `0o755`. */
  mode: number;
}

/** 1980-01-01, so that the same entries give the same bytes. */
const dosDate = 0x21;
/** "Made by" Unix, version 2.0: the upper half of the external attributes is then `st_mode`. */
const madeByUnix = 0x0314;
const regularFile = 0o100000;

/** A zip archive whose entries are stored as they are (PKWARE APPNOTE 4.3.7, 4.3.12, 4.3.16). */
export function zipFile(entries: readonly ZipEntry[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, body, mode } of entries) {
    const nameBytes = Buffer.from(name, 'utf8');
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(dosDate, 8);
    common.writeUInt32LE(crc32(body), 10);
    common.writeUInt32LE(body.length, 14);
    common.writeUInt32LE(body.length, 18);
    common.writeUInt16LE(nameBytes.length, 22);

    const localHeader = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, nameBytes]);
    const madeBy = Buffer.alloc(2);
    madeBy.writeUInt16LE(madeByUnix);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((regularFile | mode) << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.from('PK\x01\x02', 'latin1'), madeBy, common, tail, nameBytes);
    local.push(localHeader, body);
    offset += localHeader.length + body.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...local, directory, Buffer.from('PK\x05\x06', 'latin1'), end]);
}
