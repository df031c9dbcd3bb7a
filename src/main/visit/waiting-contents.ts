import { openSealed } from '../../identity/sealing.ts';
import { decodeSelfClaims } from '../../identity/self-claims.ts';
import type { OpenSpace, SpaceContents } from '../../identity/space.ts';
import { equalBytes } from '../../ledger/verify/bytes.ts';
import { decodeOpenedPart } from '../../ledger/verify/private-part.ts';
import type { Waiting } from '../outbox.ts';

/**
 * The data space as it will be when this kiosk's outbox is delivered: what a resident typed here an hour ago is not asked again
 * because the hub was away. Sealed to the space like everything else, it opens with the same key.
 */
export async function waitingContents(contents: SpaceContents, waiting: readonly Waiting[], space: OpenSpace): Promise<SpaceContents> {
  const merged: SpaceContents = { ...contents, parts: [...contents.parts] };
  for (const { resident, transaction, submission, putAt } of waiting) {
    if (!equalBytes(resident, space.resident)) continue;
    for (const { act, what, to, sealed } of submission.payloads) {
      if (to !== 'space' || (what !== 'self' && what !== 'part')) continue;
      const opened = await openSealed(sealed, what, resident, space.opener);
      if (!opened.ok) continue;
      if (what === 'self') merged.self = decodeSelfClaims(opened.value) ?? merged.self;
      const part = what === 'part' ? decodeOpenedPart(opened.value) : undefined;
      const known = merged.parts.some((one) => one.act === act && equalBytes(one.transaction, transaction));
      if (part !== undefined && !known) merged.parts.push({ transaction, act, at: Math.floor(putAt / 1000), opened: part });
    }
  }
  return merged;
}
