import { encodeCbor } from '../../../src/ledger/verify/cbor.ts';
import type { Act, PrivatePart } from '../../../src/ledger/verify/acts.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import type { SignedHead } from '../../../src/ledger/verify/head.ts';
import { commitPart } from '../../../src/ledger/verify/private-part.ts';
import type { ProvenActivity, ProvenParty } from '../../../src/main/district.ts';
import type { KnownEntry, MyData } from '../../../src/main/visit/my-data.ts';

export const subject = new Uint8Array(16).fill(5);
/** Unix seconds: 22 November 2026, 10:00 in UTC. */
export const now = Date.UTC(2026, 10, 22, 10) / 1000;
export const idOf = (n: number): Uint8Array => new Uint8Array(16).fill(n);
export const transactionOf = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const hash = [-16, new Uint8Array(32).fill(7)] as const;
const salt = new Uint8Array(16).fill(1);

export const officer = idOf(0xee);
export const grantId = idOf(0xa1);
export const requestId = idOf(0xb1);
export const grantHex = 'a1'.repeat(16);

type Distribute<T> = T extends unknown ? Omit<T, 'private' | 'subject'> : never;
type BareAct = Distribute<Extract<Act, { private: unknown; subject: unknown }>>;

/** An entry as the chain has it. `part` null: the data space has none of it. */
export function entry(transaction: number, actIndex: number, act: BareAct, part: PrivatePart | null, at: number | null = now - 1000 + transaction): KnownEntry {
  const opened = part === null ? null : { salt, part };
  const whole = { ...act, subject, private: opened === null ? hash : commitPart(salt, opened.part, nodeCrypto) } as Act;
  return { transaction: transactionOf(transaction), logIndex: transaction, actIndex, act: whole, bytes: encodeCbor(whole), opened, at };
}

export const grantPart = (change: Partial<Extract<PrivatePart, { kind: 'grant.give' }>> = {}): PrivatePart => ({
  kind: 'grant.give',
  agency: 'tax-bureau',
  purpose: 'tax.property-certificate',
  service: 'tax/property-tax-certificate',
  claims: ['name', 'address'],
  given: '2026-11-22T09:00:00.000Z',
  until: '2026-12-22T00:00:00.000Z',
  withdrawal: 'any kiosk of the hub',
  jurisdiction: 'CN',
  inner: hash,
  outer: hash,
  ...change,
});

export const until = Date.UTC(2026, 11, 22) / 1000;
export const given = entry(1, 0, { kind: 'grant.give', id: grantId, until, reads: 2 }, grantPart());
export const submitted = entry(1, 1, { kind: 'request.submit', id: requestId, refs: [grantId] }, {
  kind: 'request.submit',
  agency: 'tax-bureau',
  service: 'tax/property-tax-certificate',
  version: 1,
  definition: hash,
  answers: hash,
});

export const readPart = (change: Partial<Extract<PrivatePart, { kind: 'access.record' }>> = {}): PrivatePart => ({
  kind: 'access.record',
  party: 'tax-bureau',
  officer,
  purpose: 'tax.property-certificate',
  claims: ['name'],
  signed: new Uint8Array(1),
  ...change,
});
export const read = (transaction: number, part: PrivatePart | null = readPart()): KnownEntry => entry(transaction, 0, { kind: 'access.record', id: idOf(transaction), refs: [grantId] }, part);

export const step = (transaction: number, to: 'received' | 'needs-more' | 'decided' | 'closed', change: Partial<Extract<PrivatePart, { kind: 'request.step' }>> = {}): KnownEntry =>
  entry(transaction, 0, { kind: 'request.step', id: requestId, step: to }, { kind: 'request.step', agency: 'tax-bureau', signed: new Uint8Array(1), ...change });

export const party = (id: string): ProvenParty => ({ id, kind: 'agency', sign: [-19, new Uint8Array(32)], seal: new Uint8Array(32).fill(9), names: { 'zh-Hans': id, en: id } });

export function dataOf(entries: readonly KnownEntry[], change: Partial<MyData> = {}): MyData {
  const activity: ProvenActivity = {
    subject,
    head: { chain: 'test', height: 40, timeMs: now * 1000, logRoot: new Uint8Array(32), logSize: 40, stateRoot: new Uint8Array(32), hash: new Uint8Array(32) },
    // No test of pages draws a receipt from it.
    evidence: { head: {} as SignedHead, record: null, proof: new Uint8Array(1) },
    entries: entries.map(({ transaction, logIndex, actIndex, bytes, act }) => ({ transaction, logIndex, actIndex, bytes, act })),
  };
  const parties = new Map(['tax-bureau', 'audit-office', 'registrar'].map((id) => [id, party(id)]));
  return { activity, entries, held: { parts: [], letters: [], withheld: [] }, parties, ending: new Set(), now, ...change };
}

/** A grant, a request that rests on it, and one look under it. */
export const exampleData = (): MyData => dataOf([given, submitted, read(3)]);
