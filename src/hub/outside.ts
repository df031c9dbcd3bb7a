import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { HubServerFile } from '../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { openCheckpoints, ownSigner, type CheckpointSigners } from '../ledger/checkpoints.ts';
import type { HttpService } from '../ledger/http-service.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { openLogService } from '../ledger/log-service.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { ed25519Signer, type MemorySigner } from '../ledger/node-signer.ts';
import { decodeNoteKey, encodeNoteKey, type NoteKey } from '../ledger/verify/note.ts';
import { WitnessRounds, type WitnessPlace } from '../ledger/witness-rounds.ts';
import { witnessedLedger } from '../ledger/witnessed-ledger.ts';
import { onDisk } from './data-folder.ts';
import { readKeyFile, writeKeyFile, type KeyFailure } from './key-file.ts';
import type { EngineLedger } from './ledger-engine.ts';

type Checkpoints = NonNullable<HubServerFile['checkpoints']>;

export interface OutsideOptions {
  serverFile: HubServerFile;
  dataDir: string;
  /** The engine, and its log where this hub has it. */
  ledger: EngineLedger;
  now: () => number;
  onFault: (where: string, error: unknown) => void;
}

/** What this hub shows of its ledger to those outside, and what they say of it. */
export interface Outside {
  /** The same ledger, which knows what is witnessed. */
  ledger: Ledger;
  /** Witnesses are asked from now on, and the log is served where the server file says so. `unusable`: not on that address. */
  open(): Promise<Result<null, Failure<'unusable'>>>;
  close(): Promise<void>;
}

/** Where the server file names no checkpoints, nothing leaves this hub and nothing is witnessed. `log-elsewhere`: a log that is not here cannot be served. */
export function openOutside({ serverFile, dataDir, ledger, now, onFault }: OutsideOptions): Result<Outside, Failure<string>> {
  const named = serverFile.checkpoints;
  if (named === undefined) return ok({ ledger, open: () => Promise.resolve(ok(null)), close: () => Promise.resolve() });
  const signers = signersOf(named, dataDir, ledger);
  if (!signers.ok) return signers;
  const witnesses = witnessPlaces(named.witnesses);
  if (!witnesses.ok) return witnesses;
  const { origin, threshold, everyMs, serve } = named;
  const { log } = ledger;
  if (serve !== undefined && log === undefined) return fail('log-elsewhere', 'the log of several validators is on their disks, not here');
  const checkpoints = openCheckpoints({
    path: resolve(dataDir, named.path),
    origin,
    signers: signers.value,
    witnesses: witnesses.value.map(({ key }) => key),
    threshold,
  });
  if (!checkpoints.ok) return checkpoints;
  const rounds = new WitnessRounds({ ledger, checkpoints: checkpoints.value, witnesses: witnesses.value, crypto: nodeCrypto, clock: now, everyMs, onFault });
  let service: HttpService | null = null;
  return ok({
    ledger: witnessedLedger(ledger, checkpoints.value),
    async open() {
      if (serve !== undefined && log !== undefined) {
        const opened = await openLogService({ checkpoints: checkpoints.value, log }, { ...serve, onFault: (error) => onFault('log', error) });
        if (!opened.ok) return opened;
        service = opened.value;
      }
      rounds.start();
      return ok(null);
    },
    async close() {
      await service?.close();
      await rounds.stop();
    },
  });
}

/** This hub's checkpoint key as witnesses and monitors take it; made where there is none yet. `no-checkpoints`: the server file has no name for the ledger. */
export function readOrMakeCheckpointKey({ serverFile, dataDir }: Pick<OutsideOptions, 'serverFile' | 'dataDir'>): Result<string, KeyFailure | Failure<'no-checkpoints' | 'hub-storage'>> {
  const { checkpoints } = serverFile;
  if (checkpoints === undefined) return fail('no-checkpoints', 'the server file names no `checkpoints`');
  const path = resolve(dataDir, checkpoints.key);
  if (!existsSync(path)) {
    const made = onDisk(path, () => writeKeyFile(path, { sign: new Uint8Array(randomBytes(32)) }));
    if (!made.ok) return made;
  }
  const signer = readSigner(path);
  return signer.ok ? ok(encodeNoteKey({ name: checkpoints.origin, type: 1, key: signer.value.key[1] }, nodeCrypto)) : signer;
}

/** `nobody-to-sign`: the validators' keys are named, and this engine has no nodes that could be asked. */
function signersOf({ origin, key, signers }: Checkpoints, dataDir: string, ledger: EngineLedger): Result<CheckpointSigners, KeyFailure | Failure<'nobody-to-sign' | 'log-key-unreadable'>> {
  if (signers === undefined) {
    const signer = readSigner(resolve(dataDir, key));
    return signer.ok ? ok(ownSigner(origin, signer.value)) : signer;
  }
  const gather = ledger.checkpointSignatures?.bind(ledger);
  if (gather === undefined) return fail('nobody-to-sign', 'checkpoints.signers is for a ledger of several validators');
  const keys: NoteKey[] = [];
  for (const encoded of signers.keys) {
    const decoded = decodeNoteKey(encoded, nodeCrypto);
    if (decoded?.type !== 1 || decoded.name !== origin) return fail('log-key-unreadable', encoded);
    keys.push(decoded);
  }
  return ok({ keys, threshold: signers.threshold, sign: gather });
}

function readSigner(path: string): Result<MemorySigner, KeyFailure> {
  const file = readKeyFile(path);
  if (!file.ok) return file;
  return file.value.sign === undefined ? fail('key-unreadable', `${path}: sign`) : ok(ed25519Signer(file.value.sign));
}

function witnessPlaces(named: readonly { key: string; url: string }[]): Result<WitnessPlace[], Failure<'witness-key-unreadable'>> {
  const places: WitnessPlace[] = [];
  for (const { key: encoded, url } of named) {
    const key = decodeNoteKey(encoded, nodeCrypto);
    if (key?.type !== 4) return fail('witness-key-unreadable', encoded);
    places.push({ key, url });
  }
  return ok(places);
}
