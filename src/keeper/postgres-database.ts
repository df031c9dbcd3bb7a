import { Client, DatabaseError, Pool, type PoolClient } from 'pg';
import { isPrivateWay, isThisMachine } from '../contract/hub-file.ts';
import { fail, ok, type Result } from '../contract/result.ts';
import { GroupedTransactions } from './grouped-transactions.ts';
import { layOutPostgres, postgresSchema } from './postgres-schema.ts';
import type { Row, Sql, SqlDatabase, SqlValue, SqlWork } from './sql-database.ts';

export interface PostgresOptions {
  /** How long a server may take to be there, to answer a statement, and to let go of a row. */
  connectMs: number;
  statementMs: number;
  lockMs: number;
  /** The same as `statementMs`, of a step that brings a schema to today's form: an index over what years have brought takes minutes. */
  stepMs: number;
}

const usual: PostgresOptions = { connectMs: 5000, statementMs: 15_000, lockMs: 5000, stepMs: 3_600_000 };
/** Readers, and the one that writes. */
const mostConnections = 9;
/** Of those who wrote the same at the same time one always gets through: so many in a row lose only where something else is wrong. */
const mostTries = 24;

/**
 * A server that several hubs' keepers share: each transaction as if it were alone (SERIALIZABLE), tried again where another got in its way.
 * `hub-storage`: it cannot be reached, or lets nobody in, does not write through, or holds another program's schema or a newer one; `postgres-tls-…`: it is on another machine,
 * and the way there is not private.
 *
 * @param url `postgres://…`, as libpq reads it.
 */
export async function openPostgresDatabase(url: string, options: Partial<PostgresOptions> = {}): Promise<Result<SqlDatabase>> {
  if (!isPrivateWay(url) || !isDialledPrivately(url)) return fail('hub-storage', 'postgres-tls-required');
  const { stepMs, ...times } = { ...usual, ...options };
  const laying = poolOf(url, { ...times, statementMs: stepMs, most: 1 });
  const laidOut = await transact(laying, withWhatOthersCommitted, layOutPostgres).finally(() => laying.end());
  if (!laidOut.ok) return fail('hub-storage', laidOut.failure.detail);
  return laidOut.value.ok ? ok(databaseOf(poolOf(url, { ...times, most: mostConnections }))) : laidOut.value;
}

function poolOf(url: string, { connectMs, statementMs, lockMs, most }: Omit<PostgresOptions, 'stepMs'> & { most: number }): Pool {
  const pool = new Pool({
    connectionString: url,
    application_name: 'imi keeper',
    max: most,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    lock_timeout: lockMs,
    idle_in_transaction_session_timeout: statementMs,
    // Where the server itself is silent.
    query_timeout: statementMs + connectMs,
    keepAlive: true,
    // What is found by an index is what a transaction is held to have read; of a table that was scanned, all of it.
    options: `-c search_path=${postgresSchema} -c enable_seqscan=off`,
    types: { getTypeParser: (oid) => parsers.get(oid) ?? String },
  });
  // Idle or in use: whoever asks next is told, and nobody dies of it.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** The same once more, of what `pg` itself has read in the address: where it would go, and how. Where it cannot read it, it does not go, and says why then. */
function isDialledPrivately(url: string): boolean {
  try {
    const { host, ssl }: { host: string; ssl: unknown } = new Client({ connectionString: url });
    if (isThisMachine(host)) return true;
    return typeof ssl === 'object' && ssl !== null && !('rejectUnauthorized' in ssl && ssl.rejectUnauthorized === false) && !('checkServerIdentity' in ssl);
  } catch {
    return true;
  }
}

/** Whatever the server's own default is: who waited for another's schema has to see it. */
const withWhatOthersCommitted = 'BEGIN ISOLATION LEVEL READ COMMITTED';
const serializable = 'BEGIN ISOLATION LEVEL SERIALIZABLE';
const ofOneMoment = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';

function databaseOf(pool: Pool): SqlDatabase {
  const writes = new GroupedTransactions((work) => transact(pool, serializable, work));
  return {
    read: (work) => transact(pool, ofOneMoment, work),
    write: (work) => writes.run(work),
    async close() {
      await writes.idle();
      await pool.end();
    },
  };
}

async function transact<T>(pool: Pool, begin: string, work: SqlWork<T>): Promise<Result<T>> {
  for (let tries = 1; ; tries++) {
    try {
      return ok(await once(pool, begin, work));
    } catch (error) {
      if (!(error instanceof ServerFailure)) throw error;
      if (!error.isConflict) return fail('hub-storage', `postgres-${error.message}`);
      if (tries === mostTries) return fail('hub-busy', `postgres-${error.message}`);
    }
  }
}

async function once<T>(pool: Pool, begin: string, work: SqlWork<T>): Promise<T> {
  const client = await asked(() => pool.connect());
  let isFit = false;
  try {
    await asked(() => client.query(begin));
    try {
      const value = await work(sqlOf(client));
      await asked(() => client.query('COMMIT'));
      isFit = true;
      return value;
    } catch (error) {
      // One that is no answer of the server's leaves a connection that nobody knows the state of.
      if (!(error instanceof ServerFailure) || error.isAnswer) {
        await asked(() => client.query('ROLLBACK'));
        isFit = true;
      }
      throw error;
    }
  } finally {
    client.release(!isFit);
  }
}

function sqlOf(client: PoolClient): Sql {
  const query = async (text: string, values: SqlValue[]): Promise<{ rows: Row[]; changed: number }> => {
    const { rows, rowCount } = await asked(() => client.query<Row>({ ...statementOf(text), values }));
    return { rows, changed: rowCount ?? 0 };
  };
  return {
    all: async (text, ...values) => (await query(text, values)).rows,
    get: async (text, ...values) => (await query(text, values)).rows[0],
    run: async (text, ...values) => (await query(text, values)).changed,
  };
}

/** Each statement is prepared once on each connection, under a name of its own. */
const statements = new Map<string, { name: string; text: string }>();

function statementOf(text: string): { name: string; text: string } {
  const known = statements.get(text);
  if (known !== undefined) return known;
  let at = 0;
  const fresh = { name: `imi-${statements.size + 1}`, text: text.replace(/\?(\d*)/g, (_, number: string) => `$${number === '' ? ++at : number}`) };
  statements.set(text, fresh);
  return fresh;
}

const integer = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('an integer beyond what is written here');
  return value;
};

