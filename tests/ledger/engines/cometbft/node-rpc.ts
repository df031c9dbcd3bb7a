import { z } from 'zod';
import { decodeAnswer, encodeAsk, type Queries, type QueryPath } from '../../../../src/ledger/engines/cometbft/queries.ts';
import { fromHex, toHex } from '../../../../src/ledger/verify/bytes.ts';

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const bytes = z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64')));
const int64 = z.string().transform(Number);

/** As little of CometBFT's JSON-RPC as the tests need. Throws where it does not answer. */
export class NodeRpc {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async #call<T>(method: string, params: object, shape: z.ZodType<T>): Promise<T> {
    const response = await fetch(this.#url, {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal: AbortSignal.timeout(15_000),
    });
    const answer = z.union([z.object({ result: shape }), z.object({ error: z.object({ message: z.string(), data: z.string().optional() }) })]).parse(await response.json());
    if ('error' in answer) throw new Error(`${method}: ${answer.error.message} ${answer.error.data ?? ''}`);
    return answer.result;
  }

  /** Returns when the block is committed that it is in; `height` is that block's. */
  async record(envelope: Uint8Array): Promise<{ height: number }> {
    const result = z.object({ code: z.number() });
    const { check_tx, tx_result, height } = await this.#call('broadcast_tx_commit', { tx: base64(envelope) }, z.object({ check_tx: result, tx_result: result, height: int64 }));
    if (check_tx.code !== 0 || tx_result.code !== 0) throw new Error('refused');
    return { height };
  }

  /** What CheckTx said; the transaction may wait now. */
  async send(envelope: Uint8Array): Promise<{ code: number; log: string }> {
    return this.#call('broadcast_tx_sync', { tx: base64(envelope) }, z.object({ code: z.number(), log: z.string() }));
  }

  /** Of the oldest block that it has. */
  async earliest(): Promise<number> {
    const { sync_info } = await this.#call('status', {}, z.object({ sync_info: z.object({ earliest_block_height: int64 }) }));
    return sync_info.earliest_block_height;
  }

  async height(): Promise<number> {
    const { sync_info } = await this.#call('status', {}, z.object({ sync_info: z.object({ latest_block_height: int64 }) }));
    return sync_info.latest_block_height;
  }

  /** `appHash`, hex: what log and state were before this block. */
  async block(height: number): Promise<{ hash: Uint8Array; appHash: string; timeMs: number; transactions: Uint8Array[] }> {
    const shape = z.object({ block_id: z.object({ hash: z.string() }), block: z.object({ header: z.object({ app_hash: z.string(), time: z.string() }), data: z.object({ txs: z.array(bytes).nullable() }) }) });
    const { block, block_id } = await this.#call('block', { height: String(height) }, shape);
    return { hash: fromHex(block_id.hash) ?? new Uint8Array(), appHash: block.header.app_hash.toLowerCase(), timeMs: Date.parse(block.header.time), transactions: block.data.txs ?? [] };
  }

  async validators(height: number): Promise<{ key: string; power: number }[]> {
    const shape = z.object({ validators: z.array(z.object({ pub_key: z.object({ value: bytes }), voting_power: int64 })) });
    const { validators } = await this.#call('validators', { height: String(height) }, shape);
    return validators.map(({ pub_key, voting_power }) => ({ key: toHex(pub_key.value), power: voting_power }));
  }

  async query<P extends QueryPath>(path: P, ask: Queries[P]['ask']): Promise<Queries[P]['answer']> {
    const shape = z.object({ response: z.object({ code: z.number(), value: bytes.nullable() }) });
    const { response } = await this.#call('abci_query', { path, data: toHex(encodeAsk(path, ask)) }, shape);
    const answer = response.code === 0 && response.value !== null ? decodeAnswer(path, response.value) : undefined;
    if (answer === undefined) throw new Error(`${path} was not answered`);
    return answer;
  }
}
