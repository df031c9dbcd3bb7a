import { ok, type Result } from '../contract/result.ts';
import type { Opener } from '../identity/hpke.ts';
import { openSealed, sealTo } from '../identity/sealing.ts';
import { formerPlace } from '../identity/space.ts';
import { decodeReplacement } from '../identity/space-replacement.ts';
import type { Id, ResidentReplace } from '../ledger/verify/acts.ts';
import { stateKey } from '../ledger/verify/records.ts';
import { readRecord, type LedgerView } from './ledger-records.ts';
import { must, refuse } from './refusal.ts';
import type { KeeperStore } from './store.ts';
import type { Walk } from './submission-walk.ts';

export async function checkReplacement(index: number, act: ResidentReplace, walk: Walk): Promise<void> {
  const sealed = walk.bundle.take(index, { kind: act.kind, subject: act.subject, id: act.subject }, 'replacement', 'keeper', null);
  const replacement = decodeReplacement(sealed) ?? refuse('payload-mismatch');
  const { number, wrapped, recovery, formers } = replacement;
  const space = must(await walk.keeper.recovery(act.subject)) ?? refuse('subject-unknown');
  const isInOrder = formers.every((former, i) => former.number <= number && former.number > (formers[i - 1]?.number ?? 0));
  if (number !== space.replaced + 1 || !isInOrder) refuse('payload-mismatch');
  walk.replacements.push({ subject: act.subject, number, wrapped, recovery, formers });
}

/**
 * Private parts that lay in a space when its card was replaced are sealed to the new key from the keeper's own copies: who looked, what was asked
 * and granted is the resident's to read with or without a slip. Takes up what an earlier run left.
 */
export async function resealParts({ store, ledger, opener }: { store: Pick<KeeperStore, 'toReseal' | 'reseal'>; ledger: LedgerView; opener: Opener }): Promise<Result<null>> {
  for (;;) {
    const waiting = await store.toReseal();
    if (!waiting.ok) return waiting;
    if (waiting.value === null) return ok(null);
    const { subject, parts } = waiting.value;
    const record = await readRecord(ledger, 'resident', stateKey.resident(subject));
    if (!record.ok) return record;
    const resealed = record.value === null ? [] : await sealedAnew(subject, parts, record.value.space[1], opener);
    const done = await store.reseal(subject, resealed);
    if (!done.ok) return done;
  }
}

async function sealedAnew(subject: Id, parts: readonly { former: string; sealed: Uint8Array }[], spaceKey: Uint8Array, opener: Opener): Promise<{ former: string; name: string; sealed: Uint8Array }[]> {
  const anew: { former: string; name: string; sealed: Uint8Array }[] = [];
  for (const { former, sealed } of parts) {
    const opened = await openSealed(sealed, 'part', subject, opener);
    // Sealed to a key that the keeper has no more: it stays as it is.
    if (opened.ok) anew.push({ former, name: former.replace(/^former\/\d+\//, ''), sealed: sealTo(spaceKey, 'part', subject, opened.value) });
  }
  return anew;
}

/** Which transaction's act a part under `former/<n>/` belongs to; null: it is no part. */
export function formerPart(name: string): { transaction: Uint8Array; act: number } | null {
  const place = formerPlace(name);
  return place?.kind === 'part' ? { transaction: place.transaction, act: place.act } : null;
}
