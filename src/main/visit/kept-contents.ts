import { openSealed } from '../../identity/sealing.ts';
import { decodeSelfClaims, type SelfClaims } from '../../identity/self-claims.ts';
import type { OpenSpace, SpaceContents } from '../../identity/space.ts';
import { equalBytes } from '../../ledger/verify/bytes.ts';
import { decodeOpenedPart } from '../../ledger/verify/private-part.ts';
import type { Outbox } from '../outbox.ts';

/** `signedHere`: the typed facts of the newest request that waits here; null where none that waits brought any. */
export type KeptContents = SpaceContents & { signedHere: SelfClaims | null };

/**
 * The data space with what only this kiosk's outbox has of it. What waits counts as told: what a resident typed here an hour ago is not asked
 * again because the hub was away. Of a refused request only its parts are left, to show what it was.
 * All of it is sealed to the space like everything else and opens with the same key.
 */
export async function keptContents(contents: SpaceContents, outbox: Pick<Outbox, 'waiting' | 'refusedOf'>, space: OpenSpace): Promise<KeptContents> {
  const merged: KeptContents = { ...contents, parts: [...contents.parts], signedHere: null };
  const addPart = async (transaction: Uint8Array, act: number, sealed: Uint8Array, atMs: number): Promise<void> => {
    const opened = await openSealed(sealed, 'part', space.resident, space.opener);
    const part = opened.ok ? decodeOpenedPart(opened.value) : undefined;
    const known = merged.parts.some((one) => one.act === act && equalBytes(one.transaction, transaction));
    if (part !== undefined && !known) merged.parts.push({ transaction, act, at: Math.floor(atMs / 1000), opened: part });
  };
  for (const { resident, transaction, submission, putAt } of outbox.waiting()) {
    if (!equalBytes(resident, space.resident)) continue;
    for (const { act, what, to, sealed } of submission.payloads) {
      if (to !== 'space') continue;
      if (what === 'part') await addPart(transaction, act, sealed, putAt);
      if (what !== 'self') continue;
      const opened = await openSealed(sealed, 'self', space.resident, space.opener);
      if (opened.ok) merged.signedHere = decodeSelfClaims(opened.value) ?? merged.signedHere;
    }
  }
  for (const { transaction, parts, refusedAt } of outbox.refusedOf(space.resident)) {
    for (const { act, sealed } of parts) await addPart(transaction, act, sealed, refusedAt);
  }
  return merged;
}
