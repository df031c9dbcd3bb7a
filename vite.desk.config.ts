import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { oneFile } from './vite.one-file.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The agency's desk: one .html that `imi agency desk` serves, and that asks nobody but whoever served it. */
export default defineConfig({
  root: here('./src/pages/agency'),
  base: './',
  publicDir: false,
  plugins: [oneFile("; connect-src 'self'")],
  build: {
    outDir: here('./dist/desk'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { input: here('./src/pages/agency/agency.html'), checks: { pluginTimings: false } },
  },
});
