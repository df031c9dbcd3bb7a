import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { ok } from '../../../../src/contract/result.ts';
import { beginApplication, openApplication, type LedgerApplication } from '../../../../src/ledger/application.ts';
import { gatherSignatures, tipSigner, type NodeCheckpoint } from '../../../../src/ledger/engines/cometbft/node-checkpoint.ts';
import { NodePool } from '../../../../src/ledger/engines/cometbft/node-pool.ts';
import { answerQuery, decodeAnswer, encodeAsk } from '../../../../src/ledger/engines/cometbft/queries.ts';
import type { CometNode } from '../../../../src/ledger/engines/cometbft/rpc.ts';
import { nodeCrypto } from '../../../../src/ledger/node-crypto.ts';
import { checkpointOf, checkpointText } from '../../../../src/ledger/verify/checkpoint.ts';
import { verifyNote } from '../../../../src/ledger/verify/note.ts';
import { noteKeyOf } from '../../note-vectors.ts';
import { genesis, lin, now, register, signerOf } from '../../small-district.ts';

const origin = 'district.example/ledger';
const application = await applicationWithOneBlock();

async function applicationWithOneBlock(): Promise<LedgerApplication> {
  const database = new DatabaseSync(':memory:');
  expect(beginApplication(database, genesis, nodeCrypto).ok).toBe(true);
  const opened = openApplication(database, genesis, nodeCrypto);
  if (!opened.ok) throw new Error(opened.failure.detail);
  opened.value.applyBlock({ height: 1, timeMs: now * 1000, transactions: [await register(lin)] });
  return opened.value;
}

/** As a node's application answers for a validator of this name. */
function askNode(name: string | null, height: number, of = origin): NodeCheckpoint | null | undefined {
  const signTip = name === null ? null : tipSigner(of, signerOf(name), nodeCrypto);
  const checkpointAt = (asked: number): NodeCheckpoint | null => {
    const tip = application.tipAt(asked);
    return tip === undefined || signTip === null ? null : signTip(tip);
  };
  const value = answerQuery(application, { path: '/checkpoint', data: encodeAsk('/checkpoint', height) }, () => undefined, checkpointAt);
  return value === undefined ? undefined : decodeAnswer('/checkpoint', value);
}

const checkpoint = checkpointOf(application.tip(), origin);

test('a validator’s application signs what it committed, and nothing else', () => {
  const said = askNode('v1', 1);
  expect(said).toMatchObject({ origin, key: signerOf('v1').key[1] });
  expect(askNode('v1', 2)).toBeNull();
  expect(askNode(null, 1)).toBeNull();
});

test('as many sign as can be asked, each once; one that lies is left out', async () => {
  const forged = (said: NodeCheckpoint | null | undefined): NodeCheckpoint | null => (said ? { ...said, signature: new Uint8Array(64).fill(7) } : null);
  const answers: (NodeCheckpoint | null | 'silent')[] = [
    askNode('v1', 1) ?? null,
    askNode('v1', 1) ?? null,
    askNode('v2', 0) ?? null,
    askNode('v3', 1, 'other.example') ?? null,
    forged(askNode('v4', 1)),
    null,
    'silent',
    askNode('v5', 1) ?? null,
  ];
  const nodes = answers.map((answer, i): CometNode => {
    const query = () => Promise.resolve(answer === 'silent' ? { ok: false as const, failure: { code: 'silent' as const } } : ok(answer));
    return { url: `node ${i}`, query } as unknown as CometNode;
  });
  const pool = new NodePool({ nodes, clock: () => 0, onLie: () => undefined });
  const signatures = await gatherSignatures(pool, checkpoint, nodeCrypto);
  const keys = ['v1', 'v2', 'v3', 'v4', 'v5'].map((name) => noteKeyOf(origin, 1, signerOf(name)));
  const by = verifyNote({ text: checkpointText(checkpoint), signatures }, keys, nodeCrypto);
  expect(by.ok && by.value).toEqual([keys[0], keys[4]]);
  expect(signatures).toHaveLength(2);
});
