import { randomBytes } from 'node:crypto';
import { kioskOrigin } from '../../contract/origin.ts';
import type { ScreenLoss } from '../bridge.ts';
import { CdpPipe, type CdpEvent, type CdpParams } from '../cdp-pipe.ts';
import { assetResponse, isKioskUrl, type Assets } from './assets.ts';
import { bootScript, type BridgeNames } from './boot-script.ts';
import type { ChromiumProcess } from './chromium-process.ts';

export interface SessionListener {
  /** From the execution context of our own main document. */
  onMessage(text: string): void;
  /** From any other context. */
  onForeignMessage(): void;
  onGone(loss: ScreenLoss): void;
}

interface RequestPaused {
  requestId: string;
  frameId: string;
  resourceType: string;
  request: { url: string; method: string };
}

/** The kiosk's paper (look.md), so that no white flashes between two documents. */
const paper = { r: 0xfa, g: 0xf8, b: 0xf3, a: 1 };

/** One life of one browser: its one page, the origin it is served from, and the bridge into it. */
export class ChromiumSession {
  readonly #pipe: CdpPipe;
  readonly #assets: Assets;
  #listener: SessionListener | null = null;
  /** What came before anybody listened. */
  #unheard: ((listener: SessionListener) => void)[] = [];
  readonly #names: BridgeNames;
  readonly #startUrl = `${kioskOrigin}/`;
  #page: { sessionId: string; targetId: string } | null = null;
  #announceHome: () => void = () => undefined;
  /** Resolves when our document is there; its scripts have yet to come. */
  readonly home: Promise<void>;
  /** A slow renderer takes our document before it has heard of the boot script, so no document is answered before this. */
  #bridgeLaid: Promise<unknown> = Promise.resolve();
  /** `deliver` is the page's function: its object id, or what waits for it. */
  #context: { id: number; deliver: string | Promise<string> | null } | null = null;
  #atHome = false;
  /** Answered instead of the plain document until the first page has been shown. */
  #firstDocument: Buffer | null = null;
  /** Hears each message once before `listen`; null: the browser is gone. */
  #early: ((message: string | null) => void) | null = null;
  #gone = false;

