import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';

/** A file of this form, or in its failure's detail which file it is and what is wrong in it. */
export function readJsonFile<T>(path: string, schema: z.ZodType<T>): Result<T, Failure<'usage'>> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return fail('usage', `${path} cannot be read, or is no JSON`);
  }
  const parsed = schema.safeParse(content);
  return parsed.success ? ok(parsed.data) : fail('usage', `${path}: ${parsed.error.issues.map(({ path: at, message }) => `${at.join('.')} ${message}`).join('; ')}`);
}
