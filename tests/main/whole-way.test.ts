import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Notice, Page } from '../../src/contract/bridge.ts';
import type { FailureCode } from '../../src/contract/failures.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { trustOf } from '../../src/ledger/verify/head.ts';
import { symbolsToReceipt } from '../../src/ledger/verify/receipt-symbols.ts';
import { checkPendingReceipt } from '../../src/ledger/verify/pending-receipt.ts';
import { verifyReceipt } from '../../src/ledger/verify/receipt.ts';
import { systemClock } from '../../src/main/clock.ts';
import { checkJournal } from '../../src/main/journal.ts';
import { openOutbox } from '../../src/main/outbox.ts';
import { loadCardState, saveCardState } from '../../tools/virtual-card/card-state.ts';
import { openKioskStand, type KioskStand } from './kiosk-stand.ts';

const tax = 'tax/property-tax-certificate';
const pension = 'pension/eligibility-confirmation';
const water = 'utility/water-account-transfer';

let stand: KioskStand;
beforeAll(async () => {
  stand = await openKioskStand();
});
afterAll(() => stand.close());

async function out(): Promise<void> {
  await stand.pull();
  await stand.screen.sees('goodbye');
}

const pendingProof = (qr: string[]) => checkPendingReceipt(symbolsToReceipt(qr) ?? new Uint8Array(), stand.world.hubFile.trustRoot, nodeCrypto);
const receiptProof = (qr: string[]) => verifyReceipt(symbolsToReceipt(qr) ?? new Uint8Array(), trustOf(stand.world.hubFile.trustRoot), nodeCrypto);

describe('the whole way on a real card, hub and disk', () => {
  test('ends with a receipt that a stranger can check', async () => {
    const home = await stand.signIn('lin');
    expect(home).toMatchObject({ name: '林悦', notices: [], requests: [] });
    const receipt = await stand.sign(tax);
    expect(receipt.state).toBe('recorded');
    expect(receiptProof(receipt.qr)).toMatchObject({
      ok: true,
      value: { reference: receipt.reference, acts: [{ kind: 'grant.give', part: { agency: 'tax-bureau' } }, { kind: 'request.submit' }] },
    });
    expect(JSON.stringify(receiptProof(receipt.qr))).not.toContain('name_latin');
  });

  test('goes on in the same visit, and asks nothing that was told', async () => {
    stand.screen.touch({ intent: 'home' });
    await stand.screen.sees('home', ({ requests }) => requests.length === 1 && requests[0]?.state === 'recorded');
    const asked = await stand.toSign(pension);
    expect(asked).not.toContain('phone');
    expect(asked).not.toContain('letter_language');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    expect(await stand.screen.sees('receipt')).toMatchObject({ state: 'recorded' });
    await out();
  });

  test('knows in the next visit what was told in the one before, and shows its requests with their receipts', async () => {
    const home = await stand.signIn('lin');
    expect(home.notices).toEqual([]);
    expect(home.requests.map(({ state }) => state)).toEqual(['recorded', 'recorded']);
    stand.screen.touch({ intent: 'request.open', reference: home.requests[0]?.reference ?? '' });
    const request = await stand.screen.sees('request');
    expect(receiptProof(request.qr)).toMatchObject({ ok: true, value: { reference: home.requests[0]?.reference } });
    stand.screen.touch({ intent: 'home' });
    await stand.screen.sees('home');
    expect(await stand.toSign(water)).not.toContain('phone');
    await out();
  });

  test('shows the second resident nothing of the first', async () => {
    const from = stand.screen.shown.length;
    await stand.signIn('chen');
    await out();
    const shown = JSON.stringify(stand.screen.shown.slice(from));
    expect(shown).toContain('陈𬱖');
    expect(shown).not.toContain('林悦');
  });
});

