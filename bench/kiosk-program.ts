import path from 'node:path';
import { runChromiumKiosk } from '../src/main/shells/chromium-kiosk.ts';
import { doorFlags } from './page-door.ts';

/** The kiosk as src/main/shells/chromium.ts starts it, built in the same way, with a door for the measurement. Tells its parent each browser's profile folder. */
const kiosk = await runChromiumKiosk({
  args: process.argv.slice(2),
  rendererDir: path.join(import.meta.dirname, '../renderer'),
  hostPath: path.join(import.meta.dirname, 'host.mjs'),
  version: 'bench',
  extraFlags: doorFlags,
  onBrowser: ({ profileDir }) => process.send?.({ profileDir }),
});
if (!kiosk.ok) process.exit(1);
process.once('SIGTERM', () => {
  void kiosk.value.stop().then(() => process.exit(0));
});
