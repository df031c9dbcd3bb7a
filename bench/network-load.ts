import { toBase64 } from '../src/ledger/verify/bytes.ts';
import { median, percentile } from './statistics.ts';

/** A network of CometBFT nodes that answer on their RPC: `http://127.0.0.1:<port>` each. */
export interface LoadedNetwork {
  rpc: readonly string[];
}

export interface LoadFigures {
  p50Ms: number;
  p99Ms: number;
  /** Transactions a second. */
  saturation: number;
}

const perSecond = 25;
/** A node hands a transaction to an application in another process only every 20 ms where nothing else is asked (`flushThrottleMS` of CometBFT's socket client). */
const sendersANode = 16;
/** `max_request_batch_size` of CometBFT. */
const inBatch = 10;
/** Of the steady ones: while nodes find each other and their programs become warm. */
const warmUp = 2 * perSecond;
/** So many are under way at most: enough for full blocks, few enough that the mempools' own checks do not outweigh them. */
const mostUnderWay = 1000;
const deadlineMs = 60_000;

/** Submitted to each node in turn, and seen in a block by the first. The same for any application: it is asked nothing. */
export async function measureLoad({ rpc }: LoadedNetwork, { steady, flood, floodMs }: { steady: readonly Uint8Array[]; flood: readonly Uint8Array[]; floodMs: number }): Promise<LoadFigures> {
  const blocks = await BlockFollower.of(rpc[0] ?? '');
  try {
    const latencies = await steadyLatencies(rpc, steady, blocks);
    return { p50Ms: median(latencies), p99Ms: percentile(latencies, 99), saturation: await saturationOf(rpc, flood, floodMs, blocks) };
  } finally {
    blocks.close();
  }
}

/** Milliseconds from a submission until a node says that the block with it is committed. */
async function steadyLatencies(rpc: readonly string[], transactions: readonly Uint8Array[], blocks: BlockFollower): Promise<number[]> {
  const found: Promise<number>[] = [];
  const begun = performance.now();
  const sent: Promise<void>[] = [];
  for (const [i, transaction] of transactions.entries()) {
    await until(begun + (i * 1000) / perSecond);
    const at = performance.now();
    found.push(blocks.committed(transaction).then(() => performance.now() - at));
    sent.push(broadcast(rpc[i % rpc.length] ?? '', [transaction]).then(([isTaken]) => {
      if (isTaken !== true) throw new Error('a node did not take a transaction');
    }));
  }
  await Promise.all(sent);
  return (await withDeadline(Promise.all(found))).slice(warmUp);
}

/** From the first block that has any of them to the last within `floodMs`, or until none are left to send; those of the first are not counted. */
async function saturationOf(rpc: readonly string[], transactions: readonly Uint8Array[], floodMs: number, blocks: BlockFollower): Promise<number> {
  const waiting = [...transactions];
  const end = performance.now() + floodMs;
  const seen: { atMs: number; count: number }[] = [];
  let underWay = 0;
  const stop = blocks.onBlock((count) => {
    underWay -= count;
    if (count > 0 && performance.now() < end) seen.push({ atMs: performance.now(), count });
  });
  const send = async (url: string): Promise<void> => {
    while (performance.now() < end && waiting.length > 0) {
      if (underWay + inBatch > mostUnderWay) {
        await Promise.race([blocks.next(), until(end)]);
        continue;
      }
      const batch = waiting.splice(-inBatch);
      underWay += batch.length;
      const taken = await broadcast(url, batch);
      const refused = batch.filter((_, i) => taken[i] !== true);
      underWay -= refused.length;
      waiting.push(...refused);
    }
  };
  await Promise.all(rpc.flatMap((url) => Array.from({ length: sendersANode }, () => send(url))));
  await Promise.race([blocks.next(), until(end)]);
  stop();
  const [first, last] = [seen[0], seen.at(-1)];
  if (first === undefined || last === undefined || first === last) throw new Error('no blocks under load');
  return (seen.slice(1).reduce((sum, { count }) => sum + count, 0) / (last.atMs - first.atMs)) * 1000;
}

/** Whether the node's mempool took each of them. */
async function broadcast(url: string, transactions: readonly Uint8Array[]): Promise<boolean[]> {
  const calls = transactions.map((transaction, id) => ({ jsonrpc: '2.0', id, method: 'broadcast_tx_sync', params: { tx: toBase64(transaction) } }));
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(calls), signal: AbortSignal.timeout(deadlineMs) });
  const said = (await response.json()) as { result?: { code: number } } | { result?: { code: number } }[];
  return (Array.isArray(said) ? said : [said]).map(({ result }) => result?.code === 0);
}

/** Blocks as a node announces them on its WebSocket. */
class BlockFollower {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<string, () => void>();
  readonly #listeners = new Set<(transactions: number) => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#read(String(data)));
  }

  static async of(url: string): Promise<BlockFollower> {
    const socket = new WebSocket(`${url.replace('http:', 'ws:')}/websocket`);
    await new Promise<void>((open, fail) => {
      socket.addEventListener('open', () => open());
      socket.addEventListener('error', () => fail(new Error(`no WebSocket at ${url}`)));
    });
    const follower = new BlockFollower(socket);
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscribe', params: { query: "tm.event='NewBlock'" } }));
    return follower;
  }

  committed(transaction: Uint8Array): Promise<void> {
    return new Promise((resolve) => void this.#waiting.set(toBase64(transaction), resolve));
  }

  onBlock(listener: (transactions: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.onBlock(() => {
        stop();
        resolve();
      });
    });
  }

  close(): void {
    this.#socket.close();
  }

  #read(message: string): void {
    const { result } = JSON.parse(message) as { result?: { data?: { value?: { block?: { data?: { txs?: string[] | null } } } } } };
    const block = result?.data?.value?.block;
    if (block === undefined) return;
    const transactions = block.data?.txs ?? [];
    for (const listener of [...this.#listeners]) listener(transactions.length);
    for (const transaction of transactions) {
      this.#waiting.get(transaction)?.();
      this.#waiting.delete(transaction);
    }
  }
}

/** On the clock of `performance.now()`. */
const until = (atMs: number): Promise<void> => new Promise((resolve) => AbortSignal.timeout(Math.max(0, Math.ceil(atMs - performance.now()))).addEventListener('abort', () => resolve()));

async function withDeadline<T>(work: Promise<T>): Promise<T> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const late = new Promise<never>((_, fail) => deadline.addEventListener('abort', () => fail(new Error('transactions did not come into a block'))));
  return Promise.race([work, late]);
}
