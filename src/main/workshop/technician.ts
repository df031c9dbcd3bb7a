import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Intent, PackedSlip } from '../../contract/bridge.ts';
import type { DeviceCommand, DeviceCommands, DeviceStatus, Scan } from '../../contract/device-host.ts';
import type { KioskFile } from '../../contract/hub-file.ts';
import { fail, never, ok, type Failure, type Result } from '../../contract/result.ts';
import type { DeviceLine, JournalFilter, TestedDevice, TestResult, TraceLine, WorkshopPage } from '../../contract/workshop.ts';
import { Turns } from '../../drivers/turns.ts';
import { receiptToSymbols } from '../../ledger/verify/receipt-symbols.ts';
import { toHex } from '../../ledger/verify/bytes.ts';
import type { Card } from '../card.ts';
import type { Clock } from '../clock.ts';
import type { DeviceKey } from '../device-key.ts';
import type { District } from '../district.ts';
import type { Journal } from '../journal.ts';
import type { StaffAccess } from '../staff/work.ts';
import { longestPin } from '../desk/hands.ts';
import { readerView } from '../visit/reader-view.ts';
import { onDisk } from './bench.ts';
import { signedByCard } from './card-signer.ts';
import { asFault } from './as-fault.ts';
import { Exporting } from './exporting.ts';
import { sealJournal } from './journal-export.ts';
import { readJournalPage } from './journal-reading.ts';
import type { KioskActs } from './kiosk-acts.ts';
import { writeExport, type ExportTarget, type Written } from './medium.ts';
import { pageCode } from './page-code.ts';
import { failedTest, printedSlip, readinessLines, writeReadiness } from './readiness-out.ts';
import type { SignedReadiness } from './readiness.ts';

/** What of the device host a bench uses. */
export interface BenchDevices {
  readonly status: DeviceStatus;
  onStatus(listener: (status: DeviceStatus) => void): () => void;
  onScan(listener: (scan: Scan) => void): () => void;
  call<K extends DeviceCommand>(command: K, params: DeviceCommands[K]['params']): Promise<Result<DeviceCommands[K]['result']>>;
}

export interface WorkshopParts {
  devices: BenchDevices;
  kioskFile: KioskFile;
  kioskId: string;
  dataDir: string;
  deviceKey: DeviceKey;
  district: Pick<District, 'party'>;
  acts: Pick<KioskActs, 'retire' | 'standing'>;
  /** The technician's, which is in the staff reader. */
  cardOf(insertion: number): Card;
  /** Signed requests that wait for the hub. */
  waiting(): number;
  /** The key is written over and gone. */
  wipeKey(): Result<null>;
  /** The ledger knows this kiosk no more: it looks at once. */
  onRetired(): void;
  journal: Pick<Journal, 'write'>;
  clock: Clock;
  /** Folders below which a stick shows. */
  stickRoots: readonly string[];
  /** Looks at everything that a visit needs. */
  readiness(): Promise<SignedReadiness>;
  /** Of a report, on a page. */
  readinessPdf(report: SignedReadiness): Promise<Result<Uint8Array>>;
}

/** Who is at the bench, and the card in the reader. */
export interface WorkshopHands {
  access: StaffAccess;
  insertion: number;
  pinPad: boolean;
  triesLeft: number;
}

export interface WorkshopEars {
  show(page: WorkshopPage): void;
  /** Back to the staff's home. */
  over(): void;
}

/** One stay at the bench. */
export interface WorkshopBench {
  take(intent: Intent): void;
  stop(): void;
}

export interface Workshop {
  open(hands: WorkshopHands, ears: WorkshopEars): WorkshopBench;
}

/** The proof that this kiosk was taken off the ledger, beside where its key was. */
export const retirementReceipt = 'retired.receipt';

const rowsAPage = 30;
const traceEveryMs = 1000;
/** It may have been recorded all the same. */
const answerLost: readonly string[] = ['hub-unreachable', 'hub-busy'];
/** A person lays an identity card on within it. */
const layMs = 20_000;

export function createWorkshop(parts: WorkshopParts): Workshop {
  const turns = new Turns();
  return {
    open: (hands, ears) => {
      const bench = new Bench(parts, hands, ears, turns);
      bench.start();
      return bench;
    },
  };
}

