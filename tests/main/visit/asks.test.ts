import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import { identityVct } from '../../../src/contract/claims.ts';
import { parseVpToken, shownSet } from '../../../src/identity/answer.ts';
import { signAsk, type AskTerms } from '../../../src/identity/ask.ts';
import { issueCredential, type Credential } from '../../../src/identity/credential.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../../src/ledger/node-signer.ts';
import { toBase64url } from '../../../src/ledger/verify/bytes.ts';
import { agreeToAsk, askedRows, findAsk, refuseAsk, waitingAsks, type AskParts, type ShownAsk } from '../../../src/main/visit/asks.ts';
import type { Card } from '../../../src/main/card.ts';
import { VisitStand } from './visit-stand.ts';

const agency = ed25519Signer(Buffer.alloc(32, 1));
const registrar = ed25519Signer(Buffer.alloc(32, 2));
const holder = ed25519Signer(Buffer.alloc(32, 3));
const now = 1_800_000_000;
const session = new Uint8Array(16).fill(8);
const names = { en: 'Pension Office', 'zh-Hans': '养老金中心' };

const termsOf = (change: Partial<AskTerms> = {}): AskTerms => ({
  agency: 'pension-office',
  purpose: 'pension.eligibility',
  reason: { en: 'to find your account', 'zh-Hans': '查找您的账户' },
  subject: null,
  nonce: toBase64url(new Uint8Array(randomBytes(32))),
  state: toBase64url(new Uint8Array(16).fill(9)),
  responseUri: 'https://gateway.example/v1/openid4vp/responses',
  at: now,
  until: now + 3600,
  wanted: [{ id: 'identity', vcts: [identityVct], claims: [{ claim: 'name', optional: false }, { claim: 'address', optional: true }] }],
  ...change,
});
const carried = (change: Partial<AskTerms> = {}, sign = agency.sign): { id: Uint8Array; signed: string } => ({ id: new Uint8Array(16).fill(9), signed: signAsk(termsOf(change), sign) });

const content = { vct: identityVct, issuer: 'registrar', holder: holder.key[1], status: 1, issuedAt: now - 10, expiresAt: now + 10_000, claims: { name: '林悦', address: '恩宁路 12 号', sex: 'female' } };
const credential: Credential = { ...content, sdJwt: await issueCredential(content, registrar.sign) };

const party = { id: 'pension-office', kind: 'agency' as const, sign: agency.key, seal: new Uint8Array(32), names, purposes: [{ id: 'pension.eligibility', claims: ['name', 'address'], longestDays: 30 }] };

function partsWith(change: Partial<AskParts['district']> = {}): AskParts {
  return {
    crypto: nodeCrypto,
    clock: { now: () => now * 1000, setTimeout: () => 0, clearTimeout: () => undefined },
    district: {
      askByCode: () => Promise.resolve(ok({ ask: carried(), triesLeft: 5 })),
      askById: () => Promise.resolve(ok({ ask: carried() })),
      answerAsk: () => Promise.resolve(ok({ transaction: new Uint8Array(32).fill(4) })),
      refuseAsk: () => Promise.resolve(ok({})),
      asker: () => Promise.resolve(ok(party)),
      party: () => Promise.resolve(ok({ ...party, id: 'registrar', names: { en: 'Registrar', 'zh-Hans': '登记处' } })),
      receipt: () => Promise.resolve(ok(null)),
      ...change,
    },
  };
}

const card = { authenticate: (data: Uint8Array): Promise<Result<Uint8Array>> => Promise.resolve(ok(holder.sign(data))) } as Card;

async function oneAsk(): Promise<ShownAsk> {
  const [shown] = await waitingAsks(ok([carried()]), [credential], partsWith());
  if (shown === undefined) throw new Error('no ask');
  return shown;
}

