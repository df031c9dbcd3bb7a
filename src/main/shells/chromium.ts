import path from 'node:path';
import { runChromiumKiosk } from './chromium-kiosk.ts';
import { usage } from './kiosk-arguments.ts';

const [, program = '', ...args] = process.argv;
if (args.includes('--help')) {
  process.stdout.write(`${usage}\n`);
} else {
  const kiosk = await runChromiumKiosk({ args, rootDir: path.resolve(path.dirname(program), '../../..') });
  if (!kiosk.ok) {
    process.exit(kiosk.failure.code === 'kiosk-config' ? 2 : 3);
  }
  const end = (): void => {
    void kiosk.value.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
}
