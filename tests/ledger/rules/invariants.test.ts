import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import type { MemorySigner } from '../../../src/ledger/node-signer.ts';
import type { StateChange } from '../../../src/ledger/state.ts';
import type { Act } from '../../../src/ledger/verify/acts.ts';
import { encodeChallenge, registerNonce } from '../../../src/ledger/verify/challenge.ts';
import { Court, firstDay, twoOfThree } from '../court.ts';
import { body, chain, envelopeOf, idOf, keys, lin, now, signerOf, type TestResident } from '../small-district.ts';
import { access, answer, endGrant, grant, step, submit, withdraw } from './activity-cases.ts';
import { block, retireStaff, suspend } from './party-cases.ts';
import { replaceAct, retireAct } from './resident-cases.ts';

/** Lin's cards, one after the other; the first is the registered one. */
const cards: TestResident[] = [lin, ...['second', 'third'].map((name) => ({ id: lin.id, sig: signerOf(`${name} sig`), aut: signerOf(`${name} aut`) }))];
const cardOf = (index: number): TestResident => cards[index] ?? lin;
/** `small-district.ts` enrols its staff until then. */
const staffUntil = now + 1_000_000;

type Step = 'submitted' | 'received' | 'needs-more' | 'decided' | 'closed' | 'withdrawn';
const legalEdges: readonly (readonly [Step, Step])[] = [
  ['submitted', 'received'],
  ['received', 'needs-more'],
  ['needs-more', 'received'],
  ['received', 'decided'],
  ['decided', 'closed'],
];

/** What anybody knows who has seen the accepted transactions only, and what they conclude from transactions.md. */
class Witness {
  time = now;
  hubSuspended = false;
  staffLeft = false;
  gone = false;
  card = 0;
  blocked = false;
  readOnlyUntil = 0;
  readonly usedCards = new Set([0]);
  readonly grants = new Map<string, { until: number; reads: number; ended: boolean }>();
  readonly requests = new Map<string, Step>();
  readonly accesses = new Set<string>();
  readonly nonces = new Set<string>();

  staffActs = (): boolean => !this.hubSuspended && !this.staffLeft && this.time <= staffUntil;
  rolesAct = (): boolean => this.staffActs() && this.time <= staffUntil;
  cardActs = (card: number): boolean => card === this.card && !this.blocked && !this.gone && !this.hubSuspended;
  cardSigns = (card: number): boolean => this.cardActs(card) && this.time >= this.readOnlyUntil;
  covers = (id: string): boolean => {
    const given = this.grants.get(id);
    return given !== undefined && !given.ended && this.time < given.until && !this.gone;
  };
}

interface Command {
  says: string;
  acts: (witness: Witness) => Act[];
  signers: MemorySigner[];
  /** Signs at the kiosk. */
  atKiosk?: boolean;
  isAllowed: (witness: Witness) => boolean;
  accepted: (witness: Witness) => void;
}

const index = (most: number) => fc.integer({ min: 0, max: most });
const card = fc.oneof({ arbitrary: fc.constant(0), weight: 4 }, { arbitrary: index(cards.length - 1), weight: 1 });
const signed = (of: number): Pick<Command, 'signers' | 'atKiosk'> => ({ signers: [cardOf(of).sig, keys.kiosk], atKiosk: true });

