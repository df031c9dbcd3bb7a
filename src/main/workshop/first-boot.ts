import { existsSync } from 'node:fs';
import type { Intent, PackedSlip, Page, Snapshot } from '../../contract/bridge.ts';
import type { DeviceSurvey, ReaderStatus, SpawnHost } from '../../contract/device-host.ts';
import type { HubFile, KioskFile } from '../../contract/hub-file.ts';
import { languages, type Localized } from '../../contract/language.ts';
import { bankCardMm } from '../../contract/bank-card.ts';
import type { FailureCode } from '../../contract/failures.ts';
import { fail, never, ok, type Failure, type Result } from '../../contract/result.ts';
import { setupSteps, type CheckLine, type ReadinessShown, type SetupPage, type SetupProblem, type SetupStep } from '../../contract/workshop.ts';
import { DeviceHost } from '../../drivers/device-host.ts';
import type { HostDuties } from '../../drivers/host-arguments.ts';
import { Turns } from '../../drivers/turns.ts';
import { encodeSpki, pinOf } from '../../ledger/client/spki.ts';
import type { Signer } from '../../ledger/verify/envelope.ts';
import type { Screen } from '../bridge.ts';
import { cardIn } from '../card.ts';
import type { Clock } from '../clock.ts';
import { readDeviceKey, readOrMakeDeviceKey, setAsideDeviceKey, type KeyPlace, type StoredDeviceKey } from '../device-key.ts';
import { tpmAtHand } from '../tpm.ts';
import { AskedPin } from './asked-pin.ts';
import { enrolOnce, keyPathOf, openWay, settled, type Bench } from './bench.ts';
import { signedByCard } from './card-signer.ts';
import { Exporting } from './exporting.ts';
import { pageCode } from './page-code.ts';
import { printedSlip, readinessLines, writeReadiness } from './readiness-out.ts';
import { checkLineOf, onTheWay, reportReadiness, type SignedReadiness } from './readiness.ts';
import { becomeKiosk, benchOf, keepAnswers, keptAnswers, type SetupAnswers } from './setup-answers.ts';
import { fetchHubFile, findHubs, readBackOf, throwawayKey, typedPlace, type FoundHub } from './setup-hub.ts';
import { devicesWith, optionOf, optionsFor, stateFor } from './setup-options.ts';

export interface FirstBootParts {
  screen: Screen;
  clock: Clock;
  dataDir: string;
  /** As the browser was started, until the page says how large it really is. */
  panel: { widthPx: number; heightPx: number };
  /** Where a hub's public file may lie: folders in which a stick shows, or the file itself. */
  hubPlaces: readonly string[];
  /** Folders below which a stick shows that takes the report. */
  stickRoots: readonly string[];
  /** Of a report, on a page. */
  readinessPdf(report: SignedReadiness, hubFile: HubFile): Promise<Result<Uint8Array>>;
  /** Of the product, and whether what residents see is there to be started: for the readiness report. */
  version: string;
  program: Result<null, Failure<string>>;
  spawnHost(duties: HostDuties): SpawnHost;
}

export interface FirstBoot {
  /** The kiosk that this has become: its files are on the disk, and nothing of the wizard runs any more. */
  readonly done: Promise<Bench>;
  /** Of the last snapshot that was shown. */
  readonly lastSeq: number;
  /** What was answered is on the disk already. */
  stop(): void;
}

/** How a kiosk is called that has no hub yet, and where its technician finds a person. */
const newKiosk: Localized = { 'zh-Hans': '新的自助终端', en: 'New kiosk' };
const askYourHub: Localized = { 'zh-Hans': '请问服务中心的管理员。', en: 'Ask whoever runs the hub.' };

/** Until a bank card has been held against it: a screen of 21.5 inches with 1080 × 1920 pixels. */
const usualPxPerMm = 4.03;

/** As the hub's file has it. */
const leastPx = 600;
const surveyEveryMs = 2000;
const secondMs = 1000;
/** systemd-timesyncd says here that it has followed another clock. */
const timeKeptFile = '/run/systemd/timesync/synchronized';

const notPrinted: Pick<ReadinessShown, 'busy' | 'result'> = { busy: false, result: null };

