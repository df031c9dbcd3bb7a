import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { HostMessage, HostProcess, HostRequest, ReaderStatus } from '../../src/contract/device-host.ts';
import { fail, ok } from '../../src/contract/result.ts';
import { DeviceHost, deviceHostTimes, respawnDelayMs } from '../../src/drivers/device-host.ts';

const reader = 'Reader 00 00';
const withCard = (insertion: number, slot: ReaderStatus['slot'] = 'card-present'): HostMessage => ({ status: { service: 'ready', readers: [{ name: reader, slot, insertion }] } });
const data = new Uint8Array(32);

/** A child process that says and does what the test says. */
class FakeProcess implements HostProcess {
  readonly posted: HostRequest[] = [];
  killed = false;
  say: (message: HostMessage) => void = () => undefined;
  exit: () => void = () => undefined;

  post(message: HostRequest): void {
    this.posted.push(structuredClone(message));
  }
  onMessage(listener: (message: HostMessage) => void): void {
    this.say = listener;
  }
  onExit(listener: () => void): void {
    this.exit = listener;
  }
  kill(): void {
    this.killed = true;
  }
  /** The last request of this command. */
  request(command: HostRequest['command']): HostRequest {
    const found = this.posted.findLast((request) => request.command === command);
    if (found === undefined) throw new Error(`no ${command} was posted`);
    return found;
  }
}

let processes: FakeProcess[];
let host: DeviceHost;
const last = (): FakeProcess => processes.at(-1) as FakeProcess;

beforeEach(() => {
  vi.useFakeTimers();
  processes = [];
  host = new DeviceHost(() => {
    const process = new FakeProcess();
    processes.push(process);
    return process;
  });
});

afterEach(() => {
  host.stop();
  vi.useRealTimers();
});

const open = () => host.call('card.open', { reader, insertion: 1 });
const authenticate = (insertion = 1) => host.call('card.authenticate', { insertion, data });

describe('what a call comes to', () => {
  test('the answer of the host', async () => {
    last().say(withCard(1));
    const answer = authenticate();
    last().say({ answer: last().request('card.authenticate').id, result: ok(data) });
    expect(await answer).toEqual(ok(data));
  });

  test.each<{ name: string; message: HostMessage | null; code: string }>([
    { name: 'before the first status', message: null, code: 'device-host-lost' },
    { name: 'no service', message: { status: { service: 'no-service', readers: [], detail: 'SCARD_E_NO_SERVICE' } }, code: 'reader-no-service' },
    { name: 'no permission', message: { status: { service: 'no-permission', readers: [] } }, code: 'reader-no-permission' },
    { name: 'no such reader', message: { status: { service: 'ready', readers: [] } }, code: 'reader-missing' },
    { name: 'no card', message: withCard(1, 'no-card'), code: 'card-removed' },
    { name: 'the next card', message: withCard(2), code: 'card-removed' },
  ])('$name: $code, and the host is not asked', async ({ message, code }) => {
    if (message !== null) last().say(message);
    expect(await open()).toMatchObject({ ok: false, failure: { code } });
    expect(last().posted).toEqual([]);
  });

  test('the card out: at once, and the late answer is nobody’s', async () => {
    last().say(withCard(1));
    const answer = authenticate();
    const { id } = last().request('card.authenticate');
    last().say(withCard(1, 'no-card'));
    expect(await answer).toMatchObject({ failure: { code: 'card-removed' } });
    last().say(withCard(2));
    const next = authenticate(2);
    last().say({ answer: id, result: ok(new Uint8Array([1])) });
    last().say({ answer: last().request('card.authenticate').id, result: ok(new Uint8Array([2])) });
    expect(await next).toEqual(ok(new Uint8Array([2])));
  });

  test('a late answer has its deadline all the same', async () => {
    last().say(withCard(1));
    const answer = authenticate();
    last().say(withCard(1, 'no-card'));
    await answer;
    await vi.advanceTimersByTimeAsync(deviceHostTimes.cardMs);
    expect(processes[0]?.killed).toBe(true);
  });

  test('a release of a card that is out is no failure', async () => {
    last().say(withCard(1, 'no-card'));
    expect(await host.call('card.release', { insertion: 1 })).toEqual(ok(null));
  });

  test('the process gone in the middle', async () => {
    last().say(withCard(1));
    const answer = authenticate();
    last().exit();
    expect(await answer).toMatchObject({ failure: { code: 'device-host-lost' } });
  });
});

