import { existsSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { distributionChromium } from '../../../src/main/distribution-chromium.ts';
import { OpenedScreen } from './opened-screen.ts';
import { listeningSockets, processesBelow, processStatus, socketsOf } from './processes.ts';

const noBrowser = !existsSync(distributionChromium);

describe.skipIf(noBrowser)('a page in the Chromium shell', { timeout: 20_000 }, () => {
  let opened: OpenedScreen;
  beforeAll(async () => {
    opened = await OpenedScreen.open();
    await opened.paints();
  }, 30_000);
  afterAll(() => opened.screen.close());

  const refused: { name: string; answer: string | RegExp }[] = [
    { name: 'fetch', answer: 'TypeError' },
    { name: 'fetch-own', answer: 'TypeError' },
    { name: 'eval', answer: 'EvalError' },
    { name: 'new-function', answer: 'EvalError' },
    { name: 'inner-html', answer: 'TypeError' },
    { name: 'inline', answer: 'blocked' },
    { name: 'window', answer: 'blocked' },
    { name: 'window-own', answer: 'blocked' },
    { name: 'alert', answer: 'nothing' },
    { name: 'websocket', answer: 'error' },
    { name: 'image', answer: 'error' },
    { name: 'geolocation', answer: 'denied' },
    { name: 'usb', answer: 'SecurityError' },
    { name: 'binding-left', answer: 'none' },
  ];
  it.each(refused)('refuses $name', async ({ name, answer }) => {
    expect(await opened.try(name)).toMatch(answer);
  });

  it('is a secure context of our origin, without what isolation from other windows would add', async () => {
    expect(await opened.try('secure')).toBe('true false https://imi.internal');
  });

  it('does not run a worker', async () => {
    expect(await opened.try('worker')).toMatch(/error|SecurityError|TypeError/);
  });

  it.each(['link', 'download'])('stays where it is after %s', async (name) => {
    await opened.try(name);
    await opened.paints();
    expect(await opened.try('secure')).toContain('https://imi.internal');
    expect(opened.losses.all).toEqual([]);
  });

  it('has the size of the panel', async () => {
    expect(await opened.try('zoom')).toBe('1 1 1080x1920');
  });

  it.each([
    { name: 'large', reason: 'too-large' },
    { name: 'nonsense', reason: 'not-an-intent' },
  ])('drops a message: $name', async ({ name, reason }) => {
    const dropped = opened.drops.next((drop) => drop === reason);
    opened.show(name);
    expect(await dropped).toBe(reason);
    expect(opened.intents.all.filter((intent) => intent.intent === 'answer.submit' && intent.value.length > 500)).toEqual([]);
  });

  it('does not put a frame on the page', async () => {
    expect(await opened.try('frame')).not.toContain('imi.internal');
  });

  it('does not hear another frame', async () => {
    const heard = opened.intents.all.length;
    await opened.try('frame-speaks');
    await opened.paints();
    expect(opened.intents.all.slice(heard).map(({ intent }) => intent)).not.toContain('help.open');
  });

  it('does not send a snapshot over the limit', async () => {
    const dropped = opened.drops.next((drop) => drop === 'snapshot-too-large');
    opened.screen.show({ seq: 1e6, try: 'x'.repeat(70_000) } as never);
    expect(await dropped).toBe('snapshot-too-large');
    await opened.paints();
  });

  it('hears no flood', async () => {
    const before = opened.intents.all.length;
    const dropped = opened.drops.next((drop) => drop === 'too-many');
    opened.show('flood');
    expect(await dropped).toBe('too-many');
    expect(opened.intents.all.length - before).toBeLessThan(60);
  });

  it('listens on no port', () => {
    const sockets = new Set(processesBelow(opened.browser.pid).flatMap(socketsOf));
    const listening = listeningSockets().filter((inode) => sockets.has(inode));
    expect(sockets.size).toBeGreaterThan(0);
    expect(listening).toEqual([]);
  });

  it.skipIf(process.getuid?.() !== 0)('runs nothing as root, and its profile belongs to who it runs as', () => {
    const uids = processesBelow(opened.browser.pid).map((pid) => Number(/^Uid:\s+(\d+)/m.exec(processStatus(pid))?.[1]));
    expect(uids.length).toBeGreaterThan(2);
    expect(new Set(uids)).toEqual(new Set([statSync(opened.browser.profileDir).uid]));
    expect(uids).not.toContain(0);
    expect(statSync(opened.browser.profileDir).mode & 0o077).toBe(0);
  });
});
