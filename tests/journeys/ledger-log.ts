import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { openEnvelope } from '../../src/ledger/verify/envelope.ts';
import { toHex } from '../../src/ledger/verify/bytes.ts';
import { reference } from '../../src/ledger/verify/reference.ts';

/** A request in the ledger's log, with the grants that came with it. */
export interface LoggedRequest {
  reference: string;
  /** Of each `request.submit` and each `grant.give` in it, hex. */
  ids: string[];
}

/** References of the transactions in the ledger's log that hold a request, in the log's order. */
export const requestsInLedger = (file: string): string[] => requestActsInLedger(file).map((request) => request.reference);

/** In the log's order. Read off a copy: a hub or node that runs has the file to itself. */
export function requestActsInLedger(file: string): LoggedRequest[] {
  const folder = mkdtempSync(join(tmpdir(), 'imi-l-'));
  try {
    for (const part of ['', '-wal']) if (existsSync(file + part)) copyFileSync(file + part, join(folder, `ledger.sqlite${part}`));
    return requestsIn(new DatabaseSync(join(folder, 'ledger.sqlite')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function requestsIn(database: DatabaseSync): LoggedRequest[] {
  const rows = database.prepare('SELECT envelope FROM log_leaf ORDER BY position').all();
  database.close();
  return rows.flatMap((row) => {
    const opened = openEnvelope(row['envelope'] as Uint8Array, nodeCrypto);
    if (!opened.ok) throw new Error(`the ledger holds what is no transaction: ${opened.failure.code}`);
    const { id, body } = opened.value;
    if (!body.acts.some(({ kind }) => kind === 'request.submit')) return [];
    return [{ reference: reference(id), ids: body.acts.flatMap((act) => (act.kind === 'request.submit' || act.kind === 'grant.give' ? [toHex(act.id)] : [])) }];
  });
}
