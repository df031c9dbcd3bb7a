import { createPrivateKey, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { agencyCredentials } from '../../src/contract/claims.ts';
import { hubFileSchema, hubServerFileSchema, type HubFile, type HubServerFile } from '../../src/contract/hub-file.ts';
import { readCatalogueFile, serviceGroups, termsOf, type CatalogueFile } from '../../src/contract/service.ts';
import type { HubParts } from '../../src/hub/hub.ts';
import { openHubParts } from '../../src/hub/hub.ts';
import { writeKeyFile } from '../../src/hub/key-file.ts';
import { hashOf } from '../../src/identity/grant.ts';
import { signStatusList, StatusList } from '../../src/identity/status-list.ts';
import { wrapSpaceKey } from '../../src/identity/space.ts';
import { x25519Public } from '../../src/identity/x25519.ts';
import type { Incoming } from '../../src/keeper/submission-check.ts';
import { encodeGenesis, type Genesis } from '../../src/ledger/genesis.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer, type MemorySigner } from '../../src/ledger/node-signer.ts';
import type { Act, Id, PublicKey, ResidentRegister, ServicePublish } from '../../src/ledger/verify/acts.ts';
import { encodeChallenge, registerNonce } from '../../src/ledger/verify/challenge.ts';
import { openEnvelope, signEnvelope, type Signer } from '../../src/ledger/verify/envelope.ts';
import { type CardFace, cardPublicKeys, newCardState, saveCardState, type CardState } from '../virtual-card/card-state.ts';
import { newPivState, pivPublicKeys, savePivState } from '../virtual-card/piv-state.ts';
import { issueAgencyCredentials } from './agency-credentials.ts';
import { demoId, demoSecret } from './demo-keys.ts';
import { demoParties, partyEnrolment, partySecrets } from './parties.ts';
import { demoAdminPin, demoPeople, demoPin, type DemoPerson } from './people.ts';

const repository = new URL('../../', import.meta.url);
export const demoHubPath = new URL('hubs/demo.json', repository);
/** The same hub over TLS, as if kiosk and hub were two machines. */
export const demoTlsHubPath = new URL('hubs/demo-tls.json', repository);
export const demoServerPath = new URL('hubs/demo.server.json', repository);

/** Where everything of a seeded demonstration lies. */
export interface World {
  dataDir: string;
  hubFile: HubFile;
  serverFile: HubServerFile;
  /** `imi hub --data`. */
  hubDir: string;
  /** `--data` of each kiosk: its device key is there. */
  kioskDirs: Record<string, string>;
  /** State file of each virtual card, by the person's id. */
  cards: Record<string, string>;
}

/** The demonstration's two files, or others that say other things of the same world. */
export interface WorldFiles {
  hubPath?: URL | string;
  serverPath?: URL | string;
}

export function worldAt(dataDir: string, { hubPath = demoHubPath, serverPath = demoServerPath }: WorldFiles = {}): World {
  const hubFile = hubFileSchema.parse(JSON.parse(readFileSync(hubPath, 'utf8')));
  return {
    dataDir,
    hubFile,
    serverFile: hubServerFileSchema.parse(JSON.parse(readFileSync(serverPath, 'utf8'))),
    hubDir: join(dataDir, 'hub'),
    kioskDirs: Object.fromEntries(Object.keys(hubFile.kiosks).map((id) => [id, join(dataDir, id)])),
    cards: Object.fromEntries(demoPeople.map(({ id }) => [id, join(dataDir, 'cards', `${id}.json`)])),
  };
}

/** Where `npm start` opens the agencies' door: the same each time, so that what was set up for it goes on working. */
export const agenciesPort = 7480;

/** Stands in the data folder once all of it is seeded. Another number, and the folder is seeded anew. */
const seededMark = 'world.json';
const worldVersion = 5;

export const isSeeded = (dataDir: string): boolean => {
  const path = join(dataDir, seededMark);
  return existsSync(path) && (JSON.parse(readFileSync(path, 'utf8')) as { world?: unknown }).world === worldVersion;
};

/**
 * Seeds a data folder: every party, card, resident and service goes through the rules, the registrar and the keeper as in a real district.
 * Does nothing where the folder is seeded already, so cards keep their counters; a seeding that broke off begins again.
 *
 * @param now Unix milliseconds.
 * @param files where the ledger is other validators', they have begun it with `demoGenesis` and are running.
 */
export async function seedWorld(dataDir: string, now: () => number = Date.now, files: WorldFiles = {}): Promise<World> {
  const world = worldAt(dataDir, files);
  if (isSeeded(dataDir)) {
    writeLaterKeys(world);
    writeAgencies(world);
    writeQueue(world);
    return world;
  }
  for (const folder of [world.hubDir, join(dataDir, 'cards'), ...Object.values(world.kioskDirs)]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  const cards = new Map(demoPeople.filter(({ work }) => work?.piv !== true).map((person) => [person.id, newDemoCard(person)]));
  writeHubKeys(world, now);
  const opened = await openHubParts({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir, now, begin: true });
  if (!opened.ok) throw new Error(`the demonstration's hub does not open: ${opened.failure.code} ${opened.failure.detail ?? ''}`);
  const seeding = new Seeding(opened.value, world, cards, now);
  try {
    await seeding.enrolStaff();
    await Promise.all([seeding.enrolKiosks(), seeding.publishServices()]);
    await Promise.all(demoPeople.filter(({ facts }) => facts !== undefined).map((person) => seeding.registerResident(person)));
    await Promise.all(demoPeople.filter(({ situation }) => situation === 'blocked').map((person) => seeding.blockResident(person)));
    await seeding.publishStatusLists();
  } finally {
    await opened.value.close();
  }
  for (const [id, state] of cards) saveCardState(world.cards[id] ?? '', state);
  for (const person of demoPeople.filter(({ work }) => work?.piv === true)) savePivState(world.cards[person.id] ?? '', newPivState(pivOf(person)));
  writeAgencies(world);
  writeQueue(world);
  writeFileSync(join(dataDir, `${seededMark}.draft`), `${JSON.stringify({ world: worldVersion })}\n`);
  renameSync(join(dataDir, `${seededMark}.draft`), join(dataDir, seededMark));
  return world;
}

const faceOf = ({ name, situation, note, work }: DemoPerson): CardFace => ({
  name,
  kind: work !== undefined ? work.role : situation === 'other-kind' ? 'other' : situation === 'new' ? 'new' : 'resident',
  note,
});

const pivOf = (person: DemoPerson) => ({ label: person.id, face: faceOf(person), seed: demoSecret(`card/${person.id}`), pin: demoPin });

function newDemoCard(person: DemoPerson): CardState {
  const { id, situation } = person;
  return newCardState({
    label: id,
    seed: demoSecret(`card/${id}`),
    face: faceOf(person),
    pin: demoPin,
    adminPin: demoAdminPin,
    ...(situation === 'pin-blocked' ? { pinTriesLeft: 0 } : {}),
    rsaOnly: situation === 'other-kind',
  });
}

/** @param now Unix milliseconds. */
export const demoGenesis = (chain: string, validators: Genesis['validators'], now: number): Genesis => ({
  v: 1,
  chain,
  time: Math.floor(now / 1000) - 1,
  validators,
  authority: { threshold: 1, keys: [ed25519Signer(demoSecret('authority')).key] },
  acts: demoParties.map(partyEnrolment),
});

function writeHubKeys({ hubDir, hubFile, serverFile, kioskDirs }: World, now: () => number): void {
  const keeper = partySecrets('keeper');
  const registrar = partySecrets('registrar');
  writeKeyFile(join(hubDir, serverFile.keeper.key), { sign: keeper.sign, seal: keeper.seal });
  writeKeyFile(join(hubDir, serverFile.registrar.key), { sign: registrar.sign, seal: registrar.seal, index: demoSecret('registrar/index') });
  writeLaterKeys({ hubDir, serverFile });
  for (const [id, folder] of Object.entries(kioskDirs)) {
    const path = join(folder, hubFile.kiosks[id]?.deviceKey ?? 'device.key.json');
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), kioskSeed(id)]);
    const jwk = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' });
    writeFileSync(path, `${JSON.stringify(jwk)}\n`, { mode: 0o600, flag: 'wx' });
  }
  const { ledger } = serverFile;
  if (ledger.engine !== 'embedded') return;
  const validator = demoSecret('validator');
  writeKeyFile(join(hubDir, ledger.validatorKey), { sign: validator });
  const genesis = demoGenesis(hubFile.trustRoot.chain, [{ key: ed25519Signer(validator).key[1], power: 1 }], now());
  writeFileSync(join(hubDir, ledger.genesis), encodeGenesis(genesis), { mode: 0o600 });
}

