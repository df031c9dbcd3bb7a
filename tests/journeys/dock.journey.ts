import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import { fang } from '../fixtures/fang.ts';
import { startDistributionBrowser } from '../fixtures/distribution-browser.ts';
import { BlankCards } from '../../tools/dock/blank-cards.ts';
import { Dock } from '../../tools/dock/dock.ts';
import { serveDock } from '../../tools/dock/dock-server.ts';
import { plugDevices, type PluggedDevices } from '../../tools/dock/plugged-devices.ts';
import { newAsk } from '../../tools/dock/scan-codes.ts';
import { whyNoHidBus } from '../../tools/virtual-devices/hid-bus.ts';
import type { HallPlan } from './hall.ts';
import { test as inHall } from './journey.ts';
import { answers, begin, leave, pin } from './steps.ts';

const missing = whyNoHidBus();
inHall.skip(missing !== null, `the dock has no scanner: ${missing ?? ''}`);
const source = join(import.meta.dirname, '../../src');
const album = process.env['DOCK_ALBUM'];

/** What a visitor does with the mouse on the dock's page. */
class Visitor {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async #open(part: 'cards' | 'documents' | 'codes' | 'paper'): Promise<void> {
    await this.page.locator(`#tab-${part}`).click();
    await this.page.locator(`#part-${part}`).waitFor();
  }

  /** Into its reader, or out of it. */
  async touchCard(label: string): Promise<void> {
    await this.#open('cards');
    await this.page.locator(`[data-card="${label}"]`).click();
  }

  async touchDocument(id: string): Promise<void> {
    await this.#open('documents');
    await this.page.locator(`[data-document="${id}"]`).click();
  }

  /** Holds a listed code under the scanner, by the beginning of its id. */
  async scan(code: string): Promise<void> {
    await this.#open('codes');
    await this.page.locator(`[data-code^="${code}"]`).first().click();
  }

  async scanTyped(text: string): Promise<void> {
    await this.#open('codes');
    await this.page.locator('#typed-text').fill(text);
    await this.page.locator('#typed button').click();
  }

  async letAsk(): Promise<void> {
    await this.#open('codes');
    await this.page.locator('#ask').click();
    await this.page.locator('[data-code^="ask/"]').waitFor();
  }

  async setPrinter(trouble: string): Promise<void> {
    await this.#open('paper');
    await this.page.locator(`#paper-choices input[value="${trouble}"]`).check();
  }

  async seesSlip(number: number): Promise<void> {
    await this.#open('paper');
    const slip = this.page.locator(`#slip[src="slip/${number}.png"]`);
    await slip.waitFor();
    expect(await slip.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth)).toBe(576);
  }

  async picture(name: string): Promise<void> {
    if (album !== undefined) await this.page.screenshot({ path: join(album, `${name}.png`), fullPage: true });
  }
}

interface DockPlan extends HallPlan {
  plugged: PluggedDevices;
}

/** A kiosk, and the dock's page beside it: nobody else has a hand on cards or devices. */
const test = inHall.extend<{ visitor: Visitor; plan: HallPlan }>({
  plan: async ({}, use) => {
    const dir = mkdtempSync(join(tmpdir(), 'imi-dock-'));
    const plugged = await plugDevices({ dir, kiosk: { program: join(source, 'main/shells/chromium.ts'), host: join(source, 'drivers/host.ts') }, hid: true });
    const plan: DockPlan = { devices: plugged.plugged.devices, hostPath: plugged.plugged.kiosk?.host, plugged };
    await use(plan);
    await plugged.stop();
    rmSync(dir, { recursive: true });
  },
  visitor: async ({ hall, plan }, use) => {
    const { plugged } = plan as DockPlan;
    const { cards, dataDir } = hall.world;
    const pensionOffice = join(dataDir, 'agencies/pension-office');
    const config = join(pensionOffice, 'agency-here.json');
    writeFileSync(config, JSON.stringify({ ...(JSON.parse(readFileSync(join(pensionOffice, 'agency.json'), 'utf8')) as object), gateway: hall.gatewayUrl }));
    const dock = new Dock({
      hand: hall.hand,
      cardFiles: Object.values(cards),
      blanks: new BlankCards(join(dataDir, 'cards')),
      devices: { devices: plugged, newAsk: () => newAsk(config) },
    });
    const server = await serveDock(dock);
    const browser = await startDistributionBrowser();
    const page = await browser.browser.newPage({ viewport: { width: 400, height: 900 } });
    await page.goto(`${server.url}?language=${process.env['DOCK_LANGUAGE'] ?? 'en'}`);
    await page.locator('[data-card="blank-1"]').waitFor();
    await use(new Visitor(page));
    await browser.close();
    await server.close();
  },
});

