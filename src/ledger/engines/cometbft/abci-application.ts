import type { DatabaseSync } from 'node:sqlite';
import {
  CheckTxType,
  ResponseApplySnapshotChunk_Result,
  ResponseOfferSnapshot_Result,
  ResponseProcessProposal_ProposalStatus,
  ResponseVerifyVoteExtension_VerifyStatus,
  type ExecTxResult,
  type Request,
  type RequestCheckTx,
  type RequestFinalizeBlock,
  type RequestInitChain,
  type RequestPrepareProposal,
  type RequestProcessProposal,
  type RequestQuery,
  type Response,
  type ResponseCheckTx,
  type ResponseFinalizeBlock,
  type ResponseQuery,
  type ValidatorUpdate,
} from 'cosmjs-types/tendermint/abci/types';
import type { Timestamp } from 'cosmjs-types/google/protobuf/timestamp';
import type { RejectionCode } from '../../../contract/failures.ts';
import { appHashOf, type BlockDraft, type LedgerApplication, type Outcome } from '../../application.ts';
import { encodeGenesis, type Genesis } from '../../genesis.ts';
import { headerVersion, msOfTimestamp, type Validator } from '../../verify/block.ts';
import { equalBytes, fromBase64url, toBase64url, toHex, utf8 } from '../../verify/bytes.ts';
import { openEnvelope } from '../../verify/envelope.ts';
import { varint } from '../../verify/protobuf.ts';
import { answerQuery } from './queries.ts';

export interface AbciApplicationParts {
  genesis: Genesis;
  /** The writer's connection: a block stands open on it between FinalizeBlock and Commit. */
  database: DatabaseSync;
  /** Over `database`. */
  writing: LedgerApplication;
  /** Over a read-only connection of its own: what is committed. */
  committed: LedgerApplication;
  /** Unix milliseconds. For what waits in the mempool only: blocks bring their own time. */
  clock: () => number;
  /** How many blocks the node is to keep; null: all, so that every receipt can be made at its own height. */
  keepBlocks: number | null;
}

/** `app_state` of a chain's genesis.json: `imi` is base64url of `encodeGenesis`. */
export const appState = (genesis: Genesis): { imi: string } => ({ imi: toBase64url(encodeGenesis(genesis)) });

/** Of an ExecTxResult and a ResponseCheckTx; `data` is then the rejection's code in ASCII. Accepted ones have code 0 and no data. */
const refusedCode = 1;
/** Refusals that are remembered for whoever asks what became of a transaction. */
const mostRefusals = 10_000;

/**
 * ABCI 2.0 over the rules (spec/abci/abci++_methods.md). Every handler is a synchronous function of what is committed and of the request, so the
 * node's four connections never interleave within one. FinalizeBlock opens the SQLite transaction and Commit answers once it is on disk; everything
 * else reads over the second connection and sees no block in between. Throws where SQLite does, and where the node asks what no sound one does: the
 * server tells it and the node ends; what was open is rolled back and asked for again when it comes back.
 */
export class AbciApplication {
  readonly #genesis: Genesis;
  readonly #database: DatabaseSync;
  readonly #writing: LedgerApplication;
  readonly #committed: LedgerApplication;
  readonly #clock: () => number;
  readonly #keepBlocks: number | null;
  /** What the mempool holds, on top of what is committed. */
  #expected: BlockDraft;
  /** By transaction id in hex, the oldest first. */
  readonly #refusals = new Map<string, RejectionCode>();

  constructor({ genesis, database, writing, committed, clock, keepBlocks }: AbciApplicationParts) {
    this.#genesis = genesis;
    this.#database = database;
    this.#writing = writing;
    this.#committed = committed;
    this.#clock = clock;
    this.#keepBlocks = keepBlocks;
    this.#expected = this.#draftNow();
  }

