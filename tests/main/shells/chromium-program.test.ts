import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { distributionChromium } from '../../../src/main/distribution-chromium.ts';
import { fixtureDir } from './opened-screen.ts';
import { processArguments, processesBelow } from './processes.ts';

/** Built as it ships. */
let program: string;
let builtDir: string;
beforeAll(async () => {
  builtDir = mkdtempSync(path.join(os.tmpdir(), 'imi-kiosk-'));
  program = path.join(builtDir, 'chromium.mjs');
  await build({ configFile: path.resolve('vite.kiosk.config.ts'), logLevel: 'error', build: { outDir: builtDir } });
}, 60_000);
afterAll(() => {
  rmSync(builtDir, { recursive: true, force: true });
});

describe('the program of the Chromium shell', { timeout: 30_000 }, () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(path.join(os.tmpdir(), 'imi-shell-'));
  });
  afterEach(() => {
    rmSync(dataDir, { recursive: true, force: true });
  });

  const cases = [
    { name: 'without arguments', args: [], code: 'kiosk-config', status: 2 },
    { name: 'with an unknown argument', args: ['--no-sandbox'], code: 'kiosk-config', status: 2 },
    { name: 'with a file that is not there', args: ['--hub', '/nowhere.json', '--kiosk', 'hall-1', '--data', '.'], code: 'kiosk-config', status: 2 },
    { name: 'for a kiosk that the file does not have', args: ['--hub', 'hubs/demo.json', '--kiosk', 'hall-9', '--data', '.'], code: 'kiosk-config', status: 2 },
    { name: 'without a browser', args: ['--hub', 'hubs/demo.json', '--kiosk', 'hall-1', '--data', '.', '--chromium', '/nowhere'], code: 'browser-missing', status: 3 },
    { name: 'without the screens', args: ['--hub', 'hubs/demo.json', '--kiosk', 'hall-1', '--data', '.', '--headless', '--renderer', '/nowhere'], code: 'kiosk-config', status: 2 },
  ];
  it.each(cases)('says why it cannot start, $name', ({ args, code, status }) => {
    const run = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
    expect({ code: (JSON.parse(run.stderr) as { code: string }).code, status: run.status }).toEqual({ code, status });
  });

  it('says how it is called, and has the device host beside it', () => {
    expect(readdirSync(builtDir)).toContain('host.mjs');
    const run = spawnSync(process.execPath, [program, '--help'], { encoding: 'utf8' });
    expect(run.stdout).toContain('imi kiosk --data DIR [--hub FILE --kiosk ID]');
  });

  it.skipIf(!existsSync(distributionChromium))("leaves neither process nor profile where the hub's file turns out to be wrong", async () => {
    const hub = path.join(dataDir, 'hub.json');
    writeFileSync(hub, JSON.stringify({ kiosks: { 'hall-1': { screen: { widthPx: 1080, heightPx: 1920 } } } }));
    const kiosk = spawn(process.execPath, [program, '--hub', hub, '--kiosk', 'hall-1', '--data', dataDir, '--headless', '--renderer', fixtureDir], { stdio: ['ignore', 'ignore', 'pipe'] });
    const said = once(createInterface({ input: kiosk.stderr }), 'line');
    const exited = once(kiosk, 'exit');
    const [line] = (await said) as [string];
    expect((JSON.parse(line) as { code: string }).code).toBe('kiosk-config');
    expect(await exited).toEqual([2, null]);
    expect(processesBelow(process.pid).filter((pid) => processArguments(pid).includes(`imi-screen-${kiosk.pid ?? 0}-`))).toEqual([]);
    expect(readdirSync(os.tmpdir()).filter((name) => name.startsWith(`imi-screen-${kiosk.pid ?? 0}-`))).toEqual([]);
  });
});
