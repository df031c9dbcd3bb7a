import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { fail, type Failure, type Result } from '../contract/result.ts';

export type Misuse = Failure<'usage'>;

/** How a command was wrongly called: what is wrong, and how it is called. */
export const misuse = (usage: string, why?: string): Result<never, Misuse> => fail('usage', why === undefined ? usage : `${why}\n${usage}`);

type Values<O extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<{ args: string[]; options: O }>>['values'];

/** What is called with options that it does not know, or names files that cannot be read, was wrongly called: what `read` throws is said. */
export function readOptions<O extends ParseArgsOptionsConfig, T>(args: string[], usage: string, options: O, read: (values: Values<O>) => Result<T, Misuse>): Result<T, Misuse> {
  try {
    return read(parseArgs({ args, options }).values);
  } catch (error) {
    return misuse(usage, error instanceof Error ? error.message : '');
  }
}

/** Says why nothing was done, and gives the exit code that goes with it. */
export function refused({ code, detail }: { code: string; detail?: string | undefined }): number {
  process.stderr.write(`Refused: ${code}${detail === undefined ? '' : ` (${detail})`}\n`);
  return 1;
}
