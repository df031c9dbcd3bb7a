import { defineConfig } from 'vite';

/** One .cjs file: a sandboxed preload cannot be a module and may require nothing but electron. */
export default defineConfig({
  build: {
    target: 'chrome140',
    minify: false,
    sourcemap: false,
  },
});
