import type { TrustRoot } from '../../../contract/hub-file.ts';
import type { RejectionCode } from '../../../contract/failures.ts';
import { fail, ok, type Result } from '../../../contract/result.ts';
import type { ReceiptPlace } from '../../application.ts';
import type { CommittedBlock, Ledger, ProvenRead, TransactionState } from '../../ledger.ts';
import { nodeCrypto } from '../../node-crypto.ts';
import { headerHash, msOfTimestamp } from '../../verify/block.ts';
import { equalBytes, toHex } from '../../verify/bytes.ts';
import { encodeCbor } from '../../verify/cbor.ts';
import { openEnvelope } from '../../verify/envelope.ts';
import { trustThrough } from '../../verify/handover.ts';
import { encodeHead, verifiedSigners } from '../../verify/head.ts';
import { decodeLightBlock, encodeLightBlock, type LightBlock } from '../../verify/light-block.ts';
import { verifyConsistency } from '../../verify/merkle-log.ts';
import type { Checkpoint } from '../../verify/checkpoint.ts';
import type { NoteSignature } from '../../verify/note.ts';
import { encodeBareReceipt, verifyReceipt } from '../../verify/receipt.ts';
import { storageFailure } from '../storage-failure.ts';
import { followNext, type Followed, type FollowedBlock } from './block-follower.ts';
import { readEntries } from './log-entries.ts';
import { gatherSignatures } from './node-checkpoint.ts';
import { NodePool, type NodeFault, type NoNode, type PoolTimes, type Stopped } from './node-pool.ts';
import { judgeProven, type Judged } from './proven-judge.ts';
import { boundBy, readProven, type Proven } from './proven-read.ts';
import { cometNode, type CometNode } from './rpc.ts';
import { SubmissionQueue, type Queued, type Settled } from './submission-queue.ts';
import { VerifiedChain } from './verified-chain.ts';

export interface CometLedgerOptions {
  /** RPC addresses of several nodes, of different agencies: one of them has to be honest and up. */
  nodes: readonly string[];
  trustRoot: TrustRoot;
  /** The file of the hub's own queue. */
  queuePath: string;
  /** Values for the hub's own use come from no older head. */
  maxHeadAgeMs: number;
  /** Unix milliseconds. */
  clock: () => number;
  /** What a node said that does not verify, for the log. It is asked last for a while. */
  onLie: (url: string, what: string) => void;
  /** The ledger told two stories; the evidence is in the queue's file. Nothing is believed any more. */
  onSplit: (what: string) => void;
  /** A bug in a listener or here. */
  onFault: (where: string, error: unknown) => void;
  /** Where more is queued, submissions are `hub-busy`. */
  mostQueued?: number;
  times?: Partial<CometTimes>;
  poolTimes?: Partial<PoolTimes>;
}

export interface CometTimes {
  /** Of one answer of one node. */
  answerMs: number;
  /** For the header that binds what was read. */
  headerMs: number;
  /** Between two questions for the next block. */
  pollMs: number;
  /** Between two broadcasts of what is not recorded yet. */
  againMs: number;
}

const usualTimes: CometTimes = { answerMs: 1500, headerMs: 1500, pollMs: 100, againMs: 2000 };
const crypto = nodeCrypto;
/** A transaction goes to so many nodes at once: one may be down, one may swallow it. */
const toldNodes = 3;
const mostInRound = 500;
const mostEntries = 256;
const sentAtOnce = 16;
/** More of those that come earlier are not judged with each one anew: every one costs its signatures, and some of the 1000 keys of one question. */
const mostJudgedBefore = 64;
/** What became of a transaction is kept for so long after its own `notAfter`. */
const keptSeconds = 30 * 86_400;
/** A refusal counts once the rules gave it on two states so many blocks apart: by then no honest node's mempool holds the transaction any more. */
const heightsBetween = 2;
const mostRoots = 4096;
/** Without a new block although one is known, a node is asked whether it has the next one at all. */
const missingAfterPolls = 50;

