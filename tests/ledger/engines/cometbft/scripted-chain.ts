import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { appHashOf, beginApplication, openApplication, type LedgerApplication } from '../../../../src/ledger/application.ts';
import { answerQuery } from '../../../../src/ledger/engines/cometbft/queries.ts';
import { nodeCrypto } from '../../../../src/ledger/node-crypto.ts';
import { dataHash, headerHash, resultsHash, timestampOfMs, type TransactionResult } from '../../../../src/ledger/verify/block.ts';
import { fromHex, toHex, utf8 } from '../../../../src/ledger/verify/bytes.ts';
import type { LightBlock } from '../../../../src/ledger/verify/light-block.ts';
import { LightChain, setOf, type BlockChange, type Powers } from '../../light-chain.ts';
import { genesis, genesisTime } from '../../small-district.ts';

export const four: Powers = { a: 10, b: 10, c: 10, d: 10 };
/** Of its first block, Unix milliseconds; each later one comes a second after the one before. */
export const firstBlockMs = (genesisTime + 1000) * 1000;

interface Made {
  light: LightBlock;
  transactions: Uint8Array[];
  results: TransactionResult[];
}

/** A chain of four validators over the real rules, whose blocks a test makes one by one: what honest nodes of CometBFT would have. */
export class ScriptedChain {
  readonly application: LedgerApplication;
  readonly blocks: Made[] = [];
  pending: Uint8Array[] = [];
  timeMs = firstBlockMs;
  readonly #maker = new LightChain(() => four);

  constructor() {
    const database = new DatabaseSync(':memory:');
    const begun = { ...genesis, validators: setOf(four) };
    beginApplication(database, begun, nodeCrypto);
    const application = openApplication(database, begun, nodeCrypto);
    if (!application.ok) throw new Error(application.failure.detail);
    this.application = application.value;
    this.block();
    this.block();
  }

  get height(): number {
    return this.blocks.length;
  }

  /** Of what is pending, or of these, as they are. */
  block(transactions: Uint8Array[] = this.pending.splice(0)): void {
    this.timeMs += 1000;
    const light = this.light(this.height + 1, transactions);
    const { outcomes } = this.application.applyBlock({ height: this.height + 1, timeMs: this.timeMs, transactions });
    const results = outcomes.map((outcome) => ({ code: outcome.taken ? 0 : 1, data: outcome.taken ? new Uint8Array() : utf8(outcome.code), gasWanted: 0n, gasUsed: 0n }));
    this.blocks.push({ light, transactions, results });
  }

  /** A block on top of the newest, signed by all; `change` makes it another than the honest one. */
  light(height: number, transactions: Uint8Array[], change: BlockChange = {}): LightBlock {
    const last = this.blocks[height - 2];
    return this.#maker.forge(height, {
      time: timestampOfMs(this.timeMs),
      ...change,
      header: {
        lastBlockId: last === undefined ? null : { hash: headerHash(last.light.header, nodeCrypto), parts: last.light.commit.parts },
        dataHash: dataHash(transactions, nodeCrypto),
        appHash: appHashOf(this.application.tip(), nodeCrypto),
        lastResultsHash: resultsHash(last?.results ?? [], nodeCrypto),
        ...change.header,
      },
    });
  }
}

/** What a node answers instead: another result, `refused`, or nothing at all. undefined: the truth. */
export type Lie = (method: string, params: Record<string, string>, truth: () => unknown) => unknown;
export const silence = Symbol('silence');
export const refusal = Symbol('refusal');

