import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { EmbeddedLedgerFile, HubFile, HubServerFile } from '../contract/hub-file.ts';
import { fail, never, type Result } from '../contract/result.ts';
import { openCometLedger } from '../ledger/engines/cometbft/comet-ledger.ts';
import { openEmbeddedLedger, type EmbeddedLedger } from '../ledger/engines/embedded.ts';
import { decodeGenesis } from '../ledger/genesis.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { ed25519Signer } from '../ledger/node-signer.ts';
import type { TileLog } from '../ledger/tiles.ts';
import type { Checkpoint } from '../ledger/verify/checkpoint.ts';
import type { NoteSignature } from '../ledger/verify/note.ts';
import { onDisk } from './data-folder.ts';
import type { HubFailure } from './hub.ts';
import { secretsOf } from './key-file.ts';

export interface LedgerEngineSetup {
  hubFile: Pick<HubFile, 'trustRoot' | 'maxHeadAgeMs'>;
  serverFile: Pick<HubServerFile, 'ledger'>;
  dataDir: string;
  /** Unix milliseconds. */
  now: () => number;
  /** The embedded chain begins, where there is none. */
  begin: boolean;
  onFault: (where: string, error: unknown) => void;
}

/** `log`: where this hub has the whole of it on its own disk. `checkpointSignatures`: where others sign its checkpoints. */
export type EngineLedger = Ledger & { log?: TileLog; checkpointSignatures?(checkpoint: Checkpoint): Promise<NoteSignature[]> };

/** The ledger that the server file names: a chain in this process, or one of many nodes that are asked. */
export function openLedgerEngine(setup: LedgerEngineSetup): Result<EngineLedger, HubFailure> {
  const { serverFile, hubFile, dataDir, now, onFault } = setup;
  const { ledger } = serverFile;
  switch (ledger.engine) {
    case 'embedded':
      return openEmbedded(ledger, setup);
    case 'cometbft':
      return openCometLedger({
        nodes: ledger.nodes,
        trustRoot: hubFile.trustRoot,
        queuePath: resolve(dataDir, ledger.queue),
        maxHeadAgeMs: hubFile.maxHeadAgeMs,
        clock: now,
        onLie: (url, what) => onFault('ledger node lies', `${url}: ${what}`),
        onSplit: (what) => onFault('ledger split', what),
        onFault,
      });
  }
  return never(ledger);
}

function openEmbedded(file: EmbeddedLedgerFile, { hubFile, dataDir, now, begin }: LedgerEngineSetup): Result<EmbeddedLedger, HubFailure> {
  const inData = (path: string): string => resolve(dataDir, path);
  const validator = secretsOf(inData(file.validatorKey), ['sign']);
  if (!validator.ok) return validator;
  const genesisPath = inData(file.genesis);
  const written = onDisk(genesisPath, () => readFileSync(genesisPath));
  if (!written.ok) return fail('genesis-missing', written.failure.detail);
  const genesis = decodeGenesis(written.value);
  if (genesis === undefined) return fail('genesis-damaged', genesisPath);
  if (genesis.chain !== hubFile.trustRoot.chain) return fail('genesis-other-chain', genesis.chain);
  return openEmbeddedLedger({
    path: inData(file.path),
    guardPath: inData(file.signed ?? `${file.path}.signed`),
    genesis,
    validator: ed25519Signer(validator.value.sign),
    heartbeatMs: file.heartbeatMs,
    clock: now,
    begin,
  });
}
