import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RequestView } from '../../src/gateway/agency/agency.ts';
import { CaseOffice, type CaseWish } from '../../src/gateway/cases/case-office.ts';
import { gatewayClient } from '../../src/gateway/client.ts';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { softwareOpener } from '../../src/identity/hpke.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer, type MemorySigner } from '../../src/ledger/node-signer.ts';
import type { Id } from '../../src/ledger/verify/acts.ts';
import { concatBytes, toBase64url, toHex, utf8 } from '../../src/ledger/verify/bytes.ts';
import { trustOf } from '../../src/ledger/verify/head.ts';
import { signOrder, type Order } from '../../src/ledger/verify/order.ts';
import { brokenMiss, mostLookupsAnHour } from '../../src/registrar/look-up.ts';
import { demoId, demoSecret } from '../../tools/demo/demo-keys.ts';
import { demoPeople } from '../../tools/demo/people.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { cardInMemory } from '../hub/card-in-memory.ts';
import { agencyOf, sendRaw, signedHeaders } from './gateway-in-test.ts';
import { callDirectly, must, Visitor } from '../hub/visitor.ts';

let dataDir: string;
let world: World;
let hub: Hub;
let lin: Visitor;
/** Lin's, with the tax bureau. */
let request: RequestView;
let aheadMs = 0;

const now = (): number => Date.now() + aheadMs;
const seconds = (): number => Math.floor(now() / 1000);
const day = 86_400;
const members = ['authority-north', 'authority-south', 'authority-west'];

const office = (name: string): CaseOffice =>
  new CaseOffice({
    client: gatewayClient({ url: hub.gatewayUrl ?? '', party: { name, signer: ed25519Signer(partySecrets(name).sign) }, now }),
    name,
    opener: softwareOpener(partySecrets(name).seal),
    chain: world.hubFile.trustRoot.chain,
    trust: trustOf(world.hubFile.trustRoot),
    crypto: nodeCrypto,
    now,
  });
const cardOf = (person: string): MemorySigner => cardInMemory(world.cards[person] ?? '').sig;
const authority = ed25519Signer(demoSecret('authority'));

const wish = (change: Partial<CaseWish> = {}): CaseWish => ({
  basis: 'Audit Law, article 38',
  subjects: [demoId('lin')],
  kinds: ['grant.give', 'request.submit'],
  from: new Date(now() - 30 * day * 1000).toISOString(),
  to: new Date(now() + day * 1000).toISOString(),
  until: seconds() + 10 * day,
  opensAt: seconds() + 5 * day,
  members,
  threshold: 2,
  ...change,
});

/** Both cards at one desk. */
async function opened(change: Partial<CaseWish> = {}): Promise<Id> {
  const audit = office('audit-office');
  const begun = must(await audit.begin(wish(change), cardOf('auditor-shen'), demoId('officer-luo'), 'keeper'));
  must(await audit.finish(begun, cardOf('officer-luo')));
  return begun.id;
}

const codeOf = (result: { ok: true } | { ok: false; failure: { code: string } }): string => (result.ok ? 'done' : result.failure.code);

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-overseer-'));
  world = await seedWorld(dataDir);
  hub = must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir, now }));
  lin = new Visitor(world, 'lin', callDirectly(hub));
  const { submission, id } = await lin.request(await lin.signIn(), 'tax/property-tax-certificate', { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' });
  must(await hub.keeper.take(submission));
  must(await hub.ledger.receipt(id, 5000));
  const tax = agencyOf(hub.gatewayUrl ?? '', 'tax-bureau', world);
  request = await vi.waitFor(async () => must(await tax.requests())[0] ?? Promise.reject(new Error('no request')), { timeout: 10_000 });
}, 60_000);
afterAll(async () => {
  await hub.close();
  rmSync(dataDir, { recursive: true });
});

