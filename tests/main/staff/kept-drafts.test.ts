import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../../src/ledger/node-signer.ts';
import { draftId, inputFor, newDraft, newOpenDraft, withSignature, type Draft } from '../../../src/ledger/verify/draft.ts';
import { keyId, openEnvelope } from '../../../src/ledger/verify/envelope.ts';
import { createKeptDrafts, keptDraftMs, type KeptDrafts } from '../../../src/main/staff/kept-drafts.ts';

const first = ed25519Signer(new Uint8Array(32).fill(1));
const second = ed25519Signer(new Uint8Array(32).fill(2));
const stranger = ed25519Signer(new Uint8Array(32).fill(3));

let nowMs: number;
let timers: Map<number, { run: () => void; atMs: number }>;
let kept: KeptDrafts;

beforeEach(() => {
  nowMs = 1_700_000_000_000;
  timers = new Map();
  let last = 0;
  kept = createKeptDrafts({
    crypto: nodeCrypto,
    clock: {
      now: () => nowMs,
      setTimeout(run, ms) {
        timers.set((last += 1), { run, atMs: nowMs + ms });
        return last;
      },
      clearTimeout: (timer) => void timers.delete(timer as number),
    },
  });
});
afterEach(() => {
  kept.close();
  expect(timers.size).toBe(0);
});

function pass(ms: number): void {
  nowMs += ms;
  for (const [id, { run, atMs }] of timers) {
    if (atMs > nowMs) continue;
    timers.delete(id);
    run();
  }
}

/** A case to be closed, as any act: signed by the first of two. */
function halfSigned(nonce = 9): Draft {
  const draft = newDraft({ v: 1, chain: 'c', nonce: new Uint8Array(16).fill(nonce), notAfter: 2_000_000_000, acts: [{ kind: 'case.close', id: new Uint8Array(16) }] }, [first.key, second.key]);
  const signed = withSignature(draft, first.key, signatureOf(draft, first), nodeCrypto);
  if (!signed.ok) throw new Error(signed.failure.code);
  return signed.value;
}

const signatureOf = (draft: Draft, { key, sign }: typeof first): Uint8Array => sign(inputFor(draft, key, nodeCrypto) ?? new Uint8Array());

