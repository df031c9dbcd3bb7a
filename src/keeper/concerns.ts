import { ok, type Result } from '../contract/result.ts';
import type { Opener } from '../identity/hpke.ts';
import type { Tags } from './agency-tag.ts';
import type { Concern, KeeperStore } from './store.ts';
import { readPart } from './submission-walk.ts';

const atOnce = 100;

/** Notes whom it concerns, of what an earlier version of the store kept without that: only the keeper can open the parts and see. */
export async function noteConcerns({ store, opener, tags }: { store: KeeperStore; opener: Opener; tags: Tags }): Promise<Result<null>> {
  for (;;) {
    const parts = await store.unconcerned(atOnce);
    if (!parts.ok) return parts;
    if (parts.value.length === 0) return ok(null);
    const ofTransaction = Map.groupBy(parts.value, ({ transaction }) => Buffer.from(transaction).toString('hex'));
    for (const [first, ...others] of ofTransaction.values()) {
      if (first === undefined) continue;
      const concerns: Concern[] = [];
      for (const { act, kind, subject, actId, sealed } of [first, ...others]) {
        const of = { act, subject, id: actId };
        const grant = kind === 'grant.give' ? await readPart(sealed, subject, kind, opener) : null;
        if (grant !== null) concerns.push({ ...of, kind: 'grant.give', agency: tags.agency(grant.agency), service: null, step: null });
        const request = kind === 'request.submit' ? await readPart(sealed, subject, kind, opener) : null;
        if (request !== null) concerns.push({ ...of, kind: 'request.submit', agency: tags.agency(request.agency), service: tags.service(request.service), step: 'submitted' });
      }
      const noted = await store.concern(first.transaction, concerns);
      if (!noted.ok) return noted;
    }
  }
}
