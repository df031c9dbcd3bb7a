import type { Snapshot } from '../../contract/bridge.ts';
import type { Assets } from './assets.ts';

/** What the build leaves open in a first document, since the hub's file says it. */
export const hubHole = '{{hub}}';
export const pxPerMmHole = '{{px-per-mm}}';

/** Where the build lays the document that holds the attract page already drawn: one for each order of languages, with the banner of a demonstration and without. */
export function firstDocumentPath({ languages, kiosk }: Pick<Snapshot, 'languages' | 'kiosk'>): string {
  return `/first/${languages.join('.')}${kiosk.standIns ? '.stand-ins' : ''}.html`;
}

/** The document of this hub's kiosk, which shows the attract page before any script has run; the script then takes it over. Null where the screens have none. */
export function firstDocument(assets: Assets, snapshot: Snapshot): Buffer | null {
  const template = assets.get(firstDocumentPath(snapshot))?.body();
  if (template === undefined || template === null) return null;
  const { kiosk, language } = snapshot;
  return Buffer.from(
    template
      .toString('utf8')
      .replaceAll(hubHole, () => escaped(kiosk.hub[language]))
      .replaceAll(pxPerMmHole, () => escaped(String(kiosk.pxPerMm))),
  );
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
