import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identityVct } from '../../src/contract/claims.ts';
import { requestAddress } from '../../src/cli/card.ts';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { signAsk, type AskTerms } from '../../src/identity/ask.ts';
import { toBase64url } from '../../src/ledger/verify/bytes.ts';
import { demoId } from '../../tools/demo/demo-keys.ts';
import { demoPin } from '../../tools/demo/people.ts';
import { demoHubPath, seedWorld, type World } from '../../tools/demo/world.ts';
import { startPcscd, type Pcscd } from '../../tools/pcscd.ts';
import { startVirtualCard, type CardHand } from '../../tools/virtual-card/hand.ts';
import { whyNoReaders } from '../drivers/device-rig.ts';
import { clientOf, partySigner } from '../gateway/gateway-in-test.ts';
import { must, soon } from '../hub/visitor.ts';

describe('where a request is', () => {
  it.each([
    { text: 'openid4vp://?client_id=tax-bureau&request_uri=https%3A%2F%2Fgateway.example%2Fv1%2Fx', url: 'https://gateway.example/v1/x' },
    { text: 'https://gateway.example/v1/x', url: 'https://gateway.example/v1/x' },
    { text: 'http://127.0.0.1:7480/v1/x', url: 'http://127.0.0.1:7480/v1/x' },
    { text: 'http://gateway.example/v1/x', url: null },
    { text: 'openid4vp://?client_id=tax-bureau', url: null },
    { text: 'file:///etc/passwd', url: null },
    { text: 'seven', url: null },
  ])('$text', ({ text: given, url }) => {
    expect(requestAddress(given)?.href ?? null).toBe(url);
  });
});

const missing = whyNoReaders();

