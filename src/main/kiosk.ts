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
import { cardIn } from './card.ts';
import { systemClock, type Clock } from './clock.ts';
import { createDelivery } from './delivery.ts';
import { readDeviceKey } from './device-key.ts';
import { createDistrict } from './district.ts';
import { watchEnrolment } from './enrolment.ts';
import { journalDetail, openJournal, type Journal } from './journal.ts';
import { openOutbox } from './outbox.ts';
import { savedHeadIn } from './saved-head.ts';
import { createServiceList } from './service-list.ts';
import { fits, readerView } from './visit/reader-view.ts';
import type { KioskFacts } from './visit/snapshot.ts';
import { startVisits } from './visit/start-visit.ts';
import { createVisitWork } from './visit/visit-work.ts';
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
  const { journal, outbox, deviceKey } = kept.value;
  journal.write({ event: 'kiosk.started', kiosk: kioskId, chain: hubFile.trustRoot.chain });
  const devices = new DeviceHost(setup.spawnHost);
  const hub = connectHub(wayToHub(hubFile.hub, { kioskId, dataDir, deviceKey }));
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
  const district = createDistrict({ hub, light, crypto: nodeCrypto, kioskId, now: () => clock.now() });
  const services = createServiceList({ district, journal, clock, onChange: (offered) => visits.offered(offered) });

  const readerName = (): string => devices.status.readers.find(({ name }) => fits(name, kioskFile.readers.resident))?.name ?? kioskFile.readers.resident;

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
    cardOf: (insertion) => cardIn(devices, readerName(), insertion),
  });
  const closeAll = async (): Promise<void> => {
    delivery.stop();
    services.stop();
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
  const visits = startVisits({
    work,
    settings: {
      languages: hubFile.languages,
      idleLimitMs: hubFile.idleLimitMs,
      idleGraceMs: hubFile.idleGraceMs,
      farewellMs,
      recordWaitMs,
    },
    screen,
    journal,
    clock,
    kiosk,
  });

  screen.onIntent((intent) => visits.intent(intent));
  screen.onDropped((reason) => journal.write({ event: 'screen.dropped', why: reason }));
  screen.onLost((loss) => {
    journal.write({ event: 'screen.lost', why: loss });
    visits.screenLost();
  });

  const enrolment = watchEnrolment({ district, key: deviceKey.publicKey, clock, journal, onChange: () => look() });
  let wasReady = false;
  const look = (): void => {
    const unfit = enrolment.failure;
    visits.reader(
      unfit === null
        ? readerView(devices.status, kioskFile.readers.resident, wasReady)
        : { view: 'fault', code: unfit.code, detail: unfit.detail ?? null },
    );
    wasReady ||= devices.status.service === 'ready';
  };
  devices.onStatus(look);
  devices.onTouchWanted((_, insertion) => visits.touchWanted(insertion));
  look();

  // Each time the hub comes back: the kiosk's own record is looked up, what waits is delivered, and the catalogue is proved anew.
  hub.onConnection((away) => {
    journal.write(away === null ? { event: 'hub', reachable: true } : { event: 'hub', reachable: false, code: away.code, detail: journalDetail(away.detail) });
    // A hub that shuts its door to this kiosk says why.
    if (away === null || away.code === 'kiosk-not-enrolled') enrolment.check();
    if (away !== null) return;
    delivery.sendAll();
    void services.offers();
  });
  enrolment.check();
  delivery.sendAll();

  return ok({
    async stop() {
      enrolment.stop();
      visits.stop();
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
    overlay: null,
    page: { page: 'failure', code: failure.code, detail: failure.detail ?? null, next: 'none', sent: 'not-begun' },
  };
}
