import { ok, type Result } from '../contract/result.ts';
import type { Ledger } from './ledger.ts';
import type { Body } from './verify/acts.ts';
import type { Crypto } from './verify/crypto.ts';
import { openEnvelope } from './verify/envelope.ts';

const batch = 256;

/** What is said in the log from this place on, for a book that follows it: at most 256 bodies, none where nothing is new. */
export async function logBodies(ledger: Pick<Ledger, 'entries'>, from: number, crypto: Crypto): Promise<Result<Body[]>> {
  const entries = await ledger.entries(from, batch);
  if (!entries.ok) return entries;
  return ok(
    entries.value.map((envelope) => {
      const opened = openEnvelope(envelope, crypto);
      // What stands in the log was read by the rules.
      if (!opened.ok) throw new Error(`an entry of the log that is no envelope: ${opened.failure.code}`);
      return opened.value.body;
    }),
  );
}