describe('a card that cannot be served', () => {
  test.each<{ person: string; code: FailureCode }>([
    { person: 'wang', code: 'key-blocked' },
    { person: 'zhao', code: 'pin-blocked' },
    { person: 'he', code: 'key-unknown' },
    { person: 'staff-liang', code: 'key-not-resident' },
    { person: 'other', code: 'card-unsupported' },
  ])('of $person is told $code', async ({ person, code }) => {
    await stand.insert(person);
    expect(await stand.screen.sees('failure')).toMatchObject({ code, next: 'take-card' });
    await out();
  });

  test('with a wrong PIN keeps its last try', async () => {
    await stand.insert('huang');
    for (const left of [3, 2]) {
      await stand.screen.sees('pin', ({ triesLeft }) => triesLeft === left);
      stand.screen.touch({ intent: 'pin.submit', pin: '999999' });
    }
    expect(await stand.screen.sees('failure')).toMatchObject({ code: 'pin-last-try' });
    await out();
    expect(loadCardState(stand.world.cards['huang'] ?? '').pw1.triesLeft).toBe(1);
  });

  test('that is mute is said so until it is out, and the next one works', async () => {
    await stand.hand.fault({ kind: 'mute' });
    await stand.insert('lin');
    expect(await stand.screen.sees('failure')).toMatchObject({ code: 'card-mute', next: 'none' });
    await stand.hand.fault(null);
    await stand.pull();
    await stand.screen.sees('attract');
    await stand.signIn('lin');
    await out();
  });
});

test('signatures behind the resident’s back are counted', async () => {
  const path = stand.world.cards['dilnur'] ?? '';
  const state = loadCardState(path);
  saveCardState(path, { ...state, signatureCount: state.signatureCount + 2 });
  expect((await stand.signIn('dilnur')).notices).toEqual([{ notice: 'counter-gap', count: 2 }]);
  await out();
});

describe('the hub away', () => {
  test('in the middle of a visit, the signed request waits, and reaches the ledger when the hub is back', async () => {
    await stand.signIn('chen');
    await stand.toSign(tax);
    await stand.stopHub();
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    const receipt = await stand.screen.sees('receipt');
    expect(receipt.state).toBe('queued');
    expect(receiptProof(receipt.qr)).toMatchObject({ ok: false, failure: { fault: 'not-a-receipt' } });
    expect(pendingProof(receipt.qr)).toMatchObject({ ok: true, value: { reference: receipt.reference } });
    await stand.stopKiosk();
    await stand.startHub();
    await stand.startKiosk();
    await stand.screen.sees('pin');
    await out();
    const notices: Notice[] = [];
    await expect
      .poll(
        async () => {
          const home = await homeOf('chen');
          notices.push(...home.notices);
          return home.requests.map(({ reference, state }) => ({ reference, state }));
        },
        { timeout: 15_000 },
      )
      .toEqual([{ reference: receipt.reference, state: 'recorded' }]);
    expect(notices).toEqual([{ notice: 'request-recorded', reference: receipt.reference }]);
    expect((await homeOf('chen')).notices).toEqual([]);
  });

  test.each([
    { state: 'expired', code: 'expired', told: { notice: 'request-expired' } },
    { state: 'rejected', code: 'service-mismatch', told: { notice: 'request-rejected', code: 'service-mismatch' } },
  ] as const)('until the signed request was $state, it is told once and shown with its code', async ({ state, code, told }) => {
    await stand.signIn('chen');
    await stand.toSign(pension);
    await stand.stopHub();
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    const { reference } = await stand.screen.sees('receipt');
    await stand.stopKiosk();
    const outbox = openOutbox({ dataDir: stand.world.kioskDirs['hall-1'] ?? '', clock: systemClock });
    if (!outbox.ok) throw new Error(outbox.failure.code);
    for (const { transaction } of outbox.value.waiting()) outbox.value.refused(transaction, state, code);
    outbox.value.close();
    await stand.startHub();
    await stand.startKiosk();
    await stand.screen.sees('pin');
    await out();
    const home = await homeOf('chen');
    expect(home.notices).toEqual([{ ...told, reference }]);
    expect(home.requests.find((row) => row.reference === reference)).toMatchObject({ state, code, group: 'pension' });
    const again = await stand.signIn('chen');
    expect(again.notices).toEqual([]);
    stand.screen.touch({ intent: 'request.open', reference });
    expect(await stand.screen.sees('request')).toMatchObject({ request: { reference, state, code }, qr: [] });
    await out();
  });

  test('before sign-in is said, and over after a retry', async () => {
    await stand.stopHub();
    await stand.insert('lin');
    expect(await stand.screen.sees('failure')).toMatchObject({ code: 'hub-unreachable', next: 'retry' });
    await stand.startHub();
    stand.screen.touch({ intent: 'retry' });
    await stand.screen.sees('pin');
    await out();
  });
});

