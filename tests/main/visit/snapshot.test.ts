import { expect, test } from 'vitest';
import { bridgeMessageLimitBytes } from '../../../src/contract/bridge.ts';
import { readerView } from '../../../src/main/visit/reader-view.ts';
import { snapshotOf } from '../../../src/main/visit/snapshot.ts';
import { kiosk, taxOffer, VisitStand } from './visit-stand.ts';

/** Frozen through and through: whoever writes to it throws. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}

test('a snapshot is a pure function of the visit, fits the bridge and holds no key', async () => {
  const stand = new VisitStand();
  await stand.signIn();
  await stand.toSign(taxOffer.service.id);
  const state = freeze(stand.state);
  const first = snapshotOf(state, kiosk, 1);
  expect(snapshotOf(state, kiosk, 1)).toEqual(first);
  expect(structuredClone(first)).toEqual(JSON.parse(JSON.stringify(first)));
  expect(Buffer.byteLength(JSON.stringify(first))).toBeLessThan(bridgeMessageLimitBytes);
  expect(JSON.stringify(stand.page)).not.toContain('session');
});

test.each([
  { name: 'the exact reader', names: ['Other 00 00', 'Virtual PCD 00 00'], wanted: 'Virtual PCD 00 00', view: { view: 'card', insertion: 2 } },
  { name: 'a prefix', names: ['ACME Reader [1] 00 00'], wanted: 'ACME*', view: { view: 'card', insertion: 1 } },
  { name: 'only another reader', names: ['Virtual PCD 00 01'], wanted: 'Virtual PCD 00 00', view: { view: 'fault', code: 'reader-missing', detail: null } },
])('$name is looked at', ({ names, wanted, view }) => {
  const readers = names.map((name, index) => ({ name, slot: 'card-present' as const, insertion: index + 1 }));
  expect(readerView({ service: 'ready', readers }, wanted, true)).toEqual(view);
});

test.each([
  { wasReady: false, view: { view: 'starting' } },
  { wasReady: true, view: { view: 'fault', code: 'device-host-lost', detail: null } },
])('a device host that starts, having been ready $wasReady, is told apart', ({ wasReady, view }) => {
  expect(readerView({ service: 'starting', readers: [] }, 'x', wasReady)).toEqual(view);
});
