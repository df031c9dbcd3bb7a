import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { trustRootSchema, type TrustRoot } from '../../src/contract/hub-file.ts';
import { backUp, restore } from '../../src/ledger/backup.ts';
import { configToml, nodeId, nodeKeyJson, unsignedStateJson, validatorKeyJson } from '../../src/ledger/engines/cometbft/node-files.ts';
import { cometNode } from '../../src/ledger/engines/cometbft/rpc.ts';
import { cometbftProgram } from '../../src/ledger/engines/cometbft/program.ts';
import { startTestnet, type Testnet } from '../../src/ledger/engines/cometbft/testnet.ts';
import { openEmbeddedLedger, type EmbeddedLedger } from '../../src/ledger/engines/embedded.ts';
import { encodeGenesis } from '../../src/ledger/genesis.ts';
import { adopt, handOver } from '../../src/ledger/handover.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { fromBase64url, toBase64url } from '../../src/ledger/verify/bytes.ts';
import { openEnvelope } from '../../src/ledger/verify/envelope.ts';
import { decodeHandover, encodeHandover, handoverSignBytes, trustThrough, verifyHandover } from '../../src/ledger/verify/handover.ts';
import { encodeHead, trustOf, verifyHead, type SignedHead } from '../../src/ledger/verify/head.ts';
import { encodeBareReceipt, verifyReceipt } from '../../src/ledger/verify/receipt.ts';
import { NodeRpc } from './engines/cometbft/node-rpc.ts';
import { anchorNow, liveGenesis, registerNow } from './live-district.ts';
import { keys, lin, residentOf, seedOf, signerOf } from './small-district.ts';

const cometbft = cometbftProgram();
let folder: string;
let testnet: Testnet | null = null;
let genesis = liveGenesis();

const names = ['one', 'two', 'three', 'four'];
const successors = names.map((name) => ({ key: signerOf(`successor ${name}`).key[1], power: 10 }));
const files = () => ({ path: join(folder, 'ledger.sqlite'), guardPath: join(folder, 'signed'), genesis });
const out = () => join(folder, 'out');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-handover-'));
  genesis = liveGenesis();
});
afterEach(async () => {
  await testnet?.stop();
  testnet = null;
  rmSync(folder, { recursive: true });
}, 30_000);

function open(begin = false): ReturnType<typeof openEmbeddedLedger> {
  return openEmbeddedLedger({ ...files(), validator: keys.validator, clock: Date.now, heartbeatMs: 60_000, begin });
}

function opened(begin = false): EmbeddedLedger {
  const ledger = open(begin);
  if (!ledger.ok) throw new Error(ledger.failure.detail);
  return ledger.value;
}

const idIn = (envelope: Uint8Array): Uint8Array => {
  const result = openEnvelope(envelope, nodeCrypto);
  if (!result.ok) throw new Error(result.failure.code);
  return result.value.id;
};

/** A ledger with two entries; the receipt of the first. */
async function ledgerBefore(): Promise<Uint8Array> {
  const ledger = opened(true);
  const receipts = [];
  for (const envelope of [await registerNow(lin), await anchorNow(lin, 'before')]) {
    await ledger.submit(envelope);
    const receipt = await ledger.receipt(idIn(envelope), 5000);
    if (!receipt.ok || receipt.value === null) throw new Error('no receipt');
    receipts.push(receipt.value);
  }
  await ledger.close();
  return receipts[0] ?? new Uint8Array();
}

function handedOver(): { height: number; handover: string } {
  const done = handOver(files(), keys.validator, successors, out());
  if (!done.ok) throw new Error(done.failure.detail);
  return done.value;
}

const root = (handovers?: string[]): TrustRoot =>
  trustRootSchema.parse({ chain: genesis.chain, height: 1, validators: [{ alg: -19, key: toBase64url(keys.validator.key[1]), power: 10 }], ...(handovers === undefined ? {} : { handovers }) });

