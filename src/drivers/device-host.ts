import type {
  DeviceCommand,
  DeviceCommands,
  DeviceStatus,
  HostMessage,
  HostProcess,
  HostRequest,
  ReaderStatus,
  SpawnHost,
} from '../contract/device-host.ts';
import { never, fail } from '../contract/result.ts';
import type { Result } from '../contract/result.ts';

/** Real deadlines. Each is above the slowest honest case: a card's own signature takes 50 to 300 ms, a person at a PIN pad half a minute. */
export interface DeviceHostTimes {
  /** Any command of a card that waits for nobody. */
  cardMs: number;
  /** A command that waits for a touch on the card's own button. */
  touchMs: number;
  /** A PIN entered at the reader's own pad. */
  pinPadMs: number;
  pingEveryMs: number;
  /** Without an answer to a ping, or without a first status, the host is killed. */
  pingAnswerMs: number;
  respawnFirstMs: number;
  respawnLongestMs: number;
  /** A host that lived this long starts the back-off anew. */
  healthyAfterMs: number;
}

export const deviceHostTimes: DeviceHostTimes = {
  cardMs: 10_000,
  touchMs: 30_000,
  pinPadMs: 90_000,
  pingEveryMs: 2_000,
  pingAnswerMs: 10_000,
  respawnFirstMs: 500,
  respawnLongestMs: 10_000,
  healthyAfterMs: 30_000,
};

/** Doubles from the first to the longest: 0.5, 1, 2, 4, 8, 10, 10 … s. */
export function respawnDelayMs(failures: number, times: Pick<DeviceHostTimes, 'respawnFirstMs' | 'respawnLongestMs'>): number {
  return Math.min(times.respawnFirstMs * 2 ** Math.min(failures, 30), times.respawnLongestMs);
}

interface Pending {
  command: DeviceCommand;
  reader: string | null;
  insertion: number;
  /** Null once the answer no longer matters, because the card is out: the host must answer in time all the same. */
  settle: ((result: Result<unknown>) => void) | null;
  deadline: NodeJS.Timeout;
}

/**
 * Main's side of the device host: typed calls with a deadline each. A host that lets one pass, or does not answer a ping, is killed and
 * started again. Insertions go on counting over restarts, so that no command ever meets another card than the one it was meant for.
 */
export class DeviceHost {
  readonly #spawn: SpawnHost;
  readonly #times: DeviceHostTimes;
  readonly #pending = new Map<number, Pending>();
  readonly #statusListeners = new Set<(status: DeviceStatus) => void>();
  readonly #touchListeners = new Set<(command: DeviceCommand, insertion: number) => void>();
  readonly #muteReaders = new Set<string>();
  readonly #touch = new Map<number, { sig: boolean; dec: boolean; aut: boolean }>();
  #host: HostProcess | null = null;
  #status: DeviceStatus = { service: 'starting', readers: [] };
  #lastId = 0;
  #insertionBase = 0;
  #insertionHighest = 0;
  #failures = 0;
  #startedAt = 0;
  #heardStatus = false;
  #pinger: NodeJS.Timeout | null = null;
  #pingDeadline: NodeJS.Timeout | null = null;
  #respawn: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(spawn: SpawnHost, times: Partial<DeviceHostTimes> = {}) {
    this.#spawn = spawn;
    this.#times = { ...deviceHostTimes, ...times };
    this.#start();
  }

  /** What was heard last. While the host starts again: `starting`, without a reader. */
  get status(): DeviceStatus {
    return this.#status;
  }

  /** Called with every change, not with the present status. Returns what ends it. */
  onStatus(listener: (status: DeviceStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  /** The card waits for a touch on its own button. */
  onTouchWanted(listener: (command: DeviceCommand, insertion: number) => void): () => void {
    this.#touchListeners.add(listener);
    return () => this.#touchListeners.delete(listener);
  }

  /**
   * Settles in time, always: with the card's answer, `card-removed` as soon as the card is seen out, `card-timeout` at the deadline (the host
   * is then killed), `device-host-lost`. PINs in `params` are overwritten with zeros before this returns.
   */
  call<K extends DeviceCommand>(command: K, params: DeviceCommands[K]['params']): Promise<Result<DeviceCommands[K]['result']>> {
    throw new Error(`${command} ${JSON.stringify(params)}`);
  }

  /** Kills the host; calls that wait fail with `device-host-lost`. */
  stop(): void {
    this.#stopped = true;
  }

  #start(): void {}
}
