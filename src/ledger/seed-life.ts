import { notAfterSeconds, type SeedSize } from './seed-calendar.ts';
import { Chance } from './seed-chance.ts';
import { seedResident, seedResidentId, type SeedDistrict } from './seed-district.ts';
import type { Act, Body, Hash, Id, PublicKey } from './verify/acts.ts';

/** What happens in a seeded district, one transaction after the other. */
export interface SeededTransaction {
  body: Body;
  /** Who would have signed. */
  signers: PublicKey[];
  subject: number;
  /** Of a request that nothing happens to after this: its grant's and its own id. */
  finished: { grant: Id; request: Id } | null;
}

/** `number` of `count`. */
export interface Stream {
  number: number;
  count: number;
}

interface RequestLife {
  resident: number;
  id: Id;
  grant: Id;
  ahead: LifeStep[];
}
type LifeStep = 'submit' | 'received' | 'needs-more' | 'access' | 'decided' | 'closed' | 'end';

const secondsADay = 86_400;
/** So many requests are under way at most at any time in a stream; in a small ledger fewer, so that each is done within weeks. */
const mostUnderWay = 250;
const entriesToEachUnderWay = 200;

export class SeededLife {
  readonly #seed: number;
  readonly #district: SeedDistrict;
  readonly #stream: Stream;
  /** How many are of this stream: the resident with its number, and each so many after. */
  readonly #residents: number;
  readonly #chance: Chance;
  readonly #underWay: number;
  readonly #counters: Uint16Array;
  readonly #lives: RequestLife[] = [];

  constructor({ seed, residents, requests }: SeedSize, district: SeedDistrict, stream: Stream) {
    this.#seed = seed;
    this.#district = district;
    this.#stream = stream;
    this.#residents = Math.ceil((residents - stream.number) / stream.count);
    // Streams above those of the residents' own keys.
    this.#chance = new Chance(seed, 0xffff_ffff - stream.number);
    this.#underWay = Math.max(1, Math.min(mostUnderWay, Math.floor(requests / stream.count / entriesToEachUnderWay)));
    this.#counters = new Uint16Array(this.#residents).fill(1);
  }

  /** `time`: of the block, Unix seconds. */
  register(index: number, time: number): SeededTransaction {
    const resident = seedResident(this.#seed, index);
    const proof = { kiosk: null, notAfter: time + 600, signature: this.#chance.bytes(64) };
    const body = this.#body([{ kind: 'resident.register', ...resident, counter: 1, proof }], time);
    return { body, signers: [this.#district.staff.key, resident.sig], subject: index, finished: null };
  }

  next(time: number): SeededTransaction {
    while (this.#lives.length < this.#underWay) this.#lives.push(this.#begin());
    const at = this.#chance.below(this.#lives.length);
    const life = this.#lives[at];
    const step = life?.ahead.shift();
    if (life === undefined || step === undefined) throw new Error('a request to which nothing more happens');
    const isLast = life.ahead.length === 0;
    if (isLast) this.#lives[at] = this.#begin();
    return { ...this.#transaction(life, step, time), subject: life.resident, finished: isLast ? { grant: life.grant, request: life.id } : null };
  }

  #begin(): RequestLife {
    const more: LifeStep[] = this.#chance.below(8) === 0 ? ['needs-more', 'received'] : [];
    const end: LifeStep[] = this.#chance.below(10) === 0 ? ['end'] : [];
    return {
      resident: this.#stream.number + this.#chance.below(this.#residents) * this.#stream.count,
      id: this.#chance.bytes(16),
      grant: this.#chance.bytes(16),
      ahead: ['submit', 'received', 'access', ...more, 'access', 'decided', 'closed', ...end],
    };
  }

  #transaction({ resident, id, grant }: RequestLife, step: LifeStep, time: number): { body: Body; signers: PublicKey[] } {
    const subject = seedResidentId(this.#seed, resident);
    const { gateway, keeper } = this.#district;
    switch (step) {
      case 'submit':
        return this.#atKiosk(resident, time, [
          { kind: 'grant.give', subject, id: grant, private: this.#commitment(), until: time + 90 * secondsADay, reads: 10 },
          { kind: 'request.submit', subject, id, refs: [grant], private: this.#commitment() },
        ]);
      case 'end':
        return this.#atKiosk(resident, time, [{ kind: 'grant.end', subject, id: grant, private: this.#commitment() }]);
      case 'access':
        return { body: this.#body([{ kind: 'access.record', subject, id: this.#chance.bytes(16), refs: [grant], private: this.#commitment() }], time), signers: [keeper.key] };
      case 'received':
      case 'needs-more':
      case 'decided':
      case 'closed':
        return { body: this.#body([{ kind: 'request.step', subject, id, private: this.#commitment(), step }], time), signers: [gateway.key] };
    }
  }

  #atKiosk(resident: number, time: number, acts: Act[]): { body: Body; signers: PublicKey[] } {
    const kiosk = this.#district.kiosks[this.#stream.number];
    if (kiosk === undefined) throw new Error('a stream without a kiosk');
    const own = Math.floor(resident / this.#stream.count);
    const counter = (this.#counters[own] ?? 0) + 1;
    this.#counters[own] = counter;
    const { sig } = seedResident(this.#seed, resident);
    return { body: { ...this.#body(acts, time), counter, kiosk: kiosk.id }, signers: [sig, kiosk.signer.key] };
  }

  #body(acts: Act[], time: number): Body {
    return { v: 1, chain: this.#district.genesis.chain, nonce: this.#chance.bytes(16), notAfter: time + notAfterSeconds, acts };
  }

  #commitment(): Hash {
    return [-16, this.#chance.bytes(32)];
  }
}