/** By the object id of the type: bytea, int8, int2, int4. */
const parsers = new Map<number, (text: string) => SqlValue>([
  [17, (text) => new Uint8Array(Buffer.from(text.slice('\\x'.length), 'hex'))],
  [20, integer],
  [21, integer],
  [23, integer],
]);

/** What a server did, or that none is there. Its message is the SQLSTATE, or how the connection was lost. */
class ServerFailure extends Error {
  /** It answered with it, and the connection is as before. */
  readonly isAnswer: boolean;
  /** Somebody else wrote the same (serialization failure, deadlock): it may come again. */
  readonly isConflict: boolean;

  constructor(state: string, { isAnswer }: { isAnswer: boolean }) {
    super(state);
    this.isAnswer = isAnswer;
    this.isConflict = isAnswer && (state === '40001' || state === '40P01');
  }
}

/**
 * Classes of SQLSTATE (PostgreSQL's Appendix A) and single ones for what a server, its disk or whoever runs it does: connection, wrong login, missing
 * database, insufficient resources, operator intervention, input and output, damaged data; a lock or a transaction that took too long, one that was undone, a
 * standby, a schema that may not be made. Any other is a statement of ours that was wrong.
 */
const serverStates = /^(08|28|3D|40|53|57|58|XX|55P03|25P03|25P04|25006|42501)/;

async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DatabaseError) {
      const state = error.code ?? 'XX000';
      if (!serverStates.test(state)) throw error;
      // 57P01 to 57P03: it is going away. 08: it never was there.
      throw new ServerFailure(state, { isAnswer: !/^(08|57P|25P03|25P04)/.test(state) });
    }
    throw new ServerFailure(wayFailure(error), { isAnswer: false });
  }
}

/** What TLS has against a server, by Node's and OpenSSL's own codes: another's name; signed by nobody that is trusted; out of its time. */
const tlsFailures: Record<string, string> = {
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls-name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls-authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls-authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls-authority',
  UNABLE_TO_GET_ISSUER_CERT: 'tls-authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls-authority',
  CERT_SIGNATURE_FAILURE: 'tls-authority',
  CERT_HAS_EXPIRED: 'tls-expired',
  CERT_NOT_YET_VALID: 'tls-expired',
};

/** Why there is no way to a server: one word. `pg` has a sentence, and no code, for a server that does not speak TLS. */
function wayFailure(error: unknown): string {
  if (!(error instanceof Error)) return 'unreachable';
  if (error.message === 'The server does not support SSL connections') return 'tls-none';
  if (!('code' in error)) return 'unreachable';
  const code = String(error.code);
  // One of the files that the address names.
  if ('syscall' in error && error.syscall === 'open') return `tls-file-${code}`;
  return tlsFailures[code] ?? (/^ERR_(?:OSSL|SSL)_/.test(code) ? 'tls-failed' : code);
}