const give = fc.tuple(card, index(2), fc.integer({ min: -1, max: 60 }), fc.integer({ min: 1, max: 2 })).map(
  ([of, name, hours, reads]): Command => ({
    says: `card ${of} gives ${name} for ${hours} h, ${reads} reads`,
    acts: ({ time }) => [grant(`grant ${name}`, { until: time + hours * 3600, reads })],
    ...signed(of),
    isAllowed: (witness) => witness.cardSigns(of) && hours > 0 && !witness.grants.has(`grant ${name}`),
    accepted: (witness) => void witness.grants.set(`grant ${name}`, { until: witness.time + hours * 3600, reads, ended: false }),
  }),
);
const end = fc.tuple(card, index(2)).map(
  ([of, name]): Command => ({
    says: `card ${of} ends ${name}`,
    acts: () => [endGrant(`grant ${name}`)],
    ...signed(of),
    isAllowed: (witness) => witness.cardSigns(of) && witness.covers(`grant ${name}`),
    accepted: (witness) => {
      const given = witness.grants.get(`grant ${name}`);
      if (given !== undefined) given.ended = true;
    },
  }),
);
const ask = fc.tuple(card, index(2), index(1)).map(
  ([of, name, request]): Command => ({
    says: `card ${of} requests ${request} on ${name}`,
    acts: () => [submit(`request ${request}`, { refs: [idOf(`grant ${name}`)] })],
    ...signed(of),
    isAllowed: (witness) => witness.cardSigns(of) && witness.covers(`grant ${name}`) && !witness.requests.has(`request ${request}`),
    accepted: (witness) => void witness.requests.set(`request ${request}`, 'submitted'),
  }),
);
const takeBack = fc.tuple(card, index(1)).map(
  ([of, request]): Command => ({
    says: `card ${of} withdraws ${request}`,
    acts: () => [withdraw(`request ${request}`)],
    ...signed(of),
    isAllowed: (witness) => witness.cardSigns(of) && ['submitted', 'received', 'needs-more'].includes(witness.requests.get(`request ${request}`) ?? ''),
    accepted: (witness) => void witness.requests.set(`request ${request}`, 'withdrawn'),
  }),
);
const stepTo = fc.tuple(index(1), fc.constantFrom('received', 'needs-more', 'decided', 'closed')).map(
  ([request, to]): Command => ({
    says: `${request} becomes ${to}`,
    acts: () => [step(to, `request ${request}`)],
    signers: [keys.gateway],
    isAllowed: (witness) => legalEdges.some(([from, next]) => from === witness.requests.get(`request ${request}`) && next === to),
    accepted: (witness) => void witness.requests.set(`request ${request}`, to),
  }),
);
const read = fc.tuple(index(2), index(6)).map(
  ([name, id]): Command => ({
    says: `read ${id} on ${name}`,
    acts: () => [access(`access ${id}`, { refs: [idOf(`grant ${name}`)] })],
    signers: [keys.keeper],
    isAllowed: (witness) => witness.covers(`grant ${name}`) && (witness.grants.get(`grant ${name}`)?.reads ?? 0) > 0 && !witness.accesses.has(`access ${id}`),
    accepted: (witness) => {
      witness.accesses.add(`access ${id}`);
      const given = witness.grants.get(`grant ${name}`);
      if (given !== undefined) given.reads -= 1;
    },
  }),
);
const verify = index(2).map(
  (nonce): Command => ({
    says: `answer to ${nonce}`,
    acts: ({ time }) => [answer(`nonce ${nonce}`, { until: time + 60 })],
    signers: [keys.gateway],
    isAllowed: (witness) => !witness.gone && !witness.nonces.has(`nonce ${nonce}`),
    accepted: (witness) => void witness.nonces.add(`nonce ${nonce}`),
  }),
);
const blocked = { acts: () => [block], accepted: (witness: Witness) => void (witness.blocked = true) };
const blockByStaff = fc.constant<Command>({ says: 'staff block', ...blocked, signers: [keys.staff], isAllowed: (witness) => witness.staffActs() && !witness.blocked && !witness.gone });
const blockByCard = card.map((of): Command => ({ says: `card ${of} blocks`, ...blocked, ...signed(of), isAllowed: (witness) => witness.cardActs(of) }));
const replaceBy = index(cards.length - 1).map(
  (of): Command => ({
    says: `card ${of} replaces`,
    acts: ({ time }) => {
      const act = replaceAct(cardOf(of));
      const challenge = encodeChallenge({ chain, kiosk: null, purpose: 'register', nonce: registerNonce({ ...act, id: act.subject }, nodeCrypto), notAfter: time + 60 });
      return [{ ...act, proof: { kiosk: null, notAfter: time + 60, signature: cardOf(of).aut.sign(challenge) } }];
    },
    signers: [keys.staff, keys.clerk, cardOf(of).sig],
    isAllowed: (witness) => witness.rolesAct() && !witness.gone && !witness.usedCards.has(of),
    accepted: (witness) => {
      witness.usedCards.add(of);
      witness.card = of;
      witness.blocked = false;
      witness.readOnlyUntil = witness.time + 86_400;
    },
  }),
);
const leave = fc.constant<Command>({
  says: 'the resident leaves',
  acts: () => [retireAct],
  signers: [keys.staff, keys.clerk],
  isAllowed: (witness) => witness.rolesAct() && !witness.gone,
  accepted: (witness) => void (witness.gone = true),
});
const suspendHub = fc.boolean().map(
  (suspended): Command => ({
    says: suspended ? 'the hub is suspended' : 'the hub goes on',
    acts: () => [suspend('hub-1', suspended)],
    signers: twoOfThree,
    isAllowed: (witness) => witness.hubSuspended !== suspended,
    accepted: (witness) => void (witness.hubSuspended = suspended),
  }),
);
const staffLeaves = fc.constant<Command>({
  says: 'staff leave',
  acts: () => [retireStaff('staff')],
  signers: [keys.hub],
  isAllowed: (witness) => !witness.staffLeft && !witness.hubSuspended,
  accepted: (witness) => void (witness.staffLeft = true),
});

