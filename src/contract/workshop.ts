import { z } from 'zod';
import type { Localized } from './language.ts';
import type { IdentityCardLayout, Symbology } from './device-host.ts';
import type { FailureCode } from './failures.ts';
import { journalFilters, type JournalFilter } from './journal-filter.ts';
import { packedSlipSchema } from './packed-slip.ts';

/** First boot, in this order; each page is one question, and what was answered is kept on disk before the next one is shown. */
export const setupSteps = [
  'language',
  'hub',
  'hub-check',
  'kiosk',
  'clock',
  'screen',
  'touch',
  'reader-resident',
  'reader-staff',
  'identity-reader',
  'scanner',
  'printer',
  'network',
  'device-key',
  'enrol',
  'verify',
] as const;
export type SetupStep = (typeof setupSteps)[number];

/** The steps that have one choose among what is plugged in. */
export type SetupDevice = Extract<SetupStep, 'reader-resident' | 'reader-staff' | 'identity-reader' | 'scanner' | 'printer'>;

/** What is looked at before a kiosk is opened, in this order. A device that the hub's file does not name is not looked at. */
export const checkNames = ['program', 'data-folder', 'disk', 'device-key', 'hub', 'ledger', 'clock', 'enrolment', 'reader-resident', 'reader-staff', 'identity-reader', 'scanner', 'printer', 'stand-ins'] as const;
export type CheckName = (typeof checkNames)[number];

export interface CheckLine {
  check: CheckName;
  /** `warning`: it may be opened, and somebody should know. */
  state: 'good' | 'warning' | 'bad';
  /** Of `failures.ts`, where it is one. */
  code: string | null;
  detail: string | null;
}

/** A line that can be chosen. `option` empty: none of them. */
export interface SetupOption {
  option: string;
  /** As the device or the file calls itself. */
  title: string;
  detail: string | null;
  /** Of a card reader: a card is in it now, by which two alike are told apart. */
  cardIn?: boolean;
}

/** How the chosen device is: `code` says what has to be done. */
export interface SetupDeviceState {
  state: 'starting' | 'good' | 'bad';
  code: FailureCode | null;
  detail: string | null;
}

/** What a technician reads back of the hub before believing in it. */
export interface SetupHub {
  id: string;
  name: Localized;
  address: string;
  /** null: on this machine, over a socket. */
  pin: string | null;
  chain: string;
  /** SHA-256 over the keys of the trust root's validators, the first 16 hexadecimal digits: two hubs that tell one another apart by nothing else differ here. */
  validators: string;
}

/** Why what was typed was not taken: its form, who answers there proves another key (`other-pin`), or what became of it. */
export type SetupProblem = 'format' | 'other-pin' | FailureCode;

/** A readiness report as it is read. */
export interface ReadinessLines {
  ready: boolean;
  checks: CheckLine[];
  /** ISO 8601 in UTC. */
  at: string;
  version: string;
  machine: string;
}

/** A report that can be printed and saved. `report` null: it is being looked at. `widthDots` null: no printer. `printed` once the printer has said so. */
export interface ReadinessShown {
  report: ReadinessLines | null;
  widthDots: number | null;
  busy: boolean;
  result: TestResult | null;
}

/** What is written onto a stick. `safe`: it is on the medium, and the medium can be taken. */
export interface ExportShown {
  /** To choose among; while it is written, the one. */
  places: SetupOption[];
  state: 'choosing' | 'writing' | 'safe' | 'failed';
  /** What lies there once it is safe: path and SHA-256 in hexadecimal digits. */
  files: { path: string; sha256: string }[];
  code: FailureCode | null;
  detail: string | null;
}

/** `number` is 1-based among `of`. */
export type SetupPage = { number: number; of: number } & (
  | { step: 'language' }
  /** `files`: hubs that lie in a folder that was plugged in, or that came with the machine. */
  | { step: 'hub'; files: SetupOption[]; problem: SetupProblem | null }
  | { step: 'hub-address'; value: string; problem: SetupProblem | null }
  /** `asking`: the hub that is to have it. */
  | { step: 'hub-pin'; value: string; problem: SetupProblem | null; asking: boolean }
  | { step: 'hub-check'; hub: SetupHub }
  | { step: 'kiosk'; value: string; problem: SetupProblem | null; suggestions: string[] }
  /** ISO 8601 in UTC. `kept`: the machine says that its clock follows another. */
  | { step: 'clock'; at: string; kept: boolean }
  | { step: 'screen'; pxPerMm: number }
  | { step: 'touch' }
  | { step: SetupDevice; options: SetupOption[]; chosen: string | null; state: SetupDeviceState | null }
  | { step: 'network'; checks: CheckLine[] | null }
  /** `made`: which kind, and the fingerprint of its public half, `sha256:` and base64url, as of a hub's pin. */
  /** `old`: of a key that lies there and is set aside when another is made: it cannot be used, or the ledger has it under another name. */
  | { step: 'device-key'; options: ('tpm' | 'file')[]; made: { kind: 'tpm' | 'file'; fingerprint: string } | null; problem: FailureCode | null; old?: 'unusable' | 'taken' }
  /** `before`: the ledger knew it already, and it alone has the proof. */
  | { step: 'enrol'; state: 'card' | 'working' | 'done'; problem: FailureCode | null; detail: string | null; before?: true }
  | { step: 'enrol'; state: 'pin'; triesLeft: number; pinPad: boolean; wrong: boolean; minLength: number; maxLength: number }
  | ({ step: 'verify' } & ReadinessShown)
  /** Where the report goes. */
  | ({ step: 'report' } & ExportShown)
);

