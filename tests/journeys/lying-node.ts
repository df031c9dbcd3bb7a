import { createServer, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { decodeAnswer } from '../../src/ledger/engines/cometbft/queries.ts';
import { cometNode, type CometNode } from '../../src/ledger/engines/cometbft/rpc.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';
import { dataHash, headerHash, resultsHash, timestampOfMs, voteSignBytes, type Header, type TransactionResult } from '../../src/ledger/verify/block.ts';
import { encodeCbor } from '../../src/ledger/verify/cbor.ts';
import type { LightBlock } from '../../src/ledger/verify/light-block.ts';
import { commitJson } from '../ledger/engines/cometbft/scripted-chain.ts';

/**
 * `forged-state`: other values than the ledger's. `old-head`: what any of them said first, again and again. `forged-block`: whatever it is given to broadcast
 * stands in the next block at once, accepted; only that none of the validators signed it.
 */
export type Lie = 'forged-state' | 'old-head' | 'forged-block';

type Params = Record<string, string | undefined>;

/** Stands before the RPC of a node that runs, and says the truth until it has a lie. */
export class LyingNode {
  lie: Lie | null = null;
  /** Answers that were no truth. */
  lies = 0;
  readonly url: string;
  readonly #behind: string;
  readonly #node: CometNode;
  readonly #server: Server;
  readonly #heard: Map<string, unknown>;
  readonly #given: Uint8Array[] = [];

  private constructor(behind: string, server: Server, heard: Map<string, unknown>) {
    this.#behind = behind;
    this.#node = cometNode({ url: behind, deadlineMs: 2000 });
    this.#server = server;
    this.#heard = heard;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /**
   * @param behind the honest node's RPC.
   * @param heard true answers, by what was asked; of all nodes that share it.
   */
  static async before(behind: string, heard: Map<string, unknown>): Promise<LyingNode> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const node = new LyingNode(behind, server, heard);
    server.on('request', (request: IncomingMessage, response) => {
      node.#answer(request).then(
        (answer) => void response.end(JSON.stringify(answer)),
        // The node behind it is gone: so is this one.
        () => void request.socket.destroy(),
      );
    });
    return node;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage): Promise<unknown> {
    const asked = await text(request);
    const { method, params } = JSON.parse(asked) as { method: string; params: Params };
    const answered = await fetch(this.#behind, { method: 'POST', headers: { 'content-type': 'application/json' }, body: asked, signal: AbortSignal.timeout(5000) });
    const truth = (await answered.json()) as { result?: unknown };
    if (method === 'broadcast_tx_sync') this.#given.push(new Uint8Array(Buffer.from(params['tx'] ?? '', 'base64')));
    const question = JSON.stringify([method, params]);
    if (!this.#heard.has(question)) this.#heard.set(question, truth);
    const said = await this.#lieTo(question, method, params, truth);
    if (said === null) return truth;
    this.lies += 1;
    return said;
  }

  async #lieTo(question: string, method: string, params: Params, truth: { result?: unknown }): Promise<unknown> {
    switch (this.lie) {
      case null:
        return null;
      case 'old-head':
        return method === 'abci_query' ? (this.#heard.get(question) ?? null) : null;
      case 'forged-state':
        return method === 'abci_query' && params['path'] === '/state' ? forgedState(truth) : null;
      case 'forged-block':
        return this.#forgedBlock(method, params);
    }
  }

  /** Of heights that nobody has yet; null: this one was not asked for. */
  async #forgedBlock(method: string, params: Params): Promise<unknown> {
    const height = Number(params['height'] ?? Number.NaN);
    const newest = await this.#node.lightBlock(null, () => undefined);
    if (!newest.ok || this.#given.length === 0) return null;
    const before = height - newest.value.header.height;
    if (before !== 1 && before !== 2) return null;
    const result = (value: unknown): unknown => ({ jsonrpc: '2.0', id: 1, result: value });
    const results = this.#given.map((): TransactionResult => ({ code: 0, data: new Uint8Array(), gasWanted: 0n, gasUsed: 0n }));
    const [first, second] = forgedBlocks(newest.value, this.#given, results);
    if (method === 'commit') return result(commitJson(before === 1 ? first : second));
    if (method === 'block') return result({ block: { data: { txs: this.#given.map((one) => Buffer.from(one).toString('base64')) } } });
    if (method === 'block_results') return result({ txs_results: results.map(({ code }) => ({ code, data: null, gas_wanted: '0', gas_used: '0' })) });
    return null;
  }
}

/** The next block with these transactions in it, and the one after it that vouches for their results, both signed by nobody who may. */
function forgedBlocks(newest: LightBlock, transactions: readonly Uint8Array[], results: readonly TransactionResult[]): [LightBlock, LightBlock] {
  const own = ed25519Signer(new Uint8Array(32).fill(7));
  const on = (before: LightBlock, change: Partial<Header>): LightBlock => {
    const time = timestampOfMs(Date.now());
    const header: Header = {
      ...before.header,
      height: before.header.height + 1,
      time,
      lastBlockId: { hash: headerHash(before.header, nodeCrypto), parts: before.commit.parts },
      dataHash: dataHash([], nodeCrypto),
      lastResultsHash: resultsHash([], nodeCrypto),
      ...change,
    };
    const { parts } = before.commit;
    const vote = voteSignBytes({ chain: header.chain, height: header.height, round: 0, blockId: { hash: headerHash(header, nodeCrypto), parts }, time });
    return { header, validators: before.validators, commit: { round: 0, parts, signatures: before.validators.map(() => ({ time, signature: own.sign(vote) })) } };
  };
  const first = on(newest, { dataHash: dataHash(transactions, nodeCrypto) });
  return [first, on(first, { lastResultsHash: resultsHash(results, nodeCrypto) })];
}

/** One bit of each value is another. */
function forgedState(truth: { result?: unknown }): unknown {
  const { response } = truth.result as { response: { value: string } };
  const state = decodeAnswer('/state', new Uint8Array(Buffer.from(response.value, 'base64')));
  if (state === undefined || state.entries.length === 0) return null;
  const entries = state.entries.map(({ value, proof }) => ({ value: value === null ? Uint8Array.of(0) : value.map((byte, i) => (i === value.length - 1 ? byte ^ 1 : byte)), proof }));
  return { ...truth, result: { response: { ...response, value: Buffer.from(encodeCbor({ ...state, entries })).toString('base64') } } };
}
