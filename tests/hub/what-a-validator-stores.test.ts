import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HubServerFile } from '../../src/contract/hub-file.ts';
import { agencyCredentials, identityClaims } from '../../src/contract/claims.ts';
import { AgencyAsks } from '../../src/gateway/agency/agency-asks.ts';
import { CaseOffice } from '../../src/gateway/cases/case-office.ts';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { answerAsk, answerForm, matchAsk } from '../../src/identity/answer.ts';
import { openAsk } from '../../src/identity/ask.ts';
import { softwareOpener } from '../../src/identity/hpke.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import type { Id, PublicKey } from '../../src/ledger/verify/acts.ts';
import { judge } from '../../src/ledger/rules.ts';
import type { StateChange } from '../../src/ledger/state.ts';
import { fromHex, toHex } from '../../src/ledger/verify/bytes.ts';
import { decodeGenesis, genesisState } from '../../src/ledger/genesis.ts';
import { openEnvelope } from '../../src/ledger/verify/envelope.ts';
import { trustThrough } from '../../src/ledger/verify/handover.ts';
import { encodeOpenedPart } from '../../src/ledger/verify/private-part.ts';
import { openConsortium, whyNoConsortium } from '../../tools/demo/consortium.ts';
import { demoId } from '../../tools/demo/demo-keys.ts';
import { demoParties, partySecrets } from '../../tools/demo/parties.ts';
import { demoPeople } from '../../tools/demo/people.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { cardPublicKeys, loadCardState } from '../../tools/virtual-card/card-state.ts';
import { isPivFile, loadPivState, pivPublicKeys } from '../../tools/virtual-card/piv-state.ts';
import { agencyOf, clientOf, partySigner, sendRaw } from '../gateway/gateway-in-test.ts';
import { filesBelow, formsOf } from '../journeys/byte-search.ts';
import { cardInMemory } from './card-in-memory.ts';
import { callDirectly, must, soon, Visitor } from './visitor.ts';

