import type {
  CardInfo,
  DeviceCommand,
  DeviceCommands,
  DeviceStatus,
  HostMessage,
  HostProcess,
  HostRequest,
  ReaderStatus,
  Scan,
  SpawnHost,
} from '../contract/device-host.ts';
import { fail, never, ok } from '../contract/result.ts';
import type { Failure, Result } from '../contract/result.ts';

/** Real deadlines. Each is above the slowest honest case: a card's own signature takes 50 to 300 ms, a person at a PIN pad half a minute. */
export interface DeviceHostTimes {
  /** Any command of a card that waits for nobody. */
  cardMs: number;
  /** A card that is wiped, or makes and tries three keys: some thirty commands, of which slow cards take a second or two for a key. */
  makingMs: number;
  /** A command that waits for a touch on the card's own button. */
  touchMs: number;
  /** A PIN entered at the reader's own pad. */
  pinPadMs: number;
  /** An identity card, from the moment that it is found; the longest answer takes a quarter of a second on a serial line. */
  identityMs: number;
  /** A slip, until the printer has said that it is on paper. */
  printMs: number;
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
  makingMs: 60_000,
  touchMs: 30_000,
  pinPadMs: 90_000,
  identityMs: 10_000,
  printMs: 60_000,
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

type AnyParams = DeviceCommands[DeviceCommand]['params'];

interface Pending {
  command: DeviceCommand;
  /** Null for what is asked of no card. */
  insertion: number | null;
  waitMs: number;
  /** The reader's own pad takes the PIN. */
  isAtPad: boolean;
  /** Null once the answer no longer matters, because the card is out: the host must answer in time all the same. */
  settle: ((result: Result<unknown>) => void) | null;
  /** Null until its turn: the host serves the commands of one card, and of one device, one after the other. */
  deadline: NodeJS.Timeout | null;
}

/** One life of the child process. */
interface Life {
  host: HostProcess;
  startedAtMs: number;
  /** Added to the host's own count of insertions, which begins anew with each life. */
  insertionBase: number;
  /** Of the cards opened in this life, by insertion. */
  touch: Map<number, CardInfo['touch']>;
  pinger: NodeJS.Timeout;
  /** Runs from the start to the first status, then from each ping to its answer. */
  silence: NodeJS.Timeout | null;
}

/**
 * Main's side of the device host: typed calls with a deadline each. A host that lets one pass, or does not answer a ping, is killed and
 * started again. Insertions go on counting over restarts, so that no command ever meets another card than the one it was meant for; a reader
 * whose card let a deadline pass shows `card-mute` until the card is out.
 */
export class DeviceHost {
  readonly #spawn: SpawnHost;
  readonly #times: DeviceHostTimes;
  readonly #pending = new Map<number, Pending>();
  readonly #statusListeners = new Set<(status: DeviceStatus) => void>();
  readonly #touchListeners = new Set<(command: DeviceCommand, insertion: number) => void>();
  readonly #scanListeners = new Set<(scan: Scan) => void>();
  readonly #muteReaders = new Set<string>();
  #life: Life | null = null;
  #status: DeviceStatus = { service: 'starting', readers: [] };
  #lastId = 0;
  #insertionHighest = 0;
  #failures = 0;
  #respawn: NodeJS.Timeout | null = null;

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

  /** The card waits for a touch on its own button. Returns what ends it. */
  onTouchWanted(listener: (command: DeviceCommand, insertion: number) => void): () => void {
    this.#touchListeners.add(listener);
    return () => this.#touchListeners.delete(listener);
  }

  /** Something was held under the scanner. Returns what ends it. */
  onScan(listener: (scan: Scan) => void): () => void {
    this.#scanListeners.add(listener);
    return () => this.#scanListeners.delete(listener);
  }

