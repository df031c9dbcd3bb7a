import { join } from 'node:path';
import { runChromiumKiosk, report } from '../../src/main/shells/chromium-kiosk.ts';

/**
 * The kiosk as it ships, but for one thing: its browser also has a debugging port on loopback, for the hand that touches the screen. Run by
 * `fork`; tells its parent the profile folder of each browser, where the port stands in `DevToolsActivePort`.
 */
const kiosk = await runChromiumKiosk({
  args: process.argv.slice(2),
  rootDir: join(import.meta.dirname, '../..'),
  extraFlags: ['--remote-debugging-port=0', '--remote-debugging-address=127.0.0.1'],
  onBrowser: ({ profileDir }) => process.send?.({ profileDir }),
});
if (kiosk.ok) {
  process.once('SIGTERM', () => {
    void kiosk.value.stop().then(() => process.exit(0));
  });
} else {
  report(kiosk.failure);
  process.exit(1);
}