describe('an ask at the kiosk', () => {
  test('is shown with who asks, by the ledger, and each fact with its value and issuer', async () => {
    const shown = await oneAsk();
    expect([shown.agency, shown.missing]).toEqual([names, []]);
    expect(askedRows(shown, ['address'])).toEqual([
      { claim: 'name', value: '林悦', optional: false, chosen: true, issuer: { en: 'Registrar', 'zh-Hans': '登记处' } },
      { claim: 'address', value: '恩宁路 12 号', optional: true, chosen: false, issuer: { en: 'Registrar', 'zh-Hans': '登记处' } },
    ]);
  });

  test('says of no fact that it is shown where the agency takes another set of them', async () => {
    const shown = await oneAsk();
    const parts = shown.parts.map((part) => ({ ...part, wanted: { ...part.wanted, sets: [['name'], ['address']] }, claims: part.claims.map((claim) => ({ ...claim, optional: true })) }));
    const [part] = parts;
    if (part === undefined) throw new Error('nothing is asked');
    const rows = askedRows({ ...shown, parts }, []);
    expect(rows.filter(({ chosen }) => chosen).map(({ claim }) => claim)).toEqual(shownSet(part, []));
    expect(rows.map(({ chosen }) => chosen)).toEqual([true, false]);
  });

  test.each([
    { name: "another's signature", asks: [carried({}, registrar.sign)], asker: ok(party) },
    { name: 'a purpose that is not the agency’s', asks: [carried({ purpose: 'tax.other' })], asker: ok(party) },
    { name: 'more than its purpose allows', asks: [carried({ wanted: [{ id: 'q', vcts: [identityVct], claims: [{ claim: 'sex', optional: false }] }] })], asker: ok(party) },
    { name: 'a time that is over', asks: [carried({ at: now - 3600, until: now })], asker: ok(party) },
    { name: 'another name than it is carried under', asks: [{ ...carried(), id: new Uint8Array(16) }], asker: ok(party) },
    { name: 'an agency that the ledger does not know', asks: [carried()], asker: fail('hub-refused') },
  ])('is not shown with $name, whatever the hub says', async ({ asks, asker }) => {
    expect(await waitingAsks(ok(asks), [credential], partsWith({ asker: () => Promise.resolve(asker) }))).toEqual([]);
  });

  test('keeps nobody out where the hub cannot say', async () => {
    expect(await waitingAsks(fail('hub-unreachable'), [credential], partsWith())).toEqual([]);
  });

  test('says what is missing', async () => {
    const [shown] = await waitingAsks(ok([carried()]), [], partsWith());
    expect([shown?.parts, shown?.missing]).toEqual([[], ['name', 'address']]);
  });

  test('is found by its code, or not', async () => {
    const found = await findAsk(session, '7KQ2M4XD', [credential], partsWith());
    expect(found.ok && found.value.ask?.agency).toEqual(names);
    const none = await findAsk(session, '7KQ2M4XD', [credential], partsWith({ askByCode: () => Promise.resolve(ok({ ask: null, triesLeft: 2 })) }));
    expect(none).toEqual(ok({ ask: null, triesLeft: 2 }));
  });

  test('is found by its scanned link, or not, and nobody counts', async () => {
    const { id } = carried();
    const link = `openid4vp://?client_id=pension-office&request_uri=${encodeURIComponent(`https://gateway.example/v1/openid4vp/requests/${toBase64url(id)}`)}`;
    const looked: Uint8Array[] = [];
    const askById: AskParts['district']['askById'] = (_session, ask) => {
      looked.push(ask);
      return Promise.resolve(ok({ ask: looked.length === 1 ? carried() : null }));
    };
    expect(await findAsk(session, link, [credential], partsWith({ askById }))).toMatchObject({ value: { ask: { agency: names }, triesLeft: null } });
    expect(await findAsk(session, link, [credential], partsWith({ askById }))).toEqual(ok({ ask: null, triesLeft: null }));
    expect(looked).toEqual([id, id]);
  });

  test('is answered with what was not kept back, and nothing else', async () => {
    const sent: string[] = [];
    const done = await agreeToAsk(card, session, await oneAsk(), ['address'], partsWith({
      answerAsk: (_session, _ask, vpToken) => {
        sent.push(vpToken);
        return Promise.resolve(ok({ transaction: new Uint8Array(32).fill(4) }));
      },
    }));
    expect(done.ok && done.value).toMatchObject({ outcome: 'answered', recorded: false, qr: [] });
    const shown = parseVpToken(sent[0] ?? '')?.['identity']?.[0]?.split('~').slice(1, -1).map((one) => Buffer.from(one, 'base64url').toString());
    expect(shown).toHaveLength(1);
    expect(shown?.[0]).toContain('林悦');
  });

  test('that the gateway does not take says why; a card that was pulled fails', async () => {
    const late = await agreeToAsk(card, session, await oneAsk(), [], partsWith({ answerAsk: () => Promise.resolve(ok({ refused: 'answer-late' })) }));
    expect(late).toEqual(ok({ outcome: 'not-taken', code: 'answer-late' }));
    const pulled = await agreeToAsk({ authenticate: () => Promise.resolve(fail('card-removed')) } as unknown as Card, session, await oneAsk(), [], partsWith());
    expect(!pulled.ok && pulled.failure.code).toBe('card-removed');
    expect(await refuseAsk(session, await oneAsk(), partsWith())).toEqual(ok({ outcome: 'refused' }));
  });
});

