import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../src/main/clock.ts';
import { districtDay } from '../../src/main/district-time.ts';
import { openOutbox, type Outbox, type Waiting } from '../../src/main/outbox.ts';
import { mayMount } from '../fixtures/small-disk.ts';

let dataDir: string;
let nowMs = 1_800_000_000_000;
const clock: Clock = { now: () => nowMs, setTimeout: () => null, clearTimeout: () => undefined };

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-outbox-'));
  nowMs = 1_800_000_000_000;
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

function open(maxBytes?: number): Outbox {
  const outbox = openOutbox({ dataDir, clock, maxBytes });
  if (!outbox.ok) throw new Error(outbox.failure.detail);
  return outbox.value;
}

const resident = new Uint8Array(16).fill(1);
const another = new Uint8Array(16).fill(2);

const request = (mark: number, change: Partial<Waiting> = {}): Waiting => ({
  transaction: new Uint8Array(32).fill(mark),
  submission: {
    envelope: new Uint8Array([mark, 1, 2]),
    payloads: [
      { act: 0, what: 'part', to: 'space', sealed: new Uint8Array([mark]) },
      { act: 1, what: 'answers', to: 'agency', sealed: new Uint8Array([mark, mark]) },
    ],
  },
  reference: `7KQ2-M4XD-0${mark}`,
  resident,
  counter: 10 + mark,
  notAfter: 1_800_100_000,
  putAt: nowMs,
  ...change,
});

describe('a request in the outbox', () => {
  test('comes out as it went in, the oldest first, also after the outbox was opened again', () => {
    const first = open();
    expect(first.put(request(2)).ok).toBe(true);
    nowMs += 1;
    expect(first.put(request(1)).ok).toBe(true);
    first.close();
    const again = open();
    expect(again.waiting()).toEqual([request(2, { putAt: nowMs - 1 }), request(1, { putAt: nowMs })]);
    expect(again.find(request(1).transaction)?.reference).toBe('7KQ2-M4XD-01');
    again.close();
  });

  test('is there once, however often it is put', () => {
    const outbox = open();
    outbox.put(request(1));
    expect(outbox.put(request(1, { reference: 'another' })).ok).toBe(true);
    expect(outbox.waiting()).toEqual([request(1)]);
    outbox.close();
  });

  test('is dropped with its payloads once it is recorded', () => {
    const outbox = open();
    outbox.put(request(1));
    expect(outbox.recorded(request(1).transaction).ok).toBe(true);
    expect(outbox.waiting()).toEqual([]);
    outbox.close();
    const database = new DatabaseSync(join(dataDir, 'outbox.sqlite'));
    expect(database.prepare('SELECT count(*) AS n FROM payload').get()).toEqual({ n: 0 });
    database.close();
  });

  test('that was refused is kept with its resident’s parts alone, told once and forgotten after 30 days', () => {
    const outbox = open();
    outbox.put(request(1));
    outbox.refused(request(1).transaction, 'rejected', 'grant-not-live');
    expect(outbox.waiting()).toEqual([]);
    expect(outbox.refusedOf(another)).toEqual([]);
    const refused = { transaction: request(1).transaction, reference: '7KQ2-M4XD-01', state: 'rejected', code: 'grant-not-live' };
    expect(outbox.refusedOf(resident)).toEqual([{ ...refused, refusedAt: nowMs, parts: [{ act: 0, sealed: new Uint8Array([1]) }] }]);
    expect(outbox.untold(another)).toEqual([]);
    expect(outbox.untold(resident)).toEqual([refused]);
    outbox.noteTold(request(1).transaction);
    expect(outbox.untold(resident)).toEqual([]);
    expect(outbox.refusedOf(resident)).toHaveLength(1);
    expect(outbox.counters(resident)).toEqual([11]);
    outbox.close();
    nowMs += 30 * 24 * 3600_000 + 1;
    const later = open();
    expect(later.counters(resident)).toEqual([]);
    expect(later.refusedOf(resident)).toEqual([]);
    later.close();
  });

  test('that was refused is forgotten after 30 days by a kiosk that runs all the while, too', () => {
    const outbox = open();
    outbox.put(request(1));
    outbox.put(request(2));
    outbox.refused(request(1).transaction, 'expired', 'expired');
    nowMs += 30 * 24 * 3600_000 + 1;
    outbox.recorded(request(2).transaction);
    expect(outbox.refusedOf(resident)).toEqual([]);
    outbox.close();
  });

  test('that was recorded is told once, by its reference alone', () => {
    const outbox = open();
    outbox.put(request(1));
    outbox.recorded(request(1).transaction);
    expect(outbox.untold(resident)).toEqual([{ transaction: request(1).transaction, reference: '7KQ2-M4XD-01', state: 'recorded' }]);
    expect(outbox.counters(resident)).toEqual([]);
    outbox.noteTold(request(1).transaction);
    expect(outbox.untold(resident)).toEqual([]);
    outbox.close();
  });

  test('takes back what was noted of its signature', () => {
    const outbox = open();
    outbox.noteBrokenOff(resident, request(1).counter);
    outbox.put(request(1));
    expect(outbox.brokenOff(resident)).toEqual([]);
    expect(outbox.counters(resident)).toEqual([request(1).counter]);
    outbox.close();
  });
});

