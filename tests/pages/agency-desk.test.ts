import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Page } from '@playwright/test';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDesk, type Desk } from '../../src/cli/agency-desk.ts';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { connectHub, type HubClient } from '../../src/ledger/client/hub-client.ts';
import { requestsByDay, timeToDecision } from '../../src/pages/agency/figures.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { startDistributionBrowser } from '../fixtures/distribution-browser.ts';
import { agencyOf } from '../gateway/gateway-in-test.ts';
import { cardInMemory } from '../hub/card-in-memory.ts';
import { must, Visitor } from '../hub/visitor.ts';
import { axeFindings } from '../renderer/gallery/axe.ts';

describe('figures', () => {
  const hour = 3600;
  const request = (id: string, at: number, step: 'submitted' | 'decided') => ({ id, at, step, service: 'tax/x', title: { en: 'X', 'zh-Hans': 'X' }, purpose: null });
  it('count requests by the district’s day and by step', () => {
    // 2027-01-15T15:59:59Z is the 15th in the district, a second later the 16th.
    const at = Date.parse('2027-01-15T15:59:59Z') / 1000;
    expect(requestsByDay({ requests: [request('a', at, 'submitted'), request('b', at + 1, 'decided'), request('c', at + 2, 'decided')] })).toEqual([
      { day: '2027-01-15', counts: [1, 0, 0, 0, 0, 0] },
      { day: '2027-01-16', counts: [0, 0, 0, 2, 0, 0] },
    ]);
  });

  it('put each decision into its column, at the bounds as well', () => {
    const requests = ['a', 'b', 'c', 'd'].map((id) => request(id, 0, 'decided'));
    const steps = [hour, hour + 1, 168 * hour, 168 * hour + 1].map((at, i) => ({ id: requests[i]?.id ?? '', step: 'decided' as const, at }));
    expect(timeToDecision({ requests, steps })).toEqual({ counts: [1, 1, 0, 1, 1], medianHours: (hour + 1) / hour });
    expect(timeToDecision({ requests, steps: [] })).toEqual({ counts: [0, 0, 0, 0, 0], medianHours: null });
  });
});

