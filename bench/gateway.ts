import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import os from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { signMessage } from '../src/gateway/http-signature.ts';
import { connectHub } from '../src/ledger/client/hub-client.ts';
import { nodeCrypto } from '../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../src/ledger/node-signer.ts';
import { toHex } from '../src/ledger/verify/bytes.ts';
import { signOrder } from '../src/ledger/verify/order.ts';
import { partySecrets } from '../tools/demo/parties.ts';
import { demoHubPath, seedWorld } from '../tools/demo/world.ts';
import { cardInMemory } from '../tests/hub/card-in-memory.ts';
import { must, soon, Visitor } from '../tests/hub/visitor.ts';
import { figure, figureAtLeast, type Figure } from './figures.ts';
import { median, percentile } from './statistics.ts';

/** `npm run bench:gateway`: reads of grants through a real hub, and through a handler that does only what cannot be left out, in turn and in one run. */
const runs = 3;
const readsInRun = 512;
const atOnce = 32;
const readsOfGrant = 32;
const grantsInRun = readsInRun / readsOfGrant;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const dataDir = mkdtempSync(join(os.tmpdir(), 'imi-bench-gateway-'));
const children: ChildProcess[] = [];

async function started(ready: RegExp, args: string[]): Promise<string> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  for await (const line of createInterface(child.stdout)) {
    const found = ready.exec(line)?.[1];
    if (found !== undefined) return found;
  }
  throw new Error(`${args[0] ?? ''} ended before it was ready`);
}

interface SignedCall {
  path: string;
  headers: Record<string, string>;
  body: string;
}

async function readingCalls(url: string, grants: readonly Uint8Array[], subject: Uint8Array, officer: ReturnType<typeof cardInMemory>['sig']): Promise<SignedCall[]> {
  const party = ed25519Signer(partySecrets('tax-bureau').sign);
  const calls: SignedCall[] = [];
  for (let i = 0; i < readsInRun; i++) {
    const grant = grants[i % grants.length] ?? new Uint8Array(16);
    const order = await signOrder(
      { v: 1, chain: 'imi-demo', nonce: new Uint8Array(randomBytes(16)), at: soon(), notAfter: soon() + 600, order: { kind: 'grant.read', party: 'tax-bureau', purpose: 'tax.property-certificate', subject, grant, access: new Uint8Array(randomBytes(16)) } },
      officer,
      nodeCrypto,
    );
    const body = JSON.stringify({ order: Buffer.from(order).toString('base64url') });
    const path = `/v1/grants/${toHex(grant)}/reads`;
    const message = { method: 'POST', authority: new URL(url).host, path, query: '?', headers: {}, body: Buffer.from(body) };
    const signed = await signMessage(message, 'imi-gateway/1', { keyId: 'tax-bureau', created: soon(), expires: soon() + 60, nonce: randomBytes(18).toString('base64url') }, party);
    calls.push({ path, body, headers: { ...signed, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) } });
  }
  return calls;
}

interface Measured {
  perSecond: number;
  latenciesMs: number[];
}

