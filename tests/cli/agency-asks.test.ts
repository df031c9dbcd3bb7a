import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { answerAsk, answerForm, matchAsk } from '../../src/identity/answer.ts';
import { openAsk, type Ask } from '../../src/identity/ask.ts';
import { toHex } from '../../src/ledger/verify/bytes.ts';
import { demoId } from '../../tools/demo/demo-keys.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { agencyOf, sendRaw } from '../gateway/gateway-in-test.ts';
import { callDirectly, must, soon, Visitor } from '../hub/visitor.ts';

let folder: string;
let world: World;
let hub: Hub;
let lin: Visitor;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'imi-agency-asks-'));
  world = await seedWorld(folder);
  hub = must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  const config = join(folder, 'agencies/tax-bureau/agency.json');
  writeFileSync(config, readFileSync(config, 'utf8').replace('http://127.0.0.1:7480', hub.gatewayUrl ?? ''));
  lin = new Visitor(world, 'lin', callDirectly(hub));
}, 60_000);
afterAll(async () => {
  await hub.close();
  rmSync(folder, { recursive: true });
});

interface Done {
  code: number;
  out: string;
  err: string;
}

const imi = (...args: string[]): Promise<Done> =>
  new Promise((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, '../../src/cli/imi.ts'), 'agency', ...args, '--config', join(folder, 'agencies/tax-bureau/agency.json')], (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
const asking = (...more: string[]): Promise<Done> =>
  imi('ask', '--purpose', 'tax.property-certificate', '--facts', 'name,address?', '--reason-en', 'to certify your payment', '--reason-zh', '为您开具完税证明', '--json', ...more);

async function asked(...more: string[]): Promise<{ id: string; code: string | null; ask: Ask }> {
  const { code, out, err } = await asking(...more);
  expect([err, code]).toEqual(['', 0]);
  const view = JSON.parse(out) as { id: string; code: string | null; requestUri: string };
  return { ...view, ask: must(openAsk((await sendRaw(hub.gatewayUrl ?? '', { path: new URL(view.requestUri).pathname })).text)) };
}

const post = (form: URLSearchParams): ReturnType<typeof sendRaw> =>
  sendRaw(hub.gatewayUrl ?? '', { method: 'POST', path: '/v1/openid4vp/responses', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form.toString() });

async function linAnswers(ask: Ask): Promise<void> {
  const { credential } = await lin.signIn();
  const { vpToken } = must(await answerAsk(ask, matchAsk(ask, [credential]).parts, [], soon(), lin.card.signWithAut));
  expect((await post(answerForm(ask, { vpToken }))).status).toBe(200);
}

const told = async (id: string): Promise<object[]> => {
  const changes = must(await agencyOf(hub.gatewayUrl ?? '', 'tax-bureau', world).changes(0));
  return changes.filter((change) => change.id === toHex(Buffer.from(id, 'base64url')));
};

describe('an ask from an agency’s terminal', () => {
  it('waits, is answered with the card, and the facts are shown once they were checked', async () => {
    const { id, code, ask } = await asked('--code', '--minutes', '60');
    expect(code).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    expect(ask.until - ask.at).toBe(3600);
    expect(await imi('asked', id)).toMatchObject({ code: 0, out: expect.stringMatching(/^open, until /) as string });
    expect(await imi('answer', id)).toMatchObject({ code: 1, err: 'imi agency: ask-not-answered (422)\n' });
    await linAnswers(ask);
    const { code: exit, out, err } = await imi('answer', id);
    expect([err, exit]).toEqual(['', 0]);
    expect(out).toMatch(/^yes, .*, by resident /);
    expect(out).toContain(toHex(lin.resident));
    expect(out).toContain('registrar says (urn:imi:credential:identity:1):');
    expect(out).toContain('  name: 林悦');
    expect(out).toContain('  address: ');
  }, 60_000);

  it('is refused: the agency is told that it was, not why, nor who did not answer', async () => {
    const { id, ask } = await asked();
    expect((await post(answerForm(ask, { error: 'access_denied' }))).status).toBe(200);
    expect(await imi('answer', id)).toMatchObject({ code: 0, out: expect.stringMatching(/"answer":"no"|^no, /) as string });
    expect(await told(id)).toMatchObject([{ kind: 'ask.refused', subject: null, step: null, transaction: null }]);
  }, 60_000);

  it('is not brought to a resident who has muted the agency, which cannot tell it from one that nobody answers', async () => {
    const call = callDirectly(hub);
    const { session } = await lin.signIn();
    const before = await asked('--subject', toHex(demoId('lin')));
    must(await call('mute.set', { session, agency: 'tax-bureau', muted: true }));
    const muted = await asked('--subject', toHex(demoId('lin')));
    expect(must(await call('asks.list', { session })).asks).toEqual([]);
    expect((await imi('asked', muted.id)).out).toMatch(/^open, until /);
    expect(await told(muted.id)).toEqual([]);
    must(await call('mute.set', { session, agency: 'tax-bureau', muted: false }));
    const waiting = must(await call('asks.list', { session })).asks.map(({ id }) => Buffer.from(id).toString('base64url'));
    expect(waiting).toEqual(expect.arrayContaining([before.id, muted.id]));
  }, 60_000);

  it.each([
    { name: 'a fact that no credential has', args: ['--facts', 'shoe_size'], code: 2, err: 'no credential has a claim' },
    { name: 'more than its purpose allows', args: ['--facts', 'birth_date'], code: 1, err: 'ask-purpose' },
    { name: 'a time that is too long', args: ['--minutes', '43201'], code: 2, err: '--minutes' },
    { name: 'nobody’s id', args: ['--subject', 'lin'], code: 2, err: '--subject' },
  ])('is not made for $name', async ({ args, code, err }) => {
    const done = await asking(...args);
    expect(done.code).toBe(code);
    expect(done.err).toContain(err);
  });
});

it('a status list is published, and names what is revoked since', async () => {
  const tax = agencyOf(hub.gatewayUrl ?? '', 'tax-bureau', world);
  const before = JSON.parse((await imi('revocations', '--json')).out) as { revoked: number[] };
  expect((await imi('status-list')).out).toMatch(/^recorded, .*: 0 of \d+ credentials are revoked/);
  const vct = 'urn:imi:credential:taxpayer:1';
  const resident = { id: '0'.repeat(32), subject: toHex(demoId('dilnur')) };
  const { credential } = must(await tax.issue(resident, { vct, claims: { taxpayer_number: '4401060000' }, status: 4321, days: 365 }));
  must(await tax.revoke(credential, resident.subject, vct, 'wrong'));
  const now = JSON.parse((await imi('revocations', '--json')).out) as { revoked: number[] };
  expect(now.revoked).toEqual([...before.revoked, 4321]);
  expect((await imi('status-list')).out).toMatch(/: 1 of \d+ credentials are revoked/);
  const list = await sendRaw(hub.gatewayUrl ?? '', { path: '/v1/status-lists/tax-bureau' });
  expect(list.status).toBe(200);
}, 60_000);
