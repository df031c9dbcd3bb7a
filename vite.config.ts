import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import vue from '@vitejs/plugin-vue';
import { defineConfig, type Plugin } from 'vite';
import { firstDocuments } from './vite.first-documents.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What is built is the product, also when a test runner builds it: its templates too, which are compiled otherwise while developing. */
const asProduct: Plugin = {
  name: 'as-product',
  configResolved(config) {
    (config as { isProduction: boolean }).isProduction = true;
  },
};

/** The licence of the fonts goes wherever they go. */
const fontLicence: Plugin = {
  name: 'font-licence',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: 'assets/OFL.txt', source: readFileSync(here('./src/renderer/fonts/OFL.txt')) });
  },
};

/** The screens, built to a fixed set of files that both shells serve from memory under `kioskOrigin`. */
export default defineConfig({
  root: here('./src/renderer'),
  base: '/',
  publicDir: false,
  plugins: [asProduct, vue(), fontLicence, firstDocuments([asProduct, vue()])],
  define: {
    'process.env.NODE_ENV': '"production"',
    __VUE_OPTIONS_API__: 'false',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __VUE_I18N_FULL_INSTALL__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
  },
  build: {
    outDir: here('./dist/renderer'),
    emptyOutDir: true,
    target: 'chrome140',
    // The page's policy has no data: for fonts and no connect-src for a preload polyfill's fetch.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: {
      // Whoever starts a kiosk is not told how long each plugin took.
      checks: { pluginTimings: false },
      output: {
        entryFileNames: 'assets/[name].js',
        chunkFileNames: 'assets/[name].js',
        assetFileNames: 'assets/[name][extname]',
        // Asked for together with the entry, which stays small.
        codeSplitting: { groups: [{ name: 'words', test: /contract\/messages\// }] },
      },
    },
  },
});
