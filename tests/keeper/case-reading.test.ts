import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHubParts, type HubParts } from '../../src/hub/hub.ts';
import { hashOf } from '../../src/identity/grant.ts';
import { openSealed, sealTo } from '../../src/identity/sealing.ts';
import type { CaseEntry } from '../../src/keeper/case-reading.ts';
import { tagsUnder } from '../../src/keeper/agency-tag.ts';
import { Keeper } from '../../src/keeper/keeper.ts';
import type { Incoming } from '../../src/keeper/submission-check.ts';
import { openKeeperStore } from '../../src/keeper/sqlite-store.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';
import type { CaseOpen, CasePart, Id, OpenedPart } from '../../src/ledger/verify/acts.ts';
import { concatBytes } from '../../src/ledger/verify/bytes.ts';
import { decodeCbor } from '../../src/ledger/verify/cbor.ts';
import type { Order, OrderBody } from '../../src/ledger/verify/order.ts';
import { commitPart, decodeOpenedPart, encodeOpenedPart } from '../../src/ledger/verify/private-part.ts';
import { demoId, demoSecret } from '../../tools/demo/demo-keys.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { callDirectly, must, soon, Visitor } from '../hub/visitor.ts';
import { cardSigner, newId, orderBy, partyOpener, partySigner, record, sealKeys, signedBy, storePath, withPart } from './agency-stand.ts';
import { viewOf } from './ledger-view.ts';

