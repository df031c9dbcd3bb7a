import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { cometNode } from '../../../../src/ledger/engines/cometbft/rpc.ts';

let server: Server | null = null;

afterEach(() => {
  server?.close();
  server = null;
});

/** A node that answers every question with this text. */
async function nodeThatSays(text: string): Promise<ReturnType<typeof cometNode>> {
  server = createServer((_, response) => void response.end(text)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return cometNode({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, deadlineMs: 2000 });
}

const cases = [
  {
    name: 'a height that it does not have yet',
    says: '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error","data":"height 2 must be less than or equal to the current blockchain height 1"}}',
    failure: { code: 'refused', detail: 'height 2 must be less than or equal to the current blockchain height 1' },
  },
  { name: 'a block that is still on its way to its disk', says: '{"jsonrpc":"2.0","id":1,"result":null}', failure: { code: 'refused', detail: 'nothing' } },
  { name: 'a block without a commit', says: '{"jsonrpc":"2.0","id":1,"result":{"signed_header":{}}}', failure: { code: 'garbled', detail: 'commit signed_header.header' } },
  { name: 'no JSON', says: '<html>', failure: { code: 'garbled', detail: 'commit' } },
];

test.each(cases)('$name', async ({ says, failure }) => {
  const node = await nodeThatSays(says);
  expect(await node.lightBlock(2, () => undefined)).toEqual({ ok: false, failure });
});

test('no field is longer than a hash: a node keeps nobody busy with one', async () => {
  const header = { version: { block: '11', app: '1' }, chain_id: 'imi-test', height: '2', time: '2027-01-15T08:00:00Z', last_block_id: { hash: 'AB'.repeat(4_000_000), parts: { total: 1, hash: '' } } };
  const node = await nodeThatSays(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { signed_header: { header } } }));
  expect(await node.lightBlock(2, () => undefined)).toEqual({ ok: false, failure: { code: 'garbled', detail: 'commit signed_header.header.last_block_id.hash' } });
});