test('counter values are those of waiting, refused and broken-off signatures of one resident', () => {
  const outbox = open();
  outbox.put(request(1));
  outbox.put(request(2));
  outbox.put(request(3, { resident: another }));
  outbox.refused(request(2).transaction, 'expired', 'expired');
  outbox.noteBrokenOff(resident, 40);
  outbox.noteBrokenOff(resident, 40);
  expect(outbox.counters(resident)).toEqual([11, 12, 40]);
  expect(outbox.brokenOff(resident)).toEqual([40]);
  outbox.forgetBrokenOff(resident, 40);
  expect(outbox.counters(resident)).toEqual([11, 12]);
  outbox.close();
});

describe('the disk', () => {
  test('is written through before anything says that it is safe', () => {
    const outbox = open();
    outbox.put(request(1));
    outbox.close();
    const database = new DatabaseSync(join(dataDir, 'outbox.sqlite'));
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    database.close();
    expect(statSync(join(dataDir, 'outbox.sqlite')).mode & 0o777).toBe(0o600);
  });

  test('that is full says so before anything is signed, and loses nothing', () => {
    const outbox = open(300 * 1024);
    let put = 0;
    while (put < 100 && outbox.put(request(put + 1, { submission: { envelope: new Uint8Array(9000), payloads: [] } })).ok) put += 1;
    expect(put).toBeGreaterThan(5);
    expect(outbox.reserve()).toMatchObject({ ok: false, failure: { code: 'kiosk-storage' } });
    expect(outbox.waiting()).toHaveLength(put);
    outbox.close();
    const roomier = open();
    expect(roomier.reserve().ok).toBe(true);
    expect(roomier.waiting()).toHaveLength(put);
    roomier.close();
  });

  test('has the room that was reserved when the request comes', () => {
    const outbox = open(400 * 1024);
    expect(outbox.reserve().ok).toBe(true);
    expect(outbox.reserve().ok).toBe(true);
    expect(outbox.put(request(1, { submission: { envelope: new Uint8Array(200_000), payloads: [] } })).ok).toBe(true);
    outbox.close();
  });

  describe.skipIf(!mayMount)(mayMount ? 'that is really full' : 'that is really full (skipped: only root mounts one)', () => {
    let disk: string;
    beforeEach(() => {
      disk = join(dataDir, 'disk');
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'imi-outbox-test', disk]);
    });
    afterEach(() => {
      execFileSync('umount', ['--lazy', disk]);
    });

    /** To the last byte. */
    function fillUp(): void {
      const file = openSync(join(disk, 'ballast'), 'a');
      try {
        for (let size = 65_536; size >= 1; ) {
          try {
            if (writeSync(file, Buffer.alloc(size)) < size) size = Math.floor(size / 2);
          } catch {
            size = Math.floor(size / 2);
          }
        }
      } finally {
        closeSync(file);
      }
    }

    const large = request(1, { submission: { envelope: new Uint8Array(60_000).fill(1), payloads: [{ act: 0, what: 'part', to: 'space', sealed: new Uint8Array(190_000).fill(2) }] } });

    test.each<{ name: string; between: (outbox: Outbox) => void }>([
      { name: 'at once', between: () => undefined },
      { name: 'after its signature was noted', between: (outbox) => expect(outbox.noteBrokenOff(resident, large.counter).ok).toBe(true) },
      {
        name: 'while others are recorded and refused',
        between: (outbox) => {
          expect(outbox.noteBrokenOff(resident, large.counter).ok).toBe(true);
          for (const mark of [2, 3]) expect(outbox.recorded(request(mark).transaction).ok).toBe(true);
          for (const mark of [4, 5]) expect(outbox.refused(request(mark).transaction, 'rejected', 'grant-not-live').ok).toBe(true);
        },
      },
    ])('takes the request that room was taken for, $name, and keeps it', ({ between }) => {
      const opened = openOutbox({ dataDir: disk, clock });
      if (!opened.ok) throw new Error(opened.failure.detail);
      const outbox = opened.value;
      for (const mark of [2, 3, 4, 5]) {
        const sealed = new Uint8Array(30_000).fill(mark);
        expect(outbox.put(request(mark, { resident: another, submission: { envelope: sealed, payloads: [{ act: 0, what: 'part', to: 'space', sealed }] } })).ok).toBe(true);
      }
      expect(outbox.reserve().ok).toBe(true);
      fillUp();
      expect(() => writeFileSync(join(disk, 'more'), 'x'.repeat(5000))).toThrow(/ENOSPC/);
      rmSync(join(disk, 'more'), { force: true });
      between(outbox);
      expect(outbox.put(large)).toMatchObject({ ok: true });
      // No room for another: said before anything is signed.
      expect(outbox.reserve()).toMatchObject({ ok: false, failure: { code: 'kiosk-storage' } });
      outbox.close();
      const again = openOutbox({ dataDir: disk, clock });
      if (!again.ok) throw new Error(again.failure.detail);
      expect(again.value.find(large.transaction)).toEqual(large);
      expect(again.value.recorded(large.transaction).ok).toBe(true);
      again.value.close();
    });
  });

  test.each<{ name: string; spoil: () => void }>([
    { name: 'a file that is no database', spoil: () => writeFileSync(join(dataDir, 'outbox.sqlite'), 'no database at all, but text that goes on for a while') },
    { name: 'no folder', spoil: () => rmSync(dataDir, { recursive: true }) },
  ])('with $name is kiosk-storage', ({ spoil }) => {
    spoil();
    expect(openOutbox({ dataDir, clock })).toMatchObject({ ok: false, failure: { code: 'kiosk-storage' } });
  });
});