const looksAtLin = async (): Promise<number> => {
  const visit = await lin.signIn();
  const { entries } = must(await hub.keeper.activity(visit.session, 0));
  return entries.length;
};

describe('a case', () => {
  it('is opened by two cards of two offices, read by the auditor’s, and each look is in the resident’s list', async () => {
    const before = await looksAtLin();
    const id = await opened();
    expect(must(await office('audit-office').case(id))).toMatchObject({ office: 'audit-office', state: 'open', sealed: true });
    expect(must(await office('audit-office').cases())).toMatchObject([{ id, office: 'audit-office', state: 'open', sealed: true }]);
    for (const other of ['civil-affairs', 'tax-bureau', 'authority-north']) expect(codeOf(await office(other).cases())).toBe('party-not-admitted');
    const { entries, transaction } = must(await office('audit-office').read(id, lin.resident, cardOf('auditor-shen')));
    expect(new Set(entries.map(({ kind }) => kind))).toEqual(new Set(['grant.give', 'request.submit']));
    expect(entries[0]?.part.part).toMatchObject({ agency: 'tax-bureau' });
    expect(await looksAtLin()).toBe(before + 1);
    const { withheld } = (await lin.signIn()).opened;
    expect(withheld.map(({ transaction: look }) => toHex(look))).toContain(transaction);
    expect(withheld.every(({ opensAt }) => Math.abs(opensAt - seconds() - 5 * day) < 120)).toBe(true);
  });

  it('waits at the hub for a second officer who is elsewhere, and nobody else sees it', async () => {
    const begun = must(await office('audit-office').begin(wish(), cardOf('auditor-shen'), demoId('officer-luo'), 'keeper'));
    const draft = must(await office('audit-office').leave(begun));
    for (const name of ['audit-office', 'civil-affairs']) expect(must(await office(name).drafts()).map(({ id }) => id)).toContain(draft);
    for (const name of ['tax-bureau', 'registrar', 'authority-north', 'xiguan-hub']) {
      expect(must(await office(name).drafts())).toEqual([]);
      expect(codeOf(await office(name).draft(draft))).toBe('draft-unknown');
    }
    const seen = must(await office('civil-affairs').draft(draft));
    expect(seen.part).toMatchObject({ basis: 'Audit Law, article 38', kinds: ['grant.give', 'request.submit'] });
    expect(codeOf(await office('civil-affairs').sign(seen.draft, cardOf('officer-mai')))).toBe('signer-superfluous');
    const signed = must(await office('civil-affairs').sign(seen.draft, cardOf('officer-luo')));
    expect(['queued', 'recorded']).toContain(signed.state);
    expect(codeOf(await office('civil-affairs').draft(draft))).toBe('draft-unknown');
  });

  it('is gone from the hub after 24 hours, unsigned', async () => {
    const begun = must(await office('audit-office').begin(wish(), cardOf('auditor-shen'), demoId('officer-luo'), 'keeper'));
    const draft = must(await office('audit-office').leave(begun));
    aheadMs += 24 * 3600_000 + 1000;
    expect(codeOf(await office('civil-affairs').draft(draft))).toBe('draft-unknown');
    expect(must(await office('civil-affairs').drafts())).toEqual([]);
  });
});

/** What of Lin's request nobody but the tax bureau may learn, in the text of an answer or in what it carries in base64. */
function findingsOf(text: string): string[] {
  const carried = text.match(/[A-Za-z0-9_-]{24,}/g) ?? [];
  const bytes = Buffer.concat([Buffer.from(text), ...carried.map((piece) => Buffer.from(piece, 'base64url'))]);
  return ['tax-bureau', 'property-tax-certificate', 'tax.property-certificate', 'own-home', '13812345678', '林悦', 'identity_number'].filter((word) => bytes.includes(word));
}

