import { execFileSync } from 'node:child_process';

export interface Size {
  width: number;
  height: number;
}

/** Where the kiosk's window and the dock's stand, in pixels of the desktop. */
export interface Places {
  /** The kiosk's panel is drawn this much smaller. */
  scale: number;
  kiosk: { x: number; y: number };
  dock: { x: number; y: number } & Size;
  /** Both windows are in full view. */
  fits: boolean;
}

/** Title bar and panels of a desktop, and what is left free around a window. */
const frameHeight = 80;
const gap = 12;
const dockWidth = { least: 370, most: 430 } as const;
const longestDock = 940;
/** At 1 the kiosk takes the whole screen, and no dock fits beside it. */
const largestScale = 0.9;
/** Chromium takes no smaller device scale factor and draws at this one (measured, 156). */
const smallestScale = 0.5;

export const hasDisplay = (env: NodeJS.ProcessEnv): boolean => Boolean(env['DISPLAY'] ?? env['WAYLAND_DISPLAY']);

/**
 * Kiosk on the left, dock on the right of it. On 1920 × 1080 an upright panel of 1080 × 1920 is drawn at 0.52: 562 × 998, with the
 * dock at x = 586.
 */
export function placeWindows(desktop: Size, panel: Size): Places {
  const room = { width: desktop.width - dockWidth.least - 3 * gap, height: desktop.height - frameHeight };
  const fitting = Math.min(room.width / panel.width, room.height / panel.height, largestScale);
  const scale = Math.floor(Math.max(fitting, smallestScale) * 100) / 100;
  const width = Math.round(panel.width * scale);
  const left = desktop.width - width - 3 * gap;
  return {
    scale,
    kiosk: { x: gap, y: 0 },
    dock: { x: 2 * gap + width, y: 0, width: Math.max(dockWidth.least, Math.min(left, dockWidth.most)), height: Math.min(room.height, longestDock) },
    fits: fitting >= smallestScale,
  };
}

/** Of the X server, by whichever of the usual programs is there; else what nearly every screen has. */
export function desktopSize(): Size {
  for (const [program, args, pattern] of [
    ['xdpyinfo', [], /dimensions:\s+(\d+)x(\d+)/],
    ['xrandr', ['--current'], /current (\d+) x (\d+)/],
  ] as const) {
    try {
      const [, width, height] = pattern.exec(execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) ?? [];
      if (width !== undefined && height !== undefined) return { width: Number(width), height: Number(height) };
    } catch {
      continue;
    }
  }
  return { width: 1366, height: 768 };
}
