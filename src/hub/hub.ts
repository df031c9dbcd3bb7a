import { join, resolve } from 'node:path';
import type { HubFile, HubServerFile } from '../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { softwareOpener } from '../identity/hpke.ts';
import { x25519Public } from '../identity/x25519.ts';
import { tagsUnder } from '../keeper/agency-tag.ts';
import { openDrafts, type Drafts } from '../gateway/drafts.ts';
import { Keeper } from '../keeper/keeper.ts';
import { openSharedStore } from '../keeper/postgres-store.ts';
import { sharedHandOffsIn } from '../keeper/shared-hand-offs.ts';
import type { SqlDatabase } from '../keeper/sql-database.ts';
import { openKeeperStore } from '../keeper/sqlite-store.ts';
import type { KeeperStore } from '../keeper/store.ts';
import type { Asks } from '../gateway/asks.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { ed25519Signer, type MemorySigner } from '../ledger/node-signer.ts';
import { openStatusBook, type StatusBook } from '../ledger/status-book.ts';
import { StatusLists } from '../ledger/status-lists.ts';
import type { Name, PublicKey } from '../ledger/verify/acts.ts';
import { keyId } from '../ledger/verify/envelope.ts';
import { decodeRecord, stateKey } from '../ledger/verify/records.ts';
import { openExpectedResidents } from '../registrar/expected.ts';
import { openResidentIndex } from '../registrar/index.ts';
import { LookUps } from '../registrar/look-up.ts';
import { Registrar } from '../registrar/registrar.ts';
import { Registrations } from '../registrar/registrations.ts';
import { StatusPublisher } from '../registrar/status-publisher.ts';
import { openAsks } from './asks-part.ts';
import { Catalogue } from './catalogue.ts';
import { makeFolder } from './data-folder.ts';
import { openHandOffs, type HandOffs } from './hand-offs.ts';
import { openDoors, type Doors } from './doors.ts';
import { openGatewayPart } from './gateway-part.ts';
import { secretsOf } from './key-file.ts';
import { mattersOf, type Matters } from './matters.ts';
import { openLedgerEngine } from './ledger-engine.ts';
import { kioskCountersigning, type KioskCountersigning } from './kiosk-countersigning.ts';
import { keepStandings, type KioskStandings } from './kiosk-standings.ts';
import { StaffDoor } from './staff-door.ts';
import { checkLookUp } from './look-up-check.ts';
import { openOutside, type Outside } from './outside.ts';

export interface HubSetup {
  hubFile: HubFile;
  serverFile: HubServerFile;
  dataDir: string;
  /** Unix milliseconds. */
  now?: () => number;
  /** For whoever founds the hub: its embedded ledger's chain begins. Everybody else finds one, or is told that it is lost. */
  begin?: boolean;
  /** For the log: a bug somewhere behind the door (what was asked, and the exception), or what a ledger node said that does not verify. */
  onFault?: (where: string, error: unknown) => void;
}

/** Why a hub does not start, in words for the log; `detail` names the file or the party. */
export type HubFailure = Failure<string>;

/** The parts of a hub, without its doors: what a desk, a gateway and a seeding program work with. */
export interface HubParts {
  ledger: Ledger;
  keeper: Keeper;
  registrar: Registrar;
  catalogue: Catalogue;
  /** null: no agency comes in here, so none asks. */
  asks: Asks | null;
  status: StatusBook;
  lists: StatusLists;
  /** Publishes what of the registrar's is revoked. */
  publisher: Pick<StatusPublisher, 'publish'>;
  drafts: Drafts;
  handOffs: HandOffs;
  /** The same as kiosks and counters have them. */
  matters: Matters;
  standings: KioskStandings;
  lookUps: LookUps;
  registrations: Registrations;
  staff: StaffDoor;
  countersign: KioskCountersigning;
  /** This hub's name on the ledger, and its keeper's. */
  names: { hub: Name; keeper: Name };
  /** What kiosks know it by, as JSON. */
  publicFile: string;
  /** Witnesses and monitors: `open` brings what is new to them. */
  outside: Pick<Outside, 'open'>;
  close(): Promise<void>;
}

export type Hub = HubParts & Doors & { /** Where agencies come in; null: nowhere. */ gatewayUrl: string | null };

