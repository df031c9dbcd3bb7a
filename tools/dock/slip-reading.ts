import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { PNG } from 'pngjs';
import { codesOn } from '../virtual-devices/slip-codes.ts';

/** The texts of the codes on a slip, in a thread of its own: it takes seconds, and the printer has to answer meanwhile. @param slip PNG. */
export function readSlip(slip: Buffer): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { slip } });
    worker.once('message', (codes: string[]) => resolve(codes));
    worker.once('error', reject);
  });
}

if (!isMainThread && parentPort !== null) {
  const { slip } = (workerData ?? {}) as { slip?: Uint8Array };
  if (slip !== undefined) parentPort.postMessage(codesOn(PNG.sync.read(Buffer.from(slip))));
}
