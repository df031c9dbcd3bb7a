import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ChildProgram, type ChildProgramOptions } from '../src/ledger/engines/cometbft/child-program.ts';
import { unsignedStateJson } from '../src/ledger/engines/cometbft/node-files.ts';
import { cometbftProgram } from '../src/ledger/engines/cometbft/program.ts';
import { startTestnet } from '../src/ledger/engines/cometbft/testnet.ts';
import type { Genesis } from '../src/ledger/genesis.ts';
import { nodeCrypto } from '../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../src/ledger/node-signer.ts';
import { seedDistrict } from '../src/ledger/seed-district.ts';
import type { Act, Body, PublicKey } from '../src/ledger/verify/acts.ts';
import { toHex } from '../src/ledger/verify/bytes.ts';
import { encodeChallenge, registerNonce } from '../src/ledger/verify/challenge.ts';
import { signEnvelope } from '../src/ledger/verify/envelope.ts';
import { measureLoad, type LoadFigures } from './network-load.ts';

export interface ValidatorFigures {
  ours: LoadFigures;
  /** An application over the same socket that only checks the signatures, once each (signatures-only.ts). */
  signaturesOnly: LoadFigures;
  /** CometBFT's own example, in its own process: what the consensus itself can do on this machine. */
  kvstore: LoadFigures;
}

const validators = 4;
const residents = 64;
const chain = 'measured-network';
const steadyCount = 450;
const floodCount = 30_000;
/** Of kvstore's, which are quickly made. */
const pairCount = 100_000;
const floodMs = 10_000;
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** Four validators on this machine, first with the ledger, then with one that only checks signatures, then with kvstore: the same keys, configuration and sizes of transactions. null: CometBFT is not here. */
export async function validatorFigures(dir: string, say: (line: string) => void): Promise<ValidatorFigures | null> {
  const cometbft = cometbftProgram();
  if (cometbft === null) return null;
  const { genesis, lookups, registrar } = await measuredDistrict();
  const [steady, flood] = [await lookups(steadyCount), await lookups(floodCount)];
  const load = { steady, flood, floodMs };
  const imi = [process.execPath, path.join(import.meta.dirname, '../src/cli/imi.ts')];
  say('Four validators with the ledger …');
  const ledgerDir = path.join(dir, 'validators');
  const started = await startTestnet({ dir: ledgerDir, validators, genesis, cometbft, imi, heartbeatMs: 60_000, snapshotEvery: null });
  if (!started.ok) throw new Error(`the network did not start: ${started.failure.detail ?? ''}`);
  let ours: LoadFigures;
  try {
    ours = await measureLoad({ rpc: started.value.nodes.map(({ rpc }) => rpc) }, load);
  } finally {
    await started.value.stop();
  }
  const rpc = started.value.nodes.map((node) => node.rpc);
  say('The same four with an application that only checks signatures …');
  const signatures = { args: [path.join(import.meta.dirname, 'signatures-only.ts'), 'app.sock', toHex(registrar[1])] };
  const signaturesOnly = await otherFigures({ cometbft, ledgerDir, dir: path.join(dir, 'signatures'), rpc, application: signatures }, load);
  say('And with CometBFT’s own kvstore …');
  const kvstore = await otherFigures({ cometbft, ledgerDir, dir: path.join(dir, 'kvstore'), rpc, application: null }, {
    ...load,
    steady: steady.map(pairOfSize),
    flood: Array.from({ length: pairCount }, (_, i) => pairOfSize(flood[i % flood.length] ?? random(400))),
  });
  return { ours, signaturesOnly, kvstore };
}

interface OtherNetwork {
  cometbft: string;
  /** Whose nodes' configuration is taken. */
  ledgerDir: string;
  dir: string;
  rpc: readonly string[];
  /** Node's arguments, run in the node's folder; null: kvstore, in CometBFT's own process. */
  application: { args: string[] } | null;
}

