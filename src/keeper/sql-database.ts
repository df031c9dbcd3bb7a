import type { Result } from '../contract/result.ts';

export type SqlValue = Uint8Array | string | number | null;
export type Row = Record<string, SqlValue>;

/** Statements that SQLite and PostgreSQL both read. Values stand as `?`, or as `?1`, `?2` … where one stands twice. */
export interface Sql {
  all(statement: string, ...values: SqlValue[]): Promise<Row[]>;
  /** The first row; undefined: there is none. */
  get(statement: string, ...values: SqlValue[]): Promise<Row | undefined>;
  /** How many rows it changed. */
  run(statement: string, ...values: SqlValue[]): Promise<number>;
}

/** Awaits nothing but statements, and may be carried out more than once: what it answers counts only when it is committed. */
export type SqlWork<T> = (sql: Sql) => Promise<T>;

/** Where rows lie. What the disk or the server does is `hub-storage`; `hub-busy`: others wrote the same again and again, and it may come again. */
export interface SqlDatabase {
  /** Of one moment, and with everything that was acknowledged before. */
  read<T>(work: SqlWork<T>): Promise<Result<T>>;
  /** Wholly or not at all, as if nobody else wrote meanwhile, and on the disk when it answers. */
  write<T>(work: SqlWork<T>): Promise<Result<T>>;
  close(): Promise<void>;
}

export const bytesOf = (value: unknown): Uint8Array => {
  if (!(value instanceof Uint8Array)) throw new TypeError('not bytes');
  return value;
};
export const numberOf = (value: unknown): number => {
  if (typeof value !== 'number') throw new TypeError('not an integer');
  return value;
};
export const textOf = (value: unknown): string => {
  if (typeof value !== 'string') throw new TypeError('not a text');
  return value;
};