/** A world that was seeded before there was a door over TLS, a checkpoint, a gateway or a hub that signs gets their keys now. */
function writeLaterKeys({ hubDir, serverFile }: Pick<World, 'hubDir' | 'serverFile'>): void {
  const hub = join(hubDir, serverFile.key);
  if (!existsSync(hub)) writeKeyFile(hub, { ...partySecrets(serverFile.hub) });
  const keys = [[serverFile.door.key, 'door'], ...(serverFile.checkpoints === undefined ? [] : [[serverFile.checkpoints.key, 'checkpoint'] as const])] as const;
  for (const [file, secret] of keys) {
    const path = join(hubDir, file);
    if (!existsSync(path)) writeKeyFile(path, { sign: demoSecret(secret) });
  }
  const gateway = serverFile.gateway === undefined ? null : join(hubDir, serverFile.gateway.key);
  if (gateway !== null && !existsSync(gateway)) writeKeyFile(gateway, { ...partySecrets('gateway') });
}

/** For each agency what `imi agency --config` reads, with the key of its officer where it has one: so that its commands work without a reader. */
function writeAgencies({ dataDir, hubFile }: World): void {
  for (const { id } of demoParties.filter(({ party }) => party === 'agency')) {
    const folder = join(dataDir, 'agencies', id);
    if (existsSync(join(folder, 'agency.json'))) continue;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeKeyFile(join(folder, 'agency.key.json'), { ...partySecrets(id) });
    const officer = demoPeople.find(({ work }) => work?.party === id && work.role === 'officer');
    if (officer !== undefined) writeKeyFile(join(folder, 'officer.key.json'), { sign: Buffer.from(newDemoCard(officer).keys.sig.secret ?? '', 'hex') });
    writeFileSync(join(folder, 'hub.json'), `${JSON.stringify(hubFile, null, 2)}\n`);
    const config = { agency: id, gateway: `http://127.0.0.1:${agenciesPort}`, hub: 'hub.json', ...(officer === undefined ? {} : { demoOfficerKey: 'officer.key.json' }) };
    writeFileSync(join(folder, 'agency.json'), `${JSON.stringify(config, null, 2)}\n`);
  }
}

