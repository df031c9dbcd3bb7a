import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { hubServerFileSchema } from '../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { secretsOf } from '../hub/key-file.ts';
import { openExpectedResidents, type ExpectedResidents, type ExportProgress } from '../registrar/expected.ts';
import { exportEncodings, readExport, type ExportEncoding, type ExportLine, type LineFault } from '../registrar/export-file.ts';
import { openResidentIndex } from '../registrar/index.ts';
import { misuse, readWords, refused, type Misuse } from './arguments.ts';

export const expectUsage = `imi registrar expect FILE --server FILE --data DIR [--dry-run] [--encoding utf-8|gb18030] [--report FILE]
  FILE: the population register's export, CSV. Its first line names the columns by their claims: name, identity_number and birth_date, and any other of the identity credential.
  --dry-run: says what would be refused, and keeps nothing. --report: the refused lines as CSV, each with its fault and column, and without anybody's facts.
  Interrupted at any moment, the same command goes on where it stopped.`;

const options = {
  server: { type: 'string' },
  data: { type: 'string' },
  'dry-run': { type: 'boolean' },
  encoding: { type: 'string', default: 'utf-8' },
  report: { type: 'string' },
} as const;

interface Called {
  file: string;
  report: string | null;
  encoding: ExportEncoding;
  isTrial: boolean;
  /** Of the registrar's files, whose key is in the third. */
  paths: { expected: string; index: string; key: string };
}

/** Lines that are one transaction: what an interruption may cost. */
const linesAtOnce = 500;
const isEncoding = (text: string): text is ExportEncoding => (exportEncodings as readonly string[]).includes(text);

/** 0: read to its end, also where lines were refused; 1: stopped, the code is on stderr; 2: called wrongly; 130: interrupted. */
export async function expect(args: string[]): Promise<number> {
  process.umask(0o077);
  const called = parse(args);
  if (!called.ok) {
    process.stderr.write(`${called.failure.detail ?? ''}\n`);
    return 2;
  }
  const { paths, isTrial } = called.value;
  const secrets = secretsOf(paths.key, ['index']);
  if (!secrets.ok) return refused(secrets.failure);
  const index = openResidentIndex(paths.index, secrets.value.index);
  if (!index.ok) return refused(index.failure);
  const expected = openExpectedResidents(isTrial ? ':memory:' : paths.expected, secrets.value.index);
  if (!expected.ok) {
    index.value.close();
    return refused(expected.failure);
  }
  // What is kept only says who would be refused.
  const kept = isTrial && existsSync(paths.expected) ? openExpectedResidents(paths.expected, secrets.value.index) : null;
  if (kept?.ok === false) {
    index.value.close();
    expected.value.close();
    return refused(kept.failure);
  }
  // Ctrl+C lets the lines at hand be kept; a harder end loses those, and nothing else.
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  process.once('SIGINT', interrupt);
  try {
    const isRegistered = (number: string): Result<boolean> => {
      const holder = index.value.find(number);
      if (!holder.ok || holder.value === null) return holder.ok ? ok(false) : holder;
      const vouched = kept?.value.isVouched(number) ?? ok(false);
      return vouched.ok ? ok(!vouched.value) : vouched;
    };
    const done = await takeExport(called.value, expected.value, isRegistered, interruption.signal);
    if (!done.ok) return refused(done.failure);
    return finish(called.value, done.value, interruption.signal.aborted);
  } finally {
    process.off('SIGINT', interrupt);
    kept?.value.close();
    expected.value.close();
    index.value.close();
  }
}

interface Taken {
  progress: ExportProgress;
  /** There was nothing behind where an earlier run had stopped. */
  wasRead: boolean;
  faults: LineFault[];
}

