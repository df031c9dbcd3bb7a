import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hubServerFileSchema } from '../../src/contract/hub-file.ts';
import { foundHub } from '../../src/hub/founding.ts';
import { openHubParts } from '../../src/hub/hub.ts';
import { worldAt } from '../../tools/demo/world.ts';
import { must } from './visitor.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-founding-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('keeps the record of the last head where the server file says, so that a restored folder is noticed', async () => {
  const [dataDir, elsewhere] = [join(folder, 'hub'), join(folder, 'other-disk')];
  mkdirSync(elsewhere);
  const signed = join(elsewhere, 'signed');
  const serverFile = hubServerFileSchema.parse({ hub: 'north-hub', ledger: { engine: 'embedded', signed }, keeper: {}, registrar: {} });
  const founded = must(await foundHub({ chain: 'north', serverFile, dataDir, now: Date.now() }));
  const hubFile = { ...worldAt(folder).hubFile, trustRoot: founded.trustRoot };
  copyFileSync(join(dataDir, 'ledger.sqlite'), join(folder, 'backup'));
  const beating = { ...serverFile, ledger: { ...serverFile.ledger, heartbeatMs: 100 } };
  const parts = must(await openHubParts({ hubFile, serverFile: beating, dataDir }));
  await new Promise<void>((resolve) => void parts.ledger.onBlock(() => resolve()));
  must(await parts.ledger.head());
  await parts.close();

  expect(existsSync(join(dataDir, 'ledger.sqlite.signed'))).toBe(false);
  copyFileSync(join(folder, 'backup'), join(dataDir, 'ledger.sqlite'));
  expect(await openHubParts({ hubFile, serverFile, dataDir })).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/ends before height/) as unknown } });

  rmSync(dataDir, { recursive: true });
  expect(await foundHub({ chain: 'north', serverFile, dataDir, now: Date.now() })).toEqual({ ok: false, failure: { code: 'already-founded', detail: signed } });
});

it('begins no ledger of many agencies: they do', async () => {
  const serverFile = hubServerFileSchema.parse({ hub: 'north-hub', ledger: { engine: 'cometbft', nodes: ['https://node.example.org'] }, keeper: {}, registrar: {} });
  expect(await foundHub({ chain: 'north', serverFile, dataDir: join(folder, 'hub'), now: Date.now() })).toMatchObject({ ok: false, failure: { code: 'not-embedded' } });
  expect(existsSync(join(folder, 'hub'))).toBe(false);
});

it('names every file that a founding which broke off has left, and goes on once they are gone', async () => {
  const dataDir = join(folder, 'hub');
  const serverFile = hubServerFileSchema.parse({ hub: 'north-hub', ledger: { engine: 'embedded' }, keeper: {}, registrar: {} });
  mkdirSync(dataDir);
  const left = ['validator.key.json', 'keeper.key.json', 'hub.key.json'].map((name) => join(dataDir, name));
  for (const path of left) copyFileSync(import.meta.filename, path);
  const refused = await foundHub({ chain: 'north', serverFile, dataDir, now: Date.now() });
  const detail = !refused.ok && refused.failure.code === 'already-founded' ? refused.failure.detail : undefined;
  expect(detail?.split(', ').toSorted()).toEqual(left.toSorted());
  for (const path of left) rmSync(path);
  must(await foundHub({ chain: 'north', serverFile, dataDir, now: Date.now() }));
});
