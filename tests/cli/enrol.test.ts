import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hubFileSchema, hubServerFileSchema, type HubFile } from '../../src/contract/hub-file.ts';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { writeKeyFile } from '../../src/hub/key-file.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';
import { fromHex, toBase64url } from '../../src/ledger/verify/bytes.ts';
import { decodeRecord, stateKey, type PartyRecord, type StaffRecord } from '../../src/ledger/verify/records.ts';
import type { Readiness } from '../../src/main/workshop/readiness.ts';
import { demoSecret } from '../../tools/demo/demo-keys.ts';
import { demoAdminPin, demoPin } from '../../tools/demo/people.ts';
import { worldAt } from '../../tools/demo/world.ts';
import { newCardState, saveCardState } from '../../tools/virtual-card/card-state.ts';
import { newPivState, savePivState } from '../../tools/virtual-card/piv-state.ts';
import { whyNoReaders } from '../drivers/device-rig.ts';
import { must } from '../hub/visitor.ts';
import { TerminalWithCards } from './terminal-with-cards.ts';

const missing = whyNoReaders();
const publicKey = (name: string): string => toBase64url(ed25519Signer(demoSecret(name)).key[1]);

describe.skipIf(missing !== null)('a hub of one’s own, from nothing', () => {
  let dir: string;
  let terminal: TerminalWithCards;
  let hub: Hub;
  const at = (name: string): string => join(dir, name);
  const hubDir = (): string => at('hub');
  const where = (): string[] => ['--hub', at('hub.json'), '--data', hubDir()];
  const untilThere = '2035-01-01';

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'enrol-'));
    terminal = await TerminalWithCards.open(at('pcsc'));
    writeFileSync(at('server.json'), JSON.stringify({ hub: 'north-hub', ledger: { engine: 'embedded' }, keeper: {}, registrar: {} }));
    const founded = await terminal.imi(['hub', 'init', '--chain', 'north', '--server', at('server.json'), '--data', hubDir()]);
    const { trustRoot } = JSON.parse(founded.out) as Pick<HubFile, 'trustRoot'>;
    const demo = worldAt(dir).hubFile;
    const hall = { ...demo.kiosks['hall-1'], readers: { resident: terminal.pcscd.readerNames.resident } };
    const hubFile = hubFileSchema.parse({ ...demo, id: 'north', hub: { address: 'unix:../hub.sock' }, trustRoot, kiosks: { 'hall-1': hall } });
    writeFileSync(at('hub.json'), JSON.stringify(hubFile));
    saveCardState(at('technician.card'), newCardState({ label: 'technician', seed: demoSecret('card/a technician'), face: { name: 'T', kind: 'technician', note: { en: '', 'zh-Hans': '' } }, pin: demoPin, adminPin: demoAdminPin }));
    const serverFile = hubServerFileSchema.parse(JSON.parse(readFileSync(at('server.json'), 'utf8')));
    hub = must(await openHub({ hubFile, serverFile, dataDir: hubDir() }));
  }, 60_000);
  afterAll(async () => {
    await hub.close();
    await terminal.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const party = async (name: string): Promise<PartyRecord | null> => {
    const [value] = must(await hub.ledger.values([stateKey.party(name)]));
    return value === null || value === undefined ? null : decodeRecord('party', value);
  };

  it('its authority takes an agency in, with the keys that the agency has made', async () => {
    const init = await terminal.imi(['agency', 'init', '--dir', at('water'), '--name', 'north-water', '--gateway', 'http://127.0.0.1:9', '--hub', at('hub.json')]);
    const keys = JSON.parse(init.out) as { id: string; sign: string; seal: string };
    const purposes = [{ id: 'water-contract', claims: ['name', 'address'], longestDays: 30 }];
    writeFileSync(at('water.json'), JSON.stringify({ ...keys, names: { 'zh-Hans': '北区自来水', en: 'North Water' }, purposes }));
    const done = await terminal.imi(['enrol', 'party', at('water.json'), '--key', join(hubDir(), 'authority.key.json'), ...where()]);
    expect(done).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^Recorded: [0-9a-f]{64}\n$/) as string });
    expect(await party('north-water')).toMatchObject({ party: 'agency', state: 'active', names: { en: 'North Water' }, purposes });
  }, 60_000);

  it('its authority suspends an agency, lets it in again, gives it other keys, and ends it', async () => {
    const authority = async (...words: string[]): Promise<unknown> => terminal.imi(['enrol', ...words, '--key', join(hubDir(), 'authority.key.json'), ...where()]);
    const recorded = { code: 0, err: '' };
    const init = await terminal.imi(['agency', 'init', '--dir', at('gas'), '--name', 'north-gas', '--gateway', 'http://127.0.0.1:9', '--hub', at('hub.json')]);
    const keys = JSON.parse(init.out) as { sign: string };
    writeFileSync(at('gas.json'), JSON.stringify({ ...keys, names: { 'zh-Hans': '北区燃气', en: 'North Gas' } }));
    expect(await authority('party', at('gas.json'))).toMatchObject(recorded);
    expect(await authority('suspend-party', 'north-gas')).toMatchObject(recorded);
    expect(await party('north-gas')).toMatchObject({ state: 'suspended' });
    expect(await authority('suspend-party', 'north-gas')).toMatchObject({ code: 1, err: 'Refused: party-state\n' });
    expect(await authority('resume-party', 'north-gas')).toMatchObject(recorded);
    expect(await party('north-gas')).toMatchObject({ state: 'active' });
    writeFileSync(at('other-keys.json'), JSON.stringify({ id: 'north-gas', current: publicKey('gas'), sign: publicKey('gas, again') }));
    expect(await authority('rotate-party', at('other-keys.json'))).toMatchObject({ code: 1, err: 'Refused: key-not-current\n' });
    writeFileSync(at('other-keys.json'), JSON.stringify({ id: 'north-gas', current: keys.sign, sign: publicKey('gas, again') }));
    expect(await authority('rotate-party', at('other-keys.json'))).toMatchObject(recorded);
    expect(toBase64url((await party('north-gas'))?.sign[1] ?? new Uint8Array())).toBe(publicKey('gas, again'));
    expect(await authority('retire-party', 'north-gas')).toMatchObject(recorded);
    expect(await party('north-gas')).toMatchObject({ state: 'retired' });
  }, 60_000);

  it('a ledger of one validator takes no other', async () => {
    const set = ['enrol', 'validator', publicKey('validator').replaceAll('-', '+').replaceAll('_', '/'), '--power', '10', '--key', join(hubDir(), 'authority.key.json'), ...where()];
    expect(await terminal.imi(set)).toMatchObject({ code: 1, err: 'Refused: validators-fixed\n' });
  }, 60_000);

  it('a key that is not the authority’s enrols nobody', async () => {
    writeKeyFile(at('somebody.key.json'), { sign: demoSecret('somebody') });
    const file = { ...(JSON.parse(readFileSync(at('water.json'), 'utf8')) as object), id: 'another-water' };
    writeFileSync(at('another.json'), JSON.stringify(file));
    expect(await terminal.imi(['enrol', 'party', at('another.json'), '--key', at('somebody.key.json'), ...where()])).toMatchObject({ code: 1, err: expect.stringMatching(/^Refused: (signer-missing|signer-unknown|key-unknown)/) as string });
    expect(await party('another-water')).toBeNull();
  }, 60_000);

  let technician = '';
  it('a technician’s card, signed elsewhere and brought to the hub, makes a kiosk', async () => {
    const signed = at('technician.enrolment');
    const key = join(hubDir(), 'hub.key.json');
    const enrolled = await terminal.imi(['enrol', 'staff', '--party', 'north-hub', '--role', 'technician', '--until', untilThere, '--key', key, '--hub', at('hub.json'), '--out', signed], [at('technician.card')]);
    expect([enrolled.code, enrolled.err]).toEqual([0, '']);
    technician = /Their id: ([0-9a-f]{32})/.exec(enrolled.out)?.[1] ?? '';
    expect(await terminal.imi(['enrol', 'bring', signed, ...where()])).toMatchObject({ code: 0, err: '' });
    // What is brought again is the same.
    expect(await terminal.imi(['enrol', 'bring', signed, ...where()])).toMatchObject({ code: 0, err: '' });
    writeFileSync(at('kiosk.json'), JSON.stringify({ hub: 'hub.json', kiosk: 'hall-1', data: 'hall-1' }));
    const made = await terminal.imi(['kiosk', 'provision', '--config', at('kiosk.json')], [at('technician.card')]);
    expect([made.err, made.out.split('\n')[0]]).toEqual(['', 'Enrolled: hall-1']);
    const { out } = await terminal.imi(['kiosk', 'check', '--hub', at('hub.json'), '--kiosk', 'hall-1', '--data', at('hall-1'), '--json']);
    expect((JSON.parse(out) as Readiness).checks).toContainEqual({ check: 'enrolment', state: 'good' });
  }, 60_000);

  it('a technician’s PIV card does the same; one that signs only a piece of what it is given is not enrolled', async () => {
    const key = join(hubDir(), 'hub.key.json');
    const enrol = ['enrol', 'staff', '--party', 'north-hub', '--role', 'technician', '--until', untilThere, '--key', key, ...where()];
    savePivState(at('half.card'), newPivState({ label: 'half', seed: demoSecret('card/half'), pin: demoPin, style: { signs: 'first-32-bytes' } }));
    expect(await terminal.imi(enrol, [at('half.card')])).toMatchObject({ code: 1, err: 'Refused: card-unsupported (its AUT key does not sign 1024 bytes)\n' });
    savePivState(at('piv.card'), newPivState({ label: 'piv', seed: demoSecret('card/piv'), pin: demoPin }));
    expect(await terminal.imi(enrol, [at('piv.card')])).toMatchObject({ code: 0, err: '' });
    const hall2 = { ...(JSON.parse(readFileSync(at('hub.json'), 'utf8')) as HubFile) };
    writeFileSync(at('hub2.json'), JSON.stringify({ ...hall2, kiosks: { ...hall2.kiosks, 'hall-2': hall2.kiosks['hall-1'] } }));
    writeFileSync(at('kiosk2.json'), JSON.stringify({ hub: 'hub2.json', kiosk: 'hall-2', data: 'hall-2' }));
    const made = await terminal.imi(['kiosk', 'provision', '--config', at('kiosk2.json')], [at('piv.card')]);
    expect([made.err, made.out.split('\n')[0]]).toEqual(['', 'Enrolled: hall-2']);
  }, 60_000);

  it('once it is ended that card makes none any more', async () => {
    expect(await terminal.imi(['enrol', 'retire-staff', technician, '--key', join(hubDir(), 'hub.key.json'), ...where()])).toMatchObject({ code: 0, err: '' });
    const [value] = must(await hub.ledger.values([stateKey.staff(fromHex(technician) ?? new Uint8Array())]));
    expect(decodeRecord('staff', value ?? new Uint8Array()) satisfies StaffRecord).toMatchObject({ state: 'retired', role: 'technician' });
    const retire = ['kiosk', 'retire', '--hub', at('hub.json'), '--kiosk', 'hall-1', '--data', at('hall-1'), '--out', at('proof')];
    expect(await terminal.imi(retire, [at('technician.card')])).toMatchObject({ code: 1, err: 'Refused: staff-card-retired\n' });
  }, 60_000);

  it.each([
    { what: 'nothing', args: [], says: 'Something is missing' },
    { what: 'a party that is none', args: ['party', 'server.json', '--key', 'somebody.key.json'], says: 'names' },
    { what: 'a key that is not there', args: ['party', 'water.json', '--key', 'nowhere.json'], says: 'key-missing' },
    { what: 'a role that there is not', args: ['staff', '--party', 'north-hub', '--role', 'king', '--until', '2035-01-01', '--key', 'somebody.key.json'], says: 'in which role' },
    { what: 'a validator without power', args: ['validator', publicKey('validator'), '--key', 'somebody.key.json'], says: '--power' },
    { what: 'a validator whose key is none', args: ['validator', 'AAAA', '--power', '0', '--key', 'somebody.key.json'], says: '32 bytes' },
    { what: 'a party without a name', args: ['retire-party', '--key', 'somebody.key.json'], says: '3 to 40' },
    { what: 'somebody without an id', args: ['retire-staff', 'them', '--key', 'somebody.key.json'], says: 'An id has 32' },
  ])('called with $what it says what is wrong', async ({ args, says }) => {
    const placed = args.map((word) => (word.endsWith('.json') ? at(word) : word));
    const done = await terminal.imi(['enrol', ...placed, ...(args.length === 0 ? [] : where())]);
    expect(done.code).toBeGreaterThan(0);
    expect(done.err).toContain(says);
  }, 60_000);
});
