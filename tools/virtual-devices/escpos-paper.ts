import { PNG } from 'pngjs';

/** What is wrong with a printer. */
export type PrinterTrouble = 'none' | 'paper-low' | 'paper-out' | 'cover-open' | 'jammed' | 'mute';

/** The four bytes of DLE EOT in each case: bits 1 and 4 are always set. */
const statuses: Readonly<Record<Exclude<PrinterTrouble, 'mute'>, readonly [number, number, number, number]>> = {
  none: [0x12, 0x12, 0x12, 0x12],
  'paper-low': [0x12, 0x12, 0x12, 0x1e],
  'paper-out': [0x1a, 0x32, 0x12, 0x7e],
  'cover-open': [0x1a, 0x16, 0x12, 0x72],
  jammed: [0x1a, 0x52, 0x1a, 0x12],
};

type Job = { do: 'start' | 'cut' | 'say-printed' } | { do: 'band'; rows: Uint8Array[] };

/** An ESC/POS printer that prints on nothing: it keeps what it would have put on paper, slip by slip. */
export class EscposPaper {
  readonly #send: (bytes: Uint8Array) => void;
  #held = new Uint8Array(0);
  #rows: Uint8Array[] = [];
  /** What was heard and waits for the paper. */
  #jobs: Job[] = [];
  #trouble: PrinterTrouble = 'none';
  /** Whole slips, each as a picture. */
  readonly slips: PNG[] = [];
  /** Called before each band of rows is put on paper. */
  onBand: () => void = () => undefined;
  /** Called with each slip that is cut off. */
  onSlip: (slip: PNG) => void = () => undefined;
  /** It prints, and never says so. */
  isSilentAboutPrinting = false;

  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send;
  }

  set trouble(trouble: PrinterTrouble) {
    this.#trouble = trouble;
    this.#work();
  }

  /** Rows on paper that is not cut yet, and bands that wait. */
  get unfinished(): number {
    return this.#rows.length + this.#jobs.length;
  }

  /** Bytes from the computer, in any pieces. */
  hear(bytes: Uint8Array): void {
    let rest = Uint8Array.of(...this.#held, ...bytes);
    for (let taken = this.#take(rest); taken > 0; taken = this.#take(rest)) rest = rest.slice(taken);
    this.#held = rest;
    this.#work();
  }

  /** @returns how many bytes the command in front takes; 0 where not all of it has come. */
  #take(bytes: Uint8Array): number {
    const [first, second, third = 0] = bytes;
    if (first === undefined || second === undefined) return 0;
    switch ((first << 8) | second) {
      case 0x1004:
        return bytes.length < 3 ? 0 : this.#say(third);
      case 0x1005:
        return bytes.length < 3 ? 0 : this.#forget();
      case 0x1b40:
        return this.#queue({ do: 'start' }, 2);
      case 0x1d56:
        return bytes.length < 4 ? 0 : this.#queue({ do: 'cut' }, 4);
      case 0x1d72:
        return bytes.length < 3 ? 0 : this.#queue({ do: 'say-printed' }, 3);
      case 0x1d76:
        return this.#takeBand(bytes);
    }
    throw new Error(`no such command: ${Buffer.from(bytes.subarray(0, 4)).toString('hex')}`);
  }

  /** In real time: whatever waits. */
  #say(kind: number): number {
    const status = this.#trouble === 'mute' ? undefined : statuses[this.#trouble][kind - 1];
    if (status !== undefined) this.#send(Uint8Array.of(status));
    return 3;
  }

  #forget(): number {
    this.#jobs = [];
    this.#rows = [];
    return 3;
  }

  #takeBand(bytes: Uint8Array): number {
    const [, , , , xl = 0, xh = 0, yl = 0, yh = 0] = bytes;
    const rowBytes = xl + 256 * xh;
    const end = 8 + rowBytes * (yl + 256 * yh);
    if (bytes.length < 8 || bytes.length < end) return 0;
    return this.#queue({ do: 'band', rows: Array.from({ length: yl + 256 * yh }, (_, row) => bytes.slice(8 + row * rowBytes, 8 + (row + 1) * rowBytes)) }, end);
  }

  #queue(job: Job, taken: number): number {
    this.#jobs.push(job);
    return taken;
  }

  #work(): void {
    while (this.#trouble === 'none' || this.#trouble === 'paper-low') {
      const job = this.#jobs[0];
      if (job === undefined) return;
      if (job.do === 'band') {
        this.onBand();
        if (this.#jobs[0] !== job || (this.#trouble !== 'none' && this.#trouble !== 'paper-low')) continue;
      }
      this.#jobs.shift();
      if (job.do === 'start') this.#rows = [];
      else if (job.do === 'band') this.#rows.push(...job.rows);
      else if (job.do === 'cut') this.#cut();
      else if (!this.isSilentAboutPrinting) this.#send(Uint8Array.of(0));
    }
  }

  #cut(): void {
    const width = 8 * Math.max(0, ...this.#rows.map(({ length }) => length));
    const slip = new PNG({ width, height: this.#rows.length });
    this.#rows.forEach((row, y) => {
      for (let x = 0; x < width; x++) {
        const isBlack = ((row[x >> 3] ?? 0) & (0x80 >> (x & 7))) !== 0;
        slip.data.set(isBlack ? [0, 0, 0, 255] : [255, 255, 255, 255], 4 * (y * width + x));
      }
    });
    this.slips.push(slip);
    this.#rows = [];
    this.onSlip(slip);
  }
}
