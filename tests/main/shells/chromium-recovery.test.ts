import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readAssets } from '../../../src/main/shells/assets.ts';
import { distributionChromium } from '../../../src/main/distribution-chromium.ts';
import { openChromiumScreen } from '../../../src/main/shells/chromium-screen.ts';
import { fixtureDir, headlessLaunch, OpenedScreen } from './opened-screen.ts';
import { processArguments, processesBelow } from './processes.ts';

describe.skipIf(!existsSync(distributionChromium))('a screen that is lost', { timeout: 40_000 }, () => {
  let opened: OpenedScreen | null = null;
  afterEach(async () => {
    await opened?.screen.close();
    opened = null;
  });

  const losses: { name: string; loss: string; cause: (on: OpenedScreen) => void }[] = [
    {
      name: 'renderer killed',
      loss: 'crashed',
      cause: (on) => {
        for (const pid of processesBelow(on.browser.pid)) if (processArguments(pid).includes('--type=renderer')) process.kill(pid, 'SIGKILL');
      },
    },
    { name: 'browser killed', loss: 'browser-exited', cause: (on) => process.kill(on.browser.pid, 'SIGKILL') },
    { name: 'renderer in an endless loop', loss: 'hung', cause: (on) => void on.show('hang') },
    { name: 'page gone to about:blank', loss: 'wandered', cause: (on) => void on.show('blank') },
  ];
  it.each(losses)('comes back without what it showed: $name', async ({ loss, cause }) => {
    opened = await OpenedScreen.open();
    await opened.paints();
    const first = opened.browser;
    const lost = opened.losses.next();
    cause(opened);
    expect(await lost).toBe(loss);
    await opened.paints();
    expect(opened.painted.all.at(-1)).toBeGreaterThan(1);
    expect(opened.browser.pid).not.toBe(first.pid);
    expect(existsSync(first.profileDir)).toBe(false);
    expect(opened.losses.all).toEqual([loss]);
  });

  it('leaves nothing in the page after a wipe, and shows the latest snapshot again', async () => {
    opened = await OpenedScreen.open();
    await opened.try('store');
    expect(await opened.try('stored')).toContain('behind');
    const seq = opened.show();
    await opened.painted.next((painted) => painted === seq);
    opened.screen.wipe();
    await opened.painted.next((painted) => painted === seq);
    expect(await opened.try('stored')).toBe('null ');
    expect(opened.losses.all).toEqual([]);
  });

  it('removes the profile of a kiosk that was killed', async () => {
    // No process has this number: Linux counts to 2^22 at most.
    const left = mkdtempSync(path.join(os.tmpdir(), `imi-screen-${2 ** 22 + 1}-`));
    opened = await OpenedScreen.open();
    await expect.poll(() => existsSync(left)).toBe(false);
    expect(existsSync(opened.browser.profileDir)).toBe(true);
  });

  it('removes its profile and its processes when it is closed', async () => {
    opened = await OpenedScreen.open();
    const { pid, profileDir } = opened.browser;
    await opened.screen.close();
    expect(existsSync(profileDir)).toBe(false);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});

describe.skipIf(!existsSync(distributionChromium))('a screen that cannot be had', { timeout: 30_000 }, () => {
  it('says that the browser is missing', async () => {
    const assets = await readAssets(fixtureDir);
    if (!assets.ok) throw new Error('fixture');
    const opened = await openChromiumScreen({ launch: headlessLaunch({ binary: '/nowhere/chromium' }), assets: assets.value });
    expect(opened).toEqual({ ok: false, failure: { code: 'browser-missing', detail: '/nowhere/chromium' } });
  });

  it('says that the sandbox is missing, and does not go on without it', async () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'imi-unsandboxed-'));
    chmodSync(dir, 0o755);
    const binary = path.join(dir, 'chromium');
    writeFileSync(binary, `#!/bin/sh\nexec ${distributionChromium} --no-sandbox "$@"\n`, { mode: 0o755 });
    const assets = await readAssets(fixtureDir);
    if (!assets.ok) throw new Error('fixture');
    const opened = await openChromiumScreen({ launch: headlessLaunch({ binary }), assets: assets.value });
    rmSync(dir, { recursive: true });
    expect(opened).toMatchObject({ ok: false, failure: { code: 'browser-sandbox' } });
  });

  it.each([
    { name: 'its last words', says: 'echo "a first line" >&2; echo "Missing X server or $DISPLAY" >&2;', detail: 'start: Missing X server or' },
    { name: 'that it said nothing', says: '', detail: 'start' },
  ])('says of a browser that ends at once $name', async ({ says, detail }) => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'imi-ending-'));
    chmodSync(dir, 0o755);
    const binary = path.join(dir, 'chromium');
    writeFileSync(binary, `#!/bin/sh\nunset DISPLAY\n${says}\nexit 1\n`, { mode: 0o755 });
    const assets = await readAssets(fixtureDir);
    if (!assets.ok) throw new Error('fixture');
    const opened = await openChromiumScreen({ launch: headlessLaunch({ binary }), assets: assets.value });
    rmSync(dir, { recursive: true });
    expect(opened).toEqual({ ok: false, failure: { code: 'screen-lost', detail } });
  });

  it('says that the renderer is not built', async () => {
    expect(await readAssets('/nowhere')).toMatchObject({ ok: false, failure: { code: 'kiosk-config' } });
  });
});
