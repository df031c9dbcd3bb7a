/**
 * The dock: `main.ts --resident PORT --staff PORT [--position X,Y] [--size WxH] [--no-window] CARD...`. Lays the cards
 * out beside the kiosk and puts them into the virtual reader. Says `dock is ready on URL` and ends when its window is closed, or on SIGTERM.
 */
import { parseArgs } from 'node:util';
import { startVirtualCard } from '../virtual-card/hand.ts';
import { Dock } from './dock.ts';
import { serveDock } from './dock-server.ts';
import { openDockWindow } from './dock-window.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    resident: { type: 'string' },
    staff: { type: 'string' },
    position: { type: 'string', default: '0,0' },
    size: { type: 'string', default: '420x860' },
    'no-window': { type: 'boolean', default: false },
  },
});

const [x = 0, y = 0] = values.position.split(',').map(Number);
const [width = 420, height = 860] = values.size.split('x').map(Number);
const ports = { resident: Number(values.resident), staff: Number(values.staff) };
const numbers = [x, y, width, height, ports.resident, ports.staff];
if (positionals.length === 0 || !numbers.every(Number.isInteger)) {
  process.stderr.write('dock: --resident PORT --staff PORT [--position X,Y] [--size WxH] [--no-window] CARD...\n');
  process.exit(2);
}

const hand = await startVirtualCard({ ports });
const server = await serveDock(new Dock({ hand, cardFiles: positionals }));
process.stdout.write(`dock is ready on ${server.url}\n`);

const asked = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
});
const window = values['no-window'] ? null : openDockWindow({ url: server.url, position: { x, y }, size: { width, height } });
await Promise.race(window === null ? [asked] : [asked, window.closed]);
window?.close();
await window?.closed;
await hand.close();
await server.close();
