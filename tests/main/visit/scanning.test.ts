import { expect, test } from 'vitest';
import { ok } from '../../../src/contract/result.ts';
import { toBase64url } from '../../../src/ledger/verify/bytes.ts';
import { VisitStand } from './visit-stand.ts';

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

test('anything else is said to be none on the page that asks for a code, and is nothing elsewhere', async () => {
  const { stand, looked } = await atHome();
  stand.send({ type: 'scanned', text: '690012345678' });
  expect(stand.page.page).toBe('home');
  stand.send({ type: 'code.open' });
  stand.send({ type: 'scanned', text: '690012345678' });
  expect(stand.page).toMatchObject({ page: 'ask-code', problem: 'not-scanned' });
  expect(looked).toEqual([]);
});

test('a scan before anybody has signed in begins nothing', () => {
  const stand = new VisitStand();
  stand.send({ type: 'scanned', text: link });
  expect(stand.page.page).toBe('attract');
});

test('the page that asks for a code speaks of the scanner where there is one', async () => {
  const { stand } = await atHome();
  stand.send({ type: 'code.open' });
  expect(stand.page).not.toHaveProperty('scanner');
  stand.send({ type: 'scanner', isReady: true });
  expect(stand.page).toMatchObject({ page: 'ask-code', scanner: true });
});
