import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { openEnvelope } from '../../src/ledger/verify/envelope.ts';
import { reference } from '../../src/ledger/verify/reference.ts';

/** References of the transactions in the ledger's log that hold a request, in the log's order. Read off a copy: a hub that runs has the file to itself. */
export function requestsInLedger(file: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'imi-l-'));
  try {
    for (const part of ['', '-wal']) if (existsSync(file + part)) copyFileSync(file + part, join(folder, `ledger.sqlite${part}`));
    return requestsIn(new DatabaseSync(join(folder, 'ledger.sqlite')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function requestsIn(database: DatabaseSync): string[] {
  const rows = database.prepare('SELECT envelope FROM log_leaf ORDER BY position').all();
  database.close();
  return rows.flatMap((row) => {
    const opened = openEnvelope(row['envelope'] as Uint8Array, nodeCrypto);
    if (!opened.ok) throw new Error(`the ledger holds what is no transaction: ${opened.failure.code}`);
    return opened.value.body.acts.some(({ kind }) => kind === 'request.submit') ? [reference(opened.value.id)] : [];
  });
}
