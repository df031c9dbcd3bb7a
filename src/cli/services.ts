import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { vouchedClaims } from '../contract/claims.ts';
import { readCatalogueFile, type Service } from '../contract/service.ts';
import { coverageOf, type Coverage } from '../main/visit/coverage.ts';
import type { KnownClaims } from '../main/visit/draft.ts';
import type { Command } from './imi.ts';

export const usage = 'imi services coverage [--services FOLDER] [--claims FILE] [--json]';

/** What the catalogue is to leave unasked. */
const goal = 0.95;

/** `imi services coverage`: 0 where the goal is met, 1 where it is not or the catalogue cannot be read. */
export const run: Command['run'] = (args) => Promise.resolve(coverage(args));

function coverage(args: string[]): number {
  const options = readOptions(args);
  if (options === undefined) {
    process.stderr.write(`Usage: ${usage}\n`);
    return 2;
  }
  const services = readServices(options.services);
  if (services.length === 0) {
    process.stderr.write(`No service file below ${options.services}.\n`);
    return 1;
  }
  const known = readKnown(options.claims);
  if (known === undefined) {
    process.stderr.write(`${options.claims ?? ''} is no JSON object of claims.\n`);
    return 1;
  }
  const measured = coverageOf(services, known);
  const met = measured.share >= goal;
  process.stdout.write(options.json ? `${JSON.stringify({ ...measured, goal, met })}\n` : table(measured, met));
  return met ? 0 : 1;
}

function readOptions(args: string[]): { services: string; claims: string | null; json: boolean } | undefined {
  try {
    const [name, ...rest] = args;
    if (name !== 'coverage') return undefined;
    const { values } = parseArgs({ args: rest, options: { services: { type: 'string', default: 'services' }, claims: { type: 'string' }, json: { type: 'boolean', default: false } } });
    return { services: values.services, claims: values.claims ?? null, json: values.json };
  } catch {
    return undefined;
  }
}

function readServices(folder: string): Service[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .flatMap((name) => {
      const read = readCatalogueFile(new Uint8Array(readFileSync(join(folder, name))));
      return read !== null && 'service' in read ? [read.service] : [];
    });
}

/** Of a file that says what the credentials of a resident hold, `{"name": "…", "power_meter": "…"}`; without one, of somebody who has one of each kind. */
function readKnown(path: string | null): KnownClaims | undefined {
  const vouched = { issuer: { 'zh-Hans': '', en: '' }, vct: '' };
  if (path === null) return Object.fromEntries(vouchedClaims.map((claim) => [claim, { value: claim, ...vouched }]));
  try {
    const claims: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof claims !== 'object' || claims === null) return undefined;
    const held = new Set(Object.keys(claims));
    return Object.fromEntries(vouchedClaims.filter((claim) => held.has(claim)).map((claim) => [claim, { value: claim, ...vouched }]));
  } catch {
    return undefined;
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function table({ facts, visits, eachTime, total, known, share, everyName, fields }: Coverage, met: boolean): string {
  const width = Math.max(...facts.map(({ fact }) => fact.length));
  const once = eachTime.reduce((sum, { questions }) => sum + questions.length, 0);
  return [
    'One visit to each window, with one request in each:',
    ...visits.map(({ group, service, asked }) => `  ${group.padEnd(10)}  ${service.padEnd(34)}  ${asked} asked`),
    '',
    `${'fact'.padEnd(width)}  ${'known'.padEnd(10)}  services`,
    ...facts.map(({ fact, from, services }) => `${fact.padEnd(width)}  ${from.padEnd(10)}  ${services.length}`),
    '',
    `${known} of ${total} facts are known without typing: ${percent(share)} (goal ${percent(goal)}: ${met ? 'met' : 'not met'}).`,
    `Asked each time, since only this request has them: ${once} questions of ${eachTime.length} services. With these, ${fields.known} of ${fields.total} fields are known: ${percent(fields.share)}; of everything that has a name of its own, ${everyName.known} of ${everyName.total}: ${percent(everyName.share)}.`,
    '',
  ].join('\n');
}
