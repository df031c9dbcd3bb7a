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
  const { widthPx, heightPx, scale } = window;
  // Sizes and positions are given in pixels of the page; the scale factor makes them pixels of the display.
  const position = { x: Math.round(window.position.x / scale), y: Math.round(window.position.y / scale) };
  return [
    `--app=${startUrl}`,
    `--user-data-dir=${profileDir}`,
    '--remote-debugging-pipe',
    // Cookies and storage live in memory, and no request waits for a database on the disk.
    '--incognito',
    ...(window.headless ? ['--headless', `--screen-info={${Math.round(widthPx * scale)}x${Math.round(heightPx * scale)}}`] : []),
    ...(scale === 1 ? ['--kiosk'] : []),
    `--force-device-scale-factor=${scale}`,
    `--window-size=${widthPx},${heightPx}`,
    `--window-position=${position.x},${position.y}`,
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
    ...noNetwork(scale === 1),
    `--disable-features=${disabledFeatures.join(',')}`,
  ];
}

/**
 * Requests are answered before they reach a network; this is the second lock. Every address goes to a port of this machine where nothing listens.
 * In a plain window Chromium shows a bar for `--host-resolver-rules`, so only the real kiosk has it as well.
 */
function noNetwork(isKiosk: boolean): string[] {
  return ['--proxy-server=127.0.0.1:9', '--proxy-bypass-list=<-loopback>', ...(isKiosk ? ['--host-resolver-rules=MAP * ~NOTFOUND'] : [])];
}