/** Opens everything in the order in which it depends on each other; what was opened is closed again where a later part cannot be. */
export async function openHub(setup: HubSetup): Promise<Result<Hub, HubFailure>> {
  const parts = await openHubParts(setup);
  if (!parts.ok) return parts;
  const recovered = await parts.value.keeper.recover();
  // On a full disk the hub still reads; what waits is tried again with the next block.
  if (!recovered.ok) setup.onFault?.('recover', recovered.failure);
  await parts.value.registrations.carryOn();
  const published = await parts.value.publisher.publish();
  if (!published.ok) setup.onFault?.('status-list', published.failure);
  const doors = await openDoors(setup, parts.value, setup.onFault ?? (() => undefined));
  if (!doors.ok) {
    await parts.value.close();
    return doors;
  }
  const gateway = await openGatewayPart(setup, parts.value);
  if (!gateway.ok) {
    await doors.value.close();
    await parts.value.close();
    return gateway;
  }
  const outside = await parts.value.outside.open();
  if (!outside.ok) {
    await gateway.value?.close();
    await doors.value.close();
    await parts.value.close();
    return outside;
  }
  return ok({
    ...parts.value,
    ...doors.value,
    gatewayUrl: gateway.value?.url ?? null,
    async close() {
      await gateway.value?.close();
      await doors.value.close();
      await parts.value.close();
    },
  });
}

export async function openHubParts({ hubFile, serverFile, dataDir, now = Date.now, begin = false, onFault = () => undefined }: HubSetup): Promise<Result<HubParts, HubFailure>> {
  const inData = (path: string): string => resolve(dataDir, path);
  const servicesDir = join(dataDir, 'services');
  const listsDir = inData(serverFile.status.lists);
  for (const path of [servicesDir, listsDir]) {
    const folder = makeFolder(path);
    if (!folder.ok) return folder;
  }

  const keeperKeys = secretsOf(inData(serverFile.keeper.key), ['sign', 'seal']);
  if (!keeperKeys.ok) return keeperKeys;
  const registrarKeys = secretsOf(inData(serverFile.registrar.key), ['sign', 'index']);
  if (!registrarKeys.ok) return registrarKeys;

  const opened: (() => Promise<void> | void)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of opened.toReversed()) await close();
  };
  const refused = async (failure: HubFailure): Promise<Result<never, HubFailure>> => {
    await closeAll();
    return { ok: false, failure };
  };

  const engine = openLedgerEngine({ hubFile, serverFile, dataDir, now, begin, onFault });
  if (!engine.ok) return engine;
  opened.push(() => engine.value.close());
  const outside = openOutside({ serverFile, dataDir, ledger: engine.value, now, onFault });
  if (!outside.ok) return refused(outside.failure);
  opened.push(() => outside.value.close());
  const { ledger } = outside.value;

  const keeperSealKey = x25519Public(keeperKeys.value.seal);
  const issuerKey = ed25519Signer(registrarKeys.value.sign);
  const keeperName = await ownerOf(ledger, [-25, keeperSealKey], 'keeper');
  if (!keeperName.ok) return refused(keeperName.failure);
  const keeperSigner = ed25519Signer(keeperKeys.value.sign);
  const signing = await ownerOf(ledger, keeperSigner.key, 'keeper');
  if (!signing.ok) return refused(signing.failure);
  if (signing.value !== keeperName.value) return refused({ code: 'key-not-enrolled', detail: 'keeper: sign and seal of two parties' });
  const registrarName = await ownerOf(ledger, issuerKey.key, 'registrar');
  if (!registrarName.ok) return refused(registrarName.failure);

  const opening = await openStore(serverFile.keeper, inData);
  if (!opening.ok) return refused(opening.failure);
  const { store, shared } = opening.value;
  const keeper = new Keeper({
    ledger,
    store,
    opener: softwareOpener(keeperKeys.value.seal),
    tags: tagsUnder(keeperKeys.value.seal),
    name: keeperName.value,
    signer: keeperSigner,
    crypto: nodeCrypto,
    now,
    onFault,
  });
  opened.push(() => keeper.close());

  const index = openResidentIndex(inData(serverFile.registrar.path), registrarKeys.value.index);
  if (!index.ok) return refused(index.failure);
  const registrar = new Registrar({
    ledger,
    index: index.value,
    issuer: { name: registrarName.value, key: issuerKey.key, sign: issuerKey.sign },
    keeperSealKey,
    deposit: (issued) => keeper.take(issued),
    crypto: nodeCrypto,
    now,
  });
  opened.push(() => registrar.close());

  const hubKey = readHubKey(inData(serverFile.key));
  if (!hubKey.ok) return refused(hubKey.failure);
  const hubSigner = hubKey.value;
  if (hubSigner !== null) {
    const owner = await ownerOf(ledger, hubSigner.key, 'hub');
    if (!owner.ok) return refused(owner.failure);
    if (owner.value !== serverFile.hub) return refused({ code: 'key-not-enrolled', detail: `hub: this is the key of ${owner.value}` });
  }

  const lists = new StatusLists(listsDir, ledger, nodeCrypto);
  const status = openStatusBook(inData(serverFile.status.path), ledger, nodeCrypto);
  if (!status.ok) return refused(status.failure);
  opened.push(() => status.value.close());
  const publisher = new StatusPublisher({
    ledger,
    book: status.value,
    lists,
    issuer: { name: registrarName.value, key: issuerKey.key, sign: issuerKey.sign },
    submit: (envelope) => keeper.take({ envelope, payloads: [] }),
    crypto: nodeCrypto,
    now,
    onFault,
  });
  opened.push(() => publisher.close());
  const asks = await openAsks({ serverFile, dataDir, ledger, keeper, keeperSeal: { secret: keeperKeys.value.seal, key: keeperSealKey }, lists, shared, now, onFault });
  if (!asks.ok) return refused(asks.failure);
  opened.push(() => asks.value.close());
  const lookUps = LookUps.open({
    path: inData(serverFile.registrar.lookUps),
    key: registrarKeys.value.index,
    ledger,
    index: index.value,
    issuer: { name: registrarName.value, key: issuerKey.key, sign: issuerKey.sign },
    keeperSealKey,
    check: (signed) => checkLookUp(signed, { ledger, crypto: nodeCrypto }, Math.floor(now() / 1000)),
    deposit: (looked) => keeper.take(looked),
    crypto: nodeCrypto,
    now,
  });
  if (!lookUps.ok) return refused(lookUps.failure);
  opened.push(() => lookUps.value.close());

  const expected = openExpectedResidents(inData(serverFile.registrar.expected), registrarKeys.value.index);
  if (!expected.ok) return refused(expected.failure);
  opened.push(() => expected.value.close());
  const registrations = Registrations.open({
    path: inData(serverFile.registrar.registrations),
    key: registrarKeys.value.index,
    ledger,
    registrar,
    expected: expected.value,
    keeper,
    crypto: nodeCrypto,
    onFault,
  });
  if (!registrations.ok) return refused(registrations.failure);
  opened.push(() => registrations.value.close());

  const drafts = openDrafts({ path: inData(serverFile.drafts), ledger, take: (incoming) => keeper.take(incoming), crypto: nodeCrypto, now });
  if (!drafts.ok) return refused(drafts.failure);
  opened.push(() => drafts.value.close());

  const handOffs = openHandOffs({ path: inData(serverFile.handOffs), queueLetter: serverFile.gateway?.queue?.letter ?? null, now });
  if (!handOffs.ok) return refused(handOffs.failure);
  opened.push(() => handOffs.value.close());

  return ok({
    ledger,
    keeper,
    registrar,
    drafts: drafts.value,
    handOffs: handOffs.value,
    matters: mattersOf(handOffs.value, shared === null ? null : sharedHandOffsIn(shared, keeperKeys.value.seal, now)),
    standings: keepStandings(now),
    lookUps: lookUps.value,
    registrations: registrations.value,
    staff: new StaffDoor({
      ledger,
      keeper,
      drafts: drafts.value,
      lookUps: lookUps.value,
      registrations: registrations.value,
      registrar: registrarName.value,
      crypto: nodeCrypto,
      now,
    }),
    countersign: kioskCountersigning({ ledger, hub: serverFile.hub, signer: hubSigner, take: (envelope) => keeper.take({ envelope, payloads: [] }), crypto: nodeCrypto, now }),
    catalogue: new Catalogue(servicesDir, ledger),
    asks: asks.value.asks,
    status: status.value,
    lists,
    publisher,
    names: { hub: serverFile.hub, keeper: keeperName.value },
    publicFile: JSON.stringify(hubFile),
    outside: outside.value,
    close: closeAll,
  });
}