/**
 * `hub-storage` where the queue's file cannot be opened, or is another process's. Nodes are not asked yet: none need be up.
 */
export function openCometLedger(options: CometLedgerOptions): Result<CometLedger> {
  let queue: SubmissionQueue;
  try {
    queue = new SubmissionQueue(options.queuePath);
  } catch (error) {
    return storageFailure(error);
  }
  const ledger = new CometLedger(options, queue);
  ledger.start();
  return ok(ledger);
}

/**
 * The ledger of many agencies, over several nodes of CometBFT, none of which is believed: every header is verified from the trust root on, every value
 * has its proof, `recorded` is said of what stands in a verified block with a verified result, and `rejected` where a verified result says so, where
 * the rules refuse it on proven values, or where its time ran out without any block having it. What was submitted is on disk here before `queued` is said.
 */
export class CometLedger implements Ledger {
  readonly chain: string;
  readonly #options: CometLedgerOptions;
  readonly #times: CometTimes;
  readonly #queue: SubmissionQueue;
  readonly #chain: VerifiedChain;
  readonly #pool: NodePool;
  readonly #rootHash: Uint8Array;
  readonly #listeners = new Set<(block: CommittedBlock) => void>();
  readonly #ending = new AbortController();
  /** What was given out last: nobody is shown an older head after it. */
  #givenHeight = 0;
  /** Log sizes and roots that were proven, for answers about consistency. */
  readonly #logRoots = new Map<number, Uint8Array>();
  #followed: Followed | null = null;
  /** By id in hex: the height of the state on which the rules first refused what was sent already. */
  readonly #refusedAt = new Map<string, number>();
  /** By id in hex: when it was broadcast last, Unix milliseconds. */
  readonly #sentAt = new Map<string, number>();
  /** Of the block that was handed on last, Unix seconds. */
  #passed = 0;
  #polls = 0;
  #hasNew = false;
  #timers: NodeJS.Timeout[] = [];
  readonly #running = new Map<string, Promise<void>>();
  #isClosed = false;

