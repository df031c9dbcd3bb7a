import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ok } from '../../src/contract/result.ts';
import { Catalogue } from '../../src/hub/catalogue.ts';
import { hashOf } from '../../src/identity/grant.ts';
import { encodeRecord } from '../../src/ledger/verify/records.ts';
import { must } from './visitor.ts';

const definitionPath = fileURLToPath(new URL('../../services/tax/property-tax-certificate.json', import.meta.url));
const definition = new Uint8Array(readFileSync(definitionPath));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-catalogue-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const published = encodeRecord('service', {
  id: 'tax/property-tax-certificate',
  version: 1,
  agency: 'tax-bureau',
  purpose: 'tax.certificate',
  claims: [],
  languages: [],
  definition: hashOf(definition),
  state: 'published',
});
const ledger = { values: (keys: readonly Uint8Array[]) => Promise.resolve(ok(keys.map(() => published))) };

it('offers what is published also beside a file that was damaged', async () => {
  const catalogue = new Catalogue(folder, ledger);
  must(catalogue.put(definition));
  writeFileSync(join(folder, `${'0'.repeat(64)}.json`), definition.subarray(0, 100));
  expect(must(await catalogue.list())).toEqual([{ id: 'tax/property-tax-certificate', definition }]);
});

it('keeps a file whole or not at all', () => {
  // The largest file that this process may write: the disk ends in the middle of the definition.
  const program = `
    import { readFileSync } from 'node:fs';
    import { Catalogue } from '../../src/hub/catalogue.ts';
    process.stdout.write(JSON.stringify(new Catalogue(process.argv[1], null).put(readFileSync(process.argv[2]))));
  `;
  const args = ['--fsize=4096', process.execPath, '--input-type=module-typescript', '-e', program, folder, definitionPath];
  const ended = spawnSync('prlimit', args, { cwd: import.meta.dirname, encoding: 'utf8' });
  expect(JSON.parse(ended.stdout)).toEqual({ ok: false, failure: { code: 'hub-storage', detail: 'EFBIG' } });
  expect(readdirSync(folder).filter((name) => name.endsWith('.json'))).toEqual([]);
});
