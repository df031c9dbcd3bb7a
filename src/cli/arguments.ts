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

type Parsed<O extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<{ args: string[]; options: O; allowPositionals: true }>>;

/**
 * Words and options. Ids and keys in base64url may begin with a hyphen (one in 64 does): behind an option that takes a text it is that text, and elsewhere a word, since no
 * option of ours has one hyphen. Throws a `TypeError` that says what is wrong, as `parseArgs` does.
 */
export function readWords<O extends ParseArgsOptionsConfig>(args: readonly string[], options: O): Pick<Parsed<O>, 'values' | 'positionals'> {
  const isKnown = (word: string): boolean => word.startsWith('--') && Object.hasOwn(options, word.slice(2).replace(/=.*$/s, ''));
  const takesText = (word: string | undefined): word is string => word?.startsWith('--') === true && !word.includes('=') && options[word.slice(2)]?.type === 'string';
  const plain: string[] = [];
  for (const word of args) {
    const before = plain.at(-1);
    if (!word.startsWith('-') || isKnown(word)) plain.push(word);
    else if (takesText(before)) plain[plain.length - 1] = `${before}=${word}`;
    else plain.push(isId(word) || !word.startsWith('--') ? `${hidden}${word}` : word);
  }
  const { values, positionals } = parseArgs({ args: plain, options, allowPositionals: true });
  return { values, positionals: positionals.map((word) => (word.startsWith(hidden) ? word.slice(hidden.length) : word)) };
}

/** Sixteen bytes in base64url. */
const isId = (word: string): boolean => /^[A-Za-z0-9_-]{22}$/.test(word);
/** Before a word's hyphen, so that nobody takes it for an option's: no word of a command line has it. */
const hidden = '\0';

/** Says why nothing was done, and gives the exit code that goes with it. */
export function refused({ code, detail }: { code: string; detail?: string | undefined }): number {
  process.stderr.write(`Refused: ${code}${detail === undefined ? '' : ` (${detail})`}\n`);
  return 1;
}