describe('there is no way around', () => {
  it('by two of one office, by another’s members, or by somebody of no such role', async () => {
    const audit = office('audit-office');
    expect(codeOf(await audit.begin(wish(), cardOf('auditor-shen'), demoId('auditor-shen'), 'keeper'))).toBe('role-unfit');
    expect(codeOf(await audit.begin(wish(), cardOf('auditor-shen'), demoId('staff-liang'), 'keeper'))).toBe('role-unfit');
    expect(codeOf(await audit.begin(wish({ members: ['tax-bureau'], threshold: 1 }), cardOf('auditor-shen'), demoId('officer-luo'), 'keeper'))).toBe('party-kind');
    const byOfficer = must(await audit.begin(wish(), cardOf('officer-mai'), demoId('officer-luo'), 'keeper'));
    expect(codeOf(await audit.finish(byOfficer, cardOf('officer-luo')))).toBe('signer-role');
  });

  it('by reading out of its scope, under a closed, an expired, an unknown or another office’s case', async () => {
    const id = await opened();
    const read = async (of: string, by: string, subject: Id, which = id): Promise<string> => codeOf(await office(of).read(which, subject, cardOf(by)));
    expect(await read('audit-office', 'auditor-shen', demoId('chen'))).toBe('subject-beyond-case');
    expect(await read('audit-office', 'officer-luo', lin.resident)).toBe('signer-role');
    expect(await read('audit-office', 'auditor-shen', lin.resident, new Uint8Array(randomBytes(16)))).toBe('case-unknown');
    expect(must(await office('audit-office').read(await opened({ kinds: ['request.step'] }), lin.resident, cardOf('auditor-shen'))).entries).toEqual([]);
    expect(must(await office('audit-office').read(await opened({ from: '2020-01-01T00:00:00.000Z', to: '2020-02-01T00:00:00.000Z' }), lin.resident, cardOf('auditor-shen'))).entries).toEqual([]);
    must(await office('audit-office').close(id, cardOf('auditor-shen')));
    expect(await read('audit-office', 'auditor-shen', lin.resident)).toBe('case-closed');
    const short = await opened({ until: seconds() + 3600 });
    aheadMs += 3600_000;
    expect(await read('audit-office', 'auditor-shen', lin.resident, short)).toBe('case-closed');
  });

  it.each(['tax-bureau', 'civil-affairs', 'registrar', 'xiguan-hub', 'keeper', 'authority-north'])('with the key of %s over HTTP', async (name) => {
    const id = await opened();
    const before = await looksAtLin();
    expect(codeOf(await office(name).read(id, lin.resident, cardOf('auditor-shen')))).toMatch(/^(?:party-not-admitted|case-unknown)$/);
    expect(codeOf(await office(name).share(id))).toMatch(name === 'authority-north' ? /^done$/ : /^party-not-admitted$/);
    expect(await looksAtLin()).toBe(before);
  });

  it.each(['audit-office', 'civil-affairs', 'registrar', 'xiguan-hub', 'keeper', 'authority-north', 'water-works'])('by asking for whatever %s may ask for', async (name) => {
    const known: Record<string, string[]> = {
      id: [request.id, ...request.grants, request.subject, toHex(await opened())],
      transaction: [request.transaction],
      name: ['tax-bureau'],
      issuer: ['registrar'],
    };
    const { paths } = (await sendRaw(hub.gatewayUrl ?? '', { path: '/openapi.json' })).json as { paths: Record<string, { get?: { responses: Record<string, { content: object }> } }> };
    // What is published, and who takes part, is everybody's.
    const isPublic = (path: string): boolean => /^\/(?:openapi\.json|v1\/(?:services|parties|status-lists|gateway))/.test(path);
    const gets = Object.entries(paths).filter(([path, { get }]) => get !== undefined && !('text/event-stream' in (get.responses['200']?.content ?? {})) && !isPublic(path));
    const before = await looksAtLin();
    const statuses = new Set<number>();
    for (const [path] of gets) {
      const parameter = /\{([a-z_]+)\}/.exec(path)?.[1];
      const query = path === '/v1/ledger/records' ? `?keys=${['request', 'grant', 'resident'].map((kind, i) => `${kind}/${[request.id, request.grants[0], request.subject][i] ?? ''}`).join(',')}` : '';
      for (const value of parameter === undefined ? [''] : (known[parameter] ?? ['x'])) {
        const raw = { path: `${path.replace(/\{[a-z_]+\}/, value)}${query}` };
        const reply = await sendRaw(hub.gatewayUrl ?? '', { ...raw, headers: await signedHeaders(hub.gatewayUrl ?? '', name, raw, { created: seconds() }) });
        statuses.add(reply.status);
        const found = findingsOf(reply.text);
        expect(found, raw.path).toEqual([]);
      }
    }
    expect([...statuses]).toEqual(expect.arrayContaining([200, 403]));
    expect(await looksAtLin()).toBe(before);
  });

  it('in the files of the hub: no basis, no number, no fact and no agency’s part stands in them in the clear', () => {
    const secrets = ['Audit Law, article 38', '林悦', 'LIN YUE', '13812345678', '恩宁路', 'own-home'];
    for (const file of readdirSync(world.hubDir, { recursive: true, withFileTypes: true })) {
      if (!file.isFile() || !/\.sqlite(?:-wal)?$/.test(file.name)) continue;
      const bytes = readFileSync(join(file.parentPath, file.name));
      expect(secrets.filter((secret) => bytes.includes(secret))).toEqual([]);
    }
  });
});