  handle(request: Request): Response {
    if (request.echo !== undefined) return { echo: { message: request.echo.message } };
    if (request.flush !== undefined) return { flush: {} };
    if (request.info !== undefined) return { info: this.#info() };
    if (request.initChain !== undefined) return { initChain: this.#initChain(request.initChain) };
    if (request.query !== undefined) return { query: this.#query(request.query) };
    if (request.checkTx !== undefined) return { checkTx: this.#checkTx(request.checkTx) };
    if (request.prepareProposal !== undefined) return { prepareProposal: { txs: this.#prepareProposal(request.prepareProposal) } };
    if (request.processProposal !== undefined) return { processProposal: { status: this.#processProposal(request.processProposal) } };
    if (request.finalizeBlock !== undefined) return { finalizeBlock: this.#finalizeBlock(request.finalizeBlock) };
    if (request.commit !== undefined) return { commit: { retainHeight: this.#commit() } };
    if (request.listSnapshots !== undefined) return { listSnapshots: { snapshots: [] } };
    if (request.offerSnapshot !== undefined) return { offerSnapshot: { result: ResponseOfferSnapshot_Result.REJECT } };
    if (request.loadSnapshotChunk !== undefined) return { loadSnapshotChunk: { chunk: new Uint8Array() } };
    if (request.applySnapshotChunk !== undefined) {
      return { applySnapshotChunk: { result: ResponseApplySnapshotChunk_Result.ABORT, refetchChunks: [], rejectSenders: [] } };
    }
    // Vote extensions are off (`vote_extensions_enable_height` 0): a sound node sends neither of these.
    if (request.extendVote !== undefined) return { extendVote: { voteExtension: new Uint8Array() } };
    if (request.verifyVoteExtension !== undefined) return { verifyVoteExtension: { status: ResponseVerifyVoteExtension_VerifyStatus.REJECT } };
    throw new Error('a request of no known kind');
  }

  /** Before the process ends: a block that was not committed is as if it had never come. */
  close(): void {
    this.#rollBack();
  }

  #info(): Response['info'] {
    const tip = this.#committed.tip();
    // Height 0 has the node send InitChain, also where this chain begins higher.
    const hasBlocks = !this.#committed.isAtStart();
    return {
      data: this.#genesis.chain,
      version: '',
      appVersion: BigInt(headerVersion.app),
      lastBlockHeight: BigInt(hasBlocks ? tip.height : 0),
      lastBlockAppHash: hasBlocks ? appHashOf(tip, this.#committed.crypto) : new Uint8Array(),
    };
  }

  /** The node's genesis.json and this application's genesis have to be of one chain: what differs would be a fork at the first block. */
  #initChain({ chainId, appStateBytes, validators, initialHeight, time }: RequestInitChain): Response['initChain'] {
    const { chain, validators: own, time: genesisTime } = this.#genesis;
    const tip = this.#committed.tip();
    if (chainId !== chain) throw new Error(`genesis.json is of the chain ${chainId}, the application of ${chain}`);
    if (!holdsGenesis(appStateBytes, this.#genesis)) throw new Error('app_state of genesis.json is not this application’s genesis');
    if (!isSameSet(validators, own)) throw new Error('validators of genesis.json are not those of this application’s genesis');
    if (time.seconds !== BigInt(genesisTime) || time.nanos !== 0) throw new Error('genesis_time of genesis.json is not that of this application’s genesis');
    if (!this.#committed.isAtStart() || Number(initialHeight) !== tip.height + 1) throw new Error(`the application goes on at height ${tip.height + 1}`);
    return { consensusParams: undefined, validators: [], appHash: appHashOf(tip, this.#committed.crypto) };
  }

  #query({ path, data }: RequestQuery): ResponseQuery {
    const value = answerQuery(this.#committed, { path, data }, (id) => this.#refusals.get(toHex(id)));
    const { height } = this.#committed.tip();
    return {
      code: value === undefined ? 1 : 0,
      log: value === undefined ? 'no such path, or data of another form' : '',
      info: '',
      index: 0n,
      key: new Uint8Array(),
      value: value ?? new Uint8Array(),
      proofOps: undefined,
      height: BigInt(height),
      codespace: '',
    };
  }

  /** On top of what waits already. After a commit the node asks again for all of it, in order. */
  #checkTx({ tx, type }: RequestCheckTx): ResponseCheckTx {
    const outcome = this.#expected.take(tx, this.#nowMs());
    if (!outcome.taken && type === CheckTxType.RECHECK) this.#rememberRefusal(tx, outcome.code);
    return { ...resultOf(outcome), log: outcome.taken ? '' : outcome.code };
  }

  /** Of what waits, in its order, what the rules take at the block's time and what there is room for. */
  #prepareProposal({ txs, maxTxBytes, time }: RequestPrepareProposal): Uint8Array[] {
    const draft = this.#committed.draft(msOf(time));
    let room = Number(maxTxBytes);
    return txs.filter((tx) => {
      const size = sizeInBlock(tx);
      if (size > room || !draft.take(tx).taken) return false;
      room -= size;
      return true;
    });
  }

  /**
   * A block is accepted only where the rules take every transaction of it, so that a refused one is never in the log of blocks either, and
   * `last_results_hash` is that of as many accepted ones. That costs no liveness: whoever proposes by these rules at the same height and time
   * comes to the same answer, on every node and in every round; one that proposes otherwise loses its round, as if it were silent.
   * FinalizeBlock asks nothing of this: what two thirds decided is applied, with the refused ones refused.
   */
  #processProposal({ txs, time }: RequestProcessProposal): ResponseProcessProposal_ProposalStatus {
    const draft = this.#committed.draft(msOf(time));
    const { ACCEPT, REJECT } = ResponseProcessProposal_ProposalStatus;
    return txs.every((tx) => draft.take(tx).taken) ? ACCEPT : REJECT;
  }

  /** Nothing is on disk before Commit: a node that ended in between finds the block before this one, and sends this one again. */
  #finalizeBlock({ height, time, txs }: RequestFinalizeBlock): ResponseFinalizeBlock {
    this.#rollBack();
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const before = newestSet(this.#writing);
      const { outcomes, tip } = this.#writing.applyBlock({ height: Number(height), timeMs: msOf(time), transactions: txs });
      for (const [i, outcome] of outcomes.entries()) {
        const tx = txs[i];
        if (!outcome.taken && tx !== undefined) this.#rememberRefusal(tx, outcome.code);
      }
      return {
        events: [],
        txResults: outcomes.map(resultOf),
        validatorUpdates: updatesBetween(before, newestSet(this.#writing)),
        consensusParamUpdates: undefined,
        appHash: appHashOf(tip, this.#writing.crypto),
      };
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /** The height below which the node may drop blocks; 0: none. */
  #commit(): bigint {
    if (!this.#database.isTransaction) throw new Error('Commit without FinalizeBlock');
    try {
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#rollBack();
      throw error;
    }
    this.#expected = this.#draftNow();
    if (this.#keepBlocks === null) return 0n;
    return BigInt(Math.max(0, this.#committed.tip().height - this.#keepBlocks + 1));
  }

  #rollBack(): void {
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
  }

  #draftNow(): BlockDraft {
    return this.#committed.draft(this.#nowMs());
  }

  #nowMs(): number {
    return Math.max(this.#clock(), this.#committed.tip().timeMs + 1);
  }

  #rememberRefusal(envelope: Uint8Array, code: RejectionCode): void {
    const opened = openEnvelope(envelope, this.#committed.crypto);
    if (!opened.ok || code === 'transaction-known') return;
    this.#refusals.set(toHex(opened.value.id), code);
    const [oldest] = this.#refusals.keys();
    if (this.#refusals.size > mostRefusals && oldest !== undefined) this.#refusals.delete(oldest);
  }
}

const msOf = ({ seconds, nanos }: Timestamp): number => msOfTimestamp({ seconds: Number(seconds), nanos });

/** As it stands in a block's Data: tag and length before it (ComputeProtoSizeForTxs). */
const sizeInBlock = (tx: Uint8Array): number => 1 + varint(tx.length).length + tx.length;

/** Code and data go into `last_results_hash`: the same on every node. */
const resultOf = (outcome: Outcome): ExecTxResult => ({
  code: outcome.taken ? 0 : refusedCode,
  data: outcome.taken ? new Uint8Array() : utf8(outcome.code),
  log: '',
  info: '',
  gasWanted: 0n,
  gasUsed: 0n,
  events: [],
  codespace: '',
});

function holdsGenesis(appStateBytes: Uint8Array, genesis: Genesis): boolean {
  let state: unknown;
  try {
    state = JSON.parse(new TextDecoder().decode(appStateBytes));
  } catch {
    return false;
  }
  const text = typeof state === 'object' && state !== null && 'imi' in state && typeof state.imi === 'string' ? state.imi : '';
  return equalBytes(fromBase64url(text) ?? new Uint8Array(), encodeGenesis(genesis));
}

const isSameSet = (updates: readonly ValidatorUpdate[], set: readonly Validator[]): boolean =>
  updates.length === set.length &&
  set.every(({ key, power }) => updates.some((one) => equalBytes(one.pubKey.ed25519 ?? new Uint8Array(), key) && one.power === BigInt(power)));

/** The set that the last `validator.set` came to; CometBFT puts it in force two heights later, as the record says. */
function newestSet(application: LedgerApplication): readonly Validator[] {
  const newest = application.validators().sets.at(-1);
  if (newest === undefined) throw new Error('a state without validators');
  return newest.validators;
}

function updatesBetween(before: readonly Validator[], after: readonly Validator[]): ValidatorUpdate[] {
  const powerIn = (set: readonly Validator[], key: Uint8Array): number => set.find((one) => equalBytes(one.key, key))?.power ?? 0;
  const gone = before.filter(({ key }) => powerIn(after, key) === 0).map(({ key }) => ({ key, power: 0 }));
  const changed = after.filter(({ key, power }) => powerIn(before, key) !== power);
  return [...gone, ...changed].map(({ key, power }) => ({ pubKey: { ed25519: key }, power: BigInt(power) }));
}