const answers = { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' };
const service = 'tax/property-tax-certificate';
const purpose = 'tax.property-certificate';
const words = { basis: 'Audit Law, article 38', letter: 'Your certificate lies ready', reason: 'to certify your payment' };

const bytesOf = (hex = ''): Uint8Array => fromHex(hex) ?? new Uint8Array(0);

/** One of each kind of activity, and the sealed case's public id: a grant with its request, a look, steps with a letter, credentials, an answer from afar, a case and a look under it, and the grant's end. */
async function oneOfEach(world: World, hub: Hub): Promise<{ sealedCase: Id }> {
  const url = hub.gatewayUrl ?? '';
  const signerOf = (person: string) => cardInMemory(world.cards[person] ?? '').sig;
  const lin = new Visitor(world, 'lin', callDirectly(hub));
  const visit = await lin.signIn();
  const { submission, id } = await lin.request(visit, service, answers);
  must(await hub.keeper.take(submission));
  must(await hub.ledger.receipt(id, 20_000));
  const tax = agencyOf(url, 'tax-bureau', world);
  const request = await vi.waitFor(async () => must(await tax.requests())[0] ?? Promise.reject(new Error('no request')), { timeout: 20_000 });
  must(await tax.read({ id: request.grants[0] ?? '', subject: request.subject }, purpose, signerOf('officer-mai')));
  must(await tax.step(request, { step: 'received', letter: { title: words.letter, text: words.letter } }));
  must(await tax.step(request, { step: 'decided', decision: 'approved' }, signerOf('officer-mai')));
  const vct = 'urn:imi:credential:taxpayer:1';
  const { credential } = must(await tax.issue(request, { vct, claims: { taxpayer_number: '4401060000' }, status: 4321, days: 365 }));
  must(await tax.revoke(credential, request.subject, vct, 'wrong'));

  const trust = trustThrough(world.hubFile.trustRoot, nodeCrypto);
  const opener = (name: string) => softwareOpener(partySecrets(name).seal);
  const common = { chain: world.hubFile.trustRoot.chain, trust, crypto: nodeCrypto, now: Date.now };
  const asks = new AgencyAsks({ ...common, client: clientOf(url, 'tax-bureau'), name: 'tax-bureau', signer: partySigner('tax-bureau'), opener: opener('tax-bureau') });
  const wish = { purpose, reason: { en: words.reason, 'zh-Hans': words.reason }, claims: [{ claim: 'identity_number', optional: false }], subject: lin.resident, withCode: false, seconds: 3600 };
  const asked = must(await asks.ask(wish));
  const ask = must(openAsk((await sendRaw(url, { path: new URL(asked.requestUri).pathname })).text));
  const { vpToken } = must(await answerAsk(ask, matchAsk(ask, [visit.credential]).parts, [], soon(), lin.card.signWithAut));
  const form = answerForm(ask, { vpToken }).toString();
  expect((await sendRaw(url, { method: 'POST', path: '/v1/openid4vp/responses', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form })).status).toBe(200);

  const audit = new CaseOffice({ ...common, client: clientOf(url, 'audit-office'), name: 'audit-office', opener: opener('audit-office') });
  const day = 86_400;
  const at = (days: number): string => new Date(Date.now() + days * day * 1000).toISOString();
  const scope = { basis: words.basis, subjects: [lin.resident], kinds: ['grant.give', 'request.submit'], from: at(-1), to: at(1), until: soon() + 10 * day, opensAt: soon() + 5 * day, members: ['authority-north', 'authority-south'], threshold: 2 };
  const begun = must(await audit.begin(scope, signerOf('auditor-shen'), demoId('officer-luo'), 'keeper'));
  must(await audit.finish(begun, signerOf('officer-luo')));
  must(await audit.read(begun.id, lin.resident, signerOf('auditor-shen')));
  const end = await lin.end(await lin.signIn(), bytesOf(request.grants[0]), 'tax-bureau');
  must(await hub.keeper.take(end));
  must(await hub.ledger.receipt(must(openEnvelope(end.envelope, nodeCrypto)).id, 20_000));
  return { sealedCase: begun.id };
}

interface Wanted {
  what: string;
  forms: Buffer[];
  /** It counts for public where so many bytes beside it, before it and after it together, stand there too: the pages of a database cut texts in two. */
  besideBytes: number;
}

const ofBytes = (what: string, bytes: Uint8Array): Wanted => ({ what, besideBytes: 6, forms: [Buffer.from(bytes), ...(['hex', 'base64url'] as const).map((form) => Buffer.from(Buffer.from(bytes).toString(form)))] });
const ofText = (text: string): Wanted => ({ what: text, besideBytes: 12, forms: formsOf(text) });

/** Who signs a case stands on the ledger by name; who it is that looks at anything else does not. */
const signersOfCases = ['auditor-shen', 'officer-luo'];
const agencies = demoParties.filter(({ party }) => party === 'agency').map(({ id }) => id).filter((id) => id.length > 5);

/** Of either kind of card. */
function staffKeys({ cards }: World, id: string): { sig: PublicKey; aut: PublicKey } {
  const path = cards[id] ?? '';
  const { sig, aut } = isPivFile(path) ? pivPublicKeys(loadPivState(path)) : cardPublicKeys(loadCardState(path));
  return { sig: [-19, sig], aut: [-19, aut] };
}

/** What of an activity nobody is to find with a validator. That the registrar issued an identity stands there: everybody has one.  Shorter names than these would be found by chance. */
function wanted(world: World): Wanted[] {
  const officers = demoPeople.filter(({ id, work }) => work !== undefined && !signersOfCases.includes(id)).map(({ id }) => id);
  const claims = [...identityClaims, ...agencyCredentials.flatMap(({ claims: some }) => some)].filter((claim) => claim.length > 7);
  const { name = '', name_latin = '', identity_number = '', address = '', household_number = '' } = demoPeople.find(({ id }) => id === 'lin')?.facts ?? {};
  return [
    ...[...agencies, purpose, service, ...claims, ...agencyCredentials.map(({ vct }) => vct)].map(ofText),
    ...[...Object.values(words), name, name_latin, identity_number, address, household_number, answers.phone, answers.property_use, '4401060000'].map(ofText),
    ...officers.flatMap((id) => [ofBytes(`${id}: id`, demoId(id)), ofBytes(`${id}: key`, staffKeys(world, id).sig[1])]),
    ...agencies.map((id) => ofBytes(`${id}: key`, partySigner(id).key[1])),
  ];
}

/** u32, big-endian. */
const lengthOf = ({ length }: Uint8Array): Uint8Array => Uint8Array.from([24, 16, 8, 0], (shift) => (length >>> shift) & 0xff);

/**
 * What everybody may read: who takes part, their keys and purposes, and what is published. Genesis, envelopes of no activity, and every record that they made,
 * with the head of its leaf (state-page.ts): one that was published anew meanwhile still lies in a log as it was before.
 */
async function publicTexts(genesis: Uint8Array, hub: Hub): Promise<Buffer[]> {
  const first = decodeGenesis(genesis) ?? null;
  if (first === null) throw new Error('no genesis');
  const texts = [Buffer.from(genesis)];
  const state = new Map<string, Uint8Array>();
  const take = (changes: readonly StateChange[], isPublic: boolean): void => {
    for (const { key, value } of changes) {
      if (value === null) state.delete(toHex(key));
      else state.set(toHex(key), value);
      if (isPublic && value !== null) texts.push(Buffer.concat([nodeCrypto.sha256(key), nodeCrypto.sha256(value), lengthOf(value), value]));
    }
  };
  take(must(genesisState(first, nodeCrypto)), true);
  for (let logIndex = 0; ; ) {
    const entries = must(await hub.ledger.entries(logIndex, 200));
    if (entries.length === 0) return texts;
    for (const envelope of entries) {
      const { id, body } = must(openEnvelope(envelope, nodeCrypto));
      const recorded = must(await hub.ledger.state(id));
      if (recorded.state !== 'recorded' && recorded.state !== 'witnessed') throw new Error('an entry that is not recorded');
      const place = { chain: hub.ledger.chain, height: recorded.height, time: Math.min(soon(), body.notAfter), logIndex };
      const isPublic = !body.acts.some((act) => 'private' in act);
      if (isPublic) texts.push(Buffer.from(envelope));
      take(must(judge({ get: (key) => state.get(toHex(key)) }, envelope, place, nodeCrypto)).changes, isPublic);
      logIndex += 1;
    }
  }
}

/** How many of so many bytes lie before the text; the others behind it. */
const beside = (bytes: number): number[] => [bytes, 0, ...Array.from({ length: bytes - 1 }, (_, i) => i + 1)];

/** Where what lies before this place in the file does so by chance: a page of SQLite's that goes on with a value begins after the number of the next such page. */
function cutBefore(file: string, at: number): number {
  const pageBytes = 4096;
  if (file.endsWith('.sqlite')) return at - (at % pageBytes) + 4;
  const [head, frameHead] = [32, 24];
  return file.endsWith('.sqlite-wal') ? at - ((at - head) % (frameHead + pageBytes)) + frameHead + 4 : 0;
}

function findings(file: string, content: Buffer, names: readonly Wanted[], known: Buffer): string[] {
  const found = new Set<string>();
  for (const { what, forms, besideBytes } of names) {
    for (const form of forms) {
      for (let at = content.indexOf(form); at !== -1; at = content.indexOf(form, at + 1)) {
        const cut = Math.min(at, Math.max(0, cutBefore(file, at)));
        const isKnown = beside(besideBytes).some((before) => known.includes(content.subarray(Math.max(cut, at - before), at + form.length + besideBytes - before)));
        if (!isKnown) found.add(what);
      }
    }
  }
  return [...found];
}

async function findingsIn(files: readonly string[], genesis: Uint8Array, world: World, hub: Hub): Promise<string[]> {
  const texts = await publicTexts(genesis, hub);
  const known = Buffer.concat(texts.flatMap((text) => [text, Buffer.alloc(64), Buffer.from(text.toString('base64')), Buffer.alloc(64)]));
  const names = wanted(world);
  return files.flatMap((file) => findings(file, readFileSync(file), names, known).map((what) => `${file}: ${what}`));
}

/** That the search sees what is there: the parts of the same activities, as the resident has them in the clear. */
async function seen(folder: string, genesis: Uint8Array, world: World, hub: Hub): Promise<string[]> {
  const { contents } = await new Visitor(world, 'lin', callDirectly(hub)).signIn();
  const planted = join(folder, 'planted');
  writeFileSync(planted, Buffer.concat(contents.parts.map(({ opened }) => Buffer.from(encodeOpenedPart(opened)))));
  const found = await findingsIn([planted], genesis, world, hub);
  return found.map((line) => line.slice(planted.length + 2));
}
const whatIsThere = ['tax-bureau', purpose, service, 'identity_number', 'officer-mai: id'];
const kinds = ['grant.give', 'request.submit', 'access.record', 'request.step', 'credential.anchor', 'credential.revoke', 'verification.answer', 'case.open', 'grant.end'];

async function kindsRecorded(hub: Hub): Promise<{ kind: string; envelope: Buffer }[]> {
  const entries = must(await hub.ledger.entries(0, 500));
  return entries.flatMap((envelope) => must(openEnvelope(envelope, nodeCrypto)).body.acts.map(({ kind }) => ({ kind, envelope: Buffer.from(envelope) })));
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-validator-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a validator stores no agency, purpose, service, claim or officer of any activity, and no fact', () => {
  it('that is the hub’s own, in its database and what was not written into it yet', async () => {
    const world = await seedWorld(join(folder, 'world'));
    const hub = must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
    try {
      const { sealedCase } = await oneOfEach(world, hub);
      const recorded = await kindsRecorded(hub);
      expect(recorded.map(({ kind }) => kind)).toEqual(expect.arrayContaining(kinds));
      // The look under it is there, and nothing leads from one to the other.
      expect(recorded.filter(({ envelope }) => envelope.includes(Buffer.from(sealedCase))).map(({ kind }) => kind)).toEqual(['case.open']);
      const { ledger } = world.serverFile;
      const path = join(world.hubDir, ledger.engine === 'embedded' ? ledger.path : '');
      const genesis = readFileSync(join(world.hubDir, ledger.engine === 'embedded' ? ledger.genesis : ''));
      const files = filesBelow(world.hubDir).filter((file) => file.startsWith(path));
      expect(files).toEqual(expect.arrayContaining([path, `${path}-wal`]));
      expect(await findingsIn(files, genesis, world, hub)).toEqual([]);
      expect(await seen(folder, genesis, world, hub)).toEqual(expect.arrayContaining(whatIsThere));
    } finally {
      await hub.close();
    }
  }, 90_000);

  it.skipIf(whyNoConsortium() !== null)('of several, in its folder: CometBFT’s blocks, state and votes, and its application’s database', async () => {
    const consortium = await openConsortium({ dataDir: join(folder, 'world'), validatorsDir: join(folder, 'validators'), validators: 2, heartbeatMs: 1000 });
    const { world } = consortium;
    const serverFile = { ...world.serverFile, ledger: { ...world.serverFile.ledger, queue: 'submissions.sqlite' } } as HubServerFile;
    const hub = must(await openHub({ hubFile: world.hubFile, serverFile, dataDir: world.hubDir }));
    try {
      const { sealedCase } = await oneOfEach(world, hub);
      const recorded = await kindsRecorded(hub);
      expect(recorded.map(({ kind }) => kind)).toEqual(expect.arrayContaining(kinds));
      // The look under it is there, and nothing leads from one to the other.
      expect(recorded.filter(({ envelope }) => envelope.includes(Buffer.from(sealedCase))).map(({ kind }) => kind)).toEqual(['case.open']);
      const files = filesBelow(join(folder, 'validators'));
      // LevelDB packs what it moves into tables, and no text is found in those: all is still in its logs.
      expect(files.filter((file) => /\.(?:ldb|sst)$/.test(file))).toEqual([]);
      const genesis = readFileSync(join(folder, 'validators/node1/genesis.cbor'));
      expect(files.filter((file) => /blockstore\.db.*\.log$/.test(file))).toHaveLength(2);
      expect(await findingsIn(files, genesis, world, hub)).toEqual([]);
    } finally {
      await hub.close();
      await consortium.testnet.stop();
    }
  }, 180_000);
});
