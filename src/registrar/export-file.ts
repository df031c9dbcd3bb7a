import { CsvError, parse } from 'csv-parse';
import { identityClaims, type IdentityClaim } from '../contract/claims.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { identityNumberIsSound } from '../identity/identity-number.ts';
import type { IdentityFacts } from './issuer.ts';
import { normalNumber } from './row-seal.ts';

/**
 * Why a line of the register's export is not taken. `columns`: more or fewer fields than the first line names. `missing`: a name, number or birth date. `number`: a wrong
 * check digit, or another birth date in it. `value`: not what this column may hold. `repeated`: the number stood in a line before. `registered`: a resident has it.
 */
export type LineFaultCode = 'columns' | 'missing' | 'number' | 'value' | 'repeated' | 'registered';

/** `line`: of the file, from 1, the names of the columns being the first. No value of the line: a report is passed on. */
export interface LineFault {
  line: number;
  fault: LineFaultCode;
  column: string | null;
}

/** A person of the export, or why it is none. */
export type ExportLine = { line: number; facts: IdentityFacts } | (LineFault & { facts: null });

/** Which texts a file may be written in; the second is what Chinese offices write. */
export const exportEncodings = ['utf-8', 'gb18030'] as const;
export type ExportEncoding = (typeof exportEncodings)[number];

/** `export-encoding`: bytes that are no text in this encoding. `export-columns`: the first line does not name the columns, detail is which. `export-quotes`: a quote that does not end, or stands in a field without; detail is the line. */
export type ExportFailure = Failure<'export-encoding' | 'export-columns' | 'export-quotes'>;

const required: readonly IdentityClaim[] = ['name', 'identity_number', 'birth_date'];
const longestValue = 200;
const isoDate = /^\d{4}-\d{2}-\d{2}$/;
const isDate = (text: string): boolean => isoDate.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);
const code = /^[a-z][a-z-]{0,39}$/;

/** What stands in a column beside being short text. Coded facts are codes: their words are the screen's. */
const forms: Partial<Record<IdentityClaim, (value: string) => boolean>> = {
  sex: (value) => value === 'female' || value === 'male',
  birth_date: isDate,
  document_valid_until: isDate,
  resident_since: isDate,
  nation: (value) => code.test(value),
  household_role: (value) => code.test(value),
  marital_status: (value) => code.test(value),
  postcode: (value) => /^\d{6}$/.test(value),
  household_size: (value) => /^[1-9]\d?$/.test(value),
};

/**
 * Reads a population register's export: CSV (RFC 4180), the first line naming columns by their claims, in any order and none twice; an empty field is a fact that is not known.
 * Ends with a failure where the file as a whole cannot be read; faults of single lines come as lines.
 *
 * @param after only the lines behind this one are given.
 */
export async function* readExport(chunks: AsyncIterable<Uint8Array>, encoding: ExportEncoding, after = 0): AsyncGenerator<Result<ExportLine, ExportFailure>> {
  const parser = parse({ bom: true, record_delimiter: ['\r\n', '\n'], relax_column_count: true, skip_empty_lines: true, info: true });
  const fed = feed(chunks, encoding, parser);
  let columns: IdentityClaim[] | null = null;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      if (columns === null) {
        const named = columnsOf(record);
        if (!named.ok) {
          yield named;
          return;
        }
        columns = named.value;
      } else if (info.lines > after) {
        yield ok(lineOf(info.lines, columns, record));
      }
    }
    await fed;
    if (columns === null) yield fail('export-columns', 'empty');
  } catch (error) {
    const failure = failureOf(error);
    if (failure === null) throw error;
    yield failure;
  } finally {
    parser.destroy();
    await fed.catch(() => undefined);
  }
}

class NotText extends Error {}

async function feed(chunks: AsyncIterable<Uint8Array>, encoding: ExportEncoding, parser: ReturnType<typeof parse>): Promise<void> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const text = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw new NotText();
    }
  };
  try {
    for await (const chunk of chunks) {
      if (parser.destroyed) return;
      if (!parser.write(text(chunk))) await new Promise<void>((resolve) => void parser.once('drain', resolve).once('close', resolve));
    }
    parser.end(text());
  } catch (error) {
    parser.destroy(error instanceof Error ? error : new Error('unreadable'));
  }
}

function failureOf(error: unknown): ReturnType<typeof fail<ExportFailure['code']>> | null {
  if (error instanceof NotText) return fail('export-encoding');
  if (error instanceof CsvError) return fail('export-quotes', `line ${String(error['lines'])}`);
  return null;
}

function columnsOf(names: readonly string[]): Result<IdentityClaim[], ExportFailure> {
  const columns = names.map((name) => name.trim().toLowerCase());
  const unknown = columns.find((name) => !isIdentityClaim(name));
  if (unknown !== undefined) return fail('export-columns', `unknown ${unknown.slice(0, 40)}`);
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined) return fail('export-columns', `twice ${twice}`);
  const missing = required.find((name) => !columns.includes(name));
  return missing === undefined ? ok(columns.filter(isIdentityClaim)) : fail('export-columns', `missing ${missing}`);
}

const isIdentityClaim = (name: string): name is IdentityClaim => (identityClaims as readonly string[]).includes(name);

function lineOf(line: number, columns: readonly IdentityClaim[], fields: readonly string[]): ExportLine {
  const refused = (fault: LineFaultCode, column: string | null): ExportLine => ({ line, facts: null, fault, column });
  if (fields.length !== columns.length) return refused('columns', null);
  const facts: Partial<Record<IdentityClaim, string>> = {};
  for (const [index, column] of columns.entries()) {
    const text = (fields[index] ?? '').trim();
    const value = column === 'identity_number' ? normalNumber(text) : text;
    if (value === '') {
      if (required.includes(column)) return refused('missing', column);
      continue;
    }
    if (value.length > longestValue || /\p{Cc}/u.test(value) || forms[column]?.(value) === false) return refused('value', column);
    facts[column] = value;
  }
  return identityNumberIsSound(facts.identity_number ?? '', facts.birth_date ?? '') ? { line, facts } : refused('number', 'identity_number');
}