/** What `imi queue --config` reads, for the queue system that the server's file names. */
function writeQueue({ dataDir, serverFile }: World): void {
  const folder = join(dataDir, 'queue');
  const named = serverFile.gateway?.queue;
  if (named === undefined || existsSync(join(folder, 'queue.json'))) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeKeyFile(join(folder, 'queue.key.json'), { sign: partySecrets(`queue:${named.name}`).sign });
  writeFileSync(join(folder, 'queue.json'), `${JSON.stringify({ queue: named.name, gateway: `http://127.0.0.1:${agenciesPort}` }, null, 2)}\n`);
}

const kioskSeed = (id: string): Uint8Array => demoSecret(`kiosk/${id}`);

function card(cards: ReadonlyMap<string, CardState>, id: string): CardState {
  const state = cards.get(id);
  if (state === undefined) throw new Error(`no card ${id}`);
  return state;
}

/** The acts of a district's first day, in the hands of those who may do them. */
class Seeding {
  readonly #hub: HubParts;
  readonly #world: World;
  readonly #cards: ReadonlyMap<string, CardState>;
  readonly #now: () => number;

  constructor(hub: HubParts, world: World, cards: ReadonlyMap<string, CardState>, now: () => number) {
    this.#hub = hub;
    this.#world = world;
    this.#cards = cards;
    this.#now = now;
  }

  async enrolStaff(): Promise<void> {
    const employed = demoPeople.flatMap((person) => (person.work === undefined ? [] : [{ person, ...person.work }]));
    const acts = employed.map(({ person, party, role, piv }): Act => {
      const { id } = person;
      const keys = piv === true ? pivPublicKeys(newPivState(pivOf(person))) : cardPublicKeys(card(this.#cards, id));
      return { kind: 'staff.enrol', id: demoId(id), party, role, sig: [-19, keys.sig], aut: [-19, keys.aut], until: this.#seconds() + 3 * 365 * 86_400 };
    });
    await this.#record(acts, [...new Set(employed.map(({ party }) => party))].map(partySigner));
  }

  async enrolKiosks(): Promise<void> {
    const hub = this.#world.serverFile.hub;
    const acts = Object.keys(this.#world.kioskDirs).map((id): Act => ({ kind: 'kiosk.enrol', id, hub, key: ed25519Signer(kioskSeed(id)).key }));
    await this.#record(acts, [this.#cardSigner('tech-ou'), partySigner(hub)]);
  }

  /** Bundles after the services that they are made of. */
  async publishServices(): Promise<void> {
    const files = catalogueFiles();
    for (const { bytes } of files) {
      const kept = this.#hub.catalogue.put(bytes);
      if (!kept.ok) throw new Error(kept.failure.code);
    }
    for (let from = 0; from < files.length; from += mostActs) {
      const acts = files.slice(from, from + mostActs).map(publication);
      await this.#record(acts, [...new Set(acts.map(({ agency }) => agency))].map(partySigner));
    }
  }

  /** The desk's whole work: the card's keys on the ledger, the space founded, the number in the index, the credential issued. */
  async registerResident({ id, facts, agencies = {} }: DemoPerson): Promise<void> {
    if (facts?.identity_number === undefined) throw new Error(`${id} has no identity number`);
    const resident = demoId(id);
    const space = demoSecret(`space/${id}`);
    await this.#record([this.#registration(id, resident, x25519Public(space))], [this.#cardSigner('staff-liang'), this.#cardSigner(id)]);
    const keys = cardPublicKeys(card(this.#cards, id));
    must(
      await this.#hub.keeper.foundSpace({
        resident,
        wrapped: wrapSpaceKey(space, resident, keys.dec),
        recovery: wrapSpaceKey(space, resident, x25519Public(demoSecret(`recovery/${id}`)), 'recovery'),
      }),
    );
    const entered = this.#hub.registrar.enter(facts.identity_number, resident);
    if (!entered.ok) throw new Error(entered.failure.code);
    must(await this.#hub.registrar.issue(resident, facts));
    const issued = await issueAgencyCredentials({
      chain: this.#hub.ledger.chain,
      resident,
      aut: keys.aut,
      space: x25519Public(space),
      keeper: x25519Public(partySecrets('keeper').seal),
      facts: agencies,
      status: demoPeople.findIndex((person) => person.id === id),
      gateway: partySigner('gateway'),
      agency: partySigner,
      now: this.#seconds(),
    });
    if (issued !== null) await this.#take(issued);
  }

  async blockResident({ id }: DemoPerson): Promise<void> {
    await this.#record([{ kind: 'resident.block', subject: demoId(id), reason: 'lost' }], [this.#cardSigner('staff-liang')]);
  }

  /** Nobody's credential is revoked on the first day; each issuer says so. */
  async publishStatusLists(): Promise<void> {
    must(await this.#hub.publisher.publish());
    const at = this.#seconds();
    const issuers = [...new Set<string>(agencyCredentials.map(({ issuer }) => issuer))];
    const acts = issuers.map((issuer): Act => {
      const list = signStatusList(StatusList.withRoomFor(1), issuer, at, partySigner(issuer).sign);
      must(this.#hub.lists.put(list));
      return { kind: 'status.publish', issuer, list: hashOf(Buffer.from(list, 'ascii')), at };
    });
    await this.#record(acts, issuers.map(partySigner));
  }

  #registration(id: string, resident: Id, space: Uint8Array): ResidentRegister {
    const state = card(this.#cards, id);
    const keys = cardPublicKeys(state);
    const act = { id: resident, sig: [-19, keys.sig], aut: [-19, keys.aut], dec: [-25, keys.dec], space: [-25, space] } satisfies Record<string, Id | PublicKey>;
    const notAfter = this.#seconds() + 600;
    const challenge = encodeChallenge({ chain: this.#hub.ledger.chain, kiosk: null, purpose: 'register', nonce: registerNonce(act, nodeCrypto), notAfter });
    return {
      kind: 'resident.register',
      ...act,
      counter: state.signatureCount + 1,
      proof: { kiosk: null, notAfter, signature: cardKey(state, 'aut').sign(challenge) },
    };
  }

  /** Signs with the card and counts it, as the card itself does. */
  #cardSigner(id: string): Signer {
    const state = card(this.#cards, id);
    const { key, sign } = cardKey(state, 'sig');
    return {
      key,
      sign: (input) => {
        state.signatureCount += 1;
        return sign(input);
      },
    };
  }

  async #record(acts: Act[], signers: readonly Signer[]): Promise<void> {
    const body = { v: 1 as const, chain: this.#hub.ledger.chain, nonce: new Uint8Array(randomBytes(16)), notAfter: this.#seconds() + 3600, acts };
    const envelope = await signEnvelope(body, signers, nodeCrypto);
    await this.#take({ envelope, payloads: [] });
  }

  async #take(incoming: Incoming): Promise<void> {
    const opened = openEnvelope(incoming.envelope, nodeCrypto);
    if (!opened.ok) throw new Error(opened.failure.code);
    const kind = opened.value.body.acts[0]?.kind ?? '';
    const state = must(await this.#hub.keeper.take(incoming));
    if (state.state === 'rejected') throw new Error(`${kind} was rejected: ${state.code ?? ''}`);
    if (must(await this.#hub.ledger.receipt(opened.value.id, 10_000)) === null) throw new Error(`${kind} was not recorded in time`);
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }
}

const partySigner = (id: string): MemorySigner => ed25519Signer(partySecrets(id).sign);

const cardKey = (state: CardState, role: 'sig' | 'aut'): MemorySigner => ed25519Signer(Buffer.from(state.keys[role].secret ?? '', 'hex'));

/** Of one body. */
const mostActs = 16;

interface PublishedFile {
  file: CatalogueFile;
  bytes: Uint8Array;
}

function catalogueFiles(): PublishedFile[] {
  const folder = new URL('services/', repository);
  return [...serviceGroups, 'life']
    .map((group) => new URL(`${group}/`, folder))
    .flatMap((group) => readdirSync(group).map((name) => new URL(name, group)))
    .map((url) => {
      const bytes = new Uint8Array(readFileSync(url));
      const file = readCatalogueFile(bytes);
      if (file === null) throw new Error(`no service: ${url.pathname}`);
      return { file, bytes };
    });
}

/** What its agency signs, for a service or a bundle. */
export const publication = ({ file, bytes }: PublishedFile): ServicePublish => ({
  kind: 'service.publish',
  ...termsOf(file),
  languages: ['zh-Hans', 'en'],
  definition: hashOf(bytes),
});

function must<T>(result: { ok: true; value: T } | { ok: false; failure: { code: string; detail?: string } }): T {
  if (!result.ok) throw new Error(`${result.failure.code} ${result.failure.detail ?? ''}`);
  return result.value;
}