  /** Use `openCometLedger`. */
  constructor(options: CometLedgerOptions, queue: SubmissionQueue) {
    const { trustRoot, nodes, clock, onLie } = options;
    const root = trustThrough(trustRoot, crypto);
    this.chain = root.chain;
    this.#options = options;
    this.#times = { ...usualTimes, ...options.times };
    this.#queue = queue;
    this.#rootHash = crypto.sha256(encodeCbor([root.chain, root.height, root.validators.map(({ key, power }) => [key, power])]));
    this.#chain = new VerifiedChain({
      root,
      trustingPeriodMs: trustRoot.trustingPeriodMs,
      crypto,
      clock,
      onSplit: (evidence, what) => this.#keepSplit(evidence, what),
    });
    const made = nodes.map((url) => cometNode({ url, deadlineMs: this.#times.answerMs }));
    this.#pool = new NodePool({ nodes: made, clock, onLie, ...(options.poolTimes === undefined ? {} : { times: options.poolTimes }) });
  }

  /** Called once, by `openCometLedger`. */
  start(): void {
    if (this.#queue.split(this.#rootHash) !== undefined) this.#chain.stop();
    const place = this.#queue.place(this.#rootHash);
    const block = place === undefined ? undefined : decodeLightBlock(place.block, this.chain, crypto);
    if (place !== undefined && block !== undefined) {
      const anchor = { ...block, hash: headerHash(block.header, crypto) };
      this.#chain.goOnFrom(anchor);
      this.#followed = { next: place.next, logSize: place.logSize, anchor };
    }
    const { pollMs, againMs } = this.#times;
    this.#timers = [setInterval(() => this.#run('follow'), pollMs), setInterval(() => this.#run('deliver'), againMs)];
    for (const timer of this.#timers) timer.unref();
    this.#run('deliver');
  }

  async submit(envelope: Uint8Array): Promise<Result<TransactionState>> {
    if (this.#isClosed) return fail('hub-storage', 'closed');
    const opened = openEnvelope(envelope, crypto);
    if (!opened.ok) return ok({ state: 'rejected', code: opened.failure.code });
    const { id, body } = opened.value;
    if (body.chain !== this.chain) return ok({ state: 'rejected', code: 'chain-wrong' });
    const known = this.#known(id);
    if (!known.ok || known.value.state === 'recorded' || known.value.state === 'queued') return known;
    const judged = await this.#judge(envelope, id);
    // Nodes that cannot be reached are no reason to keep a resident waiting: it is queued, and judged later.
    if (!judged.ok && judged.failure.code !== 'hub-unreachable') return judged;
    if (judged.ok && judged.value !== null && !judged.value.outcome.taken) {
      const { code } = judged.value.outcome;
      return code === 'transaction-known' ? this.state(id) : ok({ state: 'rejected', code });
    }
    const queued = this.#onDisk(() => {
      const isNew = this.#queue.state(id).state !== 'queued';
      if (isNew && this.#queue.count() >= (this.#options.mostQueued ?? 10_000)) return fail('hub-busy', 'queue full');
      this.#queue.add({ id, envelope, notAfter: body.notAfter });
      return ok({ state: 'queued' as const });
    });
    if (queued.ok) {
      this.#hasNew = true;
      this.#run('deliver');
    }
    return queued;
  }

  async state(transaction: Uint8Array): Promise<Result<TransactionState>> {
    const known = this.#known(transaction);
    if (!known.ok || known.value.state !== 'unknown') return known;
    const receipt = await this.#receiptOf(transaction, 'own');
    if (!receipt.ok) return receipt;
    if (receipt.value === null) return ok({ state: 'unknown' });
    const { height, index } = receipt.value;
    return ok({ state: 'recorded', height, index });
  }

  async receipt(transaction: Uint8Array, waitMs: number): Promise<Result<Uint8Array | null>> {
    const known = this.#known(transaction);
    if (!known.ok) return known;
    if (known.value.state === 'rejected') return ok(null);
    if (known.value.state === 'queued' && (waitMs === 0 || !(await this.#recorded(transaction, waitMs)))) return ok(null);
    const own = await this.#receiptOf(transaction, 'own');
    return own.ok ? ok(own.value?.bytes ?? null) : own;
  }

  async receiptAt(transaction: Uint8Array, height: number): Promise<Result<Uint8Array | null>> {
    const receipt = await this.#receiptOf(transaction, height);
    return receipt.ok ? ok(receipt.value?.bytes ?? null) : receipt;
  }

  /** By the nodes' own checkpoint keys; each holds, and whether it is one of the log's is for the caller to know. */
  checkpointSignatures(checkpoint: Checkpoint): Promise<NoteSignature[]> {
    return gatherSignatures(this.#pool, checkpoint, crypto);
  }

  async head(): Promise<Result<Uint8Array>> {
    const proven = await this.#read([]);
    return proven.ok ? ok(headOf(proven.value)) : proven;
  }

  block(height: number): Promise<Result<Uint8Array | null>> {
    return this.#pool.find(async (node) => {
      const block = await this.#chain.lightBlock(node, height);
      if (!block.ok) return block.failure.code === 'refused' ? ok(null) : block;
      const { header, commit, validators } = block.value;
      const own = { chain: header.chain, height, blockId: { hash: headerHash(header, crypto), parts: commit.parts }, commit, validators };
      // The asker verifies it from where he stands; this keeps away what nobody could believe.
      return verifiedSigners(own, crypto).ok ? ok(encodeLightBlock(block.value)) : fail('lies', `block ${height}`);
    });
  }

  consistency(first: number, second: number): Promise<Result<Uint8Array[] | null>> {
    const [firstRoot, secondRoot] = [this.#logRoots.get(first), this.#logRoots.get(second)];
    return this.#pool.find(async (node) => {
      const path = await node.query('/log/consistency', { first, second });
      if (!path.ok || path.value === null || firstRoot === undefined || secondRoot === undefined) return path;
      return verifyConsistency({ first, firstRoot, second, secondRoot, path: path.value }, crypto) ? path : fail('lies', `consistency of ${first} and ${second}`);
    });
  }

  /** 256 at once: of the newest log that is proven, each with what stands on either side of them. */
  async entries(from: number, count: number): Promise<Result<Uint8Array[]>> {
    const newest = await this.#read([]);
    if (!newest.ok) return newest;
    const { tip } = newest.value;
    const wanted = Math.min(count, mostEntries, tip.logSize - from);
    if (wanted <= 0) return ok([]);
    return this.#pool.ask((node) => readEntries({ from, count: wanted, tip }, node, crypto));
  }

  async read(keys: readonly Uint8Array[]): Promise<Result<ProvenRead>> {
    const proven = await this.#read(keys);
    return proven.ok ? ok({ head: headOf(proven.value), entries: proven.value.entries }) : proven;
  }

  /** Proven like all else: nobody here runs the node. `head-too-old` where nothing younger is to be had. */
  async values(keys: readonly Uint8Array[]): Promise<Result<(Uint8Array | null)[]>> {
    const proven = await this.#read(keys);
    if (!proven.ok) return proven;
    const ageMs = this.#ageMs(proven.value);
    return ageMs > this.#options.maxHeadAgeMs ? fail('head-too-old', `${Math.round(ageMs / 1000)} s`) : ok(proven.value.entries.map(({ value }) => value));
  }

  onBlock(listener: (block: CommittedBlock) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ending.abort();
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#running.values());
    this.#queue.close();
  }

  #known(id: Uint8Array): Result<TransactionState> {
    return this.#onDisk(() => ok(this.#queue.state(id)));
  }

  #onDisk<T>(work: () => Result<T>): Result<T> {
    if (this.#isClosed) return fail('hub-storage', 'closed');
    try {
      return work();
    } catch (error) {
      return storageFailure(error);
    }
  }

  #keepSplit([one, other]: readonly [LightBlock, LightBlock], what: string): void {
    const kept = this.#onDisk(() => {
      this.#queue.keepSplit(this.#rootHash, encodeCbor({ v: 1, root: this.#rootHash, what, one: encodeLightBlock(one), other: encodeLightBlock(other) }));
      return ok(null);
    });
    if (!kept.ok) this.#options.onFault('evidence', kept.failure);
    this.#options.onSplit(what);
  }

  /**
   * Never older than what was given out when it was asked for; older than the newest block that is known, or too old to be of use, only where no node
   * has better: of those who stand still one may be asked first.
   */
  async #read(keys: readonly Uint8Array[]): Promise<Result<Proven, NoNode | Stopped>> {
    const given = this.#givenHeight;
    const known = this.#chain.newest?.header.height ?? 0;
    let second: Proven | undefined;
    const asked = await this.#pool.ask(async (node): Promise<Result<Proven, NodeFault | Stopped>> => {
      const read = await readProven(keys, node, this.#chain, this.#times.headerMs, crypto);
      if (!read.ok) return read;
      const { height } = read.value.bound.header;
      if (height >= known && this.#ageMs(read.value) <= this.#options.maxHeadAgeMs) return read;
      if (height >= Math.max(given, second?.bound.header.height ?? 0)) second = read.value;
      return fail('behind', `height ${height}`);
    });
    const proven = !asked.ok && asked.failure.code === 'hub-unreachable' && second !== undefined ? ok<Proven>(second) : asked;
    if (proven.ok) {
      const { tip, bound } = proven.value;
      this.#givenHeight = Math.max(this.#givenHeight, bound.header.height);
      this.#logRoots.set(tip.logSize, tip.logRoot);
      const [oldest] = this.#logRoots.keys();
      if (this.#logRoots.size > mostRoots && oldest !== undefined) this.#logRoots.delete(oldest);
    }
    return proven;
  }

  #ageMs({ bound }: Proven): number {
    return this.#options.clock() - msOfTimestamp(bound.header.time);
  }

  /** null: the ledger moved on too fast, or too much waits before it. Without all of that it might be refused for what an earlier one brings. */
  #judge(envelope: Uint8Array, id: Uint8Array): Promise<Result<Judged | null>> {
    const waiting = this.#onDisk(() => ok(this.#queue.waiting(mostJudgedBefore + 1)));
    if (!waiting.ok) return Promise.resolve(waiting);
    const own = waiting.value.findIndex((one) => equalBytes(one.id, id));
    const before = (own < 0 ? waiting.value : waiting.value.slice(0, own)).map((one) => one.envelope);
    if (before.length > mostJudgedBefore) return Promise.resolve(ok(null));
    return judgeProven(envelope, { before, chain: this.chain, nowMs: this.#options.clock(), read: (keys) => this.#read(keys), crypto });
  }

  /**
   * A receipt that holds by those who sign now; null: no node that answers has one. `own`: at the transaction's own height, else at the newest.
   * `notAfter`, Unix seconds: only nodes count as having none that are proven to be past it; the others could not know yet.
   */
  async #receiptOf(id: Uint8Array, place: ReceiptPlace, notAfter?: number): Promise<Result<{ bytes: Uint8Array; height: number; index: number } | null>> {
    const found = await this.#pool.find(async (node): Promise<Result<FoundReceipt | null, NodeFault | Stopped>> => {
      const material = await node.query('/receipt', { transaction: id, place });
      if (!material.ok) return material;
      if (material.value === null) return notAfter === undefined ? ok(null) : this.#past(notAfter, node);
      const { tip, index } = material.value;
      const bound = await this.#headerOf(tip, node);
      if (!bound.ok) return bound;
      const bytes = encodeBareReceipt(material.value, { ...bound.value, logSize: tip.logSize, stateRoot: tip.stateRoot }, crypto);
      const proof = verifyReceipt(bytes, this.#chain.trust, crypto);
      if (proof.ok && equalBytes(proof.value.transaction, id)) return ok({ bytes, height: tip.height, index, isOurs: true });
      // By validators who have left since: the same at a height that today's signed.
      const isOld = !proof.ok && (proof.failure.fault === 'other-signers' || proof.failure.fault === 'before-trust') && place === 'own';
      return isOld ? ok({ bytes, height: tip.height, index, isOurs: false }) : fail('lies', 'a receipt');
    });
    if (!found.ok || found.value === null) return found;
    const { isOurs, ...receipt } = found.value;
    if (isOurs) return ok(receipt);
    const newest = await this.#receiptOf(id, 'newest');
    return newest.ok && newest.value !== null ? ok({ ...newest.value, height: receipt.height }) : newest;
  }

  /** null: its newest state, proven, is of a time at which the rules refuse everything with this `notAfter`. */
  async #past(notAfter: number, node: CometNode): Promise<Result<null, NodeFault | Stopped>> {
    const newest = await readProven([], node, this.#chain, this.#times.headerMs, crypto);
    if (!newest.ok) return newest;
    return Math.floor(newest.value.tip.timeMs / 1000) > notAfter ? ok(null) : fail('behind', `height ${newest.value.tip.height}`);
  }

  /** Of an old height not verified by walking: `verifyReceipt` asks for two thirds of those who sign now. */
  async #headerOf(tip: Proven['tip'], node: CometNode): Promise<Result<LightBlock, NodeFault | Stopped>> {
    const newest = this.#chain.newest?.header.height ?? 0;
    return tip.height + 1 < newest ? this.#chain.lightBlock(node, tip.height + 1) : boundBy(tip, node, this.#chain, this.#times.headerMs, crypto);
  }

  /** Waits for the block; false: not within `waitMs`. */
  #recorded(id: Uint8Array, waitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const deadline = AbortSignal.any([AbortSignal.timeout(waitMs), this.#ending.signal]);
      const settle = (): void => {
        stop();
        deadline.removeEventListener('abort', settle);
        const known = this.#known(id);
        resolve(known.ok && known.value.state === 'recorded');
      };
      const stop = this.onBlock(({ transactions }) => {
        if (transactions.some((one) => equalBytes(one.id, id))) settle();
      });
      deadline.addEventListener('abort', settle);
    });
  }

  /** Where it is not under way already: again as long as it says that there is more. A bug in it is told, and it is tried again. */
  #run(name: 'follow' | 'deliver'): void {
    if (this.#running.has(name) || this.#isClosed) return;
    const work = name === 'follow' ? () => this.#follow() : () => this.#deliver();
    const run = async (): Promise<void> => {
      try {
        while (!this.#isClosed && (await work()));
      } catch (error) {
        this.#options.onFault(name, error);
      }
      this.#running.delete(name);
    };
    this.#running.set(name, run());
  }

  /** One block, if it is there. */
  async #follow(): Promise<boolean> {
    const followed = this.#followed ?? (await this.#begin());
    if (followed === null) return false;
    const found = await this.#pool.ask((node) => followNext(followed, node, this.#chain, crypto));
    if (!found.ok) return false;
    if (found.value !== null) {
      this.#polls = 0;
      return this.#handOn(found.value);
    }
    this.#pool.rotate();
    this.#polls += 1;
    const isMissing = this.#polls % missingAfterPolls === 0 && (this.#chain.newest?.header.height ?? 0) > followed.next + 1;
    if (isMissing && (await this.#isGone(followed.next))) this.#followed = null;
    return false;
  }

  /** From the newest head on. What was queued here and was recorded in blocks that are not to be had any more is found by its receipt, also where it was refused before and others brought it again. */
  async #begin(): Promise<Followed | null> {
    const newest = await this.#read([]);
    if (!newest.ok) return null;
    const { tip, bound } = newest.value;
    const most = this.#options.mostQueued ?? 10_000;
    const waiting = this.#queue.waiting(most).map(({ id, notAfter }) => ({ id, keptUntil: notAfter + keptSeconds }));
    for (const { id, keptUntil } of [...waiting, ...this.#queue.refused(Math.floor(tip.timeMs / 1000), most)]) {
      const receipt = await this.#receiptOf(id, 'own');
      if (!receipt.ok) return null;
      const { value } = receipt;
      if (value !== null) this.#settle([{ id, state: 'recorded', height: value.height, index: value.index, keptUntil }], tip.timeMs);
    }
    this.#followed = { next: tip.height + 1, logSize: tip.logSize, anchor: bound };
    return this.#followed;
  }

  /** No node that answers has this height any more. */
  async #isGone(height: number): Promise<boolean> {
    const kept = await this.#pool.tell(Number.POSITIVE_INFINITY, (node) => node.heights());
    return kept.length > 0 && kept.every(({ first }) => first > height);
  }

  /** What became of queued transactions first, then the listeners, then the place: a block may be handed on twice, and never not at all. */
  #handOn({ block, refused, after }: FollowedBlock): boolean {
    const isOurs = ({ id }: { id: Uint8Array }): boolean => this.#queue.state(id).state !== 'unknown';
    const recorded = block.transactions
      .filter(isOurs)
      .map(({ id, index, body }): Settled => ({ id, state: 'recorded', height: block.height, index, keptUntil: body.notAfter + keptSeconds }));
    const keptUntil = Math.floor(block.timeMs / 1000) + 2 * keptSeconds;
    const ended = refused
      // A second copy of what stands in the ledger is refused too; the first one counts.
      .filter(({ id, envelope, code }) => code !== 'transaction-known' && this.#queue.state(id).state === 'queued' && this.#queue.holds(id, envelope))
      .map(({ id, code }): Settled => ({ id, state: 'rejected', code, keptUntil }));
    if (!this.#settle([...recorded, ...ended], block.timeMs)) return false;
    for (const listener of this.#listeners) {
      try {
        listener(block);
      } catch (error) {
        this.#options.onFault('block', error);
      }
    }
    const kept = this.#onDisk(() => {
      this.#queue.keepPlace(this.#rootHash, { next: after.next, logSize: after.logSize, block: encodeLightBlock(after.anchor) });
      return ok(null);
    });
    if (!kept.ok) return false;
    this.#followed = after;
    this.#passed = Math.floor(block.timeMs / 1000);
    return true;
  }

  #settle(settled: readonly Settled[], nowMs: number): boolean {
    const kept = this.#onDisk(() => {
      this.#queue.settle(settled, Math.floor(nowMs / 1000));
      return ok(null);
    });
    for (const { id } of settled) {
      this.#refusedAt.delete(toHex(id));
      this.#sentAt.delete(toHex(id));
    }
    return kept.ok;
  }

  /** Everything that waits, again and again until it is settled, in its order. */
  async #deliver(): Promise<boolean> {
    const { againMs } = this.#times;
    this.#hasNew = false;
    const waiting = this.#onDisk(() => ok({ expired: this.#queue.expired(this.#passed), all: this.#queue.waiting(mostInRound) }));
    if (!waiting.ok) return false;
    for (const one of waiting.value.expired) await this.#expire(one);
    const now = this.#options.clock();
    const due = waiting.value.all.filter(({ id, notAfter }) => notAfter >= this.#passed && now - (this.#sentAt.get(toHex(id)) ?? 0) >= againMs);
    for (let from = 0; from < due.length && !this.#ending.signal.aborted; from += sentAtOnce) {
      await Promise.all(due.slice(from, from + sentAtOnce).map((one) => this.#send(one)));
    }
    return this.#hasNew;
  }

  /** Every block up to its time was looked through; one from before this hub followed the ledger has a receipt. */
  async #expire({ id, notAfter }: Queued): Promise<void> {
    const receipt = await this.#receiptOf(id, 'own', notAfter);
    if (!receipt.ok) return;
    const { value } = receipt;
    const keptUntil = notAfter + keptSeconds;
    this.#settle([value === null ? rejected(id, 'expired', notAfter) : { id, state: 'recorded', height: value.height, index: value.index, keptUntil }], this.#passed * 1000);
  }

  async #send(queued: Queued): Promise<void> {
    this.#sentAt.set(toHex(queued.id), this.#options.clock());
    const answers = await this.#pool.tell(toldNodes, (node) => node.broadcast(queued.envelope));
    if (answers.some((refusal) => refusal !== null)) await this.#judgeAgain(queued);
  }

  /** A node says that the rules refuse it. That is looked into, not believed. */
  async #judgeAgain({ id, envelope, notAfter }: Queued): Promise<void> {
    const judged = await this.#judge(envelope, id);
    if (!judged.ok || judged.value === null) return;
    const { outcome, tip } = judged.value;
    const name = toHex(id);
    if (outcome.taken) {
      this.#refusedAt.delete(name);
      return;
    }
    if (outcome.code === 'transaction-known') {
      const receipt = await this.#receiptOf(id, 'own');
      if (!receipt.ok || receipt.value === null) return;
      const { height, index } = receipt.value;
      this.#settle([{ id, state: 'recorded', height, index, keptUntil: notAfter + keptSeconds }], tip.timeMs);
      return;
    }
    const since = this.#refusedAt.get(name);
    if (since === undefined) this.#refusedAt.set(name, tip.height);
    else if (tip.height >= since + heightsBetween) this.#settle([rejected(id, outcome.code, notAfter)], tip.timeMs);
  }
}

interface FoundReceipt {
  bytes: Uint8Array;
  height: number;
  index: number;
  /** It holds by those who sign now. */
  isOurs: boolean;
}

const rejected = (id: Uint8Array, code: RejectionCode, notAfter: number): Settled => ({ id, state: 'rejected', code, keptUntil: notAfter + keptSeconds });

const headOf = ({ tip, bound }: Proven): Uint8Array => encodeHead({ ...bound, logRoot: tip.logRoot, logSize: tip.logSize, stateRoot: tip.stateRoot });
