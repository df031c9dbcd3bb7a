import { parentPort, workerData } from 'node:worker_threads';
import { nodeCrypto } from './node-crypto.ts';
import { bitsOfFile, sortedLeaves } from './seed-state.ts';
import { waitUntilWanted, type Taken } from './seed-threads.ts';
import { buildPages, type BuiltPage } from './state-build.ts';

export interface PagesWork {
  /** Of the states that lie in files. */
  dirs: string[];
  /** Which of the files. */
  own: number[];
}

/** Pages of the state below one file's prefix, in the order of their numbers; a branch comes twice, whole the second time. With the last of them, what they come to. */
export interface PagesMessage {
  ids: Float64Array<ArrayBuffer>;
  lengths: Int32Array<ArrayBuffer>;
  contents: Uint8Array<ArrayBuffer>;
  built: BuiltPage | null;
}

const bytesInMessage = 4 * 1024 * 1024;

const { dirs, own, taken } = workerData as PagesWork & { taken: Taken };
let made = 0;
for (const file of own) {
  let pages: { id: number; content: Uint8Array }[] = [];
  let bytes = 0;
  const send = (built: BuiltPage | null): void => {
    const ids = Float64Array.from(pages, ({ id }) => id);
    const lengths = Int32Array.from(pages, ({ content }) => content.length);
    const contents = new Uint8Array(bytes);
    let at = 0;
    for (const { content } of pages) {
      contents.set(content, at);
      at += content.length;
    }
    pages = [];
    bytes = 0;
    waitUntilWanted(taken, made++);
    const message: PagesMessage = { ids, lengths, contents, built };
    parentPort?.postMessage(message, [ids.buffer, lengths.buffer, contents.buffer]);
  };
  const built = buildPages(bitsOfFile, sortedLeaves(dirs, file), nodeCrypto, (id, content) => {
    pages.push({ id, content });
    bytes += content.length;
    if (bytes >= bytesInMessage) send(null);
  });
  send(built);
}