test('nothing that was called safe is lost when the kiosk is killed in the middle', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'outbox-child.ts'), dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (said.length === 25) child.kill('SIGKILL');
  }
  if (child.signalCode === null) await once(child, 'exit');
  expect(child.signalCode).toBe('SIGKILL');
  const outbox = open();
  const kept = outbox.waiting();
  const ids = new Set(kept.map(({ transaction }) => Buffer.from(transaction).toString('hex')));
  expect(said.filter((id) => !ids.has(id))).toEqual([]);
  expect(kept.every(({ submission }) => submission.payloads.length === 1)).toBe(true);
  outbox.close();
});

describe('the file has its format’s number', () => {
  const inFile = <T>(work: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(join(dataDir, 'outbox.sqlite'));
    try {
      return work(database);
    } finally {
      database.close();
    }
  };

  test('a later program’s is refused as it is', () => {
    const outbox = open();
    outbox.put(request(1));
    outbox.close();
    inFile((database) => database.exec('PRAGMA user_version = 3'));
    expect(openOutbox({ dataDir, clock })).toEqual({ ok: false, failure: { code: 'kiosk-storage', detail: 'of format 3' } });
    inFile((database) => database.exec('PRAGMA user_version = 2'));
    expect(open().waiting()).toEqual([request(1)]);
  });

  test('one of the format before gets what it lacks, with what waits in it', () => {
    const outbox = open();
    outbox.put(request(1));
    outbox.close();
    inFile((database) => database.exec('DROP TABLE request_count; PRAGMA user_version = 1'));
    const again = open();
    expect(again.waiting()).toEqual([request(1)]);
    expect(again.put(request(2), ['tax/property-tax-certificate']).ok).toBe(true);
    again.close();
  });

  test('one from before there were numbers gets it, with what waits in it', () => {
    const outbox = open();
    outbox.put(request(1));
    outbox.close();
    inFile((database) => database.exec('PRAGMA user_version = 0'));
    const again = open();
    expect(again.waiting()).toEqual([request(1)]);
    again.close();
    expect(inFile((database) => database.prepare('PRAGMA user_version').get())).toEqual({ user_version: 2 });
  });
});

test('requests are counted by day and service, once each, and so they are after they are recorded', () => {
  const outbox = open();
  outbox.put(request(1), ['tax/a', 'pension/b']);
  outbox.put(request(1), ['tax/a', 'pension/b']);
  outbox.put(request(2), ['pension/b']);
  outbox.put(request(3));
  const today = districtDay(clock.now());
  outbox.recorded(request(1).transaction);
  expect(outbox.requestsOn(today)).toEqual([
    { service: 'pension/b', count: 2 },
    { service: 'tax/a', count: 1 },
  ]);
  expect(outbox.requestsOn('2001-01-01')).toEqual([]);
});

test('what is dropped leaves no byte in the file', () => {
  const mark = new TextEncoder().encode('a sealed payload as good as any');
  const outbox = open();
  outbox.put(request(1, { submission: { envelope: mark, payloads: [{ act: 0, what: 'self', to: 'space', sealed: mark }] } }));
  outbox.recorded(request(1).transaction);
  outbox.close();
  for (const file of readdirSync(dataDir)) expect(readFileSync(join(dataDir, file)).includes(Buffer.from(mark))).toBe(false);
});
