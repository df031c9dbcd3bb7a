import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cometNode, type CometNode } from '../../../../src/ledger/engines/cometbft/rpc.ts';
import { nodeCrypto } from '../../../../src/ledger/node-crypto.ts';
import { msOfTimestamp } from '../../../../src/ledger/verify/block.ts';
import type { LightBlock } from '../../../../src/ledger/verify/light-block.ts';
import { verifyFromRoot, verifyStep } from '../../../../src/ledger/verify/light-client.ts';

/** What a node of CometBFT 0.38.25 with four validators answered to `commit` and `validators`, as it came. */
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, '../../../fixtures/cometbft/recorded.json'), 'utf8')) as {
  chain: string;
  heights: Record<string, Record<string, unknown>>;
};
const heights = Object.keys(recorded.heights).map(Number);
let server: Server;
let node: CometNode;

beforeAll(async () => {
  server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => {
      const { method, params } = JSON.parse(text) as { method: string; params: { height: string } };
      response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: recorded.heights[params.height]?.[method] }));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  node = cometNode({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, deadlineMs: 5000 });
});
afterAll(() => server.close());

async function blockAt(height: number): Promise<LightBlock> {
  const block = await node.lightBlock(height, () => undefined);
  if (!block.ok) throw new Error(block.failure.detail);
  return block.value;
}

test('headers and commits of real nodes are verified, from the root and from one to the next', async () => {
  const blocks = await Promise.all(heights.map((height) => blockAt(height)));
  const [first, ...later] = blocks as [LightBlock, ...LightBlock[]];
  const last = later.at(-1) ?? first;
  const rules = { chain: recorded.chain, trustingPeriodMs: 86_400_000, mostAheadMs: 0, nowMs: msOfTimestamp(last.header.time) };
  const root = { chain: recorded.chain, height: 1, validators: first.validators };
  let trusted = verifyFromRoot(root, first, rules, nodeCrypto);
  for (const block of later) {
    if (!trusted.ok) break;
    trusted = verifyStep(trusted.value, block, rules, nodeCrypto);
  }
  expect(trusted).toMatchObject({ ok: true, value: { header: { height: heights.at(-1) } } });
  expect(later.length).toBe(heights.length - 1);
});

test('and with any field of the header changed are not', async () => {
  const block = await blockAt(heights.at(-1) ?? 0);
  const root = { chain: recorded.chain, height: 1, validators: block.validators };
  const rules = { chain: recorded.chain, trustingPeriodMs: 86_400_000, mostAheadMs: 0, nowMs: msOfTimestamp(block.header.time) };
  expect(verifyFromRoot(root, block, rules, nodeCrypto).ok).toBe(true);
  for (const [name, value] of Object.entries(block.header)) {
    if (!(value instanceof Uint8Array)) continue;
    const header = { ...block.header, [name]: value.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) };
    expect(verifyFromRoot(root, { ...block, header }, rules, nodeCrypto).ok, name).toBe(false);
  }
});
