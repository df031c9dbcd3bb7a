import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Concern, KeeperStore, KeptTransaction } from '../../src/keeper/store.ts';
import { must } from '../hub/visitor.ts';

export const id16 = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
export const id32 = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
export const resident = id16(1);
export const message = { enc: id32(2), ciphertext: id32(3) };
const bytesOf = (fill: number): Uint8Array => new Uint8Array(100).fill(fill);
const taxBureau = id32(201);
const pensionOffice = id32(202);
const service = id32(211);

/** A request as a kiosk brings it: the second act's map of typed facts and its part, to the space and to the keeper. */
export const transaction = (fill: number, counter: number, sealed = bytesOf(fill)): KeptTransaction => ({
  id: id32(fill),
  envelope: new Uint8Array(50).fill(fill),
  resident,
  counter,
  payloads: [
    { act: 1, kind: 'request.submit', what: 'self', to: 'space', sealed, subject: resident, actId: id16(fill), place: 'self' },
    { act: 0, kind: 'grant.give', what: 'part', to: 'space', sealed, subject: resident, actId: id16(fill), place: `part/${Buffer.from(id32(fill)).toString('hex')}/0` },
    { act: 0, kind: 'grant.give', what: 'part', to: 'keeper', sealed, subject: resident, actId: id16(fill), place: null },
  ],
  concerns: [],
  once: [],
  removals: [],
  replacements: [],
  receipt: null,
});

/** Grant and request with everything that goes to an agency. */
const toAgency = (fill: number, agency = taxBureau): KeptTransaction => {
  const of = { act: 1, kind: 'request.submit', subject: resident, actId: id16(fill), place: null } as const;
  const granted = { ...of, act: 0, kind: 'grant.give' } as const;
  return {
    ...transaction(fill, fill),
    payloads: [
      { ...granted, what: 'part', to: 'keeper', sealed: bytesOf(fill) },
      { ...granted, what: 'part', to: 'agency', sealed: bytesOf(fill + 1) },
      { ...of, what: 'part', to: 'keeper', sealed: bytesOf(fill + 2) },
      { ...of, what: 'part', to: 'agency', sealed: bytesOf(fill + 3) },
      { ...of, what: 'answers', to: 'agency', sealed: bytesOf(fill + 4) },
    ],
    concerns: [
      { act: 0, kind: 'grant.give', agency, subject: resident, id: id16(fill), service: null, step: null },
      { act: 1, kind: 'request.submit', agency, subject: resident, id: id16(fill), service, step: 'submitted' },
    ],
  };
};
const stepped = (fill: number, request: number, step: Concern['step']): KeptTransaction => ({
  ...transaction(fill, fill),
  resident: null,
  counter: null,
  payloads: [{ act: 0, kind: 'request.step', what: 'part', to: 'keeper', sealed: bytesOf(fill), subject: resident, actId: id16(request), place: null }],
  concerns: [{ act: 0, kind: 'request.step', agency: taxBureau, subject: resident, id: id16(request), service: null, step }],
});
const recorded = (fill: number, at = 1_800_000_000 + fill, index = fill) => ({ id: id32(fill), state: 'recorded', at, index }) as const;