describe('what is handed over', () => {
  test('is signed by the old validator, and a new one takes exactly that', async () => {
    await ledgerBefore();
    const { height, handover } = handedOver();
    const verified = verifyHandover(fromBase64url(handover) ?? new Uint8Array(), trustOf(root()), nodeCrypto);
    expect(verified).toMatchObject({ ok: true, value: { height, logSize: 2, chain: genesis.chain } });
    const taken = adopt(join(folder, 'new.sqlite'), out());
    expect(taken).toMatchObject({ ok: true, value: { tip: { height, logSize: 2 }, genesis: { chain: genesis.chain, acts: [] } } });
    expect(adopt(join(folder, 'new.sqlite'), out())).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/is there/) as unknown } });
    const json = JSON.parse(readFileSync(join(out(), 'genesis.json'), 'utf8')) as { initial_height: string; chain_id: string; validators: unknown[] };
    expect(json).toMatchObject({ initial_height: String(height + 1), chain_id: genesis.chain });
    expect(json.validators).toHaveLength(4);
  });

  test('ends the old ledger: neither it nor a backup of it signs another block', async () => {
    await ledgerBefore();
    expect((await backUp(files(), join(folder, 'backup'))).ok).toBe(true);
    handedOver();
    expect(open()).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: expect.stringMatching(/was handed on/) as unknown } });
    for (const end of ['', '-wal', '-shm']) rmSync(files().path + end, { force: true });
    expect(restore(files(), join(folder, 'backup'), { isGuardLost: true })).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/was signed/) as unknown } });
    copyFileSync(join(folder, 'backup', 'ledger.sqlite'), files().path);
    expect(open()).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/ends before height/) as unknown } });
  });

  test('is the same when it is asked for again, and nothing for others', async () => {
    await ledgerBefore();
    const first = handedOver();
    const written = (): string[] => readdirSync(out()).sort().map((name) => readFileSync(join(out(), name)).toString('hex'));
    const before = written();
    rmSync(out(), { recursive: true });
    expect(handedOver()).toEqual(first);
    expect(written()).toEqual(before);
    const others = [{ key: signerOf('somebody').key[1], power: 10 }];
    expect(handOver(files(), keys.validator, others, join(folder, 'others'))).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/to other validators/) as unknown } });
  });

  test('is refused while the engine runs, by another key, to nobody, to one twice, over something', async () => {
    await ledgerBefore();
    const running = opened();
    expect(handOver(files(), keys.validator, successors, out())).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/locked/) as unknown } });
    await running.close();
    expect(handOver(files(), keys.hub, successors, out())).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/not the key/) as unknown } });
    expect(handOver(files(), keys.validator, [], out())).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/none, or one/) as unknown } });
    expect(handOver(files(), keys.validator, [...successors, ...successors], out())).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/twice/) as unknown } });
    mkdirSync(out());
    expect(handOver(files(), keys.validator, successors, out())).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/nothing is written over/) as unknown } });
    await opened().close();
  });

  test('altered on the way is not taken', async () => {
    await ledgerBefore();
    handedOver();
    for (const name of ['genesis.cbor', 'ledger-0']) {
      const path = join(out(), name);
      const sound = readFileSync(path);
      const accepted = [];
      for (let at = 0; at < sound.length; at += Math.ceil(sound.length / 40)) {
        writeFileSync(path, sound.map((byte, i) => (i === at ? byte ^ 1 : byte)));
        // Its own genesis is what an operator was given; every other byte hangs on it.
        if (name !== 'genesis.cbor' && adopt(join(folder, 'altered.sqlite'), out()).ok) accepted.push(at);
        rmSync(join(folder, 'altered.sqlite'), { force: true });
      }
      expect(accepted).toEqual([]);
      writeFileSync(path, sound);
    }
  });
});

describe('a trust root with the handover', () => {
  test('believes the old validator up to its last block, and the new ones from the next on', async () => {
    const receipt = await ledgerBefore();
    const { height, handover } = handedOver();
    const trust = trustThrough(root([handover]), nodeCrypto);
    expect(trust).toMatchObject({ height: height + 1, earlier: [{ from: 1, until: height }] });
    expect(trust.validators).toHaveLength(4);
    expect(verifyReceipt(receipt, trust, nodeCrypto).ok).toBe(true);
    expect(verifyReceipt(receipt, { ...trust, earlier: [] }, nodeCrypto)).toMatchObject({ ok: false, failure: { fault: 'before-trust' } });
    expect(verifyReceipt(receipt, { ...trust, earlier: [{ from: 1, until: 1, validators: trustOf(root()).validators }] }, nodeCrypto)).toMatchObject({ ok: false, failure: { fault: 'before-trust' } });
  });

  test('is refused where the handover is forged, cut, of another chain, or by others', async () => {
    await ledgerBefore();
    const { handover } = handedOver();
    const bytes = fromBase64url(handover) ?? new Uint8Array();
    const accepted = [];
    for (let bit = 0; bit < bytes.length * 8; bit += 5) {
      const flipped = bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      if (verifyHandover(flipped, trustOf(root()), nodeCrypto).ok) accepted.push(bit);
    }
    expect(accepted).toEqual([]);
    const decoded = decodeHandover(bytes, genesis.chain);
    if (decoded === undefined) throw new Error('no handover');
    const forged = encodeHandover({ ...decoded, validators: [{ key: keys.hub.key[1], power: 10 }], signatures: [keys.hub.sign(handoverSignBytes({ ...decoded, validators: [{ key: keys.hub.key[1], power: 10 }] }))] });
    const unsigned = encodeHandover({ ...decoded, signatures: [null] });
    for (const bad of [forged, unsigned, bytes.subarray(1)]) expect(() => trustThrough(root([toBase64url(bad)]), nodeCrypto)).toThrow(/not of those before it/);
    expect(() => trustThrough({ ...root([handover]), chain: 'imi-other' }, nodeCrypto)).toThrow(/not of those before it/);
    expect(() => trustThrough(root([handover, handover]), nodeCrypto)).toThrow(/not of those before it/);
  });
});