/** Of the keeper, and where it lies that this hub shares with others; `shared` null: it is this hub's own file. */
async function openStore(keeper: HubServerFile['keeper'], inData: (path: string) => string): Promise<Result<{ store: KeeperStore; shared: SqlDatabase | null }>> {
  if ('url' in keeper) {
    const store = await openSharedStore(keeper.url);
    return store.ok ? ok({ store: store.value, shared: store.value.database }) : store;
  }
  const store = openKeeperStore(inData(keeper.path));
  return store.ok ? ok({ store: store.value, shared: null }) : store;
}

/** The party that holds this key on the ledger. By a head of any age: a hub starts also while the validators stand still. */
export async function ownerOf(ledger: Ledger, key: PublicKey, part: 'keeper' | 'registrar' | 'gateway' | 'hub'): Promise<Result<Name, HubFailure>> {
  const read = await ledger.read([stateKey.key(keyId(key, nodeCrypto))]);
  if (!read.ok) return read;
  const value = read.value.entries[0]?.value ?? null;
  const record = value === null ? null : decodeRecord('key', value);
  if (record === null || record.state !== 'active' || !('party' in record.owner)) return fail('key-not-enrolled', part);
  return ok(record.owner.party);
}

/** null: it is kept elsewhere. */
function readHubKey(path: string): Result<MemorySigner | null, HubFailure> {
  const secret = secretsOf(path, ['sign']);
  if (secret.ok) return ok(ed25519Signer(secret.value.sign));
  return secret.failure.code === 'key-missing' ? ok(null) : secret;
}
