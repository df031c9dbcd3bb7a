import { expect } from 'vitest';
import { ok } from '../../../src/contract/result.ts';
import type { Failure, Result } from '../../../src/contract/result.ts';
import type { ApduTransport } from '../../../src/drivers/cards/apdu.ts';

/** `'00 A4'` or `'00a4'` as bytes. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

export function hex(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}

/** Command and answer in hex; an answer may be a failure of the transport instead. */
export type Exchange = readonly [command: string, answer: string | Failure];

/** A card that knows one dialogue by heart and accepts no other. */
export class ScriptedCard implements ApduTransport {
  readonly protocol: 't0' | 't1';
  /** Every command array it was handed, by reference: what is left in them can be looked at. */
  readonly handed: Uint8Array[] = [];
  readonly #script: Exchange[];

  constructor(script: readonly Exchange[], protocol: 't0' | 't1' = 't1') {
    this.#script = [...script];
    this.protocol = protocol;
  }

  transmit(command: Uint8Array): Promise<Result<Uint8Array>> {
    this.handed.push(command);
    const [expected, answer] = this.#script.shift() ?? ['nothing more', ''];
    expect(hex(command)).toBe(expected.replaceAll(/\s/g, '').toLowerCase());
    return Promise.resolve(typeof answer === 'string' ? ok(bytes(answer)) : { ok: false, failure: answer });
  }

  /** Fails when a part of the dialogue never came. */
  expectDone(): void {
    expect(this.#script).toEqual([]);
  }
}