async function homeOf(person: string): Promise<Extract<Page, { page: 'home' }>> {
  const home = await stand.signIn(person);
  await out();
  return home;
}

describe('a card pulled', () => {
  test('takes every fact off the screen within 300 ms of the reader’s word', async () => {
    await stand.signIn('lin');
    await stand.toSign(tax);
    const wiped = stand.screen.wiped;
    await out();
    const goodbye = stand.screen.shown.find(({ snapshot, atMs }) => snapshot.page.page === 'goodbye' && atMs >= stand.cardOutAtMs);
    expect((goodbye?.atMs ?? Infinity) - stand.cardOutAtMs).toBeLessThan(300);
    expect(stand.screen.wiped).toBe(wiped + 1);
    expect(JSON.stringify(stand.screen.page)).not.toContain('林悦');
  });

  test.each<{ name: string; ins: number; p1?: number }>([
    { name: 'it takes the PIN', ins: 0x20 },
    { name: 'it answers the challenge', ins: 0x88 },
    { name: 'it opens the space', ins: 0x2a, p1: 0x80 },
  ])('while $name ends the visit, and the next one goes well', async ({ ins, p1 }) => {
    await stand.hand.fault({ kind: 'vanish', at: p1 === undefined ? { ins } : { ins, p1 } });
    await stand.insert('lin');
    await stand.screen.sees('pin');
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    await stand.screen.sees('goodbye');
    await stand.hand.fault(null);
    expect(await stand.signIn('lin')).toMatchObject({ notices: [] });
    await out();
  });

  test('while it signs leaves a signature that nobody takes for a theft', async () => {
    await stand.signIn('lin');
    await stand.toSign(tax);
    await stand.hand.fault({ kind: 'vanish', at: { ins: 0x2a, p1: 0x9e } });
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    expect(await stand.screen.sees('goodbye')).toMatchObject({ unsent: true, receipts: [] });
    await stand.hand.fault(null);
    expect(await stand.signIn('lin')).toMatchObject({ notices: [] });
    await out();
  });
});

test('a kiosk that ends in the middle of a signature can account for it afterwards', async () => {
  await stand.signIn('lin');
  await stand.toSign(tax);
  await stand.hand.fault({ kind: 'slow', delayMs: 300 });
  stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
  await stand.screen.sees('working', ({ doing }) => doing === 'signing');
  await stand.stopKiosk();
  await stand.hand.fault(null);
  await stand.startKiosk();
  await stand.screen.sees('pin');
  await out();
  expect((await stand.signIn('lin')).notices.map(({ notice }) => notice)).not.toContain('counter-gap');
  await out();
});

test('the PC/SC service killed in the middle ends the visit with its own page, and the kiosk comes back by itself', async () => {
  await stand.signIn('lin');
  await stand.pcscd.kill();
  expect(await stand.screen.sees('failure')).toMatchObject({ code: 'reader-no-service', next: 'none' });
  await stand.pcscd.restart();
  await stand.pull();
  await stand.screen.sees('attract');
  await stand.signIn('lin');
  await out();
});

test('a kiosk whose key the ledger does not know serves nobody, and says so before any card', async () => {
  const keyFile = join(stand.world.kioskDirs['hall-1'] ?? '', 'device.key.json');
  const enrolled = readFileSync(keyFile);
  await stand.stopKiosk();
  writeFileSync(keyFile, JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })));
  await stand.startKiosk();
  expect(await stand.screen.sees('failure')).toMatchObject({ code: 'kiosk-not-enrolled', detail: 'key', next: 'none' });
  await stand.stopKiosk();
  writeFileSync(keyFile, enrolled);
  await stand.startKiosk();
  await stand.signIn('lin');
  await out();
});

test('nothing that the kiosk wrote holds a fact in the clear, and its journal holds together', () => {
  const dataDir = stand.world.kioskDirs['hall-1'] ?? '';
  const facts = ['林悦', 'LIN YUE', '恩宁路', '13800138000', '123456'].map((fact) => Buffer.from(fact));
  for (const file of readdirSync(dataDir)) {
    const bytes = readFileSync(join(dataDir, file));
    expect(facts.filter((fact) => bytes.includes(fact)).map(String), file).toEqual([]);
  }
  expect(checkJournal(dataDir)).toMatchObject({ whole: true });
});
