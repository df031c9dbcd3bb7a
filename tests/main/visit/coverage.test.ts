import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { vouchedClaims } from '../../../src/contract/claims.ts';
import { serviceGroups, serviceSchema, type Service } from '../../../src/contract/service.ts';
import { coverageOf } from '../../../src/main/visit/coverage.ts';
import type { KnownClaims } from '../../../src/main/visit/draft.ts';
import { demoPeople } from '../../../tools/demo/people.ts';

const folder = new URL('../../../services/', import.meta.url);
const services: Service[] = serviceGroups.flatMap((group) =>
  readdirSync(new URL(`${group}/`, folder)).map((file) => serviceSchema.parse(JSON.parse(readFileSync(new URL(`${group}/${file}`, folder), 'utf8')))),
);

/** What the credentials of somebody in the demonstration say. */
function knownOf(person: string): KnownClaims {
  const { facts = {}, agencies = {} } = demoPeople.find(({ id }) => id === person) ?? {};
  const held = { ...facts, ...agencies };
  return Object.fromEntries(vouchedClaims.flatMap((claim) => (held[claim] === undefined ? [] : [[claim, { value: held[claim], issuer: { 'zh-Hans': '', en: '' }, vct: '' }]])));
}

describe('after one visit to each window', () => {
  test('a resident with a credential of each agency need not type 95 of 100 facts of the catalogue', () => {
    const { share, total, known, visits } = coverageOf(services, knownOf('chen'));
    expect(visits.map(({ group }) => group)).toEqual(serviceGroups);
    expect(total).toBeGreaterThanOrEqual(35);
    expect(known / total).toBe(share);
    expect(share).toBeGreaterThanOrEqual(0.95);
  });

  test('somebody with no credential of an agency types more, once, and can use every service', () => {
    const { agencies: _, ...withIdentityOnly } = { agencies: null, ...knownOf('huang') };
    const poor = coverageOf(services, Object.fromEntries(Object.entries(withIdentityOnly).filter(([claim]) => claim in (demoPeople.find(({ id }) => id === 'huang')?.facts ?? {}))));
    const rich = coverageOf(services, knownOf('chen'));
    expect(poor.share).toBeLessThan(rich.share);
    const asked = (measured: typeof rich): number => measured.visits.reduce((sum, visit) => sum + visit.asked, 0);
    expect(asked(poor)).toBeGreaterThan(asked(rich));
  });

  test('what one request alone has is counted as asked each time, never as known', () => {
    const { eachTime, facts, fields, everyName, known } = coverageOf(services, knownOf('chen'));
    expect(eachTime.find(({ service }) => service === 'utility/water-account-transfer')?.questions).toEqual(['meter_number', 'meter_reading', 'takeover_date']);
    expect(facts.map(({ fact }) => fact)).not.toContain('utility/water-account-transfer#meter_reading');
    expect(fields.total).toBe(facts.reduce((sum, fact) => sum + fact.services.length, 0) + eachTime.reduce((sum, { questions }) => sum + questions.length, 0));
    expect(fields.share).toBeLessThan(1);
    expect(everyName).toMatchObject({ total: facts.length + new Set(eachTime.flatMap(({ questions }) => questions)).size, known });
  });
});