/** Free at this moment; taken at once. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    ports.push((server.address() as AddressInfo).port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** What each new validator's operator does with the folder: keys and configuration of its own, and `imi ledger adopt`. */
async function settle(dir: string): Promise<void> {
  const ports = await freePorts(2 * names.length);
  const nodes = names.map((name, i) => ({ name: `node${i}`, validatorSeed: seedOf(`successor ${name}`), nodeSeed: seedOf(`node ${name}`), rpc: ports[2 * i] ?? 0, p2p: ports[2 * i + 1] ?? 0 }));
  const peers = nodes.map(({ nodeSeed, p2p }) => `${nodeId(nodeSeed, nodeCrypto)}@127.0.0.1:${p2p}`);
  for (const [i, { name, validatorSeed, nodeSeed, rpc, p2p }] of nodes.entries()) {
    const home = join(dir, name);
    for (const part of ['config', 'data']) mkdirSync(join(home, part), { recursive: true });
    const taken = adopt(join(home, 'ledger.sqlite'), out());
    if (!taken.ok) throw new Error(taken.failure.detail);
    copyFileSync(join(out(), 'genesis.cbor'), join(home, 'genesis.cbor'));
    copyFileSync(join(out(), 'genesis.json'), join(home, 'config/genesis.json'));
    const put = (file: string, content: string): void => writeFileSync(join(home, file), content, { mode: 0o600 });
    put('config/priv_validator_key.json', validatorKeyJson(validatorSeed, nodeCrypto));
    put('config/node_key.json', nodeKeyJson(nodeSeed));
    put('data/priv_validator_state.json', unsignedStateJson);
    const others = peers.filter((_, other) => other !== i);
    put('config/config.toml', configToml({ moniker: name, proxyApp: 'unix://app.sock', rpc: `127.0.0.1:${rpc}`, p2p: `127.0.0.1:${p2p}`, peers: others, heartbeatMs: 60_000, oneHost: true, stateSync: null }));
  }
  const places = nodes.map(({ name, rpc, p2p, nodeSeed, validatorSeed }) => ({ name, rpc, p2p, id: nodeId(nodeSeed, nodeCrypto), key: toBase64url(signerOf(`successor ${names[nodes.findIndex((one) => one.validatorSeed === validatorSeed)] ?? ''}`).key[1]) }));
  writeFileSync(join(dir, 'testnet.json'), JSON.stringify(places));
}

/** Of log and state after a height. */
async function headFrom(url: string, height: number): Promise<SignedHead> {
  const tip = await new NodeRpc(url).query('/tip', height);
  const block = await cometNode({ url, deadlineMs: 10_000 }).lightBlock(height + 1, () => undefined);
  if (tip === null || !block.ok) throw new Error('no such height');
  return { logRoot: tip.logRoot, logSize: tip.logSize, stateRoot: tip.stateRoot, ...block.value };
}

test.skipIf(cometbft === null)(
  `four validators go on under CometBFT: receipts from before and after verify under one trust root${cometbft === null ? ' (skipped: CometBFT was not built, since there is no Go)' : ''}`,
  async () => {
    const before = await ledgerBefore();
    const { height, handover } = handedOver();
    const dir = join(folder, 'net');
    await settle(dir);
    expect(existsSync(join(dir, 'testnet.json'))).toBe(true);
    const started = await startTestnet({
      dir,
      validators: 4,
      genesis,
      cometbft: cometbft ?? '',
      imi: [process.execPath, join(import.meta.dirname, '../../src/cli/imi.ts')],
      heartbeatMs: 60_000,
      snapshotEvery: null,
    });
    if (!started.ok) throw new Error(started.failure.detail);
    testnet = started.value;
    expect(encodeGenesis(testnet.genesis)).not.toEqual(encodeGenesis(genesis));
    const rpc = new NodeRpc(testnet.nodes[0]?.rpc ?? '');
    // A resident from before, known to those who go on; and a new one.
    const first = await rpc.record(await anchorNow(lin, 'after'));
    expect(first.height).toBeGreaterThan(height);
    const envelope = await registerNow(residentOf('chen'));
    const second = await rpc.record(envelope);
    // Every node has the header by which it is proven.
    await vi.waitFor(async () => {
      for (const node of testnet?.nodes ?? []) expect(await new NodeRpc(node.rpc).height()).toBeGreaterThan(second.height);
    }, 20_000);

    const trust = trustThrough(root([handover]), nodeCrypto);
    const head = encodeHead(await headFrom(testnet.nodes[1]?.rpc ?? '', second.height));
    expect(verifyHead(head, trust, nodeCrypto)).toMatchObject({ ok: true, value: { logSize: 4 } });
    expect(verifyHead(head, trustOf(root()), nodeCrypto)).toMatchObject({ ok: false, failure: { fault: 'other-signers' } });
    expect(verifyReceipt(before, trust, nodeCrypto)).toMatchObject({ ok: true, value: { index: 0 } });
    const material = await rpc.query('/receipt', { transaction: idIn(envelope), place: 'own' });
    if (material === null) throw new Error('no receipt');
    const after = encodeBareReceipt(material, await headFrom(testnet.nodes[2]?.rpc ?? '', material.tip.height), nodeCrypto);
    expect(verifyReceipt(after, trust, nodeCrypto)).toMatchObject({ ok: true, value: { index: 3 } });
  },
  120_000,
);
