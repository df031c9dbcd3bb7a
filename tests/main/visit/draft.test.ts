import { describe, expect, test } from 'vitest';
import { answersOf, beginDraft, checkAnswer, checkRows, chooseClaim, grantedClaims, grantUntil, lastDay, leadOf, missingClaims, questionsOf, tellAgency, toAsk, toldLetters, type Draft } from '../../../src/main/visit/draft.ts';
import { knownClaims, movingOffer, offerOf, taxOffer } from './visit-stand.ts';

const questions = { ...taxOffer.service.questions.properties, ...offerOf('utility/water-account-transfer').service.questions.properties, ...offerOf('pension/eligibility-confirmation').service.questions.properties };

describe('an answer', () => {
  test.each([
    { name: 'a member of the list', question: 'property_use', text: 'own-home', says: { ok: true, value: 'own-home' } },
    { name: 'not in the list', question: 'property_use', text: 'castle', says: { ok: false, problem: 'format' } },
    { name: 'nothing', question: 'property_use', text: '  ', says: { ok: false, problem: 'missing' } },
    { name: 'the least year', question: 'tax_year', text: '2016', says: { ok: true, value: '2016' } },
    { name: 'a year before it', question: 'tax_year', text: '2015', says: { ok: false, problem: 'too-small' } },
    { name: 'the last year', question: 'tax_year', text: '2026', says: { ok: true, value: '2026' } },
    { name: 'a year after it', question: 'tax_year', text: '2027', says: { ok: false, problem: 'too-large' } },
    { name: 'a year with a point', question: 'tax_year', text: '2020.5', says: { ok: false, problem: 'format' } },
    { name: 'a year with a zero before it', question: 'tax_year', text: '02020', says: { ok: false, problem: 'format' } },
    { name: 'a phone number', question: 'phone', text: '13800138000', says: { ok: true, value: '13800138000' } },
    { name: 'a phone number too short', question: 'phone', text: '1380013800', says: { ok: false, problem: 'format' } },
    { name: 'a decimal', question: 'meter_reading', text: '12.5', says: { ok: true, value: '12.5' } },
    { name: 'a decimal that ends in its point', question: 'meter_reading', text: '12.', says: { ok: false, problem: 'format' } },
    { name: 'a day', question: 'takeover_date', text: '2028-02-29', says: { ok: true, value: '2028-02-29' } },
    { name: 'a day that the calendar has not', question: 'takeover_date', text: '2026-02-29', says: { ok: false, problem: 'format' } },
    { name: 'a day the other way round', question: 'takeover_date', text: '29-02-2028', says: { ok: false, problem: 'format' } },
    { name: 'yes', question: 'paid_work', text: 'true', says: { ok: true, value: 'true' } },
    { name: 'yes in words', question: 'paid_work', text: 'yes', says: { ok: false, problem: 'format' } },
  ])('of $name', ({ question, text, says }) => {
    const form = questions[question];
    expect(form && checkAnswer(form, text)).toEqual(says);
  });
});

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