  /**
   * Settles in time, always: with the card's answer, `card-removed` as soon as the card is seen out, `card-timeout` or `device-lost` at the
   * deadline (the host is then killed), `device-host-lost`. PINs and codes in `params` are zero when this has returned.
   */
  call<K extends DeviceCommand>(command: K, params: DeviceCommands[K]['params']): Promise<Result<DeviceCommands[K]['result']>>;
  call(command: DeviceCommand, params: AnyParams): Promise<Result<unknown>> {
    const life = this.#life;
    const refusal = life === null ? fail('device-host-lost') : this.#refusal(command, params);
    if (life === null || refusal !== null) {
      wipePins(params);
      return Promise.resolve(command === 'card.release' ? ok(null) : (refusal ?? fail('device-host-lost')));
    }
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      const insertion = 'insertion' in params ? params.insertion : null;
      const pending: Pending = {
        command,
        insertion,
        waitMs: 'waitMs' in params ? params.waitMs : 0,
        isAtPad: 'pin' in params && params.pin === null,
        settle: resolve,
        deadline: null,
      };
      this.#pending.set(id, pending);
      this.#startClock(life, pending);
      // The command and its params belong together by this method's signature, which a union of pairs cannot follow.
      try {
        life.host.post({ id, command, params: insertion === null ? params : { ...params, insertion: insertion - life.insertionBase } } as HostRequest);
      } finally {
        wipePins(params);
      }
    });
  }

  /** Kills the host; calls that wait fail with `device-host-lost`. */
  stop(): void {
    if (this.#respawn !== null) clearTimeout(this.#respawn);
    this.#end(fail('device-host-lost', 'stopped'));
  }

  #start(): void {
    const host = this.#spawn();
    const life: Life = {
      host,
      startedAtMs: performance.now(),
      insertionBase: this.#insertionHighest,
      touch: new Map(),
      pinger: setInterval(() => this.#ping(life), this.#times.pingEveryMs),
      silence: setTimeout(() => this.#lost('no status'), this.#times.pingAnswerMs),
    };
    this.#life = life;
    host.onMessage((message) => {
      if (this.#life === life) this.#hear(life, message);
    });
    host.onExit(() => {
      if (this.#life === life) this.#lost('exit');
    });
  }

  #hear(life: Life, message: HostMessage): void {
    if ('status' in message) {
      this.#heardAlive(life);
      this.#hearStatus(life, message.status);
    } else if ('scan' in message) {
      for (const listener of this.#scanListeners) listener(message.scan);
    } else if ('touchWanted' in message) {
      const held = this.#pending.get(message.touchWanted);
      if (held?.settle && held.insertion !== null) for (const listener of this.#touchListeners) listener(held.command, held.insertion);
    } else {
      this.#hearAnswer(life, message.answer, message.result);
    }
  }

  #hearAnswer(life: Life, id: number, result: Result<unknown>): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) {
      this.#heardAlive(life);
      return;
    }
    this.#pending.delete(id);
    if (pending.deadline !== null) clearTimeout(pending.deadline);
    if ((pending.command === 'card.open' || pending.command === 'card.make') && pending.insertion !== null && result.ok) life.touch.set(pending.insertion, (result.value as CardInfo).touch);
    this.#startClock(life, pending);
    pending.settle?.(result);
  }

  #hearStatus(life: Life, heard: DeviceStatus): void {
    const readers = heard.readers.map((reader) => ({ ...reader, insertion: reader.insertion + life.insertionBase }));
    for (const { insertion } of readers) this.#insertionHighest = Math.max(this.#insertionHighest, insertion);
    if (heard.service === 'ready') {
      for (const name of this.#muteReaders) {
        const reader = readers.find((candidate) => candidate.name === name);
        if (reader === undefined || reader.slot === 'no-card') this.#muteReaders.delete(name);
      }
    }
    this.#setStatus({ ...heard, readers: readers.map((reader) => (this.#muteReaders.has(reader.name) ? { ...reader, slot: 'card-mute' } : reader)) });
  }

  #setStatus(status: DeviceStatus): void {
    this.#status = status;
    for (const pending of this.#pending.values()) {
      if (pending.insertion === null || this.#readerOf(pending.insertion) !== null) continue;
      const settle = pending.settle;
      pending.settle = null;
      settle?.(pending.command === 'card.release' ? ok(null) : (this.#serviceRefusal() ?? fail('card-removed')));
    }
    for (const listener of this.#statusListeners) listener(status);
  }

  #refusal(command: DeviceCommand, params: AnyParams): { ok: false; failure: Failure } | null {
    if (!('insertion' in params)) return this.#status.service === 'starting' ? fail('device-host-lost') : null;
    const service = this.#serviceRefusal();
    if (service !== null) return service;
    if ('reader' in params && !this.#status.readers.some(({ name }) => name === params.reader)) return fail('reader-missing');
    const reader = this.#readerOf(params.insertion);
    if (reader === null) return fail('card-removed');
    return command.startsWith('card.open') && this.#muteReaders.has(reader.name) ? fail('card-mute') : null;
  }

  #serviceRefusal(): { ok: false; failure: Failure } | null {
    const { service, detail } = this.#status;
    switch (service) {
      case 'ready':
        return null;
      case 'starting':
        return fail('device-host-lost');
      case 'no-service':
        return fail('reader-no-service', detail);
      case 'no-permission':
        return fail('reader-no-permission', detail);
      default:
        return never(service);
    }
  }

  #readerOf(insertion: number): ReaderStatus | null {
    return this.#status.readers.find((reader) => reader.insertion === insertion && reader.slot !== 'no-card') ?? null;
  }

  /** Of the command whose turn it is, of those that queue with this one. */
  #startClock(life: Life, one: Pending): void {
    const next = [...this.#pending].find(([, pending]) => (one.insertion === null ? pending.command === one.command : pending.insertion === one.insertion));
    if (next === undefined || next[1].deadline !== null) return;
    const [id, pending] = next;
    pending.deadline = setTimeout(() => this.#missedDeadline(id), this.#deadlineMs(life, pending));
  }

  #deadlineMs(life: Life, { command, insertion, isAtPad, waitMs }: Pending): number {
    const touch = insertion === null ? undefined : life.touch.get(insertion);
    switch (command) {
      case 'card.verify':
        return isAtPad ? this.#times.pinPadMs : this.#times.cardMs;
      case 'card.sign':
        return touch?.sig === true ? this.#times.touchMs : this.#times.cardMs;
      case 'card.authenticate':
        return touch?.aut === true ? this.#times.touchMs : this.#times.cardMs;
      case 'card.agree':
        return touch?.dec === true ? this.#times.touchMs : this.#times.cardMs;
      case 'card.open':
      case 'card.count':
      case 'card.change-pin':
      case 'card.choose-pin':
      case 'card.unblock':
      case 'card.open-raw':
      case 'card.release':
        return this.#times.cardMs;
      case 'card.wipe':
      case 'card.make':
        return this.#times.makingMs;
      case 'identity.read':
        return waitMs + this.#times.identityMs;
      case 'printer.print':
        return this.#times.printMs;
      case 'reader.trace':
      case 'devices.survey':
        return this.#times.cardMs;
      default:
        return never(command);
    }
  }

  #missedDeadline(id: number): void {
    const pending = this.#pending.get(id);
    const reader = pending === undefined || pending.insertion === null ? null : this.#readerOf(pending.insertion);
    if (reader !== null) this.#muteReaders.add(reader.name);
    const settle = pending?.settle;
    this.#pending.delete(id);
    settle?.(fail(pending?.insertion === null ? 'device-lost' : 'card-timeout', pending?.command));
    this.#lost('deadline');
  }

  #ping(life: Life): void {
    if (life.silence !== null) return;
    life.silence = setTimeout(() => this.#lost('silence'), this.#times.pingAnswerMs);
    life.host.post({ id: ++this.#lastId, command: 'ping' });
  }

  #heardAlive(life: Life): void {
    if (life.silence !== null) clearTimeout(life.silence);
    life.silence = null;
  }

  #lost(why: string): void {
    const livedMs = this.#life === null ? 0 : performance.now() - this.#life.startedAtMs;
    if (livedMs >= this.#times.healthyAfterMs) this.#failures = 0;
    this.#respawn = setTimeout(() => this.#start(), respawnDelayMs(this.#failures++, this.#times));
    this.#end(fail('device-host-lost', why));
  }

  #end(result: { ok: false; failure: Failure }): void {
    const life = this.#life;
    this.#life = null;
    if (life !== null) {
      clearInterval(life.pinger);
      this.#heardAlive(life);
      life.host.kill();
    }
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const { deadline, settle } of waiting) {
      if (deadline !== null) clearTimeout(deadline);
      settle?.(result);
    }
    this.#setStatus({ service: 'starting', readers: [], detail: result.failure.detail });
  }
}

function wipePins(params: AnyParams): void {
  if ('pin' in params) params.pin?.fill(0);
  for (const name of ['oldPin', 'newPin', 'adminPin', 'resetCode'] as const) {
    const secret = (params as Partial<Record<typeof name, Uint8Array>>)[name];
    secret?.fill(0);
  }
}
