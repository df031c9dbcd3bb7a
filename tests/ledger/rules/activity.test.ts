import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import type { StateChange } from '../../../src/ledger/state.ts';
import { keyId } from '../../../src/ledger/verify/envelope.ts';
import { atKiosk, Court, firstDay } from '../court.ts';
import { body, envelopeOf, idOf, keys, lin, now, requestBody } from '../small-district.ts';
import {
  access,
  activityCases,
  anchor,
  answer,
  byAuditor,
  byAuditors,
  byAuthority,
  byGateway,
  byKeeper,
  byRegistrar,
  close,
  endGrant,
  hidden,
  keepFacts,
  lookup,
  named,
  openCase,
  requested,
  revoke,
  step,
  unseal,
  withdraw,
} from './activity-cases.ts';
import { block } from './party-cases.ts';
import { newLin, replace, residentCases, retire } from './resident-cases.ts';

const day = 86_400;
let begin: StateChange[];
let court: Court;
beforeAll(async () => {
  begin = await firstDay();
});
beforeEach(() => {
  court = new Court(begin);
});
const keyState = (key: Parameters<typeof keyId>[0]) => court.state.read('key', keyId(key, nodeCrypto))?.state;
const chainLength = () => court.state.read('resident', lin.id)?.chain.count;

test('what a resident typed is corrected: the chain is longer by one, and no record says of what', async () => {
  const length = chainLength() ?? 0;
  await court.take(atKiosk([keepFacts()]));
  expect(chainLength()).toBe(length + 1);
});

test.each([...residentCases, ...activityCases])('$code: $name', async ({ code, envelope, before, at }) => {
  await before?.(court);
  const changes = court.state.changes();
  expect(await court.hear(envelope(), at)).toBe(code);
  expect(court.state.changes()).toEqual(changes);
});

describe('a new card', () => {
  beforeEach(() => court.take(replace()));

  test('ends the old one’s keys, begins its counter, and lengthens the chain', () => {
    expect([keyState(lin.sig.key), keyState(lin.aut.key), keyState(newLin.sig.key)]).toEqual(['ended', 'ended', 'active']);
    expect(court.state.read('resident', lin.id)).toMatchObject({ counter: 1, readOnlyUntil: now + day, chain: { count: 1 } });
  });

  test('signs when the day is over', async () => {
    const envelope = atKiosk(requestBody(newLin, 2).body.acts, { notAfter: now + 2 * day }, [newLin.sig, keys.kiosk]);
    expect(await court.hear(envelope, { time: now + day })).toBeNull();
  });

  test('can be blocked by its holder at once', async () => {
    expect(await court.hear(atKiosk([block], {}, [newLin.sig, keys.kiosk]))).toBeNull();
    expect(keyState(newLin.sig.key)).toBe('blocked');
  });
});

test('a blocked card that is replaced stays blocked since then', async () => {
  await court.take(envelopeOf(body([block]), [keys.staff]), { height: 5 });
  await court.take(replace(), { height: 9 });
  expect(court.state.read('key', keyId(lin.sig.key, nodeCrypto))).toMatchObject({ state: 'blocked', until: 5 });
});

test('of a resident who is gone, requests are brought to an end and looks recorded', async () => {
  await requested(court);
  await court.take(retire());
  await court.take(byGateway([step('received'), step('decided'), step('closed')]));
  await court.take(byRegistrar([lookup()]));
  expect(chainLength()).toBe(7);
});

test('a request goes back and forth until it is decided and closed', async () => {
  await requested(court);
  const way = ['received', 'needs-more', 'received', 'needs-more', 'received', 'decided', 'closed'];
  for (const to of way) await court.take(byGateway([step(to)]));
  expect(court.state.read('request', idOf('request'))?.step).toBe('closed');
});

test.each([[[]], [['received']], [['received', 'needs-more']]])('a request is withdrawn after %j', async (steps) => {
  await requested(court);
  if (steps.length > 0) await court.take(byGateway(steps.map((to) => step(to))));
  await court.take(atKiosk([withdraw()]));
  expect(court.state.read('request', idOf('request'))?.step).toBe('withdrawn');
});

test('a read takes one off, the last one too, and the grant can still be ended', async () => {
  await requested(court);
  await court.take(byKeeper([access('first')]));
  await court.take(byKeeper([access('second')]));
  expect(court.state.read('grant', idOf('grant'))?.reads).toBe(0);
  await court.take(atKiosk([endGrant()]));
  expect(chainLength()).toBe(5);
});

test('who anchored a credential revokes it', async () => {
  await court.take(byGateway([anchor]));
  await court.take(byGateway([revoke()]));
  expect(court.state.read('credential', idOf('credential'))?.state).toBe('revoked');
});

test('an answer spends its nonce up to the last second', async () => {
  expect(await court.hear(byGateway([answer()]), { time: now + 59 })).toBeNull();
});

describe('a case', () => {
  beforeEach(() => court.take(byAuditors([openCase()])));

  test('is in nobody’s chain; a read under it is in the chain of each whom it touched', async () => {
    expect(chainLength()).toBe(0);
    await court.take(byKeeper([access('first', hidden)]));
    expect(chainLength()).toBe(1);
  });

  test('is named by reads once it was unsealed', async () => {
    const due = { time: now + 5 * day };
    await court.take(byAuthority([unseal]), due);
    await court.take(byKeeper([access('first', named)]), due);
    expect(await court.hear(byKeeper([access('second', hidden)]), due)).toBe('case-unknown');
  });

  test('stays due after it was closed, and no other one is opened until it is unsealed', async () => {
    const late = { time: now + 5 * day + 1 };
    const second = () => byAuditors([openCase('second', { until: now + 30 * day, opensAt: now + 30 * day })]);
    await court.take(byAuditor([close]));
    expect(await court.hear(second(), late)).toBe('case-overdue');
    await court.take(byAuthority([unseal]), late);
    expect(await court.hear(second(), late)).toBeNull();
  });
});
