import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostMessage } from '../../src/contract/device-host.ts';
import { runChromiumKiosk, report } from '../../src/main/shells/chromium-kiosk.ts';
import type { KioskNews } from './kiosk-news.ts';

const tell = (news: KioskNews): void => {
  process.send?.(news);
};

// Of the kiosk's children only the device host speaks over IPC. The time is taken first, and told once the kiosk has done with the message.
subscribe('child_process', (message) => {
  (message as { process: ChildProcess }).process.on('message', (heard) => {
    const at = performance.timeOrigin + performance.now();
    const { status } = heard as Extract<HostMessage, { status: unknown }> | { status?: undefined };
    if (status !== undefined) setImmediate(() => tell({ news: 'readers', at, readers: status.readers }));
  });
});

/**
 * The kiosk as it ships, but for its device host, where KIOSK_HOST names another program that runs it, and for one thing: its browser also has a debugging port on loopback, for the hand that touches the screen. Run by
 * `fork`; tells its parent the profile folder of each browser, where the port stands in `DevToolsActivePort`, and what its main hears of the readers.
 */
const kiosk = await runChromiumKiosk({
  args: process.argv.slice(2),
  rendererDir: join(import.meta.dirname, '../../dist/renderer'),
  version: (JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }).version,
  hostPath: process.env['KIOSK_HOST'] ?? join(import.meta.dirname, '../../src/drivers/host.ts'),
  extraFlags: ['--remote-debugging-port=0', '--remote-debugging-address=127.0.0.1'],
  onBrowser: ({ profileDir }) => tell({ news: 'browser', profileDir }),
});
if (kiosk.ok) {
  process.once('SIGTERM', () => {
    void kiosk.value.stop().then(() => process.exit(0));
  });
} else {
  report(kiosk.failure);
  process.exit(1);
}
