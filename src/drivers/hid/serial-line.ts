import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { ReadStream } from 'node:tty';
import type { FailureCode } from '../../contract/failures.ts';
import { fail, ok } from '../../contract/result.ts';
import type { Result } from '../../contract/result.ts';
import type { OpenLine } from './line.ts';

/** 115 200 bit/s, 8N1, nothing between the wire and us. */
const settings = ['115200', 'cs8', '-parenb', '-cstopb', '-crtscts', 'clocal', 'raw', '-echo'];

/** A serial line at the path that the hub's file names. */
export function openSerialLine(path: string, missing: FailureCode): OpenLine {
  return async (ears) => {
    const opened = await openTty(path, missing);
    if (!opened.ok) return opened;
    const file = opened.value;
    const set = await stty(path);
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
          return fail('device-lost', messageOf(error));
        }
      },
      close() {
        if (!isOver) end();
        return Promise.resolve();
      },
    });
  };
}

async function openTty(path: string, missing: FailureCode): Promise<Result<Awaited<ReturnType<typeof open>>>> {
  try {
    return ok(await open(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'EACCES' || code === 'EPERM') return fail('device-no-permission', path);
    return code === 'EBUSY' ? fail('device-fault', `${path} is in use`) : fail(missing, code);
  }
}

function stty(path: string): Promise<Result<null>> {
  return new Promise((resolve) => {
    execFile('stty', ['-F', path, ...settings], (error) => {
      resolve(error === null ? ok(null) : fail('device-fault', `stty: ${error.message.split('\n').at(-2) ?? error.message}`));
    });
  });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
