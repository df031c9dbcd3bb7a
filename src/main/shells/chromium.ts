import path from 'node:path';
import { versionIn } from './product-version.ts';
import { runChromiumKiosk } from './chromium-kiosk.ts';
import { usage } from './kiosk-arguments.ts';

// Built to dist/kiosk, beside the device host and the screens.
const [, program = '', ...args] = process.argv;
const kioskDir = path.dirname(program);
if (args.includes('--help')) {
  process.stdout.write(`${usage}\n`);
} else {
  const kiosk = await runChromiumKiosk({ args, rendererDir: path.join(kioskDir, '../renderer'), hostPath: path.join(kioskDir, 'host.mjs'), version: versionIn(path.join(kioskDir, '../../package.json')) });
  if (!kiosk.ok) {
    process.exit(kiosk.failure.code === 'kiosk-config' ? 2 : 3);
  }
  const end = (): void => {
    void kiosk.value.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
}
