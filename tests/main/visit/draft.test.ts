import { describe, expect, test } from 'vitest';
import { answersOf, beginDraft, checkAnswer, checkRows, chooseClaim, grantedClaims, grantUntil, lastDay, missingClaims } from '../../../src/main/visit/draft.ts';
import { knownClaims, offerOf, taxOffer } from './visit-stand.ts';

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

describe('a draft', () => {
  test('asks what nobody knows, and answers with what was remembered', () => {
    const draft = beginDraft(taxOffer, { phone: '13800138000', letter_language: 'en' }, 0);
    expect(draft.toAsk).toEqual(['property_use', 'tax_year', 'certificate_use']);
    expect(answersOf(draft)).toEqual({ phone: '13800138000', letter_language: 'en' });
    expect(checkRows(draft, knownClaims()).find(({ name }) => name === 'phone')).toMatchObject({ source: 'remembered', value: '13800138000' });
  });

  test('grants what is required, and of the rest what was chosen', () => {
    const draft = beginDraft(taxOffer, {}, 0);
    expect(grantedClaims(draft, knownClaims())).not.toContain('name_latin');
    expect(grantedClaims(chooseClaim(draft, 'name_latin', true), knownClaims())).toContain('name_latin');
    const { name_latin: _, ...withoutLatin } = knownClaims();
    expect(grantedClaims(chooseClaim(draft, 'name_latin', true), withoutLatin)).not.toContain('name_latin');
    expect(chooseClaim(draft, 'identity_number', false)).toBe(draft);
    expect(chooseClaim(draft, 'marital_status', true)).toBe(draft);
  });

  test('cannot begin without a required claim, but without an optional one', () => {
    const { name_latin: _, ...withoutLatin } = knownClaims();
    expect(missingClaims(taxOffer.service, withoutLatin)).toEqual([]);
    const { name: __, ...withoutName } = knownClaims();
    expect(missingClaims(taxOffer.service, withoutName)).toEqual(['name']);
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
