import { kioskOrigin } from '../../contract/origin.ts';

export interface ChromiumWindow {
  widthPx: number;
  heightPx: number;
  /** No display is needed; for tests and the tour. */
  headless: boolean;
  /** Below 1: the whole screen drawn smaller, in a plain window, for a demonstration on a desktop. */
  scale: number;
  /** Left upper corner of such a window. */
  position: { x: number; y: number };
}

const disabledFeatures = [
  'Translate',
  'MediaRouter',
  'LensOverlay',
  'OptimizationHints',
  'NetworkTimeServiceQuerying',
  'AimEnabled',
  'PreconnectToSearch',
  'OverscrollHistoryNavigation',
  'HttpsUpgrades',
  'PaintHolding',
  'SpareRendererForSitePerProcess',
];

/**
 * The flags of the kiosk's browser. It is driven over a pipe that only its parent holds; no flag opens a port.
 * `--disable-features` stands once: only the last one counts.
 */
export function chromiumFlags(window: ChromiumWindow, profileDir: string, startUrl = `${kioskOrigin}/`): string[] {
  const width = Math.round(window.widthPx * window.scale);
  const height = Math.round(window.heightPx * window.scale);
  return [
    `--app=${startUrl}`,
    `--user-data-dir=${profileDir}`,
    '--remote-debugging-pipe',
    ...(window.headless ? ['--headless', `--screen-info={${width}x${height}}`] : []),
    ...(window.scale === 1 ? ['--kiosk'] : []),
    `--force-device-scale-factor=${window.scale}`,
    `--window-size=${width},${height}`,
    `--window-position=${window.position.x},${window.position.y}`,
    '--disable-pinch',
    '--overscroll-history-navigation=0',
    '--noerrdialogs',
    '--hide-crash-restore-bubble',
    '--disable-infobars',
    '--no-first-run',
    '--no-default-browser-check',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-component-extensions-with-background-pages',
    '--disable-extensions',
    '--disable-sync',
    '--disable-breakpad',
    '--disable-domain-reliability',
    '--disable-back-forward-cache',
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
    '--no-pings',
    '--password-store=basic',
    '--host-resolver-rules=MAP * ~NOTFOUND',
    `--disable-features=${disabledFeatures.join(',')}`,
  ];
}
