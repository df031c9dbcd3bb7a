import type { Result } from './result.ts';

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

export interface CardInfo {
  application: 'openpgp';
  /** As in the AID, `3.4`. */
  version: string;
  keys: CardKeys;
  /** Tries left of PW1, reset code, PW3 (DO C4, bytes 5 to 7). */
  tries: { pw1: number; resetCode: number; pw3: number };
  /** DO C4 byte 1 = 00: PW1-81 serves one signature only, as we require. */
  pinPerSignature: boolean;
  pinMinLength: number;
  pinMaxLength: number;
  /** The reader can take the PIN itself (FEATURE_VERIFY_PIN_DIRECT). */
  pinPad: boolean;
  /** A key asks for a touch (DO D6, D7, D8): the answer comes late. */
  touch: { sig: boolean; dec: boolean; aut: boolean };
  /** DO 93: signatures made so far. */
  signatureCount: number;
}

export type PinResult = { verified: true } | { verified: false; triesLeft: number };

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
  /** Ends the exclusive connection with a reset: no PIN state is left behind. */
  'card.release': { params: { insertion: number }; result: null };
}
export type DeviceCommand = keyof DeviceCommands;

/** Main → host. */
export type HostRequest =
  | { [K in DeviceCommand]: { id: number; command: K; params: DeviceCommands[K]['params'] } }[DeviceCommand]
  | { id: number; command: 'ping' };

/** The whole truth each time, never a difference. */
export interface DeviceStatus {
  service: ReaderService;
  readers: ReaderStatus[];
  /** For the technician: PC/SC's own name of what is wrong. */
  detail?: string;
}

/** Host → main. */
export type HostMessage =
  | { answer: number; result: Result<unknown> }
  | { status: DeviceStatus }
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
