import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readStartOptions } from '../../../tools/demo/start-options.ts';

const dir = mkdtempSync(join(tmpdir(), 'start-options-'));
afterAll(() => rmSync(dir, { recursive: true }));

describe('what npm start takes', () => {
  it('the demonstration, kept between runs', () => {
    expect(readStartOptions([], '/house')).toEqual({
      hubFile: null,
      serverFile: null,
      kiosk: null,
      virtualReader: true,
      tls: false,
      validators: null,
      dataDir: '/house/out/demo',
      fresh: false,
      scale: null,
    });
  });

  it('another hub, started where its server file lies beside it', () => {
    const hub = join(dir, 'north.json');
    writeFileSync(hub, '{}');
    expect(readStartOptions(['--hub', hub], '/house')).toMatchObject({ hubFile: hub, serverFile: null, dataDir: '/house/out/north' });
    writeFileSync(join(dir, 'north.server.json'), '{}');
    expect(readStartOptions(['--hub', hub, '--reader', 'real'], '/house')).toMatchObject({ serverFile: join(dir, 'north.server.json'), virtualReader: false });
  });

  it('the demonstration over TLS, with the same data', () => {
    expect(readStartOptions(['--tls'], '/house')).toMatchObject({ tls: true, dataDir: '/house/out/demo' });
    const hub = join(dir, 'north.json');
    writeFileSync(hub, '{}');
    expect(readStartOptions(['--tls', '--hub', hub], '/house')).toMatch(/--tls is for the demonstration/);
  });

  it('the demonstration with several validators, with data of its own', () => {
    expect(readStartOptions(['--validators', '4'], '/house')).toMatchObject({ validators: 4, dataDir: '/house/out/demo-validators' });
    const hub = join(dir, 'north.json');
    writeFileSync(hub, '{}');
    expect(readStartOptions(['--validators', '4', '--hub', hub], '/house')).toMatch(/--validators is for the demonstration/);
  });

  it.each([
    [['--validators', '0'], '--validators is 1 to 7'],
    [['--validators', 'four'], '--validators is 1 to 7'],
    [['--reader', 'none'], '--reader is virtual or real'],
    [['--scale', '0.4'], '--scale is 0.5 to 3'],
    [['--scale', 'big'], '--scale is 0.5 to 3'],
    [['--hub', '/nowhere/hub.json'], '/nowhere/hub.json is not there'],
    [['--colour'], /--colour/],
  ])('refuses %j', (args, said) => {
    expect(readStartOptions(args, '/house')).toMatch(said);
  });
});
