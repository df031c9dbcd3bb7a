import { PNG } from 'pngjs';
import { z } from 'zod';
import type { Scan } from '../../src/contract/device-host.ts';
import type { Localized } from '../../src/contract/language.ts';
import type { Failure, Result } from '../../src/contract/result.ts';
import { never } from '../../src/contract/result.ts';
import { type DemoBill, demoBills } from '../demo/bills.ts';
import { demoDocuments, type DocumentShelf } from '../demo/identity-documents.ts';
import { scanWith } from '../virtual-devices/hid-devices.ts';
import { identityTextOf } from '../virtual-devices/identity-text.ts';
import type { PluggedDevices } from './plugged-devices.ts';
import { codesOfSlip, type ScanCode, scanOfTyped } from './scan-codes.ts';
import { readSlip } from './slip-reading.ts';

/** What can be wrong with the printer. */
export const printerTroubles = ['none', 'paper-low', 'paper-out', 'cover-open', 'jammed'] as const;
type Trouble = (typeof printerTroubles)[number];

/** What the page asks of the devices beside the card readers. */
export const deviceActs = [
  /** Laid on the reader if it is not, lifted if it is. */
  z.strictObject({ act: z.literal('document'), id: z.string() }),
  /** One of the listed codes, held under the scanner. */
  z.strictObject({ act: z.literal('scan'), id: z.string() }),
  z.strictObject({ act: z.literal('scan-text'), text: z.string().min(1).max(2000) }),
  /** An agency asks something; its code is then listed. */
  z.strictObject({ act: z.literal('ask') }),
  z.strictObject({ act: z.literal('printer'), trouble: z.enum(printerTroubles) }),
] as const;
export type DeviceAct = z.infer<(typeof deviceActs)[number]>;

export interface DeviceTableState {
  documents: { id: string; name: string; shelf: DocumentShelf; note: Localized; laid: boolean }[];
  connection: 'hid' | 'serial';
  /** Why there is no scanner, in the words of whoever looked for it; null where there is one. */
  noScanner: string | null;
  codes: Omit<ScanCode, 'scan'>[];
  /** What was held under the scanner last: a code's id, or `typed`; how many there were so far. */
  lastScan: { code: string; count: number } | null;
  /** An agency asked just now, and it came to nothing. */
  asking: 'possible' | 'under-way' | 'impossible' | { failed: string };
  printer: { trouble: Trouble; slips: number };
}

export interface DeviceTableOptions {
  devices: PluggedDevices;
  /** Has an agency ask something; null: no agency can be reached from here. */
  newAsk: (() => Promise<Result<ScanCode, Failure<string>>>) | null;
  onChange: () => void;
}

/** The devices beside the card readers, and what lies ready for them: identity cards, codes to scan, and the printer's last slip. */
export class DeviceTable {
  readonly #devices: PluggedDevices;
  readonly #newAsk: DeviceTableOptions['newAsk'];
  readonly #onChange: () => void;
  readonly #bills: ScanCode[];
  #asks: ScanCode[] = [];
  #slipCodes: ScanCode[] = [];
  #slip: Buffer | null = null;
  readonly #state: DeviceTableState;

  constructor({ devices, newAsk, onChange }: DeviceTableOptions) {
    this.#devices = devices;
    this.#newAsk = newAsk;
    this.#onChange = onChange;
    this.#bills = demoBills().map(billCode);
    this.#state = {
      documents: demoDocuments.map(({ id, shelf, note, card }) => ({ id, name: card.name, shelf, note, laid: false })),
      connection: devices.identityConnection,
      noScanner: devices.whyNoScanner,
      codes: this.#listed(),
      lastScan: null,
      asking: newAsk === null ? 'impossible' : 'possible',
      printer: { trouble: 'none', slips: 0 },
    };
    devices.paper.onSlip = (slip) => this.#takeSlip(slip);
  }

  get current(): DeviceTableState {
    return this.#state;
  }

  /** The last slip as a picture, PNG; null where none was printed yet. */
  get slip(): Buffer | null {
    return this.#slip;
  }

  async act(act: DeviceAct): Promise<void> {
    switch (act.act) {
      case 'document':
        return this.#layOrLift(act.id);
      case 'scan': {
        const code = this.#codes().find(({ id }) => id === act.id);
        return code === undefined ? undefined : this.#scan(code.id, code.scan);
      }
      case 'scan-text':
        return this.#scan('typed', scanOfTyped(act.text));
      case 'ask':
        return this.#ask();
      case 'printer':
        this.#state.printer.trouble = act.trouble;
        this.#devices.paper.trouble = act.trouble;
        return this.#onChange();
      default:
        return never(act);
    }
  }

  #layOrLift(id: string): void {
    const card = demoDocuments.find((document) => document.id === id)?.card;
    if (card === undefined) return;
    const isLaid = this.#state.documents.some((document) => document.id === id && document.laid);
    this.#devices.samV.lift();
    if (!isLaid) this.#devices.samV.lay(identityTextOf(card));
    for (const document of this.#state.documents) document.laid = document.id === id && !isLaid;
    this.#onChange();
  }

  #scan(code: string, scan: Scan): void {
    const { scanner } = this.#devices;
    if (scanner === null) return;
    scanWith(scanner, scan);
    this.#state.lastScan = { code, count: (this.#state.lastScan?.count ?? 0) + 1 };
    this.#onChange();
  }

  async #ask(): Promise<void> {
    if (this.#newAsk === null || this.#state.asking === 'under-way') return;
    this.#state.asking = 'under-way';
    this.#onChange();
    const made = await this.#newAsk();
    this.#state.asking = made.ok ? 'possible' : { failed: made.failure.code };
    // An earlier one may be answered by now: the newest alone is listed.
    if (made.ok) this.#asks = [made.value];
    this.#state.codes = this.#listed();
    this.#onChange();
  }

  #takeSlip(slip: PNG): void {
    const picture = PNG.sync.write(slip);
    this.#slip = picture;
    this.#state.printer.slips += 1;
    this.#putSlipCodes([]);
    void readSlip(picture).then(
      (codes) => {
        if (this.#slip === picture) this.#putSlipCodes(codesOfSlip(codes));
      },
      // What is on it cannot be made out: then nothing of it can be held under the scanner.
      () => undefined,
    );
  }

  #putSlipCodes(codes: ScanCode[]): void {
    this.#slipCodes = codes;
    this.#state.codes = this.#listed();
    this.#onChange();
  }

  #codes(): ScanCode[] {
    return [...this.#bills, ...this.#asks, ...this.#slipCodes];
  }

  #listed(): DeviceTableState['codes'] {
    return this.#codes().map(({ id, kind, sender, of }) => ({ id, kind, sender, of }));
  }
}

const billCode = ({ service, sender, text }: DemoBill): ScanCode => ({ id: `bill/${service}`, kind: 'bill', sender, of: null, scan: { text, symbology: 'code-128' } });
