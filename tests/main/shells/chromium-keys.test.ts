import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { distributionChromium } from '../../../src/main/distribution-chromium.ts';
import { headlessLaunch, OpenedScreen } from './opened-screen.ts';

const missing = [distributionChromium, '/usr/bin/Xvfb', '/usr/bin/xdotool'].filter((program) => !existsSync(program));

/** What passers-by with a keyboard try. Shift+Escape cannot be caught by a page and is left to the input allow-list. */
const combinations = [
  'ctrl+t',
  'ctrl+n',
  'ctrl+shift+n',
  'ctrl+shift+t',
  'F1',
  'ctrl+h',
  'ctrl+j',
  'ctrl+shift+o',
  'ctrl+shift+Delete',
  'ctrl+p',
  'ctrl+s',
  'ctrl+o',
  'ctrl+u',
  'ctrl+l',
  'alt+d',
  'F12',
  'ctrl+shift+i',
  'ctrl+shift+j',
  'ctrl+shift+c',
  'F5',
  'ctrl+r',
  'ctrl+shift+r',
  'alt+Left',
  'alt+Home',
  'XF86Back',
  'ctrl+plus',
  'ctrl+minus',
  'F3',
  'ctrl+f',
  'F7',
  'F10',
  'F11',
  'Escape',
  'alt+f',
  'ctrl+w',
  'ctrl+shift+w',
  'ctrl+F4',
  'alt+F4',
  'ctrl+q',
  'Super_L',
  'Menu',
];

describe.skipIf(missing.length > 0)('keys at the kiosk', { timeout: 15_000 }, () => {
  let server: ChildProcess;
  let opened: OpenedScreen;
  let asOpened: { windows: string[]; page: string };
  let display = '';
  const formerDisplay = process.env['DISPLAY'];

  const xdotool = (...args: string[]): string => execFileSync('xdotool', args, { encoding: 'utf8', env: { ...process.env, DISPLAY: display } });
  const windows = (): string[] => xdotool('search', '--onlyvisible', '--name', '.*').trim().split('\n');

  const heardOf = (question: string): string[] =>
    opened.intents.all.flatMap((intent) => (intent.intent === 'answer.submit' && intent.question === question ? [intent.value] : []));

  /** The page hears this key only after the browser has dealt with all that came before it. Answers with the page's zoom and size. */
  const hearsKey = async (key: string): Promise<string> => {
    const heard = opened.intents.next((intent) => intent.intent === 'answer.submit' && intent.question === 'keydown' && intent.value.startsWith(`${key} `));
    xdotool('key', key);
    await heard;
    return heardOf('keydown').at(-1)?.slice(key.length + 1) ?? '';
  };

  beforeAll(async () => {
    server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1080x1920x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    display = await new Promise<string>((resolve) => {
      (server.stdio[3] as Readable).once('data', (number: Buffer) => {
        resolve(`:${number.toString().trim()}`);
      });
    });
    process.env['DISPLAY'] = display;
    opened = await OpenedScreen.open({ window: { ...headlessLaunch().window, headless: false } });
    await opened.paints();
    xdotool('mousemove', '500', '1000', 'click', '1');
    await opened.try('focus');
    asOpened = { windows: windows(), page: await hearsKey('a') };
  }, 40_000);

  afterAll(async () => {
    await opened.screen.close();
    server.kill();
    if (formerDisplay === undefined) delete process.env['DISPLAY'];
    else process.env['DISPLAY'] = formerDisplay;
  });

  it.each(combinations)('%s does nothing', async (combination) => {
    xdotool('key', combination);
    const page = await hearsKey('b');
    expect({ windows: windows(), page }).toEqual(asOpened);
    expect(opened.losses.all).toEqual([]);
    expect(heardOf('keydown').filter((heard) => !/^[ab] /.test(heard))).toEqual([]);
  });

  it.each(['2', '3'])('mouse button %s does nothing', async (button) => {
    xdotool('click', button);
    const page = await hearsKey('b');
    expect({ windows: windows(), page }).toEqual(asOpened);
    expect([...heardOf('contextmenu'), ...heardOf('auxclick')]).toEqual([]);
  });

  it('characters and Tab reach the page', async () => {
    await hearsKey('a');
    await hearsKey('Tab');
    expect(await opened.try('typed')).toMatch(/^[ab]+$/);
  });
});
