import { describe, expect, test } from 'vitest';
import { ensureDebianPackages, packagesFor } from '../../setup/debian-packages.mjs';

describe('Debian packages', () => {
  test.each([
    { name: 'a machine without a display gets one', command: 'start', env: {}, xvfb: true, gpg: false },
    { name: 'a desktop does not', command: 'start', env: { DISPLAY: ':0' }, xvfb: false, gpg: false },
    { name: 'nor does one on Wayland', command: 'start', env: { WAYLAND_DISPLAY: 'wayland-0' }, xvfb: false, gpg: false },
    { name: 'the tests read the virtual card with foreign hosts', command: 'test', env: {}, xvfb: true, gpg: true },
    { name: 'the type check needs none at all', command: 'typecheck', env: {}, xvfb: false, gpg: false },
  ])('$name', ({ command, env, xvfb, gpg }) => {
    const wanted = packagesFor(command, env);
    expect({ xvfb: wanted.includes('xvfb'), gpg: wanted.includes('gpg') }).toEqual({ xvfb, gpg });
  });

  test('nothing is done where nothing is missing', async () => {
    await expect(ensureDebianPackages(['dpkg'])).resolves.toBeUndefined();
  });
});
