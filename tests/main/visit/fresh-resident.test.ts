import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { identityVct, isVouchedClaim, vouchedClaims } from '../../../src/contract/claims.ts';
import type { IdentityCard } from '../../../src/contract/device-host.ts';
import { ok } from '../../../src/contract/result.ts';
import { bundleSchema, serviceGroups } from '../../../src/contract/service.ts';
import { checkDocument } from '../../../src/main/desk/document.ts';
import { bundleOffer, type BundleOffer, type KnownClaims } from '../../../src/main/visit/draft.ts';
import type { Parcel } from '../../../src/main/visit/hand-off.ts';
import { demoDocuments } from '../../../tools/demo/identity-documents.ts';
import { demoParties } from '../../../tools/demo/parties.ts';
import { demoPeople } from '../../../tools/demo/people.ts';
import { offerOf, VisitStand } from './visit-stand.ts';

const filesOf = (group: string): string[] => readdirSync(new URL(`../../../services/${group}/`, import.meta.url)).map((file) => `${group}/${file.replace('.json', '')}`);
const offers = serviceGroups.flatMap(filesOf).map(offerOf);
const bundles = filesOf('life').map((id): BundleOffer => {
  const offer = bundleOffer(bundleSchema.parse(JSON.parse(readFileSync(`services/${id}.json`, 'utf8'))), offers);
  if (offer === null) throw new Error(`${id} is not offered`);
  return offer;
});
/** All that a resident can ask for. */
const catalogue = [...offers.map(({ service }) => service.id), ...bundles.map(({ bundle }) => bundle.id)];

const register = demoParties.find(({ id }) => id === 'registrar')?.names ?? { 'zh-Hans': '', en: '' };
const vouchedFor = (facts: Partial<Record<string, string>>): KnownClaims =>
  Object.fromEntries(vouchedClaims.flatMap((claim) => (facts[claim] === undefined ? [] : [[claim, { value: facts[claim], issuer: register, vct: identityVct }]])));

/** What the credential says that the desk gives whoever this identity card belongs to: nothing beside it is known of them. */
function freshFrom(card: IdentityCard): KnownClaims {
  const document = checkDocument(card, '2026-11-22');
  if (!document.ok) throw new Error(document.failure.code);
  return vouchedFor(document.value.facts);
}

const cardOf = (id: string): IdentityCard => {
  const document = demoDocuments.find((one) => one.id === id);
  if (document === undefined) throw new Error(`no identity card of ${id}`);
  return document.card;
};

interface Asked {
  ended: 'receipt' | 'facts-missing';
  missing: string[];
  questions: string[];
}

/** One visit of this resident, at home again; what was typed before is known in it. */
async function asksFor(matter: string, known: KnownClaims): Promise<Asked> {
  const stand = new VisitStand();
  Object.assign(stand.probe.access, { known, offers, bundles });
  await stand.signIn();
  stand.send({ type: 'service.open', service: matter });
  const first = stand.page;
  if (first.page === 'facts-missing') {
    expect(first.office).toBe(register);
    expect(stand.calls.signed).toBe(0);
    stand.send({ type: 'back' });
    expect(stand.page.page).toBe('home');
    return { ended: 'facts-missing', missing: first.claims, questions: [] };
  }
  expect(['consent', 'letters'], `${matter} begins with ${JSON.stringify(first)}`).toContain(first.page);
  stand.send({ type: 'consent.allow' });
  const questions = stand.answerAll();
  await stand.sees('check');
  stand.send({ type: 'check.confirm' });
  await stand.sees('sign');
  stand.send({ type: 'pin.submit', pin: '123456' });
  await stand.sees('working');
  stand.settle('recorded');
  await stand.sees('receipt');
  return { ended: 'receipt', missing: [], questions };
}

const outcomes = async (known: KnownClaims): Promise<Record<string, Asked>> => Object.fromEntries(await Promise.all(catalogue.map(async (matter) => [matter, await asksFor(matter, known)] as const)));

/** What only the register's word will do for. */
const needTheRegister = ['healthcare/insurance-enrolment', 'pension/old-age-allowance', 'tax/property-tax-certificate'];

describe('somebody registered today from a resident identity card', () => {
  const known = freshFrom(cardOf('fang'));

  test('knows nothing of the household', () => {
    expect(Object.keys(known)).not.toContain('household_number');
    expect(Object.keys(known)).not.toContain('postcode');
  });

  test.each(catalogue)('asks for %s: it ends in a receipt, or in which office has to vouch for what', async (matter) => {
    const { ended, missing, questions } = await asksFor(matter, known);
    expect(ended).toBe(needTheRegister.includes(matter) ? 'facts-missing' : 'receipt');
    for (const claim of missing) expect(known).not.toHaveProperty(claim);
    for (const question of questions) expect(known).not.toHaveProperty(question);
    const needed = offers.find(({ service }) => service.id === matter)?.service.claims.filter(({ claim, optional }) => !optional && !(claim in known)) ?? [];
    // Whatever is needed and not known is either typed or told.
    if (ended === 'receipt') expect(questions).toEqual(expect.arrayContaining(needed.map(({ claim }) => claim)));
  });

  test('types what no office has said once for all services', async () => {
    const { questions } = await asksFor('utility/gas-connection', known);
    const typed = questions.filter(isVouchedClaim);
    expect(typed).toEqual(['postcode', 'household_number', 'household_role', 'resident_since']);
    const self = Object.fromEntries(typed.map((claim) => [claim, { value: claim === 'postcode' ? '510140' : claim === 'household_number' ? '060312008417' : claim === 'household_role' ? 'head' : '2026-01-01', at: 1 }]));
    const later = new VisitStand();
    Object.assign(later.probe.access, { known, offers, bundles, self });
    await later.signIn();
    expect(await later.toCheck('utility/power-account-transfer')).not.toEqual(expect.arrayContaining([expect.stringMatching(/postcode|household|resident_since/)]));
  });

  test('goes on elsewhere with what was begun before the record had a fact: it is told the same', async () => {
    const parcel: Parcel = { v: 1, matter: needTheRegister[0] ?? '', letters: [], typed: {}, step: 'consent', asking: null };
    const stand = new VisitStand(() => ({ findAsk: () => Promise.resolve(ok({ handOff: { code: '7KQ2M4XD', parcel, self: null } })) }));
    Object.assign(stand.probe.access, { known, offers, bundles });
    await stand.signIn();
    stand.send({ type: 'code.open' });
    await stand.sees('ask-code');
    stand.send({ type: 'code.submit', code: '7KQ2M4XD' });
    expect(await stand.sees('facts-missing')).toMatchObject({ office: register });
  });
});

test('somebody registered from the card of a permanent resident from abroad is told what the register has to add, wherever it is needed', async () => {
  const known = freshFrom(cardOf('rossi'));
  const ends = Object.entries(await outcomes(known));
  expect(ends.filter(([, { ended }]) => ended === 'receipt').length).toBeGreaterThan(0);
  const missing = new Set(ends.flatMap(([, one]) => one.missing));
  expect([...missing].toSorted()).toEqual(['address', 'district', 'household_number', 'household_role', 'resident_since']);
});

test('somebody whose facts the register has exported can ask for everything, and types none of them', async () => {
  const known = vouchedFor({ ...demoPeople.find(({ id }) => id === 'lin')?.facts });
  for (const [matter, { ended, questions }] of Object.entries(await outcomes(known))) {
    expect(ended, matter).toBe('receipt');
    for (const question of questions) expect(known, matter).not.toHaveProperty(question);
  }
});
