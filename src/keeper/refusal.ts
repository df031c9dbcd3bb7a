import type { RefusalCode, RejectionCode } from '../contract/failures.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';

export type RefusedCode = RefusalCode | RejectionCode;

/** What the keeper will not do, with its code; or what disk and ledger kept it from, with theirs. */
export type KeeperFailure = Failure | Failure<RefusedCode>;

/** Thrown in the middle of a walk over many things, and caught by `refusing` only. */
class Refusal extends Error {
  readonly code: RefusedCode;
  constructor(code: RefusedCode) {
    super(code);
    this.code = code;
  }
}

class Stopped extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.code);
    this.failure = failure;
  }
}

export const refuse = (code: RefusedCode): never => {
  throw new Refusal(code);
};

/** The value, or the end of the walk. */
export function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Stopped(result.failure);
  return result.value;
}

/** Runs a walk that may `refuse` or fail on the way. */
export async function refusing<T>(walk: () => Promise<T>): Promise<Result<T> | { readonly ok: false; readonly refused: RefusedCode }> {
  try {
    return ok(await walk());
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, refused: error.code };
    if (error instanceof Stopped) return { ok: false, failure: error.failure };
    throw error;
  }
}

/** As `refusing`, where a refusal is a failure like any other. */
export async function answering<T>(walk: () => Promise<T>): Promise<Result<T, KeeperFailure>> {
  const walked = await refusing(walk);
  if (walked.ok || 'failure' in walked) return walked;
  return fail<RefusedCode>(walked.refused);
}
