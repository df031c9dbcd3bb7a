import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PublicKey } from '../../src/ledger/verify/acts.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { readReadiness, type Readiness } from '../../src/main/workshop/readiness.ts';
import { expect } from './journey.ts';

/** A readiness report as it lies on a stick: a PDF, and the same as JSON, signed by the kiosk's key. */
export function expectReport(folder: string, key: PublicKey, expected: Partial<Readiness>): void {
  const [json = '', pdf = ''] = readdirSync(folder).filter((name) => name.startsWith('readiness-')).toSorted();
  expect(readFileSync(join(folder, pdf)).subarray(0, 5).toString('latin1')).toBe('%PDF-');
  expect(pdf).toBe(json.replace(/json$/, 'pdf'));
  const { signed, ...report } = JSON.parse(readFileSync(join(folder, json), 'utf8')) as Readiness & { signed: string };
  expect(readReadiness(signed, key, nodeCrypto.verify)).toEqual(report);
  expect(report).toMatchObject(expected);
}
