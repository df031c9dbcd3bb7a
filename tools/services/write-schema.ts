/** Writes services/service.schema.json from contract/service.ts: `node tools/services/write-schema.ts`. */
import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { serviceSchema } from '../../src/contract/service.ts';

export const schemaPath = new URL('../../services/service.schema.json', import.meta.url);

export const serviceFileSchema = (): string =>
  `${JSON.stringify({ title: 'A service of the hub', ...z.toJSONSchema(serviceSchema, { target: 'draft-2020-12', io: 'input' }) }, null, 2)}\n`;

if (process.argv[1] === import.meta.filename) writeFileSync(schemaPath, serviceFileSchema());
