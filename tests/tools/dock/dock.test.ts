import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlankCards } from '../../../tools/dock/blank-cards.ts';
import { Dock, type DockState } from '../../../tools/dock/dock.ts';
import { type DockServer, serveDock } from '../../../tools/dock/dock-server.ts';
import { type Pcscd, startPcscd } from '../../../tools/pcscd.ts';
import { loadCardState, newCardState, saveCardState } from '../../../tools/virtual-card/card-state.ts';
import { type CardHand, startVirtualCard } from '../../../tools/virtual-card/hand.ts';

describe('the dock', () => {
  let dir: string;
  let pcscd: Pcscd;
  let hand: CardHand;
  let dock: Dock;
  let server: DockServer;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'dock-'));
    pcscd = await startPcscd({ dir });
    hand = await startVirtualCard({ ports: pcscd.ports, touchLimitMs: 1500 });
    const cardFiles = (['lin', 'chen', 'liang'] as const).map((label, index) => {
      const path = join(dir, `${label}.json`);
      const kind = label === 'liang' ? 'staff' : 'resident';
      saveCardState(path, newCardState({ label, seed: new Uint8Array(32).fill(index), face: { name: label, kind }, touch: { aut: label === 'chen' } }));
      return path;
    });
    dock = new Dock({ hand, cardFiles, blanks: new BlankCards(dir) });
    server = await serveDock(dock);
  });
  afterAll(async () => {
    await server.close();
    await hand.close();
    await pcscd.stop();
    rmSync(dir, { recursive: true });
  });

  const act = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${server.url}act`, {
      method: 'POST',
      headers: { origin: new URL(server.url).origin, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const select = '00A4040006D2760001240100';
  const verify = '0020008206313233343536';
  const authenticate = '0088000004DEADBEEF00';
  /** What a program says that sends these to the resident's card. */
  const sends = async (...commands: string[]): Promise<string> => {
    const args = ['-r', pcscd.readerNames.resident, ...commands.flatMap((command) => ['-s', command])];
    const env = { ...process.env, PCSCLITE_CSOCK_NAME: pcscd.socketPath };
    return promisify(execFile)('opensc-tool', args, { env }).then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => error.stdout,
    );
  };
  const placeOf = (label: string): string | undefined => dock.current.cards.find((card) => card.label === label)?.place;
  const until = (condition: (state: DockState) => boolean): Promise<void> =>
    new Promise((resolve) => {
      if (condition(dock.current)) return resolve();
      const stop = dock.onChange((state) => {
        if (!condition(state)) return;
        stop();
        resolve();
      });
    });

  it('puts a card in at the first touch, and takes it out at the second', async () => {
    expect((await act({ act: 'card', label: 'lin' })).status).toBe(204);
    expect(placeOf('lin')).toBe('reader');
    expect((await hand.status()).resident.label).toBe('lin');
    await act({ act: 'card', label: 'lin' });
    expect(placeOf('lin')).toBe('dock');
    expect((await hand.status()).resident.card).toBeNull();
  });

  it('has one card a slot, and the staff\'s card in the staff\'s reader', async () => {
    await act({ act: 'card', label: 'lin' });
    await act({ act: 'card', label: 'liang' });
    await act({ act: 'card', label: 'chen' });
    expect([placeOf('lin'), placeOf('chen'), placeOf('liang')]).toEqual(['dock', 'reader', 'reader']);
    expect(await hand.status()).toMatchObject({ resident: { label: 'chen' }, staff: { label: 'liang' } });
    await act({ act: 'card', label: 'chen' });
    await act({ act: 'card', label: 'liang' });
  });

  it('sets a fault, and none after a card has vanished', async () => {
    await act({ act: 'fault', fault: 'mute' });
    expect((await hand.status()).resident.fault).toEqual({ kind: 'mute' });
    await hand.fault({ kind: 'vanish' });
    await act({ act: 'card', label: 'lin' });

    await sends('00CA006E00');
    await until(({ fault }) => fault === 'none');
    expect(placeOf('lin')).toBe('dock');
  });

  it('sets no fault after the card that hung was pulled, and keeps one that has not struck', async () => {
    await act({ act: 'fault', fault: 'hang' });
    await act({ act: 'card', label: 'lin' });
    await act({ act: 'card', label: 'lin' });
    expect(dock.current.fault).toBe('hang');
    await act({ act: 'card', label: 'lin' });
    const hanging = hand.command({ ins: 0x88 });
    const sent = sends(select, verify, authenticate);
    await hanging;
    await act({ act: 'card', label: 'lin' });
    await sent;
    await until(({ fault }) => fault === 'none');
    expect((await hand.status()).resident.fault).toBeNull();
  });

  it('asks for a finger for as long as the card waits', async () => {
    await act({ act: 'card', label: 'chen' });
    const missed = sends(select, verify, authenticate);
    await until(({ touchWanted }) => touchWanted);
    await until(({ touchWanted }) => !touchWanted);
    expect(await missed).toContain('SW1=0x66, SW2=0x00');
    const touched = sends(select, verify, authenticate);
    await until(({ touchWanted }) => touchWanted);
    await act({ act: 'finger' });
    expect(dock.current.touchWanted).toBe(false);
    expect(await touched).not.toContain('SW1=0x66');
    await act({ act: 'card', label: 'chen' });
  });

  it('tells the PIN that most of its cards have, and of a card with another one that, as it is now', async () => {
    const own = (label: string): string | null | undefined => dock.current.cards.find((card) => card.label === label)?.ownPin;
    expect([dock.current.pin, own('lin')]).toEqual(['123456', null]);
    await act({ act: 'card', label: 'lin' });
    await sends(select, '002400810C313233343536363534333231');
    await act({ act: 'card', label: 'lin' });
    await until(() => own('lin') !== null);
    expect([dock.current.pin, own('lin'), own('chen')]).toEqual(['123456', '654321', null]);
    await act({ act: 'card', label: 'lin' });
    await sends(select, '002400810C363534333231313233343536');
    await act({ act: 'card', label: 'lin' });
    await until(() => own('lin') === null);
    expect(dock.current.pin).toBe('123456');
  });

  it('always has a blank card, and another one as soon as keys were made on it', async () => {
    const blanks = (): [string, boolean][] => dock.current.cards.filter(({ kind }) => kind === 'blank').map(({ label, hasKeys }) => [label, hasKeys]);
    expect(blanks()).toEqual([['blank-1', false]]);
    await act({ act: 'card', label: 'blank-1' });
    await sends(select, '0020008308' + '3132333435363738', '00DA00C10A162B06010401DA470F01', '0047800002B60000');
    await act({ act: 'card', label: 'blank-1' });
    await until(({ cards }) => cards.some(({ label }) => label === 'blank-2'));
    expect(loadCardState(join(dir, 'blank-1.json')).keys.sig.algorithm).toBe('ed25519');
    expect(blanks()).toEqual([
      ['blank-1', true],
      ['blank-2', false],
    ]);
  });

  it('tells the page everything at once', async () => {
    const response = await fetch(`${server.url}state`);
    const reader = response.body?.getReader();
    const first = await reader?.read();
    await reader?.cancel();
    const line = Buffer.from(first?.value as Uint8Array).toString('utf8');
    expect(JSON.parse(line.slice('data: '.length))).toEqual(dock.current);
  });

  it.each([
    ['the page', '', 200, 'text/html; charset=utf-8'],
    ['its script', 'dock.js', 200, 'text/javascript; charset=utf-8'],
    ['a font', 'noto/index.css', 200, 'text/css; charset=utf-8'],
    ['nothing else', '../package.json', 404, null],
    ['no file by its path', '..%2f..%2fpackage.json', 404, null],
  ])('serves %s', async (_, path, status, type) => {
    const response = await fetch(server.url + path);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe(type);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('is there for nobody who does not know its address', async () => {
    const { origin } = new URL(server.url);
    expect((await fetch(`${origin}/`)).status).toBe(404);
    expect((await fetch(`${origin}/${'x'.repeat(32)}/state`)).status).toBe(404);
  });

  it('hears no other host\'s name and no other origin', async () => {
    const { hostname, port, pathname } = new URL(server.url);
    const status = await new Promise((resolve) => {
      httpRequest({ hostname, port, path: pathname, headers: { host: `elsewhere.example:${port}` } }, (response) => resolve(response.statusCode)).end();
    });
    expect(status).toBe(404);
    expect((await act({ act: 'card', label: 'lin' }, { origin: 'https://elsewhere.example' })).status).toBe(404);
    expect((await act({ act: 'card', label: 'lin' }, { 'content-type': 'text/plain' })).status).toBe(415);
    expect(placeOf('lin')).toBe('dock');
  });

  it.each([
    ['not an act', { act: 'format' }, 400],
    ['no fault we know', { act: 'fault', fault: 'fire' }, 400],
    ['no state that a printer has', { act: 'printer', trouble: 'on-fire' }, 400],
    ['nothing to scan', { act: 'scan-text', text: '' }, 400],
    ['too much', { act: 'card', label: 'x'.repeat(5000) }, 413],
  ])('refuses %s', async (_, body, status) => {
    expect((await act(body)).status).toBe(status);
  });
});
