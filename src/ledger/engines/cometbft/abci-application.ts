import {
  CheckTxType,
  MisbehaviorType,
  ResponseApplySnapshotChunk_Result,
  ResponseOfferSnapshot_Result,
  ResponseProcessProposal_ProposalStatus,
  ResponseVerifyVoteExtension_VerifyStatus,
  type ExecTxResult,
  type Misbehavior,
  type Request,
  type RequestApplySnapshotChunk,
  type RequestCheckTx,
  type RequestFinalizeBlock,
  type RequestInitChain,
  type RequestLoadSnapshotChunk,
  type RequestOfferSnapshot,
  type RequestPrepareProposal,
  type RequestProcessProposal,
  type RequestQuery,
  type Response,
  type ResponseApplySnapshotChunk,
  type ResponseCheckTx,
  type ResponseFinalizeBlock,
  type ResponseQuery,
  type Snapshot,
  type ValidatorUpdate,
} from 'cosmjs-types/tendermint/abci/types';
import type { Timestamp } from 'cosmjs-types/google/protobuf/timestamp';
import type { RejectionCode } from '../../../contract/failures.ts';
import { ok, type Failure, type Result } from '../../../contract/result.ts';
import { appHashOf, type BlockDraft, type LedgerApplication, type Outcome, type Tip } from '../../application.ts';
import { LedgerDamage } from '../../damage.ts';
import { encodeGenesis, type Genesis } from '../../genesis.ts';
import { headerVersion, msOfTimestamp, type Validator } from '../../verify/block.ts';
import { equalBytes, fromBase64url, toBase64url, toHex, utf8 } from '../../verify/bytes.ts';
import { openEnvelope, type OpenedEnvelope } from '../../verify/envelope.ts';
import { varint } from '../../verify/protobuf.ts';
import { BlockWork } from './block-work.ts';
import { MempoolMemory } from './mempool-memory.ts';
import type { NodeStore } from './node-store.ts';
import type { NodeCheckpoint, SignTip } from './node-checkpoint.ts';
import { answerQuery } from './queries.ts';
import { SnapshotRestore } from './snapshot-restore.ts';
import { snapshotFormat, type SnapshotStore } from './snapshot-store.ts';

export interface AbciApplicationParts {
  genesis: Genesis;
  /** A block stands open on its writing connection between FinalizeBlock and Commit. */
  store: NodeStore;
  /** For nodes that join; null: none are made. */
  snapshots: { store: SnapshotStore; everyBlocks: number } | null;
  /** Where a snapshot that this node joins by is put together. */
  restoreFolder: string;
  /** Unix milliseconds. For what waits in the mempool only: blocks bring their own time. */
  clock: () => number;
  /** How many blocks the node is to keep; null: all, so that every receipt can be made at its own height. */
  keepBlocks: number | null;
  /** With the node's checkpoint key, where it has one. */
  signTip?: SignTip;
  /** Of what is done beside the node's requests, making a snapshot; and damage that a query has found. */
  onFault: (error: unknown) => void;
  /** Of validators, proven in a block: told in every block that brings it, also when it is applied again after a crash. */
  onMisbehaviour: (found: Misbehaviour) => void;
}

/** What a validator did against the protocol, as CometBFT's evidence says. The rules have no place for it: what follows is the authority's (`validator.set`). */
export interface Misbehaviour {
  /** `duplicate-vote`: it signed two blocks of one height; `light-client-attack`: it signed a block that is not the chain's, for somebody to believe. */
  kind: 'duplicate-vote' | 'light-client-attack' | 'unknown';
  /** Of the validator: hex, upper case, as in CometBFT's files. */
  address: string;
  power: number;
  /** When it did. */
  height: number;
  timeMs: number;
}

/** `app_state` of a chain's genesis.json: `imi` is base64url of `encodeGenesis`. */
export const appState = (genesis: Genesis): { imi: string } => ({ imi: toBase64url(encodeGenesis(genesis)) });

