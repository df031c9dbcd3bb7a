import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { z } from 'zod';
import { hubFileSchema, hubServerFileSchema } from '../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { openHub } from '../hub/hub.ts';

const usage = 'imi hub --hub FILE --server FILE --data DIR';

/**
 * Runs a hub until SIGTERM or SIGINT. When it listens, one line goes out: `imi hub is ready on <socket path>`.
 * 0: ended as asked; 1: could not start, the code is on stderr; 2: wrongly called.
 */
export async function run(args: string[]): Promise<number> {
  const read = readArguments(args);
  if (!read.ok) {
    process.stderr.write(`${read.failure.detail ?? usage}\n`);
    return 2;
  }
  // Sealed or not, what the hub writes is nobody else's to read.
  process.umask(0o077);
  const hub = await openHub({
    ...read.value,
    onFault: (where, error) => process.stderr.write(`imi hub: ${where}: ${error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error)}\n`),
  });
  if (!hub.ok) {
    const { code, detail } = hub.failure;
    process.stderr.write(`imi hub: ${code}${detail === undefined ? '' : ` (${detail})`}\n`);
    return 1;
  }
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  process.stdout.write(`imi hub is ready on ${hub.value.socketPath}\n`);
  await ended;
  await hub.value.close();
  return 0;
}

function readArguments(args: string[]): Result<Pick<Parameters<typeof openHub>[0], 'hubFile' | 'serverFile' | 'dataDir'>, Failure<'usage'>> {
  try {
    const { values } = parseArgs({ args, options: { hub: { type: 'string' }, server: { type: 'string' }, data: { type: 'string' } } });
    if (values.hub === undefined || values.server === undefined || values.data === undefined) return fail('usage', usage);
    const hubFile = readJson(values.hub, hubFileSchema);
    if (!hubFile.ok) return hubFile;
    const serverFile = readJson(values.server, hubServerFileSchema);
    if (!serverFile.ok) return serverFile;
    return ok({ hubFile: hubFile.value, serverFile: serverFile.value, dataDir: values.data });
  } catch (error) {
    return fail('usage', `${error instanceof Error ? error.message : ''}\n${usage}`);
  }
}

function readJson<T>(path: string, schema: z.ZodType<T>): Result<T, Failure<'usage'>> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return fail('usage', `${path} cannot be read, or is no JSON`);
  }
  const parsed = schema.safeParse(content);
  return parsed.success ? ok(parsed.data) : fail('usage', `${path}: ${parsed.error.issues.map(({ path: at, message }) => `${at.join('.')} ${message}`).join('; ')}`);
}
