/**
 * The dock: `main.ts --resident PORT --staff PORT [--blanks DIR] [--devices DIR --kiosk PROGRAM [--no-hid]] [--agency FILE] [--position X,Y] [--size WxH] [--no-window] CARD...`.
 * Lays the cards out beside the kiosk and puts them into the virtual reader; plugs in the devices beside it, and says in their folder where they are (`plugged-devices.ts`).
 * Says `dock is ready on URL` and ends when its window is closed, or on SIGTERM.
 */
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { startVirtualCard } from '../virtual-card/hand.ts';
import { BlankCards } from './blank-cards.ts';
import { Dock } from './dock.ts';
import { serveDock } from './dock-server.ts';
import { openDockWindow } from './dock-window.ts';
import { plugDevices } from './plugged-devices.ts';
import { newAsk } from './scan-codes.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    resident: { type: 'string' },
    staff: { type: 'string' },
    blanks: { type: 'string' },
    devices: { type: 'string' },
    kiosk: { type: 'string' },
    'no-hid': { type: 'boolean', default: false },
    agency: { type: 'string' },
    position: { type: 'string', default: '0,0' },
    size: { type: 'string', default: '420x860' },
    'no-window': { type: 'boolean', default: false },
  },
});

const [x = 0, y = 0] = values.position.split(',').map(Number);
const [width = 420, height = 860] = values.size.split('x').map(Number);
const ports = { resident: Number(values.resident), staff: Number(values.staff) };
const numbers = [x, y, width, height, ports.resident, ports.staff];
const { devices: dir, kiosk, agency, blanks } = values;
if (positionals.length === 0 || !numbers.every(Number.isInteger) || (dir === undefined) !== (kiosk === undefined)) {
  process.stderr.write('dock: --resident PORT --staff PORT [--blanks DIR] [--devices DIR --kiosk PROGRAM [--no-hid]] [--agency FILE] [--position X,Y] [--size WxH] [--no-window] CARD...\n');
  process.exit(2);
}

const hand = await startVirtualCard({ ports });
const plugged = dir === undefined || kiosk === undefined ? null : await plugDevices({ dir, kiosk: { program: kiosk, host: join(dirname(kiosk), 'host.mjs') }, hid: !values['no-hid'] });
const dock = new Dock({
  hand,
  cardFiles: positionals,
  ...(blanks === undefined ? {} : { blanks: new BlankCards(blanks) }),
  ...(plugged === null ? {} : { devices: { devices: plugged, newAsk: agency === undefined ? null : () => newAsk(agency) } }),
});
const server = await serveDock(dock);
process.stdout.write(`dock is ready on ${server.url}\n`);

const asked = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
});
const window = values['no-window'] ? null : openDockWindow({ url: server.url, position: { x, y }, size: { width, height } });
await Promise.race(window === null ? [asked] : [asked, window.closed]);
window?.close();
await window?.closed;
await hand.close();
await plugged?.stop();
await server.close();
