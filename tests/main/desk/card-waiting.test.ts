import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SubmissionState } from '../../../src/contract/hub-door.ts';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../../src/ledger/node-signer.ts';
import { prepareRegistration } from '../../../src/identity/registration.ts';
import { inputFor, newDraft, withSignature, type Draft } from '../../../src/ledger/verify/draft.ts';
import { createDeskWork, type DeskWorkParts } from '../../../src/main/desk/desk-work.ts';
import type { CardInHand, DeskWork } from '../../../src/main/desk/work.ts';
import { createKeptDrafts, keptDraftMs, type KeptDrafts } from '../../../src/main/staff/kept-drafts.ts';
import { auditor } from '../staff/staff-stand.ts';
import { fangDocument, madeCard } from './desk-stand.ts';

/** A card whose keys stand on no ledger yet, and are about to. */
const card = ed25519Signer(new Uint8Array(32).fill(8));
const clerk = ed25519Signer(new Uint8Array(32).fill(9));
const keys = { sig: card.key[1], aut: card.key[1], dec: madeCard.info.keys.dec };
const access = { staff: { ...auditor, role: 'staff' as const, sig: clerk.key[1], aut: clerk.key[1] }, session: new Uint8Array(16), registrar: 'registrar' };
const insertion = 7;
/** Of a hub that was started anew. */
const anew = new Uint8Array(16).fill(1);

let nowMs: number;
let timers: { run: () => void; atMs: number }[];
let kept: KeptDrafts;
let answer: Result<SubmissionState>;
/** What the hub has in hand, by session. */
let underWay: (session: Uint8Array) => Result<boolean>;
/** Whether the staff's card is in its reader, for a hub that was started anew. */
let staffCardIn: boolean;
let work: DeskWork;

beforeEach(() => {
  nowMs = 1_700_000_000_000;
  timers = [];
  underWay = () => ok(false);
  staffCardIn = true;
  const clock = {
    now: () => nowMs,
    setTimeout: (run: () => void, ms: number) => timers.push({ run, atMs: nowMs + ms }),
    clearTimeout: () => undefined,
  };
  kept = createKeptDrafts({ clock, crypto: nodeCrypto });
  const parts = {
    district: {
      chain: 'imi-demo',
      areKnownKeys: () => Promise.resolve(ok(false)),
      isUnderWay: (session: Uint8Array) => Promise.resolve(underWay(session)),
      deskRegister: () => Promise.resolve(answer),
      challenge: () => Promise.resolve(ok({ challenge: new Uint8Array(40) })),
      openStaff: () => Promise.resolve(ok({ session: anew, registrar: 'registrar' })),
      closeStaff: () => Promise.resolve(),
    },
    crypto: nodeCrypto,
    clock,
    kioskId: 'hall-1',
    staffCardOf: () => ({ authenticate: (data: Uint8Array) => Promise.resolve(staffCardIn ? ok(clerk.sign(data)) : fail('card-removed')) }),
    newCardOf: () => ({ openRaw: () => Promise.resolve(ok({ state: 'used', version: '3.4', keys })), release: () => Promise.resolve() }),
    kept,
    onKept: () => undefined,
    hasScanner: () => false,
  };
  work = createDeskWork(parts as unknown as DeskWorkParts);
});
afterEach(() => kept.close());

function handOf(signers: readonly (typeof card)[]): CardInHand {
  const prepared = prepareRegistration({ chain: 'imi-demo', kiosk: 'hall-1', ...keys, signatureCount: 1, now: nowMs / 1000 }, nodeCrypto);
  const { resident, recoverySecret, wrapped, recovery } = prepared;
  let draft: Draft = newDraft(prepared.finish(new Uint8Array(64)), [card.key, clerk.key]);
  for (const signer of signers) {
    const signed = withSignature(draft, signer.key, signer.sign(inputFor(draft, signer.key, nodeCrypto) ?? new Uint8Array(0)), nodeCrypto);
    if (!signed.ok) throw new Error(signed.failure.code);
    draft = signed.value;
  }
  return { resident, recoverySecret, beside: { what: 'registration', wrapped, recovery }, made: { ...madeCard, info: { ...madeCard.info, keys } }, draft };
}
const look = async (): Promise<string> => {
  const looked = await work.lookAtCard(access, 1, insertion);
  return looked.ok ? looked.value : looked.failure.code;
};
const pass = (ms: number): void => {
  nowMs += ms;
  for (const { run } of timers.filter(({ atMs }) => atMs <= nowMs)) run();
};

