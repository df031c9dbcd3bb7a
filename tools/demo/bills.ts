import { readdirSync, readFileSync } from 'node:fs';
import type { Localized } from '../../src/contract/language.ts';
import { readCatalogueFile, serviceGroups } from '../../src/contract/service.ts';
import { demoParties } from './parties.ts';

/** A bill as an agency sends it, with a bar code (Code 128). */
export interface DemoBill {
  /** The service that it opens. */
  service: string;
  /** The agency that sent it. */
  sender: Localized;
  text: string;
}

const meterNumber = '4071882563';
const month = '202611';

/** One of each service that takes bills. Worked: `WB` of the water works, 8 digits of a meter, 6 more → WB40718825202611. */
export function demoBills(): DemoBill[] {
  const folder = new URL('../../services/', import.meta.url);
  const files = serviceGroups.flatMap((group) => readdirSync(new URL(`${group}/`, folder)).map((name) => new URL(`${group}/${name}`, folder)));
  return files.flatMap((url): DemoBill[] => {
    const file = readCatalogueFile(new Uint8Array(readFileSync(url)));
    const service = file !== null && 'service' in file ? file.service : undefined;
    if (service?.barcode === undefined) return [];
    const { begins, digits, more } = service.barcode;
    const sender = demoParties.find(({ id }) => id === service.agency)?.names ?? service.title;
    return [{ service: service.id, sender, text: begins + meterNumber.padEnd(digits, '0').slice(0, digits) + month.padEnd(more, '0').slice(0, more) }];
  });
}
