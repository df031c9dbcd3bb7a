import { describe, expect, it } from 'vitest';
import { hasDisplay, placeWindows } from '../../../tools/demo/desktop.ts';

const upright = { width: 1080, height: 1920 };
const lying = { width: 1920, height: 1080 };

describe('the windows of the demonstration', () => {
  it.each([
    { name: 'an upright kiosk on a usual screen', desktop: { width: 1920, height: 1080 }, panel: upright, scale: 0.52, fits: true },
    { name: 'an upright kiosk on a large screen', desktop: { width: 3840, height: 2160 }, panel: upright, scale: 0.9, fits: true },
    { name: 'an upright kiosk on the least that will do', desktop: { width: 946, height: 1040 }, panel: upright, scale: 0.5, fits: true },
    { name: 'an upright kiosk on one pixel less', desktop: { width: 946, height: 1039 }, panel: upright, scale: 0.5, fits: false },
    { name: 'an upright kiosk on one pixel narrower', desktop: { width: 945, height: 1040 }, panel: upright, scale: 0.5, fits: false },
    { name: 'an upright kiosk on a small laptop', desktop: { width: 1366, height: 768 }, panel: upright, scale: 0.5, fits: false },
    { name: 'a lying kiosk on a small laptop', desktop: { width: 1366, height: 768 }, panel: lying, scale: 0.5, fits: true },
  ])('$name', ({ desktop, panel, scale, fits }) => {
    const places = placeWindows(desktop, panel);
    expect(places).toMatchObject({ scale, fits });
    expect(places.dock.x).toBeGreaterThanOrEqual(places.kiosk.x + panel.width * scale);
    if (!fits) return;
    expect(places.dock.x + places.dock.width).toBeLessThanOrEqual(desktop.width);
    expect(places.kiosk.y + panel.height * scale).toBeLessThanOrEqual(desktop.height);
  });

  it.each([
    [{}, false],
    [{ DISPLAY: '' }, false],
    [{ DISPLAY: ':0' }, true],
    [{ WAYLAND_DISPLAY: 'wayland-0' }, true],
  ])('with %j there is a display: %s', (env, expected) => {
    expect(hasDisplay(env)).toBe(expected);
  });
});
