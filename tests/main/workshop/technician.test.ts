import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Intent } from '../../../src/contract/bridge.ts';
import type { DeviceCommand, DeviceStatus, Scan } from '../../../src/contract/device-host.ts';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import type { WorkshopPage } from '../../../src/contract/workshop.ts';
import type { JournalEvent } from '../../../src/main/journal.ts';
import type { Standing } from '../../../src/main/workshop/kiosk-acts.ts';
import type { Readiness } from '../../../src/main/workshop/readiness.ts';
import { createWorkshop, deviceLines, type WorkshopBench, type WorkshopParts } from '../../../src/main/workshop/technician.ts';
import { worldAt } from '../../../tools/demo/world.ts';
import { cardInfo } from '../visit/visit-stand.ts';

const kioskFile = { ...worldAt('').hubFile.kiosks['hall-1'], readers: { resident: 'A', staff: 'B' }, devices: { printer: { path: '/dev/usb/lp0', widthDots: 576 } } } as WorkshopParts['kioskFile'];
const ready: DeviceStatus = {
  service: 'ready',
  readers: [
    { name: 'A', slot: 'card-present', insertion: 7 },
    { name: 'B', slot: 'card-present', insertion: 3 },
  ],
  printer: { state: 'ready', product: 'TM' },
};

let dir: string;
let pages: WorkshopPage[];
let asked: DeviceCommand[];
let events: JournalEvent[];
let did: string[];
let over: number;
/** At the same workshop once more. */
let reopen: () => WorkshopBench;
const report: Readiness = {
  v: 1,
  kiosk: 'hall-1',
  hub: 'demo',
  chain: 'imi-demo',
  at: '2026-11-22T02:14:09.000Z',
  version: '0.1.0',
  machine: 'm',
  checks: [{ check: 'printer', state: 'bad', code: 'printer-paper-out' }],
  ready: false,
};
let ears: { onStatus(status: DeviceStatus): void; onScan(scan: Scan): void };
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bench-'));
  [pages, asked, events, did, over] = [[], [], [], [], 0];
});
afterEach(() => rmSync(dir, { recursive: true }));

function open(change: Partial<WorkshopParts> = {}, answers: Partial<Record<DeviceCommand, Result<unknown>>> = {}): WorkshopBench {
  const devices: WorkshopParts['devices'] = {
    status: ready,
    onStatus: (onStatus) => {
      ears = { ...ears, onStatus };
      return () => undefined;
    },
    onScan: (onScan) => {
      ears = { ...ears, onScan };
      return () => undefined;
    },
    call: (command) => {
      asked.push(command);
      return Promise.resolve((answers[command] ?? ok([])) as never);
    },
  };
  const verify = { verified: true } as const;
  const parts: WorkshopParts = {
    devices,
    kioskFile,
    kioskId: 'hall-1',
    dataDir: dir,
    deviceKey: { publicKey: [-19, new Uint8Array(32)], sign: () => Promise.resolve(ok(new Uint8Array(64))) },
    district: { party: () => Promise.resolve(fail('hub-unreachable')) },
    acts: { standing: () => Promise.resolve(ok({ standing: 'unknown' })), retire: () => Promise.resolve(ok(Uint8Array.of(1, 2, 3))) },
    cardOf: () => ({ verify: () => Promise.resolve(ok(verify)), sign: () => Promise.resolve(ok(new Uint8Array(64))) }) as unknown as ReturnType<WorkshopParts['cardOf']>,
    waiting: () => 0,
    wipeKey: () => {
      did.push('wiped');
      return ok(null);
    },
    onRetired: () => did.push('told'),
    journal: { write: (event) => events.push(event) },
    clock: { now: () => Date.UTC(2026, 10, 22), setTimeout: () => 0, clearTimeout: () => undefined },
    stickRoots: [],
    readiness: () => Promise.resolve({ report, signed: 'a.b.c' }),
    readinessPdf: ({ report: { kiosk } }) => Promise.resolve(ok(new TextEncoder().encode(`%PDF ${kiosk}`))),
    ...change,
  };
  const staff = { id: new Uint8Array(16).fill(7), role: 'technician' as const, party: 'hub-1', partyNames: { 'zh-Hans': '中心', en: 'Hub' }, sig: cardInfo.keys.sig, aut: cardInfo.keys.aut, until: 0 };
  const workshop = createWorkshop(parts);
  reopen = () => workshop.open({ access: { staff, session: new Uint8Array(16), registrar: 'registrar' }, insertion: 3, pinPad: false, triesLeft: 3 }, { show: (page) => pages.push(page), over: () => (over += 1) });
  return reopen();
}
const slip = { widthDots: 8, heightDots: 1, dots: deflateSync(Uint8Array.of(1)).toString('base64') };
const shown = (): WorkshopPage | undefined => pages.at(-1);

