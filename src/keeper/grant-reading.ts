import { openGrantOuter } from '../identity/grant.ts';
import type { GrantPart } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import type { Order } from '../ledger/verify/order.ts';
import { stateKey, type GrantRecord, type PartyRecord, type ResidentRecord } from '../ledger/verify/records.ts';
import { readRecords } from './ledger-records.ts';
import { must, refuse } from './refusal.ts';
import type { Reading, ReadOrder, ReleasingKeeper } from './release.ts';
import { readPart } from './submission-walk.ts';

/** Everything that a read of a grant has to hold against, as it is now. */
interface GrantGround {
  grant: GrantRecord;
  resident: ResidentRecord;
  party: PartyRecord;
  part: GrantPart;
  /** As it came with the grant: still under the keeper's layer. */
  outer: Uint8Array;
}

/** @param seconds the keeper's own clock, Unix seconds. */
export function grantReading({ ledger, payload, opener }: Pick<ReleasingKeeper, 'ledger' | 'payload' | 'opener'>, seconds: () => number): Reading<GrantGround> {
  /** As it came with the grant, which nothing changes any more. */
  const kept = async ({ subject, grant, party }: ReturnType<typeof grantOrder>): Promise<Pick<GrantGround, 'part' | 'outer'>> => {
    const of = { subject, actId: grant, kind: 'grant.give' } as const;
    const sealed = must(await payload({ ...of, what: 'part', to: 'keeper' }));
    const outer = must(await payload({ ...of, what: 'grant', to: 'keeper' }));
    const part = sealed === null ? null : await readPart(sealed, subject, 'grant.give', opener);
    return part === null || outer === null || part.agency !== party ? refuse('grant-unknown') : { part, outer };
  };
  return {
    async ground(sound, before) {
      const order = grantOrder(sound);
      const { grant, party, resident } = must(
        await readRecords(ledger, { grant: ['grant', stateKey.grant(order.grant)], party: ['party', stateKey.party(order.party)], resident: ['resident', stateKey.resident(order.subject)] }),
      );
      if (grant === null || !equalBytes(grant.subject, order.subject)) return refuse('grant-unknown');
      const { part, outer } = before ?? (await kept(order));
      if (part.purpose !== order.purpose) refuse('purpose-mismatch');
      if (party?.state !== 'active') return refuse('party-inactive');
      if (!party.purposes.some(({ id }) => id === part.purpose)) refuse('purpose-not-owned');
      if (grant.state === 'ended') refuse('grant-ended');
      if (grant.until <= seconds()) refuse('grant-expired');
      if (resident?.state !== 'active') return refuse('subject-inactive');
      return { grant, resident, party, part, outer };
    },

    look(sound, { grant, resident, party, part }) {
      if (grant.reads === 0) refuse('reads-spent');
      return {
        act: { refs: [grantOrder(sound).grant] },
        part: { party: part.agency, purpose: part.purpose, claims: part.claims },
        space: resident.space[1],
        party: party.seal[1],
        withheld: false,
      };
    },

    async handOut(sound, { outer }) {
      const inner = await openGrantOuter(outer, grantOrder(sound).grant, opener);
      return inner.ok ? inner.value : refuse('grant-unknown');
    },
  };
}

const grantOrder = ({ order }: ReadOrder): Extract<Order, { kind: 'grant.read' }> => (order.kind === 'grant.read' ? order : refuse('act-unknown'));