let dataDir: string;
let world: World;
let parts: HubParts;
let lin: Visitor;
let keeper: Keeper;
let aheadMs = 0;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-case-'));
  world = await seedWorld(dataDir);
  parts = must(await openHubParts({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir, now: () => Date.now() + aheadMs }));
  ({ keeper } = parts);
  lin = new Visitor(world, 'lin', callDirectly(parts));
  const visit = await lin.signIn();
  must(await keeper.take((await lin.request(visit, 'tax/property-tax-certificate', { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' })).submission));
  await lin.signIn();
});
afterAll(async () => {
  await parts.close();
  rmSync(dataDir, { recursive: true });
});

const day = 86_400;
const authority = ed25519Signer(demoSecret('authority'));
const seconds = (): number => soon() + Math.floor(aheadMs / 1000);
const iso = (unixSeconds: number): string => new Date(unixSeconds * 1000).toISOString();

interface CaseWish {
  part?: Partial<CasePart>;
  act?: Partial<CaseOpen>;
  payloads?: (payloads: Incoming['payloads'][number][]) => Incoming['payloads'][number][];
}

/** A case on lin's grants and requests of this year, as the auditor and an officer of another office open it. */
async function openCase(wish: CaseWish = {}): Promise<{ id: Id; code: string }> {
  const id = newId();
  const part: CasePart = { kind: 'case.open', basis: 'Audit Act, art. 12', subjects: [demoId('lin')], kinds: ['grant.give', 'request.submit'], from: iso(seconds() - 365 * day), to: iso(seconds() + day), ...wish.part };
  const opened: OpenedPart = { salt: newId(), part };
  const act: CaseOpen = { kind: 'case.open', id, office: 'audit-office', until: seconds() + 10 * day, opensAt: seconds() + 5 * day, private: commitPart(opened.salt, part, nodeCrypto), ...wish.act };
  const { envelope } = await signedBy([cardSigner(world, 'auditor-shen'), cardSigner(world, 'officer-luo')], parts.ledger.chain, [act], seconds());
  const sealed = sealTo(sealKeys('tax-bureau', new Uint8Array(32)).keeper, 'case', act.id, encodeOpenedPart(opened));
  const payloads: Incoming['payloads'][number][] = [
    { act: 0, what: 'case', to: 'keeper', sealed },
    { act: 0, what: 'case', to: 'authority', sealed: new Uint8Array(64).fill(7) },
  ];
  const state = must(await keeper.take({ envelope, payloads: wish.payloads?.(payloads) ?? payloads }));
  return { id: act.id, code: state.state === 'rejected' ? (state.code ?? '') : 'recorded' };
}
const unseal = (id: Id): Promise<void> => record(parts, [authority], [{ kind: 'case.unseal', id }], seconds());

type CaseOrder = Extract<Order, { kind: 'case.read' }>;
const readOrder = (id: Id, change: Partial<CaseOrder> = {}): CaseOrder => ({ kind: 'case.read', party: 'audit-office', case: id, subject: lin.resident, access: newId(), ...change });
const signed = (order: Order, by = 'auditor-shen', change: Partial<OrderBody> = {}): Promise<Uint8Array> => orderBy(cardSigner(world, by), parts.ledger.chain, order, { at: seconds(), notAfter: seconds() + 600, ...change });
const code = async (read: ReturnType<Keeper['readCase']>): Promise<string> => {
  const done = await read;
  return done.ok ? 'read' : done.failure.code;
};
const pageOf = async (inner: Uint8Array, access: Id) =>
  decodeCbor(must(await openSealed(inner, 'case', access, partyOpener('audit-office')))) as unknown as { entries: CaseEntry[]; next?: number };
const entriesOf = async (inner: Uint8Array, access: Id): Promise<CaseEntry[]> => (await pageOf(inner, access)).entries;

describe('a case', () => {
  const refused: { name: string; code: string; wish: CaseWish }[] = [
    { name: 'without its body for the keeper', code: 'payload-missing', wish: { payloads: (all) => all.filter(({ to }) => to !== 'keeper') } },
    { name: 'without its body for the authority', code: 'payload-missing', wish: { payloads: (all) => all.filter(({ to }) => to !== 'authority') } },
    { name: 'whose body cannot be opened', code: 'part-unreadable', wish: { payloads: (all) => all.map((one) => ({ ...one, sealed: new Uint8Array(600) })) } },
    { name: 'whose body is another', code: 'part-mismatch', wish: { act: { private: hashOf(Buffer.from('other')) } } },
    { name: 'of a resident who does not exist', code: 'subject-unknown', wish: { part: { subjects: [newId()] } } },
    { name: 'of kinds that nobody knows', code: 'scope-unknown', wish: { part: { kinds: ['grant.give', 'self.facts'] } } },
    { name: 'of a time that ends before it begins', code: 'scope-unknown', wish: { part: { from: iso(2_000_000_000), to: iso(1_000_000_000) } } },
    { name: 'that would never be unsealed', code: 'delay-too-long', wish: { act: { opensAt: soon() + 200 * day, until: soon() + 300 * day } } },
  ];
  it.each(refused)('$name is refused: $code', async ({ code: expected, wish }) => {
    expect((await openCase(wish)).code).toBe(expected);
  });
});

describe('a read under a sealed case', () => {
  it('gives the office what the case covers and nothing else; the resident is told of it at once, and who and why when it is unsealed', async () => {
    const { id, code: opened } = await openCase();
    expect(opened).toBe('recorded');
    const order = readOrder(id);
    const { transaction, inner } = must(await keeper.readCase(await signed(order)));
    const entries = await entriesOf(inner, order.access);
    expect(new Set(entries.map(({ kind }) => kind))).toEqual(new Set(['grant.give', 'request.submit']));
    expect(decodeOpenedPart(entries[0]?.part ?? new Uint8Array())?.part).toMatchObject({ kind: 'grant.give', agency: 'tax-bureau', service: 'tax/property-tax-certificate' });

    const sealedVisit = await lin.signIn();
    const { withheld } = sealedVisit.opened;
    expect(withheld).toMatchObject([{ transaction, act: 0 }]);
    expect(Math.abs((withheld[0]?.opensAt ?? 0) - (seconds() + 5 * day))).toBeLessThan(60);
    expect(sealedVisit.contents.parts.some((part) => Buffer.from(part.transaction).equals(transaction))).toBe(false);
    const list = must(await keeper.activity(sealedVisit.session, 0)).entries.find((entry) => Buffer.from(entry.transaction).equals(transaction));
    const act = decodeCbor(list?.act ?? new Uint8Array()) as unknown as { kind: string; refs?: unknown; case?: [number, Uint8Array] };
    expect(act).toMatchObject({ kind: 'access.record' });
    expect(act.refs).toBeUndefined();

    aheadMs += 6 * day * 1000;
    await unseal(id);
    const after = await lin.signIn();
    expect(after.opened.withheld).toEqual([]);
    const looked = after.contents.parts.find((part) => Buffer.from(part.transaction).equals(transaction))?.opened.part;
    expect(looked).toMatchObject({ kind: 'access.record', party: 'audit-office', officer: demoId('auditor-shen'), purpose: 'case', claims: [], basis: 'Audit Act, art. 12' });
    // The hash that stood on the ledger from the first moment was this case.
    const hidden = looked?.kind === 'access.record' ? looked.case : undefined;
    expect(hashOf(concatBytes(hidden?.salt ?? new Uint8Array(), hidden?.id ?? new Uint8Array()))).toEqual(act.case);
    expect(hidden?.id).toEqual(id);

    // From now on it is named.
    const open = readOrder(id);
    must(await keeper.readCase(await signed(open)));
    expect((await lin.signIn()).contents.parts.filter(({ opened: { part } }) => part.kind === 'access.record' && part.case === undefined && part.basis !== undefined)).toHaveLength(1);
  });

  it('does not show one office the looks of another sealed case', async () => {
    const hidden = await openCase();
    must(await keeper.readCase(await signed(readOrder(hidden.id))));
    const looking = await openCase({ part: { kinds: ['access.record'] } });
    const order = readOrder(looking.id);
    const { inner } = must(await keeper.readCase(await signed(order)));
    const entries = await entriesOf(inner, order.access);
    const cases = entries.map(({ part }) => decodeOpenedPart(part)?.part).map((part) => (part?.kind === 'access.record' ? part.case?.id : undefined));
    expect(cases.some((id) => id !== undefined && Buffer.from(id).equals(hidden.id))).toBe(false);
  });

  it('comes again with the same order without a second record', async () => {
    const { id } = await openCase();
    const order = await signed(readOrder(id));
    const first = must(await keeper.readCase(order));
    expect(must(await keeper.readCase(order)).transaction).toEqual(first.transaction);
  });

  it('comes in pages, which are one look together', async () => {
    const { id } = await openCase();
    const read = readOrder(id);
    const order = await signed(read);
    const whole = must(await keeper.readCase(order));
    const wanted = await entriesOf(whole.inner, read.access);
    expect(wanted.length).toBeGreaterThan(1);
    const entries: CaseEntry[] = [];
    for (let after: number | undefined = 0; after !== undefined; ) {
      const { transaction, inner } = must(await keeper.readCase(order, { after, limit: 1 }));
      expect(transaction).toEqual(whole.transaction);
      const page = await pageOf(inner, read.access);
      expect(page.entries).toHaveLength(1);
      entries.push(...page.entries);
      after = page.next;
    }
    expect(entries).toEqual(wanted);
    expect((await pageOf(must(await keeper.readCase(order, { after: 1000, limit: 1 })).inner, read.access)).entries).toEqual([]);
  });
});

describe('nothing is read', () => {
  let id: Id;
  beforeAll(async () => {
    ({ id } = await openCase());
  });
  it.each<{ name: string; code: string; by?: string; order?: () => Partial<CaseOrder>; body?: () => Partial<OrderBody> }>([
    { name: 'under a case that nobody opened', code: 'case-unknown', order: () => ({ case: newId() }) },
    { name: 'of a resident beyond the case', code: 'subject-beyond-case', order: () => ({ subject: demoId('chen') }) },
    { name: 'by an officer of an agency', code: 'signer-role', by: 'officer-mai' },
    { name: "by an officer in the audit office's name", code: 'signer-role', by: 'officer-luo' },
    { name: 'by hub staff', code: 'signer-role', by: 'staff-liang' },
    { name: "by the registrar's clerk", code: 'signer-role', by: 'clerk-tan' },
    { name: 'by the resident', code: 'signer-role', by: 'lin' },
    { name: "by the auditor in an agency's name", code: 'signer-role', order: () => ({ party: 'tax-bureau' }) },
    { name: 'with an order that is over', code: 'expired', body: () => ({ at: seconds() - 3600, notAfter: seconds() - 1 }) },
    { name: 'with an order for another chain', code: 'chain-wrong', body: () => ({ chain: 'imi-other' }) },
  ])('$name: $code', async ({ code: expected, by, order, body }) => {
    expect(await code(keeper.readCase(await signed(readOrder(id, order?.()), by, body?.())))).toBe(expected);
  });

  it('with an order that reads a grant, nor the other way round', async () => {
    const grant: Order = { kind: 'grant.read', party: 'tax-bureau', purpose: 'tax.property-certificate', subject: lin.resident, grant: id, access: newId() };
    expect(await code(keeper.readCase(await signed(grant, 'officer-mai')))).toBe('act-unknown');
    expect(await code(keeper.release(await signed(readOrder(id))))).toBe('act-unknown');
  });

  it('after the case was closed, or its time is over', async () => {
    const closed = await openCase();
    await record(parts, [cardSigner(world, 'auditor-shen')], [{ kind: 'case.close', id: closed.id }], seconds());
    expect(await code(keeper.readCase(await signed(readOrder(closed.id))))).toBe('case-closed');
    // By the keeper's own clock, while the ledger's stands still.
    const late = new Keeper({
      ledger: viewOf(parts.ledger),
      store: must(openKeeperStore(storePath(world))),
      opener: partyOpener('keeper'),
      tags: tagsUnder(partySecrets('keeper').seal),
      name: 'keeper',
      signer: partySigner('keeper'),
      crypto: nodeCrypto,
      now: () => Date.now() + aheadMs + 11 * day * 1000,
    });
    const at = seconds() + 11 * day;
    expect(await code(late.readCase(await signed(readOrder(id), 'auditor-shen', { at, notAfter: at + 60 })))).toBe('case-closed');
    await late.close();
  });

  it('and the store says in the clear neither the law nor, beside public acts on their way, which agency', async () => {
    const sealed = await openCase();
    must(await keeper.readCase(await signed(readOrder(sealed.id))));
    const path = storePath(world);
    expect(Buffer.concat([readFileSync(path), readFileSync(`${path}-wal`)]).includes('Audit Act')).toBe(false);
    const database = new DatabaseSync(path, { readOnly: true });
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'tx'").all().map(({ name }) => String(name));
    expect(tables).toEqual(expect.arrayContaining(['change', 'request', 'grant_of', 'payload', 'object']));
    for (const table of tables) {
      const cells = database.prepare(`SELECT * FROM ${table}`).all().flatMap((row) => Object.values(row));
      const bytes = Buffer.concat(cells.map((cell) => (cell instanceof Uint8Array ? cell : Buffer.from(String(cell)))));
      for (const name of ['tax-bureau', 'property-tax']) expect(bytes.includes(name), `${table}: ${name}`).toBe(false);
    }
    database.close();
  });
});

describe("a look-up in the registrar's index", () => {
  const lookup = async (change: { order?: object; part?: object; by?: string } = {}): Promise<string> => {
    const access = newId();
    const order: Order = { kind: 'index.lookup', party: 'registrar', number: hashOf(Buffer.from('salted number')), reason: 'card lost', access, ...change.order };
    const part = { kind: 'access.lookup', party: 'registrar', staff: demoId('clerk-tan'), reason: 'card lost', signed: await signed(order, change.by ?? 'clerk-tan'), ...change.part } as const;
    const { space, keeper: own } = sealKeys('tax-bureau', (await lin.signIn()).space.publicKey);
    const made = withPart({ kind: 'access.lookup', subject: lin.resident, id: access } as const, part, { space, keeper: own });
    const { envelope } = await signedBy([partySigner('registrar')], parts.ledger.chain, [made.act], seconds());
    const state = must(await keeper.take({ envelope, payloads: made.payloads }));
    return state.state === 'rejected' ? (state.code ?? '') : 'recorded';
  };
  it('stands in the resident’s list with who and why', async () => {
    expect(await lookup()).toBe('recorded');
    expect((await lin.signIn()).contents.parts.map(({ opened }) => opened.part)).toContainEqual(expect.objectContaining({ kind: 'access.lookup', staff: demoId('clerk-tan'), reason: 'card lost' }));
  });
  it.each([
    { name: 'that somebody else ordered', change: { by: 'officer-mai' }, code: 'signer-role' },
    { name: 'that names another than who ordered it', change: { part: { staff: demoId('staff-liang') } }, code: 'order-mismatch' },
    { name: 'that gives another reason', change: { part: { reason: 'curious' } }, code: 'order-mismatch' },
    { name: 'that was ordered under another id', change: { order: { access: newId() } }, code: 'order-mismatch' },
  ])('$name is refused: $code', async ({ change, code: expected }) => {
    expect(await lookup(change)).toBe(expected);
  });
});