async function takeExport({ file, encoding }: Called, expected: ExpectedResidents, isRegistered: (number: string) => Result<boolean>, signal: AbortSignal): Promise<Result<Taken, Failure<string>>> {
  const content = await contentOf(file);
  if (!content.ok) return content;
  const begun = expected.progress(content.value);
  if (!begun.ok) return begun;
  let progress = begun.value;
  if (progress.line > 0) process.stderr.write(`Goes on behind line ${progress.line}.\n`);
  const begunAt = progress.line;
  let lines: ExportLine[] = [];
  const keep = (): Result<null> => {
    if (lines.length === 0) return ok(null);
    const taken = expected.take(content.value, lines, isRegistered);
    if (!taken.ok) return taken;
    progress = taken.value;
    lines = [];
    process.stderr.write(`${progress.line} lines, ${progress.refused} refused\n`);
    return ok(null);
  };
  for await (const read of readExport(createReadStream(file), encoding, progress.line)) {
    // What was read up to there is kept: put right and given again, the file is another one.
    if (!read.ok) {
      const kept = keep();
      return kept.ok ? read : kept;
    }
    lines.push(read.value);
    if (lines.length < linesAtOnce) continue;
    const kept = keep();
    if (!kept.ok) return kept;
    if (signal.aborted) break;
  }
  const kept = keep();
  if (!kept.ok) return kept;
  const faults = expected.refused(content.value);
  return faults.ok ? ok({ progress, faults: faults.value, wasRead: begunAt > 0 && progress.line === begunAt }) : faults;
}

function finish({ isTrial, report, file }: Called, { progress, faults, wasRead }: Taken, isInterrupted: boolean): number {
  if (report !== null) {
    const rows = faults.map(({ line, fault, column }) => `${line},${fault},${column ?? ''}`);
    try {
      writeFileSync(report, ['line,fault,column', ...rows, ''].join('\n'));
    } catch (error) {
      return refused({ code: 'report-unwritten', detail: error instanceof Error && 'code' in error ? String(error.code) : undefined });
    }
  }
  if (isInterrupted) {
    process.stderr.write(`Interrupted behind line ${progress.line} of ${file}. The same command goes on there.\n`);
    return 130;
  }
  const { added, changed, same, refused: count } = progress;
  const before = wasRead ? 'This file was read to its end before, and nothing is changed by it now: ' : '';
  const said = isTrial ? `${added} can be taken, ${count} are refused; nothing was kept` : `${added} are expected now, ${changed} with other facts than before, ${same} as before, ${count} are refused`;
  process.stdout.write(`${before}${said}.\n`);
  if (report === null) for (const { line, fault, column } of faults.slice(0, mostShown)) process.stdout.write(`line ${line}: ${fault}${column === null ? '' : ` (${column})`}\n`);
  if (report === null && faults.length > mostShown) process.stdout.write(`… and ${faults.length - mostShown} more: --report FILE writes them all\n`);
  return 0;
}

const mostShown = 20;

async function contentOf(file: string): Promise<Result<Uint8Array, Failure<string>>> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(file), hash);
    return ok(new Uint8Array(hash.digest()));
  } catch (error) {
    return fail('export-unreadable', error instanceof Error && 'code' in error ? String(error.code) : undefined);
  }
}

function parse(args: string[]): Result<Called, Misuse> {
  try {
    const { positionals, values } = readWords(args, options);
    const [file, ...others] = positionals;
    const { server, data, report = null, encoding } = values;
    if (file === undefined || others.length > 0) return misuse(expectUsage, 'Which file?');
    if (server === undefined || data === undefined) return misuse(expectUsage, 'Which hub?');
    if (!isEncoding(encoding)) return misuse(expectUsage, 'There is no such encoding.');
    const { registrar } = hubServerFileSchema.parse(JSON.parse(readFileSync(server, 'utf8')));
    const inData = (path: string): string => resolve(data, path);
    return ok({ file, report, encoding, isTrial: values['dry-run'] === true, paths: { expected: inData(registrar.expected), index: inData(registrar.path), key: inData(registrar.key) } });
  } catch (error) {
    return misuse(expectUsage, error instanceof Error ? error.message.split('\n')[0] : undefined);
  }
}
