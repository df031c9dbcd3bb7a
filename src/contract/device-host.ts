import type { Failure, Result } from './result.ts';

/**
 * The state of one reader's slot. What kind of card it is, only `card.open` finds out. `card-mute` also stands for a card that let a deadline
 * pass; it stays until the card is out. `card-in-use` means another program holds it.
 */
export type SlotState = 'no-card' | 'card-present' | 'card-mute' | 'card-in-use';

export interface ReaderStatus {
  /** As PC/SC names it. */
  name: string;
  slot: SlotState;
  /** Counts insertions since the host started, over all readers; a command that names an older one fails with `card-removed`. */
  insertion: number;
}

/** What PC/SC itself says: told apart, since "no reader" and "no service" have different cures. */
export type ReaderService = 'starting' | 'ready' | 'no-service' | 'no-permission';

/** Raw public keys, 32 bytes each. */
export interface CardKeys {
  sig: Uint8Array;
  aut: Uint8Array;
  dec: Uint8Array;
}

/** What is the same of every card that has keys of ours. */
interface CardOfOurs {
  /** Tries left of PW1, reset code, PW3 (OpenPGP: DO C4, bytes 5 to 7); of PIV's PIN and PUK, and no third. */
  tries: { pw1: number; resetCode: number; pw3: number };
  /** PW1-81 serves one signature only, as we require (OpenPGP: DO C4 byte 1 = 00; PIV: always, in 9C). */
  pinPerSignature: boolean;
  pinMinLength: number;
  pinMaxLength: number;
  /** The reader can take the PIN itself (FEATURE_VERIFY_PIN_DIRECT). */
  pinPad: boolean;
  /** A key asks for a touch (DO D6, D7, D8; PIV: the key's policy): the answer comes late. */
  touch: { sig: boolean; dec: boolean; aut: boolean };
}

export interface OpenPgpInfo extends CardOfOurs {
  application: 'openpgp';
  /** As in the AID, `3.4`. */
  version: string;
  keys: CardKeys;
  /** DO 93: signatures made so far. */
  signatureCount: number;
}

/** For people at work only: nothing can be sealed to it, and it counts no signatures. */
export interface PivInfo extends CardOfOurs {
  application: 'piv';
  /** As its maker numbers it, `5.7.0`; null where it does not say. */
  version: string | null;
  keys: { sig: Uint8Array; aut: Uint8Array; dec?: never };
}

export type CardInfo = OpenPgpInfo | PivInfo;

/** A card before it is anybody's, or one that is to be made anew. */
export interface RawCard {
  /** As in the AID, `3.4`. */
  version: string;
  /** Raw public keys of the kinds that we use; null where there is none, or one of another kind. */
  keys: { sig: Uint8Array | null; aut: Uint8Array | null; dec: Uint8Array | null };
  /** `blank`: no key, no try spent, nothing set. `used`: it has to be wiped first. */
  state: 'blank' | 'used';
}

/** Why a PIN is refused that somebody chose: the one from the factory, one digit over and over, digits in a row, or part of what others know of the person. */
export type PinWeakness = 'factory' | 'repeated' | 'run' | 'personal';
export type PinChoice = { chosen: true } | { chosen: false; weakness: PinWeakness };

export type PinResult = { verified: true } | { verified: false; triesLeft: number };

/**
 * How the text of an identity card is laid out, which its own flag says: of a resident, of a resident of Hong Kong, Macao or Taiwan, and the permanent
 * residence cards of foreigners of 2017 and 2023.
 */
export type IdentityCardLayout = 'resident' | 'hk-macao-taiwan' | 'foreigner-2017' | 'foreigner-2023';

