import { ReadStream } from 'node:tty';
import type { FailureCode } from '../../contract/failures.ts';
import { ok } from '../../contract/result.ts';
import { lostBy, openDeviceFile } from '../device-file.ts';
import { stty } from '../stty.ts';
import type { OpenLine } from '../line.ts';

/** 115 200 bit/s, 8N1, nothing between the wire and us. */
const settings = ['115200', 'cs8', '-parenb', '-cstopb', '-crtscts', 'clocal', 'raw', '-echo'];

/** A serial line at the path that the hub's file names. */
export function openSerialLine(path: string, missing: FailureCode): OpenLine {
  return async (ears) => {
    const opened = await openDeviceFile(path, missing);
    if (!opened.ok) return opened;
    const file = opened.value;
    const set = await stty(path, settings);
    if (!set.ok) {
      await file.close();
      return set;
    }
    const reader = new ReadStream(file.fd);
    let isOver = false;
    const end = (): void => {
      isOver = true;
      reader.destroy();
      void file.close();
    };
    const lost = (detail: string): void => {
      if (isOver) return;
      end();
      ears.onLost(detail);
    };
    reader.on('data', (bytes: Buffer) => ears.onBytes(new Uint8Array(bytes)));
    reader.on('error', (error) => lost(error.message));
    reader.on('end', () => lost('hung up'));
    reader.on('close', () => lost('closed'));
    return ok({
      product: path,
      async send(bytes) {
        try {
          await file.write(bytes);
          return ok(null);
        } catch (error) {
          return lostBy(error);
        }
      },
      close() {
        if (!isOver) end();
        return Promise.resolve();
      },
    });
  };
}
