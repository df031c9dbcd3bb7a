import { openAbciServer } from '../src/ledger/engines/cometbft/abci-server.ts';
import { nodeCrypto } from '../src/ledger/node-crypto.ts';
import { rememberSignatures } from '../src/ledger/signature-memory.ts';
import { fromHex } from '../src/ledger/verify/bytes.ts';
import { openEnvelope } from '../src/ledger/verify/envelope.ts';
import {
  ResponseProcessProposal_ProposalStatus,
  ResponseVerifyVoteExtension_VerifyStatus,
  type ExecTxResult,
  type Request,
  type Response,
} from 'cosmjs-types/tendermint/abci/types';

/**
 * `node bench/signatures-only.ts SOCKET KEY`: an application behind CometBFT's socket that opens each envelope and checks its signature by the one key
 * (hex), once, and does nothing else: no rules, no state, no disk. What any ledger of signed transactions in this language reaches at most.
 */
const [socket = '', keyText = ''] = process.argv.slice(2);
const key = fromHex(keyText) ?? new Uint8Array();
const crypto = rememberSignatures(nodeCrypto, 20_000);
const appHash = new Uint8Array(32);
let height = 0n;

const { ACCEPT, REJECT } = ResponseProcessProposal_ProposalStatus;

const isSigned = (tx: Uint8Array): boolean => {
  const opened = openEnvelope(tx, crypto);
  return opened.ok && opened.value.signers.every(({ input, signature }) => crypto.verify([-19, key], input, signature));
};

const result = (tx: Uint8Array): ExecTxResult => ({ code: isSigned(tx) ? 0 : 1, data: new Uint8Array(), log: '', info: '', gasWanted: 0n, gasUsed: 0n, events: [], codespace: '' });

function handle(request: Request): Response {
  const { echo, flush, info, initChain, checkTx, prepareProposal, processProposal, finalizeBlock, commit, query, listSnapshots, verifyVoteExtension } = request;
  if (echo !== undefined) return { echo: { message: echo.message } };
  if (flush !== undefined) return { flush: {} };
  if (info !== undefined) return { info: { data: '', version: '', appVersion: 1n, lastBlockHeight: height, lastBlockAppHash: height === 0n ? new Uint8Array() : appHash } };
  if (initChain !== undefined) return { initChain: { consensusParams: undefined, validators: [], appHash } };
  if (checkTx !== undefined) return { checkTx: result(checkTx.tx) };
  if (prepareProposal !== undefined) return { prepareProposal: { txs: prepareProposal.txs } };
  if (processProposal !== undefined) return { processProposal: { status: processProposal.txs.every(isSigned) ? ACCEPT : REJECT } };
  if (finalizeBlock !== undefined) {
    height = finalizeBlock.height;
    return { finalizeBlock: { events: [], txResults: finalizeBlock.txs.map(result), validatorUpdates: [], consensusParamUpdates: undefined, appHash } };
  }
  if (commit !== undefined) return { commit: { retainHeight: 0n } };
  if (query !== undefined) return { query: { code: 1, log: '', info: '', index: 0n, key: new Uint8Array(), value: new Uint8Array(), proofOps: undefined, height, codespace: '' } };
  if (listSnapshots !== undefined) return { listSnapshots: { snapshots: [] } };
  if (verifyVoteExtension !== undefined) return { verifyVoteExtension: { status: ResponseVerifyVoteExtension_VerifyStatus.REJECT } };
  throw new Error('a request that a chain without snapshots and vote extensions does not make');
}

const server = await openAbciServer({ address: { path: socket }, handle, onFault: (error) => process.stderr.write(`${String(error)}\n`) });
if (!server.ok) throw new Error(server.failure.code);
process.stdout.write('ready\n');
const end = (): void => void server.value.close();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, end);
process.stdin.resume().once('close', end);
