import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { decodeIpp, encodeIpp, ippOperations } from '../../../src/drivers/printer/ipp.ts';
import { callIpp } from '../../../src/drivers/printer/ipp-client.ts';

const asked = { operation: ippOperations.getPrinterAttributes, uri: 'ipp://localhost/', limitMs: 5_000 };

/** A printer that answers with this request-id. @returns its port. */
async function answering(idOf: (requestId: number) => number): Promise<number> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => response.end(encodeIpp({ code: 0, requestId: idOf(decodeIpp(Buffer.concat(pieces))?.requestId ?? 0), operation: [], groups: [] })));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe('a call of IPP', () => {
  test('an answer to it is one', async () => {
    const port = await answering((requestId) => requestId);
    expect(await callIpp({ host: '127.0.0.1', port, path: '/' }, asked)).toMatchObject({ ok: true, value: { code: 0 } });
  });

  test('an answer to another request is none (RFC 8011 §4.1.1)', async () => {
    const port = await answering((requestId) => requestId + 1);
    expect(await callIpp({ host: '127.0.0.1', port, path: '/' }, asked)).toEqual({ ok: false, failure: { code: 'device-fault', detail: 'IPP request-id' } });
  });

  test('none in time is one that is missing', async () => {
    const server = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    expect(await callIpp({ host: '127.0.0.1', port, path: '/' }, { ...asked, limitMs: 100 })).toEqual({ ok: false, failure: { code: 'printer-missing', detail: 'no answer' } });
  });

  test.each([
    ['a path', { place: { host: '127.0.0.1', port: 1, path: '/ipp print' }, more: {}, detail: 'ERR_UNESCAPED_CHARACTERS' }],
    ['a name', { place: { socketPath: '/nowhere', path: '/' }, more: { user: '林\n' }, detail: 'ERR_INVALID_CHAR' }],
  ])('%s that no request can hold is a fault, and not thrown', async (_, { place, more, detail }) => {
    expect(await callIpp(place, { ...asked, ...more })).toEqual({ ok: false, failure: { code: 'device-fault', detail } });
  });
});
