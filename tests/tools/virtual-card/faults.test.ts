/** The card's program against a reader written here: vpcd's protocol, seen from the other side. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadCardState, newCardState, type NewCard, saveCardState } from '../../../tools/virtual-card/card-state.ts';
import type { CardEvent } from '../../../tools/virtual-card/control.ts';
import { type CardHand, startVirtualCard } from '../../../tools/virtual-card/hand.ts';

const select = '00A4040006D27600012401';
const verifySign = '0020008106313233343536';
const verifyUser = '0020008206313233343536';
const sign = '002A9E9A0301020300';
const serial = '00CA004F00';

/** A reader with one slot: `send` gives the answer's hex, or `gone` where the card went. */
class Reader {
  readonly server: Server = createServer();
  private readonly cards: Socket[] = [];
  private waiting: ((socket: Socket) => void) | null = null;

  async listen(port = 0): Promise<number> {
    this.server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.pause();
      if (this.waiting === null) this.cards.push(socket);
      else this.waiting(socket);
      this.waiting = null;
    });
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  card(): Promise<Card> {
    const [first] = this.cards.splice(0, 1);
    const socket = first === undefined ? new Promise<Socket>((resolve) => (this.waiting = resolve)) : Promise.resolve(first);
    return socket.then((connected) => new Card(connected));
  }

  async close(): Promise<void> {
    for (const card of this.cards) card.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

class Card {
  readonly socket: Socket;
  readonly gone: Promise<'gone'>;
  constructor(socket: Socket) {
    this.socket = socket;
    this.gone = once(socket, 'close').then(() => 'gone' as const);
  }

  control(code: number): void {
    this.socket.write(Uint8Array.of(0, 1, code));
  }

  async answerToReset(): Promise<string> {
    this.control(4);
    return this.read();
  }

  async powerOn(): Promise<string> {
    this.control(1);
    return this.answerToReset();
  }

  send(command: string): Promise<string> {
    this.post(command);
    return this.read();
  }

  post(command: string): void {
    const body = Buffer.from(command, 'hex');
    this.socket.write(Buffer.concat([Uint8Array.of(body.length >> 8, body.length & 0xff), body]));
  }

  async read(): Promise<string> {
    const answer = async (): Promise<string> => {
      const size = await this.take(2);
      return (await this.take(size.readUInt16BE())).toString('hex');
    };
    return Promise.race([answer(), this.gone]);
  }

  private async take(count: number): Promise<Buffer> {
    for (;;) {
      const bytes = this.socket.read(count) as Buffer | null;
      if (bytes !== null) return bytes;
      await once(this.socket, 'readable');
    }
  }
}

describe('the card in a reader', () => {
  let dir: string;
  let readers: { resident: Reader; staff: Reader };
  let hand: CardHand;
  let events: CardEvent[] = [];

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'faults-'));
    readers = { resident: new Reader(), staff: new Reader() };
    hand = await startVirtualCard({ ports: { resident: await readers.resident.listen(), staff: await readers.staff.listen() }, touchLimitMs: 60_000 });
    hand.onEvent((event) => events.push(event));
  });
  afterEach(async () => {
    for (const slot of ['resident', 'staff'] as const) {
      await hand.fault(null, { slot });
      await hand.pull({ slot });
    }
    events = [];
  });
  afterAll(async () => {
    await hand.close();
    await Promise.all([readers.resident.close(), readers.staff.close()]);
    rmSync(dir, { recursive: true });
  });

  function cardFile(options: Partial<NewCard> = {}): string {
    const path = join(dir, 'lin.json');
    saveCardState(path, newCardState({ label: 'lin', seed: new Uint8Array(32).fill(7), ...options }));
    return path;
  }

  /** In the reader, with power, the application selected. */
  async function insert(path = cardFile()): Promise<Card> {
    const inserted = hand.insert(path);
    const card = await readers.resident.card();
    expect(await card.powerOn()).toMatch(/^3b8a010031c573c001c0059000/);
    await inserted;
    expect(await card.send(select)).toBe('9000');
    return card;
  }

  it('is noticed, tells each command but never its data, and is pulled', async () => {
    const card = await insert();
    const seen = hand.command({ ins: 0x20, p2: 0x81 });
    await card.send(verifySign);
    await seen;
    expect(events).toContainEqual({ event: 'command', slot: 'resident', ins: 0x20, p1: 0, p2: 0x81 });
    expect(JSON.stringify(events)).not.toContain('313233');
    expect((await hand.status()).resident).toMatchObject({ label: 'lin', powered: true, commands: 2 });
    await hand.pull();
    expect(await card.gone).toBe('gone');
    expect(events.at(-1)).toEqual({ event: 'removed', slot: 'resident', because: 'pulled' });
    expect((await hand.status()).resident).toMatchObject({ card: null, commands: 0 });
  });

  it('holds a card in each slot', async () => {
    await insert();
    const staffFile = join(dir, 'staff.json');
    saveCardState(staffFile, newCardState({ label: 'staff', seed: new Uint8Array(32).fill(9) }));
    const inserted = hand.insert(staffFile, { slot: 'staff' });
    const staff = await readers.staff.card();
    await staff.answerToReset();
    await inserted;
    expect(await hand.status()).toMatchObject({ resident: { label: 'lin' }, staff: { label: 'staff', powered: false } });
  });

  it.each([0, 2])('forgets the PIN on control %i, and nothing else', async (control) => {
    const card = await insert();
    await card.send(verifySign);
    await card.send(sign);
    await card.send(verifyUser);
    card.control(control);
    expect(await card.send(serial)).toBe('6a82');
    await card.send(select);
    expect(await card.send('00200082')).toBe('63c3');
    expect(await card.send('00CA007A00')).toBe('7a0593030000019000');
  });

  it('mute: no answer to reset, present all the same, and the next card works', async () => {
    const path = cardFile();
    await hand.fault({ kind: 'mute' });
    const inserted = hand.insert(path);
    const mute = await readers.resident.card();
    expect(await mute.answerToReset()).toMatch(/^3b/);
    await inserted;
    const longestAnswerToReset = 33;
    expect((await mute.powerOn()).length / 2).toBeGreaterThan(longestAnswerToReset);
    expect(await mute.answerToReset()).toMatch(/^3b/);
    await hand.pull();
    await hand.fault(null);
    await insert(path);
  });

  it('slow: answers late', async () => {
    const card = await insert();
    await hand.fault({ kind: 'slow', delayMs: 150 });
    const start = performance.now();
    expect(await card.send(serial)).toMatch(/9000$/);
    expect(performance.now() - start).toBeGreaterThanOrEqual(145);
  });

  it('hang: no answer to this command nor any other, until it is out', async () => {
    const card = await insert();
    await hand.fault({ kind: 'hang', at: { ins: 0xca } });
    expect(await card.send('00200081')).toBe('63c3');
    const reached = hand.command({ ins: 0x20 });
    card.post(serial);
    card.post('00200081');
    await reached;
    expect((await hand.status()).resident.commands).toBe(4);
    expect(card.socket.read()).toBeNull();
    await hand.pull();
    expect(await card.read()).toBe('gone');
  });

  it('vanish: out at the second such command, which did nothing', async () => {
    const path = cardFile({ pinPerSignature: false });
    const card = await insert(path);
    await hand.fault({ kind: 'vanish', at: { ins: 0x2a, p1: 0x9e, p2: 0x9a }, nth: 2 });
    await card.send(verifySign);
    expect(await card.send(sign)).toMatch(/9000$/);
    expect(await card.send(sign)).toBe('gone');
    expect(loadCardState(path).signatureCount).toBe(1);
    expect((await hand.status()).resident.card).toBeNull();
    expect(events.at(-1)).toEqual({ event: 'removed', slot: 'resident', because: 'vanished' });
  });

  it('vanish-after: out before the answer, but it has signed', async () => {
    const path = cardFile();
    const card = await insert(path);
    await hand.fault({ kind: 'vanish-after', at: { ins: 0x2a } });
    await card.send(verifySign);
    expect(await card.send(sign)).toBe('gone');
    expect(loadCardState(path).signatureCount).toBe(1);
  });

  it('cut-short: one byte, once', async () => {
    const card = await insert();
    await hand.fault({ kind: 'cut-short', at: { ins: 0xca } });
    expect(await card.send(serial)).toBe('00');
    expect(await card.send(serial)).toMatch(/9000$/);
  });

  it('signs when a finger comes', async () => {
    const path = cardFile({ touch: { sig: true } });
    const card = await insert(path);
    await card.send(verifySign);
    const wanted = new Promise<void>((resolve) => {
      const stop = hand.onEvent((event) => {
        if (event.event !== 'touch-wanted') return;
        stop();
        resolve();
      });
    });
    const answer = card.send(sign);
    await wanted;
    expect((await hand.status()).resident.touchWanted).toBe(true);
    await hand.touch();
    expect(await answer).toMatch(/^.{128}9000$/);
    expect((await hand.status()).resident.touchWanted).toBe(false);
  });

  it('lies in the slot while the reader is gone, and is noticed by the next one', async () => {
    const card = await insert();
    const port = (readers.resident.server.address() as AddressInfo).port;
    card.socket.destroy();
    await readers.resident.close();
    readers.resident = new Reader();
    await readers.resident.listen(port);
    const again = await readers.resident.card();
    expect(await again.powerOn()).toMatch(/^3b/);
    expect(await again.send(serial)).toBe('6a82');
    expect(events.filter(({ event }) => event !== 'command').map((event) => ('because' in event ? event.because : event.event))).toEqual([
      'inserted',
      'reader-gone',
      'inserted',
    ]);
  });

  it('refuses a file that is no card', async () => {
    await expect(hand.insert(join(dir, 'nothing.json'))).rejects.toThrow('nothing.json');
    expect((await hand.status()).resident.card).toBeNull();
  });
});
