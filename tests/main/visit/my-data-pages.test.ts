import { describe, expect, test } from 'vitest';
import { fail, ok } from '../../../src/contract/result.ts';
import { dataOf, exampleData, given, grantHex, read, step, submitted, transactionOf } from './example-data.ts';
import { taxOffer, VisitStand } from './visit-stand.ts';

const both = (text: string): { 'zh-Hans': string; en: string } => ({ 'zh-Hans': text, en: text });

/** Signed in, with a request in the list and a phone number typed. */
async function inMyData(stand = new VisitStand()): Promise<VisitStand> {
  stand.probe.access.requests = [
    {
      transaction: transactionOf(1),
      row: { reference: '7KQ2-M4XD-09', service: taxOffer.service.title, agency: both('Tax Bureau'), group: 'tax', state: 'recorded', at: '2026-11-22T09:00:00.000Z', step: null, decision: null },
      steps: [],
      claims: [],
      until: '',
      parts: [],
    },
  ];
  stand.probe.access.self = { phone: { value: '13800138000', at: 1 } };
  await stand.signIn();
  stand.send({ type: 'my-data.open', part: 'all' });
  await stand.sees('my-data');
  return stand;
}

test('each part is looked up anew, and leads back', async () => {
  const stand = await inMyData();
  for (const [part, page] of [['facts', 'facts'], ['grants', 'grants'], ['looks', 'looks'], ['signed', 'signed'], ['agencies', 'agencies']] as const) {
    stand.send({ type: 'my-data.open', part });
    await stand.sees(page);
    stand.send({ type: 'back' });
    expect(stand.page.page).toBe('my-data');
  }
  stand.send({ type: 'my-data.open', part: 'looks' });
  await stand.sees('looks');
  stand.send({ type: 'my-data.open', part: 'proof' });
  expect(await stand.sees('proof')).toMatchObject({ entries: 3, qr: ['IMI1:1:1:PROOF'] });
});

test('an agency looks while its resident stands there: the next page says so', async () => {
  let data = exampleData();
  const stand = await inMyData(new VisitStand(() => ({ lookUpMyData: () => Promise.resolve(ok(data)) })));
  expect(stand.page).toMatchObject({ looks: 1 });
  data = dataOf([...exampleData().entries, read(5)]);
  stand.send({ type: 'my-data.open', part: 'looks' });
  expect((await stand.sees('looks')).looks).toHaveLength(2);
});

test('a list that does not hold is shown to nobody', async () => {
  const stand = new VisitStand(() => ({ lookUpMyData: () => Promise.resolve(fail('proof-invalid', 'resident chain: missing')) }));
  await stand.signIn();
  stand.send({ type: 'my-data.open', part: 'looks' });
  expect(await stand.sees('failure')).toMatchObject({ code: 'proof-invalid', next: 'retry' });
});

describe('a grant', () => {
  test('is ended: read what it does, PIN, receipt', async () => {
    const stand = await inMyData();
    stand.send({ type: 'my-data.open', part: 'grants' });
    await stand.sees('grants');
    stand.send({ type: 'grant.open', grant: grantHex });
    expect(stand.page).toMatchObject({ page: 'grant', grant: { used: 1, reads: 2 }, looks: [{ look: 'read' }] });
    stand.send({ type: 'grant.end' });
    expect(stand.page).toMatchObject({ page: 'undo', undo: { what: 'grant.end' } });
    stand.send({ type: 'undo.confirm' });
    expect(await stand.sees('sign')).toMatchObject({ what: 'grant.end' });
    expect(stand.calls.signed).toBe(0);
    stand.send({ type: 'pin.submit', pin: '123456' });
    await stand.sees('working');
    await expect.poll(() => stand.state.stage).toBe('visiting.sending');
    stand.settle('recorded');
    expect(await stand.sees('receipt')).toMatchObject({ what: 'grant.end', state: 'recorded' });
    expect(stand.calls.signings).toEqual(['grant.end']);
  });

  test('is left as it is by going back, at each page before the PIN', async () => {
    const stand = await inMyData();
    stand.send({ type: 'my-data.open', part: 'grants' });
    await stand.sees('grants');
    stand.send({ type: 'grant.open', grant: grantHex });
    stand.send({ type: 'grant.end' });
    stand.send({ type: 'undo.confirm' });
    await stand.sees('sign');
    for (const page of ['undo', 'grant', 'grants'] as const) {
      stand.send({ type: 'back' });
      expect(stand.page.page).toBe(page);
    }
    expect(stand.calls.signed).toBe(0);
  });

  test('that is over cannot be ended, and one that is nobody’s cannot be opened', async () => {
    const stand = await inMyData(new VisitStand(() => ({ lookUpMyData: () => Promise.resolve(ok(dataOf([given], { now: 4_000_000_000 }))) })));
    stand.send({ type: 'my-data.open', part: 'grants' });
    await stand.sees('grants');
    expect(stand.can({ type: 'grant.open', grant: 'ff'.repeat(16) })).toBe(false);
    stand.send({ type: 'grant.open', grant: grantHex });
    expect(stand.can({ type: 'grant.end' })).toBe(false);
  });
});