async function otherFigures({ cometbft, ledgerDir, dir, rpc, application }: OtherNetwork, load: Parameters<typeof measureLoad>[1]): Promise<LoadFigures> {
  const names = readdirSync(ledgerDir).filter((name) => /^node\d+$/.test(name));
  const nodes = names.map((name) => {
    const home = path.join(dir, name);
    mkdirSync(path.join(home, 'data'), { recursive: true });
    cpSync(path.join(ledgerDir, name, 'config'), path.join(home, 'config'), { recursive: true });
    writeFileSync(path.join(home, 'data/priv_validator_state.json'), unsignedStateJson);
    return home;
  });
  const programs: ChildProgram[] = [];
  const start = async (options: (home: string) => Pick<ChildProgramOptions, 'command' | 'args' | 'logPath' | 'isReady'>): Promise<void> => {
    const started = await Promise.all(nodes.map((home) => ChildProgram.start({ ...options(home), cwd: home, readyWithinMs: 60_000 })));
    for (const one of started) if (one.ok) programs.push(one.value);
    const failed = started.find((one) => !one.ok);
    if (failed?.ok === false) throw new Error(`a node did not start: ${failed.failure.detail ?? ''}`);
  };
  try {
    if (application !== null) {
      await start((home) => ({ command: process.execPath, args: application.args, logPath: path.join(home, 'app.log'), isReady: (line) => line === 'ready' }));
    }
    await start((home) => ({
      command: cometbft,
      args: ['start', '--home', '.', ...(application === null ? ['--proxy_app', 'kvstore'] : [])],
      logPath: path.join(home, 'comet.log'),
      isReady: (line) => line.includes('Starting RPC HTTP server'),
    }));
    return await measureLoad({ rpc }, load);
  } finally {
    // CometBFT first: it says so where its application is gone.
    for (const program of programs.toReversed()) await program.end();
  }
}

/** What kvstore takes, as long as the ledger's transaction: a key, one `=`, a value. */
function pairOfSize({ length }: Uint8Array): Uint8Array {
  const text = toHex(random(Math.ceil(length / 2)));
  return new TextEncoder().encode(`${text.slice(0, 32)}=${text.slice(33, length)}`);
}

/** A district with some residents from its first day on, and what its registrar looks up: one signature, and two updates of the state. */
async function measuredDistrict(): Promise<{ genesis: Genesis; registrar: PublicKey; lookups: (count: number) => Promise<Uint8Array[]> }> {
  const { genesis, registrar } = seedDistrict(1);
  const ids = Array.from({ length: residents }, () => random(16));
  const sealing = (): PublicKey => {
    const key = random(32);
    key[31] = (key[31] ?? 0) & 0x7f;
    return [-25, key];
  };
  const seconds = Math.floor(Date.now() / 1000);
  const registrations = ids.map((id): Act => {
    const aut = ed25519Signer(random(32));
    const keys = { id, sig: ed25519Signer(random(32)).key, aut: aut.key, dec: sealing(), space: sealing() };
    const notAfter = seconds + 600;
    const challenge = encodeChallenge({ chain, kiosk: null, purpose: 'register', nonce: registerNonce(keys, nodeCrypto), notAfter });
    return { kind: 'resident.register', ...keys, counter: 1, proof: { kiosk: null, notAfter, signature: aut.sign(challenge) } };
  });
  const { v, authority, acts } = genesis;
  const lookups = async (count: number): Promise<Uint8Array[]> => {
    const made: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      const body: Body = {
        v: 1,
        chain,
        nonce: random(16),
        notAfter: seconds + 3600,
        acts: [{ kind: 'access.lookup', subject: ids[i % residents] ?? random(16), id: random(16), private: [-16, random(32)] }],
      };
      made.push(await signEnvelope(body, [registrar], nodeCrypto));
    }
    return made;
  };
  return { genesis: { v, chain, time: seconds - 1, validators: [], authority, acts: [...acts.filter(({ kind }) => kind === 'party.enrol'), ...registrations] }, registrar: registrar.key, lookups };
}