const command = fc.oneof(
  { arbitrary: give, weight: 16 },
  { arbitrary: ask, weight: 16 },
  { arbitrary: stepTo, weight: 30 },
  { arbitrary: read, weight: 16 },
  { arbitrary: verify, weight: 6 },
  { arbitrary: end, weight: 4 },
  { arbitrary: takeBack, weight: 10 },
  { arbitrary: blockByStaff, weight: 1 },
  { arbitrary: blockByCard, weight: 1 },
  { arbitrary: replaceBy, weight: 3 },
  { arbitrary: leave, weight: 1 },
  { arbitrary: suspendHub, weight: 2 },
  { arbitrary: staffLeaves, weight: 1 },
);
const turn = fc.record({ command, hours: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 30) });

let begin: StateChange[];
beforeAll(async () => {
  begin = await firstDay();
});

test('whatever is sent in whatever order, what is accepted is what the law allows', { timeout: 120_000 }, async () => {
  const seen = new Map<string, Set<boolean>>();
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { minLength: 20, maxLength: 60, size: 'max' }), async (turns) => {
      const [court, witness] = [new Court(begin), new Witness()];
      for (const [height, { command: next, hours }] of turns.entries()) {
        witness.time += hours * 3600;
        const acts = next.acts(witness);
        const more = next.atKiosk === true ? { counter: 3, kiosk: 'hall-1' } : {};
        const code = await court.hear(envelopeOf(body(acts, { notAfter: witness.time + 60, ...more }), next.signers), { time: witness.time, height: height + 5, logIndex: height });
        const isAllowed = next.isAllowed(witness);
        const kind = acts[0]?.kind ?? '';
        seen.set(kind, (seen.get(kind) ?? new Set()).add(isAllowed));
        expect({ says: next.says, accepted: code === null, code }).toEqual({ says: next.says, accepted: isAllowed, code: isAllowed ? null : code });
        if (code === null) next.accepted(witness);
      }
    }),
    { numRuns: 30, seed: 3 },
  );
  // Not an empty victory: of every kind some were taken and some refused.
  expect([...seen].filter(([, outcomes]) => outcomes.size < 2).map(([kind]) => kind)).toEqual([]);
});