describe('a request', () => {
  test('is taken back with the grant that it rests on', async () => {
    const stand = await inMyData();
    stand.send({ type: 'home' });
    stand.send({ type: 'requests.open' });
    stand.send({ type: 'request.open', reference: '7KQ2-M4XD-09' });
    expect(await stand.sees('request')).toMatchObject({ withdrawable: true });
    stand.send({ type: 'request.withdraw' });
    expect(stand.page).toMatchObject({ page: 'undo', undo: { what: 'request.withdraw' } });
    expect(stand.state.context.visit?.undoing).toMatchObject({ grants: [{ agency: 'tax-bureau' }] });
    stand.send({ type: 'undo.confirm' });
    expect(await stand.sees('sign')).toMatchObject({ what: 'request.withdraw' });
  });

  test('that is decided cannot be', async () => {
    const decided = dataOf([given, submitted, step(7, 'received'), step(8, 'decided', { decision: 'refused' })]);
    const stand = await inMyData(new VisitStand(() => ({ lookUpMyData: () => Promise.resolve(ok(decided)) })));
    stand.send({ type: 'home' });
    stand.send({ type: 'requests.open' });
    expect(stand.page).toMatchObject({ requests: [{ step: 'decided', decision: 'refused' }] });
    stand.send({ type: 'request.open', reference: '7KQ2-M4XD-09' });
    expect(await stand.sees('request')).toMatchObject({ withdrawable: false });
    expect(stand.can({ type: 'request.withdraw' })).toBe(false);
  });
});

describe('a typed fact', () => {
  test('is corrected: asked anew, PIN, and from then on it is the new one', async () => {
    const stand = await inMyData();
    stand.send({ type: 'my-data.open', part: 'facts' });
    await stand.sees('facts');
    stand.send({ type: 'fact.correct', fact: 'phone' });
    expect(stand.page).toMatchObject({ page: 'question', question: 'phone', service: null, value: '13800138000' });
    stand.send({ type: 'answer.submit', question: 'phone', value: 'no number' });
    expect(stand.page).toMatchObject({ page: 'question', problem: 'format' });
    stand.send({ type: 'answer.submit', question: 'phone', value: '13700000042' });
    expect(await stand.sees('sign')).toMatchObject({ what: 'facts.keep', fact: { value: '13700000042' } });
    stand.send({ type: 'pin.submit', pin: '123456' });
    await expect.poll(() => stand.calls.signings).toEqual(['facts.keep']);
  });

  test('is there too where home was left before it was proved', async () => {
    const recalled: (() => void)[] = [];
    const stand = new VisitStand(() => ({ recall: () => new Promise((resolve) => recalled.push(() => resolve(ok({ phone: { value: '13800138000', at: 1 } })))) }));
    stand.probe.access.self = null;
    await stand.signIn();
    stand.send({ type: 'my-data.open', part: 'facts' });
    await expect.poll(() => stand.state.stage).toBe('visiting.recallingFacts');
    for (const answer of recalled) answer();
    expect((await stand.sees('facts')).typed).toMatchObject([{ fact: 'phone', value: '13800138000' }]);
  });

  test('that nobody asks for any more is not', async () => {
    const stand = await inMyData();
    stand.send({ type: 'my-data.open', part: 'facts' });
    await stand.sees('facts');
    expect(stand.can({ type: 'fact.correct', fact: 'tax/gone#question' })).toBe(false);
  });
});

test('an agency is muted once the hub has it', async () => {
  const stand = await inMyData();
  stand.send({ type: 'my-data.open', part: 'agencies' });
  await stand.sees('agencies');
  expect(stand.can({ type: 'agency.mute', agency: 'nobody', muted: true })).toBe(false);
  stand.send({ type: 'agency.mute', agency: taxOffer.service.agency, muted: true });
  await expect.poll(() => stand.page).toMatchObject({ page: 'agencies' });
  expect(stand.page).toMatchObject({ agencies: expect.arrayContaining([expect.objectContaining({ agency: taxOffer.service.agency, muted: true })]) as unknown });
  expect(stand.calls.mutes).toEqual([{ agency: taxOffer.service.agency, muted: true }]);
});
