import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IdentityCard } from '../../src/contract/device-host.ts';
import { worldAt } from '../../tools/demo/world.ts';
import { newCardState, saveCardState, type NewCard } from '../../tools/virtual-card/card-state.ts';
import { EscposPaper } from '../../tools/virtual-devices/escpos-paper.ts';
import { identityTextOf } from '../../tools/virtual-devices/identity-text.ts';
import { SamV } from '../../tools/virtual-devices/sam-v.ts';
import { plugSerialWire } from '../../tools/virtual-devices/serial-wire.ts';
import { Hall, type HallPlan } from './hall.ts';
import { testInOpenHall } from './journey.ts';

/** The reader of identity cards, on a line of this worker's own. */
const line = join(tmpdir(), `imi-sam-v-${process.pid}`);
const { kiosks } = worldAt('').hubFile;
const paperLine = join(tmpdir(), `imi-lp-${process.pid}`);
const devices = { identityReader: { connection: 'serial' as const, path: line }, printer: { path: paperLine, widthDots: 576 } };

/** @param isShared residents' and staff's cards come into the same reader, the first. */
const planOf = (isShared: boolean): HallPlan => ({
  hubFile: { kiosks: Object.fromEntries(Object.entries(kiosks).map(([id, kiosk]) => [id, { ...kiosk, devices, ...(isShared ? { readers: { resident: kiosk.readers.resident } } : {}) }])) },
});

export interface Desk {
  /** Lays an identity card on the reader; null lifts it. */
  lay(card: IdentityCard | null): void;
  /** What the receipt printer has printed. */
  paper: EscposPaper;
  /** A new card out of the box, into the resident's reader. */
  insertBlank(card?: Partial<NewCard>): Promise<void>;
  /** The same one again. */
  insertAgain(): Promise<void>;
}

/** Blank cards out of the box, so far. */
let made = 0;

/** One hall for all journeys of a file, which those that come later find as those before left it. */
export const testAtDesk = testInOpenHall.extend<{ desk: Desk }, { isShared: boolean; openHall: Hall }>({
  /** One reader for all. */
  isShared: [false, { option: true, scope: 'worker' }],
  openHall: [
    async ({ template, isShared }, use) => {
      const hall = await Hall.open(template, planOf(isShared));
      await use(hall);
      await hall.close();
    },
    { scope: 'worker' },
  ],
  desk: async ({ hall }, use) => {
    const samV = new SamV((answer) => wire.send(answer));
    const wire = await plugSerialWire(line, (bytes) => samV.hear(bytes));
    const paper = new EscposPaper((answer) => paperWire.send(answer));
    const paperWire = await plugSerialWire(paperLine, (bytes) => paper.hear(bytes));
    let last = '';
    await use({
      paper,
      lay: (card) => (card === null ? samV.lift() : samV.lay(identityTextOf(card))),
      async insertBlank(card = {}) {
        made += 1;
        last = blankCard(hall, made, card);
        await hall.hand.insert(last);
      },
      insertAgain: () => hall.hand.insert(last),
    });
    await wire.unplug();
    await paperWire.unplug();
  },
});

function blankCard(hall: Hall, number: number, card: Partial<NewCard>): string {
  const path = join(hall.world.dataDir, 'cards', `blank-${number}.json`);
  saveCardState(path, newCardState({ label: `blank-${number}`, seed: new Uint8Array(32).fill(200 + number), blank: true, ...card }));
  return path;
}

