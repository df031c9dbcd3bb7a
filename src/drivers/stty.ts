import { execFile } from 'node:child_process';
import { fail, ok } from '../contract/result.ts';
import type { Result } from '../contract/result.ts';

/** Settings of a terminal or serial line, in the words of stty(1). */
export function stty(path: string, settings: readonly string[]): Promise<Result<null>> {
  return new Promise((resolve) => {
    execFile('stty', ['-F', path, ...settings], (error) => {
      resolve(error === null ? ok(null) : fail('device-fault', `stty: ${error.message.split('\n').at(-2) ?? error.message}`));
    });
  });
}
