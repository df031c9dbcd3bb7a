import path from 'node:path';
import { app, BrowserWindow, ipcMain, Menu, session, utilityProcess, type Session, type WebContents } from 'electron';
import type { SpawnHost } from '../../contract/device-host.ts';
import { hostArguments, type HostDuties } from '../../drivers/host-arguments.ts';
import { kioskOrigin } from '../../contract/origin.ts';
import { ok, type Failure, type Result } from '../../contract/result.ts';
import type { Screen, ScreenLoss } from '../bridge.ts';
import { ScreenLink } from '../screen-link.ts';
import { assetResponse, isKioskUrl, readAssets, type Assets } from './assets.ts';
import { messageChannel, snapshotChannel } from './electron-channels.ts';
import { heartbeatIntervalMs } from './heartbeat.ts';
import { kioskToStart, readArguments, type KioskArguments } from './kiosk-arguments.ts';
import { isKioskKey } from './keys-guard.ts';
import { RelaunchPace } from './relaunch-delay.ts';
import { startOnScreen } from './start-on-screen.ts';

const homeUrl = `${kioskOrigin}/`;
const paper = '#FAF8F3';

/** Nothing is served but our assets; whatever else a document asks for is a request that was never made. */
function closeSession(ses: Session, assets: Assets): void {
  ses.protocol.handle('https', (request) => {
    const url = URL.parse(request.url);
    if (url === null || !isKioskUrl(request.url)) return new Response(null, { status: 204 });
    const { status, headers, body } = assetResponse(assets, request.method, url);
    return new Response(new Uint8Array(body), { status, headers });
  });
  ses.webRequest.onBeforeRequest((details, answer) => {
    answer({ cancel: !isKioskUrl(details.url) });
  });
  ses.setPermissionRequestHandler((_contents, _permission, answer) => {
    answer(false);
  });
  ses.setPermissionCheckHandler(() => false);
  ses.setDevicePermissionHandler(() => false);
  ses.setDisplayMediaRequestHandler((_request, answer) => {
    answer({});
  });
  ses.setSpellCheckerEnabled(false);
  ses.on('will-download', (event) => {
    event.preventDefault();
  });
}

/** No way out of our one document: not by link, script, frame, window, key or zoom. */
function closeContents(contents: WebContents): void {
  const stay = (event: { preventDefault(): void; url: string }): void => {
    if (event.url !== homeUrl) event.preventDefault();
  };
  contents.on('will-navigate', stay);
  contents.on('will-frame-navigate', stay);
  contents.on('will-redirect', stay);
  contents.on('will-attach-webview', (event) => {
    event.preventDefault();
  });
  contents.on('will-prevent-unload', (event) => {
    event.preventDefault();
  });
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('before-input-event', (event, input) => {
    if (!isKioskKey({ key: input.key, ctrlKey: input.control, altKey: input.alt, metaKey: input.meta })) event.preventDefault();
  });
  contents.on('select-bluetooth-device', (event, _devices, choose) => {
    event.preventDefault();
    choose('');
  });
}

/** The kiosk's one window, supervised: a crashed, hung or strayed page is loaded again. */
class ElectronScreen {
  readonly link: ScreenLink;
  readonly #window: BrowserWindow;
  readonly #pace = new RelaunchPace();
  readonly #heartbeat: NodeJS.Timeout;
  #closed = false;
  #reloading = false;

  constructor(ses: Session, panel: { widthPx: number; heightPx: number }, { scale, position }: KioskArguments, preload: string) {
    this.#window = new BrowserWindow({
      ...position,
      width: Math.round(panel.widthPx * scale),
      height: Math.round(panel.heightPx * scale),
      useContentSize: true,
      kiosk: scale === 1,
      frame: scale !== 1,
      roundedCorners: false,
      resizable: false,
      backgroundColor: paper,
      webPreferences: {
        session: ses,
        preload,
        zoomFactor: scale,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        nodeIntegrationInSubFrames: false,
        webSecurity: true,
        webviewTag: false,
        devTools: false,
        disableDialogs: true,
        spellcheck: false,
        navigateOnDragDrop: false,
        backgroundThrottling: false,
      },
    });
    const contents = this.#window.webContents;
    this.link = new ScreenLink(
      {
        deliver: (text) => {
          contents.send(snapshotChannel, text);
        },
        wipe: () => {
          void this.#wipe(ses);
        },
        close: () => this.#close(),
      },
      () => performance.now(),
    );
    this.#window.on('close', (event) => {
      if (!this.#closed) event.preventDefault();
    });
    contents.on('render-process-gone', () => {
      this.#lose('crashed');
    });
    contents.on('did-navigate', (_event, url) => {
      if (!isKioskUrl(url)) this.#lose('wandered');
    });
    ipcMain.on(messageChannel, (event, text: unknown) => {
      const isOurs = event.sender === contents && event.senderFrame === contents.mainFrame && isKioskUrl(event.senderFrame?.url ?? '');
      if (isOurs && typeof text === 'string') this.link.receive(text);
      else this.link.dropped('foreign-frame');
    });
    this.#heartbeat = setInterval(() => {
      if (this.link.beat() !== 'hung') return;
      contents.forcefullyCrashRenderer();
      this.#lose('hung');
    }, heartbeatIntervalMs);
  }

  async load(): Promise<void> {
    const contents = this.#window.webContents;
    await contents.loadURL(homeUrl).catch((error: unknown) => {
      report({ code: 'screen-lost', detail: (error as Error).message });
    });
    await contents.setVisualZoomLevelLimits(1, 1);
  }

  #lose(loss: ScreenLoss): void {
    if (this.#closed || this.#reloading) return;
    this.#reloading = true;
    this.link.lost(loss);
    setTimeout(() => {
      this.#reloading = false;
      if (!this.#closed) void this.load();
    }, this.#pace.next(performance.now()));
  }

  async #wipe(ses: Session): Promise<void> {
    await Promise.all([ses.clearStorageData(), ses.clearCache(), ses.clearAuthCache()]);
    await this.load();
    this.#window.webContents.navigationHistory.clear();
  }

  #close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#heartbeat);
    this.#window.destroy();
    return Promise.resolve();
  }
}