/** What stands in an identity card's chip; what its layout has no place for is null. Not the photo: only the ministry's own library unpacks it. */
export interface IdentityCard {
  layout: IdentityCardLayout;
  /** In Chinese where the card says it so, else as `nameLatin`. */
  name: string;
  nameLatin: string | null;
  sex: 'male' | 'female' | 'unknown' | 'unspecified';
  /** GB/T 3304: `01` to `56`, `97` another, `98` naturalised. */
  ethnicity: string | null;
  /** ISO 3166-1, three letters; of foreigners only. */
  nationality: string | null;
  /** YYYY-MM-DD. */
  birth: string;
  address: string | null;
  /** 18 characters of GB 11643, the last perhaps `X`; on a card of 2017 another 15. Whether its check digit is right is for `identityNumberIsSound`. */
  number: string;
  /** On a card of 2017 the authority's number. */
  issuedBy: string | null;
  /** YYYY-MM-DD. */
  validFrom: string;
  /** YYYY-MM-DD, or `long-term`. */
  validUntil: string;
  /** Of the pass of Hong Kong, Macao or Taiwan. */
  passNumber: string | null;
  /** How often a permit was issued, or a card of 2023 renewed. */
  issueCount: number | null;
}

export type Symbology = 'qr' | 'data-matrix' | 'pdf417' | 'aztec' | 'code-128' | 'code-39' | 'code-93' | 'ean' | 'interleaved-2-of-5' | 'codabar' | 'other';

/** What a scanner saw. */
export interface Scan {
  /** From UTF-8, or from GB 18030 where it is none, without the line end that a scanner may add. */
  text: string;
  symbology: Symbology;
}

/** A slip of paper as dots, row by row from the top. In a byte the highest bit is the leftmost dot; 1 is black. */
export interface Slip {
  /** A multiple of 8. */
  widthDots: number;
  heightDots: number;
  dots: Uint8Array;
}

/** What is plugged in, whether the hub's file names it or not: for whoever sets a kiosk up. */
export interface DeviceSurvey {
  /** One line a collection; numbers as `lsusb` prints them. */
  hid: { vendor: string; product: string; usagePage: number; usage: number; name: string }[];
  /** Paths of serial lines that belong to a device. */
  serial: string[];
  /** Paths of USB printers. */
  printers: string[];
  /** Of CUPS, with what they say they are. */
  queues: { queue: string; name: string }[];
}

/** One command as it went over a reader. `atMs`: Unix milliseconds. `sent` null: the number of bytes would tell something of a PIN. */
export interface TraceEntry {
  atMs: number;
  head: string;
  sent: number | null;
  received: number;
  /** Status word in hexadecimal digits, or a failure's code. */
  answer: string;
  tookMs: number;
}

