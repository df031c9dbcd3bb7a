import { z } from 'zod';
import { localizedSchema } from './language.ts';
import { identityClaims } from './claims.ts';

/** The six windows of the hub (look.md). */
export const serviceGroups = ['tax', 'pension', 'healthcare', 'utility', 'banking', 'telecom'] as const;
export type ServiceGroup = (typeof serviceGroups)[number];

/**
 * One question that nobody can know yet, as a property of a JSON Schema (2020-12). `x-*` keys say how it is asked.
 * A property named like a self claim (`claims.ts`) is that claim; any other name belongs to its service alone.
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

/** A file of `services/` and, byte for byte as published, a service of the ledger. */
export const serviceSchema = z.strictObject({
  $schema: z.string().optional(),
  /** `<group>/<name>`, as its path below services/. */
  id: z.string().regex(/^(tax|pension|healthcare|utility|banking|telecom)\/[a-z0-9-]{3,60}$/),
  version: z.int().min(1),
  group: z.enum(serviceGroups),
  /** Ledger id (a name) of the agency, as in `party.enrol`. */
  agency: z.string().regex(/^[a-z0-9-]{3,40}$/),
  /** The real public form that this one is modelled on: who publishes it and its name. */
  modelledOn: z.string().min(10),
  title: localizedSchema,
  summary: localizedSchema,
  purpose: z.strictObject({
    id: z.string().regex(/^[a-z0-9.-]{3,60}$/),
    /** Completes "The Tax Bureau asks to see four facts, …": "to certify your payment". */
    text: localizedSchema,
  }),
  /** How long the grant lives, in days. */
  grantDays: z.int().min(1).max(365),
  claims: z
    .array(z.strictObject({ claim: z.enum(identityClaims), why: localizedSchema, optional: z.boolean().default(false) }))
    .min(1),
  questions: z.strictObject({
    type: z.literal('object'),
    properties: z.record(z.string().regex(/^[a-z][a-z0-9_]{1,40}$/), questionSchema),
    required: z.array(z.string()),
    additionalProperties: z.literal(false),
  }),
  /** What happens after the receipt, in order. */
  steps: z.array(localizedSchema).min(1),
  /** In fen (1/100 yuan); the agency confirms the payment by its reference. */
  fee: z.strictObject({ amountFen: z.int().min(0), reference: z.string() }).optional(),
});
export type Service = z.infer<typeof serviceSchema>;