const standings: Record<'unknown' | 'retired', Standing> = { unknown: { standing: 'unknown' }, retired: { standing: 'retired', hub: 'xiguan-hub', key: [-19, new Uint8Array(32)], attested: { count: 0, hash: new Uint8Array(32) } } };

describe('the list of devices', () => {
  test.each([
    { name: 'all there', status: ready, expected: [['card', null], ['card', null], ['ready', null]] },
    { name: 'no PC/SC service', status: { ...ready, service: 'no-service' }, expected: [['missing', 'reader-no-service'], ['missing', 'reader-no-service'], ['ready', null]] },
    { name: 'a reader pulled out', status: { ...ready, readers: ready.readers.slice(0, 1) }, expected: [['card', null], ['missing', 'reader-missing'], ['ready', null]] },
    { name: 'a printer without paper', status: { ...ready, printer: { state: 'unusable', failure: { code: 'printer-paper-out' } } }, expected: [['card', null], ['card', null], ['unusable', 'printer-paper-out']] },
  ] as const)('$name', ({ status, expected }) => {
    expect(deviceLines(kioskFile, status as DeviceStatus).map(({ says, code }) => [says, code])).toEqual(expected);
  });

  test('leads home, and each device back to it', () => {
    const bench = open();
    bench.take({ intent: 'workshop.device', device: 'printer' });
    expect(shown()).toMatchObject({ part: 'device', line: { device: 'printer' }, widthDots: 576 });
    bench.take({ intent: 'back' });
    expect([shown()?.part, over]).toEqual(['devices', 0]);
    bench.take({ intent: 'back' });
    expect(over).toBe(1);
  });
});

describe('a reader', () => {
  test('reads whatever card is in it, says what it is, and lets it go', async () => {
    const bench = open({}, { 'card.open-raw': ok({ version: '3.4', keys: {}, state: 'blank' }) });
    bench.take({ intent: 'workshop.device', device: 'reader-resident' });
    bench.take({ intent: 'workshop.try' });
    expect(shown()).toMatchObject({ busy: true });
    await expect.poll(shown).toMatchObject({ busy: false, result: { test: 'card', version: '3.4', state: 'blank' } });
    expect(asked).toEqual(['reader.trace', 'card.open-raw', 'card.release']);
  });

  test('leaves the technician’s own card alone', async () => {
    const bench = open();
    bench.take({ intent: 'workshop.device', device: 'reader-staff' });
    bench.take({ intent: 'workshop.try' });
    await expect.poll(shown).toMatchObject({ result: { test: 'failed', code: 'card-in-use' } });
    expect(asked).not.toContain('card.open-raw');
  });
});

test('what the scanner sees stands on its page, and is gone with it', () => {
  const bench = open();
  ears.onScan({ text: 'A', symbology: 'qr' });
  bench.take({ intent: 'workshop.device', device: 'printer' });
  expect(shown()).toMatchObject({ scan: null });
  ears.onScan({ text: 'B', symbology: 'qr' });
  expect(shown()).toMatchObject({ scan: { text: 'B', symbology: 'qr' } });
});

