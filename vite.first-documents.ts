import path from 'node:path';
import { runnerImport, type Plugin } from 'vite';
import type { Snapshot } from './src/contract/bridge.ts';
import { languages, type Language } from './src/contract/language.ts';
import { firstDocumentPath, hubHole, pxPerMmHole } from './src/main/shells/first-document.ts';

const root = path.join(import.meta.dirname, 'src/renderer');

interface FirstPage {
  drawScreen(snapshot: Snapshot): Promise<string>;
}

/**
 * Waits until the first document has been painted: whatever comes before holds its styles and its font up, and the paint. Until the screens' script takes over, a
 * touch is kept for it (src/renderer/first-touch.ts). `later`: the tags of what the screens load ahead.
 */
const startScript = (later: readonly string[]): string => `let touched = null;
const keep = ({ target }) => (touched = target.closest('button') ?? touched);
addEventListener('click', keep, true);
globalThis.takeFirstTouch = () => {
  removeEventListener('click', keep, true);
  delete globalThis.takeFirstTouch;
  return touched;
};
requestAnimationFrame(() =>
  requestAnimationFrame(() => {
    for (const attributes of ${JSON.stringify(later.map(attributesOf))}) {
      const link = document.createElement('link');
      for (const [name, value] of attributes) link.setAttribute(name, value);
      document.head.append(link);
    }
    import('/assets/index.js');
  }),
);
`;
const attributesOf = (tag: string): [name: string, value: string][] => [...tag.matchAll(/ ([a-z]+)(?:="([^"]*)")?/g)].map(([, name = '', value = '']) => [name, value]);

const scriptTag = '<script type="module" crossorigin src="/assets/index.js"></script>';
const startTag = '<script type="module" crossorigin src="/assets/start.js"></script>';
/** Modules, and the font of what is not on the attract page. */
const laterTags = /<link rel="(?:modulepreload"|preload" href="\/assets\/pages\.woff2")[^>]*>/g;
const emptyScreen = '<div id="kiosk"></div>';

/** For what runs while it is built: `runnerImport` of Vite 8.3 fails in its own plugin for styles. */
const withoutStyles: Plugin = {
  name: 'without-styles',
  enforce: 'pre',
  resolveId: (id) => (id.includes('vue&type=style') ? '\0no-style' : undefined),
  load: (id) => (id === '\0no-style' ? '' : undefined),
};

/** For each kind of hub the document with the attract page already drawn: what a kiosk shows while its script and all the rest are still to be loaded. `plugins`: what the screens are compiled with. */
export const firstDocuments = (plugins: Plugin[]): Plugin => ({
  name: 'first-documents',
  enforce: 'post',
  async generateBundle(_options, bundle) {
    const index = bundle['index.html'];
    const plain = index?.type === 'asset' ? String(index.source) : '';
    const later = plain.match(laterTags) ?? [];
    const isAsKnown = [scriptTag, emptyScreen, '<html lang="zh-Hans">', '<title>Kiosk</title>'].every((part) => plain.includes(part)) && ['words.js', 'pages.woff2'].every((name) => later.some((tag) => tag.includes(name)));
    if (!isAsKnown) this.error('index.html is not what a first document is made of');
    this.emitFile({ type: 'asset', fileName: 'assets/start.js', source: startScript(later) });
    const { module } = await runnerImport<FirstPage>(path.join(root, 'first-page.ts'), { configFile: false, root, logLevel: 'error', plugins: [withoutStyles, ...plugins] });
    for (const order of languageOrders(languages)) {
      for (const standIns of [false, true]) {
        const [language] = order;
        if (language === undefined) continue;
        const kiosk = { id: '', hub: { 'zh-Hans': hubHole, en: hubHole }, help: { 'zh-Hans': '', en: '' }, pxPerMm: 1, standIns };
        const screen = await module.drawScreen({ seq: 0, language, languages: order, kiosk, cardIn: false, staffWaits: false, overlay: null, page: { page: 'attract' } });
        const source = plain
          .replace('<html lang="zh-Hans">', `<html lang="${language}" data-px-per-mm="${pxPerMmHole}">`)
          .replace('<title>Kiosk</title>', `<title>${hubHole}</title>`)
          .replace(scriptTag, startTag)
          .replaceAll(laterTags, '')
          .replace(emptyScreen, () => `<div id="kiosk">${screen}</div>`);
        this.emitFile({ type: 'asset', fileName: firstDocumentPath({ languages: order, kiosk }).slice(1), source });
      }
    }
  },
});

/** Every order of every choice of languages: the first is what a kiosk begins in, all stand in its switch. */
function languageOrders(left: readonly Language[]): Language[][] {
  return left.flatMap((one) => [[one], ...languageOrders(left.filter((other) => other !== one)).map((rest) => [one, ...rest])]);
}
