import type { Snapshot } from '../../contract/bridge.ts';
import type { HubFile } from '../../contract/hub-file.ts';

/**
 * The attract page as it is before the kiosk is loaded; the kiosk's own snapshots begin at 1 and replace it.
 * The schema that checks the hub's file comes with the kiosk; here only what this page is made of is looked at. Null where it is not there: the start then ends with `kiosk-config`.
 */
export function firstSnapshot(hubJson: unknown, kioskId: string): Snapshot | null {
  const { name, help, languages, kiosks } = hubJson as Partial<HubFile>;
  const { screen, standIns = false } = kiosks?.[kioskId] ?? {};
  const language = Array.isArray(languages) ? languages[0] : undefined;
  if (name === undefined || help === undefined || languages === undefined || language === undefined || screen === undefined) return null;
  return {
    seq: 0,
    language,
    languages,
    kiosk: { id: kioskId, hub: name, help, pxPerMm: screen.pxPerMm, standIns },
    cardIn: false,
    staffWaits: false,
    overlay: null,
    page: { page: 'attract' },
  };
}