/** Of an ExecTxResult and a ResponseCheckTx; `data` is then the rejection's code in ASCII. Accepted ones have code 0 and no data. */
const refusedCode = 1;
/**
 * A proposer judges no longer than this. The others need about as long again before they vote, and all of it has to fit into `timeout_propose`
 * (400 ms in node-files.ts): a full mempool would otherwise make proposals that nobody can judge in time, and no blocks at all.
 */
const proposingMs = 100;
/** Of how many of the newest blocks checkpoints are signed: whoever gathers signatures is a few behind. */
const mostSignable = 1000;
/** Refusals that are remembered for whoever asks what became of a transaction. */
const mostRefusals = 10_000;

/**
 * ABCI 2.0 over the rules (spec/abci/abci++_methods.md). Every handler is a synchronous function of what is committed and of the request, so the
 * node's four connections never interleave within one. FinalizeBlock opens the SQLite transaction and Commit answers once it is on disk; everything
 * else reads over the second connection and sees no block in between. Throws where SQLite does, and where the node asks what no sound one does: the
 * server tells it and the node ends; what was open is rolled back and asked for again when it comes back.
 */
export class AbciApplication {
  readonly #parts: AbciApplicationParts;
  #restore: SnapshotRestore | null = null;
  /** The last proposal that was judged and taken whole: the same block need not be judged again when it is decided. */
  #judged: BlockDraft | null = null;
  /** What the mempool holds, on top of what is committed. */
  #expected: BlockDraft;
  readonly #mempool: MempoolMemory;
  /** After FinalizeBlock, of the block that stands open. */
  #openTip: Tip | null = null;
  /** Of the newest block that is committed. */
  #committedMs = 0;
  /** By height: what this process committed itself, or held against log and state when it opened the file. Of others nothing says that the file is right. */
  readonly #signable = new Map<number, Tip>();
  /** By transaction id in hex, the oldest first. */
  readonly #refusals = new Map<string, RejectionCode>();

