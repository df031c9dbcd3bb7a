import { existsSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { HubServerFile } from '../contract/hub-file.ts';
import { Asks, type TrustedIssuer } from '../gateway/asks.ts';
import { keyOfJwk } from '../identity/jws.ts';
import { askBookIn, checkAskBook, copyAsks, openAskBook, openAskFile, type AskBook } from '../keeper/ask-book.ts';
import type { Keeper } from '../keeper/keeper.ts';
import type { SqlDatabase } from '../keeper/sql-database.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { ed25519Signer } from '../ledger/node-signer.ts';
import type { StatusLists } from '../ledger/status-lists.ts';
import { secretsOf } from './key-file.ts';
import { ownerOf, type HubFailure } from './hub.ts';

export interface AsksPart {
  /** null: this hub has no gateway, so nobody asks here. */
  asks: Asks | null;
  close(): Promise<void>;
}

interface AsksSetup {
  serverFile: HubServerFile;
  dataDir: string;
  ledger: Ledger;
  keeper: Keeper;
  /** The keeper's raw sealing key, private and public. */
  keeperSeal: { secret: Uint8Array; key: Uint8Array };
  lists: StatusLists;
  onFault: (where: string, error: unknown) => void;
  /** Where the keeper lies that this hub shares with others; null: in a file of its own. */
  shared: SqlDatabase | null;
  /** Unix milliseconds. */
  now: () => number;
}

/** Remote verification, between the agencies' door and the kiosks'. */
export async function openAsks({ serverFile, dataDir, ledger, keeper, keeperSeal, lists, shared, now, onFault }: AsksSetup): Promise<Result<AsksPart, HubFailure>> {
  const { gateway } = serverFile;
  if (gateway === undefined) return ok({ asks: null, close: () => Promise.resolve() });
  const keys = secretsOf(resolve(dataDir, gateway.key), ['sign']);
  if (!keys.ok) return keys;
  const signer = ed25519Signer(keys.value.sign);
  const name = await ownerOf(ledger, signer.key, 'gateway');
  if (!name.ok) return name;
  const trusted = trustedIssuers(gateway.issuers);
  if (!trusted.ok) return trusted;
  const path = resolve(dataDir, gateway.asks);
  const book = shared === null ? openAskBook(path, keeperSeal.secret) : await openSharedBook(shared, path, keeperSeal.secret);
  if (!book.ok) return book;
  const asks = new Asks({ ledger, keeper, keeperSeal: keeperSeal.key, book: book.value, lists, trusted: trusted.value, party: { name: name.value, ...signer }, crypto: nodeCrypto, now });
  // One after the other: what an interruption left is finished with a later block, at whichever hub that goes on.
  let finishing: Promise<void> | null = null;
  const finish = async (): Promise<void> => {
    try {
      const finished = await asks.finish();
      if (!finished.ok) onFault('asks', finished.failure);
    } catch (error) {
      onFault('asks', error);
    }
    finishing = null;
  };
  const unlisten = ledger.onBlock(() => void (finishing ??= finish()));
  return ok({
    asks,
    async close() {
      unlisten();
      await finishing;
      await book.value.close();
    },
  });
}

/** What this hub was asked before it shared a keeper (or what was restored) goes to the others' first: a code that was told is found at any of them. `hub-storage`: it is another keeper's, and stays where it is. */
export async function openSharedBook(shared: SqlDatabase, path: string, secret: Uint8Array): Promise<Result<AskBook>> {
  if (existsSync(path)) {
    // Another keeper's would hide what lies there: nothing of it opens.
    const checked = checkAskBook(path, secret);
    if (!checked.ok) return fail('hub-storage', `${path}: ${checked.failure.detail ?? ''}`);
    const file = openAskFile(path);
    if (!file.ok) return file;
    const copied = await copyAsks(file.value, shared);
    await file.value.close();
    if (!copied.ok) return copied;
    for (const ending of ['', '-wal', '-shm']) rmSync(path + ending, { force: true });
  }
  // The keeper closes it.
  return ok({ ...askBookIn(shared, secret), close: () => Promise.resolve() });
}

function trustedIssuers(named: NonNullable<HubServerFile['gateway']>['issuers']): Result<TrustedIssuer[], Failure<'issuer-key'>> {
  const trusted: TrustedIssuer[] = [];
  for (const { iss, vcts, keys } of named) {
    const read = keys.map(keyOfJwk);
    if (read.includes(null)) return fail('issuer-key', iss);
    trusted.push({ name: iss, vcts, keys: read.filter((key) => key !== null) });
  }
  return ok(trusted);
}