/** What every store of the keeper's does, whatever keeps it. `open` opens the same store again after a close. */
export function describeStore(name: string, { fresh, open, end }: { fresh: () => Promise<void> | void; open: () => Promise<KeeperStore>; end: () => Promise<void> | void }): void {
  describe(`${name}, as every store`, () => {
    let store: KeeperStore;
    beforeEach(async () => {
      await fresh();
      store = await open();
      must(await store.foundSpace({ resident, wrapped: message, recovery: message }));
    });
    afterEach(async () => {
      await store.close();
      await end();
    });
    const take = async (...kept: KeptTransaction[]): Promise<void> => {
      for (const one of kept) expect(must(await store.keep(one))).toBe('kept');
      must(await store.settle(kept.map(({ id }) => recorded(id[0] ?? 0))));
    };

    describe('a transaction', () => {
      it('shows in the space only once it is recorded', async () => {
        must(await store.keep(transaction(5, 9)));
        expect(must(await store.space(resident))).toMatchObject({ wrapped: message, objects: [], knownCounters: [9], lastOpened: null });
        const part = { subject: resident, actId: id16(5), kind: 'grant.give', what: 'part', to: 'keeper' } as const;
        expect(must(await store.payload(part))).toBeNull();
        must(await store.settle([recorded(5, 1_800_000_000)]));
        const space = must(await store.space(resident));
        expect(space?.objects.map(({ name: place, at }) => [place, at])).toEqual([
          [`part/${'05'.repeat(32)}/0`, 1_800_000_000],
          ['self', 1_800_000_000],
        ]);
        expect(space?.knownCounters).toEqual([]);
        expect(must(await store.payload(part))).toEqual(bytesOf(5));
        expect(must(await store.payload({ ...part, kind: 'request.submit' }))).toBeNull();
        expect(must(await store.queued())).toEqual([]);
      });

      const refused = { id: id32(5), state: 'rejected', code: 'expired', until: 77 } as const;

      it('leaves its counter and nothing else when it is rejected and dropped', async () => {
        must(await store.keep({ ...toAgency(5), once: [{ name: id32(90), order: id32(91), until: 1 }] }));
        expect(must(await store.settle([refused]))).toEqual([]);
        expect(must(await store.refused())).toEqual([{ id: id32(5), until: 77 }]);
        must(await store.drop([id32(5)]));
        expect(must(await store.refused())).toEqual([]);
        must(await store.settle([recorded(5)]));
        expect(must(await store.state(id32(5)))).toEqual({ state: 'rejected', code: 'expired' });
        expect(must(await store.space(resident))).toMatchObject({ objects: [], knownCounters: [5] });
        expect(must(await store.used(id32(90)))).toBeNull();
        expect(must(await store.changes(taxBureau, { after: 0, limit: 10 }))).toEqual([]);
        expect(must(await store.payload({ subject: resident, actId: id16(5), kind: 'grant.give', what: 'part', to: 'agency' }))).toBeNull();
      });

      it('shows nowhere when it is rejected, and everywhere when a block has it after all', async () => {
        const once = [{ name: id32(90), order: id32(91), until: 1 }];
        must(await store.keep({ ...toAgency(5), payloads: [...toAgency(5).payloads, ...transaction(5, 5).payloads.slice(0, 1)], once }));
        must(await store.settle([refused]));
        const typed = { subject: resident, actId: id16(5), kind: 'request.submit', what: 'answers', to: 'agency' } as const;
        expect(must(await store.payload(typed))).toBeNull();
        expect(must(await store.space(resident))?.objects).toEqual([]);
        expect(must(await store.used(id32(90)))).toBeNull();
        must(await store.settle([{ ...refused, until: 78 }, refused]));
        expect(must(await store.refused())).toEqual([{ id: id32(5), until: 77 }]);
        expect(must(await store.settle([recorded(5)]))).toEqual([taxBureau]);
        must(await store.drop([id32(5)]));
        expect(must(await store.state(id32(5)))).toEqual({ state: 'recorded' });
        expect(must(await store.payload(typed))).toEqual(bytesOf(9));
        expect(must(await store.space(resident))?.objects).toHaveLength(1);
        expect(must(await store.used(id32(90)))).toEqual({ order: id32(91), transaction: id32(5) });
        expect(must(await store.refused())).toEqual([]);
      });

      it('does not put an earlier map of typed facts over a later one', async () => {
        must(await store.keep(transaction(5, 9)));
        must(await store.keep(transaction(6, 10)));
        must(await store.settle([recorded(6)]));
        must(await store.settle([recorded(5)]));
        const self = must(await store.space(resident))?.objects.find((object) => object.name === 'self');
        expect(self?.sealed).toEqual(bytesOf(6));
      });

      it('survives a second keeping of the same id and a new start', async () => {
        expect(must(await store.keep(transaction(5, 9)))).toBe('kept');
        expect(must(await store.keep(transaction(5, 9)))).toBe('known');
        await store.close();
        store = await open();
        expect(must(await store.queued())).toEqual([{ id: id32(5), envelope: new Uint8Array(50).fill(5) }]);
      });

      it('takes out of the space what it removes, once it is recorded', async () => {
        await take(transaction(5, 9));
        must(await store.keep({ ...transaction(6, 10), payloads: [], removals: [{ subject: resident, place: 'self' }] }));
        expect(must(await store.space(resident))?.objects).toHaveLength(2);
        must(await store.settle([recorded(6)]));
        expect(must(await store.space(resident))?.objects.map((object) => object.name)).toEqual([`part/${'05'.repeat(32)}/0`]);
      });
    });

    describe('what happens once', () => {
      const once = [
        { name: id32(90), order: id32(91), until: 100 },
        { name: id32(92), order: id32(91), until: 100 },
      ];

      it('is kept for one transaction only, and nothing of another is kept', async () => {
        must(await store.keep({ ...transaction(5, 9), once }));
        expect(must(await store.keep({ ...transaction(6, 10), once: once.slice(1) }))).toBe('used');
        expect(must(await store.state(id32(6)))).toBeNull();
        expect(must(await store.used(id32(92)))).toEqual({ order: id32(91), transaction: id32(5) });
        expect(must(await store.used(id32(93)))).toBeNull();
      });

      it('may be used again when the rules rejected it, and is forgotten when its time is over', async () => {
        must(await store.keep({ ...transaction(5, 9), once }));
        must(await store.settle([{ id: id32(5), state: 'rejected', code: 'reads-spent', until: 77 }]));
        expect(must(await store.keep({ ...transaction(6, 10), once }))).toBe('kept');
        must(await store.forgetUsed(100));
        expect(must(await store.used(id32(90)))).not.toBeNull();
        must(await store.forgetUsed(101));
        expect(must(await store.used(id32(90)))).toBeNull();
      });
    });

    describe("an agency's lists", () => {
      it('show what was recorded, in that order, each agency its own', async () => {
        must(await store.keep(toAgency(5)));
        must(await store.keep(toAgency(15, pensionOffice)));
        must(await store.keep(toAgency(25)));
        expect(must(await store.requests(taxBureau, { after: 0, limit: 10 }))).toEqual([]);
        expect(must(await store.settle([recorded(25, 7, 1), recorded(15, 8, 2), recorded(5, 9, 3)]))).toEqual([taxBureau, pensionOffice]);
        const requests = must(await store.requests(taxBureau, { after: 0, limit: 10 }));
        expect(requests.map(({ id, at, step }) => [id[0], at, step])).toEqual([
          [25, 7, 'submitted'],
          [5, 9, 'submitted'],
        ]);
        expect(requests[0]).toMatchObject({ transaction: id32(25), keeperPart: bytesOf(27), agencyPart: bytesOf(28), answers: bytesOf(29) });
        expect(must(await store.requests(taxBureau, { after: requests[0]?.seq ?? 0, limit: 10 })).map(({ id }) => id[0])).toEqual([5]);
        expect(must(await store.request(taxBureau, id16(15)))).toBeNull();
        expect(must(await store.request(pensionOffice, id16(15)))?.id).toEqual(id16(15));
        expect(must(await store.grants(taxBureau, { after: 0, limit: 1 }))).toMatchObject([{ id: id16(25), keeperPart: bytesOf(25), agencyPart: bytesOf(26) }]);
      });

      it('number changes from 1 on, without a gap, for each agency', async () => {
        await take(toAgency(5), toAgency(15, pensionOffice), toAgency(25));
        const changes = must(await store.changes(taxBureau, { after: 0, limit: 10 }));
        expect(changes.map(({ seq, kind, id }) => [seq, kind, id[0]])).toEqual([
          [1, 'grant.give', 5],
          [2, 'request.submit', 5],
          [3, 'grant.give', 25],
          [4, 'request.submit', 25],
        ]);
        expect(must(await store.changes(taxBureau, { after: 3, limit: 10 })).map(({ seq }) => seq)).toEqual([4]);
        expect(must(await store.changes(pensionOffice, { after: 0, limit: 10 })).map(({ seq }) => seq)).toEqual([1, 2]);
        expect([must(await store.newest(taxBureau)), must(await store.newest(pensionOffice)), must(await store.newest(id32(203)))]).toEqual([4, 2, 0]);
      });

      it('have the step that was recorded last, whichever is settled first', async () => {
        await take(toAgency(5));
        for (const one of [stepped(6, 5, 'received'), stepped(7, 5, 'decided')]) must(await store.keep(one));
        must(await store.settle([recorded(7)]));
        must(await store.settle([recorded(6)]));
        expect(must(await store.requests(taxBureau, { after: 0, limit: 10, step: 'decided' }))).toHaveLength(1);
        expect(must(await store.requests(taxBureau, { after: 0, limit: 10, step: 'received' }))).toEqual([]);
        const newest = must(await store.payload({ subject: resident, actId: id16(5), kind: 'request.step', what: 'part', to: 'keeper' }));
        expect(newest).toEqual(bytesOf(7));
      });

      it('are narrowed to a service', async () => {
        await take(toAgency(5));
        expect(must(await store.requests(taxBureau, { after: 0, limit: 10, service }))).toHaveLength(1);
        expect(must(await store.requests(taxBureau, { after: 0, limit: 10, service: id32(212) }))).toEqual([]);
      });
    });

    describe('a space', () => {
      it('is founded once, and knows when it was opened and what was broken off', async () => {
        must(await store.foundSpace({ resident, wrapped: { enc: id32(7), ciphertext: id32(7) }, recovery: message }));
        must(await store.noteOpened(resident, 1_800_000_000));
        for (const counter of [12, 10, 12]) must(await store.noteBrokenOff(resident, counter));
        must(await store.keepRefused({ id: id32(5), resident, counter: 11 }, 'reads-too-many'));
        expect(must(await store.space(resident))).toEqual({ wrapped: message, objects: [], knownCounters: [10, 11, 12], lastOpened: 1_800_000_000 });
        expect(must(await store.state(id32(5)))).toEqual({ state: 'rejected', code: 'reads-too-many' });
        expect(must(await store.space(id16(9)))).toBeNull();
        expect(must(await store.recovery(id16(9)))).toBeNull();
      });

      it('gives the note of what was stored, and none where none was made', async () => {
        must(await store.keep({ ...transaction(5, 9), receipt: id32(8) }));
        must(await store.keep(transaction(6, 10)));
        expect(must(await store.receipt(id32(5)))).toEqual(id32(8));
        expect(must(await store.receipt(id32(6)))).toBeNull();
        expect(must(await store.receipt(id32(7)))).toBeNull();
      });

      it('is under a new key once its card is replaced, with what lay in it under the former', async () => {
        await take({ ...transaction(5, 9), concerns: toAgency(5).concerns.slice(0, 1) });
        const [wrapped, recovery] = [
          { enc: id32(31), ciphertext: id32(32) },
          { enc: id32(33), ciphertext: id32(34) },
        ];
        const former = { number: 1, sealed: bytesOf(35) };
        must(await store.keep({ ...transaction(6, 0), payloads: [], replacements: [{ subject: resident, number: 1, wrapped, recovery, formers: [former] }] }));
        expect(must(await store.recovery(resident))).toEqual({ recovery: message, formers: [], replaced: 0 });
        expect(must(await store.toReseal())).toBeNull();
        expect(must(await store.settle([recorded(6)]))).toEqual([taxBureau]);
        expect(must(await store.recovery(resident))).toEqual({ recovery, formers: [former], replaced: 1 });
        const part = `part/${'05'.repeat(32)}/0`;
        expect(must(await store.space(resident))).toMatchObject({ wrapped });
        expect(must(await store.space(resident))?.objects.map((object) => object.name).toSorted()).toEqual(['former/1/key', `former/1/${part}`, 'former/1/self']);
        expect(must(await store.changes(taxBureau, { after: 1, limit: 10 })).map(({ kind }) => kind)).toEqual(['resident.replace']);
        expect(must(await store.toReseal())).toEqual({ subject: resident, parts: [{ former: `former/1/${part}`, sealed: bytesOf(5) }] });
        must(await store.reseal(resident, [{ former: `former/1/${part}`, name: part, sealed: bytesOf(36) }]));
        expect(must(await store.toReseal())).toBeNull();
        expect(must(await store.space(resident))?.objects.find((object) => object.name === part)?.sealed).toEqual(bytesOf(36));
      });

      it('has what was withheld only when it is handed over, and a case does not read it before', async () => {
        const of = { act: 0, kind: 'access.record', what: 'part', subject: resident, actId: id16(5) } as const;
        const look: KeptTransaction = {
          ...transaction(5, 0),
          resident: null,
          counter: null,
          payloads: [
            { ...of, to: 'space', sealed: bytesOf(41), place: 'part/withheld', withheld: true },
            { ...of, to: 'keeper', sealed: bytesOf(42), place: null },
          ],
        };
        await take(look, transaction(6, 10));
        const scope = { kinds: ['access.record', 'grant.give', 'request.step'], from: 1_800_000_005, to: 1_800_000_006, limit: 10, skip: 0 };
        expect(must(await store.withheld(resident))).toEqual([{ transaction: id32(5), act: 0, keeperPart: bytesOf(42) }]);
        expect(must(await store.parts(resident, scope)).map(({ kind }) => kind)).toEqual(['grant.give']);
        must(await store.handOver(id32(5), 0, bytesOf(43)));
        expect(must(await store.withheld(resident))).toEqual([]);
        expect(must(await store.space(resident))?.objects.find((object) => object.name === 'part/withheld')).toEqual({ name: 'part/withheld', sealed: bytesOf(43), at: 1_800_000_005 });
        expect(must(await store.parts(resident, scope))).toEqual([
          { transaction: id32(5), act: 0, kind: 'access.record', at: 1_800_000_005, sealed: bytesOf(42) },
          { transaction: id32(6), act: 0, kind: 'grant.give', at: 1_800_000_006, sealed: bytesOf(6) },
        ]);
        expect(must(await store.parts(resident, { ...scope, from: 1_800_000_006, limit: 1 })).map(({ kind }) => kind)).toEqual(['grant.give']);
        expect(must(await store.parts(resident, { ...scope, skip: 1 }))).toEqual(must(await store.parts(resident, scope)).slice(1));
        expect(must(await store.parts(resident, { ...scope, kinds: [] }))).toEqual([]);
      });

      it('mutes agencies until it does no more', async () => {
        must(await store.mute(resident, taxBureau, bytesOf(1)));
        must(await store.mute(resident, taxBureau, bytesOf(2)));
        must(await store.mute(resident, pensionOffice, bytesOf(3)));
        expect(must(await store.muted(resident))).toEqual([
          { agency: taxBureau, name: bytesOf(1) },
          { agency: pensionOffice, name: bytesOf(3) },
        ]);
        must(await store.mute(resident, taxBureau, null));
        expect(must(await store.muted(resident)).map(({ agency }) => agency)).toEqual([pensionOffice]);
      });
    });

    describe('beside the spaces', () => {
      it('an agency is told of what is none of the ledger’s, in the same order', async () => {
        await take(toAgency(5));
        must(await store.note(taxBureau, { kind: 'ask.refused', subject: null, id: id16(7), at: 1_800_000_007 }));
        expect(must(await store.changes(taxBureau, { after: 2, limit: 10 }))).toEqual([{ seq: 3, kind: 'ask.refused', subject: null, id: id16(7), step: null, at: 1_800_000_007, transaction: null }]);
      });

      it('the log is indexed once, whoever does it, and read in its order', async () => {
        const act = (logIndex: number, actIndex: number) => ({ subject: resident, logIndex, actIndex, transaction: id32(logIndex), act: bytesOf(actIndex) });
        expect(must(await store.indexed())).toBe(0);
        must(await store.index(0, 12, [act(11, 0), act(2, 1), act(2, 0)]));
        must(await store.index(0, 12, [act(3, 0)]));
        expect(must(await store.indexed())).toBe(12);
        expect(must(await store.activity(resident, { after: 0, limit: 10 }))).toEqual([act(2, 0), act(2, 1), act(11, 0)]);
        expect(must(await store.activity(resident, { after: 1, limit: 1 }))).toEqual([act(2, 1)]);
        expect(must(await store.activity(id16(9), { after: 0, limit: 10 }))).toEqual([]);
      });

      it('whom something concerns is noted with it, so nothing is noted later', async () => {
        await take(transaction(5, 9));
        expect(must(await store.unconcerned(10))).toEqual([]);
        must(await store.concern(id32(5), toAgency(5).concerns));
        expect(must(await store.changes(taxBureau, { after: 0, limit: 10 }))).toEqual([]);
      });

      it('many writes at once are all kept, each with what it answers', async () => {
        const once = [{ name: id32(90), order: id32(91), until: 100 }];
        const kept = await Promise.all([5, 6, 7].map((fill) => store.keep({ ...transaction(fill, fill), once })));
        expect(kept.map(must).toSorted()).toEqual(['kept', 'used', 'used']);
        const others = await Promise.all(Array.from({ length: 40 }, (_, i) => store.keep(transaction(20 + i, 20 + i))));
        expect(new Set(others.map(must))).toEqual(new Set(['kept']));
        expect(must(await store.queued())).toHaveLength(41);
      });

      it('a bug in one write takes none of those beside it along', async () => {
        const [bad] = transaction(6, 6).payloads;
        const outcomes = await Promise.allSettled([store.keep(transaction(5, 5)), store.keep({ ...transaction(6, 6), payloads: [bad!, bad!] }), store.keep(transaction(7, 7))]);
        expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
        expect(must(await store.queued()).map(({ id }) => id[0])).toEqual([5, 7]);
      });
    });
  });
}
