import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fail, ok, type Result } from '../../contract/result.ts';
import { distributionChromium } from './chromium-process.ts';

export const usage = `imi kiosk --hub FILE --kiosk ID --data DIR
  --headless           no display (tests, the tour)
  --scale N            the whole screen smaller, down to 0.5, in a plain window, for a demonstration
  --position X,Y       left upper corner of that window
  --confined           the browser in bubblewrap: no network, no files
  --chromium PATH      another browser than ${distributionChromium}
  --renderer DIR       another build of the screens than dist/renderer`;

export interface KioskArguments {
  hub: string;
  kiosk: string;
  data: string;
  headless: boolean;
  scale: number;
  position: { x: number; y: number };
  confined: boolean;
  chromium: string;
  renderer: string | undefined;
}

/** Fails with `kiosk-config`. */
export function readArguments(args: readonly string[]): Result<KioskArguments> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        hub: { type: 'string' },
        kiosk: { type: 'string' },
        data: { type: 'string' },
        headless: { type: 'boolean', default: false },
        scale: { type: 'string', default: '1' },
        position: { type: 'string', default: '0,0' },
        confined: { type: 'boolean', default: false },
        chromium: { type: 'string', default: distributionChromium },
        renderer: { type: 'string' },
      },
    });
    const { hub, kiosk, data } = values;
    if (hub === undefined || kiosk === undefined || data === undefined) return fail('kiosk-config', '--hub, --kiosk and --data are needed');
    const scale = Number(values.scale);
    // Chromium takes no smaller device scale factor and draws at this one (measured, 156).
    if (!(scale >= 0.5 && scale <= 3)) return fail('kiosk-config', '--scale: 0.5 to 3');
    const position = /^(-?\d+),(-?\d+)$/.exec(values.position);
    if (position === null) return fail('kiosk-config', '--position: X,Y');
    return ok({
      ...values,
      hub,
      kiosk,
      data,
      scale,
      position: { x: Number(position[1]), y: Number(position[2]) },
      renderer: values.renderer,
    });
  } catch (error) {
    return fail('kiosk-config', (error as Error).message);
  }
}

export function readHubJson(file: string): Result<unknown> {
  try {
    return ok(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    return fail('kiosk-config', `${file}: ${(error as NodeJS.ErrnoException).code ?? 'not JSON'}`);
  }
}

/** The panel's size alone, read by hand: the schema that checks the whole file is loaded while the browser starts. */
export function panelOf(hubJson: unknown, kioskId: string): Result<{ widthPx: number; heightPx: number }> {
  const { kiosks } = (hubJson ?? {}) as { kiosks?: Record<string, { screen?: { widthPx?: unknown; heightPx?: unknown } }> };
  const { widthPx, heightPx } = kiosks?.[kioskId]?.screen ?? {};
  if (!Number.isSafeInteger(widthPx) || !Number.isSafeInteger(heightPx)) return fail('kiosk-config', `no screen of kiosk ${kioskId}`);
  return ok({ widthPx: widthPx as number, heightPx: heightPx as number });
}