type Side = 'hub-address' | 'hub-pin' | 'report';
type Enrolling =
  | { state: 'card'; failure: Failure<string> | null }
  | { state: 'pin'; triesLeft: number; pinPad: boolean; wrong: boolean; minLength: number; maxLength: number }
  | { state: 'working' }
  | { state: 'done'; before: boolean };

export function startFirstBoot(parts: FirstBootParts): FirstBoot {
  const wizard = new Wizard(parts);
  wizard.start();
  return {
    done: wizard.done,
    get lastSeq() {
      return wizard.seq;
    },
    stop: () => wizard.stop(),
  };
}

/** One question after the other; what was answered is on the disk before the next one is asked. */
class Wizard {
  readonly done: Promise<Bench>;
  seq = 0;
  readonly #parts: FirstBootParts;
  readonly #becomes: (bench: Bench) => void;
  #answers: SetupAnswers;
  #host: DeviceHost;
  #duties: string;
  #side: Side | null = null;
  #found: FoundHub[] = [];
  #typed = { address: '', pin: '', kiosk: '' };
  #problem: SetupProblem | null = null;
  #asking = false;
  #survey: DeviceSurvey | null = null;
  /** Of the way to the hub. */
  #checks: CheckLine[] | null = null;
  /** Of the whole of it. */
  #readiness: SignedReadiness | null = null;
  #printing: Pick<ReadinessShown, 'busy' | 'result'> = notPrinted;
  readonly #exporting: Exporting;
  #key: StoredDeviceKey | null = null;
  #keyProblem: FailureCode | null = null;
  /** A key lies there that this kiosk cannot be enrolled with. */
  #oldKey: 'unusable' | 'taken' | null = null;
  /** The way to this machine's TPM, where it has one. */
  #tpm: string | null = null;
  #enrolling: Enrolling = { state: 'working' };
  #setback: Failure<string> | null = null;
  #help = false;
  /** Who waits for a card, or for its PIN. */
  #onReaders: ((readers: ReaderStatus[]) => void) | null = null;
  readonly #pin = new AskedPin();
  #onLeave: (() => void) | null = null;
  /** Counts the pages: an answer that comes for an older one is nobody's. */
  #turn = 0;
  #timer: unknown = null;
  #over = false;
  #shown = '';
  /** Intents of visits and of sessions are nobody's here. */
  readonly #takes: { [Name in Intent['intent']]?: (intent: Extract<Intent, { intent: Name }>) => void } = {
    'language.set': ({ language }) => void this.#keep({ language }),
    'help.open': () => {
      this.#help = true;
    },
    'help.close': () => {
      this.#help = false;
    },
    back: () => this.#back(),
    retry: () => this.#retry(),
    'setup.next': () => this.#next(),
    'setup.by-hand': () => {
      if (this.#answers.step === 'hub') this.#open('hub-address');
    },
    'setup.choose': ({ option }) => this.#choose(option),
    'setup.type': ({ text }) => this.#typeIn(text),
    'setup.measure': (measured) => this.#measure(measured),
    'workshop.print': ({ slip }) => this.#print(slip),
    'workshop.save': () => {
      if (this.#answers.step !== 'verify' || this.#side !== null || this.#readiness === null || this.#printing.busy) return;
      this.#open('report');
      this.#exporting.open();
    },
    'workshop.export': ({ option }) => {
      const [found, bench] = [this.#readiness, benchOf(this.#parts.dataDir, this.#answers)];
      if (this.#side === 'report' && found !== null && bench !== null) this.#exporting.to(option, (target) => writeReadiness(found, (report) => this.#parts.readinessPdf(report, bench.hubFile), target));
    },
    'pin.submit': ({ pin }) => this.#pin.give(pin),
    'pin.on-reader': () => this.#pin.give(null),
  };

  constructor(parts: FirstBootParts) {
    this.#parts = parts;
    const { promise, resolve } = Promise.withResolvers<Bench>();
    this.done = promise;
    this.#becomes = resolve;
    this.#exporting = new Exporting({ dataDir: parts.dataDir, stickRoots: parts.stickRoots, turns: new Turns(), onChange: () => this.#show() });
    this.#answers = keptAnswers(parts.dataDir) ?? { v: 1, step: 'language', language: 'zh-Hans', devices: {}, asked: [] };
    this.#duties = this.#dutiesNow();
    this.#host = this.#openHost();
  }

  start(): void {
    const { screen } = this.#parts;
    screen.onIntent((intent) => {
      if (!this.#over) this.#take(intent);
    });
    screen.onLost(() => {
      this.#shown = '';
      this.#show();
    });
    this.#enter(this.#answers.step);
  }

  stop(): void {
    this.#over = true;
    this.#leave();
    this.#host.stop();
  }

  #openHost(): DeviceHost {
    const host = new DeviceHost(this.#parts.spawnHost({ binding: 'smartcard', devices: this.#answers.devices }));
    host.onStatus(({ readers, service }) => {
      this.#onReaders?.(readers);
      // Whoever is first on such a page need not wait for the next look.
      if (this.#survey === null && service !== 'starting') this.#lookAround();
      this.#show();
    });
    return host;
  }

  #dutiesNow(): string {
    return JSON.stringify(this.#answers.devices);
  }

  /** A device host drives what it was started with. */
  #renewHost(): void {
    if (this.#dutiesNow() === this.#duties) return;
    this.#duties = this.#dutiesNow();
    this.#host.stop();
    this.#host = this.#openHost();
  }

  #take(intent: Intent): void {
    const take = this.#takes[intent.intent] as ((intent: Intent) => void) | undefined;
    take?.(intent);
    this.#show();
  }

  /** What is answered is on the disk when this returns true. */
  #keep(change: Partial<SetupAnswers>): boolean {
    this.#answers = { ...this.#answers, ...change };
    const kept = keepAnswers(this.#parts.dataDir, this.#answers);
    if (!kept.ok) this.#setback = kept.failure;
    return kept.ok;
  }

  /** Nothing of the page before goes on. */
  #leave(): void {
    this.#turn += 1;
    if (this.#timer !== null) this.#parts.clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#onReaders = null;
    this.#pin.drop();
    this.#onLeave?.();
    this.#onLeave = null;
  }

  #enter(step: SetupStep): void {
    this.#leave();
    this.#side = null;
    this.#problem = null;
    this.#asking = false;
    this.#checks = null;
    this.#readiness = null;
    this.#printing = notPrinted;
    this.#renewHost();
    if (step !== this.#answers.step && !this.#keep({ step })) return;
    const { hubPlaces } = this.#parts;
    switch (step) {
      case 'hub':
        this.#found = findHubs(hubPlaces);
        this.#every(surveyEveryMs, () => {
          this.#found = findHubs(hubPlaces);
        });
        break;
      case 'clock':
        this.#every(secondMs, () => undefined);
        break;
      case 'identity-reader':
      case 'scanner':
      case 'printer':
        this.#lookAround();
        this.#every(surveyEveryMs, () => this.#lookAround());
        break;
      case 'network':
        this.#lookAtTheWay();
        break;
      case 'device-key':
        this.#tpm = tpmAtHand();
        this.#lookAtKey();
        break;
      case 'enrol':
        this.#beginEnrolment();
        break;
      case 'verify':
        this.#verify();
        break;
      case 'kiosk':
        this.#typed.kiosk = this.#answers.kioskId ?? '';
        break;
      case 'language':
      case 'hub-check':
      case 'screen':
      case 'touch':
      case 'reader-resident':
      case 'reader-staff':
        break;
      default:
        never(step);
    }
    this.#show();
  }

  #lookAtKey(): void {
    const isThere = existsSync(this.#keyPath());
    this.#key = isThere ? this.#given(readDeviceKey(this.#keyPath())) : null;
    if (!isThere) this.#oldKey = null;
    else if (this.#key === null) this.#oldKey = 'unusable';
    else if (this.#oldKey === 'taken') this.#key = null;
    else this.#oldKey = null;
  }

  /** One that cannot be used here is out of its way first. */
  #makeKey(place: KeyPlace): void {
    const path = this.#keyPath();
    const aside = this.#oldKey === null ? ok(null) : setAsideDeviceKey(path);
    if (aside.ok) this.#oldKey = null;
    this.#key = this.#given(aside.ok ? readOrMakeDeviceKey(path, place) : aside);
  }

  #open(side: Side): void {
    this.#leave();
    this.#side = side;
    this.#problem = null;
    this.#asking = false;
  }

  #retry(): void {
    if (this.#setback === null) return;
    this.#setback = null;
    // What was answered meanwhile is in memory alone.
    if (this.#keep({})) this.#enter(this.#answers.step);
  }

  #measure({ cardPx, widthPx, heightPx }: { cardPx: number; widthPx: number; heightPx: number }): void {
    if (this.#answers.step !== 'screen') return;
    const pxPerMm = Math.round((cardPx / bankCardMm.width) * 1000) / 1000;
    if (this.#keep({ screen: { widthPx: Math.max(leastPx, widthPx), heightPx: Math.max(leastPx, heightPx), pxPerMm } })) this.#goOn();
  }

  #goOn(): void {
    const next = setupSteps[setupSteps.indexOf(this.#answers.step) + 1];
    if (next !== undefined) this.#enter(next);
  }

  #back(): void {
    if (this.#setback !== null || this.#exporting.isWriting || this.#printing.busy) return;
    if (this.#side === 'report') {
      // To what was saved: nothing is looked at anew.
      this.#side = null;
      return;
    }
    if (this.#side === 'hub-pin') return this.#open('hub-address');
    if (this.#side === 'hub-address') return this.#enter('hub');
    const before = setupSteps[setupSteps.indexOf(this.#answers.step) - 1];
    if (before !== undefined) this.#enter(before);
  }

  #next(): void {
    const { step, hubFile, residentReader, staffReader, asked } = this.#answers;
    switch (step) {
      case 'language':
      case 'clock':
      case 'touch':
        return this.#goOn();
      case 'hub-check':
        return hubFile === undefined ? this.#enter('hub') : this.#goOn();
      case 'reader-resident':
        return residentReader === undefined ? undefined : this.#goOn();
      case 'reader-staff':
        return staffReader === undefined ? undefined : this.#goOn();
      case 'identity-reader':
      case 'scanner':
      case 'printer':
        return asked.includes(step) ? this.#goOn() : undefined;
      case 'network':
        return this.#checks !== null && this.#checks.every(({ state }) => state !== 'bad') ? this.#goOn() : this.#enter('network');
      case 'device-key':
        return this.#key === null ? undefined : this.#goOn();
      case 'enrol':
        return this.#enrolling.state === 'done' ? this.#goOn() : this.#enrolling.state === 'card' ? this.#beginEnrolment() : undefined;
      case 'verify':
        if (this.#readiness === null || this.#side !== null || this.#printing.busy) return;
        return this.#readiness.report.ready ? this.#finish() : this.#enter('verify');
      case 'hub':
      case 'kiosk':
      case 'screen':
        // Each goes on with its answer.
        return;
      default:
        never(step);
    }
  }

  #choose(option: string): void {
    const { step, devices, asked, staffReader } = this.#answers;
    if (step === 'hub') {
      const found = this.#found.find(({ path }) => path === option);
      if (found !== undefined && this.#keep({ hubFile: found.hubFile, place: undefined })) this.#goOn();
    } else if (step === 'reader-resident') {
      if (option !== '') this.#keep({ residentReader: option, ...(staffReader === option ? { staffReader: undefined } : {}) });
    } else if (step === 'reader-staff') {
      this.#keep({ staffReader: option === '' ? null : option });
    } else if (step === 'identity-reader' || step === 'scanner' || step === 'printer') {
      this.#keep({ devices: devicesWith(step, option, devices, this.#known().devices), asked: [...new Set([...asked, step])] });
      this.#renewHost();
    } else if (step === 'device-key' && this.#key === null && (option === 'file' || this.#tpm !== null)) {
      this.#makeKey(option === 'file' || this.#tpm === null ? 'file' : { tpm: this.#tpm });
    }
  }

  #typeIn(text: string): void {
    if (this.#side === 'hub-address') {
      this.#typed.address = text.trim();
      this.#problem = /^tls:\/\/\S+:\d{1,5}$/.test(this.#typed.address) ? null : 'format';
      if (this.#problem === null) this.#open('hub-pin');
    } else if (this.#side === 'hub-pin') {
      this.#typed.pin = text;
      void this.#askHub();
    } else if (this.#answers.step === 'kiosk') {
      this.#typed.kiosk = text.trim();
      this.#problem = /^[a-z0-9-]{3,40}$/.test(this.#typed.kiosk) ? null : 'format';
      if (this.#typed.kiosk !== this.#answers.kioskId) this.#oldKey = null;
      if (this.#problem === null && this.#keep({ kioskId: this.#typed.kiosk })) this.#goOn();
    }
  }

  async #askHub(): Promise<void> {
    const place = typedPlace(this.#typed.address, this.#typed.pin);
    this.#problem = place === null ? 'format' : null;
    if (place === null) return;
    const turn = this.#turn;
    this.#asking = true;
    this.#show();
    const fetched = await fetchHubFile(place, this.#parts.dataDir);
    if (turn !== this.#turn) return;
    this.#asking = false;
    if (!fetched.ok) this.#problem = fetched.failure.detail === 'pin' ? 'other-pin' : fetched.failure.code;
    else if (this.#keep({ hubFile: fetched.value, place })) this.#goOn();
    this.#show();
  }

  #lookAround(): void {
    const turn = this.#turn;
    void this.#host.call('devices.survey', { what: 'all' }).then((seen) => {
      if (turn !== this.#turn || !seen.ok) return;
      this.#survey = seen.value;
      this.#show();
    });
  }

  /** Until the page is left. */
  #every(ms: number, run: () => void): void {
    const turn = this.#turn;
    this.#timer = this.#parts.clock.setTimeout(() => {
      if (turn !== this.#turn) return;
      run();
      this.#show();
      this.#every(ms, run);
    }, ms);
  }

  #lookAtTheWay(): void {
    const { hubFile, kioskId } = this.#answers;
    if (hubFile === undefined || kioskId === undefined) return this.#enter('hub');
    const turn = this.#turn;
    const way = openWay({ hubFile, kioskId, dataDir: this.#parts.dataDir }, throwawayKey(), 'setting-up');
    void onTheWay({ ...way, kioskId, deviceKey: fail('kiosk-config'), now: () => this.#parts.clock.now() }).then((checks) => {
      way.hub.close();
      if (turn !== this.#turn) return;
      this.#checks = checks.map(checkLineOf);
      this.#show();
    });
  }

  #beginEnrolment(): void {
    this.#leave();
    const bench = benchOf(this.#parts.dataDir, this.#answers);
    if (bench === null) return this.#enter('hub');
    const key = readDeviceKey(keyPathOf(bench));
    if (!key.ok) return this.#enter('device-key');
    const turn = this.#turn;
    this.#enrolling = { state: 'working' };
    void enrolOnce(bench, key.value, (act) => this.#withTechnician(bench, act, turn)).then((enrolled) => {
      if (turn !== this.#turn) return;
      if (!enrolled.ok && enrolled.failure.code === 'request-rejected' && enrolled.failure.detail === 'key-taken') {
        // It was enrolled under another name, which is given once: this one needs a key of its own.
        this.#oldKey = 'taken';
        return this.#enter('device-key');
      }
      this.#enrolling = enrolled.ok ? { state: 'done', before: enrolled.value === 'already-without-proof' } : { state: 'card', failure: enrolled.failure };
      this.#show();
    });
  }

  /** The card of whoever sets this up, in the reader for staff or in the only one. A PIN that is wrong is asked for again; the last try is never spent. */
  async #withTechnician(bench: Bench, act: (signer: Signer) => Promise<Result<Uint8Array>>, turn: number): Promise<Result<Uint8Array, Failure<string>>> {
    const { resident, staff = resident } = bench.kioskFile.readers;
    const gone = fail('card-removed');
    this.#enrolling = { state: 'card', failure: null };
    this.#show();
    const insertion = await this.#cardIn(staff);
    if (insertion === null || turn !== this.#turn) return gone;
    const card = cardIn(this.#host, staff, insertion);
    this.#turnTo({ state: 'working' });
    const info = await card.open();
    if (!info.ok) return info;
    let { pw1: triesLeft } = info.value.tries;
    let wrong = false;
    try {
      for (;;) {
        if (turn !== this.#turn) return gone;
        if (triesLeft <= 1) return fail(triesLeft === 0 ? 'pin-blocked' : 'pin-last-try');
        const { pinPad, pinMinLength: minLength, pinMaxLength: maxLength } = info.value;
        this.#turnTo({ state: 'pin', triesLeft, pinPad, wrong, minLength, maxLength });
        this.#onReaders = (readers) => {
          if (!readers.some((reader) => reader.insertion === insertion && reader.slot !== 'no-card')) this.#pin.drop();
        };
        const pin = await this.#pin.ask();
        this.#onReaders = null;
        if (pin === 'gone') return gone;
        if (turn !== this.#turn) {
          pin?.fill(0);
          return gone;
        }
        this.#turnTo({ state: 'working' });
        const verified = await card.verify('sign', pin);
        if (!verified.ok) return verified;
        if (verified.value.verified) break;
        ({ triesLeft } = verified.value);
        wrong = true;
      }
      return await signedByCard(card, info.value, act);
    } finally {
      await card.release();
    }
  }

  /** null: the page was left. */
  #cardIn(reader: string): Promise<number | null> {
    return new Promise((resolve) => {
      this.#onLeave = () => resolve(null);
      const look = (readers: ReaderStatus[]): void => {
        const found = readers.find(({ name, slot }) => name === reader && slot === 'card-present');
        if (found === undefined) return;
        this.#onReaders = null;
        resolve(found.insertion);
      };
      this.#onReaders = look;
      look(this.#host.status.readers);
    });
  }

  #turnTo(enrolling: Enrolling): void {
    this.#enrolling = enrolling;
    this.#show();
  }

  #verify(): void {
    const bench = benchOf(this.#parts.dataDir, this.#answers);
    if (bench === null) return this.#enter('hub');
    const turn = this.#turn;
    void this.#lookAtAll(bench).then((found) => {
      if (turn !== this.#turn) return;
      this.#readiness = found;
      this.#show();
    });
  }

  async #lookAtAll(bench: Bench): Promise<SignedReadiness> {
    const { clock, version, program } = this.#parts;
    const deviceKey = readDeviceKey(keyPathOf(bench));
    const way = openWay(bench, deviceKey.ok ? deviceKey.value : throwawayKey(), deviceKey.ok ? 'kiosk' : 'setting-up');
    try {
      const devices = await settled(this.#host);
      return await reportReadiness({ ...bench, ...way, version, program, deviceKey, devices, now: () => clock.now() });
    } finally {
      way.hub.close();
    }
  }

  #print(slip: PackedSlip): void {
    if (this.#answers.step !== 'verify' || this.#side !== null || this.#readiness === null || this.#printing.busy) return;
    const turn = this.#turn;
    this.#printing = { busy: true, result: null };
    void printedSlip(this.#host, slip).then((result) => {
      if (turn !== this.#turn) return;
      this.#printing = { busy: false, result };
      this.#show();
    });
  }

  #finish(): void {
    const bench = benchOf(this.#parts.dataDir, this.#answers);
    if (bench === null) return this.#enter('hub');
    const made = becomeKiosk(bench);
    if (!made.ok) {
      this.#setback = made.failure;
      return;
    }
    this.stop();
    this.#becomes(bench);
  }

  /** What the hub's file says already of the kiosk that this is to be. */
  #known(): Pick<KioskFile, 'devices' | 'deviceKey'> {
    const { hubFile, kioskId = '' } = this.#answers;
    return hubFile?.kiosks[kioskId] ?? { devices: {}, deviceKey: 'device.key.json' };
  }

  #keyPath(): string {
    return keyPathOf({ dataDir: this.#parts.dataDir, kioskFile: { deviceKey: this.#known().deviceKey } as KioskFile });
  }

  #given<T>(result: Result<T>): T | null {
    this.#keyProblem = result.ok ? null : result.failure.code;
    return result.ok ? result.value : null;
  }

  #show(): void {
    if (this.#over) return;
    const { language, hubFile, kioskId = '', screen } = this.#answers;
    const snapshot: Omit<Snapshot, 'seq'> = {
      language,
      languages: [...languages],
      kiosk: {
        id: kioskId,
        hub: hubFile?.name ?? newKiosk,
        help: askYourHub,
        pxPerMm: screen?.pxPerMm ?? usualPxPerMm,
        standIns: hubFile?.kiosks[kioskId]?.standIns ?? false,
      },
      cardIn: false,
      staffWaits: false,
      overlay: this.#help ? { overlay: 'help' } : null,
      page: this.#page(),
    };
    const text = JSON.stringify(snapshot);
    if (text === this.#shown) return;
    this.#shown = text;
    this.seq += 1;
    this.#parts.screen.show({ seq: this.seq, ...snapshot });
  }

  #page(): Page {
    if (this.#setback !== null) return { page: 'failure', code: pageCode(this.#setback), detail: this.#setback.detail ?? null, next: 'retry', sent: 'not-begun', toStaff: true };
    const { step } = this.#answers;
    return { page: 'setup', number: setupSteps.indexOf(step) + 1, of: setupSteps.length, ...this.#question(step) };
  }

  #question(step: SetupStep): OmitNumber<SetupPage> {
    const { hubFile, screen, residentReader, staffReader, devices, asked } = this.#answers;
    switch (step) {
      case 'language':
      case 'touch':
        return { step };
      case 'hub':
        if (this.#side === 'hub-address') return { step: this.#side, value: this.#typed.address, problem: this.#problem };
        if (this.#side === 'hub-pin') return { step: this.#side, value: this.#typed.pin, problem: this.#problem, asking: this.#asking };
        return { step, files: this.#found.map(({ path, hubFile: { name, id } }) => ({ option: path, title: name[this.#answers.language], detail: `${id} · ${path}` })), problem: this.#problem };
      case 'hub-check':
        if (hubFile === undefined) throw new Error('no hub was chosen');
        return { step, hub: readBackOf(hubFile) };
      case 'kiosk':
        return { step, value: this.#typed.kiosk, problem: this.#problem, suggestions: Object.keys(hubFile?.kiosks ?? {}).slice(0, 8) };
      case 'clock':
        return { step, at: new Date(Math.floor(this.#parts.clock.now() / secondMs) * secondMs).toISOString(), kept: existsSync(timeKeptFile) };
      case 'screen':
        return { step, pxPerMm: screen?.pxPerMm ?? usualPxPerMm };
      case 'reader-resident':
      case 'reader-staff':
      case 'identity-reader':
      case 'scanner':
      case 'printer': {
        const options = optionsFor(step, this.#host.status, this.#survey, this.#known().devices, residentReader);
        const ofReaders = step === 'reader-resident' ? (residentReader ?? null) : staffReader === null ? '' : (staffReader ?? null);
        const chosen = step === 'reader-resident' || step === 'reader-staff' ? ofReaders : asked.includes(step) ? (optionOf(step, devices)?.option ?? '') : null;
        return { step, options, chosen, state: stateFor(step, chosen, this.#host.status) };
      }
      case 'network':
        return { step, checks: this.#checks };
      case 'device-key': {
        const spki = this.#key === null ? undefined : encodeSpki(this.#key.publicKey);
        return { step, options: this.#tpm === null ? ['file'] : ['tpm', 'file'], made: spki === undefined ? null : { kind: this.#key?.tlsKey === null ? 'tpm' : 'file', fingerprint: pinOf(spki) }, problem: this.#keyProblem, ...(this.#oldKey === null ? {} : { old: this.#oldKey }) };
      }
      case 'enrol': {
        const now = this.#enrolling;
        if (now.state === 'pin') return { step, ...now };
        const failure = now.state === 'card' ? now.failure : null;
        return { step, state: now.state, problem: failure === null ? null : pageCode(failure), detail: failure?.detail ?? null, ...(now.state === 'done' && now.before ? { before: true as const } : {}) };
      }
      case 'verify':
        if (this.#side === 'report') return { step: this.#side, ...this.#exporting.shown };
        return { step, report: this.#readiness === null ? null : readinessLines(this.#readiness), widthDots: devices.printer?.widthDots ?? null, ...this.#printing };
      default:
        return never(step);
    }
  }
}

type OmitNumber<P> = P extends SetupPage ? Omit<P, 'number' | 'of'> : never;