test('a card of which nothing is known is offered for wiping', async () => {
  expect(await look()).toBe('used');
});

describe('a card that waits for its second signature is not', () => {
  test.each([
    { name: 'with one reader for all, where it is at hand', at: null },
    { name: 'put back into the resident’s reader', at: insertion - 1 },
  ])('$name', async ({ at }) => {
    const hand = handOf([card]);
    expect(work.keep({ act: 'replace', draft: hand.draft, role: 'registrar', number: '', document: fangDocument, hand, card: at })).toMatchObject({ ok: true });
    expect(await look()).toBe('card-waiting');
    pass(keptDraftMs);
    expect(await look()).toBe('used');
  });
});

describe('nor one that was given to the hub with all its signatures', () => {
  const answers: { name: string; hub: Result<SubmissionState>; then: string }[] = [
    { name: 'which has it and has not recorded it', hub: ok({ state: 'queued' }), then: 'card-waiting' },
    { name: 'of which nothing was heard', hub: fail('hub-unreachable'), then: 'card-waiting' },
    { name: 'which refused it: it comes to nothing', hub: ok({ state: 'rejected', code: 'key-taken' }), then: 'used' },
  ];
  test.each(answers)('$name', async ({ hub, then }) => {
    answer = hub;
    await work.submit(access, 1, handOf([card, clerk]), fangDocument);
    expect(await look()).toBe(then);
    pass(3_601_000);
    expect(await look()).toBe('used');
  });

  const refusals: Result<SubmissionState>[] = [
    fail('hub-refused', 'session'),
    fail('hub-refused', 'another-resident'),
    fail('staff-card-retired'),
    fail('document-number'),
    fail('resident-known'),
    fail('hub-busy', 'registration'),
  ];
  test.each(refusals.map((hub) => ({ hub, name: hub.ok ? '' : `${hub.failure.code} ${hub.failure.detail ?? ''}` })))('$name: it was not taken, and the card waits for nothing', async ({ hub }) => {
    staffCardIn = false;
    answer = hub;
    await work.submit(access, 1, handOf([card, clerk]), fangDocument);
    expect(await look()).toBe('used');
  });

  test.each<{ name: string; before: Result<SubmissionState> }>([
    { name: 'nothing was heard', before: fail('hub-unreachable', 'deadline') },
    { name: 'it was queued', before: ok({ state: 'queued' }) },
  ])('refused when it was given again, after $name the first time: it waits on', async ({ before }) => {
    staffCardIn = false;
    const hand = handOf([card, clerk]);
    answer = before;
    await work.submit(access, 1, hand, fangDocument);
    answer = fail('hub-refused', 'session');
    await work.submit(access, 1, hand, fangDocument);
    expect(await look()).toBe('card-waiting');
  });

  test('asked again it says that it was refused', async () => {
    const hand = handOf([card, clerk]);
    answer = ok({ state: 'queued' });
    await work.submit(access, 1, hand, fangDocument);
    answer = ok({ state: 'rejected', code: 'expired' });
    await work.submit(access, 1, hand, fangDocument);
    expect(await look()).toBe('used');
  });
});

describe('nor one that the hub has in hand, brought from another kiosk or from here before a restart', () => {
  const anewOnly = (session: Uint8Array): Result<boolean> => (session[0] === 1 ? ok(true) : fail('hub-refused', 'session'));
  test.each<{ name: string; hub: typeof anewOnly; isOut?: true; then: string }>([
    { name: 'it says so', hub: () => ok(true), then: 'card-waiting' },
    { name: 'it says so after its own restart, once the staff’s card has answered', hub: anewOnly, then: 'card-waiting' },
    { name: 'after its own restart, with the staff’s card out of the one reader, nobody knows', hub: anewOnly, isOut: true, then: 'hub-refused' },
    { name: 'it cannot be asked: nobody knows', hub: () => fail('hub-unreachable'), then: 'hub-unreachable' },
  ])('$name', async ({ hub, isOut = false, then }) => {
    underWay = hub;
    staffCardIn = !isOut;
    expect(await look()).toBe(then);
  });
});
