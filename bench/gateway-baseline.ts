/** What the gateway is held against: a handler that checks and makes the same signatures, unseals, and writes once, and does nothing else. Its own process, as the hub is. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { buffer } from 'node:stream/consumers';
import { readSignature, signedBy, type HttpMessage } from '../src/gateway/http-signature.ts';
import { openGrantOuter } from '../src/identity/grant.ts';
import { softwareOpener } from '../src/identity/hpke.ts';
import { openSealed } from '../src/identity/sealing.ts';
import { nodeCrypto } from '../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../src/ledger/node-signer.ts';
import { openOrder } from '../src/ledger/verify/order.ts';
import { decodeOpenedPart } from '../src/ledger/verify/private-part.ts';
import { partySecrets } from '../tools/demo/parties.ts';

interface Kept {
  subject: string;
  officer: string;
  grants: Record<string, { part: string; outer: string }>;
}

const [keptPath = '', dir = ''] = process.argv.slice(2);
const kept = JSON.parse(readFileSync(keptPath, 'utf8')) as Kept;
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'));
const subject = bytes(kept.subject);
const grants = new Map(Object.entries(kept.grants).map(([id, { part, outer }]) => [id, { part: bytes(part), outer: bytes(outer) }]));
const party = ed25519Signer(partySecrets('tax-bureau').sign).key;
const officer = [-19, bytes(kept.officer)] as const;
const keeper = softwareOpener(partySecrets('keeper').seal);
const signer = ed25519Signer(partySecrets('keeper').sign);

const database = new DatabaseSync(join(dir, 'baseline.sqlite'));
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE read (id INTEGER PRIMARY KEY, record BLOB NOT NULL)');
const insert = database.prepare('INSERT INTO read (record) VALUES (?)');

const server = createServer((request, response) => {
  void (async () => {
    const body = new Uint8Array(await buffer(request));
    const path = request.url ?? '';
    const message: HttpMessage = { method: 'POST', authority: request.headers.host ?? '', path, query: '?', headers: request.headers as HttpMessage['headers'], body };
    const signature = readSignature(message, 'imi-gateway/1');
    const order = openOrder(bytes((JSON.parse(Buffer.from(body).toString()) as { order: string }).order), nodeCrypto);
    const grant = path.split('/')[3] ?? '';
    const sealed = grants.get(grant);
    if (!signature.ok || !(await signedBy(signature.value, party, nodeCrypto)) || !order.ok || sealed === undefined || !(await nodeCrypto.verifyLater(officer, order.value.signer.input, order.value.signer.signature))) throw new Error('not signed');
    const part = await openSealed(sealed.part, 'part', subject, keeper);
    const inner = await openGrantOuter(sealed.outer, bytes(Buffer.from(grant, 'hex').toString('base64url')), keeper);
    if (!part.ok || decodeOpenedPart(part.value) === undefined || !inner.ok) throw new Error('not sealed');
    // The record: signed once, and checked once by the ledger.
    const record = signer.sign(order.value.id);
    if (!(await nodeCrypto.verifyLater(signer.key, order.value.id, record))) throw new Error('not a record');
    insert.run(record);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ transaction: Buffer.from(record.subarray(0, 32)).toString('hex'), inner: Buffer.from(inner.value).toString('base64url') }));
  })().catch(() => response.destroy());
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`ready on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`));
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  database.close();
});
