/** Writes services/*.schema.json from contract/service.ts: `node tools/services/write-schema.ts`. */
import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { bundleSchema, serviceSchema } from '../../src/contract/service.ts';

const schemaText = (title: string, schema: z.ZodType): string => `${JSON.stringify({ title, ...z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' }) }, null, 2)}\n`;

/** The files that say what a file of the catalogue has to look like. */
export const schemaFiles = [
  { path: new URL('../../services/service.schema.json', import.meta.url), text: () => schemaText('A service of the hub', serviceSchema) },
  { path: new URL('../../services/bundle.schema.json', import.meta.url), text: () => schemaText('Several agencies told in one go', bundleSchema) },
] as const;

if (process.argv[1] === import.meta.filename) for (const { path, text } of schemaFiles) writeFileSync(path, text());
