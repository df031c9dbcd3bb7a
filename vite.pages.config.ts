import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { oneFile } from './vite.one-file.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The receipt page: one .html that is opened from a disk, offline. */
export default defineConfig({
  root: here('./src/pages/receipt'),
  base: './',
  publicDir: false,
  plugins: [oneFile()],
  build: {
    outDir: here('./dist/pages'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { input: here('./src/pages/receipt/receipt.html'), checks: { pluginTimings: false } },
  },
});
