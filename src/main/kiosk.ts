import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SpawnHost } from '../contract/device-host.ts';
import type { HubFile, KioskFile } from '../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { DeviceHost } from '../drivers/device-host.ts';
import { nodeCrypto } from '../ledger/client/crypto.ts';
import { connectHub } from '../ledger/client/hub-client.ts';
import { createLightClient } from '../ledger/client/light-client.ts';
import type { Screen } from './bridge.ts';
import { shareScreen } from './floor.ts';
import { createKeptDrafts } from './staff/kept-drafts.ts';
import { startStaff } from './staff/start-staff.ts';
import { createStaffWork } from './staff/staff-work.ts';
import { cardIn, newCardIn } from './card.ts';
import { systemClock, type Clock } from './clock.ts';
import { createDeskWork } from './desk/desk-work.ts';
import { diskAt, hubKiosks, ownLines } from './desk/machine-health.ts';
import { createDayBook } from './desk/day-book.ts';
import { createDelivery } from './delivery.ts';
import { watchDeviceKey } from './device-key-watch.ts';
import { readDeviceKey, wipeDeviceKey } from './device-key.ts';
import { createDistrict } from './district.ts';
import { watchEnrolment } from './enrolment.ts';
import { joinStrips } from './printing.ts';
import { journalDetail, openJournal, type Journal } from './journal.ts';
import { openOutbox } from './outbox.ts';
import { savedHeadIn } from './saved-head.ts';
import { openStanding } from './standing.ts';
import { reportStanding } from './standing-report.ts';
import { createServiceList } from './service-list.ts';
import { fits, readerView, type ReaderView } from './visit/reader-view.ts';
import type { KioskFacts } from './visit/snapshot.ts';
import { readerLines } from './staff/reader-lines.ts';
import { startVisits } from './visit/start-visit.ts';
import { createVisitWork } from './visit/visit-work.ts';
import { actsOverOwnWay } from './workshop/bench.ts';
import { reportReadiness } from './workshop/readiness.ts';
import { readinessPdf } from './workshop/readiness-page.ts';
import { stickRoots } from './workshop/medium.ts';
import { createWorkshop, deviceLines } from './workshop/technician.ts';
import { createWitnessWatch } from './witness-watch.ts';
import { wayToHub } from './way-to-hub.ts';

export interface KioskSetup {
  hubFile: HubFile;
  /** A key of `hubFile.kiosks`. */
  kioskId: string;
  /** Holds the device key, the outbox, the journal and the newest head, and nothing else; the path of the hub's socket is relative to it. */
  dataDir: string;
  /** Opens the window at once; called before anything else is set up, so that both start together. */
  openScreen(panel: KioskFile['screen']): Promise<Result<Screen>>;
  spawnHost: SpawnHost;
  /** Of the product. */
  version: string;
  clock?: Clock;
}

export interface RunningKiosk {
  /** Ends the visit, closes the screen, the device host, outbox and journal. */
  stop(): Promise<void>;
}

/** How long pages without facts stay when the card is out. */
const farewellMs = 15_000;
/** A block is made in a fraction of it; after it the receipt page says "queued". */
const recordWaitMs = 2_000;
/** How often a staff member's home page looks at kiosk and hub. */
const staffRefreshMs = 3_000;

/**
 * Fails with `kiosk-config` where the hub's file names no such kiosk or the device key is none, with `kiosk-storage` where the data folder
 * takes nothing, or with what opening the screen fails with. What can be shown is then on the screen.
 */
