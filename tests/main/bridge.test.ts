import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/contract/bridge.ts';
import { IntentDoor, type DropReason } from '../../src/main/bridge.ts';
import { ScreenLink } from '../../src/main/screen-link.ts';

describe('IntentDoor', () => {
  it.each([
    { name: 'an intent', text: '{"intent":"start"}', received: { kind: 'intent', intent: { intent: 'start' } } },
    { name: 'a signal', text: '{"signal":"painted","seq":7}', received: { kind: 'signal', signal: { signal: 'painted', seq: 7 } } },
    { name: 'no JSON', text: '{', received: { kind: 'dropped', reason: 'not-json' } },
    { name: 'an unknown intent', text: '{"intent":"open"}', received: { kind: 'dropped', reason: 'not-an-intent' } },
    { name: 'a member too many', text: '{"intent":"start","x":1}', received: { kind: 'dropped', reason: 'not-an-intent' } },
    { name: 'an unknown signal', text: '{"signal":"open"}', received: { kind: 'dropped', reason: 'not-an-intent' } },
    { name: 'painted without a number', text: '{"signal":"painted","seq":"7"}', received: { kind: 'dropped', reason: 'not-an-intent' } },
    { name: 'null', text: 'null', received: { kind: 'dropped', reason: 'not-an-intent' } },
    { name: 'one byte too many', text: `"${'x'.repeat(64 * 1024 - 1)}"`, received: { kind: 'dropped', reason: 'too-large' } },
    { name: 'too many bytes in few characters', text: `"${'陈'.repeat(22_000)}"`, received: { kind: 'dropped', reason: 'too-large' } },
    { name: 'just not too large', text: `"${'x'.repeat(64 * 1024 - 2)}"`, received: { kind: 'dropped', reason: 'not-an-intent' } },
  ])('$name', ({ text, received }) => {
    expect(new IntentDoor(() => 0).receive(text)).toEqual(received);
  });

  it('takes a burst, then as many as the time that passes allows', () => {
    let nowMs = 0;
    const door = new IntentDoor(() => nowMs);
    const taken = (count: number): number => Array.from({ length: count }, () => door.receive('{"intent":"activity"}').kind).filter((kind) => kind === 'intent').length;
    expect(taken(100)).toBe(40);
    nowMs = 500;
    expect(taken(100)).toBe(10);
    nowMs = 60_000;
    expect(taken(100)).toBe(40);
  });

  it('takes no text for an intent that it was not told', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(new IntentDoor(() => 0).receive(text).kind).toBe('dropped');
      }),
    );
  });
});

describe('ScreenLink', () => {
  const snapshot = (seq: number): Snapshot => ({ seq }) as Snapshot;
  const open = (): { link: ScreenLink; delivered: string[]; wipes: number[]; clock: { nowMs: number } } => {
    const delivered: string[] = [];
    const wipes: number[] = [];
    const clock = { nowMs: 0 };
    const carrier = {
      deliver: (text: string) => void delivered.push(text),
      wipe: () => void wipes.push(delivered.length),
      close: () => Promise.resolve(),
    };
    return { link: new ScreenLink(carrier, () => clock.nowMs), delivered, wipes, clock };
  };

  it('holds the latest snapshot until the renderer listens', () => {
    const { link, delivered } = open();
    link.show(snapshot(1));
    link.show(snapshot(2));
    expect(delivered).toEqual([]);
    link.receive('{"signal":"listening"}');
    expect(delivered).toEqual(['{"seq":2}']);
    link.show(snapshot(3));
    expect(delivered).toEqual(['{"seq":2}', '{"seq":3}']);
  });

  it('wipes when the page without facts is painted, and shows it again in the fresh document', () => {
    const { link, delivered, wipes } = open();
    link.receive('{"signal":"listening"}');
    link.show(snapshot(1));
    link.wipe();
    expect(wipes).toEqual([]);
    link.receive('{"signal":"painted","seq":1}');
    expect(wipes).toEqual([1]);
    link.show(snapshot(2));
    expect(delivered).toEqual(['{"seq":1}']);
    link.receive('{"signal":"listening"}');
    expect(delivered).toEqual(['{"seq":1}', '{"seq":2}']);
  });

  it('wipes at once where no page listens', () => {
    const { link, wipes } = open();
    link.wipe();
    expect(wipes).toEqual([0]);
  });

  it('shows nothing of what was lost', () => {
    const { link, delivered } = open();
    link.receive('{"signal":"listening"}');
    link.show(snapshot(1));
    const losses: string[] = [];
    link.onLost((loss) => losses.push(loss));
    link.lost('crashed');
    link.receive('{"signal":"listening"}');
    expect({ delivered, losses }).toEqual({ delivered: ['{"seq":1}'], losses: ['crashed'] });
  });

  it.each([
    { name: 'a page that listens: after 4 s', signals: ['{"signal":"listening"}'], beats: 8 },
    { name: 'a page that is still loading: after 15 s', signals: [], beats: 30 },
    { name: 'what is alive before it listens is still loading', signals: ['{"signal":"alive"}'], beats: 30 },
  ])('hangs, $name', ({ signals, beats }) => {
    const { link } = open();
    for (const signal of signals) link.receive(signal);
    const words = Array.from({ length: beats + 1 }, () => link.beat());
    expect(words).toEqual([...Array.from({ length: beats }, () => 'alive'), 'hung']);
  });

  it('does not hang while the page says that it is alive', () => {
    const { link } = open();
    link.receive('{"signal":"listening"}');
    const words = Array.from({ length: 40 }, () => {
      link.receive('{"signal":"alive"}');
      return link.beat();
    });
    expect(new Set(words)).toEqual(new Set(['alive']));
  });

  it('tells of a flood once a second', () => {
    const { link, clock } = open();
    const drops: DropReason[] = [];
    link.onDropped((reason) => drops.push(reason));
    for (const nowMs of [0, 10, 999, 1000, 1500]) {
      clock.nowMs = nowMs;
      link.receive('{');
    }
    expect(drops).toEqual(['not-json', 'not-json']);
  });
});
