import { describe, expect, test } from 'vitest';
import { ok } from '../../../src/contract/result.ts';
import { toBase64url } from '../../../src/ledger/verify/bytes.ts';
import type { Offer } from '../../../src/main/visit/draft.ts';
import { offerOf, taxOffer, VisitStand } from './visit-stand.ts';

const link = `openid4vp://?client_id=pension-office&request_uri=${encodeURIComponent(`https://gateway.example/v1/openid4vp/requests/${toBase64url(new Uint8Array(16))}`)}`;

async function atHome(): Promise<{ stand: VisitStand; looked: string[] }> {
  const looked: string[] = [];
  const stand = new VisitStand(() => ({
    findAsk: (_access, code) => {
      looked.push(code);
      return Promise.resolve(ok({ ask: null, triesLeft: null }));
    },
  }));
  await stand.signIn();
  return { stand, looked };
}

test('a scanned question is looked for from the start page, and said not to be open where it is not', async () => {
  const { stand, looked } = await atHome();
  stand.send({ type: 'scanned', text: link });
  expect(await stand.sees('ask-code')).toMatchObject({ problem: 'not-scanned', triesLeft: null });
  expect(looked).toEqual([link]);
});

test('anything else is said to be none, on the page that asks for a code', async () => {
  const { stand, looked } = await atHome();
  for (const page of ['home', 'ask-code']) {
    expect(stand.page.page).toBe(page);
    stand.send({ type: 'scanned', text: '690012345678' });
    expect(stand.page).toMatchObject({ page: 'ask-code', problem: 'not-scanned' });
  }
  expect(looked).toEqual([]);
});

describe('a bill', () => {
  const water = offerOf('utility/water-account-transfer');
  const bill = 'WB12345678202611';

  async function atHomeWith(...offers: Offer[]): Promise<VisitStand> {
    const stand = new VisitStand();
    await stand.signIn();
    stand.send({ type: 'offers.changed', offered: { offers, bundles: [] } });
    return stand;
  }

  test('opens its service with the number filled in: the rest is asked', async () => {
    const stand = await atHomeWith(taxOffer, water);
    stand.send({ type: 'scanned', text: bill });
    expect(await stand.sees('consent')).toMatchObject({ service: { id: 'utility/water-account-transfer' } });
    stand.send({ type: 'consent.allow' });
    expect(await stand.sees('question')).toMatchObject({ question: 'meter_reading' });
  });

  test('opens it from any window', async () => {
    const stand = await atHomeWith(taxOffer, water);
    stand.send({ type: 'group.open', group: 'tax' });
    stand.send({ type: 'scanned', text: bill });
    expect((await stand.sees('consent')).page).toBe('consent');
  });

  test.each([
    { what: 'of another agency', text: 'XX12345678202611' },
    { what: 'cut short', text: bill.slice(0, -1) },
    { what: 'with a letter in it', text: 'WB1234567A202611' },
    { what: 'with something behind it', text: `${bill}1` },
  ])('$what opens nothing', async ({ text }) => {
    const stand = await atHomeWith(taxOffer, water);
    stand.send({ type: 'scanned', text });
    expect(stand.page).toMatchObject({ page: 'ask-code', problem: 'not-scanned' });
  });

  test('that two services take opens neither', async () => {
    const twin = { ...water, service: { ...water.service, id: 'utility/another' } };
    const stand = await atHomeWith(water, twin);
    stand.send({ type: 'scanned', text: bill });
    expect(stand.page).toMatchObject({ page: 'ask-code', problem: 'not-scanned' });
  });

  test('is spoken of on the start page where a scanner is there and a service takes one', async () => {
    const stand = await atHomeWith(taxOffer, water);
    expect(stand.page).not.toHaveProperty('bills');
    stand.send({ type: 'scanner', isReady: true });
    expect(stand.page).toMatchObject({ page: 'home', bills: true });
    stand.send({ type: 'offers.changed', offered: { offers: [taxOffer], bundles: [] } });
    expect(stand.page).not.toHaveProperty('bills');
  });
});

test('a scan before anybody has signed in begins nothing, and says that a card comes first', () => {
  const stand = new VisitStand();
  stand.send({ type: 'scanned', text: link });
  expect(stand.page).toMatchObject({ page: 'held-receipt', held: { problem: 'needs-card' } });
});

test('the page that asks for a code speaks of the scanner where there is one', async () => {
  const { stand } = await atHome();
  stand.send({ type: 'code.open' });
  expect(stand.page).not.toHaveProperty('scanner');
  stand.send({ type: 'scanner', isReady: true });
  expect(stand.page).toMatchObject({ page: 'ask-code', scanner: true });
});