describe.skipIf(missing !== null)('imi card, with the card in a reader at home', () => {
  let dir: string;
  let world: World;
  let hub: Hub;
  let url: string;
  let pcscd: Pcscd;
  let hand: CardHand;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'card-'));
    world = await seedWorld(join(dir, 'world'));
    const { gateway } = world.serverFile;
    if (gateway === undefined) throw new Error('the demonstration has no gateway');
    hub = must(await openHub({ hubFile: world.hubFile, serverFile: { ...world.serverFile, gateway: { ...gateway, listen: 'http://127.0.0.1:0' } }, dataDir: world.hubDir }));
    url = hub.gatewayUrl ?? '';
    pcscd = await startPcscd({ dir: join(dir, 'pcscd') });
    hand = await startVirtualCard({ ports: pcscd.ports });
    await hand.insert(world.cards['lin'] ?? '');
  }, 60_000);
  afterAll(async () => {
    await hand.close();
    await pcscd.stop();
    await hub.close();
    rmSync(dir, { recursive: true, force: true });
  });

  async function asked(change: Partial<AskTerms> = {}): Promise<{ state: string; walletUri: string }> {
    const terms: AskTerms = {
      agency: 'pension-office',
      purpose: 'pension.eligibility',
      reason: { en: 'to find your account', 'zh-Hans': '查找您的账户' },
      subject: demoId('lin'),
      nonce: toBase64url(new Uint8Array(randomBytes(32))),
      state: toBase64url(new Uint8Array(randomBytes(16))),
      responseUri: `${url}/v1/openid4vp/responses`,
      at: soon(),
      until: soon() + 3600,
      wanted: [{ id: 'identity', vcts: [identityVct], claims: [{ claim: 'name', optional: false }, { claim: 'address', optional: true }] }],
      ...change,
    };
    const body = { request: signAsk(terms, partySigner(terms.agency).sign), code: false };
    const { walletUri } = must(await clientOf(url, terms.agency).call('POST', '/v1/asks', { body })).body as { walletUri: string };
    return { state: terms.state, walletUri };
  }

  /** What is typed, a line an answer; the arguments never hold the PIN. */
  async function imi(args: string[], typed: string[] = []): Promise<{ code: number; out: string; err: string }> {
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/cli/imi.ts'), 'card', ...args], {
      env: { PATH: process.env['PATH'], HOME: dir, PCSCLITE_CSOCK_NAME: pcscd.socketPath },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin.end(typed.map((line) => `${line}\n`).join(''));
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), new Promise<number>((resolve) => child.once('exit', (status) => resolve(status ?? -1)))]);
    return { code, out, err };
  }
  const answer = (ask: { walletUri: string }, typed: string[]) => imi(['answer', ask.walletUri, '--hub', demoHubPath.pathname, '--data', join(dir, 'home')], typed);
  const answerOf = async (ask: { state: string }) => must(await clientOf(url, 'pension-office').call('GET', `/v1/asks/${ask.state}/answer`)).body;

  it('says which card is there', async () => {
    const { code, out } = await imi(['status']);
    expect(code).toBe(0);
    expect(out).toContain('an openpgp card, version 3.4');
  }, 20_000);

  it('answers: who asks, what for, each fact with its value, a yes, and the card signs', async () => {
    const ask = await asked();
    const { code, out, err } = await answer(ask, ['yes', demoPin, 'no', 'yes']);
    expect([err, code]).toEqual(['', 0]);
    expect(out).toContain('Pension Office (养老金中心) asks to find your account.');
    expect(out).toMatch(/Name: 林悦/);
    expect(out).toMatch(/may be left out/);
    expect(out).toMatch(/Answered\. Reference: [0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}, recorded on the ledger\./);
    expect(out).not.toContain(demoPin);
    expect(await answerOf(ask)).toMatchObject({ answer: 'yes', ledgerKey: 'active', claims: ['name'] });
  }, 30_000);

  it('refuses before the PIN, and the agency is told no', async () => {
    const ask = await asked();
    const { code, out } = await answer(ask, ['no']);
    expect(code).toBe(3);
    expect(out).not.toContain('林悦');
    expect(await answerOf(ask)).toMatchObject({ answer: 'no' });
  }, 30_000);

  it('refuses after the facts were seen', async () => {
    const ask = await asked();
    expect((await answer(ask, ['yes', demoPin, 'yes', 'no'])).code).toBe(3);
    expect(await answerOf(ask)).toMatchObject({ answer: 'no', claims: [] });
  }, 30_000);

  it('sends nothing when nobody says yes', async () => {
    const ask = await asked();
    const { code } = await answer(ask, ['yes', demoPin]);
    expect(code).toBe(1);
    const still = must(await clientOf(url, 'pension-office').call('GET', `/v1/asks/${ask.state}`)).body;
    expect(still).toMatchObject({ state: 'open' });
  }, 30_000);

  it('asks for the PIN again, and shows nothing without it', async () => {
    const ask = await asked({ subject: null });
    const { code, out, err } = await answer(ask, ['yes', '999999', demoPin, 'yes', 'yes']);
    expect(err).toContain('Tries left: 2.');
    expect([code, out.includes('Answered.')]).toEqual([0, true]);
  }, 30_000);

  it('says what the data space does not have', async () => {
    const ask = await asked({ subject: null, wanted: [{ id: 'gas', vcts: ['urn:imi:credential:pension:9'], claims: [{ claim: 'insured_since', optional: false }] }] });
    const { code, out, err } = await answer(ask, ['yes', demoPin]);
    expect([err, code, out.includes('nothing of this kind')]).toEqual(['', 4, true]);
  }, 30_000);

  it.each([
    { name: 'no address', args: ['answer'] },
    { name: 'an open line', args: ['answer', 'http://gateway.example/', '--hub', 'x'] },
    { name: 'no hub', args: ['answer', 'https://gateway.example/'] },
    { name: 'a PIN among the arguments', args: ['answer', 'https://gateway.example/', '--hub', 'x', '--pin', '123456'] },
  ])('is wrongly called with $name', async ({ args }) => {
    const { code, err } = await imi(args);
    expect([code, err.startsWith('Usage:')]).toEqual([2, true]);
  }, 20_000);

  it('takes no request that nobody has made', async () => {
    const { code, err } = await imi(['answer', `${url}/v1/openid4vp/requests/AAAAAAAAAAAAAAAAAAAAAA`, '--hub', demoHubPath.pathname, '--data', join(dir, 'home')], ['yes']);
    expect([code, err.trim()]).toEqual([1, 'ask-unknown']);
  }, 20_000);
});
