import { z } from 'zod';
import { fail, ok, type Failure, type Result } from '../../../contract/result.ts';
import type { BlockId, Commit, Header, Timestamp, TransactionResult, Validator } from '../../verify/block.ts';
import { fromHex, toHex } from '../../verify/bytes.ts';
import type { LightBlock } from '../../verify/light-block.ts';
import { decodeAnswer, encodeAsk, type Queries, type QueryPath } from './queries.ts';

/**
 * `silent`: no connection, no answer in time, too long an answer. `refused`: it says no, with why; of a height that it does not have yet, too.
 * `garbled`: an answer of another form.
 */
export type NodeFailure = Failure<'silent' | 'refused' | 'garbled'>;
export type FromNode<T> = Result<T, NodeFailure>;

/** One node of CometBFT 0.38 to 0.40, over the JSON-RPC of its HTTP port. Nothing that it answers is believed here. */
export interface CometNode {
  readonly url: string;
  /** The newest where no height is given. `refused`: not yet, or no more. `knownSet`: of a header's `validatorsHash`, so that it need not be asked for. */
  lightBlock(height: number | null, knownSet: (hash: Uint8Array) => Validator[] | undefined): Promise<FromNode<LightBlock>>;
  transactions(height: number): Promise<FromNode<Uint8Array[]>>;
  results(height: number): Promise<FromNode<TransactionResult[]>>;
  query<P extends QueryPath>(path: P, ask: Queries[P]['ask']): Promise<FromNode<Queries[P]['answer']>>;
  /** null: its mempool has it, now or already. Else what CheckTx says, which proves nothing. */
  broadcast(transaction: Uint8Array): Promise<FromNode<{ refusal: string } | null>>;
  /** Heights that it has blocks of. */
  heights(): Promise<FromNode<{ first: number; last: number }>>;
}

/** A block of 4 MiB in base64, and what stands around it. */
const mostAnswerBytes = 16 * 1024 * 1024;
const mostValidatorPages = 10;

const int64 = z.string().regex(/^-?\d{1,19}$/);
const height = int64.transform(Number).pipe(z.int().min(0));
/** Of 32 bytes at most: hashes and addresses. */
const hex = z.string().max(64).transform((text, context) => fromHex(text) ?? (context.addIssue('not hex'), z.NEVER));
const base64 = z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64')));
const nullable = z.union([base64, z.null().transform(() => new Uint8Array())]);
const time = z.string().transform((text, context): Timestamp => timestampOf(text) ?? (context.addIssue('not a time'), z.NEVER));
const partSet = z.object({ total: z.int().min(0), hash: hex });
const blockId = z.object({ hash: hex, parts: partSet });
const header = z
  .object({
    version: z.object({ block: int64, app: int64.default('0') }),
    chain_id: z.string(),
    height,
    time,
    last_block_id: blockId,
    last_commit_hash: hex,
    data_hash: hex,
    validators_hash: hex,
    next_validators_hash: hex,
    consensus_hash: hex,
    app_hash: hex,
    last_results_hash: hex,
    evidence_hash: hex,
    proposer_address: hex,
  })
  .transform(
    (said): Header => ({
      version: { block: Number(said.version.block), app: Number(said.version.app) },
      chain: said.chain_id,
      height: said.height,
      time: said.time,
      lastBlockId: said.last_block_id.hash.length === 0 ? null : said.last_block_id,
      lastCommitHash: said.last_commit_hash,
      dataHash: said.data_hash,
      validatorsHash: said.validators_hash,
      nextValidatorsHash: said.next_validators_hash,
      consensusHash: said.consensus_hash,
      appHash: said.app_hash,
      lastResultsHash: said.last_results_hash,
      evidenceHash: said.evidence_hash,
      proposerAddress: said.proposer_address,
    }),
  );

/** BlockIDFlagCommit; of the others, absent and nil, none stands behind the block. */
const forBlock = 2;
const signedHeader = z.object({
  signed_header: z.object({
    header,
    commit: z.object({
      round: z.int().min(0),
      block_id: blockId,
      signatures: z.array(z.object({ block_id_flag: z.int(), timestamp: z.string(), signature: z.string().nullable() })).max(1000),
    }),
  }),
});
const validatorsPage = z.object({
  total: height,
  validators: z.array(z.object({ pub_key: z.object({ type: z.literal('tendermint/PubKeyEd25519'), value: base64 }), voting_power: height })).max(100),
});
const wholeBlock = z.object({ block: z.object({ data: z.object({ txs: z.array(base64).nullable() }) }) });
const blockResults = z.object({
  txs_results: z.array(z.object({ code: z.int(), data: nullable.optional(), gas_wanted: int64.default('0'), gas_used: int64.default('0') })).nullable(),
});
const queried = z.object({ response: z.object({ code: z.int().default(0), log: z.string().default(''), value: nullable.optional() }) });
const broadcasted = z.object({ code: z.int().default(0), data: z.string().default(''), log: z.string().default('') });
const status = z.object({ sync_info: z.object({ latest_block_height: height, earliest_block_height: height }) });
const envelope = z.object({ result: z.unknown().optional(), error: z.object({ message: z.string(), data: z.string().optional() }).optional() });

export interface CometNodeOptions {
  /** `http://…` or `https://…`. */
  url: string;
  /** Of one answer. */
  deadlineMs: number;
}

