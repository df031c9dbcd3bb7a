import path from 'node:path';
import { kioskUsage } from '../kiosk-usage.ts';
import { runChromiumKiosk } from './chromium-kiosk.ts';

/** Put in where this is built (vite.kiosk.config.ts). */
declare const imiVersion: string;

// Built to dist/kiosk, beside the device host and the screens.
const [, program = '', ...args] = process.argv;
const kioskDir = path.dirname(program);
if (args.includes('--help')) {
  process.stdout.write(`${kioskUsage}\n`);
} else {
  const kiosk = await runChromiumKiosk({ args, rendererDir: path.join(kioskDir, '../renderer'), hostPath: path.join(kioskDir, 'host.mjs'), version: imiVersion });
  if (!kiosk.ok) {
    process.exit(kiosk.failure.code === 'kiosk-config' ? 2 : 3);
  }
  const end = (): void => {
    void kiosk.value.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
}