const hex = (bytes: Uint8Array): string => toHex(bytes).toUpperCase();
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const timeText = ({ seconds, nanos }: { seconds: number; nanos: number }): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(nanos).padStart(9, '0')}Z`;
const blockIdJson = (id: { hash: Uint8Array; parts: { total: number; hash: Uint8Array } }) => ({ hash: hex(id.hash), parts: { total: id.parts.total, hash: hex(id.parts.hash) } });

export function commitJson({ header, commit }: LightBlock): unknown {
  return {
    signed_header: {
      header: {
        version: { block: String(header.version.block), app: String(header.version.app) },
        chain_id: header.chain,
        height: String(header.height),
        time: timeText(header.time),
        last_block_id: header.lastBlockId === null ? { hash: '', parts: { total: 0, hash: '' } } : blockIdJson(header.lastBlockId),
        last_commit_hash: hex(header.lastCommitHash),
        data_hash: hex(header.dataHash),
        validators_hash: hex(header.validatorsHash),
        next_validators_hash: hex(header.nextValidatorsHash),
        consensus_hash: hex(header.consensusHash),
        app_hash: hex(header.appHash),
        last_results_hash: hex(header.lastResultsHash),
        evidence_hash: hex(header.evidenceHash),
        proposer_address: hex(header.proposerAddress),
      },
      commit: {
        height: String(header.height),
        round: commit.round,
        block_id: blockIdJson({ hash: headerHash(header, nodeCrypto), parts: commit.parts }),
        signatures: commit.signatures.map((entry) =>
          entry === null
            ? { block_id_flag: 1, validator_address: '', timestamp: '0001-01-01T00:00:00Z', signature: null }
            : { block_id_flag: 2, validator_address: '', timestamp: timeText(entry.time), signature: base64(entry.signature) },
        ),
      },
    },
    canonical: true,
  };
}

/** The RPC of a node, over HTTP on loopback, as CometBFT 0.38 answers; it says what `lie` makes of it. */
export class ScriptedNode {
  lie: Lie | null = null;
  asked: string[] = [];
  readonly #chain: ScriptedChain;
  readonly #server: Server;

  constructor(of: ScriptedChain) {
    this.#chain = of;
    this.#server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const { method, params } = JSON.parse(Buffer.concat(pieces).toString()) as { method: string; params: Record<string, string> };
        this.asked.push(method);
        const truth = (): unknown => this.#truth(method, params);
        const said = this.lie?.(method, params, truth);
        const result = said === undefined ? truth() : said;
        if (result === silence) return;
        response.end(JSON.stringify(result === refusal ? { jsonrpc: '2.0', id: 1, error: { code: -32603, message: 'Internal error', data: 'refused' } } : { jsonrpc: '2.0', id: 1, result }));
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #truth(method: string, params: Record<string, string>): unknown {
    const { blocks, application, pending, height } = this.#chain;
    const at = params.height === undefined ? height : Number(params.height);
    const made = blocks[at - 1];
    if (method === 'abci_query') {
      const value = answerQuery(application, { path: params.path ?? '', data: fromHex(params.data ?? '') ?? new Uint8Array() }, () => undefined);
      return { response: { code: value === undefined ? 1 : 0, log: '', value: value === undefined ? null : base64(value), height: String(height) } };
    }
    if (method === 'broadcast_tx_sync') {
      const envelope = new Uint8Array(Buffer.from(params.tx ?? '', 'base64'));
      const outcome = application.draft(this.#chain.timeMs + 1).take(envelope);
      if (outcome.taken && !pending.some((one) => Buffer.from(one).equals(envelope))) pending.push(envelope);
      return { code: outcome.taken ? 0 : 1, data: '', log: outcome.taken ? '' : outcome.code, codespace: '', hash: '' };
    }
    if (method === 'status') return { sync_info: { latest_block_height: String(height), earliest_block_height: '1' } };
    if (made === undefined) return refusal;
    if (method === 'commit') return commitJson(made.light);
    if (method === 'validators') {
      return {
        block_height: String(at),
        validators: made.light.validators.map(({ key, power }) => ({ address: '', pub_key: { type: 'tendermint/PubKeyEd25519', value: base64(key) }, voting_power: String(power), proposer_priority: '0' })),
        count: '4',
        total: String(made.light.validators.length),
      };
    }
    if (method === 'block') return { block: { data: { txs: made.transactions.map(base64) } } };
    if (method === 'block_results') {
      return { height: String(at), txs_results: made.results.map(({ code, data }) => ({ code, data: data.length === 0 ? null : base64(data), log: '', gas_wanted: '0', gas_used: '0', events: [] })) };
    }
    return refusal;
  }
}