/** What main asks of the host. `pin` is null where the reader's own pad takes it. Each answer is a Result with a code. */
export interface DeviceCommands {
  'card.open': { params: { reader: string; insertion: number }; result: CardInfo };
  /** PW1-82 (`user`) or PW1-81 (`sign`). The last try is never spent: `pin-last-try` comes back without asking the card. */
  'card.verify': { params: { insertion: number; purpose: 'user' | 'sign'; pin: Uint8Array | null }; result: PinResult };
  /** INTERNAL AUTHENTICATE by AUT over at most 1 024 bytes, as given: 64 bytes R ‖ S. */
  'card.authenticate': { params: { insertion: number; data: Uint8Array }; result: Uint8Array };
  /** PSO:CDS by SIG: 64 bytes R ‖ S. */
  'card.sign': { params: { insertion: number; data: Uint8Array }; result: Uint8Array };
  /** PSO:DECIPHER, X25519 of DEC with a public point of 32 bytes: the raw shared secret, 32 bytes. */
  'card.agree': { params: { insertion: number; point: Uint8Array }; result: Uint8Array };
  'card.count': { params: { insertion: number }; result: { signatureCount: number; triesLeft: number } };
  'card.change-pin': { params: { insertion: number; oldPin: Uint8Array; newPin: Uint8Array }; result: PinResult };
  /** As `card.open`, of a card that need not have keys: only `card.wipe`, `card.make` and `card.release` go with it. `card-unknown`. */
  'card.open-raw': { params: { reader: string; insertion: number }; result: RawCard };
  /** As it left the factory: keys and PINs are gone. Whose keys they were is for the caller to have asked. `card-not-wiped`: it cannot be. */
  'card.wipe': { params: { insertion: number }; result: RawCard };
  /**
   * Keys of our kinds, made on the card and tried: SIG over 200 bytes, one signature a PIN; AUT over 1 024; DEC with a point. Then the reset code (DO D3, 8
   * digits at least) and the admin PIN are set; PW1 is still the factory's. From then on the card is as after `card.open`. Both secrets are zero when this has
   * returned. `card-not-blank`, `card-wrong-curve`, `card-aut-short`, `card-not-made`; a card that was made in part has to be wiped.
   */
  'card.make': { params: { insertion: number; adminPin: Uint8Array; resetCode: Uint8Array }; result: OpenPgpInfo };
  /** PW1 from the factory's to the person's own, which is then verified as PW1-82. `avoid`: digits that others know of the person. */
  'card.choose-pin': { params: { insertion: number; newPin: Uint8Array; avoid: readonly string[] }; result: PinChoice };
  /** RESET RETRY COUNTER with the reset code: a new PW1 with all its tries. */
  'card.unblock': { params: { insertion: number; resetCode: Uint8Array; newPin: Uint8Array; avoid: readonly string[] }; result: PinChoice | { codeWrong: true; triesLeft: number } };
  /** Ends the exclusive connection with a reset: no PIN state is left behind. */
  'card.release': { params: { insertion: number }; result: null };
  /**
   * Waits for an identity card to be laid on the reader and reads it: `identity-card-missing` when none came. A card that was read is not found again
   * until it has been lifted. One wait at a time; whoever waits longer asks again.
   */
  'identity.read': { params: { waitMs: number }; result: IdentityCard };
  /** Answered once the printer has said that all of it is on paper. */
  'printer.print': { params: { slip: Slip }; result: null };
  /** The last commands to a reader's cards, the newest last: heads, lengths and status words, never data. */
  'reader.trace': { params: { reader: string }; result: TraceEntry[] };
  'devices.survey': { params: { what: 'all' }; result: DeviceSurvey };
}
export type DeviceCommand = keyof DeviceCommands;
export type CardCommand = Extract<DeviceCommand, `card.${string}`>;

/** Main → host. */
export type HostRequest =
  | { [K in DeviceCommand]: { id: number; command: K; params: DeviceCommands[K]['params'] } }[DeviceCommand]
  | { id: number; command: 'ping' };

/** `unusable` says by its code what has to be done: plug it in, allow it, switch its mode. It is looked for again all the while. */
export type DeviceState<Working extends string> = { state: 'starting' } | { state: 'unusable'; failure: Failure } | { state: Working; product: string };

/**
 * `ready`: nobody asked for a card. `waiting`: for one to be laid on. `card-read`: it may still lie there, since a reader does not say that a card was
 * lifted; until the next one is found.
 */
export type IdentityReaderStatus = DeviceState<'ready' | 'waiting' | 'reading' | 'card-read'>;
export type ScannerStatus = DeviceState<'ready'>;
export type PrinterStatus = DeviceState<'ready' | 'paper-low' | 'printing'>;

/** Card readers. */
export interface ReadersStatus {
  service: ReaderService;
  readers: ReaderStatus[];
  /** For the technician: PC/SC's own name of what is wrong. */
  detail?: string;
}

/** The whole truth each time, never a difference. A device that is left out is not in the hub's file. */
export interface DeviceStatus extends ReadersStatus {
  identityReader?: IdentityReaderStatus;
  scanner?: ScannerStatus;
  printer?: PrinterStatus;
}

/** Host → main. */
export type HostMessage =
  | { answer: number; result: Result<unknown> }
  | { status: DeviceStatus }
  | { scan: Scan }
  /** The card waits for a touch on its own button; the id of the request that it holds up. */
  | { touchWanted: number };

/** How a shell hands the child process in: `child_process.fork` or Electron's `utilityProcess`. */
export interface HostProcess {
  post(message: HostRequest): void;
  onMessage(listener: (message: HostMessage) => void): void;
  onExit(listener: () => void): void;
  /** SIGKILL: a process that waits for a mute card ends no other way (hardware.md A4). */
  kill(): void;
}
export type SpawnHost = () => HostProcess;