describe('the readiness report', () => {
  const shownReport = async (change: Partial<WorkshopParts> = {}, answers: Parameters<typeof open>[1] = {}): Promise<WorkshopBench> => {
    const bench = open(change, answers);
    bench.take({ intent: 'workshop.open', part: 'readiness' });
    expect(shown()).toMatchObject({ part: 'readiness', report: null });
    await expect.poll(shown).toMatchObject({ part: 'readiness', report: { ready: false, checks: [{ check: 'printer', state: 'bad', code: 'printer-paper-out', detail: null }] } });
    return bench;
  };

  test('is saved as PDF and JSON, and safe to remove only once it lies there', async () => {
    const bench = await shownReport();
    bench.take({ intent: 'workshop.save' });
    expect(shown()).toMatchObject({ part: 'export', what: 'readiness', state: 'choosing' });
    bench.take({ intent: 'workshop.export', option: join(dir, 'exports') });
    expect(shown()).toMatchObject({ state: 'writing' });
    await expect.poll(shown).toMatchObject({ part: 'export', what: 'readiness', state: 'safe', files: ['pdf', 'json'].map((kind) => ({ path: join(dir, `exports/readiness-hall-1-2026-11-22T021409.${kind}`) })) });
    expect(readFileSync(join(dir, 'exports/readiness-hall-1-2026-11-22T021409.pdf'), 'utf8')).toBe('%PDF hall-1');
    expect(JSON.parse(readFileSync(join(dir, 'exports/readiness-hall-1-2026-11-22T021409.json'), 'utf8'))).toEqual({ ...report, signed: 'a.b.c' });
    expect(events).toEqual([]);
  });

  test('that was printed and saved is still that one, and is not printed again', async () => {
    let looked = 0;
    const bench = await shownReport({ readiness: () => ((looked += 1), Promise.resolve({ report, signed: null })) }, { 'printer.print': ok(null) });
    bench.take({ intent: 'workshop.print', slip });
    bench.take({ intent: 'workshop.save' });
    expect(shown(), 'while it is being printed').toMatchObject({ part: 'readiness', busy: true });
    await expect.poll(shown).toMatchObject({ result: { test: 'printed' } });
    bench.take({ intent: 'workshop.save' });
    bench.take({ intent: 'back' });
    expect(shown()).toMatchObject({ part: 'readiness', report: { at: report.at }, result: { test: 'printed' } });
    expect(looked).toBe(1);
  });

  test('that no browser makes a page of is not saved, and the page says why', async () => {
    const bench = await shownReport({ readinessPdf: () => Promise.resolve(fail('browser-missing')) });
    bench.take({ intent: 'workshop.save' });
    bench.take({ intent: 'workshop.export', option: join(dir, 'exports') });
    await expect.poll(shown).toMatchObject({ state: 'failed', code: 'browser-missing' });
    expect(readdirSync(dir)).toEqual([]);
  });

  test('keeps the technician there while it is written, and is begun once', async () => {
    const { promise, resolve } = Promise.withResolvers<Result<Uint8Array>>();
    let begun = 0;
    const bench = await shownReport({ readinessPdf: () => ((begun += 1), promise) });
    bench.take({ intent: 'workshop.save' });
    bench.take({ intent: 'workshop.export', option: join(dir, 'exports') });
    const ways: Intent[] = [{ intent: 'back' }, { intent: 'home' }, { intent: 'workshop.open', part: 'export' }, { intent: 'workshop.open', part: 'devices' }, { intent: 'workshop.export', option: join(dir, 'exports') }];
    for (const way of ways) {
      bench.take(way);
      expect(shown()).toMatchObject({ part: 'export', what: 'readiness', state: 'writing' });
    }
    resolve(ok(new Uint8Array(1)));
    await expect.poll(shown).toMatchObject({ state: 'safe' });
    bench.take({ intent: 'home' });
    expect([shown()?.part, over, begun]).toEqual(['readiness', 0, 1]);
  });

  test('of a technician whose card was out in between waits until the first is written', async () => {
    const { promise, resolve } = Promise.withResolvers<Result<Uint8Array>>();
    const begun: string[] = [];
    const bench = await shownReport({ readinessPdf: () => (begun.push('pdf'), promise) });
    const save = async (at: WorkshopBench): Promise<void> => {
      at.take({ intent: 'workshop.open', part: 'readiness' });
      await expect.poll(shown).toMatchObject({ part: 'readiness', report: { ready: false } });
      at.take({ intent: 'workshop.save' });
      at.take({ intent: 'workshop.export', option: join(dir, 'exports') });
      expect(shown()).toMatchObject({ state: 'writing' });
    };
    await save(bench);
    bench.stop();
    await save(reopen());
    expect(begun).toEqual(['pdf']);
    resolve(ok(new Uint8Array(1)));
    await expect.poll(shown).toMatchObject({ state: 'safe' });
    expect(begun).toEqual(['pdf', 'pdf']);
  });

  test('is not written below the place of a stick that is gone', async () => {
    // Another file system, as a stick is.
    const stick = mkdtempSync('/dev/shm/stick-');
    const media = join(dir, 'media');
    mkdirSync(media);
    symlinkSync(stick, join(media, 'KINGSTON'));
    const bench = await shownReport({ stickRoots: [media] });
    bench.take({ intent: 'workshop.save' });
    expect(shown()).toMatchObject({ places: [{ option: join(media, 'KINGSTON') }, {}] });
    rmSync(join(media, 'KINGSTON'));
    rmSync(stick, { recursive: true });
    mkdirSync(join(media, 'KINGSTON'));
    bench.take({ intent: 'workshop.export', option: join(media, 'KINGSTON') });
    await expect.poll(shown).toMatchObject({ state: 'failed', code: 'kiosk-storage', detail: 'gone' });
    expect(readdirSync(join(media, 'KINGSTON'))).toEqual([]);
  });

  test('is printed as a slip, once it is there', async () => {
    const bench = open({}, { 'printer.print': ok(null) });
    bench.take({ intent: 'workshop.open', part: 'readiness' });
    bench.take({ intent: 'workshop.print', slip });
    expect(asked).not.toContain('printer.print');
    await expect.poll(shown).toMatchObject({ report: { ready: false } });
    bench.take({ intent: 'workshop.print', slip });
    await expect.poll(shown).toMatchObject({ part: 'readiness', result: { test: 'printed' } });
    expect(asked).toContain('printer.print');
  });

  test('is not saved before it is there', () => {
    const bench = open({ readiness: () => new Promise(() => undefined) });
    bench.take({ intent: 'workshop.open', part: 'readiness' });
    bench.take({ intent: 'workshop.save' });
    expect(shown()).toMatchObject({ part: 'readiness', report: null });
  });
});