  constructor(parts: AbciApplicationParts) {
    this.#parts = parts;
    this.#mempool = new MempoolMemory(parts.store.committed.crypto);
    this.#remember(parts.store.committed.tip());
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
    if (request.listSnapshots !== undefined) return { listSnapshots: { snapshots: this.#listSnapshots() } };
    if (request.offerSnapshot !== undefined) return { offerSnapshot: { result: this.#offerSnapshot(request.offerSnapshot) } };
    if (request.loadSnapshotChunk !== undefined) return { loadSnapshotChunk: { chunk: this.#loadSnapshotChunk(request.loadSnapshotChunk) } };
    if (request.applySnapshotChunk !== undefined) return { applySnapshotChunk: this.#applySnapshotChunk(request.applySnapshotChunk) };
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
    const tip = this.#parts.store.committed.tip();
    // Height 0 has the node send InitChain, also where this chain begins higher.
    const hasBlocks = !this.#parts.store.committed.isAtStart();
    return {
      data: this.#parts.genesis.chain,
      version: '',
      appVersion: BigInt(headerVersion.app),
      lastBlockHeight: BigInt(hasBlocks ? tip.height : 0),
      lastBlockAppHash: hasBlocks ? appHashOf(tip, this.#parts.store.committed.crypto) : new Uint8Array(),
    };
  }

  /** The node's genesis.json and this application's genesis have to be of one chain: what differs would be a fork at the first block. */
  #initChain({ chainId, appStateBytes, validators, initialHeight, time }: RequestInitChain): Response['initChain'] {
    const { chain, validators: own, time: genesisTime } = this.#parts.genesis;
    const tip = this.#parts.store.committed.tip();
    if (chainId !== chain) throw new Error(`genesis.json is of the chain ${chainId}, the application of ${chain}`);
    if (!holdsGenesis(appStateBytes, this.#parts.genesis)) throw new Error('app_state of genesis.json is not this application’s genesis');
    if (!isSameSet(validators, own)) throw new Error('validators of genesis.json are not those of this application’s genesis');
    if (time.seconds !== BigInt(genesisTime) || time.nanos !== 0) throw new Error('genesis_time of genesis.json is not that of this application’s genesis');
    if (!this.#parts.store.committed.isAtStart() || Number(initialHeight) !== tip.height + 1) throw new Error(`the application goes on at height ${tip.height + 1}`);
    return { consensusParams: undefined, validators: [], appHash: appHashOf(tip, this.#parts.store.committed.crypto) };
  }

  /** Damage below what is asked for is named and not served, and ends nothing: whoever asks again must not keep the node from voting. */
  #query(request: RequestQuery): ResponseQuery {
    try {
      return this.#answer(request);
    } catch (error) {
      if (!(error instanceof LedgerDamage)) throw error;
      this.#parts.onFault(error);
      return queryResponse(undefined, 'damaged', 0);
    }
  }

  #answer({ path, data }: RequestQuery): ResponseQuery {
    const value = answerQuery(this.#parts.store.committed, { path, data }, (id) => this.#refusals.get(toHex(id)), (height) => this.#checkpointAt(height));
    return queryResponse(value, 'no such path, or data of another form', this.#parts.store.committed.tip().height);
  }

  #checkpointAt(height: number): NodeCheckpoint | null {
    const tip = this.#signable.get(height);
    return tip === undefined ? null : (this.#parts.signTip?.(tip) ?? null);
  }

  /** Of the newest block, when it is committed. */
  #remember(tip: Tip): void {
    this.#committedMs = tip.timeMs;
    this.#signable.set(tip.height, tip);
    this.#signable.delete(tip.height - mostSignable);
  }

  /** On top of what waits already. After a commit the node asks again for all of it, in order. */
  #checkTx({ tx, type }: RequestCheckTx): ResponseCheckTx {
    const isRecheck = type === CheckTxType.RECHECK;
    const recalled = isRecheck ? this.#mempool.recalled(tx) : undefined;
    if (recalled !== undefined) {
      this.#expected.retake(recalled.judged);
      this.#mempool.keep(tx, recalled);
      return { ...accepted, log: '' };
    }
    const opened = this.#open(tx);
    const judged = opened.ok ? this.#expected.judge(opened.value, tx, this.#nowMs()) : opened;
    if (opened.ok && judged.ok) {
      this.#expected.retake(judged.value);
      this.#mempool.keep(tx, { opened: opened.value, judged: judged.value });
      return { ...accepted, log: '' };
    }
    const code = judged.ok ? 'envelope-malformed' : judged.failure.code;
    if (isRecheck) this.#rememberRefusal(tx, code);
    return { ...resultOf({ taken: false, code }), log: code };
  }

  /** What waits was taken apart when it came. */
  #open(tx: Uint8Array): Result<OpenedEnvelope, Failure<RejectionCode>> {
    const known = this.#mempool.find(tx);
    return known === undefined ? openEnvelope(tx, this.#parts.store.committed.crypto) : ok(known.opened);
  }

  #take(draft: BlockDraft, work: BlockWork, tx: Uint8Array): boolean {
    const opened = this.#open(tx);
    return opened.ok && work.takes(opened.value) && draft.takeOpened(opened.value, tx).taken;
  }

  /** Of what waits, in its order, what the rules take at the block's time, as far as there is room and time. */
  #prepareProposal({ txs, maxTxBytes, time }: RequestPrepareProposal): Uint8Array[] {
    const draft = this.#parts.store.committed.draft(msOf(time));
    const until = this.#parts.clock() + proposingMs;
    let room = Number(maxTxBytes);
    const work = new BlockWork();
    const taken = txs.filter((tx) => {
      const size = sizeInBlock(tx);
      if (size > room || this.#parts.clock() >= until || !this.#take(draft, work, tx)) return false;
      room -= size;
      return true;
    });
    this.#judged = draft;
    return taken;
  }

  /**
   * A block is accepted only where the rules take every transaction of it, so that a refused one is never in the log of blocks either, and
   * `last_results_hash` is that of as many accepted ones. That costs no liveness: whoever proposes by these rules at the same height and time
   * comes to the same answer, on every node and in every round; one that proposes otherwise loses its round, as if it were silent.
   * FinalizeBlock asks nothing of this: what two thirds decided is applied, with the refused ones refused.
   */
  #processProposal({ txs, time }: RequestProcessProposal): ResponseProcessProposal_ProposalStatus {
    const { ACCEPT, REJECT } = ResponseProcessProposal_ProposalStatus;
    if (this.#isJudged(msOf(time), txs)) return ACCEPT;
    const draft = this.#parts.store.committed.draft(msOf(time));
    const work = new BlockWork();
    if (!txs.every((tx) => this.#take(draft, work, tx))) return REJECT;
    this.#judged = draft;
    return ACCEPT;
  }

  /** Of the block after the newest: on any commit what was judged goes. */
  #isJudged(timeMs: number, txs: readonly Uint8Array[]): boolean {
    const { timeMs: judgedMs, taken } = this.#judged ?? {};
    return judgedMs === timeMs && taken?.length === txs.length && taken.every(({ envelope }, i) => equalBytes(envelope, txs[i] ?? new Uint8Array()));
  }

  /** Nothing is on disk before Commit: a node that ended in between finds the block before this one, and sends this one again. */
  #finalizeBlock({ height, time, txs, misbehavior }: RequestFinalizeBlock): ResponseFinalizeBlock {
    this.#rollBack();
    for (const found of misbehavior) this.#parts.onMisbehaviour(misbehaviourOf(found));
    this.#parts.store.database.exec('BEGIN IMMEDIATE');
    try {
      const before = newestSet(this.#parts.store.writing);
      const { outcomes, tip } = this.#apply({ height: Number(height), timeMs: msOf(time), transactions: txs });
      this.#openTip = tip;
      for (const [i, outcome] of outcomes.entries()) {
        const tx = txs[i];
        if (!outcome.taken && tx !== undefined) this.#rememberRefusal(tx, outcome.code);
      }
      return {
        events: [],
        txResults: outcomes.map(resultOf),
        validatorUpdates: updatesBetween(before, newestSet(this.#parts.store.writing)),
        consensusParamUpdates: undefined,
        appHash: appHashOf(tip, this.#parts.store.writing.crypto),
      };
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #apply(block: { height: number; timeMs: number; transactions: readonly Uint8Array[] }): { outcomes: Outcome[]; tip: Tip } {
    const { writing } = this.#parts.store;
    const judged = this.#judged;
    if (judged?.height !== block.height || !this.#isJudged(block.timeMs, block.transactions)) return writing.applyBlock(block);
    return { outcomes: judged.taken.map((transaction) => ({ taken: true, transaction })), tip: writing.write(judged) };
  }

  /** The height below which the node may drop blocks; 0: none. */
  #commit(): bigint {
    if (!this.#parts.store.database.isTransaction || this.#openTip === null) throw new Error('Commit without FinalizeBlock');
    try {
      this.#parts.store.database.exec('COMMIT');
    } catch (error) {
      this.#rollBack();
      throw error;
    }
    this.#remember(this.#openTip);
    const { height } = this.#openTip;
    this.#openTip = null;
    this.#expected = this.#draftNow();
    this.#mempool.turn(this.#parts.clock());
    this.#judged = null;
    const { snapshots, keepBlocks, onFault } = this.#parts;
    if (snapshots !== null && height % snapshots.everyBlocks === 0) snapshots.store.take(onFault);
    return keepBlocks === null ? 0n : BigInt(Math.max(0, height - keepBlocks + 1));
  }

  #listSnapshots(): Snapshot[] {
    const { snapshots } = this.#parts;
    return (snapshots?.store.list() ?? []).map(({ height, ...rest }) => ({ height: BigInt(height), format: snapshotFormat, ...rest }));
  }

  #loadSnapshotChunk({ height, format, chunk }: RequestLoadSnapshotChunk): Uint8Array {
    const { snapshots } = this.#parts;
    return (format === snapshotFormat ? snapshots?.store.chunk(Number(height), chunk) : undefined) ?? new Uint8Array();
  }

  /** A node that has no block yet joins by a snapshot instead of all of them. `appHash` is what its light client believes. */
  #offerSnapshot({ snapshot, appHash }: RequestOfferSnapshot): ResponseOfferSnapshot_Result {
    const { ACCEPT, ABORT, REJECT, REJECT_FORMAT } = ResponseOfferSnapshot_Result;
    if (!this.#parts.store.committed.isAtStart()) return ABORT;
    if (snapshot?.format !== snapshotFormat) return REJECT_FORMAT;
    const { chunks, hash, metadata } = snapshot;
    this.#restore = SnapshotRestore.begin({ height: Number(snapshot.height), chunks, hash, metadata, appHash }, this.#parts.restoreFolder, this.#parts.store.committed.crypto) ?? null;
    return this.#restore === null ? REJECT : ACCEPT;
  }

  /** They come in their order. With the last one the ledger is built, held against the signed app hash, and put in place of the empty one. */
  #applySnapshotChunk({ index, chunk, sender }: RequestApplySnapshotChunk): ResponseApplySnapshotChunk {
    const { ACCEPT, ABORT, RETRY, REJECT_SNAPSHOT } = ResponseApplySnapshotChunk_Result;
    const restore = this.#restore;
    const answer = (result: ResponseApplySnapshotChunk_Result): ResponseApplySnapshotChunk => ({ result, refetchChunks: [], rejectSenders: [] });
    if (restore === null) return answer(ABORT);
    if (!restore.take(index, chunk)) return { result: RETRY, refetchChunks: [index], rejectSenders: [sender] };
    if (!restore.isLast(index)) return answer(ACCEPT);
    const built = restore.build(this.#parts.genesis);
    if (built !== null) this.#parts.store.replaceBy(built);
    restore.end();
    this.#restore = null;
    this.#judged = null;
    this.#remember(this.#parts.store.committed.tip());
    this.#expected = this.#draftNow();
    return answer(built === null ? REJECT_SNAPSHOT : ACCEPT);
  }

  #rollBack(): void {
    this.#openTip = null;
    if (this.#parts.store.database.isTransaction) this.#parts.store.database.exec('ROLLBACK');
  }

  #draftNow(): BlockDraft {
    return this.#parts.store.committed.draft(this.#nowMs());
  }

  #nowMs(): number {
    return Math.max(this.#parts.clock(), this.#committedMs + 1);
  }

  #rememberRefusal(envelope: Uint8Array, code: RejectionCode): void {
    const opened = openEnvelope(envelope, this.#parts.store.committed.crypto);
    if (!opened.ok || code === 'transaction-known') return;
    this.#refusals.set(toHex(opened.value.id), code);
    const [oldest] = this.#refusals.keys();
    if (this.#refusals.size > mostRefusals && oldest !== undefined) this.#refusals.delete(oldest);
  }
}

const msOf = ({ seconds, nanos }: Timestamp): number => msOfTimestamp({ seconds: Number(seconds), nanos });

/** `why` it is not answered, where there is no value. */
const queryResponse = (value: Uint8Array | undefined, why: string, height: number): ResponseQuery => ({
  code: value === undefined ? 1 : 0,
  log: value === undefined ? why : '',
  info: '',
  index: 0n,
  key: new Uint8Array(),
  value: value ?? new Uint8Array(),
  proofOps: undefined,
  height: BigInt(height),
  codespace: '',
});

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

const kinds: Partial<Record<MisbehaviorType, Misbehaviour['kind']>> = {
  [MisbehaviorType.DUPLICATE_VOTE]: 'duplicate-vote',
  [MisbehaviorType.LIGHT_CLIENT_ATTACK]: 'light-client-attack',
};

const misbehaviourOf = ({ type, validator, height, time }: Misbehavior): Misbehaviour => ({
  kind: kinds[type] ?? 'unknown',
  address: toHex(validator.address).toUpperCase(),
  power: Number(validator.power),
  height: Number(height),
  timeMs: msOf(time),
});

const accepted: ExecTxResult = { code: 0, data: new Uint8Array(), log: '', info: '', gasWanted: 0n, gasUsed: 0n, events: [], codespace: '' };

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
