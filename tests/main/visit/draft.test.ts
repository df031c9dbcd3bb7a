import { describe, expect, test } from 'vitest';
import { answersOf, beginDraft, checkRows, chooseClaim, grantedClaims, grantUntil, lastDay, leadOf, missingClaims, questionsOf, tellAgency, toAsk, toldLetters, type Draft } from '../../../src/main/visit/draft.ts';
import { knownClaims, movingOffer, offerOf, taxOffer } from './visit-stand.ts';

const taxDraft = (remembered: Record<string, string>): Draft => beginDraft(taxOffer, { known: knownClaims(), remembered: () => remembered, grantEnd: () => 0 });
const choose = (draft: Draft, claim: string, chosen: boolean): Draft => chooseClaim(draft, taxOffer.service.id, claim, chosen);

describe('a draft', () => {
  test('asks what nobody knows, and answers with what was remembered', () => {
    const draft = taxDraft({ phone: '13800138000', letter_language: 'en' });
    expect(toAsk(draft)).toEqual(['property_use', 'tax_year', 'certificate_use']);
    expect(answersOf(draft, leadOf(draft))).toEqual({ phone: '13800138000', letter_language: 'en' });
    expect(checkRows(draft, knownClaims()).find(({ name }) => name === 'phone')).toMatchObject({ source: 'remembered', value: '13800138000' });
  });

  test('grants what is required, and of the rest what was chosen', () => {
    const draft = taxDraft({});
    expect(grantedClaims(leadOf(draft), knownClaims())).not.toContain('name_latin');
    expect(grantedClaims(leadOf(choose(draft, 'name_latin', true)), knownClaims())).toContain('name_latin');
    const { name_latin: _, ...withoutLatin } = knownClaims();
    expect(grantedClaims(leadOf(choose(draft, 'name_latin', true)), withoutLatin)).not.toContain('name_latin');
    expect(choose(draft, 'identity_number', false)).toEqual(draft);
    expect(choose(draft, 'marital_status', true)).toEqual(draft);
  });

  test('cannot begin without a required claim, but without an optional one', () => {
    const { name_latin: _, ...withoutLatin } = knownClaims();
    expect(missingClaims(taxOffer.service, withoutLatin)).toEqual([]);
    const { name: __, ...withoutName } = knownClaims();
    expect(missingClaims(taxOffer.service, withoutName)).toEqual(['name']);
  });
});

describe('a claim of an agency', () => {
  const service = offerOf('telecom/broadband');
  const draftWith = (phoneNumber: string | null): Draft => {
    const held = phoneNumber === null ? {} : { phone_number: { value: phoneNumber, issuer: { 'zh-Hans': '', en: '' }, vct: 'urn:imi:credential:telecom-contract:1' } };
    return beginDraft(service, { known: { ...knownClaims(), ...held }, remembered: () => ({}), grantEnd: () => 0 });
  };

  test('is shown where a credential knows it, and asked where none does', () => {
    expect(toAsk(draftWith('13826400912'))).not.toContain('phone_number');
    expect(toAsk(draftWith(null))).toContain('phone_number');
    expect(missingClaims(service.service, knownClaims())).toEqual([]);
  });

  test('goes to the agency as a granted fact or as an answer, never as both', () => {
    const lead = leadOf(draftWith(null));
    expect(grantedClaims(lead, knownClaims())).not.toContain('phone_number');
    expect(Object.keys(lead.questions)).toContain('phone_number');
    expect(Object.keys(leadOf(draftWith('13826400912')).questions)).not.toContain('phone_number');
  });
});

describe('a bundle', () => {
  const moving = (): Draft => beginDraft(movingOffer, { known: knownClaims(), remembered: () => ({}), grantEnd: ({ service }) => service.grantDays });
  const [lead, second] = movingOffer.bundle.members as [string, string];

  test('asks each question once, whoever wants it', () => {
    const asked = toAsk(moving());
    expect(asked.filter((name) => name === 'move_date')).toHaveLength(1);
    expect(asked).toEqual(expect.arrayContaining(['new_address_code', 'move_date', 'power_reading', 'water_reading']));
    expect(asked).toHaveLength(new Set(asked).size);
  });

  test('gives each agency its own facts and answers', () => {
    const draft = { ...moving(), typed: { new_address_code: '4101280302', move_date: '2026-12-12', power_reading: '18204', water_reading: '1204' } };
    const answers = Object.fromEntries(toldLetters(draft).map((letter) => [letter.offer.service.id, Object.keys(answersOf(draft, letter))]));
    expect(answers['utility/power-move']).toEqual(['power_reading', 'new_address_code', 'move_date']);
    expect(answers['tax/new-address']).toEqual(['new_address_code', 'move_date']);
  });

  test('leaves an agency out, with the questions that only it asked, and never the leading one', () => {
    const without = tellAgency(moving(), 'utility/power-move', false);
    expect(toldLetters(without)).toHaveLength(4);
    expect(Object.keys(questionsOf(without))).not.toContain('power_reading');
    expect(toldLetters(tellAgency(without, 'utility/power-move', true))).toHaveLength(5);
    expect(tellAgency(moving(), lead, false)).toEqual(moving());
  });

  test('turns an optional fact on for one agency alone', () => {
    const draft = chooseClaim(moving(), 'utility/power-move', 'household_size', true);
    const chosen = draft.letters.filter((letter) => grantedClaims(letter, knownClaims()).includes('household_size')).map(({ offer }) => offer.service.id);
    expect(chosen).toEqual(['utility/power-move']);
    expect(chooseClaim(moving(), second, 'name', false)).toEqual(moving());
  });
});

test.each([
  { name: 'in the morning', now: new Date(2026, 9, 31, 9), days: 30, last: '2026-11-29' },
  { name: 'at midnight', now: new Date(2026, 9, 31), days: 30, last: '2026-11-29' },
  { name: 'for one day', now: new Date(2026, 9, 31, 9), days: 1, last: '2026-10-31' },
])('a grant given $name ends with a whole day, and never later than allowed', ({ now, days, last }) => {
  const seconds = now.getTime() / 1000;
  const until = grantUntil(seconds, days);
  expect(lastDay(until)).toBe(last);
  expect(until).toBeGreaterThan(seconds);
  expect(until).toBeLessThanOrEqual(seconds + days * 86_400);
});