test('an export that cannot be sealed writes nothing, and says so', async () => {
  const bench = open();
  bench.take({ intent: 'workshop.open', part: 'export' });
  bench.take({ intent: 'workshop.export', option: '/somewhere/else' });
  expect(shown()).toMatchObject({ state: 'choosing' });
  bench.take({ intent: 'workshop.export', option: join(dir, 'exports') });
  await expect.poll(shown).toMatchObject({ state: 'failed', code: 'hub-unreachable' });
  expect(readdirSync(dir)).toEqual([]);
});

test('an export that breaks inside is over, and says so', async () => {
  const bench = open({ district: { party: () => Promise.reject(new TypeError('a bug')) } });
  bench.take({ intent: 'workshop.open', part: 'export' });
  bench.take({ intent: 'workshop.export', option: join(dir, 'exports') });
  await expect.poll(shown).toMatchObject({ state: 'failed', code: 'kiosk-fault', detail: 'TypeError' });
  bench.take({ intent: 'back' });
  expect(shown()).toMatchObject({ part: 'devices' });
});

describe('retiring', () => {
  const asking = (change: Partial<WorkshopParts> = {}): WorkshopBench => {
    const bench = open(change);
    bench.take({ intent: 'workshop.open', part: 'retire' });
    bench.take({ intent: 'workshop.retire' });
    return bench;
  };

  test('wipes the key once the ledger has it, keeps the proof, and tells', async () => {
    asking().take({ intent: 'pin.submit', pin: '123456' });
    await expect.poll(shown).toMatchObject({ part: 'retire', state: 'done', qr: [expect.any(String)] });
    expect([did, readdirSync(dir), events.map(({ event }) => event)]).toEqual([['wiped', 'told'], ['retired.receipt'], ['kiosk.retired']]);
  });

  test('is not begun while signed requests wait', () => {
    asking({ waiting: () => 2 });
    expect(shown()).toMatchObject({ state: 'asking', waiting: 2 });
  });

  test.each([
    { name: 'a ledger that refuses', retired: fail('request-rejected', 'kiosk-counts'), expected: { state: 'refused', code: 'request-rejected', detail: 'kiosk-counts' }, wiped: [] },
    { name: 'a hub out of reach', retired: fail('hub-unreachable'), expected: { state: 'refused', code: 'hub-unreachable', stands: 'unsure' }, wiped: [] },
    { name: 'a hub that has not recorded it yet', retired: fail('hub-busy', 'not recorded yet'), expected: { state: 'refused', code: 'hub-busy', stands: 'unsure' }, wiped: [] },
    { name: 'another device’s name', retired: fail('kiosk-not-enrolled', 'unknown'), expected: { state: 'refused', code: 'kiosk-not-enrolled' }, wiped: [] },
    { name: 'a retirement whose answer was lost', standing: 'retired', retired: fail('kiosk-not-enrolled', 'retired'), expected: { state: 'done', qr: [] }, wiped: ['wiped', 'told'] },
    { name: 'a hub that only says that it is retired', retired: fail('kiosk-not-enrolled', 'retired'), expected: { state: 'refused', code: 'kiosk-not-enrolled' }, wiped: [] },
  ] as { name: string; standing?: 'retired'; retired: Result<Uint8Array>; expected: object; wiped: string[] }[])('with $name', async ({ standing, retired, expected, wiped }) => {
    asking({ acts: { standing: () => Promise.resolve(ok(standings[standing ?? 'unknown'])), retire: () => Promise.resolve(retired) } }).take({ intent: 'pin.submit', pin: '123456' });
    await expect.poll(shown).toMatchObject(expected);
    expect(did).toEqual(wiped);
  });

  const taken = (then: () => Promise<Result<Uint8Array>>): Partial<WorkshopParts> => ({
    acts: {
      standing: () => Promise.resolve(ok(standings.unknown)),
      retire(_, onTaken) {
        onTaken?.();
        return then();
      },
    },
  });

  test.each<{ name: string; change: Partial<WorkshopParts>; expected: object; said: string[] }>([
    { name: 'a proof that does not hold', change: taken(() => Promise.resolve(fail('proof-invalid'))), expected: { state: 'refused', code: 'proof-invalid', stands: 'unsure' }, said: [] },
    { name: 'something inside that breaks', change: taken(() => Promise.reject(new TypeError('a bug'))), expected: { state: 'refused', code: 'kiosk-fault', stands: 'unsure' }, said: [] },
    {
      name: 'a head that is too old to prove what the hub says',
      change: { acts: { standing: () => Promise.resolve(fail('head-too-old')), retire: () => Promise.resolve(fail('kiosk-not-enrolled', 'retired')) } },
      expected: { state: 'refused', code: 'head-too-old', stands: 'unsure' },
      said: [],
    },
    { name: 'a key that cannot be wiped', change: { wipeKey: () => fail('kiosk-storage', 'EROFS') }, expected: { state: 'refused', code: 'kiosk-storage', stands: 'key-left' }, said: ['told'] },
    { name: 'a folder that does not take the proof', change: { dataDir: '/nowhere' }, expected: { state: 'done', qr: [expect.any(String)], result: { test: 'failed', code: 'kiosk-storage' } }, said: ['wiped', 'told'] },
  ])('once the hub has it, with $name', async ({ change, expected, said }) => {
    asking(change).take({ intent: 'pin.submit', pin: '123456' });
    await expect.poll(shown).toMatchObject(expected);
    expect(did).toEqual(said);
  });

  test.each([
    { name: 'where none is asked for', upTo: () => open() },
    {
      name: 'once more, while the first is at work',
      upTo() {
        const bench = asking({ acts: { standing: () => Promise.resolve(ok(standings.unknown)), retire: () => new Promise(() => undefined) } });
        bench.take({ intent: 'pin.submit', pin: '123456' });
        return bench;
      },
    },
  ])('encodes no PIN that comes $name', ({ upTo }) => {
    const bench = upTo();
    const encode = vi.spyOn(TextEncoder.prototype, 'encode');
    bench.take({ intent: 'pin.submit', pin: '314159' });
    expect(encode).not.toHaveBeenCalled();
    encode.mockRestore();
  });

  test('ends where something inside breaks, with its PIN overwritten', async () => {
    let typed: Uint8Array | null = null;
    const card = {
      verify(_: string, pin: Uint8Array | null) {
        typed = pin;
        return Promise.reject(new TypeError('a bug'));
      },
    } as unknown as ReturnType<WorkshopParts['cardOf']>;
    asking({ cardOf: () => card }).take({ intent: 'pin.submit', pin: '123456' });
    await expect.poll(shown).toMatchObject({ part: 'retire', state: 'refused', code: 'kiosk-fault', detail: 'TypeError' });
    expect(typed).toEqual(new Uint8Array(6));
  });

  test('asks again after a wrong PIN, and spends no last try', async () => {
    let triesLeft = 3;
    const card = { verify: () => Promise.resolve(ok({ verified: false, triesLeft: (triesLeft -= 1) })) } as unknown as ReturnType<WorkshopParts['cardOf']>;
    const bench = asking({ cardOf: () => card });
    bench.take({ intent: 'pin.submit', pin: '111111' });
    await expect.poll(shown).toMatchObject({ state: 'pin', wrong: true, triesLeft: 2 });
    bench.take({ intent: 'pin.submit', pin: '111111' });
    await expect.poll(shown).toMatchObject({ state: 'refused', code: 'pin-last-try' });
    expect(did).toEqual([]);
  });
});