export async function startKiosk(setup: KioskSetup): Promise<Result<RunningKiosk>> {
  const { hubFile, kioskId, dataDir, clock = systemClock } = setup;
  const kioskFile = hubFile.kiosks[kioskId];
  if (kioskFile === undefined) return fail('kiosk-config', `no kiosk ${kioskId}`);
  const kiosk: KioskFacts = { id: kioskId, hub: hubFile.name, help: hubFile.help, pxPerMm: kioskFile.screen.pxPerMm, standIns: kioskFile.standIns };

  // The screen, the device host and the way to the hub start together; whatever fails then has a place to be said.
  const opening = setup.openScreen(kioskFile.screen);
  const kept = openKept(dataDir, join(dataDir, kioskFile.deviceKey), clock);
  if (!kept.ok) {
    const opened = await opening;
    if (opened.ok) opened.value.show(faultSnapshot(kiosk, hubFile, kept.failure));
    return kept;
  }
  const { journal, outbox } = kept.value;
  const deviceKey = watchDeviceKey(kept.value.deviceKey, nodeCrypto.verify);
  journal.write({ event: 'kiosk.started', kiosk: kioskId, chain: hubFile.trustRoot.chain });
  const devices = new DeviceHost(setup.spawnHost);
  const hub = connectHub(wayToHub(hubFile.hub, { kioskId, dataDir, deviceKey }));
  // Before anything is asked of it: the first connection is news as well.
  let hubAway: Failure | null = { code: 'hub-unreachable' };
  hub.onConnection((away) => {
    hubAway = away;
  });
  const head = savedHeadIn(dataDir);
  const light = createLightClient({
    hub,
    trustRoot: hubFile.trustRoot,
    crypto: nodeCrypto,
    clock: () => clock.now(),
    maxHeadAgeMs: hubFile.maxHeadAgeMs,
    savedTrust: head.trust(),
    onTrust: (trust) => head.keepTrust(trust),
    savedSplit: head.split(),
    onSplit(evidence, what) {
      head.keepSplit(evidence);
      journal.write({ event: 'ledger.split', detail: journalDetail(what) });
      enrolment.check();
    },
  });
  const standing = openStanding({
    dataDir,
    clock,
    onChange() {
      visits.standing();
      report.say();
    },
  });
  const district = createDistrict({ hub, light, crypto: nodeCrypto, kioskId, now: () => clock.now() });
  const report = reportStanding({
    district,
    clock,
    now: () => (standing.closure !== null ? { standing: 'closed', reason: standing.closure.reason } : { standing: isFit() ? 'open' : 'unfit', reason: null }),
  });
  const services = createServiceList({ district, journal, clock, onChange: (offered) => visits.offered(offered) });

  const { resident: residentReader, staff: staffReader = residentReader } = kioskFile.readers;
  const isShared = staffReader === residentReader;
  const nameOf = (wanted: string): string => devices.status.readers.find(({ name }) => fits(name, wanted))?.name ?? wanted;
  /** With one reader for all: the insertion that turned out to be a staff card. */
  let staffInsertion: number | null = null;

  const delivery = createDelivery({
    outbox,
    district,
    clock,
    journal,
    onSettled(transaction, settlement) {
      if (visits.settled(transaction, settlement)) outbox.noteTold(transaction);
      if (settlement.state === 'recorded') witnesses.follow([transaction]);
    },
  });
  const witnesses = createWitnessWatch({
    district,
    clock,
    isExpected: light.trust.witnessing !== undefined,
    isWanted: () => !visits.idle,
    onWitnessed: (transaction, settlement) => void visits.settled(transaction, settlement),
  });
  const work = createVisitWork({
    district,
    outbox,
    journal,
    crypto: nodeCrypto,
    clock,
    deviceKey,
    kioskId,
    delivery,
    witnesses,
    trust: light.trust,
    offers: () => services.offers(),
    print(visit, number, strips) {
      const slip = joinStrips(strips);
      const printed = slip.ok ? devices.call('printer.print', { slip: slip.value }) : Promise.resolve(slip);
      void printed.then((result) => {
        journal.write({ event: 'slip', visit, ...(result.ok ? { printed: true } : { printed: false, code: result.failure.code, detail: journalDetail(result.failure.detail) }) });
        visits.slipDone(visit, number, result);
      });
    },
    cardOf: (insertion) => cardIn(devices, nameOf(residentReader), insertion),
    onStaffCard(insertion) {
      if (!isShared) return;
      staffInsertion = insertion;
      visits.cardOfStaff(insertion);
      look();
    },
  });
  const keptDrafts = createKeptDrafts({ clock, crypto: nodeCrypto });
  const dayBook = createDayBook({ dataDir, outbox, clock, offers: () => services.offers() });
  const staffWork = createStaffWork({
    district,
    crypto: nodeCrypto,
    clock,
    kept: keptDrafts,
    cardOf: (insertion) => cardIn(devices, nameOf(staffReader), insertion),
    day: (day) => dayBook.day(day),
    async machineHealth(seen) {
      deviceKey.tryChip();
      const ids = Object.keys(hubFile.kiosks);
      const records = await district.kioskRecords(ids);
      return {
        devices: deviceLines(kioskFile, devices.status),
        own: ownLines({ away: hubAway, headMs: light.newest?.timeMs ?? null, maxHeadAgeMs: hubFile.maxHeadAgeMs, nowMs: clock.now(), disk: diskAt(dataDir), chip: deviceKey.chip }),
        kiosks: seen.ok ? hubKiosks(ids, kioskId, records.ok ? records.value : undefined, seen.value, clock.now()) : null,
        hubSince: seen.ok ? new Date(seen.value.since * 1000).toISOString() : null,
      };
    },
    deskReadiness: () => (kioskFile.devices.identityReader === undefined ? 'no-identity-reader' : 'ready'),
    standing,
    journal,
    health: () => ({
      closure: standing.closure,
      hub: hubAway === null ? 'reachable' : 'away',
      head: light.newest === null ? null : { height: light.newest.height, at: new Date(light.newest.timeMs).toISOString() },
      unfit: enrolment.failure?.code ?? null,
      waiting: outbox.waiting().length,
      readers: readerLines(devices.status, residentReader, staffReader),
    }),
  });
  const deskWork = createDeskWork({
    district,
    devices,
    crypto: nodeCrypto,
    clock,
    kioskId,
    staffCardOf: (insertion) => cardIn(devices, nameOf(staffReader), insertion),
    newCardOf: (insertion) => newCardIn(devices, nameOf(residentReader), insertion),
    kept: keptDrafts,
    onKept: () => look(),
    hasScanner: () => devices.status.scanner?.state === 'ready',
  });
  const workshop = createWorkshop({
    devices,
    kioskFile,
    kioskId,
    dataDir,
    deviceKey,
    district,
    acts: actsOverOwnWay({ hubFile, kioskId, dataDir }, deviceKey),
    cardOf: (insertion) => cardIn(devices, nameOf(staffReader), insertion),
    waiting: () => outbox.waiting().length,
    wipeKey: () => wipeDeviceKey(join(dataDir, kioskFile.deviceKey)),
    onRetired: () => enrolment.check(),
    journal,
    clock,
    stickRoots,
    readiness: () => reportReadiness({ hubFile, kioskId, dataDir, version: setup.version, program: ok(null), deviceKey: ok(deviceKey), devices: devices.status, hub, light, district, now: () => clock.now() }),
    readinessPdf: (found) => readinessPdf(found, hubFile),
  });
  /** Of a matter with whose resident staff go on here. */
  let awaitedCode: string | null = null;
  /** The desk has the resident's reader: a card in it begins no visit. */
  let deskHasReader = false;
  /** Nor, for a moment, one that its holder puts in meanwhile. */
  let visitsWait = false;
  /** Insertion of the card that the desk had in it last: still in when the desk gives it back, it begins no visit before it was out. */
  let inDesks: number | null = null;
  const closeAll = async (): Promise<void> => {
    delivery.stop();
    services.stop();
    standing.stop();
    report.stop();
    witnesses.stop();
    hub.close();
    // The outbox stays open for a signature that is under way: without the device host it ends at once, one way or the other.
    devices.stop();
    await work.finished();
    journal.write({ event: 'kiosk.stopped' });
    outbox.close();
    journal.close();
  };
  const opened = await opening;
  if (!opened.ok) {
    await closeAll();
    return opened;
  }
  const screen = opened.value;
  const floor = shareScreen(screen, clock, (isVisit) => staff.floor(!isVisit));
  const staff = startStaff({
    work: staffWork,
    desk: deskWork,
    workshop,
    onClaim(claim) {
      deskHasReader = claim === 'desk';
      visitsWait = claim === 'moment';
      look();
    },
    onAwaited(code) {
      awaitedCode = code;
    },
    settings: { languages: hubFile.languages, ...hubFile.staff, refreshMs: staffRefreshMs, paperDots: kioskFile.devices.printer?.widthDots ?? null, oneReader: isShared },
    screen: floor.staff,
    journal,
    clock,
    kiosk,
  });
  const visits = startVisits({
    work,
    settings: {
      languages: hubFile.languages,
      idleLimitMs: hubFile.idleLimitMs,
      idleGraceMs: hubFile.idleGraceMs,
      farewellMs,
      recordWaitMs,
      paperDots: kioskFile.devices.printer?.widthDots ?? null,
      oneReader: isShared,
    },
    closure: () => standing.closure,
    brought: () => awaitedCode,
    onTakenUp: () => staff.handOffTaken(),
    screen: floor.visits,
    journal,
    clock,
    kiosk,
  });

  screen.onIntent((intent) => (floor.holder === 'staff' ? staff : visits).intent(intent));
  screen.onDropped((reason) => journal.write({ event: 'screen.dropped', why: reason }));
  screen.onLost((loss) => {
    journal.write({ event: 'screen.lost', why: loss });
    visits.screenLost();
    staff.screenLost();
  });

  const enrolment = watchEnrolment({ district, key: deviceKey.publicKey, clock, journal, onChange: () => look() });
  let wasReady = false;
  let wasFit = true;
  /** Residents can be served: the kiosk may attest, and has a reader for their cards. */
  const isFit = (): boolean => enrolment.failure === null && readerView(devices.status, residentReader, wasReady).view !== 'fault';
  const look = (): void => {
    const unfit = enrolment.failure;
    const inResidents = readerView(devices.status, residentReader, wasReady);
    const inStaffs = isShared ? inResidents : readerView(devices.status, staffReader, wasReady);
    const ofStaff = isShared && 'insertion' in inResidents && [staffInsertion, staff.insertion].includes(inResidents.insertion);
    // A new card that waits for a second signature begins no visit either.
    const isKept = 'insertion' in inResidents && inResidents.insertion === deskWork.keptCard;
    const isLeft = 'insertion' in inResidents && inResidents.insertion === inDesks;
    const forVisits: ReaderView = ofStaff || deskHasReader || visitsWait || isKept || isLeft ? { view: 'empty' } : inResidents;
    visits.reader(unfit === null ? forVisits : { view: 'fault', code: unfit.code, detail: unfit.detail ?? null });
    staff.residentReader(isShared && (ofStaff || deskHasReader) ? { view: 'empty' } : inResidents);
    staff.reader(!isShared || ofStaff || deskHasReader || isLeft ? inStaffs : { view: 'empty' });
    if (deskHasReader) inDesks = 'insertion' in inResidents ? inResidents.insertion : null;
    wasReady ||= devices.status.service === 'ready';
    if (devices.status.printer !== undefined) {
      visits.printer(devices.status.printer);
      staff.printer(devices.status.printer);
    }
    visits.scanner(devices.status.scanner?.state === 'ready');
    if (isFit() !== wasFit) {
      wasFit = isFit();
      report.say();
    }
  };
  devices.onStatus(look);
  devices.onScan(({ text }) => {
    if (floor.holder === 'staff') staff.scanned(text);
    else visits.scanned(text);
  });
  devices.onTouchWanted((_, insertion) => {
    visits.touchWanted(insertion);
    staff.touchWanted(insertion);
  });
  look();

  // Each time the hub comes back: the kiosk's own record is looked up, what waits is delivered, and the catalogue is proved anew.
  hub.onConnection((away) => {
    journal.write(away === null ? { event: 'hub', reachable: true } : { event: 'hub', reachable: false, code: away.code, detail: journalDetail(away.detail) });
    // A hub that shuts its door to this kiosk says why.
    if (away === null || away.code === 'kiosk-not-enrolled') enrolment.check();
    if (away !== null) return;
    delivery.sendAll();
    report.say();
    void services.offers();
  });
  enrolment.check();
  delivery.sendAll();
  report.say();

  return ok({
    async stop() {
      enrolment.stop();
      visits.stop();
      staff.stop();
      floor.stop();
      keptDrafts.close();
      await screen.close();
      await closeAll();
    },
  });
}

/** What is on the kiosk's disk. */
function openKept(dataDir: string, keyPath: string, clock: Clock) {
  const journal = openJournalIn(dataDir, clock);
  if (!journal.ok) return journal;
  const deviceKey = readDeviceKey(keyPath);
  if (!deviceKey.ok) return deviceKey;
  const outbox = openOutbox({ dataDir, clock });
  if (!outbox.ok) return outbox;
  return ok({ journal: journal.value, deviceKey: deviceKey.value, outbox: outbox.value });
}

function openJournalIn(dataDir: string, clock: Clock): Result<Journal> {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return ok(openJournal({ dataDir, clock }));
  } catch (error) {
    return fail('kiosk-storage', error instanceof Error && 'code' in error ? String(error.code) : undefined);
  }
}

function faultSnapshot(kiosk: KioskFacts, { languages }: HubFile, failure: Failure): Parameters<Screen['show']>[0] {
  return {
    seq: 1,
    language: languages[0] ?? 'zh-Hans',
    languages,
    kiosk,
    cardIn: false,
    staffWaits: false,
    overlay: null,
    page: { page: 'failure', code: failure.code, detail: failure.detail ?? null, next: 'none', sent: 'not-begun' },
  };
}