export const setupIntents = [
  /** The main button of a page of first boot. */
  z.strictObject({ intent: z.literal('setup.next') }),
  /** To the pages where the hub's address and pin are typed. */
  z.strictObject({ intent: z.literal('setup.by-hand') }),
  /** A line of the page's list. */
  z.strictObject({ intent: z.literal('setup.choose'), option: z.string().max(300) }),
  z.strictObject({ intent: z.literal('setup.type'), text: z.string().max(200) }),
  /** How wide a bank card is on this screen, and the screen itself. */
  z.strictObject({ intent: z.literal('setup.measure'), cardPx: z.number().min(80).max(2000), widthPx: z.int().min(1).max(20_000), heightPx: z.int().min(1).max(20_000) }),
] as const;

/** What a technician tests, each on a page of its own. */
export const testedDevices = ['reader-resident', 'reader-staff', 'identity-reader', 'scanner', 'printer'] as const;
export type TestedDevice = (typeof testedDevices)[number];

export interface DeviceLine {
  device: TestedDevice;
  /** As it calls itself, or as the hub's file names it. */
  name: string;
  state: 'good' | 'starting' | 'bad';
  /** `card-present`, `waiting`, `paper-low` …: what the device says of itself. */
  says: string;
  /** What has to be done; null where nothing is wrong. */
  code: FailureCode | null;
  detail: string | null;
}

/** One command of a card reader, without what was in it: neither a PIN, nor how long it was, nor a fact is ever here. */
export interface TraceLine {
  /** ISO 8601 in UTC. */
  at: string;
  /** CLA INS P1 P2 in hexadecimal digits, parted by blanks. */
  head: string;
  /** Bytes of data that went along; null where their number would tell something of a PIN. */
  sent: number | null;
  received: number;
  /** Status word, or the failure's code. */
  answer: string;
  tookMs: number;
}

export { journalFilters, type JournalFilter };

export interface JournalRow {
  seq: number;
  /** ISO 8601 in UTC. */
  at: string;
  event: string;
  /** `name value` of the rest. */
  rest: string;
}

/** What came of a test: of an identity card only what kind it is, never what stands in it. */
export type TestResult = { test: 'card'; version: string; state: 'blank' | 'used' } | { test: 'identity'; layout: IdentityCardLayout } | { test: 'printed' } | { test: 'failed'; code: FailureCode; detail: string | null };

export type WorkshopPage =
  | { part: 'devices'; lines: DeviceLine[] }
  | {
      part: 'device';
      line: DeviceLine;
      /** Of a card reader: the newest last. */
      trace: TraceLine[];
      /** Of a scanner: what it saw last. */
      scan: { text: string; symbology: Symbology; at: string } | null;
      /** Of a printer: dots of its paper. */
      widthDots: number | null;
      busy: boolean;
      result: TestResult | null;
    }
  /** Newest first; `from` counts from the newest that the filter lets through. */
  | { part: 'journal'; filter: JournalFilter; rows: JournalRow[]; from: number; older: boolean }
  | ({ part: 'export'; what: 'journal' | 'readiness' } & ExportShown)
  | ({ part: 'readiness' } & ReadinessShown)
  /** `waiting`: signed requests that have not reached the ledger; nothing is retired before they have. */
  | { part: 'retire'; state: 'asking'; waiting: number }
  | { part: 'retire'; state: 'pin'; triesLeft: number; pinPad: boolean; wrong: boolean; minLength: number; maxLength: number }
  | { part: 'retire'; state: 'working' }
  /** `stands`: `unsure`, it may be off the ledger by now; `key-left`, it is, and its key is still here. Left out, it was not retired. */
  | { part: 'retire'; state: 'refused'; code: FailureCode; detail: string | null; stands?: 'unsure' | 'key-left' }
  /** `qr`: of the receipt; none where it was off the ledger already. `widthDots` null: no printer. `printed` once the printer has said so. */
  | { part: 'retire'; state: 'done'; qr: string[]; at: string; widthDots: number | null; busy: boolean; result: TestResult | null };

export const workshopIntents = [
  z.strictObject({ intent: z.literal('workshop.open'), part: z.enum(['devices', 'journal', 'export', 'readiness', 'retire']) }),
  /** Of the readiness report, as PDF and JSON. */
  z.strictObject({ intent: z.literal('workshop.save') }),
  z.strictObject({ intent: z.literal('workshop.device'), device: z.enum(testedDevices) }),
  /** The device's own test: read a card, read an identity card. */
  z.strictObject({ intent: z.literal('workshop.try') }),
  z.strictObject({ intent: z.literal('workshop.print'), slip: packedSlipSchema }),
  z.strictObject({ intent: z.literal('workshop.filter'), filter: z.enum(journalFilters) }),
  z.strictObject({ intent: z.literal('workshop.turn'), to: z.enum(['older', 'newer']) }),
  z.strictObject({ intent: z.literal('workshop.export'), option: z.string().max(300) }),
  /** After reading what it does. */
  z.strictObject({ intent: z.literal('workshop.retire') }),
] as const;
