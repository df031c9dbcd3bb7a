import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import { nothingAttested, type KioskEnrol, type KioskRetire, type Name } from '../verify/acts.ts';
import { concatBytes, equalBytes, u64, utf8 } from '../verify/bytes.ts';
import { endKeys, registerKeys, reject, type ActContext, type Rejection } from './context.ts';
import type { Demand } from './signers.ts';

type Demands = Result<Demand[], Failure<RejectionCode>>;

export const kioskEnrol = {
  demands: ({ hub }: KioskEnrol, { draft }: ActContext): Demands => {
    const party = draft.read('party', hub);
    if (party === undefined) return fail('party-unknown', hub);
    if (party.party !== 'hub') return fail('party-kind', `${hub} is a ${party.party}`);
    return ok(technicianAndHub(hub));
  },
  apply: ({ id, hub, key }: KioskEnrol, context: ActContext): Rejection | null => {
    if (context.draft.read('kiosk', id) !== undefined) return reject('id-taken', id);
    context.draft.write('kiosk', { id, hub, key, state: 'active' }, id);
    return registerKeys([{ key, use: 'attest' }], { kiosk: id }, context);
  },
};

export const kioskRetire = {
  demands: ({ id }: KioskRetire, { draft }: ActContext): Demands => {
    const kiosk = draft.read('kiosk', id);
    return kiosk === undefined ? fail('kiosk-unknown', id) : ok(technicianAndHub(kiosk.hub));
  },
  apply: ({ id, attested }: KioskRetire, context: ActContext): Rejection | null => {
    const kiosk = context.draft.read('kiosk', id);
    if (kiosk === undefined) return reject('kiosk-unknown', id);
    if (kiosk.state !== 'active') return reject('kiosk-retired', id);
    const { count, hash } = kiosk.attested ?? nothingAttested;
    if (attested.count !== count || !equalBytes(attested.hash, hash)) return reject('attested-mismatch', `${count} attested`);
    context.draft.write('kiosk', { ...kiosk, state: 'retired' }, id);
    endKeys([kiosk.key], context);
    return null;
  },
};

/** One transaction more, whose place in the log is `logIndex`. */
export function recordAttestation(id: Name, logIndex: number, { draft, crypto }: ActContext): void {
  const kiosk = draft.read('kiosk', id);
  if (kiosk === undefined) throw new Error('a kiosk attested that does not exist');
  const { count, hash } = kiosk.attested ?? nothingAttested;
  draft.write('kiosk', { ...kiosk, attested: { count: count + 1, hash: crypto.sha256(concatBytes(utf8('imi/attest/1'), hash, u64(logIndex))) } }, id);
}

const technicianAndHub = (hub: Name): Demand[] => [
  { demand: 'staff', roles: ['technician'], of: hub },
  { demand: 'party', id: hub },
];
