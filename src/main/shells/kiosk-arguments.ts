import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fail, ok, type Result } from '../../contract/result.ts';
import { distributionChromium } from '../distribution-chromium.ts';

export interface KioskArguments {
  /** null: as the data folder says. */
  named: { hub: string; kiosk: string } | null;
  data: string;
  hubFrom: string[];
  panel: { widthPx: number; heightPx: number } | null;
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
        'hub-from': { type: 'string', multiple: true, default: usualHubPlaces },
        panel: { type: 'string' },
        headless: { type: 'boolean', default: false },
        scale: { type: 'string', default: '1' },
        position: { type: 'string', default: '0,0' },
        confined: { type: 'boolean', default: false },
        chromium: { type: 'string', default: distributionChromium },
        renderer: { type: 'string' },
      },
    });
    const { hub, kiosk, data } = values;
    if (data === undefined) return fail('kiosk-config', '--data is needed');
    if ((hub === undefined) !== (kiosk === undefined)) return fail('kiosk-config', '--hub and --kiosk go together');
    const panel = values.panel === undefined ? null : panelOfWords(values.panel);
    if (panel === undefined) return fail('kiosk-config', '--panel: WIDTHxHEIGHT');
    const scale = Number(values.scale);
    // Chromium takes no smaller device scale factor and draws at this one (measured, 156).
    if (!(scale >= 0.5 && scale <= 3)) return fail('kiosk-config', '--scale: 0.5 to 3');
    const position = /^(-?\d+),(-?\d+)$/.exec(values.position);
    if (position === null) return fail('kiosk-config', '--position: X,Y');
    return ok({
      ...values,
      named: hub === undefined || kiosk === undefined ? null : { hub, kiosk },
      data,
      hubFrom: values['hub-from'],
      panel,
      scale,
      position: { x: Number(position[1]), y: Number(position[2]) },
      renderer: values.renderer,
    });
  } catch (error) {
    return fail('kiosk-config', (error as Error).message);
  }
}

/** Where a stick that was plugged in shows. */
const usualHubPlaces = ['/media', '/run/media', '/mnt'];

function panelOfWords(words: string): { widthPx: number; heightPx: number } | undefined {
  const [, width, height] = /^(\d{3,5})x(\d{3,5})$/.exec(words) ?? [];
  return width === undefined || height === undefined ? undefined : { widthPx: Number(width), heightPx: Number(height) };
}

/**
 * Which kiosk this is: as the arguments say, or as the data folder does since it was set up (workshop/setup-answers.ts). null: it was never set up.
 * Read by hand, as the panel is.
 */
function kioskAt({ named, data }: Pick<KioskArguments, 'named' | 'data'>): Result<{ hub: string; kiosk: string } | null> {
  if (named !== null) return ok(named);
  const path = join(data, 'kiosk.json');
  if (!existsSync(path)) return ok(null);
  const read = readHubJson(path);
  if (!read.ok) return read;
  const { hub, kiosk } = (read.value ?? {}) as { hub?: unknown; kiosk?: unknown };
  return typeof hub === 'string' && typeof kiosk === 'string' ? ok({ hub: join(data, hub), kiosk }) : fail('kiosk-config', path);
}

const connectors = '/sys/class/drm';

/** The first mode of the first connected screen, as the kernel lists it; else what most kiosks have. The page that measures says later what it really is. */
function panelAtHand(): { widthPx: number; heightPx: number } {
  const modes = (existsSync(connectors) ? readdirSync(connectors) : []).flatMap((name) => {
    const path = join(connectors, name, 'modes');
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  });
  return modes.map(panelOfWords).find((panel) => panel !== undefined) ?? { widthPx: 1080, heightPx: 1920 };
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

/** A kiosk on its way to the screen, or the folder that is to become one. */
export interface KioskToStart {
  /** null: first boot. */
  named: { hubJson: unknown; kioskId: string } | null;
  dataDir: string;
  panel: { widthPx: number; heightPx: number };
  /** Where first boot looks for hub files. */
  hubPlaces: string[];
}

/** Fails with `kiosk-config`. */
export function kioskToStart(given: KioskArguments): Result<KioskToStart> {
  const at = kioskAt(given);
  if (!at.ok) return at;
  const rest = { dataDir: given.data, hubPlaces: given.hubFrom };
  if (at.value === null) return ok({ ...rest, named: null, panel: given.panel ?? panelAtHand() });
  const hubJson = readHubJson(at.value.hub);
  if (!hubJson.ok) return hubJson;
  const panel = panelOf(hubJson.value, at.value.kiosk);
  return panel.ok ? ok({ ...rest, named: { hubJson: hubJson.value, kioskId: at.value.kiosk }, panel: panel.value }) : panel;
}
