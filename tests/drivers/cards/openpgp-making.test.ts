import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ok, type Result } from '../../../src/contract/result.ts';
import type { ApduTransport } from '../../../src/drivers/cards/apdu.ts';
import { RawOpenPgpCard } from '../../../src/drivers/cards/openpgp-making.ts';
import { newCardState, saveCardState } from '../../../tools/virtual-card/card-state.ts';
import { OpenpgpCard } from '../../../tools/virtual-card/openpgp-card.ts';
import { bytes } from './scripted-card.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'making-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A blank card that is what it should be but for one instruction. */
class FaultyCard implements ApduTransport {
  readonly protocol = 't1';
  readonly #card: OpenpgpCard;
  readonly #ins: number;
  readonly #fault: (answer: Uint8Array) => Uint8Array;

  constructor(ins: number, fault: (answer: Uint8Array) => Uint8Array) {
    const path = join(dir, 'blank.json');
    saveCardState(path, newCardState({ label: 'blank', seed: new Uint8Array(32).fill(9), blank: true }));
    this.#card = new OpenpgpCard(path, () => Promise.resolve(true));
    this.#ins = ins;
    this.#fault = fault;
  }

  async transmit(command: Uint8Array): Promise<Result<Uint8Array>> {
    // A copy: whoever sends a PIN wipes it, and a card has what it was sent.
    const answer = await this.#card.process(Uint8Array.from(command));
    return ok(command[1] === this.#ins ? this.#fault(answer) : answer);
  }
}

const opened = async (wire: ApduTransport): Promise<RawOpenPgpCard> => {
  const card = await RawOpenPgpCard.open(wire);
  if (!card.ok) throw new Error(card.failure.code);
  return card.value.card;
};
const make = (card: RawOpenPgpCard) => card.make(Uint8Array.from(Buffer.from('4815162342')), Uint8Array.from(Buffer.from('739154820617')), { pinPad: null, onTouchWanted: () => undefined });
const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : `${result.failure.code} ${result.failure.detail ?? ''}`);
/** The last byte before the status word, another one. */
const flipped = (answer: Uint8Array): Uint8Array => answer.map((byte, at) => (at === answer.length - 3 ? byte ^ 1 : byte));

describe('a card that is no good', () => {
  test.each([
    { name: 'whose signature does not verify', ins: 0x2a, fault: flipped, code: 'card-not-made signature' },
    { name: 'that keeps no one-signature-per-PIN', ins: 0xda, fault: () => bytes('6A88'), code: 'card-not-made DO c4 6a88' },
    { name: 'whose long proof does not verify', ins: 0x88, fault: flipped, code: 'card-aut-short signature' },
  ])('$name is not handed out', async ({ ins, fault, code }) => {
    expect(codeOf(await make(await opened(new FaultyCard(ins, fault))))).toBe(code);
  });

  test.each([
    { name: 'that is not terminated', ins: 0xe6, code: 'card-not-wiped terminate 6d00' },
    { name: 'that does not wake up again', ins: 0x44, code: 'card-not-wiped activate 6d00' },
  ])('$name cannot be wiped', async ({ ins, code }) => {
    expect(codeOf(await (await opened(new FaultyCard(ins, () => bytes('6D00')))).wipe())).toBe(code);
  });

  test('and the same card without its fault is made', async () => {
    expect(codeOf(await make(await opened(new FaultyCard(0x00, (answer) => answer))))).toBe('ok');
  });
});
