import { defineConfig } from 'vite';

/** Electron's main and the device host, each one .cjs file beside its native modules. */
export default defineConfig({
  build: {
    target: 'node24',
    minify: false,
    sourcemap: false,
    rollupOptions: {
      external: ['smartcard', 'pcsclite', 'node-hid'],
      output: { codeSplitting: false },
    },
  },
});
