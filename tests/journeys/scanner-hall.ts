import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHidBus, whyNoHidBus, type HidPlug } from '../../tools/virtual-devices/hid-bus.ts';
import { virtualScanner } from '../../tools/virtual-devices/hid-devices.ts';
import { writePreloadedHost } from '../../tools/virtual-devices/preloaded-host.ts';
import type { HallPlan } from './hall.ts';
import { test as inHall } from './journey.ts';

/** Why no scanner can be shown; null: it can. */
export const whyNoScanner = whyNoHidBus();

/** A kiosk with a scanner, through node-hid and hidraw. */
export const test = inHall.extend<{ scanner: HidPlug; plan: HallPlan }>({
  scanner: async ({ plan }, use) => use((plan as HallPlan & { scanner: HidPlug }).scanner),
  plan: async ({}, use) => {
    const dir = mkdtempSync(join(tmpdir(), 'imi-s-'));
    const bus = await startHidBus();
    const scanner = await bus.plug(virtualScanner);
    const hostPath = writePreloadedHost(dir, { hostPath: join(import.meta.dirname, '../../src/drivers/host.ts'), env: bus.env });
    const { vendor, product } = virtualScanner;
    await use({ hostPath, devices: { scanner: { vendor, product } }, scanner } as HallPlan);
    await bus.stop();
    rmSync(dir, { recursive: true });
  },
});
