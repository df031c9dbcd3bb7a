import { isatty } from 'node:tty';
import { fail, ok } from '../../contract/result.ts';
import type { Result } from '../../contract/result.ts';
import { errorCode, lostBy, openDeviceFile } from '../device-file.ts';
import type { OpenLine } from '../line.ts';
import { stty } from '../stty.ts';

const lookEveryMs = 10;
/** A printer answers a question of state at once. */
const listenMs = 1_000;
/** A printer that takes nothing for so long is stuck. */
const stallMs = 5_000;

/**
 * The file of a printer, `/dev/usb/lp0`. It cannot be waited upon, so after each thing sent it is looked into for a second.
 * A terminal in its place is set to pass bytes as they are.
 */
export function openPrinterFile(path: string): OpenLine {
  return async (ears) => {
    const opened = await openDeviceFile(path, 'printer-missing');
    if (!opened.ok) return opened;
    const file = opened.value;
    const set: Result<null> = isatty(file.fd) ? await stty(path, ['raw', '-echo']) : ok(null);
    if (!set.ok) {
      await file.close();
      return set;
    }
    let isOver = false;
    let listenUntilMs = 0;
    let listener: NodeJS.Timeout | null = null;

    const listen = async (): Promise<void> => {
      const bytes = await readAvailable();
      if (isOver) return;
      if (bytes !== null && bytes.length > 0) ears.onBytes(bytes);
      listener = performance.now() < listenUntilMs ? setTimeout(() => void listen(), lookEveryMs) : null;
    };
    const readAvailable = async (): Promise<Uint8Array | null> => {
      try {
        const { bytesRead, buffer } = await file.read(new Uint8Array(256), 0, 256);
        return buffer.subarray(0, bytesRead);
      } catch (error) {
        if (errorCode(error) === 'EAGAIN') return null;
        if (!isOver) {
          await end();
          ears.onLost(lostBy(error).failure.detail ?? '');
        }
        return null;
      }
    };
    /** It takes as much as it has room for, and is tried again. */
    const writeAll = (bytes: Uint8Array): Promise<Result<null>> =>
      new Promise((resolve) => {
        let at = 0;
        let lastMs = performance.now();
        const attempt = async (): Promise<void> => {
          try {
            while (at < bytes.length && !isOver) {
              at += (await file.write(bytes, at)).bytesWritten;
              lastMs = performance.now();
            }
            resolve(isOver ? fail('device-lost', 'closed') : ok(null));
          } catch (error) {
            if (errorCode(error) !== 'EAGAIN') resolve(lostBy(error));
            else if (performance.now() - lastMs > stallMs) resolve(fail('device-lost', 'takes nothing'));
            else setTimeout(() => void attempt(), lookEveryMs);
          }
        };
        void attempt();
      });
    const end = async (): Promise<void> => {
      isOver = true;
      if (listener !== null) clearTimeout(listener);
      await file.close();
    };
    return ok({
      product: path,
      async send(bytes) {
        const written = await writeAll(bytes);
        if (!written.ok) return written;
        listenUntilMs = performance.now() + listenMs;
        if (listener === null && !isOver) listener = setTimeout(() => void listen(), 0);
        return ok(null);
      },
      close: () => (isOver ? Promise.resolve() : end()),
    });
  };
}
