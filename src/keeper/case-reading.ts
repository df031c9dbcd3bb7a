import { randomBytes } from 'node:crypto';
import { hashOf } from '../identity/grant.ts';
import { openSealed, sealTo } from '../identity/sealing.ts';
import type { CasePart, Id } from '../ledger/verify/acts.ts';
import { concatBytes, equalBytes } from '../ledger/verify/bytes.ts';
import { encodeCbor } from '../ledger/verify/cbor.ts';
import type { Order } from '../ledger/verify/order.ts';
import { decodeOpenedPart } from '../ledger/verify/private-part.ts';
import { stateKey, type CaseRecord, type PartyRecord, type ResidentRecord } from '../ledger/verify/records.ts';
import { readRecords } from './ledger-records.ts';
import { must, refuse } from './refusal.ts';
import type { Reading, ReadOrder, ReleasingKeeper } from './release.ts';

interface CaseGround {
  record: CaseRecord;
  office: PartyRecord;
  resident: ResidentRecord;
  part: CasePart;
}

/** One entry of what a case covers, as its office opens it: the private part with its salt, to be held against the act on the ledger. */
export interface CaseEntry {
  transaction: Uint8Array;
  act: number;
  kind: string;
  /** Unix seconds, of the block. */
  at: number;
  /** CBOR of the opened part. */
  part: Uint8Array;
}

export interface CasePage {
  /** As `next` of the page before said; 0: the first. */
  after: number;
  limit: number;
}

/** Of one page; one look, and its one order, covers all of them. */
export const mostEntries = 1000;

/**
 * What a case lets its office read: the keeper's own copies of private parts, of the residents, kinds and time that the case names. Facts are in none of them.
 *
 * @param seconds the keeper's own clock, Unix seconds.
 * @param page what comes after so many, and how many at most.
 */
export function caseReading({ ledger, store, payload, opener }: Pick<ReleasingKeeper, 'ledger' | 'store' | 'payload' | 'opener'>, seconds: () => number, { after, limit }: CasePage): Reading<CaseGround> {
  const kept = async (id: Id): Promise<CasePart> => {
    const sealed = must(await payload({ subject: id, actId: id, kind: 'case.open', what: 'case', to: 'keeper' })) ?? refuse('case-unknown');
    const opened = await openSealed(sealed, 'case', id, opener);
    const part = opened.ok ? decodeOpenedPart(opened.value)?.part : undefined;
    return part?.kind === 'case.open' ? part : refuse('case-unknown');
  };
  return {
    async ground(sound, before) {
      const order = caseOrder(sound);
      const { record, office, resident } = must(
        await readRecords(ledger, { record: ['case', stateKey.case(order.case)], office: ['party', stateKey.party(order.party)], resident: ['resident', stateKey.resident(order.subject)] }),
      );
      if (record === null || record.office !== order.party) return refuse('case-unknown');
      if (office?.state !== 'active') return refuse('party-inactive');
      if (record.state !== 'open' || record.until <= seconds()) refuse('case-closed');
      const part = before?.part ?? (await kept(order.case));
      if (resident === null || !part.subjects.some((subject) => equalBytes(subject, order.subject))) return refuse('subject-beyond-case');
      return { record, office, resident, part };
    },

    look(sound, { record, office, resident, part }) {
      const { case: id, party } = caseOrder(sound);
      const salt = new Uint8Array(randomBytes(16));
      const named = { party, purpose: 'case', claims: [], basis: part.basis };
      return {
        act: record.sealed ? { case: hashOf(concatBytes(salt, id)) } : { refs: [id] },
        part: record.sealed ? { ...named, case: { id, salt } } : named,
        space: resident.space[1],
        party: office.seal[1],
        withheld: record.sealed,
      };
    },

    async handOut(sound, { office, part }) {
      const { subject, access } = caseOrder(sound);
      const scope = { kinds: part.kinds, from: Math.floor(Date.parse(part.from) / 1000), to: Math.floor(Date.parse(part.to) / 1000), limit: limit + 1, skip: after };
      const found = must(await store.parts(subject, scope));
      const entries: CaseEntry[] = [];
      for (const { transaction, act, kind, at, sealed } of found.slice(0, limit)) {
        const opened = await openSealed(sealed, 'part', subject, opener);
        if (opened.ok) entries.push({ transaction, act, kind, at, part: opened.value });
      }
      return sealTo(office.seal[1], 'case', access, encodeCbor({ v: 1, entries: entries.map((entry) => ({ ...entry })), ...(found.length > limit ? { next: after + limit } : {}) }));
    },
  };
}

const caseOrder = ({ order }: ReadOrder): Extract<Order, { kind: 'case.read' }> => (order.kind === 'case.read' ? order : refuse('act-unknown'));