test.each(['asked', 'refused'] as const)('a PIN is overwritten in the hands of the caller, %s', (how) => {
  if (how === 'asked') last().say(withCard(1));
  const pins = [Buffer.from('123456'), Buffer.from('123456'), Buffer.from('654321')] as const;
  void host.call('card.verify', { insertion: 1, purpose: 'user', pin: pins[0] });
  void host.call('card.change-pin', { insertion: 1, oldPin: pins[1], newPin: pins[2] });
  expect(Buffer.concat(pins)).toEqual(Buffer.alloc(18));
  expect(last().posted.length).toBe(how === 'asked' ? 2 : 0);
});

describe('deadlines', () => {
  test.each<{ name: string; touch?: boolean; call: () => Promise<unknown>; ms: number }>([
    { name: 'a card', call: () => authenticate(), ms: deviceHostTimes.cardMs },
    { name: 'a card that waits for a touch', touch: true, call: () => authenticate(), ms: deviceHostTimes.touchMs },
    { name: 'a typed PIN', call: () => host.call('card.verify', { insertion: 1, purpose: 'user', pin: Buffer.from('123456') }), ms: deviceHostTimes.cardMs },
    { name: 'a PIN at the reader', call: () => host.call('card.verify', { insertion: 1, purpose: 'user', pin: null }), ms: deviceHostTimes.pinPadMs },
  ])('$name: $ms ms, not one less', async ({ touch, call, ms }) => {
    const process = last();
    process.say(withCard(1));
    if (touch === true) {
      const opening = open();
      process.say({ answer: process.request('card.open').id, result: ok({ touch: { sig: false, dec: false, aut: true } }) });
      await opening;
    }
    const heartbeat = setInterval(() => process.posted.filter(({ command }) => command === 'ping').forEach(({ id }) => process.say({ answer: id, result: ok(null) })), 1_000);
    const answer = call();
    await vi.advanceTimersByTimeAsync(ms - 1);
    expect(process.killed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    clearInterval(heartbeat);
    expect(process.killed).toBe(true);
    expect(await answer).toMatchObject({ failure: { code: 'card-timeout' } });
  });

  test('one that waits its turn has its own time, from the answer before it', async () => {
    const process = last();
    process.say(withCard(1));
    const heartbeat = setInterval(() => process.posted.filter(({ command }) => command === 'ping').forEach(({ id }) => process.say({ answer: id, result: ok(null) })), 1_000);
    const atThePad = host.call('card.verify', { insertion: 1, purpose: 'user', pin: null });
    const release = host.call('card.release', { insertion: 1 });
    await vi.advanceTimersByTimeAsync(deviceHostTimes.pinPadMs - 1);
    expect(process.killed).toBe(false);
    process.say({ answer: process.request('card.verify').id, result: ok({ verified: true }) });
    expect((await atThePad).ok).toBe(true);
    await vi.advanceTimersByTimeAsync(deviceHostTimes.cardMs - 1);
    expect(process.killed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    clearInterval(heartbeat);
    expect(process.killed).toBe(true);
    expect(await release).toMatchObject({ failure: { code: 'card-timeout' } });
  });

  test('a card does not wait for another one', async () => {
    last().say({ status: { service: 'ready', readers: [1, 2].map((insertion) => ({ name: `Reader 0${insertion} 00`, slot: 'card-present', insertion })) } });
    void host.call('card.verify', { insertion: 1, purpose: 'user', pin: null });
    const other = authenticate(2);
    await vi.advanceTimersByTimeAsync(deviceHostTimes.cardMs);
    expect(await other).toMatchObject({ failure: { code: 'card-timeout' } });
  });

  test('a card that let one pass is mute until it is out, over the restart', async () => {
    last().say(withCard(1));
    const answer = open();
    await vi.advanceTimersByTimeAsync(deviceHostTimes.cardMs);
    await answer;
    await vi.advanceTimersByTimeAsync(deviceHostTimes.respawnFirstMs);
    last().say({ status: { service: 'no-service', readers: [] } });
    last().say(withCard(1));
    expect(host.status.readers).toEqual([{ name: reader, slot: 'card-mute', insertion: 2 }]);
    expect(await host.call('card.open', { reader, insertion: 2 })).toMatchObject({ failure: { code: 'card-mute' } });
    last().say(withCard(1, 'no-card'));
    last().say(withCard(2));
    expect(host.status.readers).toEqual([{ name: reader, slot: 'card-present', insertion: 3 }]);
  });
});

describe('restarts', () => {
  test('insertions go on counting, and the host is asked in its own numbers', async () => {
    last().say(withCard(7));
    last().exit();
    expect(host.status).toEqual({ service: 'starting', readers: [], detail: 'exit' });
    await vi.advanceTimersByTimeAsync(deviceHostTimes.respawnFirstMs);
    last().say(withCard(1));
    expect(host.status.readers[0]?.insertion).toBe(8);
    expect(await authenticate(7)).toMatchObject({ failure: { code: 'card-removed' } });
    void authenticate(8);
    expect(last().request('card.authenticate')).toMatchObject({ params: { insertion: 1 } });
  });

  test('what an old process still says is not heard', async () => {
    const [old] = processes;
    last().say(withCard(1));
    last().exit();
    await vi.advanceTimersByTimeAsync(deviceHostTimes.respawnFirstMs);
    old?.say(withCard(5));
    old?.exit();
    expect(host.status.readers).toEqual([]);
    expect(processes.length).toBe(2);
  });

  test('a host without a first status is killed', async () => {
    await vi.advanceTimersByTimeAsync(deviceHostTimes.pingAnswerMs);
    expect(processes[0]?.killed).toBe(true);
  });

  test('a host that answers no ping is killed, one that does is not', async () => {
    const process = last();
    process.say(withCard(1));
    await vi.advanceTimersByTimeAsync(deviceHostTimes.pingEveryMs);
    process.say({ answer: process.request('ping').id, result: ok(null) });
    await vi.advanceTimersByTimeAsync(deviceHostTimes.pingAnswerMs);
    expect(process.killed).toBe(false);
    await vi.advanceTimersByTimeAsync(deviceHostTimes.pingEveryMs);
    expect(process.killed).toBe(true);
  });

  test('waits 0.5, 1, 2, 4, 8 and then 10 s', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 1000].map((failures) => respawnDelayMs(failures, deviceHostTimes))).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  });

  test('waits longer each time, and short again after a healthy life', async () => {
    last().exit();
    await vi.advanceTimersByTimeAsync(500);
    last().exit();
    await vi.advanceTimersByTimeAsync(999);
    expect(processes.length).toBe(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(processes.length).toBe(3);
    const process = last();
    process.say(withCard(1));
    const heartbeat = setInterval(() => process.posted.forEach(({ id }) => process.say({ answer: id, result: ok(null) })), 1_000);
    await vi.advanceTimersByTimeAsync(deviceHostTimes.healthyAfterMs);
    clearInterval(heartbeat);
    process.exit();
    await vi.advanceTimersByTimeAsync(500);
    expect(processes.length).toBe(4);
  });

  test('stops for good', async () => {
    last().say(withCard(1));
    const answer = authenticate();
    host.stop();
    expect(await answer).toMatchObject({ failure: { code: 'device-host-lost' } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(processes.map(({ killed }) => killed)).toEqual([true]);
  });
});

test('passes on that a touch is wanted, and of which command', () => {
  const heard = vi.fn();
  host.onTouchWanted(heard);
  last().say(withCard(1));
  void authenticate();
  last().say({ touchWanted: last().request('card.authenticate').id });
  expect(heard).toHaveBeenCalledExactlyOnceWith('card.authenticate', 1);
});

describe('devices beside the card readers', () => {
  const noService: HostMessage = { status: { service: 'no-service', readers: [], identityReader: { state: 'ready', product: 'Reader' } } };

  test('are asked without a card, and where the cards’ service is down', async () => {
    last().say(noService);
    const answer = host.call('identity.read', { waitMs: 5_000 });
    last().say({ answer: last().request('identity.read').id, result: fail('identity-card-missing') });
    expect(await answer).toEqual(fail('identity-card-missing'));
    expect(host.status.identityReader).toEqual({ state: 'ready', product: 'Reader' });
  });

  test('have their wait, and then the time that reading takes', async () => {
    last().say(noService);
    const answer = host.call('identity.read', { waitMs: 20_000 });
    const pings = setInterval(() => last().say(noService), 1_000);
    await vi.advanceTimersByTimeAsync(20_000 + deviceHostTimes.identityMs - 1);
    expect(processes[0]?.killed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    clearInterval(pings);
    expect(await answer).toEqual(fail('device-lost', 'identity.read'));
    expect(processes[0]?.killed).toBe(true);
  });

  test('are not asked of a host that is starting', async () => {
    expect(await host.call('printer.print', { slip: { widthDots: 8, heightDots: 0, dots: new Uint8Array(0) } })).toMatchObject({ failure: { code: 'device-host-lost' } });
  });

  test('what was scanned is told to whoever listens, until they do not', () => {
    const seen: string[] = [];
    const stop = host.onScan(({ text }) => seen.push(text));
    last().say({ scan: { text: 'a', symbology: 'qr' } });
    stop();
    last().say({ scan: { text: 'b', symbology: 'qr' } });
    expect(seen).toEqual(['a']);
  });
});