  constructor(process: ChromiumProcess, assets: Assets) {
    this.#assets = assets;
    const tag = randomBytes(8).toString('hex');
    this.#names = { send: `send-${tag}`, deliver: `deliver-${tag}` };
    this.home = new Promise((resolve) => {
      this.#announceHome = resolve;
    });
    this.#pipe = new CdpPipe(process.toBrowser, process.fromBrowser, (event) => {
      this.#take(event);
    });
    void process.exited.then(() => {
      this.#end('browser-exited');
    });
    this.#pipe.tell('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: true, flatten: true });
  }

  /** From now on, and all that has come already. */
  listen(listener: SessionListener): void {
    this.#listener = listener;
    const unheard = this.#unheard;
    this.#unheard = [];
    for (const say of unheard) say(listener);
  }

  /**
   * Shows one page before the kiosk itself is loaded. Resolves when it is painted, when the browser is gone, or after `limitMs`. `document`: holds that page already drawn.
   * What the page says meanwhile is kept for `listen`.
   */
  async showFirst(text: string, document: Buffer | null, limitMs: number): Promise<void> {
    const { promise: seen, resolve } = Promise.withResolvers<void>();
    this.#firstDocument = document;
    this.#early = (message) => {
      if (message === '{"signal":"listening"}') this.deliver(text);
      if (message === null || message.startsWith('{"signal":"painted"')) resolve();
    };
    const limit = setTimeout(() => {
      resolve();
    }, limitMs);
    await seen;
    clearTimeout(limit);
    this.#early = null;
    this.#firstDocument = null;
  }

  /** Dropped where our document does not listen. The text travels as a value, so no script with a resident's facts is ever compiled and kept. */
  deliver(text: string): void {
    const context = this.#context;
    if (context === null) return;
    const call = (objectId: string): void => {
      context.deliver = objectId;
      this.#tellPage('Runtime.callFunctionOn', { objectId, functionDeclaration: 'function (text) { this(text); }', arguments: [{ value: text }], silent: true });
    };
    context.deliver ??= this.#takeDeliverFunction(context.id);
    if (typeof context.deliver === 'string') call(context.deliver);
    else void context.deliver.then(call, ignoreClosed);
  }

  /** Clears what a document can leave behind and loads a fresh one. */
  wipe(): void {
    this.#context = null;
    this.#tellPage('Storage.clearDataForOrigin', { origin: kioskOrigin, storageTypes: 'all' });
    this.#tellPage('Network.clearBrowserCookies');
    this.#tellPage('Network.clearBrowserCache');
    // Not before the first document: Chromium draws all of a page once more for it, and keeps both for some seconds (8 MB, 156).
    this.#tellPage('Emulation.setDefaultBackgroundColorOverride', { color: paper });
    this.#tellPage('Page.navigate', { url: this.#startUrl });
    this.#tellPage('Page.resetNavigationHistory');
  }

  /** Makes the page itself this large; the frame of a plain window comes on top. A window that fills the screen cannot be asked. */
  async fit(widthPx: number, heightPx: number): Promise<void> {
    const { windowId } = await this.#pipe.send('Browser.getWindowForTarget', { targetId: this.#page?.targetId });
    await this.#pipe.send('Browser.setContentsSize', { windowId, width: widthPx, height: heightPx });
  }

  async #takeDeliverFunction(contextId: number): Promise<string> {
    const name = JSON.stringify(this.#names.deliver);
    const expression = `(() => { const deliver = globalThis[${name}]; delete globalThis[${name}]; return deliver; })()`;
    const answer = await this.#pipe.send('Runtime.evaluate', { expression, contextId, silent: true }, this.#page?.sessionId);
    return (answer['result'] as { objectId: string }).objectId;
  }

  #tellPage(method: string, params: CdpParams = {}): void {
    if (this.#page !== null) this.#pipe.tell(method, params, this.#page.sessionId);
  }

  #end(loss: ScreenLoss): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#context = null;
    this.#early?.(null);
    this.#tell((listener) => {
      listener.onGone(loss);
    });
  }

  #tell(say: (listener: SessionListener) => void): void {
    if (this.#listener === null) this.#unheard.push(say);
    else say(this.#listener);
  }

  #take(event: CdpEvent): void {
    if (this.#gone) return;
    if (event.method === 'Target.attachedToTarget') {
      const { sessionId, targetInfo } = event.params as { sessionId: string; targetInfo: { targetId: string; type: string; browserContextId?: string } };
      if (this.#page === null && targetInfo.type === 'page') {
        // A private window is a context of its own, which has to be named.
        this.#pipe.tell('Browser.setDownloadBehavior', { behavior: 'deny', browserContextId: targetInfo.browserContextId });
        this.#adopt({ sessionId, targetId: targetInfo.targetId });
      } else this.#pipe.tell('Target.closeTarget', { targetId: targetInfo.targetId });
      return;
    }
    if (event.method === 'Target.detachedFromTarget') {
      if (event.params['sessionId'] === this.#page?.sessionId) this.#end('browser-exited');
      return;
    }
    if (event.sessionId !== this.#page?.sessionId) return;
    this.#takeOfPage(event);
  }

  #adopt(page: { sessionId: string; targetId: string }): void {
    this.#page = page;
    this.#tellPage('Fetch.enable', { patterns: [{ urlPattern: '*' }] });
    this.#tellPage('Page.enable');
    this.#tellPage('Inspector.enable');
    this.#tellPage('Runtime.enable');
    this.#bridgeLaid = Promise.all([
      this.#pipe.send('Runtime.addBinding', { name: this.#names.send }, page.sessionId),
      this.#pipe.send('Page.addScriptToEvaluateOnNewDocument', { source: bootScript(this.#names) }, page.sessionId),
    ]);
    this.#bridgeLaid.catch(ignoreClosed);
    this.#tellPage('Page.setInterceptFileChooserDialog', { enabled: true });
    this.#tellPage('Page.navigate', { url: this.#startUrl });
    this.#tellPage('Runtime.runIfWaitingForDebugger');
  }

  #takeOfPage(event: CdpEvent): void {
    switch (event.method) {
      case 'Fetch.requestPaused':
        this.#answer(event.params as unknown as RequestPaused);
        return;
      case 'Runtime.executionContextCreated': {
        const { context } = event.params as { context: { id: number; origin: string; auxData?: { isDefault?: boolean; frameId?: string } } };
        if (context.origin === kioskOrigin && context.auxData?.isDefault === true && context.auxData.frameId === this.#page?.targetId) {
          this.#context = { id: context.id, deliver: null };
          this.#announceHome();
        }
        return;
      }
      case 'Runtime.executionContextDestroyed':
        if (event.params['executionContextId'] === this.#context?.id) this.#context = null;
        return;
      case 'Runtime.executionContextsCleared':
        this.#context = null;
        return;
      case 'Runtime.bindingCalled': {
        const { name, payload, executionContextId } = event.params as { name: string; payload: string; executionContextId: number };
        const isOurs = name === this.#names.send && executionContextId === this.#context?.id;
        if (isOurs) this.#early?.(payload);
        this.#tell((listener) => {
          if (isOurs) listener.onMessage(payload);
          else listener.onForeignMessage();
        });
        return;
      }
      case 'Page.frameNavigated': {
        const { frame } = event.params as { frame: { id: string; url: string } };
        if (frame.id !== this.#page?.targetId) return;
        if (isKioskUrl(frame.url)) this.#atHome = true;
        else if (this.#atHome) this.#end('wandered');
        return;
      }
      case 'Inspector.targetCrashed':
        this.#end('crashed');
        return;
    }
  }

  /** Our documents and their parts from memory; a foreign document is answered 204, which leaves the page where it is; all else is aborted. */
  #answer(paused: RequestPaused): void {
    const { requestId, resourceType, request } = paused;
    const url = URL.parse(request.url);
    const isDocument = resourceType === 'Document';
    const ofMainFrame = paused.frameId === this.#page?.targetId;
    if (url === null || !isKioskUrl(request.url) || (isDocument && (!ofMainFrame || url.pathname !== '/'))) {
      if (isDocument && ofMainFrame) this.#tellPage('Fetch.fulfillRequest', { requestId, responseCode: 204 });
      else this.#tellPage('Fetch.failRequest', { requestId, errorReason: 'BlockedByClient' });
      return;
    }
    const response = assetResponse(this.#assets, request.method, url);
    const fulfil = (): void => {
      this.#tellPage('Fetch.fulfillRequest', {
        requestId,
        responseCode: response.status,
        responseHeaders: Object.entries(response.headers).map(([name, value]) => ({ name, value })),
        body: (isDocument ? (this.#firstDocument ?? response.body) : response.body).toString('base64'),
      });
    };
    if (isDocument) void this.#bridgeLaid.then(fulfil, ignoreClosed);
    else fulfil();
  }
}

/** The context or the browser went away while something was on its way to it. */
function ignoreClosed(): void {
  return;
}
