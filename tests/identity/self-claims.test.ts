import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { serviceSchema, type Service } from '../../src/contract/service.ts';
import { factOf, rememberedAnswers, withAnswers, type SelfClaims } from '../../src/identity/self-claims.ts';

const service = (path: string): Service => serviceSchema.parse(JSON.parse(readFileSync(new URL(`../../services/${path}.json`, import.meta.url), 'utf8')));
const tax = service('tax/property-tax-certificate');
const water = service('utility/water-account-transfer');

describe('a fact that was typed', () => {
  it('belongs to all services when it is in the vocabulary, else to its own', () => {
    expect(factOf(tax, 'phone')).toBe('phone');
    expect(factOf(tax, 'property_use')).toBe('tax/property-tax-certificate#property_use');
  });

  it('is remembered for every service that asks it', () => {
    const known = withAnswers({}, tax, { phone: '13812345678', property_use: 'let-out', tax_year: '2025' }, 5);
    expect(known).toEqual({ phone: { value: '13812345678', at: 5 }, 'tax/property-tax-certificate#property_use': { value: 'let-out', at: 5 } });
    expect(rememberedAnswers(known ?? {}, water)).toEqual({ phone: '13812345678' });
    expect(rememberedAnswers(known ?? {}, tax)).toEqual({ phone: '13812345678', property_use: 'let-out' });
  });

  it('is not remembered when it belongs to one request only', () => {
    expect(withAnswers({}, tax, { tax_year: '2025', certificate_use: 'loan' }, 5)).toBeNull();
  });

  it('leaves the map alone when nothing is new, and takes a changed answer', () => {
    const known = { phone: { value: '13812345678', at: 5 } };
    expect(withAnswers(known, water, { phone: '13812345678' }, 9)).toBeNull();
    expect(withAnswers(known, water, { phone: '13900000000' }, 9)).toEqual({ phone: { value: '13900000000', at: 9 } });
  });

  it.each<{ name: string; known: SelfClaims }>([
    { name: 'an option that is no longer offered', known: { 'tax/property-tax-certificate#property_use': { value: 'castle', at: 1 } } },
    { name: 'a form that is no longer taken', known: { phone: { value: '12', at: 1 } } },
  ])('is asked again: $name', ({ known }) => {
    expect(rememberedAnswers(known, tax)).toEqual({});
  });

  type Question = Service['questions']['properties'][string];
  const text = { type: 'string', 'x-input': 'latin' } as const;
  it.each<{ name: string; now: Partial<Question>; value: string }>([
    { name: 'a text, and it is a number that is asked for now', now: { type: 'integer', 'x-input': 'digits' }, value: 'twelve' },
    { name: 'a number with a fraction, and it is a whole one now', now: { type: 'integer', 'x-input': 'digits' }, value: '12.5' },
    { name: 'less than is taken now', now: { type: 'integer', 'x-input': 'digits', minimum: 2020 }, value: '2019' },
    { name: 'more than is taken now', now: { type: 'number', 'x-input': 'decimal', maximum: 10 }, value: '10.5' },
    { name: 'shorter than is taken now', now: { ...text, minLength: 3 }, value: 'ab' },
    { name: 'longer than is taken now', now: { ...text, maxLength: 3 }, value: 'abcd' },
    { name: 'no day of the calendar', now: { ...text, format: 'date', 'x-input': 'date' }, value: '2026-02-29' },
    { name: 'no “yes” or “no”', now: { type: 'boolean', 'x-input': 'yes-no' }, value: 'maybe' },
  ])('is asked again where its question has changed since: $name', ({ now, value }) => {
    const { phone, ...others } = tax.questions.properties;
    if (phone === undefined) throw new Error('it asks for a phone number');
    const { pattern: _, ...form } = phone;
    const changed: Service = { ...tax, questions: { ...tax.questions, properties: { ...others, phone: { ...form, ...now } } } };
    expect(rememberedAnswers({ phone: { value, at: 1 } }, changed)).toEqual({});
  });
});