describe('the pages of an ask', () => {
  async function stand(): Promise<VisitStand> {
    const shown = await oneAsk();
    const made = new VisitStand();
    made.probe.access.asks = [shown];
    await made.signIn();
    return made;
  }
  const name = toBase64url(new Uint8Array(16).fill(9));

  test('lead from home to the letter, to one touch, to what became of it', async () => {
    const visit = await stand();
    expect((await visit.sees('home')).asks).toEqual([{ ask: name, agency: names }]);
    visit.send({ type: 'ask.open', ask: name });
    const letter = await visit.sees('ask');
    expect(letter.claims.map(({ claim, chosen }) => [claim, chosen])).toEqual([['name', true], ['address', false]]);
    visit.send({ type: 'ask.choose', claim: 'name', chosen: false });
    visit.send({ type: 'ask.choose', claim: 'address', chosen: true });
    expect((await visit.sees('ask')).claims.map(({ chosen }) => chosen)).toEqual([true, true]);
    visit.send({ type: 'ask.agree' });
    expect(await visit.sees('ask-done')).toMatchObject({ outcome: 'answered', reference: '7KQ2-M4XD-09' });
    visit.send({ type: 'home' });
    expect((await visit.sees('home')).asks).toEqual([]);
  });

  test('wait for one fact to be chosen, where the agency would take any', async () => {
    const [shown] = await waitingAsks(ok([carried({ wanted: [{ id: 'q', vcts: [identityVct], claims: [{ claim: 'name', optional: true }, { claim: 'address', optional: true }] }] })]), [credential], partsWith());
    if (shown === undefined) throw new Error('no ask');
    const visit = new VisitStand();
    visit.probe.access.asks = [shown];
    await visit.signIn();
    visit.send({ type: 'ask.open', ask: name });
    const letter = await visit.sees('ask');
    expect([letter.claims.filter(({ chosen }) => chosen).length, letter.enough]).toEqual([1, true]);
    for (const claim of ['name', 'address']) visit.send({ type: 'ask.choose', claim, chosen: false });
    expect((await visit.sees('ask')).enough).toBe(false);
    visit.send({ type: 'ask.agree' });
    expect(visit.page.page).toBe('ask');
    visit.send({ type: 'ask.choose', claim: 'address', chosen: true });
    visit.send({ type: 'ask.agree' });
    await visit.sees('ask-done');
  });

  test('refuse in one touch as well', async () => {
    const visit = await stand();
    visit.send({ type: 'ask.open', ask: name });
    await visit.sees('ask');
    visit.send({ type: 'ask.refuse' });
    expect(await visit.sees('ask-done')).toMatchObject({ outcome: 'refused' });
  });

  test('leave it open with back, and know no other ask', async () => {
    const visit = await stand();
    visit.send({ type: 'ask.open', ask: 'BBBBBBBBBBBBBBBBBBBBBB' });
    expect(visit.page.page).toBe('home');
    visit.send({ type: 'ask.open', ask: name });
    visit.send({ type: 'back' });
    expect((await visit.sees('home')).asks).toHaveLength(1);
  });

  test('say that a code leads nowhere, and when it was the last', async () => {
    const visit = await stand();
    visit.send({ type: 'code.open' });
    expect(await visit.sees('ask-code')).toMatchObject({ problem: null });
    visit.send({ type: 'code.submit', code: '22222222' });
    await expect.poll(() => visit.page).toMatchObject({ page: 'ask-code', problem: 'unknown', triesLeft: 5 });
  });
});
