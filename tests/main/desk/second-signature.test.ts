import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createActor } from 'xstate';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../../src/ledger/node-signer.ts';
import { inputFor, newOpenDraft, withSignature } from '../../../src/ledger/verify/draft.ts';
import { countersigningMachine } from '../../../src/main/desk/countersigning.ts';
import { createDeskWork, type DeskWorkParts } from '../../../src/main/desk/desk-work.ts';
import type { DeskWork, Waiting } from '../../../src/main/desk/work.ts';
import { createKeptDrafts, keptDraftMs, type KeptDrafts } from '../../../src/main/staff/kept-drafts.ts';
import { auditor } from '../staff/staff-stand.ts';
import { fangDocument, madeCard, standsAt } from './desk-stand.ts';

const liang = ed25519Signer(new Uint8Array(32).fill(8));
const tan = ed25519Signer(new Uint8Array(32).fill(9));
const access = { staff: { ...auditor, role: 'registrar' as const, sig: tan.key[1], aut: tan.key[1] }, session: new Uint8Array(16), registrar: 'registrar' };
/** Of the new card, in the resident's reader. */
const insertion = 7;

let nowMs: number;
let timers: { run: () => void; atMs: number }[];
let kept: KeptDrafts;
let work: DeskWork;
let did: { given: number; released: number; told: number };
let hub: Result<{ state: 'recorded' }>;
/** Holds the second card's answer back. */
let signing: PromiseWithResolvers<void>;

beforeEach(() => {
  nowMs = 1_700_000_000_000;
  timers = [];
  did = { given: 0, released: 0, told: 0 };
  hub = ok({ state: 'recorded' });
  signing = Promise.withResolvers();
  signing.resolve();
  const clock = {
    now: () => nowMs,
    setTimeout: (run: () => void, ms: number) => timers.push({ run, atMs: nowMs + ms }),
    clearTimeout: () => undefined,
  };
  kept = createKeptDrafts({ clock, crypto: nodeCrypto });
  const take = () => {
    did.given += 1;
    return Promise.resolve(hub);
  };
  const parts = {
    district: { chain: 'imi-demo', deliver: take, deskReplace: take },
    crypto: nodeCrypto,
    clock,
    staffCardOf: () => ({
      verify: () => Promise.resolve(ok({ verified: true })),
      async sign(data: Uint8Array) {
        await signing.promise;
        return ok(tan.sign(data));
      },
    }),
    newCardOf: () => ({ release: () => Promise.resolve(void (did.released += 1)) }),
    kept,
    onKept: () => (did.told += 1),
  };
  work = createDeskWork(parts as unknown as DeskWorkParts);
});
afterEach(() => kept.close());

/** What a colleague has signed, under its reference. */
function keep(act: Waiting['act']): string {
  const subject = new Uint8Array(16);
  const draft = newOpenDraft({ v: 1, chain: 'imi-demo', nonce: new Uint8Array(16), notAfter: nowMs / 1000 + 1200, acts: [{ kind: 'resident.retire', subject }] }, [liang.key]);
  const signed = withSignature(draft, liang.key, liang.sign(inputFor(draft, liang.key, nodeCrypto) ?? new Uint8Array(0)), nodeCrypto);
  if (!signed.ok) throw new Error(signed.failure.code);
  const beside = { what: 'replacement' as const, replacement: new Uint8Array(1) };
  const hand = act === 'retire' ? null : { resident: subject, recoverySecret: new Uint8Array(32), beside, made: { ...madeCard }, draft: signed.value };
  const kept = work.keep({ act, draft: signed.value, role: 'staff', number: '', document: act === 'retire' ? null : fangDocument, hand, card: act === 'retire' ? null : insertion });
  if (!kept.ok) throw new Error(kept.failure.code);
  did.told = 0;
  return kept.value.reference;
}

function begin(reference: string) {
  const input = { access, staffCard: 1, staffTries: 3, staffPad: false, pinWrong: false, touchWanted: false, oneReader: false, reader: { view: 'card' as const, insertion }, draft: reference };
  const actor = createActor(countersigningMachine(work), { input }).start();
  actor.send({ type: 'desk.confirm' });
  actor.send({ type: 'pin.submit', pin: '123456' });
  return actor;
}
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const pass = (ms: number): void => {
  nowMs += ms;
  for (const { run } of timers.filter(({ atMs }) => atMs <= nowMs)) run();
};

describe.each<{ act: Waiting['act'] }>([{ act: 'retire' }, { act: 'replace' }])('what two have signed ($act)', ({ act }) => {
  test('is given to the hub, and waits no longer', async () => {
    const reference = keep(act);
    const actor = begin(reference);
    await standsAt(actor, act === 'retire' ? 'done' : 'trying');
    expect([did.given, did.told, did.released, kept.list(), work.waiting(reference), work.keptCard]).toEqual([1, 1, 0, [], null, null]);
  });

  test('waits on where the card was pulled in the moment of its signature, and is signed again', async () => {
    const reference = keep(act);
    signing = Promise.withResolvers();
    const actor = begin(reference);
    await standsAt(actor, 'working');
    actor.stop();
    signing.resolve();
    await settle();
    expect([did.given, kept.list().length, work.waiting(reference)?.act]).toEqual([0, 1, act]);
    await standsAt(begin(reference), act === 'retire' ? 'done' : 'trying');
    expect([did.given, kept.list()]).toEqual([1, []]);
  });

  test('waits on where the hub did not take it, for the rest of its five minutes, and the new card is let go of with it', async () => {
    const reference = keep(act);
    hub = fail('hub-unreachable');
    const actor = begin(reference);
    await standsAt(actor, 'failed');
    actor.stop();
    expect([did.given, kept.list().length, work.waiting(reference)?.act]).toEqual([1, 1, act]);
    pass(keptDraftMs);
    expect([kept.list(), work.waiting(reference), did.released, did.told]).toEqual([[], null, act === 'retire' ? 0 : 1, 1]);
  });
});
