import { fail } from '../contract/result.ts';
import type { Failure, Result } from '../contract/result.ts';

/** An open way to a device. Over HID a piece is one report, over a serial line whatever came at once. */
export interface Line {
  /** What the device calls itself, or where it is. */
  readonly product: string;
  send(bytes: Uint8Array): Promise<Result<null>>;
  close(): Promise<void>;
}

export interface LineEars {
  onBytes(bytes: Uint8Array): void;
  /** Reading failed, which is how an unplugged device is noticed. Nothing is heard after it. */
  onLost(detail: string): void;
}

/** Fails with `device-no-permission`, `device-keyboard`, `device-fault`, or the code of a device that is missing. */
export type OpenLine = (ears: LineEars) => Promise<Result<Line>>;

export interface KeptLineEars {
  onUp(line: Line): void;
  onBytes(bytes: Uint8Array): void;
  onDown(failure: Failure): void;
}

/** Keeps a line open over any come and go of its device, which neither HID nor a serial line announces: it is looked for again and again. */
export class KeptLine {
  readonly #open: OpenLine;
  readonly #ears: KeptLineEars;
  readonly #lookEveryMs: number;
  #line: Line | null = null;
  #retry: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(open: OpenLine, ears: KeptLineEars, lookEveryMs: number) {
    this.#open = open;
    this.#ears = ears;
    this.#lookEveryMs = lookEveryMs;
    void this.#look();
  }

  /** Gives up a line whose device is of no use as it is, and looks for it anew a little later. */
  drop(line: Line, failure: Failure): void {
    if (this.#line !== line) return;
    this.#line = null;
    void line.close();
    this.#down(failure);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    const line = this.#line;
    this.#line = null;
    await line?.close();
  }

  async #look(): Promise<void> {
    let line: Line | null = null;
    let lost: string | null = null;
    const opened = await this.#open({
      onBytes: (bytes) => {
        if (line !== null && this.#line === line) this.#ears.onBytes(bytes);
      },
      onLost: (detail) => {
        lost = detail;
        if (line !== null) this.drop(line, fail('device-lost', detail).failure);
      },
    });
    if (this.#stopped) {
      if (opened.ok) await opened.value.close();
    } else if (!opened.ok) {
      this.#down(opened.failure);
    } else {
      line = opened.value;
      this.#line = line;
      this.#ears.onUp(line);
      if (lost !== null) this.drop(line, fail('device-lost', lost).failure);
    }
  }

  #down(failure: Failure): void {
    if (this.#stopped) return;
    this.#retry = setTimeout(() => void this.#look(), this.#lookEveryMs);
    this.#ears.onDown(failure);
  }
}
