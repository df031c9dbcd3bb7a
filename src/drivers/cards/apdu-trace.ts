import type { TraceEntry } from '../../contract/device-host.ts';
import { ok } from '../../contract/result.ts';
import { parseResponse, swText, type ApduTransport } from './apdu.ts';

/** As many as fill a page twice. */
const mostKept = 60;

/** VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (ISO 7816-4), and PUT DATA, by which a reset code is set: how long their data is says how long a PIN is. */
const secretIns = new Set([0x20, 0x24, 0x2c, 0xda, 0xdb]);

/** What went over each reader lately. Only heads, lengths and status words are ever taken: data is not looked at. */
export class ApduTrace {
  readonly #entries = new Map<string, TraceEntry[]>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  of(reader: string): TraceEntry[] {
    return [...(this.#entries.get(reader) ?? [])];
  }

  /** The same transport, heard. */
  heard(reader: string, transport: ApduTransport): ApduTransport {
    return {
      protocol: transport.protocol,
      transmit: async (command) => {
        const atMs = this.#now();
        // A driver may overwrite a command once it is sent.
        const said = headOf(command);
        const answered = await transport.transmit(command);
        const response = answered.ok ? parseResponse(answered.value) : null;
        const answer = !answered.ok ? answered.failure.code : response === null ? 'no status' : swText(response.sw);
        this.#keep(reader, { atMs, ...said, received: response?.data.length ?? 0, answer, tookMs: Math.max(0, Math.round(this.#now() - atMs)) });
        return answered.ok ? ok(answered.value) : answered;
      },
    };
  }

  #keep(reader: string, entry: TraceEntry): void {
    this.#entries.set(reader, [...(this.#entries.get(reader) ?? []), entry].slice(-mostKept));
  }
}

/** ISO 7816-4 §5.1: Lc in one byte, or in two after a zero where more follows than an Le of two. */
function headOf(command: Uint8Array): { head: string; sent: number | null } {
  const head = [...command.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  if (secretIns.has(command[1] ?? 0)) return { head, sent: null };
  const [first = 0, high = 0, low = 0] = command.subarray(4);
  if (command.length <= 5) return { head, sent: 0 };
  if (first !== 0) return { head, sent: first };
  return { head, sent: command.length <= 7 ? 0 : high * 256 + low };
}