type Retiring = Exclude<Extract<WorkshopPage, { part: 'retire' }>, { state: 'done' }> | { part: 'retire'; state: 'done' };
/** `receipt` null: it was off the ledger already, by a retirement whose answer was lost. `unkept`: why the receipt is not on this machine's disk. */
interface Retired {
  receipt: Uint8Array | null;
  unkept: Failure | null;
}
/** Without `stands`: the kiosk is as before. */
type NotRetired = Failure<string> & { stands?: 'unsure' | 'key-left' };
const stands = (how: 'unsure' | 'key-left', failure: Failure<string>): { ok: false; failure: NotRetired } => ({ ok: false, failure: { ...failure, stands: how } });
type Place = { part: 'devices' } | { part: 'device'; device: TestedDevice } | { part: 'journal'; filter: JournalFilter; from: number } | { part: 'export'; what: 'journal' | 'readiness' } | { part: 'readiness' } | { part: 'retire' };

class Bench implements WorkshopBench {
  readonly #parts: WorkshopParts;
  readonly #hands: WorkshopHands;
  readonly #ears: WorkshopEars;
  readonly #exporting: Exporting;
  readonly #unlisten: (() => void)[] = [];
  #place: Place = { part: 'devices' };
  #trace: TraceLine[] = [];
  #scan: Extract<WorkshopPage, { part: 'device' }>['scan'] = null;
  #busy = false;
  #result: TestResult | null = null;
  #readiness: SignedReadiness | null = null;
  #retiring: Retiring = { part: 'retire', state: 'asking', waiting: 0 };
  #proof: { qr: string[]; at: string } = { qr: [], at: '' };
  #triesLeft: number;
  #turn = 0;
  #timer: unknown = null;
  #over = false;

  constructor(parts: WorkshopParts, hands: WorkshopHands, ears: WorkshopEars, turns: Turns) {
    this.#parts = parts;
    this.#exporting = new Exporting({ dataDir: parts.dataDir, stickRoots: parts.stickRoots, turns, onChange: () => this.#show() });
    this.#hands = hands;
    this.#ears = ears;
    this.#triesLeft = hands.triesLeft;
  }

  start(): void {
    const { devices, clock } = this.#parts;
    this.#unlisten.push(
      devices.onStatus(() => this.#show()),
      devices.onScan(({ text, symbology }) => {
        this.#scan = { text: text.slice(0, 500), symbology, at: new Date(clock.now()).toISOString() };
        this.#show();
      }),
    );
    this.#show();
  }