test('with the dock alone Fang is registered, makes her first request, and has its receipt on paper', async ({ kiosk, visitor }) => {
  await kiosk.sees('attract');
  await visitor.touchCard('staff-liang');
  await kiosk.sees('staff-pin');
  await kiosk.chooseLanguage('en');
  await kiosk.enterPin(pin);
  await visitor.picture('1-cards');
  await kiosk.openDesk('register');
  for (const [id, code] of [['expired', 'document-expired'], ['wrong-digit', 'document-number']] as const) {
    await kiosk.sees('desk-document');
    await visitor.touchDocument(id);
    await kiosk.sees('failure', code);
    await visitor.touchDocument(id);
    await kiosk.retry();
  }
  await kiosk.sees('desk-document');
  await visitor.touchDocument('fang');
  await kiosk.sees('desk-check');
  await kiosk.reads(fang.name);
  await visitor.picture('2-identity');
  await kiosk.goOn();
  await kiosk.enterPin(pin);
  await kiosk.sees('desk-card', 'wanted');
  await visitor.touchCard('blank-1');
  await kiosk.sees('desk-turn', 'resident');
  await kiosk.goOn();
  await kiosk.choosePin('480213');
  await kiosk.sees('desk-slip');
  await visitor.setPrinter('cover-open');
  await kiosk.offersToPrint('unusable', 'printer-cover-open');
  await visitor.setPrinter('none');
  await kiosk.offersToPrint('ready');
  await kiosk.print();
  await kiosk.offersToPrint('printed');
  await visitor.seesSlip(1);
  await visitor.picture('3-paper');
  await kiosk.goOn();
  await kiosk.enterPin('480213');
  await kiosk.sees('desk-turn', 'staff');
  await kiosk.goOn();
  await kiosk.enterPin(pin);
  await kiosk.sees('desk-done', 'good');
  await visitor.touchCard('blank-1');
  await kiosk.goOn();
  await kiosk.sees('staff-home');
  await visitor.touchCard('staff-liang');
  await kiosk.sees('attract');

  // It is hers now, with the PIN that she chose; and there is another in the box.
  await expect(visitor.page.locator('[data-card="blank-1"]')).toContainText('480213');
  await visitor.page.locator('[data-card="blank-2"]').waitFor();
  await begin(kiosk);
  await visitor.touchCard('blank-1');
  await kiosk.enterPin('480213');
  await kiosk.sees('home');
  await kiosk.reads(fang.name);
  await kiosk.openService('telecom/number-registration');
  await kiosk.allow();
  await kiosk.answerAll({ ...answers, phone_number: '13826400912', number_use: 'own', emergency_phone: '13800138001', bill_delivery: 'sms' });
  await kiosk.confirm();
  await kiosk.sees('sign');
  await kiosk.enterPin('480213');
  await kiosk.sees('receipt', 'recorded');
  await kiosk.offersToPrint('ready');
  await kiosk.print();
  await kiosk.offersToPrint('printed');
  await visitor.seesSlip(2);
  await visitor.page.locator('#tab-codes').click();
  await expect(visitor.page.locator('[data-code^="slip/"]').first()).toContainText(/Receipt|回执/, { timeout: 40_000 });
  await visitor.picture('4-codes');
  await kiosk.end();
  await kiosk.sees('take-card');
  await visitor.touchCard('blank-1');
  await kiosk.sees('goodbye');
});

test('a bill, an agency’s request and the code of a matter handed off are held under the dock’s scanner, and a PIV card signs in at the desk', async ({ kiosk, visitor }) => {
  await begin(kiosk);
  await visitor.touchCard('lin');
  await kiosk.enterPin(pin);
  await kiosk.sees('home');
  await visitor.letAsk();
  await visitor.scan('ask/');
  await kiosk.sees('ask');
  await kiosk.reads('to see that you still live in the district');
  await kiosk.agreeToAsk();
  await kiosk.sees('ask-done', 'answered');
  await kiosk.home();
  await visitor.scan('bill/utility/water');
  await kiosk.sees('consent');
  const code = await kiosk.handOff();
  await leave(kiosk);
  await kiosk.nextPerson();

  await begin(kiosk);
  await visitor.touchCard('lin');
  await kiosk.enterPin(pin);
  await kiosk.sees('home');
  await visitor.scanTyped(code);
  await kiosk.sees('consent');
  await leave(kiosk);
  await kiosk.nextPerson();

  await visitor.touchCard('staff-ye');
  await kiosk.sees('staff-pin');
  await kiosk.enterPin(pin);
  await kiosk.sees('staff-home');
});
