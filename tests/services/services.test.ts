import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { isVouchedClaim, selfClaims, vouchedClaims } from '../../src/contract/claims.ts';
import { bundleSchema, serviceGroups, serviceSchema, type Question, type Service } from '../../src/contract/service.ts';
import { bundleOffer, type Offer } from '../../src/main/visit/draft.ts';
import { demoParties } from '../../tools/demo/parties.ts';
import { schemaFiles } from '../../tools/services/write-schema.ts';

const folder = new URL('../../services/', import.meta.url);
const filesIn = (groups: readonly string[]): string[] => groups.flatMap((group) => readdirSync(new URL(`${group}/`, folder)).map((file) => `${group}/${file}`));
const files = filesIn(serviceGroups);
const bundleFiles = filesIn(['life']);
const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
/** What is wrong is said with the file that it is in. */
function readService(file: string): Service {
  const read = serviceSchema.safeParse(JSON.parse(readFileSync(new URL(file, folder), 'utf8')));
  if (read.success) return read.data;
  throw new Error(`services/${file}: ${read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`);
}
const services: Service[] = files.map(readService);
const bundles = bundleFiles.map((file) => bundleSchema.parse(read(file)));
const bundled = new Set(bundles.flatMap(({ members }) => members));
const questionsOf = (service: Service): [string, Question][] => Object.entries(service.questions.properties);
const fieldsOf = (service: Service): Set<string> => new Set([...service.claims.map(({ claim }) => claim), ...Object.keys(service.questions.properties)]);
/** Of everybody, whichever credentials they have. */
const ownQuestions = (service: Service): [string, Question][] => questionsOf(service).filter(([name]) => !isVouchedClaim(name));
const validator = new Ajv2020({ strict: false, formats: { date: /^\d{4}-\d{2}-\d{2}$/ } });
const schemaOf = (name: string): object => JSON.parse(schemaFiles.find(({ path }) => path.pathname.endsWith(`/${name}`))?.text() ?? '') as object;

it.each(schemaFiles)('publishes $path.pathname as the product itself checks by it', ({ path, text }) => {
  expect(readFileSync(path, 'utf8')).toBe(text());
});

it('has at least twelve services of their own over all six windows, and two bundles', () => {
  const own = services.filter(({ id }) => !bundled.has(id));
  expect(own.length).toBeGreaterThanOrEqual(12);
  expect(new Set(own.map(({ group }) => group))).toEqual(new Set(serviceGroups));
  expect(bundles.length).toBeGreaterThanOrEqual(2);
});

describe.each(files)('%s', (file) => {
  const raw = read(file);
  const service = readService(file);
  const questions = questionsOf(service);

  it('is valid by the schema file', () => {
    const valid = validator.validate(schemaOf('service.schema.json'), raw);
    expect(validator.errors).toBeNull();
    expect(valid).toBe(true);
  });

  it('is called by its path', () => {
    expect(`${service.id}.json`).toBe(file);
    expect(service.id.startsWith(`${service.group}/`)).toBe(true);
  });

  it('has 12 fields or more, most of them known; a member of a bundle asks for fewer', () => {
    if (bundled.has(service.id)) expect(fieldsOf(service).size).toBeLessThanOrEqual(9);
    else expect(fieldsOf(service).size).toBeGreaterThanOrEqual(12);
    expect(service.claims.length).toBeGreaterThan(ownQuestions(service).length);
    expect(ownQuestions(service).length).toBeGreaterThanOrEqual(bundled.has(service.id) ? 1 : 3);
    expect(ownQuestions(service).length).toBeLessThanOrEqual(5);
  });

  it('leaves at least one claim to the resident and has one that it cannot do without', () => {
    expect(service.claims.some(({ optional }) => optional)).toBe(true);
    expect(service.claims.some(({ optional }) => !optional)).toBe(true);
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
  const shared = new Set<string>([...selfClaims, ...vouchedClaims]);
  const asked = services.flatMap((service) => questionsOf(service).filter(([name]) => shared.has(name)).map(([name, question]) => ({ name, question, service: service.id })));

  it('is asked in the same words everywhere', () => {
    for (const { name, question } of asked) for (const other of asked) if (other.name === name) expect(other.question).toEqual(question);
  });

  it('leaves less to ask in every further service', () => {
    for (const service of services.filter(({ id }) => !bundled.has(id))) expect(asked.some((one) => one.service === service.id && asked.some((other) => other.service !== service.id && other.name === one.name))).toBe(true);
  });

  it('lasts', () => {
    for (const { question } of asked) expect(question['x-lasting']).toBe(true);
  });
});

describe.each(bundleFiles)('%s', (file) => {
  const bundle = bundleSchema.parse(read(file));
  const offers: Offer[] = services.map((service) => ({ service, definition: [-16, new Uint8Array(32)], agency: { 'zh-Hans': '', en: '' }, seal: new Uint8Array(32) }));

  it('is valid by the schema file, and called by its path', () => {
    expect(validator.validate(schemaOf('bundle.schema.json'), read(file))).toBe(true);
    expect(`${bundle.id}.json`).toBe(file);
  });

  it('can be offered with the services that it names', () => {
    expect(bundleOffer(bundle, offers)?.members.map(({ service }) => service.id)).toEqual(bundle.members);
  });

  it('has 12 fields or more in all', () => {
    const fields = new Set(services.filter(({ id }) => bundle.members.includes(id)).flatMap((service) => [...fieldsOf(service)]));
    expect(fields.size).toBeGreaterThanOrEqual(file.includes('moving') ? 12 : 8);
  });
});

describe('a bundle is not offered', () => {
  const bundle = bundles[0];
  if (bundle === undefined) throw new Error('no bundle');
  const offerOf = (service: Service): Offer => ({ service, definition: [-16, new Uint8Array(32)], agency: { 'zh-Hans': '', en: '' }, seal: new Uint8Array(32) });
  const members = services.filter(({ id }) => bundle.members.includes(id));
  const changed = (change: (service: Service) => Service): Offer[] => members.map((service) => offerOf(service.id === bundle.members[1] ? change(service) : service));

  it.each<{ name: string; offers: Offer[]; of?: typeof bundle }>([
    { name: 'without one of its services', offers: members.slice(1).map(offerOf) },
    { name: 'with a service that has a fee', offers: changed((service) => ({ ...service, fee: { amountFen: 1, reference: 'x' } })) },
    { name: 'with an agency twice', offers: changed((service) => ({ ...service, agency: bundle.agency })) },
    { name: 'with another question under one name', offers: changed((service) => ({ ...service, questions: { ...service.questions, properties: { ...service.questions.properties, move_date: { ...(service.questions.properties.move_date as Question), 'x-lasting': true } } } })) },
    { name: 'where another agency leads', offers: members.map(offerOf), of: { ...bundle, agency: 'bank' } },
    { name: 'under another purpose', offers: members.map(offerOf), of: { ...bundle, purpose: 'tax.other' } },
  ])('$name', ({ offers, of }) => {
    expect(bundleOffer(of ?? bundle, offers)).toBeNull();
  });
});