/** So many at once, each the next as soon as one is answered. */
async function measured(url: string, calls: SignedCall[]): Promise<Measured> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const { hostname, port } = new URL(url);
  const latenciesMs: number[] = [];
  const send = ({ path, headers, body }: SignedCall): Promise<void> =>
    new Promise((resolve, reject) => {
      const begun = performance.now();
      const sent = httpRequest({ agent, hostname, port, method: 'POST', path, headers }, (response) => {
        response.resume();
        response.on('end', () => {
          latenciesMs.push(performance.now() - begun);
          if (response.statusCode === 200) resolve();
          else reject(new Error(`answered ${response.statusCode ?? 0}`));
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const left = [...calls];
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let call = left.pop(); call !== undefined; call = left.pop()) await send(call);
    }),
  );
  const perSecond = calls.length / ((performance.now() - begun) / 1000);
  agent.destroy();
  return { perSecond, latenciesMs };
}

try {
  say('Seeding a district, and granting …');
  const world = await seedWorld(dataDir);
  const serverPath = join(dataDir, 'hub.server.json');
  writeFileSync(serverPath, JSON.stringify({ ...world.serverFile, gateway: { listen: 'http://127.0.0.1:0', rate: { perSecond: 100_000, burst: 100_000 } } }));
  const repository = fileURLToPath(new URL('../', import.meta.url));
  const url = await started(/^imi gateway is ready on (.+)$/, [join(repository, 'src/cli/imi.ts'), 'hub', '--hub', fileURLToPath(demoHubPath), '--server', serverPath, '--data', world.hubDir]);
  const client = connectHub({ socketPath: join(dataDir, 'hub.sock') });
  const lin = new Visitor(world, 'lin', (method, params) => client.call(method, params));
  const officer = cardInMemory(world.cards['officer-mai'] ?? '').sig;
  const visit = await lin.signIn();
  const answers = { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' };
  const grants: Uint8Array[] = [];
  const kept: Record<string, { part: string; outer: string }> = {};
  for (let i = 0; i < grantsInRun * (runs + 1); i++) {
    const { id, submission, draft } = await lin.request(visit, 'tax/property-tax-certificate', answers, { spoil: (one) => ({ ...one, reads: readsOfGrant }) });
    must(await client.call('transaction.submit', submission));
    must(await client.call('transaction.receipt', { transaction: id, waitMs: 5000 }));
    const sealed = (what: string): string => Buffer.from(submission.payloads.find((payload) => payload.act === 0 && payload.what === what && payload.to === 'keeper')?.sealed ?? []).toString('base64url');
    kept[toHex(draft.grant)] = { part: sealed('part'), outer: sealed('grant') };
    grants.push(draft.grant);
  }
  client.close();
  const keptPath = join(dataDir, 'kept.json');
  writeFileSync(keptPath, JSON.stringify({ subject: Buffer.from(lin.resident).toString('base64url'), officer: Buffer.from(officer.key[1]).toString('base64url'), grants: kept }));
  const baselineUrl = await started(/^ready on (.+)$/, [fileURLToPath(new URL('gateway-baseline.ts', import.meta.url)), keptPath, dataDir]);

  say(`Reading ${readsInRun} grants through each, ${runs} times …`);
  const [gateway, baseline]: [Measured[], Measured[]] = [[], []];
  for (let run = 0; run <= runs; run++) {
    const some = grants.slice(run * grantsInRun, (run + 1) * grantsInRun);
    const less = await measured(baselineUrl, await readingCalls(baselineUrl, some, lin.resident, officer));
    const whole = await measured(url, await readingCalls(url, some, lin.resident, officer));
    // The first warms both up.
    if (run === 0) continue;
    baseline.push(less);
    gateway.push(whole);
  }
  const rate = (of: Measured[]): number => median(of.map(({ perSecond }) => perSecond));
  const all = (of: Measured[]): number[] => of.flatMap(({ latenciesMs }) => latenciesMs);
  const ratio = median(gateway.map(({ perSecond }, i) => perSecond / (baseline[i]?.perSecond ?? Number.NaN)));
  const how = `${atOnce} at once, ${readsInRun} reads a run, median of ${runs} runs after one that warms up; hub and handler each a process of its own`;
  const figures: Figure[] = [
    figureAtLeast('reads of grants through the gateway', ratio, 'ratio', `to a handler with the same signatures, unsealing and one durable write (${Math.round(rate(baseline))} a second), in turn; ${how}`, 0.7),
    figure('reads of grants through the gateway', rate(gateway), 'per second', 'each with its look recorded on the ledger before anything is handed out', null),
    figure('the same by the handler alone', rate(baseline), 'per second', 'no ledger, no record, no resident who could see it', null),
    figure('a read through the gateway, p50', median(all(gateway)), 'ms', how, null),
    figure('a read through the gateway, p99', percentile(all(gateway), 99), 'ms', how, null),
    figure('the same by the handler alone, p99', percentile(all(baseline), 99), 'ms', how, null),
  ];
  process.stdout.write(`${JSON.stringify({ node: process.version, cpus: os.cpus().length, cpu: os.cpus()[0]?.model ?? '', figures }, null, 2)}\n`);
} finally {
  for (const child of children) child.kill('SIGTERM');
  rmSync(dataDir, { recursive: true, force: true });
}
