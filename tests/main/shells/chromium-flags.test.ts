import { describe, expect, it } from 'vitest';
import { chromiumFlags } from '../../../src/main/shells/chromium-flags.ts';
import { headlessLaunch } from './opened-screen.ts';

const windows = [
  { name: 'at the panel', changes: { headless: false } },
  { name: 'headless', changes: { headless: true } },
  { name: 'smaller, for a demonstration', changes: { headless: false, scale: 0.5 } },
];

describe.each(windows)("the product's flags $name", ({ changes }) => {
  const flags = chromiumFlags({ ...headlessLaunch().window, ...changes }, '/profile');

  it('open no port', () => {
    expect(flags.filter((flag) => /remote-debugging-(port|address)|remote-allow-origins/.test(flag))).toEqual([]);
    expect(flags).toContain('--remote-debugging-pipe');
  });

  it('leave the sandbox on', () => {
    expect(flags.filter((flag) => /sandbox|single-process|no-zygote|disable-web-security|disable-site-isolation/.test(flag))).toEqual([]);
  });

  it('name each switch once: of two lists of features only the last counts', () => {
    const names = flags.map((flag) => flag.split('=')[0]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('reach no host', () => {
    expect(flags).toContain('--proxy-server=127.0.0.1:9');
    expect(flags).toContain('--proxy-bypass-list=<-loopback>');
  });
});

it('is a kiosk window unless it is a demonstration', () => {
  const { window } = headlessLaunch();
  expect(chromiumFlags(window, '/profile')).toContain('--kiosk');
  expect(chromiumFlags({ ...window, scale: 0.5 }, '/profile')).not.toContain('--kiosk');
});