/** The device host in a utility process: `child_process.fork` would need the RunAsNode fuse. */
function spawnUtilityHost(hostPath: string, duties: HostDuties): SpawnHost {
  return () => {
    const { PATH, PCSCLITE_CSOCK_NAME } = process.env;
    const env = { ...(PATH === undefined ? {} : { PATH }), ...(PCSCLITE_CSOCK_NAME === undefined ? {} : { PCSCLITE_CSOCK_NAME }) };
    const child = utilityProcess.fork(hostPath, hostArguments(duties), { serviceName: 'devices', stdio: ['ignore', 'ignore', 'inherit'], env });
    return {
      post: (message) => {
        child.postMessage(message);
      },
      onMessage: (listener) => {
        child.on('message', listener);
      },
      onExit: (listener) => {
        child.once('exit', () => {
          listener();
        });
      },
      kill: () => {
        // `child.kill` sends SIGTERM, which a thread that waits for a mute card may never let through.
        if (child.pid !== undefined) process.kill(child.pid, 'SIGKILL');
      },
    };
  };
}

async function openElectronScreen(panel: { widthPx: number; heightPx: number }, args: KioskArguments): Promise<Result<Screen>> {
  const assets = await readAssets(args.renderer ?? path.join(app.getAppPath(), 'dist/package/renderer'));
  if (!assets.ok) return assets;
  // Without `persist:` the session lives in memory alone.
  const ses = session.fromPartition('kiosk');
  closeSession(ses, assets.value);
  const screen = new ElectronScreen(ses, panel, args, path.join(app.getAppPath(), '.vite/build/electron-preload.cjs'));
  void screen.load();
  return ok(screen.link);
}

async function run(): Promise<Result<null>> {
  const args = readArguments(process.argv.slice(app.isPackaged ? 1 : 2).filter((argument) => !argument.startsWith('--inspect')));
  if (!args.ok) return args;
  const toStart = kioskToStart(args.value);
  if (!toStart.ok) return toStart;

  await app.whenReady();
  Menu.setApplicationMenu(null);
  const hostPath = path.join(app.getAppPath(), '.vite/build/host.cjs');
  const kiosk = await startOnScreen({
    screen: openElectronScreen(toStart.value.panel, args.value),
    kiosk: toStart.value,
    version: app.getVersion(),
    spawnHost: (duties) => spawnUtilityHost(hostPath, duties),
    onTrouble: report,
  });
  if (!kiosk.ok) return kiosk;
  const end = (): void => {
    void kiosk.value.stop().then(() => {
      app.exit(0);
    });
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  return ok(null);
}

function report(failure: Failure): void {
  process.stderr.write(`${JSON.stringify({ code: failure.code, detail: failure.detail })}\n`);
}

app.enableSandbox();
for (const [name, value] of [['disable-pinch'], ['overscroll-history-navigation', '0'], ['host-resolver-rules', 'MAP * ~NOTFOUND'], ['no-pings'], ['disable-background-networking']] as const) {
  app.commandLine.appendSwitch(name, value);
}
app.on('web-contents-created', (_event, contents) => {
  closeContents(contents);
});
app.on('window-all-closed', () => undefined);
if (!app.requestSingleInstanceLock()) {
  app.exit(0);
} else {
  void run().then((result) => {
    if (result.ok) return;
    report(result.failure);
    app.exit(result.failure.code === 'kiosk-config' ? 2 : 3);
  });
}