describe('the desk', () => {
  let dataDir: string;
  let world: World;
  let hub: Hub;
  let client: HubClient;
  let desk: Desk;
  let started: Awaited<ReturnType<typeof startDistributionBrowser>>;
  let page: Page;
  const complaints: string[] = [];
  const shots = process.env['IMI_SCREENSHOTS'];

  beforeAll(async () => {
    await build({ configFile: resolve('vite.desk.config.ts'), logLevel: 'error' });
    dataDir = mkdtempSync(join(tmpdir(), 'imi-desk-'));
    world = await seedWorld(dataDir);
    hub = must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
    client = connectHub({ socketPath: hub.socketPath });
    const officer = cardInMemory(world.cards['officer-mai'] ?? '').sig;
    desk = must(await openDesk({ agency: agencyOf(hub.gatewayUrl ?? '', 'tax-bureau', world), officer: 'card', withOfficer: (work) => work(officer), port: 0, now: Date.now }));
    // All of one person: the newest stand first, and which are of one second is chance.
    for (let made = 0; made < 3; made++) await request('lin');
    started = await startDistributionBrowser();
    const context = await started.browser.newContext({ locale: 'en-GB', viewport: { width: 1440, height: 1000 } });
    page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => complaints.push(message.text()));
    await page.goto(desk.url);
  }, 60_000);
  afterAll(async () => {
    await started.close();
    await desk.close();
    client.close();
    await hub.close();
    rmSync(dataDir, { recursive: true });
  });

  async function request(person: string): Promise<void> {
    const visitor = new Visitor(world, person, (method, params) => client.call(method, params));
    const { id, submission } = await visitor.request(await visitor.signIn(), 'tax/property-tax-certificate', { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' });
    must(await client.call('transaction.submit', submission));
    must(await client.call('transaction.receipt', { transaction: id, waitMs: 5000 }));
  }
  const shot = async (name: string): Promise<void> => void (shots !== undefined && (await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true })));

  it('shows the queue without a fact in it', async () => {
    await page.locator('.row').nth(2).waitFor();
    expect(await page.locator('.row').count()).toBe(3);
    expect(await page.content()).not.toContain('林悦');
    expect(await axeFindings(page)).toEqual([]);
    await shot('desk-queue-en');
  });

  it('is worked with the keyboard: opens a request, looks at its facts, decides with a letter', async () => {
    await page.locator('.row').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByText('13812345678').waitFor();
    await page.locator('#look').focus();
    await page.keyboard.press('Enter');
    await page.getByText('林悦').waitFor();
    expect(await page.locator('#facts:focus').count()).toBe(1);
    expect(await axeFindings(page)).toEqual([]);
    await shot('desk-facts-en');
    await page.locator('#next-receive:enabled').press('Enter');
    await page.locator('#letter-title').fill('Your certificate');
    await page.locator('#letter-text').fill('It is ready.');
    await page.locator('#next-approve:enabled').press('Enter');
    await page.locator('#next-finish').waitFor();
    expect(await page.locator('#said').innerText()).toBe('Recorded on the ledger.');
  });

  it('counts what the gateway refused, and says why', async () => {
    // One read was granted: a second look is refused.
    await page.locator('#close').click();
    await page.locator('.chosen').waitFor({ state: 'detached' });
    expect(await page.content()).not.toContain('林悦');
    await page.locator('.row').nth(2).click();
    await page.locator('#look').click();
    await page.getByText('reads-spent: ').waitFor();
    expect(await page.locator('#said').innerText()).toContain('The permission has been used as often as it allows.');
  });

  it('draws figures that agree with the table beside each, and with the ledger', async () => {
    const requests = must(await agencyOf(hub.gatewayUrl ?? '', 'tax-bureau', world).requests());
    const totals = await page.locator('.figures-table').first().locator('tbody td:last-child').allInnerTexts();
    expect(totals.reduce((sum, text) => sum + Number(text), 0)).toBe(requests.length);
    const counts = await page.locator('.chart').first().locator('.count').allTextContents();
    expect(counts).toEqual(totals);
    const decided = await page.locator('.figures-table').nth(1).locator('tbody td').allInnerTexts();
    expect(decided).toEqual(await page.locator('.chart').nth(1).locator('.count').allTextContents());
    expect(decided.map(Number)).toEqual([1, 0, 0, 0, 0]);
  });

  it('draws no older answer over a newer one', async () => {
    const { promise: isReleased, resolve: release } = Promise.withResolvers<undefined>();
    const { promise: isAsked, resolve: ask } = Promise.withResolvers<undefined>();
    const { promise: isAnswered, resolve: answer } = Promise.withResolvers<undefined>();
    // The next one that the page asks for by itself.
    await page.route(
      `${desk.url}state`,
      async (route) => {
        const response = await route.fetch();
        ask(undefined);
        await isReleased;
        await route.fulfill({ response });
        answer(undefined);
      },
      { times: 1 },
    );
    await isAsked;
    await page.locator('#next-finish:enabled').press('Enter');
    await page.locator('.chosen .step-closed').waitFor();
    release(undefined);
    await isAnswered;
    // Whatever it would draw is drawn before another answer is here.
    await page.evaluate(async () => (await fetch('state')).text());
    expect(await page.locator('.chosen .step').innerText()).toBe('Closed');
  });

  it('speaks Chinese as well', async () => {
    await page.locator('#language').click();
    await page.getByRole('heading', { name: '统计' }).waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await shot('desk-zh');
  });

  it('answers nobody who does not know its address, and no other origin', async () => {
    const { origin, pathname } = new URL(desk.url);
    const statuses = await Promise.all([
      fetch(`${origin}/state`),
      fetch(`${origin}/other${pathname.slice(6)}state`),
      fetch(`${desk.url}state`, { headers: { origin: 'https://example.org' } }),
      fetch(`${desk.url}read`, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' }),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    expect(complaints.filter((line) => !line.startsWith('Failed to load resource'))).toEqual([]);
  });
});
