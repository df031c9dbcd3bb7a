import { execFileSync, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { electronZip } from '../../tools/packaging/electron-zip.ts';
import { isPacked } from '../../tools/packaging/packed-files.ts';

interface AsarFolder {
  files: Record<string, AsarFolder | { size: number; unpacked?: boolean }>;
}

/** Paths of an asar archive's files; those that lie beside it end in `*`. Its header is a Chromium pickle: JSON from byte 16, its length at 12. */
function asarFiles(file: string): string[] {
  const bytes = readFileSync(file);
  const header = JSON.parse(bytes.subarray(16, 16 + bytes.readUInt32LE(12)).toString('utf8')) as AsarFolder;
  const list = (folder: AsarFolder, prefix: string): string[] =>
    Object.entries(folder.files).flatMap(([name, entry]) => ('files' in entry ? list(entry, `${prefix}${name}/`) : [`${prefix}${name}${entry.unpacked === true ? '*' : ''}`]));
  return list(header, '');
}

describe('the package', { timeout: 120_000 }, () => {
  const outDir = mkdtempSync(path.join(os.tmpdir(), 'imi-package-'));
  const app = path.join(outDir, `imi-kiosk-linux-${process.arch}`);
  let files: string[];

  beforeAll(() => {
    const env = { ...process.env, FORGE_OUT_DIR: outDir, ELECTRON_ZIPS: path.join(outDir, 'none') };
    execFileSync(process.execPath, ['node_modules/@electron-forge/cli/dist/electron-forge.js', 'package'], { env, stdio: 'pipe' });
    files = asarFiles(path.join(app, 'resources/app.asar'));
  }, 120_000);
  afterAll(() => {
    rmSync(outDir, { recursive: true, force: true });
  });

  it('has every fuse set', async () => {
    const wire = await getCurrentFuseWire(path.join(app, 'imi-kiosk'));
    const isOn = (fuse: FuseV1Options): boolean => wire[fuse] === FuseState.ENABLE;
    expect({
      runAsNode: isOn(FuseV1Options.RunAsNode),
      cookieEncryption: isOn(FuseV1Options.EnableCookieEncryption),
      nodeOptions: isOn(FuseV1Options.EnableNodeOptionsEnvironmentVariable),
      nodeCliInspect: isOn(FuseV1Options.EnableNodeCliInspectArguments),
      asarIntegrity: isOn(FuseV1Options.EnableEmbeddedAsarIntegrityValidation),
      onlyLoadAppFromAsar: isOn(FuseV1Options.OnlyLoadAppFromAsar),
      browserSnapshot: isOn(FuseV1Options.LoadBrowserProcessSpecificV8Snapshot),
      fileProtocolPrivileges: isOn(FuseV1Options.GrantFileProtocolExtraPrivileges),
      wasmTrapHandlers: isOn(FuseV1Options.WasmTrapHandlers),
    }).toEqual({
      runAsNode: false,
      cookieEncryption: true,
      nodeOptions: false,
      nodeCliInspect: false,
      asarIntegrity: true,
      onlyLoadAppFromAsar: true,
      browserSnapshot: false,
      fileProtocolPrivileges: false,
      wasmTrapHandlers: true,
    });
  });

  it('holds main, preload, device host and screens, with the native modules beside the archive', () => {
    expect(files).toEqual(expect.arrayContaining(['package.json', '.vite/build/main.cjs', '.vite/build/electron-preload.cjs', '.vite/build/host.cjs', 'dist/package/renderer/index.html']));
    expect(files.filter((file) => file.endsWith('.node*')).toSorted()).toEqual([
      `node_modules/node-hid/prebuilds/HID_hidraw-linux-${process.arch}/node-napi-v4.node*`,
      'node_modules/smartcard/build/Release/smartcard_napi.node*',
    ]);
    expect(statSync(path.join(app, 'resources/app.asar.unpacked/node_modules/smartcard/build/Release/smartcard_napi.node')).size).toBeGreaterThan(0);
  });

  it('holds nothing else', () => {
    const known = /^(package\.json|LICENSE|\.vite\/build\/(main|electron-preload|host)\.cjs|dist\/package\/renderer\/.+|node_modules\/smartcard\/(package\.json|LICENSE|dist\/.+\.js|build\/Release\/smartcard_napi\.node\*)|node_modules\/node-hid\/(package\.json|LICENSE-bsd\.txt|nodehid\.js|binding-options\.js|prebuilds\/.+\.node\*)|node_modules\/pkg-prebuilds\/(package\.json|LICENSE|bindings\.js|lib\/prebuild\.js))$/;
    expect(files.filter((file) => !known.test(file))).toEqual([]);
  });

  it('has a preload that needs nothing but electron', () => {
    const source = readFileSync('.vite/build/electron-preload.cjs', 'utf8');
    expect([...source.matchAll(/require\(["'`]([^"'`]+)["'`]\)/g)].map(([, name]) => name)).toEqual(['electron']);
    expect(source).not.toContain('import.meta');
  });

  it('has a main that starts as far as its arguments', () => {
    const electron = path.join(outDir, 'no-electron.cjs');
    writeFileSync(
      electron,
      `const { _load } = require('node:module');
       const app = { isPackaged: true, enableSandbox() {}, commandLine: { appendSwitch() {} }, on() {}, requestSingleInstanceLock: () => true, exit: (code) => process.exit(code) };
       require('node:module')._load = (name, ...rest) => (name === 'electron' ? { app } : _load(name, ...rest));`,
    );
    const run = spawnSync(process.execPath, ['--require', electron, '.vite/build/main.cjs'], { encoding: 'utf8' });
    expect({ status: run.status, code: (JSON.parse(run.stderr) as { code: string }).code }).toEqual({ status: 2, code: 'kiosk-config' });
  });

  it('has a device host that answers', async () => {
    const host = fork('.vite/build/host.cjs', ['--binding=smartcard'], { serialization: 'advanced', execArgv: [], env: { PCSCLITE_CSOCK_NAME: '/nowhere' } });
    const answered = new Promise<unknown>((resolve) => {
      host.on('message', (message: object) => {
        if ('answer' in message) resolve(message.answer);
      });
    });
    host.send({ id: 7, command: 'ping' });
    expect(await answered).toBe(7);
    host.kill('SIGKILL');
    await once(host, 'exit');
  });
});

describe('isPacked', () => {
  it.each([
    { file: '', packed: true },
    { file: '/package.json', packed: true },
    { file: '/.vite', packed: true },
    { file: '/.vite/build/main.cjs', packed: true },
    { file: '/node_modules', packed: true },
    { file: '/node_modules/smartcard/build/Release/smartcard_napi.node', packed: true },
    { file: '/node_modules/smartcard/build/Release/obj.target', packed: false },
    { file: '/node_modules/smartcard/src/addon.cpp', packed: false },
    { file: '/node_modules/smartcard-other', packed: false },
    { file: `/node_modules/node-hid/prebuilds/HID_hidraw-linux-${process.arch}/node-napi-v4.node`, packed: true },
    { file: '/node_modules/node-hid/prebuilds/HID_hidraw-linux-x64-musl', packed: false },
    { file: `/node_modules/node-hid/prebuilds/HID-linux-${process.arch}`, packed: false },
    { file: '/node_modules/node-hid/node_modules', packed: false },
    { file: '/node_modules/pkg-prebuilds/bindings.js', packed: true },
    { file: '/node_modules/pkg-prebuilds/bin', packed: false },
    { file: '/node_modules/pcsclite', packed: false },
    { file: '/src', packed: false },
    { file: '/.runtime', packed: false },
    { file: '/hubs', packed: false },
  ])('$file: $packed', ({ file, packed }) => {
    expect(isPacked(file)).toBe(packed);
  });
});

it('refuses an Electron that is not the released one', () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'imi-zip-'));
  const name = 'electron-v1.2.3-linux-x64.zip';
  writeFileSync(path.join(dir, name), 'changed');
  expect(() => electronZip({ version: '1.2.3', arch: 'x64', dir, standInDir: dir, checksums: { [name]: '00' } })).toThrow('not the Electron that was released');
  rmSync(dir, { recursive: true });
});
