import { expect, test } from 'vitest';
import { ok } from '../../src/contract/result.ts';
import { EventStreams, type EventSource } from '../../src/gateway/event-stream.ts';

const silent: EventSource = { next: () => Promise.resolve(ok([])), listen: () => () => undefined };

test('a stream that is never read gives its place back when its caller has gone', () => {
  const streams = new EventStreams();
  const callers = Array.from({ length: 8 }, () => new AbortController());
  for (const { signal } of callers) expect(streams.begin('hall', silent, signal).ok).toBe(true);
  expect(streams.begin('hall', silent, new AbortController().signal)).toEqual({ ok: false, failure: { code: 'too-many' } });
  expect(streams.begin('another', silent, new AbortController().signal).ok).toBe(true);
  for (const caller of callers) caller.abort();
  for (let i = 0; i < 8; i++) expect(streams.begin('hall', silent, new AbortController().signal).ok).toBe(true);
  expect(streams.begin('hall', silent, new AbortController().signal).ok).toBe(false);
});

test('whoever has gone before it begins takes no place', () => {
  const streams = new EventStreams();
  for (let i = 0; i < 20; i++) expect(streams.begin('hall', silent, AbortSignal.abort()).ok).toBe(true);
});

test('one that is read gives its place back once', async () => {
  const streams = new EventStreams();
  const caller = new AbortController();
  const begun = streams.begin('hall', silent, caller.signal);
  if (!begun.ok) throw new Error(begun.failure.code);
  const pieces: string[] = [];
  for await (const piece of begun.value) {
    pieces.push(piece);
    caller.abort();
  }
  expect(pieces).toEqual([': here\n\n']);
  for (let i = 0; i < 8; i++) expect(streams.begin('hall', silent, new AbortController().signal).ok).toBe(true);
  expect(streams.begin('hall', silent, new AbortController().signal).ok).toBe(false);
});
