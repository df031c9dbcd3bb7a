import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { byPower, validatorsAt } from '../../../src/ledger/rules/validators.ts';
import type { StateChange } from '../../../src/ledger/state.ts';
import { concatBytes, u64, utf8 } from '../../../src/ledger/verify/bytes.ts';
import { keyId } from '../../../src/ledger/verify/envelope.ts';
import { atKiosk, Court, firstDay, order } from '../court.ts';
import { body, envelopeOf, idOf, keys, lin, now, requestBody, sealKeyOf, signerOf } from '../small-district.ts';
import {
  block,
  byHub,
  byRegistrar,
  byTax,
  byTechnician,
  partyCases,
  publishStatus,
  retireKiosk,
  retireParty,
  retireStaff,
  rotate,
  service,
  setValidator,
  suspend,
  withdrawService,
} from './party-cases.ts';

let begin: StateChange[];
let court: Court;
beforeAll(async () => {
  begin = await firstDay();
});
beforeEach(() => {
  court = new Court(begin);
});

const keyState = (key: Parameters<typeof keyId>[0]) => court.state.read('key', keyId(key, nodeCrypto))?.state;

test.each(partyCases)('$code: $name', async ({ code, envelope, before, at }) => {
  await before?.(court);
  const changes = court.state.changes();
  expect(await court.hear(envelope(), at)).toBe(code);
  expect(court.state.changes()).toEqual(changes);
});

describe('parties', () => {
  test('after a rotation the new key signs and the other stays', async () => {
    await court.take(order([rotate()]));
    await court.take(envelopeOf(body([service()]), [signerOf('tax 2')]));
    expect(court.state.read('party', 'tax-bureau')).toMatchObject({ sign: signerOf('tax 2').key, seal: sealKeyOf('tax-bureau') });
    expect(keyState(keys.tax.key)).toBe('ended');
  });

  test('a sealing key is rotated alone', async () => {
    await court.take(order([rotate({ sign: undefined, seal: sealKeyOf('tax 2') })]));
    await court.take(byTax([service()]));
    expect([keyState(sealKeyOf('tax-bureau')), keyState(sealKeyOf('tax 2'))]).toEqual(['ended', 'active']);
  });

  test('a suspension that is lifted leaves nothing', async () => {
    await court.take(order([suspend('hub-1')]));
    await court.take(order([suspend('hub-1', false)]));
    expect(await court.hear(envelopeOf(body([block]), [keys.staff]))).toBeNull();
  });

  test('a retired party has no key that acts', async () => {
    await court.take(order([retireParty('tax-bureau')]));
    expect([keyState(keys.tax.key), keyState(sealKeyOf('tax-bureau'))]).toEqual(['ended', 'ended']);
  });

  test('who leaves takes both keys along', async () => {
    await court.take(byHub([retireStaff('staff')]));
    expect(court.state.read('staff', idOf('staff'))?.state).toBe('retired');
    expect([keyState(keys.staff.key), keyState(signerOf('staff aut').key)]).toEqual(['ended', 'ended']);
  });
});

describe('validators', () => {
  const signing = (height: number) => {
    const record = court.state.read('validators');
    return record === undefined ? undefined : validatorsAt(record, height);
  };
  const one = { key: keys.validator.key[1], power: 10 };
  const two = { key: signerOf('second').key[1], power: 20 };

  test('the genesis names the first ones', () => {
    expect(signing(1)).toEqual([one]);
  });

  test('a new one signs two heights later, as with CometBFT', async () => {
    await court.take(order([setValidator('second', 20)]), { height: 5 });
    expect([signing(6), signing(7)]).toEqual([[one], [two, one]]);
  });

  test('what two blocks in a row change adds up, each at its height', async () => {
    await court.take(order([setValidator('second', 20)]), { height: 5 });
    await court.take(order([setValidator('validator', 0)]), { height: 6 });
    await court.take(order([setValidator('third', 5)]), { height: 6 });
    const three = { key: signerOf('third').key[1], power: 5 };
    expect([6, 7, 8].map(signing)).toEqual([[one], [two, one], [two, three]]);
  });

  test('sets that nobody needs any more go', async () => {
    await court.take(order([setValidator('second', 20)]), { height: 5 });
    await court.take(order([setValidator('second', 21)]), { height: 50 });
    expect(court.state.read('validators')?.sets.map(({ from }) => from)).toEqual([7, 52]);
  });

  test('those of the same power stand by their address', () => {
    const set = ['a', 'b', 'c'].map((name) => ({ key: signerOf(name).key[1], power: 1 }));
    expect(byPower(set, nodeCrypto)).toEqual(byPower(set.toReversed(), nodeCrypto));
  });
});

test('a kiosk that retires lists all that it attested', async () => {
  await court.take(atKiosk(requestBody(lin, 3).body.acts), { logIndex: 7 });
  await court.take(envelopeOf(body([block], { kiosk: 'hall-1' }), [keys.staff, keys.kiosk]), { logIndex: 9 });
  const hash = [7, 9].reduce<Uint8Array>((before, index) => nodeCrypto.sha256(concatBytes(utf8('imi/attest/1'), before, u64(index))), new Uint8Array(32));
  await court.take(byTechnician([retireKiosk({ count: 2, hash })]));
  expect(court.state.read('kiosk', 'hall-1')).toMatchObject({ state: 'retired', attested: { count: 2 } });
  expect(keyState(keys.kiosk.key)).toBe('ended');
});

test('a withdrawn service comes back as a later version', async () => {
  await court.take(byTax([service(1)]));
  await court.take(byTax([withdrawService]));
  expect(court.state.read('service', 'tax/property-tax-certificate')?.state).toBe('withdrawn');
  await court.take(byTax([service(2)]));
  expect(court.state.read('service', 'tax/property-tax-certificate')?.state).toBe('published');
});

test('of an issuer’s lists the newest stands, up to a clock that is a little ahead', async () => {
  await court.take(byRegistrar([publishStatus(now - 5)]));
  await court.take(byRegistrar([publishStatus(now + 300)]));
  expect(court.state.read('status', 'registrar')).toMatchObject({ at: now + 300, since: 5 });
});
