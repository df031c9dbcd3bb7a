import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Cursors } from '../../src/gateway/cursor.ts';
import { openGatewayStore } from '../../src/gateway/gateway-store.ts';
import { RateLimit } from '../../src/gateway/rate-limit.ts';
import { must } from '../hub/visitor.ts';

describe('a rate limit', () => {
  it('lets a burst through, then as many as are refilled, and says how long to wait', () => {
    const limit = new RateLimit({ perSecond: 2, burst: 3 });
    expect([0, 0, 0, 0].map((at) => limit.take('a', at))).toEqual([null, null, null, 1]);
    expect(limit.take('b', 0)).toBeNull();
    expect([499, 500, 500].map((at) => limit.take('a', at))).toEqual([1, null, 1]);
    expect([10_000, 10_000, 10_000, 10_000].map((at) => limit.take('a', at))).toEqual([null, null, null, 1]);
  });

  it('says longer waits where it refills slowly', () => {
    const limit = new RateLimit({ perSecond: 0.1, burst: 1 });
    expect([limit.take('a', 0), limit.take('a', 0), limit.take('a', 4000)]).toEqual([null, 10, 6]);
  });

  it('remembers no more names than it has room for', () => {
    const limit = new RateLimit({ perSecond: 1, burst: 1 });
    for (let i = 0; i < 20_000; i++) expect(limit.take(`name ${i}`, 0)).toBeNull();
    expect(limit.take('name 19999', 0)).toBe(1);
  });
});

describe('a cursor', () => {
  const cursors = new Cursors(new Uint8Array(32).fill(1));
  const cursor = cursors.write('tax-bureau', '/v1/requests', 42);

  it('leads back to its place', () => {
    expect(cursors.read('tax-bureau', '/v1/requests', cursor)).toEqual({ ok: true, value: 42 });
    expect(cursors.read('tax-bureau', '/v1/requests', undefined)).toEqual({ ok: true, value: null });
  });

  it.each([
    { name: "another party's", party: 'water-works', list: '/v1/requests', of: cursor },
    { name: "another list's", party: 'tax-bureau', list: '/v1/grants', of: cursor },
    { name: "another gateway's", party: 'tax-bureau', list: '/v1/requests', of: new Cursors(new Uint8Array(32)).write('tax-bureau', '/v1/requests', 42) },
    { name: 'a changed one', party: 'tax-bureau', list: '/v1/requests', of: `B${cursor.slice(1)}` },
    { name: 'a shorter one', party: 'tax-bureau', list: '/v1/requests', of: cursor.slice(4) },
    { name: 'no base64url', party: 'tax-bureau', list: '/v1/requests', of: '?' },
  ])('is refused as $name', ({ party, list, of }) => {
    expect(cursors.read(party, list, of)).toEqual({ ok: false, failure: { code: 'cursor-invalid' } });
  });
});

describe('what the gateway remembers', () => {
  let dir: string;
  let path: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'imi-gateway-'));
    path = join(dir, 'gateway.sqlite');
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const tag = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

  it('knows a nonce as long as it has to, over a restart as well', () => {
    const store = must(openGatewayStore(path));
    expect(must(store.rememberNonce(tag(1), 100, 50))).toBe(true);
    expect(must(store.rememberNonce(tag(1), 100, 100))).toBe(false);
    store.close();
    const again = must(openGatewayStore(path));
    expect(must(again.rememberNonce(tag(1), 100, 100))).toBe(false);
    // A copy that came in time and waited, while others came later.
    expect(must(again.rememberNonce(tag(2), 200, 160))).toBe(true);
    expect(must(again.rememberNonce(tag(1), 100, 100))).toBe(false);
    expect(must(again.rememberNonce(tag(1), 300, 161))).toBe(true);
    again.close();
  });

  it('keeps an answer for its time', () => {
    const store = must(openGatewayStore(path));
    const answer = { call: tag(2), status: 201, type: 'application/json', body: new Uint8Array([1, 2]) };
    must(store.keepAnswer(tag(1), answer, 100, 0));
    expect(must(store.answer(tag(1), 100))).toEqual(answer);
    expect(must(store.answer(tag(1), 101))).toBeNull();
    must(store.keepAnswer(tag(3), answer, 300, 200));
    expect(must(store.answer(tag(1), 0))).toBeNull();
    store.close();
  });

  it('opens neither a damaged file nor another program’s', () => {
    const other = new DatabaseSync(path);
    other.exec('CREATE TABLE x (y); PRAGMA user_version = 1');
    other.close();
    expect(openGatewayStore(path)).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
    expect(openGatewayStore(join(dir, 'none', 'x.sqlite'))).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
  });
});