describe('the authority', () => {
  it('opens the body with two of three, unseals the case when it is due and not before, and the resident then reads who looked', async () => {
    const id = await opened();
    must(await office('audit-office').read(id, lin.resident, cardOf('auditor-shen')));
    const [north, west] = [must(await office('authority-north').share(id)), must(await office('authority-west').share(id))];
    expect(codeOf(await office('authority-north').body(id, [north]))).toBe('case-too-few');
    expect(must(await office('authority-north').body(id, [north, west]))).toMatchObject({ basis: 'Audit Law, article 38' });
    expect(codeOf(await office('authority-north').unseal(id, [authority]))).toBe('case-not-due');
    expect(codeOf(await office('authority-north').unseal(id, [cardOf('auditor-shen')]))).toMatch(/^signer-/);
    aheadMs += 5 * day * 1000 + 120_000;
    must(await office('authority-north').unseal(id, [authority]));
    expect(must(await office('audit-office').case(id))).toMatchObject({ sealed: false });
    expect(must(await office('audit-office').cases()).find((one) => toHex(one.id) === toHex(id))).toMatchObject({ sealed: false });
    const visit = await lin.signIn();
    expect(visit.contents.parts.some(({ opened: { part } }) => part.kind === 'access.record' && part.party === 'audit-office')).toBe(true);
  });

  it('that is overdue blocks further cases of that office, until it has unsealed', async () => {
    const due = must(await office('authority-north').sealed()).filter(({ opensAt }) => opensAt < seconds());
    expect(due.length).toBeGreaterThan(0);
    const begun = must(await office('audit-office').begin(wish(), cardOf('auditor-shen'), demoId('officer-luo'), 'keeper'));
    expect(codeOf(await office('audit-office').finish(begun, cardOf('officer-luo')))).toBe('case-overdue');
    for (const { id } of due) must(await office('authority-north').unseal(id, [authority]));
    await opened();
  });
});

