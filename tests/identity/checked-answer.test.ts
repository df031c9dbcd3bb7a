import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { serviceSchema } from '../../src/contract/service.ts';
import { checkAnswer } from '../../src/identity/checked-answer.ts';

const questionsOf = (path: string) => serviceSchema.parse(JSON.parse(readFileSync(new URL(`../../services/${path}.json`, import.meta.url), 'utf8'))).questions.properties;
const questions = { ...questionsOf('tax/property-tax-certificate'), ...questionsOf('utility/water-account-transfer'), ...questionsOf('pension/eligibility-confirmation') };

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