  stop(): void {
    this.#over = true;
    this.#leave();
    for (const end of this.#unlisten) end();
  }

  take(intent: Intent): void {
    const take = this.#takes[intent.intent] as ((intent: Intent) => void) | undefined;
    take?.(intent);
    this.#show();
  }

  readonly #takes: { [Name in Intent['intent']]?: (intent: Extract<Intent, { intent: Name }>) => void } = {
    'workshop.open': ({ part }) => this.#go(part === 'journal' ? { part, filter: 'all', from: 0 } : part === 'export' ? { part, what: 'journal' } : { part }),
    'workshop.device': ({ device }) => this.#go({ part: 'device', device }),
    'workshop.try': () => this.#try(),
    'workshop.print': ({ slip }) => this.#print(slip),
    'workshop.filter': ({ filter }) => this.#go({ part: 'journal', filter, from: 0 }),
    'workshop.turn': ({ to }) => {
      if (this.#place.part === 'journal') this.#go({ ...this.#place, from: Math.max(0, this.#place.from + (to === 'older' ? rowsAPage : -rowsAPage)) });
    },
    'workshop.export': ({ option }) => {
      if (this.#place.part === 'export') this.#exporting.to(option, this.#place.what === 'journal' ? (target) => this.#writeJournal(target) : (target) => this.#writeReport(target));
    },
    'workshop.save': () => {
      if (this.#place.part !== 'readiness' || this.#readiness === null || this.#busy) return;
      // The page is not left: whoever comes back finds the report that was saved, and whether it was printed.
      this.#place = { part: 'export', what: 'readiness' };
      this.#exporting.open();
    },
    'workshop.retire': () => this.#askForPin(false),
    'pin.submit': ({ pin }) => this.#retire(pin),
    'pin.on-reader': () => this.#retire(null),
    back: () => this.#back(),
    home: () => this.#back(),
  };

  #back(): void {
    if (this.#isTied()) return;
    if (this.#place.part === 'devices') this.#ears.over();
    else if (this.#place.part === 'export' && this.#place.what === 'readiness') this.#place = { part: 'readiness' };
    else this.#go({ part: 'devices' });
  }

  #leave(): void {
    this.#turn += 1;
    if (this.#timer !== null) this.#parts.clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#busy = false;
    this.#result = null;
    this.#trace = [];
    this.#scan = null;
  }

  /** Nothing leads away: whether it is on the ledger is about to be known, or a stick is being written that would be pulled out. */
  #isTied(): boolean {
    return (this.#place.part === 'retire' && this.#retiring.state === 'working') || this.#exporting.isWriting;
  }

  #go(place: Place): void {
    if (this.#isTied()) return;
    this.#leave();
    this.#place = place;
    if (place.part === 'device') this.#watchTrace(place.device);
    if (place.part === 'export') this.#exporting.open();
    if (place.part === 'readiness') this.#lookAround();
    if (place.part === 'retire') this.#retiring = { part: 'retire', state: 'asking', waiting: this.#parts.waiting() };
  }

  #readerOf(device: TestedDevice): string | null {
    const { resident, staff = resident } = this.#parts.kioskFile.readers;
    if (device !== 'reader-resident' && device !== 'reader-staff') return null;
    const wanted = device === 'reader-resident' ? resident : staff;
    return this.#parts.devices.status.readers.find(({ name }) => (wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted))?.name ?? wanted;
  }

  #watchTrace(device: TestedDevice): void {
    const reader = this.#readerOf(device);
    if (reader === null) return;
    const turn = this.#turn;
    void this.#parts.devices.call('reader.trace', { reader }).then((entries) => {
      if (turn !== this.#turn || this.#over) return;
      if (entries.ok) this.#trace = entries.value.slice(-20).map(({ atMs, ...entry }) => ({ ...entry, at: new Date(atMs).toISOString() }));
      this.#show();
      this.#timer = this.#parts.clock.setTimeout(() => this.#watchTrace(device), traceEveryMs);
    });
  }

  #try(): void {
    if (this.#place.part !== 'device' || this.#busy) return;
    switch (this.#place.device) {
      case 'reader-resident':
      case 'reader-staff':
        return this.#test(this.#tryCard(this.#place.device));
      case 'identity-reader':
        return this.#test(this.#tryIdentityReader());
      case 'scanner':
      case 'printer':
        // One is tried by hand, the other by its slip.
        return;
      default:
        never(this.#place.device);
    }
  }

  #test(doing: Promise<TestResult>): void {
    const turn = this.#turn;
    this.#busy = true;
    this.#result = null;
    void doing.then((result) => {
      if (turn !== this.#turn || this.#over) return;
      this.#busy = false;
      this.#result = result;
      this.#show();
    });
  }

  /** Whatever card is in it: which application it has, and whether it was ever used. Nothing of it is kept. */
  async #tryCard(device: TestedDevice): Promise<TestResult> {
    const { devices } = this.#parts;
    const reader = this.#readerOf(device) ?? '';
    const inside = devices.status.readers.find(({ name }) => name === reader);
    if (inside === undefined) return failedTest(fail('reader-missing').failure);
    // The technician's own is open already, and stays so.
    if (inside.insertion === this.#hands.insertion) return { test: 'failed', code: 'card-in-use', detail: null };
    const { insertion } = inside;
    const opened = await devices.call('card.open-raw', { reader, insertion });
    await devices.call('card.release', { insertion });
    return opened.ok ? { test: 'card', version: opened.value.version, state: opened.value.state } : failedTest(opened.failure);
  }

  async #tryIdentityReader(): Promise<TestResult> {
    const read = await this.#parts.devices.call('identity.read', { waitMs: layMs });
    return read.ok ? { test: 'identity', layout: read.value.layout } : failedTest(read.failure);
  }

  #print(slip: PackedSlip): void {
    const isProof = this.#place.part === 'retire' && this.#retiring.state === 'done';
    const isTest = this.#place.part === 'device' && this.#place.device === 'printer';
    const isReport = this.#place.part === 'readiness' && this.#readiness !== null;
    if ((isProof || isTest || isReport) && !this.#busy) this.#test(printedSlip(this.#parts.devices, slip));
  }

  async #writeJournal(target: ExportTarget): Promise<Written> {
    const { dataDir, kioskId, deviceKey, district, journal, clock } = this.#parts;
    const { staff } = this.#hands.access;
    const hub = await district.party(staff.party);
    if (!hub.ok) return hub;
    const now = clock.now();
    // It stands in what is exported that it was.
    journal.write({ event: 'journal.exported', staff: toHex(staff.id) });
    const name = `journal-${kioskId}-${new Date(now).toISOString().slice(0, 19).replaceAll(':', '')}.imi`;
    try {
      const sealed = await sealJournal({ dataDir, kioskId, deviceKey, hubSeal: hub.value.seal, now });
      return sealed.ok ? await writeExport(target, [{ name, bytes: sealed.value }]) : sealed;
    } catch (error) {
      // The journal's own file.
      return fail('kiosk-fault', error instanceof Error ? error.name : undefined);
    }
  }

  #lookAround(): void {
    const turn = this.#turn;
    this.#readiness = null;
    void this.#parts.readiness().then((found) => {
      if (turn !== this.#turn || this.#over) return;
      this.#readiness = found;
      this.#show();
    });
  }

  #writeReport(target: ExportTarget): Promise<Written> {
    const found = this.#readiness;
    return found === null ? Promise.resolve(fail('kiosk-fault', 'no report')) : writeReadiness(found, this.#parts.readinessPdf, target);
  }

  #askForPin(wrong: boolean): void {
    if (this.#place.part !== 'retire' || this.#retiring.state === 'working' || this.#retiring.state === 'done') return;
    const waiting = this.#parts.waiting();
    if (waiting > 0) this.#retiring = { part: 'retire', state: 'asking', waiting };
    else if (this.#triesLeft <= 1) this.#retiring = { part: 'retire', state: 'refused', code: this.#triesLeft === 0 ? 'pin-blocked' : 'pin-last-try', detail: null };
    else this.#retiring = { part: 'retire', state: 'pin', triesLeft: this.#triesLeft, pinPad: this.#hands.pinPad, wrong, minLength: 6, maxLength: longestPin };
  }

  /** @param typed null: the reader's own pad takes it. A PIN that nobody asked for is not even encoded. */
  #retire(typed: string | null): void {
    if (this.#place.part !== 'retire' || this.#retiring.state !== 'pin') return;
    this.#retiring = { part: 'retire', state: 'working' };
    const pin = typed === null ? null : new TextEncoder().encode(typed);
    const retired: Promise<Result<Retired, NotRetired>> = this.#retireNow(pin).catch(asFault).finally(() => pin?.fill(0));
    void retired.then((outcome) => {
      // Even where nobody is at the bench any more: the key is gone, and the kiosk has to know.
      if (outcome.ok || outcome.failure.stands === 'key-left') this.#parts.onRetired();
      if (this.#over) return;
      if (outcome.ok) {
        const { receipt, unkept } = outcome.value;
        this.#proof = { qr: receipt === null ? [] : receiptToSymbols(receipt), at: new Date(this.#parts.clock.now()).toISOString() };
        this.#result = unkept === null ? null : failedTest(unkept);
        this.#retiring = { part: 'retire', state: 'done' };
      } else if (outcome.failure.code === 'pin-wrong') {
        this.#retiring = { part: 'retire', state: 'asking', waiting: 0 };
        this.#askForPin(true);
      } else this.#retiring = { part: 'retire', state: 'refused', code: pageCode(outcome.failure), detail: outcome.failure.detail ?? null, ...(outcome.failure.stands === undefined ? {} : { stands: outcome.failure.stands }) };
      this.#show();
    });
  }

  /** The key goes only when the ledger knows it no more. */
  async #retireNow(pin: Uint8Array | null): Promise<Result<Retired, NotRetired>> {
    const { acts, cardOf, dataDir, wipeKey, journal } = this.#parts;
    const { access, insertion } = this.#hands;
    const card = cardOf(insertion);
    const verified = await card.verify('sign', pin);
    if (!verified.ok) return verified;
    if (!verified.value.verified) {
      this.#triesLeft = verified.value.triesLeft;
      return fail('pin-wrong');
    }
    const sig = access.staff.sig;
    let isTaken = false;
    const onTaken = (): void => {
      isTaken = true;
    };
    const retired = await signedByCard(card, { keys: { sig, aut: sig, dec: sig } }, (signer) => acts.retire(signer, onTaken)).catch(asFault);
    if (!retired.ok) {
      const isSaid = retired.failure.code === 'kiosk-not-enrolled' && retired.failure.detail === 'retired';
      if (!isSaid) return isTaken || answerLost.includes(retired.failure.code) ? stands('unsure', retired.failure) : retired;
      // Whoever says so, the ledger has to.
      const known = await acts.standing().catch(asFault);
      if (!known.ok) return stands('unsure', known.failure);
      if (known.value.standing !== 'retired') return retired;
    }
    // A disk that does not take the proof keeps no key: the ledger has it, and the page shows it.
    const kept = retired.ok ? onDisk(() => writeFileSync(join(dataDir, retirementReceipt), retired.value, { mode: 0o600 })) : ok(null);
    const wiped = wipeKey();
    if (!wiped.ok) return stands('key-left', wiped.failure);
    journal.write({ event: 'kiosk.retired', staff: toHex(access.staff.id) });
    return ok({ receipt: retired.ok ? retired.value : null, unkept: kept.ok ? null : kept.failure });
  }

  #show(): void {
    if (!this.#over) this.#ears.show(this.#page());
  }

  #page(): WorkshopPage {
    const { kioskFile, dataDir, devices } = this.#parts;
    const place = this.#place;
    switch (place.part) {
      case 'devices':
        return { part: 'devices', lines: deviceLines(kioskFile, devices.status) };
      case 'device': {
        const line = deviceLines(kioskFile, devices.status).find(({ device }) => device === place.device);
        if (line === undefined) return { part: 'devices', lines: deviceLines(kioskFile, devices.status) };
        return { part: 'device', line, trace: this.#trace, scan: this.#scan, widthDots: place.device === 'printer' ? (kioskFile.devices.printer?.widthDots ?? null) : null, busy: this.#busy, result: this.#result };
      }
      case 'journal':
        return { part: 'journal', filter: place.filter, from: place.from, ...readJournalPage(dataDir, place.filter, place.from, rowsAPage) };
      case 'export':
        return { part: 'export', what: place.what, ...this.#exporting.shown };
      case 'readiness':
        return { part: 'readiness', report: this.#readiness === null ? null : readinessLines(this.#readiness), widthDots: kioskFile.devices.printer?.widthDots ?? null, busy: this.#busy, result: this.#result };
      case 'retire':
        if (this.#retiring.state !== 'done') return this.#retiring;
        return { ...this.#retiring, ...this.#proof, widthDots: kioskFile.devices.printer?.widthDots ?? null, busy: this.#busy, result: this.#result };
      default:
        return never(place);
    }
  }
}

/** Every device that the hub's file names, with how it is. */
export function deviceLines({ readers, devices }: KioskFile, status: DeviceStatus): DeviceLine[] {
  const reader = (device: TestedDevice, wanted: string): DeviceLine => {
    const view = readerView(status, wanted, true);
    const name = status.readers.find((one) => (wanted.endsWith('*') ? one.name.startsWith(wanted.slice(0, -1)) : one.name === wanted))?.name ?? wanted;
    if (view.view === 'fault') return { device, name, state: 'bad', says: 'missing', code: view.code, detail: view.detail };
    if (view.view === 'mute') return { device, name, state: 'bad', says: 'card-mute', code: 'card-mute', detail: null };
    return { device, name, state: view.view === 'starting' ? 'starting' : 'good', says: view.view, code: null, detail: null };
  };
  const other = (device: TestedDevice, named: string, is: DeviceStatus['identityReader'] | DeviceStatus['scanner'] | DeviceStatus['printer']): DeviceLine => {
    if (is === undefined || is.state === 'starting') return { device, name: named, state: 'starting', says: 'starting', code: null, detail: null };
    if (is.state === 'unusable') return { device, name: named, state: 'bad', says: 'unusable', code: is.failure.code, detail: is.failure.detail ?? null };
    return { device, name: is.product, state: 'good', says: is.state, code: null, detail: null };
  };
  const { identityReader, scanner, printer } = devices;
  return [
    reader('reader-resident', readers.resident),
    ...(readers.staff === undefined ? [] : [reader('reader-staff', readers.staff)]),
    ...(identityReader === undefined ? [] : [other('identity-reader', identityReader.connection === 'serial' ? identityReader.path : `${identityReader.vendor}:${identityReader.product}`, status.identityReader)]),
    ...(scanner === undefined ? [] : [other('scanner', `${scanner.vendor}:${scanner.product}`, status.scanner)]),
    ...(printer === undefined ? [] : [other('printer', 'queue' in printer ? printer.queue : printer.path, status.printer)]),
  ];
}
