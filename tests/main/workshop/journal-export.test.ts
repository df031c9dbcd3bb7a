import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { softwareOpener } from '../../../src/identity/hpke.ts';
import { x25519Public } from '../../../src/identity/x25519.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import type { PublicKey } from '../../../src/ledger/verify/acts.ts';
import { systemClock } from '../../../src/main/clock.ts';
import { readOrMakeDeviceKey } from '../../../src/main/device-key.ts';
import { openJournal } from '../../../src/main/journal.ts';
import { openJournalFile, sealJournal, statementOf } from '../../../src/main/workshop/journal-export.ts';
import { readJournalPage } from '../../../src/main/workshop/journal-reading.ts';
import { must } from '../../hub/visitor.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'export-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const secret = new Uint8Array(32).fill(9);
const opener = softwareOpener(secret);
const staff = 'ab'.repeat(16);

/** A journal over three files, the newest begun. */
function fill(): void {
  const journal = openJournal({ dataDir: dir, clock: systemClock, maxBytes: 500 });
  for (let at = 0; at < 6; at += 1) journal.write({ event: 'readers', service: 'ready', slot: `slot-${at}` });
  journal.write({ event: 'hub', reachable: false, code: 'hub-unreachable' });
  journal.write({ event: 'kiosk.opened', staff });
  journal.close();
}

async function sealed(): Promise<{ file: Uint8Array; key: PublicKey }> {
  const key = readKey();
  return { file: must(await sealJournal({ dataDir: dir, kioskId: 'hall-1', deviceKey: key, hubSeal: x25519Public(secret), now: Date.UTC(2026, 10, 22) })), key: key.publicKey };
}
const readKey = () => must(readOrMakeDeviceKey(join(dir, 'device.key.json')));

describe('an exported journal', () => {
  test('holds every line, oldest first, and is told by its kiosk’s key', async () => {
    fill();
    const { file, key } = await sealed();
    expect(statementOf(file)).toMatchObject({ kiosk: 'hall-1', at: '2026-11-22T00:00:00.000Z' });
    const lines = must(await openJournalFile(file, key, opener, nodeCrypto.verify)).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual(lines.map((_, at) => at));
    expect(lines.length).toBeGreaterThan(8);
  });

  test('shows nothing of itself to whoever finds the stick', async () => {
    fill();
    expect(Buffer.from((await sealed()).file).includes('readers')).toBe(false);
  });

  test('of another kiosk, or opened with another key, is refused', async () => {
    fill();
    const { file, key } = await sealed();
    expect(await openJournalFile(file, [-19, new Uint8Array(32).fill(1)], opener, nodeCrypto.verify)).toMatchObject({ ok: false, failure: { code: 'export-signature' } });
    expect(await openJournalFile(file, key, softwareOpener(new Uint8Array(32).fill(3)), nodeCrypto.verify)).toMatchObject({ ok: false, failure: { code: 'seal-broken' } });
    const altered = Uint8Array.from(file);
    altered[altered.length - 5] = (altered[altered.length - 5] ?? 0) ^ 1;
    expect(await openJournalFile(altered, key, opener, nodeCrypto.verify)).toMatchObject({ ok: false });
    expect(await openJournalFile(file.slice(0, 40), key, opener, nodeCrypto.verify)).toMatchObject({ ok: false, failure: { code: 'export-form' } });
  });
});

describe('a page of the journal', () => {
  test.each([
    { filter: 'all', expected: ['kiosk.opened', 'hub', 'readers', 'readers', 'readers', 'readers', 'readers', 'readers', 'journal.resumed'] },
    { filter: 'failures', expected: ['hub'] },
    { filter: 'staff', expected: ['kiosk.opened'] },
    { filter: 'devices', expected: Array(6).fill('readers') },
    { filter: 'hub', expected: ['hub'] },
    { filter: 'visits', expected: [] },
  ] as const)('of $filter, newest first', ({ filter, expected }) => {
    fill();
    expect(readJournalPage(dir, filter, 0, 30)).toMatchObject({ rows: expected.map((event: string) => ({ event })), older: false });
  });

  test('goes on where the one before ended, over all files', () => {
    fill();
    const [first, second, third] = [0, 4, 8].map((from) => readJournalPage(dir, 'all', from, 4));
    expect([first, second, third].flatMap((page) => page?.rows.map(({ seq }) => seq))).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect([first?.older, second?.older, third?.older]).toEqual([true, true, false]);
  });
});
