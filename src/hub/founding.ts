import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { FailureCode } from '../contract/failures.ts';
import type { HubServerFile, TrustRoot } from '../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { x25519Public } from '../identity/x25519.ts';
import { openEmbeddedLedger } from '../ledger/engines/embedded.ts';
import { encodeGenesis, type Genesis } from '../ledger/genesis.ts';
import { ed25519Signer } from '../ledger/node-signer.ts';
import type { PartyEnrol, PartyKind } from '../ledger/verify/acts.ts';
import { toBase64url } from '../ledger/verify/bytes.ts';
import { isUnsignedChain } from '../ledger/verify/unsigned-chain.ts';
import { makeFolder, onDisk } from './data-folder.ts';
import { readOrMakePin } from './doors.ts';
import { writeKeyFile, type KeyFailure, type KeyFile } from './key-file.ts';
import { readOrMakeCheckpointKey } from './outside.ts';

export interface Founding {
  chain: string;
  serverFile: HubServerFile;
  dataDir: string;
  /** Unix milliseconds. */
  now: number;
}

/** What kiosks have to be told: it goes into the hub's public file. */
export interface Founded {
  trustRoot: TrustRoot;
  /** By which they know the hub over TLS. */
  pin: string;
  /** For witnesses and monitors, where the server file names checkpoints. */
  checkpointKey?: string;
}

/** Where the authority's key is put: to be taken off this machine, since it enrols every party from now on. */
export const authorityKeyFile = 'authority.key.json';

/**
 * Makes a hub's keys, the genesis of a chain of its own and its first block: validator, hub, keeper, registrar and, where the server file names one, gateway are its first parties, each with
 * keys that are made here and shown to nobody. Nothing is written over: `already-founded` names each file that is there. A founding that
 * broke off leaves files behind; nothing hangs on them yet. `not-embedded`: the ledger is not one that a hub begins.
 */
export async function foundHub({ chain, serverFile, dataDir, now }: Founding): Promise<Result<Founded, Failure<'already-founded' | 'not-embedded' | 'no-checkpoints' | FailureCode> | KeyFailure>> {
  if (isUnsignedChain(chain)) return fail('hub-storage', 'a chain of this name is only measured');
  const { ledger, keeper, registrar, hub, key, gateway } = serverFile;
  if (ledger.engine !== 'embedded') return fail('not-embedded', 'a ledger of several validators is begun by them');
  const at = (path: string): string => resolve(dataDir, path);
  const files = { validator: at(ledger.validatorKey), keeper: at(keeper.key), registrar: at(registrar.key), hub: at(key), authority: at(authorityKeyFile) };
  const genesisPath = at(ledger.genesis);
  const guardPath = at(ledger.signed ?? `${ledger.path}.signed`);
  const gatewayFile = gateway === undefined ? null : at(gateway.key);
  const there = [...Object.values(files), ...(gatewayFile === null ? [] : [gatewayFile]), genesisPath, at(ledger.path), guardPath].filter((path) => existsSync(path));
  if (there.length > 0) return fail('already-founded', there.join(', '));

  const folder = makeFolder(dataDir);
  if (!folder.ok) return folder;
  const secret = (): Uint8Array => new Uint8Array(randomBytes(32));
  const validator = secret();
  const authority = secret();
  const partyKeys = (): { sign: Uint8Array; seal: Uint8Array } => ({ sign: secret(), seal: secret() });
  const [hubKeys, keeperKeys, registrarKeys, gatewayKeys] = [partyKeys(), partyKeys(), partyKeys(), partyKeys()];
  const written: [string, KeyFile][] = [
    [files.validator, { sign: validator }],
    [files.hub, hubKeys],
    [files.keeper, keeperKeys],
    [files.registrar, { ...registrarKeys, index: secret() }],
    [files.authority, { sign: authority }],
    ...(gatewayFile === null ? [] : [[gatewayFile, gatewayKeys] satisfies [string, KeyFile]]),
  ];
  for (const [path, keys] of written) {
    const kept = onDisk(path, () => writeKeyFile(path, keys));
    if (!kept.ok) return kept;
  }

  const party = (id: string, kind: PartyKind, keys: { sign: Uint8Array; seal: Uint8Array }, names: PartyEnrol['names']): PartyEnrol => ({
    kind: 'party.enrol',
    id,
    party: kind,
    sign: ed25519Signer(keys.sign).key,
    seal: [-25, x25519Public(keys.seal)],
    names,
  });
  const validatorKey = ed25519Signer(validator).key[1];
  const genesis: Genesis = {
    v: 1,
    chain,
    time: Math.floor(now / 1000),
    validators: [{ key: validatorKey, power: 1 }],
    authority: { threshold: 1, keys: [ed25519Signer(authority).key] },
    acts: [
      party(hub, 'hub', hubKeys, { 'zh-Hans': '便民服务中心', en: 'Service hub' }),
      party('keeper', 'keeper', keeperKeys, { 'zh-Hans': '数据保管处', en: 'Data keeper' }),
      party('registrar', 'registrar', registrarKeys, { 'zh-Hans': '人口登记处', en: 'Population register' }),
      ...(gatewayFile === null ? [] : [party('gateway', 'gateway', gatewayKeys, { 'zh-Hans': '政务数据网关', en: 'Agencies’ gateway' })]),
    ],
  };
  const pin = readOrMakePin({ serverFile, dataDir });
  if (!pin.ok) return pin;
  const checkpointKey = serverFile.checkpoints === undefined ? null : readOrMakeCheckpointKey({ serverFile, dataDir });
  if (checkpointKey?.ok === false) return checkpointKey;
  const kept = onDisk(genesisPath, () => writeFileSync(genesisPath, encodeGenesis(genesis), { mode: 0o600, flag: 'wx', flush: true }));
  if (!kept.ok) return kept;
  const begun = openEmbeddedLedger({
    path: at(ledger.path),
    guardPath,
    genesis,
    validator: ed25519Signer(validator),
    clock: () => now,
    heartbeatMs: ledger.heartbeatMs,
    begin: true,
  });
  if (!begun.ok) return begun;
  await begun.value.close();
  const trustRoot: TrustRoot = { chain, height: 1, validators: [{ alg: -19, key: toBase64url(validatorKey), power: 1 }], trustingPeriodMs: 30 * 24 * 3600_000 };
  return ok({ trustRoot, pin: pin.value, ...(checkpointKey === null ? {} : { checkpointKey: checkpointKey.value }) });
}
