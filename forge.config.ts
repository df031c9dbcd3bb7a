import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MakerDeb } from '@electron-forge/maker-deb';
import { MakerZIP } from '@electron-forge/maker-zip';
import { FusesPlugin } from '@electron-forge/plugin-fuses';
import { VitePlugin } from '@electron-forge/plugin-vite';
import type { ForgeConfig } from '@electron-forge/shared-types';
import { FuseV1Options, FuseVersion } from '@electron/fuses';
import { build } from 'vite';
import { electronZip } from './tools/packaging/electron-zip.ts';
import { isPacked } from './tools/packaging/packed-files.ts';

const root = process.cwd();
const readJson = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));
const { version } = readJson('node_modules/electron/package.json') as { version: string };

const electron = electronZip({
  version,
  arch: process.arch,
  dir: process.env['ELECTRON_ZIPS'] ?? join(root, '.runtime/electron'),
  standInDir: join(root, 'out/electron-stand-in'),
  checksums: readJson('node_modules/electron/checksums.json') as Record<string, string>,
});
if (electron.isStandIn) {
  process.stderr.write(`No Electron ${version} in ELECTRON_ZIPS or .runtime/electron: a stand-in takes its place. The package shows the configuration and does not run.\n`);
}

const config: ForgeConfig = {
  outDir: process.env['FORGE_OUT_DIR'] ?? join(root, 'out'),
  packagerConfig: {
    name: 'imi-kiosk',
    executableName: 'imi-kiosk',
    appCopyright: 'Apache-2.0',
    electronZipDir: electron.dir,
    asar: { unpack: '**/*.node' },
    // The Vite plugin's own choice drops native modules without a word.
    ignore: (file) => !isPacked(file),
    // What is packed is named one by one; there is nothing left to prune.
    prune: false,
  },
  // `smartcard` and `node-hid` are Node-API: the same file serves Node and Electron.
  rebuildConfig: { onlyModules: [] },
  makers: [
    new MakerZIP({}, ['linux']),
    new MakerDeb({
      options: {
        name: 'imi-kiosk',
        productName: 'Service kiosk',
        genericName: 'Service kiosk',
        categories: ['Office'],
        section: 'misc',
        maintainer: 'Service kiosk maintainers <kiosk@imi.internal>',
        depends: ['pcscd', 'libpcsclite1', 'libusb-1.0-0', 'libudev1', 'libgtk-3-0', 'libnss3', 'libasound2', 'libgbm1', 'libdrm2', 'libxss1', 'libxtst6', 'libatspi2.0-0'],
        recommends: [],
        suggests: [],
      },
    }),
  ],
  hooks: {
    generateAssets: async () => {
      // Not dist/renderer, from which a kiosk on this machine may just be reading.
      await build({ configFile: join(root, 'vite.config.ts'), logLevel: 'error', build: { outDir: join(root, 'dist/package/renderer'), emptyOutDir: true } });
    },
  },
  plugins: [
    new VitePlugin({
      build: [
        { entry: { main: 'src/main/shells/electron.ts' }, config: 'vite.main.config.ts', target: 'main' },
        { entry: { host: 'src/drivers/host.ts' }, config: 'vite.main.config.ts', target: 'main' },
        { entry: 'src/main/shells/electron-preload.ts', config: 'vite.preload.config.ts', target: 'preload' },
      ],
      // The renderer is built once, by `generateAssets`, and served from memory by both shells.
      renderer: [],
    }),
    new FusesPlugin({
      version: FuseVersion.V1,
      strictlyRequireAllFuses: true,
      [FuseV1Options.RunAsNode]: false,
      [FuseV1Options.EnableCookieEncryption]: true,
      [FuseV1Options.EnableNodeOptionsEnvironmentVariable]: false,
      [FuseV1Options.EnableNodeCliInspectArguments]: false,
      // No effect on Linux; right on the systems that check it.
      [FuseV1Options.EnableEmbeddedAsarIntegrityValidation]: true,
      [FuseV1Options.OnlyLoadAppFromAsar]: true,
      [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
      [FuseV1Options.GrantFileProtocolExtraPrivileges]: false,
      [FuseV1Options.WasmTrapHandlers]: true,
    }),
  ],
};

export default config;