export function cometNode({ url, deadlineMs }: CometNodeOptions): CometNode {
  async function call<T>(method: string, params: Record<string, unknown>, shape: z.ZodType<T>): Promise<FromNode<T>> {
    const answered = await post(url, JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }), deadlineMs);
    if (!answered.ok) return answered;
    const said = envelope.safeParse(parseJson(answered.value));
    if (!said.success) return fail('garbled', method);
    if (said.data.error !== undefined) return fail('refused', (said.data.error.data ?? said.data.error.message).slice(0, 200));
    // Of a block whose height it knows already and which is still on its way to its disk it has nothing to say.
    if (said.data.result === null) return fail('refused', 'nothing');
    const result = shape.safeParse(said.data.result);
    return result.success ? ok(result.data) : fail('garbled', `${method} ${result.error.issues[0]?.path.join('.') ?? ''}`);
  }

  /** The set of a height whose header is at hand. */
  async function validatorsAt(at: number): Promise<FromNode<Validator[]>> {
    const set: Validator[] = [];
    for (let page = 1; page <= mostValidatorPages; page++) {
      const answer = await call('validators', { height: String(at), page: String(page), per_page: '100' }, validatorsPage);
      if (!answer.ok) return answer;
      set.push(...answer.value.validators.map((one) => ({ key: one.pub_key.value, power: one.voting_power })));
      if (set.length >= answer.value.total || answer.value.validators.length === 0) return ok(set);
    }
    return fail('garbled', 'validators');
  }

  return {
    url,
    async lightBlock(at, knownSet) {
      const signed = await call('commit', at === null ? {} : { height: String(at) }, signedHeader);
      if (!signed.ok) return signed;
      const { header: told, commit } = signed.value.signed_header;
      if (at !== null && told.height !== at) return fail('garbled', 'a block of another height');
      const known = knownSet(told.validatorsHash);
      const validators = known === undefined ? await validatorsAt(told.height) : ok(known);
      if (!validators.ok) return validators;
      const read = commitOf(commit);
      return read === undefined ? fail('garbled', 'commit') : ok({ header: told, commit: read, validators: validators.value });
    },
    async transactions(at) {
      const answer = await call('block', { height: String(at) }, wholeBlock);
      return answer.ok ? ok(answer.value.block.data.txs ?? []) : answer;
    },
    async results(at) {
      const answer = await call('block_results', { height: String(at) }, blockResults);
      if (!answer.ok) return answer;
      return ok(
        (answer.value.txs_results ?? []).map(({ code, data, gas_wanted: wanted, gas_used: used }) => ({
          code,
          data: data ?? new Uint8Array(),
          gasWanted: BigInt(wanted),
          gasUsed: BigInt(used),
        })),
      );
    },
    async query(path, ask) {
      const answer = await call('abci_query', { path, data: toHex(encodeAsk(path, ask)), height: '0', prove: false }, queried);
      if (!answer.ok) return answer;
      const { code, log, value } = answer.value.response;
      if (code !== 0) return fail('refused', log.slice(0, 200));
      const decoded = decodeAnswer(path, value ?? new Uint8Array());
      return decoded === undefined ? fail('garbled', path) : ok(decoded);
    },
    async broadcast(transaction) {
      const answer = await call('broadcast_tx_sync', { tx: Buffer.from(transaction).toString('base64') }, broadcasted);
      if (!answer.ok) return answer.failure.detail?.includes('already exists in cache') === true ? ok(null) : answer;
      return ok(answer.value.code === 0 ? null : { refusal: answer.value.log.slice(0, 80) });
    },
    async heights() {
      const answer = await call('status', {}, status);
      return answer.ok ? ok({ first: answer.value.sync_info.earliest_block_height, last: answer.value.sync_info.latest_block_height }) : answer;
    },
  };
}

function commitOf({ round, block_id: id, signatures }: z.infer<typeof signedHeader>['signed_header']['commit']): Commit | undefined {
  const entries = signatures.map(({ block_id_flag: flag, timestamp, signature }) => {
    if (flag !== forBlock) return null;
    const at = timestampOf(timestamp);
    return at === undefined || signature === null ? undefined : { time: at, signature: new Uint8Array(Buffer.from(signature, 'base64')) };
  });
  const whole = entries.filter((entry) => entry !== undefined);
  const { parts }: BlockId = id;
  return whole.length === entries.length ? { round, parts, signatures: whole } : undefined;
}

/** RFC 3339 in UTC, with as many digits of a second as Go writes. */
function timestampOf(text: string): Timestamp | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text);
  const [, whole, fraction = ''] = match ?? [];
  if (whole === undefined) return undefined;
  const seconds = Date.parse(`${whole}Z`) / 1000;
  return Number.isSafeInteger(seconds) ? { seconds, nanos: Number(fraction.padEnd(9, '0')) } : undefined;
}

async function post(url: string, body: string, deadlineMs: number): Promise<FromNode<string>> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(deadlineMs),
    });
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of response.body ?? []) {
      const bytes = piece as Uint8Array;
      length += bytes.length;
      // Leaving the loop cancels the rest.
      if (length > mostAnswerBytes) return fail('silent', 'too long an answer');
      pieces.push(bytes);
    }
    return ok(Buffer.concat(pieces).toString('utf8'));
  } catch (error) {
    return fail('silent', error instanceof Error ? (error.name === 'TimeoutError' ? 'deadline' : causeOf(error)) : undefined);
  }
}

/** fetch says "fetch failed" and has the errno in its cause. */
const causeOf = (error: Error): string => (error.cause instanceof Error && 'code' in error.cause ? String(error.cause.code) : error.message.slice(0, 100));

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
