import { lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { ok, type Failure, type Result } from '../contract/result.ts';

/**
 * Takes away a socket file that nobody listens on any more: a process that was killed leaves one. `in-use`: somebody answers there;
 * `unusable`: it is no socket. Nothing there is fine.
 */
export async function clearStaleSocket(path: string): Promise<Result<null, Failure<'in-use' | 'unusable'>>> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return ok(null);
  if (!found.isSocket()) return { ok: false, failure: { code: 'unusable', detail: 'not a socket' } };
  const answered = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (answered) return { ok: false, failure: { code: 'in-use' } };
  unlinkSync(path);
  return ok(null);
}
