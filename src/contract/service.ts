import { z } from 'zod';
import { localizedSchema } from './language.ts';
import { isAgencyClaim, vouchedClaims } from './claims.ts';

/** The six windows of the hub (look.md). */
export const serviceGroups = ['tax', 'pension', 'healthcare', 'utility', 'banking', 'telecom'] as const;
export type ServiceGroup = (typeof serviceGroups)[number];

/**
 * One question that nobody can know yet, as a property of a JSON Schema (2020-12). `x-*` keys say how it is asked.
 * A property named like a self claim (`claims.ts`) is that claim; one named like a claim of the register or of an agency is asked of residents of whom no
 * credential knows it: the agency takes their word for it; any other name belongs to its service alone.
 */
export const questionSchema = z.strictObject({
  type: z.enum(['string', 'integer', 'number', 'boolean']),
  /** Short name, as on the check page. */
  'x-label': localizedSchema,
  /** The whole question, as the page's heading. */
  'x-question': localizedSchema,
  'x-hint': localizedSchema.optional(),
  /** false: an answer to this request only (a meter reading); else it is kept as a self claim and never asked again. */
  'x-lasting': z.boolean().default(true),
  /** Which keys the page shows. `choice` and `yes-no` show buttons, `date` a date wheel of three fields. */
  'x-input': z.enum(['choice', 'yes-no', 'digits', 'decimal', 'phone', 'latin', 'date']),
  /** Label of each member of `enum`, in its order. */
  'x-options': z.array(localizedSchema).optional(),
  'x-unit': localizedSchema.optional(),
  enum: z.array(z.string()).min(2).max(8).optional(),
  pattern: z.string().optional(),
  format: z.literal('date').optional(),
  minLength: z.int().optional(),
  maxLength: z.int().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});
export type Question = z.infer<typeof questionSchema>;

const serviceIdSchema = z.string().regex(/^(tax|pension|healthcare|utility|banking|telecom)\/[a-z0-9-]{3,60}$/);
const agencySchema = z.string().regex(/^[a-z0-9-]{3,40}$/);
const purposeIdSchema = z.string().regex(/^[a-z0-9.-]{3,60}$/);

/** A file of `services/` and, byte for byte as published, a service of the ledger. */
export const serviceSchema = z
  .strictObject({
    $schema: z.string().optional(),
    /** `<group>/<name>`, as its path below services/. */
    id: serviceIdSchema,
    version: z.int().min(1),
    group: z.enum(serviceGroups),
    /** Ledger id (a name) of the agency, as in `party.enrol`. */
    agency: agencySchema,
    /** The real public form that this one is modelled on: who publishes it and its name. */
    modelledOn: z.string().min(10),
    title: localizedSchema,
    summary: localizedSchema,
    purpose: z.strictObject({
      id: purposeIdSchema,
      /** Completes "The Tax Bureau asks to see four facts, …": "to certify your payment". */
      text: localizedSchema,
    }),
    /** How long the grant lives, in days. */
    grantDays: z.int().min(1).max(365),
    claims: z
      .array(z.strictObject({ claim: z.enum(vouchedClaims), why: localizedSchema, optional: z.boolean().default(false) }))
      .min(1),
    questions: z.strictObject({
      type: z.literal('object'),
      properties: z.record(z.string().regex(/^[a-z][a-z0-9_]{1,40}$/), questionSchema),
      required: z.array(z.string()),
      additionalProperties: z.literal(false),
    }),
    /** What happens after the receipt, in order. */
    steps: z.array(localizedSchema).min(1),
    /**
     * The bar code on the agency's bills and notices: what it begins with, how many digits are the answer to the question, and how many more follow.
     * Held under a kiosk's scanner it opens this service with the number filled in.
     */
    barcode: z
      .strictObject({ begins: z.string().regex(/^[0-9A-Z]{1,12}$/), digits: z.int().min(4).max(24), more: z.int().min(0).max(40).default(0), question: z.string() })
      .optional(),
    /** In fen (1/100 yuan); the agency confirms the payment by its reference. */
    fee: z.strictObject({ amountFen: z.int().min(0), reference: z.string() }).optional(),
  })
  .refine(({ claims, questions }) => claims.every(({ claim, optional }) => !isAgencyClaim(claim) || optional || claim in questions.properties), {
    error: 'an agency’s claim that is not optional needs a question of its name: not everybody has that credential',
  })
  .refine(({ barcode, questions }) => barcode === undefined || questions.properties[barcode.question]?.['x-input'] === 'digits', {
    error: 'a bar code answers a question for digits',
  });
export type Service = z.infer<typeof serviceSchema>;

/** Each has two acts of a body's 16, and eight ciphertexts of a submission's 64. */
const mostBundled = 7;

/**
 * A file of `services/life/`: something that happens in a life and that several agencies have to be told of. They are told on one page, with one signature;
 * what each of them gets and asks stands in its own service. Published like a service, by the agency that leads.
 */
export const bundleSchema = z.strictObject({
  $schema: z.string().optional(),
  /** `life/<name>`, as its path below services/. */
  id: z.string().regex(/^life\/[a-z0-9-]{3,60}$/),
  version: z.int().min(1),
  /** The agency that publishes it, and that cannot be left out. */
  agency: agencySchema,
  /** The purpose of the leading service. */
  purpose: purposeIdSchema,
  modelledOn: z.string().min(10),
  title: localizedSchema,
  summary: localizedSchema,
  /** Services of as many agencies, the leading one first. A question of the same name is one question, asked once. None of them has a fee. */
  members: z.array(serviceIdSchema).min(2).max(mostBundled),
  /** What happens after the receipt, in order. */
  steps: z.array(localizedSchema).min(1),
});
export type Bundle = z.infer<typeof bundleSchema>;

export type CatalogueFile = { service: Service } | { bundle: Bundle };

/** What `service.publish` says of a file, beside its hash and languages. A bundle asks for no fact itself. */
export function termsOf(file: CatalogueFile): { id: string; version: number; agency: string; purpose: string; claims: string[] } {
  if ('bundle' in file) {
    const { id, version, agency, purpose } = file.bundle;
    return { id, version, agency, purpose, claims: [] };
  }
  const { id, version, agency, purpose, claims } = file.service;
  return { id, version, agency, purpose: purpose.id, claims: claims.map(({ claim }) => claim) };
}

/** What a file of the catalogue is; null: neither. */
export function readCatalogueFile(bytes: Uint8Array): CatalogueFile | null {
  const value = parseJson(bytes);
  const service = serviceSchema.safeParse(value);
  if (service.success) return { service: service.data };
  const bundle = bundleSchema.safeParse(value);
  return bundle.success ? { bundle: bundle.data } : null;
}

/** undefined: no JSON, or no UTF-8. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