describe('a look-up in the registrar’s index', () => {
  const number = demoPeople.find(({ id }) => id === 'lin')?.facts?.identity_number ?? '';

  async function lookUp(by: string, party: string, text: string, change: Partial<Extract<Order, { kind: 'index.lookup' }>> = {}): Promise<{ code: string; resident?: string | null }> {
    const salt = new Uint8Array(randomBytes(16));
    const hash = new Uint8Array(createHash('sha256').update(concatBytes(salt, utf8(text))).digest());
    const order = await signOrder(
      { v: 1, chain: world.hubFile.trustRoot.chain, nonce: new Uint8Array(randomBytes(16)), at: seconds(), notAfter: seconds() + 600, order: { kind: 'index.lookup', party, number: [-16, hash], reason: 'lost card', access: new Uint8Array(randomBytes(16)), ...change } },
      cardOf(by),
      nodeCrypto,
    );
    const client = gatewayClient({ url: hub.gatewayUrl ?? '', party: { name: party, signer: ed25519Signer(partySecrets(party).sign) }, now });
    const answer = await client.call('POST', '/v1/look-ups', { body: { order: toBase64url(order), number: text, salt: toBase64url(salt) } });
    return answer.ok ? { code: 'done', resident: (answer.value.body as { resident: string | null }).resident } : { code: answer.failure.code };
  }

  it('that finds somebody is in that resident’s list before it is answered', async () => {
    const before = await looksAtLin();
    expect(await lookUp('clerk-tan', 'registrar', number)).toEqual({ code: 'done', resident: toHex(lin.resident) });
    expect(await looksAtLin()).toBe(before + 1);
    const visit = await lin.signIn();
    expect(visit.contents.parts.map(({ opened: { part } }) => part)).toContainEqual(expect.objectContaining({ kind: 'access.lookup', party: 'registrar', reason: 'lost card' }));
  });

  it('that finds nobody is in the registrar’s journal, whose lines hang together', async () => {
    expect(await lookUp('staff-liang', 'xiguan-hub', '000000190001010000')).toEqual({ code: 'done', resident: null });
    expect(await lookUp('staff-liang', 'xiguan-hub', '000000190001010000')).toEqual({ code: 'done', resident: null });
    const misses = must(hub.lookUps.misses());
    expect(misses).toMatchObject([{ party: 'xiguan-hub', reason: 'lost card' }, { party: 'xiguan-hub' }]);
    expect(misses[0]?.tag).toEqual(misses[1]?.tag);
    expect(brokenMiss(misses)).toBeNull();
    expect(brokenMiss(misses.slice(1))).toBe(1);
    expect(brokenMiss(misses.map((entry) => ({ ...entry, reason: 'another' })))).toBe(2);
  });

  it('is refused where its access id is that of another act: by it the resident would read of nothing', async () => {
    const access = new Uint8Array(randomBytes(16));
    expect((await lookUp('clerk-tan', 'registrar', number, { access })).code).toBe('done');
    // As where an agency's look had it: the registrar's own file does not know it.
    const file = new DatabaseSync(join(world.hubDir, world.serverFile.registrar.lookUps));
    file.exec('DELETE FROM look');
    file.close();
    expect((await lookUp('clerk-tan', 'registrar', number, { access })).code).toBe('access-known');
    expect((await lookUp('clerk-tan', 'registrar', '000000190001010000', { access })).code).toBe('access-known');
    expect(must(await hub.lookUps.hasFound(demoId('clerk-tan'), lin.resident))).toBe(false);
  });

  it('is refused for another number than was signed for, to an auditor and to an agency, and after so many an hour', async () => {
    expect((await lookUp('clerk-tan', 'registrar', number, { number: [-16, new Uint8Array(32)] })).code).toBe('order-mismatch');
    expect((await lookUp('auditor-shen', 'audit-office', number)).code).toBe('party-not-admitted');
    expect((await lookUp('officer-mai', 'tax-bureau', number)).code).toBe('party-not-admitted');
    expect((await lookUp('auditor-shen', 'registrar', number)).code).toBe('signer-role');
    aheadMs += 3600_000;
    for (let count = 0; count < mostLookupsAnHour; count += 1) expect((await lookUp('clerk-tan', 'registrar', '000000190001010000')).code).toBe('done');
    expect((await lookUp('clerk-tan', 'registrar', number)).code).toBe('too-many');
  });
});
