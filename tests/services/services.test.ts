import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { selfClaims } from '../../src/contract/claims.ts';
import { serviceGroups, serviceSchema, type Question, type Service } from '../../src/contract/service.ts';
import { demoParties } from '../../tools/demo/parties.ts';
import { schemaPath, serviceFileSchema } from '../../tools/services/write-schema.ts';

const folder = new URL('../../services/', import.meta.url);
const files = serviceGroups.flatMap((group) => {
  try {
    return readdirSync(new URL(`${group}/`, folder)).map((file) => `${group}/${file}`);
  } catch {
    return [];
  }
});
const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
const services: Service[] = files.map((file) => serviceSchema.parse(read(file)));
const questionsOf = (service: Service): [string, Question][] => Object.entries(service.questions.properties);

it('publishes the JSON Schema that the product itself checks by', () => {
  expect(readFileSync(schemaPath, 'utf8')).toBe(serviceFileSchema());
});

it('finds the three services', () => {
  expect(services.map(({ id }) => id).sort()).toEqual(['pension/eligibility-confirmation', 'tax/property-tax-certificate', 'utility/water-account-transfer']);
});

describe.each(files)('%s', (file) => {
  const raw = read(file);
  const service = serviceSchema.parse(raw);
  const questions = questionsOf(service);
  const validator = new Ajv2020({ strict: false, formats: { date: /^\d{4}-\d{2}-\d{2}$/ } });

  it('is valid by the schema file', () => {
    const valid = validator.validate(JSON.parse(readFileSync(schemaPath, 'utf8')) as object, raw);
    expect(validator.errors).toBeNull();
    expect(valid).toBe(true);
  });

  it('is called by its path', () => {
    expect(`${service.id}.json`).toBe(file);
    expect(service.id.startsWith(`${service.group}/`)).toBe(true);
  });

  it('has 12 fields or more, most of them known, and one that is up to the resident', () => {
    expect(service.claims.length + questions.length).toBeGreaterThanOrEqual(12);
    expect(service.claims.length).toBeGreaterThan(questions.length);
    expect(service.claims.some(({ optional }) => optional)).toBe(true);
    expect(service.claims.some(({ optional }) => !optional)).toBe(true);
    expect(questions.length).toBeGreaterThanOrEqual(3);
    expect(questions.length).toBeLessThanOrEqual(5);
  });

  it('asks for each claim once and requires only questions it has', () => {
    const claims = service.claims.map(({ claim }) => claim);
    expect(new Set(claims).size).toBe(claims.length);
    for (const name of service.questions.required) expect(service.questions.properties).toHaveProperty(name);
  });

  it.each(questions)('asks %s in a way that its answer can be checked', (_, question) => {
    switch (question['x-input']) {
      case 'choice':
        expect(question['x-options']).toHaveLength(question.enum?.length ?? -1);
        expect(new Set(question.enum).size).toBe(question.enum?.length);
        break;
      case 'yes-no':
        expect(question.type).toBe('boolean');
        break;
      case 'date':
        expect(question.format).toBe('date');
        break;
      case 'digits':
        expect(question.maxLength).toBeGreaterThan(0);
        expect(question.pattern !== undefined || (question.type === 'integer' && question.minimum !== undefined && question.maximum !== undefined)).toBe(true);
        break;
      case 'decimal':
        expect(question.type).toBe('number');
        expect(question.maximum).toBeGreaterThan(question.minimum ?? Number.POSITIVE_INFINITY);
        break;
      case 'phone':
      case 'latin':
        expect(question.pattern).toBeDefined();
        break;
    }
  });

  it('keeps within a purpose that the authority gave its agency', () => {
    const agency = demoParties.find(({ id }) => id === service.agency);
    const purpose = agency?.purposes?.find(({ id }) => id === service.purpose.id);
    expect(purpose?.claims).toEqual(expect.arrayContaining(service.claims.map(({ claim }) => claim)));
    expect(purpose?.longestDays).toBeGreaterThanOrEqual(service.grantDays);
  });

  it('ends no short text with a full stop and every sentence with one', () => {
    for (const text of [service.title, service.purpose.text, ...service.claims.map(({ why }) => why), ...questions.map(([, question]) => question['x-label'])]) {
      expect(text.en).not.toMatch(/\.$/);
      expect(text['zh-Hans']).not.toMatch(/。$/);
    }
    for (const step of service.steps) {
      expect(step.en).toMatch(/\.$/);
      expect(step['zh-Hans']).toMatch(/。$/);
    }
  });
});

describe('what is shared between services', () => {
  const asked = services.flatMap((service) => questionsOf(service).filter(([name]) => (selfClaims as readonly string[]).includes(name)).map(([name, question]) => ({ name, question, service: service.id })));

  it('is asked in the same words everywhere', () => {
    for (const { name, question } of asked) for (const other of asked) if (other.name === name) expect(other.question).toEqual(question);
  });

  it('leaves less to ask in every further service', () => {
    for (const service of services) expect(asked.some((one) => one.service === service.id && asked.some((other) => other.service !== service.id && other.name === one.name))).toBe(true);
  });

  it('lasts', () => {
    for (const { question } of asked) expect(question['x-lasting']).toBe(true);
  });
});
