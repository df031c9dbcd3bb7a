import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openHub, type Hub } from '../../../src/hub/hub.ts';
import { fetchHubFile, findHubs, readBackOf, typedPlace } from '../../../src/main/workshop/setup-hub.ts';
import { demoTlsHubPath, seedWorld, worldAt } from '../../../tools/demo/world.ts';
import { must } from '../../hub/visitor.ts';

const { hubFile } = worldAt('', { hubPath: demoTlsHubPath });
const pin = hubFile.hub.pin ?? '';

describe('hub files on a stick', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'stick-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test('are found in folders, each hub once, and nothing else is taken for one', () => {
    mkdirSync(join(dir, 'a/b'), { recursive: true });
    writeFileSync(join(dir, 'a/b/hub.json'), JSON.stringify(hubFile));
    writeFileSync(join(dir, 'a/copy.json'), JSON.stringify(hubFile, null, 2));
    writeFileSync(join(dir, 'a/other.json'), '{"id":"x"}');
    writeFileSync(join(dir, 'a/torn.json'), '{"id":');
    writeFileSync(join(dir, 'a/large.json'), ' '.repeat(300_000));
    expect(findHubs([dir, join(dir, 'not there')]).map(({ path }) => path)).toEqual([join(dir, 'a/b/hub.json')]);
  });

  test('may be named themselves', () => {
    const path = join(dir, 'hub.json');
    writeFileSync(path, JSON.stringify(hubFile));
    expect(findHubs([path])).toEqual([{ path, hubFile }]);
  });
});

test.each([
  { name: 'as printed', address: 'tls://hub.example:7443', typed: pin, place: { address: 'tls://hub.example:7443', pin } },
  { name: 'in fours and without its beginning', address: ' tls://hub.example:7443 ', typed: pin.replace('sha256:', '').replace(/(.{4})/g, '$1 '), place: { address: 'tls://hub.example:7443', pin } },
  { name: 'a sign short', address: 'tls://hub.example:7443', typed: pin.slice(0, -1), place: null },
  { name: 'without TLS', address: 'tcp://hub.example:7443', typed: pin, place: null },
  { name: 'beyond the last port', address: 'tls://hub.example:70000', typed: pin, place: null },
])('an address and a pin $name', ({ address, typed, place }) => {
  expect(typedPlace(address, typed)).toEqual(place);
});

describe('a hub whose address and pin were typed', () => {
  let dir: string;
  let hub: Hub;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'typed-'));
    const world = await seedWorld(dir);
    const serverFile = { ...world.serverFile, door: { ...world.serverFile.door, listen: ['tls://127.0.0.1:0'] } };
    hub = must(await openHub({ hubFile, serverFile, dataDir: world.hubDir }));
  }, 60_000);
  afterAll(async () => {
    await hub.close();
    rmSync(dir, { recursive: true });
  });
  const address = (): string => hub.doors[0]?.address ?? '';

  test('hands out its public file, which then says where it was found', async () => {
    const place = typedPlace(address(), pin);
    if (place === null) throw new Error('no place');
    expect(await fetchHubFile(place, dir)).toEqual({ ok: true, value: { ...hubFile, hub: place } });
    expect(readBackOf({ ...hubFile, hub: place })).toMatchObject({ address: address(), pin, chain: hubFile.trustRoot.chain, validators: expect.stringMatching(/^[0-9a-f]{16}$/) as string });
  });

  test('is not believed where it proves another key', async () => {
    const place = typedPlace(address(), `sha256:${'A'.repeat(43)}`);
    if (place === null) throw new Error('no place');
    expect(await fetchHubFile(place, dir)).toMatchObject({ ok: false, failure: { code: 'hub-unreachable', detail: 'pin' } });
  });
});