describe('between the first card and the second', () => {
  test('the draft is kept, and the second signature makes the envelope', async () => {
    const draft = halfSigned();
    const id = draftId(draft, nodeCrypto);
    expect(kept.keep(draft).ok).toBe(true);
    expect(kept.list()).toMatchObject([{ signed: [first.key], untilMs: nowMs + keptDraftMs }]);
    const signed = kept.sign(id, second.key, signatureOf(draft, second));
    if (!signed.ok || signed.value === null) throw new Error('not complete');
    const opened = openEnvelope(signed.value, nodeCrypto);
    if (!opened.ok) throw new Error(opened.failure.code);
    expect(opened.value.signers).toHaveLength(2);
    await kept.handOver(id, () => Promise.resolve(ok(null)));
    expect(kept.list()).toEqual([]);
  });

  describe('signed by both it waits on until it is handed over', () => {
    const draft = halfSigned();
    const id = draftId(draft, nodeCrypto);
    let gone: number;
    beforeEach(() => {
      gone = 0;
      kept.keep(draft, { onGone: () => (gone += 1) });
      kept.sign(id, second.key, signatureOf(draft, second));
    });
    const sign = () => kept.sign(id, second.key, signatureOf(draft, second));

    test('so that it can be signed again', () => {
      expect(kept.list()).toMatchObject([{ signed: [first.key] }]);
      expect(sign()).toMatchObject({ ok: true, value: expect.any(Uint8Array) as Uint8Array });
    });

    test('and is shown to nobody while it is being given; what was not taken is shown again, for what is left of its five minutes', async () => {
      const answer = Promise.withResolvers<Result<null>>();
      const given = kept.handOver(id, () => answer.promise);
      expect([kept.list(), kept.input(id, second.key)]).toEqual([[], null]);
      answer.resolve(fail('hub-unreachable'));
      expect(await given).toMatchObject({ failure: { code: 'hub-unreachable' } });
      expect(kept.list()).toHaveLength(1);
      pass(keptDraftMs);
      expect([gone, kept.list()]).toEqual([1, []]);
    });

    test.each([
      { name: 'taken after that, nothing that goes along is let go of', answer: ok(null), then: 0 },
      { name: 'not taken after that, it is forgotten with what goes along', answer: fail('hub-unreachable'), then: 1 },
    ])('its five minutes pass meanwhile: $name', async ({ answer, then }) => {
      await kept.handOver(id, () => {
        pass(keptDraftMs);
        return Promise.resolve(answer);
      });
      expect([gone, kept.list(), sign().ok]).toEqual([then, [], false]);
    });
  });

  test('five minutes, and a second look at it makes them no longer', () => {
    const draft = halfSigned();
    kept.keep(draft);
    pass(keptDraftMs - 1);
    kept.keep(draft);
    expect(kept.list()).toHaveLength(1);
    pass(1);
    expect(kept.list()).toEqual([]);
    expect(kept.sign(draftId(draft, nodeCrypto), second.key, signatureOf(draft, second))).toMatchObject({ ok: false, failure: { code: 'hub-refused', detail: 'draft-unknown' } });
  });

  test('nobody else may sign it, and nothing else', () => {
    const draft = halfSigned();
    kept.keep(draft);
    const id = draftId(draft, nodeCrypto);
    expect(kept.sign(id, stranger.key, signatureOf(draft, second))).toMatchObject({ failure: { detail: 'signer-superfluous' } });
    expect(kept.sign(id, second.key, signatureOf(halfSigned(8), second))).toMatchObject({ failure: { detail: 'signature-invalid' } });
    expect(kept.list()).toMatchObject([{ signed: [first.key] }]);
  });

  test('a few, and what is dropped is gone', () => {
    for (const nonce of [1, 2, 3, 4]) expect(kept.keep(halfSigned(nonce)).ok).toBe(true);
    expect(kept.keep(halfSigned(5))).toMatchObject({ ok: false, failure: { code: 'hub-busy' } });
    kept.drop(draftId(halfSigned(1), nodeCrypto));
    expect(kept.keep(halfSigned(5)).ok).toBe(true);
  });

  describe('where the second is whoever of a role comes', () => {
    const open = (): Draft => {
      const draft = newOpenDraft({ v: 1, chain: 'c', nonce: new Uint8Array(16).fill(3), notAfter: 2_000_000_000, acts: [{ kind: 'case.close', id: new Uint8Array(16) }] }, [first.key]);
      const signed = withSignature(draft, first.key, signatureOf(draft, first), nodeCrypto);
      if (!signed.ok) throw new Error(signed.failure.code);
      return signed.value;
    };

    test('the first has signed as one of several, and cannot be the second', async () => {
      const draft = open();
      const id = draftId(draft, nodeCrypto);
      let gone = 0;
      kept.keep(draft, { wants: ['registrar'], onGone: () => (gone += 1) });
      expect(kept.list()).toMatchObject([{ signed: [first.key], wants: ['registrar'] }]);
      expect(kept.sign(id, first.key, signatureOf(draft, first))).toEqual({ ok: true, value: null });
      const input = kept.input(id, second.key);
      const signed = kept.sign(id, second.key, second.sign(input ?? new Uint8Array()));
      if (!signed.ok || signed.value === null) throw new Error('not complete');
      const opened = openEnvelope(signed.value, nodeCrypto);
      expect(opened.ok && opened.value.signers.map(({ kid }) => kid)).toEqual([first, second].map(({ key }) => keyId(key, nodeCrypto)));
      await kept.handOver(id, () => Promise.resolve(ok(null)));
      pass(keptDraftMs);
      expect([gone, kept.input(id, second.key)]).toEqual([0, null]);
    });

    test('after five minutes it is forgotten, once, with what goes along', () => {
      let gone = 0;
      kept.keep(open(), { onGone: () => (gone += 1) });
      pass(keptDraftMs);
      kept.drop(draftId(open(), nodeCrypto));
      expect([gone, kept.list()]).toEqual([1, []]);
    });
  });
});
