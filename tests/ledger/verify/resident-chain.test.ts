import { DatabaseSync } from 'node:sqlite';
import { beforeAll, expect, test } from 'vitest';
import { beginApplication, openApplication, type LedgerApplication } from '../../../src/ledger/application.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { residentChain } from '../../../src/ledger/resident-history.ts';
import { stateKey } from '../../../src/ledger/verify/records.ts';
import { verifyResidentChain, type ChainEntry, type ChainFault, type ResidentChain } from '../../../src/ledger/verify/resident-chain.ts';
import { body, envelopeOf, genesis, idOf, keys, lin, now, register, requestBody, residentOf } from '../small-district.ts';

const mei = residentOf('mei');
let application: LedgerApplication;
let chain: ResidentChain;
let meis: ResidentChain;

async function liveOn(): Promise<void> {
  const apply = (...transactions: Uint8Array[]): void => {
    const height = application.tip().height + 1;
    const { outcomes } = application.applyBlock({ height, timeMs: (now + height) * 1000, transactions });
    expect(outcomes.filter(({ taken }) => !taken)).toEqual([]);
  };
  apply(await register(lin), await register(mei));
  const first = requestBody(lin, 2);
  apply(await envelopeOf(first.body, [lin.sig, keys.kiosk]), await envelopeOf(requestBody(mei, 2).body, [mei.sig, keys.kiosk]));
  const [, request] = first.body.acts;
  if (request?.kind !== 'request.submit') throw new Error('no request');
  const step = (to: 'received' | 'decided'): Promise<Uint8Array> =>
    envelopeOf(body([{ kind: 'request.step', subject: lin.id, id: request.id, private: request.private, step: to }]), [keys.gateway]);
  apply(await step('received'), await step('decided'));
}

beforeAll(async () => {
  const database = new DatabaseSync(':memory:');
  beginApplication(database, genesis, nodeCrypto);
  const opened = openApplication(database, genesis, nodeCrypto);
  if (!opened.ok) throw new Error(opened.failure.detail);
  application = opened.value;
  await liveOn();
  chain = residentChain(application, lin.id);
  meis = residentChain(application, mei.id);
});

const faultOf = (change: Partial<ResidentChain>, root = application.tip().stateRoot): ChainFault | 'none' => {
  const verified = verifyResidentChain({ ...chain, ...change }, root, nodeCrypto);
  return verified.ok ? 'none' : verified.failure.fault;
};

test('the whole list is proven, with the acts in it', () => {
  const verified = verifyResidentChain(chain, application.tip().stateRoot, nodeCrypto);
  expect(verified.ok && verified.value.map(({ kind }) => kind)).toEqual(['grant.give', 'request.submit', 'request.step', 'request.step']);
  expect(chain.entries.map(({ logIndex, actIndex }) => [logIndex, actIndex])).toEqual([[2, 0], [2, 1], [4, 0], [5, 0]]);
});

test('that nobody of this id was ever touched is proven too', () => {
  const nobody = residentChain(application, idOf('nobody'));
  expect(verifyResidentChain(nobody, application.tip().stateRoot, nodeCrypto)).toEqual({ ok: true, value: [] });
  expect(faultOf({ ...nobody, entries: chain.entries.slice(0, 1) })).toBe('not-theirs');
});

const changed = (at: number, change: Partial<ChainEntry>): ChainEntry[] => chain.entries.map((entry, i) => (i === at ? { ...entry, ...change } : entry));

test.each<{ name: string; change: () => Partial<ResidentChain>; fault: ChainFault }>([
  { name: 'the first left out', change: () => ({ entries: chain.entries.slice(1) }), fault: 'missing' },
  { name: 'one in the middle left out', change: () => ({ entries: chain.entries.filter((_, i) => i !== 2) }), fault: 'missing' },
  { name: 'the last left out', change: () => ({ entries: chain.entries.slice(0, -1) }), fault: 'missing' },
  { name: 'all left out', change: () => ({ entries: [] }), fault: 'missing' },
  { name: 'one doubled', change: () => ({ entries: chain.entries.flatMap((entry, i) => (i === 1 ? [entry, entry] : [entry])) }), fault: 'out-of-order' },
  { name: 'one doubled in place of another', change: () => ({ entries: [...chain.entries.slice(0, 2), ...chain.entries.slice(0, 2)] }), fault: 'out-of-order' },
  { name: 'in another order', change: () => ({ entries: chain.entries.toReversed() }), fault: 'out-of-order' },
  { name: 'in another order under other indices', change: () => ({ entries: changed(2, { act: chain.entries[3]?.act ?? new Uint8Array() }) }), fault: 'altered' },
  { name: 'one at another place', change: () => ({ entries: changed(3, { logIndex: 6 }) }), fault: 'altered' },
  { name: 'one at another place of its transaction', change: () => ({ entries: changed(1, { actIndex: 2 }) }), fault: 'altered' },
  { name: 'at a place that is none', change: () => ({ entries: changed(3, { logIndex: 5.5 }) }), fault: 'altered' },
  { name: 'an act with a byte changed', change: () => ({ entries: changed(2, { act: flipped(chain.entries[2]?.act) }) }), fault: 'altered' },
  { name: 'no act at all', change: () => ({ entries: changed(2, { act: Uint8Array.of(0) }) }), fault: 'not-theirs' },
  { name: 'another resident’s', change: () => ({ entries: changed(2, { act: meis.entries[0]?.act ?? new Uint8Array() }) }), fault: 'not-theirs' },
  { name: 'one made up at the end', change: () => ({ entries: [...chain.entries, { logIndex: 9, actIndex: 0, act: chain.entries[0]?.act ?? new Uint8Array() }] }), fault: 'superfluous' },
  { name: 'another’s record', change: () => ({ record: meis.record, proof: meis.proof }), fault: 'unproven' },
  { name: 'a record from before', change: () => ({ record: flipped(chain.record ?? undefined) }), fault: 'unproven' },
  { name: 'no record', change: () => ({ record: null }), fault: 'unproven' },
])('$name is noticed', ({ change, fault }) => {
  expect(faultOf(change())).toBe(fault);
});

test('a list of today is no list under yesterday’s root', () => {
  expect(faultOf({}, application.tipAt(2)?.stateRoot)).toBe('unproven');
});

test('an entry that the index lost is noticed by whoever checks', () => {
  expect(application.tree.get(stateKey.resident(lin.id))).toEqual(chain.record);
  expect(faultOf({ entries: residentChain(application, lin.id, 5).entries })).toBe('missing');
});

/** With a bit changed in the middle of its last hash or value. */
function flipped(bytes: Uint8Array = new Uint8Array()): Uint8Array {
  const copy = bytes.slice();
  const at = copy.length - 40;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
