import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fail, ok, type Result } from '../../src/contract/result.ts';
import { openHubParts, type HubParts } from '../../src/hub/hub.ts';
import { softwareOpener } from '../../src/identity/hpke.ts';
import { prepareRegistration, type PreparedRegistration } from '../../src/identity/registration.ts';
import { prepareReplacement } from '../../src/identity/replacement.ts';
import { openObjects, openSpace } from '../../src/identity/space.ts';
import { newX25519Secret, x25519Public } from '../../src/identity/x25519.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer, type MemorySigner } from '../../src/ledger/node-signer.ts';
import { encodeChallenge } from '../../src/ledger/verify/challenge.ts';
import { signEnvelope } from '../../src/ledger/verify/envelope.ts';
import { decodeRecord, stateKey } from '../../src/ledger/verify/records.ts';
import { openExpectedResidents, type ExpectedResidents } from '../../src/registrar/expected.ts';
import { Registrations, type CardReplacement, type Registration, type RegistrationsParts } from '../../src/registrar/registrations.ts';
import { demoId, demoSecret } from '../../tools/demo/demo-keys.ts';
import { identityNumber } from '../../tools/demo/people.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { cardInMemory } from '../hub/card-in-memory.ts';
import { must } from '../hub/visitor.ts';

let dataDir: string;
let world: World;
let hub: HubParts;
let staff: MemorySigner;
let sequence = 500;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-registrations-'));
  world = await seedWorld(dataDir);
  hub = must(await openHubParts({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  staff = cardInMemory(world.cards['staff-liang'] ?? '').sig;
}, 60_000);
afterAll(async () => {
  await hub.close();
  rmSync(dataDir, { recursive: true });
});

type Step = 'take' | 'foundSpace' | 'enter' | 'prepare' | 'deposit' | 'deposited';

interface NewResident {
  registration: Registration;
  prepared: PreparedRegistration;
  aut: MemorySigner;
  dec: Uint8Array;
}

/** Somebody new with a new card, up to the two signatures. */
async function newResident({ number = identityNumber('1996-04-11', (sequence += 1)), proof = true, signers = [staff] as MemorySigner[] } = {}): Promise<NewResident> {
  const [sig, aut, dec] = [ed25519Signer(randomBytes(32)), ed25519Signer(randomBytes(32)), newX25519Secret()];
  const prepared = prepareRegistration(
    { chain: world.hubFile.trustRoot.chain, kiosk: 'hall-1', sig: sig.key[1], aut: aut.key[1], dec: x25519Public(dec), signatureCount: 1, now: Math.floor(Date.now() / 1000) },
    nodeCrypto,
  );
  const body = prepared.finish((proof ? aut : sig).sign(prepared.challenge));
  const envelope = await signEnvelope(body, [...signers, sig], nodeCrypto);
  const { wrapped, recovery } = prepared;
  return { prepared, aut, dec, registration: { envelope, wrapped, recovery, facts: { name: '方敏', sex: 'female', birth_date: '1996-04-11', identity_number: number }, adminPin: demoSecret('sealed admin PIN') } };
}

const member = (): { sig: MemorySigner['key'] } => ({ sig: staff.key });
const brief = (result: Result<{ state: string; code?: string }>): string => (result.ok ? (result.value.code ?? result.value.state) : result.failure.code);

/** What the new card finds in its space, as at a kiosk. */
async function credentialsOf({ prepared: { resident }, aut, dec }: NewResident): Promise<string[]> {
  const kioskNonce = new Uint8Array(randomBytes(16));
  const { keeperNonce, notAfter } = must(hub.keeper.issueChallenge(kioskNonce));
  const challenge = encodeChallenge({ chain: world.hubFile.trustRoot.chain, kiosk: 'hall-1', purpose: 'sign-in', nonce: new Uint8Array([...kioskNonce, ...keeperNonce]), notAfter });
  const opened = must(await hub.keeper.openSpace({ resident, challenge, signature: aut.sign(challenge) }));
  const values = must(await hub.ledger.values([stateKey.resident(resident)]));
  const record = decodeRecord('resident', values[0] ?? new Uint8Array(0));
  const space = must(await openSpace(opened.wrappedKey, resident, record.space[1], softwareOpener(dec)));
  return must(await openObjects(opened.objects, space)).credentials;
}

const partsOf = (path: string): RegistrationsParts => ({
  path,
  key: demoSecret('registrar/index'),
  ledger: hub.ledger,
  registrar: hub.registrar,
  expected: { find: () => ok(null), noteVouched: () => ok(null), order: () => ok(new Uint8Array(32)), due: () => ok([]), noteTried: () => ok(null), keepPrepared: () => ok(null), noteIssued: () => ok(null) },
  keeper: hub.keeper,
  crypto: nodeCrypto,
  onFault: () => undefined,
});

/** The same, but for one thing that a full disk refuses: before it was done, or (`deposited`) right after. */
function breakAt(step: Step, parts: RegistrationsParts): RegistrationsParts {
  const full = fail('hub-storage', 'sqlite-13');
  const { keeper, registrar } = parts;
  return {
    ...parts,
    // Nobody goes on with it before the next start.
    ledger: { chain: parts.ledger.chain, receipt: (...args) => parts.ledger.receipt(...args), onBlock: () => () => undefined },
    keeper: {
      take: (incoming) => (step === 'take' ? Promise.resolve(full) : keeper.take(incoming)),
      foundSpace: (space) => (step === 'foundSpace' ? Promise.resolve(full) : keeper.foundSpace(space)),
    },
    registrar: {
      holderOf: (number) => registrar.holderOf(number),
      enter: (...args) => (step === 'enter' ? full : registrar.enter(...args)),
      prepare: (...args) => (step === 'prepare' ? Promise.resolve(full) : registrar.prepare(...args)),
      async deposit(issued) {
        if (step === 'deposited') must(await registrar.deposit(issued));
        return step === 'deposit' || step === 'deposited' ? full : registrar.deposit(issued);
      },
    },
  };
}

describe('a registration from the desk', () => {
  it('is recorded, founds the space, enters the number, and issues the identity, once', async () => {
    const one = await newResident();
    expect(brief(await hub.registrations.register(one.registration, member()))).toBe('recorded');
    expect(brief(await hub.registrations.register(one.registration, member()))).toBe('recorded');
    const credentials = await credentialsOf(one);
    expect(credentials).toHaveLength(1);
    expect(must(hub.registrar.holderOf(one.registration.facts.identity_number ?? ''))).toEqual(one.prepared.resident);
    expect(must(hub.registrations.adminPins(one.prepared.resident))).toEqual([one.registration.adminPin]);
  });

  describe('while its ledger stands still', () => {
    const keysOf = ({ aut, dec }: NewResident): Uint8Array[] => [aut.key[1], x25519Public(dec)];
    /** Takes everything, and makes no block. */
    const standing = (path: string, state: 'queued' | 'rejected' = 'queued'): RegistrationsParts => ({
      ...partsOf(path),
      recordWaitMs: 0,
      ledger: { chain: hub.ledger.chain, receipt: () => Promise.resolve(ok(null)), onBlock: () => () => undefined },
      keeper: { take: () => Promise.resolve(ok({ state })), foundSpace: () => Promise.resolve(ok(null)) },
    });

    it('the card is under way by each of its keys, after a restart too, until nothing comes of it', async () => {
      const path = join(dataDir, 'standing.sqlite');
      const [one, another] = [await newResident(), await newResident()];
      const before = must(Registrations.open(standing(path)));
      expect(must(before.isUnderWay(keysOf(one)))).toBe(false);
      expect(brief(await before.register(one.registration, member()))).toBe('queued');
      for (const key of keysOf(one)) expect(must(before.isUnderWay([key]))).toBe(true);
      expect(must(before.isUnderWay(keysOf(another)))).toBe(false);
      await before.close();

      const after = must(Registrations.open(standing(path, 'rejected')));
      expect(must(after.isUnderWay(keysOf(one)))).toBe(true);
      await after.carryOn();
      expect(must(after.isUnderWay(keysOf(one)))).toBe(false);
      await after.close();
    });

    it('one that is damaged keeps nobody else from the rest of theirs, and is told', async () => {
      const path = join(dataDir, 'damaged-order.sqlite');
      const faults: string[] = [];
      const registrations = must(Registrations.open({ ...standing(path), onFault: (where, failure) => void faults.push(`${where}: ${String(failure)}`) }));
      const [first, second] = [await newResident(), await newResident()];
      for (const one of [first, second]) expect(brief(await registrations.register(one.registration, member()))).toBe('queued');
      const database = new DatabaseSync(path);
      database.prepare('UPDATE registration SET content = ? WHERE resident = ?').run(new Uint8Array(64), first.prepared.resident);
      database.close();
      await registrations.close();

      const after = must(Registrations.open({ ...standing(path, 'rejected'), onFault: (where, failure) => void faults.push(`${where}: ${String(failure)}`) }));
      await after.carryOn();
      expect(faults).toEqual(['registration: Error: a registration that was kept does not open']);
      expect([must(after.isUnderWay(keysOf(first))), must(after.isUnderWay(keysOf(second)))]).toEqual([true, false]);
      await after.close();
    });

    it('and no longer once all of it is done', async () => {
      const one = await newResident();
      expect(brief(await hub.registrations.register(one.registration, member()))).toBe('recorded');
      expect(must(hub.registrations.isUnderWay(keysOf(one)))).toBe(false);
    });
  });

  it('takes along what the register’s export said, the document’s own facts before it, and keeps it for the next card', async () => {
    const household = { postcode: '510140', household_number: '060312018833', household_role: 'head', household_size: '3', resident_since: '2020-03-01', marital_status: 'single' };
    const number = identityNumber('1996-04-11', (sequence += 1));
    const expected = must(openExpectedResidents(join(world.hubDir, world.serverFile.registrar.expected), demoSecret('registrar/index')));
    must(expected.take(new Uint8Array(32), [{ line: 2, facts: { name: '方敏敏', identity_number: number, birth_date: '1996-04-11', ...household } }], () => ok(false)));
    const one = await newResident({ number });
    expect(brief(await hub.registrations.register(one.registration, member()))).toBe('recorded');
    const [credential = ''] = await credentialsOf(one);
    const disclosed = credential.split('~').slice(1, -1).map((encoded) => JSON.parse(Buffer.from(encoded, 'base64url').toString()) as [string, string, string]);
    const facts = Object.fromEntries(disclosed.map(([, name, value]) => [name, value]));
    expect(facts).toMatchObject({ ...one.registration.facts, ...household });
    expect(must(expected.find(number))).toMatchObject({ postcode: '510140' });
    expected.close();
  });

  describe('whoever came before the register’s export', () => {
    const number = identityNumber('1996-04-11', 499);
    const household = { household_number: '060312018833', household_role: 'head', postcode: '510140' };
    const line = (facts: object) => [{ line: 2, facts: { name: '方敏', identity_number: number, birth_date: '1996-04-11', ...facts } }];
    let expected: ExpectedResidents;
    let one: NewResident;
    let exports = 0;

    /** What stands in the newest credential in the space. */
    const told = async (): Promise<{ count: number; facts: Record<string, string> }> => {
      const credentials = await credentialsOf(one);
      const issuedAt = (sdJwt: string): number => (JSON.parse(Buffer.from(sdJwt.split('.')[1] ?? '', 'base64url').toString()) as { iat: number }).iat;
      const newest = credentials.toSorted((a, b) => issuedAt(b) - issuedAt(a))[0] ?? '';
      const disclosed = newest.split('~').slice(1, -1).map((encoded) => JSON.parse(Buffer.from(encoded, 'base64url').toString()) as [string, string, string]);
      return { count: credentials.length, facts: Object.fromEntries(disclosed.map(([, name, value]) => [name, value])) };
    };
    /** As `imi registrar expect` does it beside the running hub, and then a block. */
    const exported = async (facts: object): Promise<{ changed: number; same: number; refused: number }> => {
      const taken = must(expected.take(new Uint8Array(32).fill((exports += 1)), line(facts), (asked) => ok(must(hub.registrar.holderOf(asked)) !== null)));
      // Of its second it is the newest.
      await later();
      await hub.registrations.carryOn();
      return taken;
    };
    const later = async (): Promise<void> => {
      const second = Math.floor(Date.now() / 1000);
      await expect.poll(() => Math.floor(Date.now() / 1000), { interval: 50, timeout: 3000 }).toBeGreaterThan(second);
    };

    beforeAll(async () => {
      expected = must(openExpectedResidents(join(world.hubDir, world.serverFile.registrar.expected), demoSecret('registrar/index')));
      one = await newResident({ number });
      expect(brief(await hub.registrations.register(one.registration, member()))).toBe('recorded');
    });
    afterAll(() => expected.close());

    it('has what the identity document said', async () => {
      expect(await told()).toEqual({ count: 1, facts: { ...one.registration.facts } });
    });

    it('has the household too once it is in the export, with what the document said, issued once', async () => {
      expect(await exported(household)).toMatchObject({ changed: 1, same: 0, refused: 0 });
      expect(await told()).toEqual({ count: 2, facts: { ...one.registration.facts, ...household } });
      await hub.registrations.carryOn();
      expect((await told()).count).toBe(2);
    });

    it('gets no other credential for an export that says nothing new', async () => {
      expect(await exported(household)).toMatchObject({ changed: 0, same: 1, refused: 0 });
      expect((await told()).count).toBe(2);
    });

    it('has what has changed in the register since, and no postcode of an address that it has left', async () => {
      expect(await exported({ household_number: '060312018834', household_role: 'head', address: '西关区宝华路 9 号' })).toMatchObject({ changed: 1 });
      expect(await told()).toEqual({ count: 3, facts: { ...one.registration.facts, household_number: '060312018834', household_role: 'head', address: '西关区宝华路 9 号' } });
    });

    it('gets it later where the keeper cannot write just now', async () => {
      let refused = 0;
      const path = join(dataDir, 'due.sqlite');
      must(expected.take(new Uint8Array(32).fill(0xee), line({ marital_status: 'married' }), () => ok(true)));
      const parts = { ...breakAt('take', partsOf(path)), expected, onFault: () => void (refused += 1) };
      const broken = must(Registrations.open({ ...parts, registrar: { ...parts.registrar, deposit: () => Promise.resolve(fail('hub-storage', 'sqlite-13')) } }));
      await later();
      await broken.carryOn();
      await broken.close();
      expect(refused).toBe(1);
      expect((await told()).facts).not.toHaveProperty('marital_status');
      await later();
      await hub.registrations.carryOn();
      expect((await told()).facts).toMatchObject({ marital_status: 'married', household_number: '060312018834' });
      // With the block after the one that has it.
      await expect.poll(() => must(expected.due(10))).toEqual([]);
    });
  });

  it('is refused where the number is somebody’s', async () => {
    const one = await newResident();
    await hub.registrations.register(one.registration, member());
    const again = await newResident({ number: one.registration.facts.identity_number ?? '' });
    expect(brief(await hub.registrations.register(again.registration, member()))).toBe('resident-known');
    expect(must(await hub.ledger.values([stateKey.resident(again.prepared.resident)]))).toEqual([null]);
  });

  it.each<[name: string, change: () => Promise<NewResident>, expected: string]>([
    ['a check digit that does not fit', () => newResident({ number: '000000199604110011' }), 'document-number'],
    ['a number of another birth date', () => newResident({ number: identityNumber('1996-04-12', 7) }), 'document-number'],
    ['signed by nobody of the staff', () => newResident({ signers: [] }), 'hub-refused'],
    ['signed by somebody else of the staff', () => newResident({ signers: [ed25519Signer(demoSecret('nobody'))] }), 'hub-refused'],
    ['a card that did not answer for its keys', () => newResident({ proof: false }), 'challenge-invalid'],
  ])('is refused: %s; nothing of it remains, and the next try succeeds', async (_, change, expected) => {
    const refused = await change();
    expect(brief(await hub.registrations.register(refused.registration, member()))).toBe(expected);
    expect(must(await hub.ledger.values([stateKey.resident(refused.prepared.resident)]))).toEqual([null]);
    const number = refused.registration.facts.identity_number ?? '';
    expect(must(hub.registrar.holderOf(number))).toBeNull();
    const next = expected === 'document-number' ? await newResident() : await newResident({ number });
    expect(brief(await hub.registrations.register(next.registration, member()))).toBe('recorded');
  });

  it.each<Step>(['take', 'foundSpace', 'enter', 'prepare', 'deposit', 'deposited'])('goes on after a crash at %s, and happens once', async (step) => {
    const path = join(dataDir, `crash-${step}.sqlite`);
    const sound = partsOf(path);
    const broken = must(Registrations.open(breakAt(step, sound)));
    const one = await newResident();
    expect(brief(await broken.register(one.registration, member()))).toBe('hub-storage');
    await broken.close();
    expect(readFileSync(path).includes(Buffer.from('方敏'))).toBe(false);
    const next = must(Registrations.open(sound));
    await next.carryOn();
    await next.carryOn();
    expect(await credentialsOf(one)).toHaveLength(1);
    expect(must(hub.registrar.holderOf(one.registration.facts.identity_number ?? ''))).toEqual(one.prepared.resident);
    expect(must(next.adminPins(one.prepared.resident))).toHaveLength(1);
    await next.close();
  });

  it.each(['signer-revoked', 'expired'])('goes on with another anchor where the one that was kept is refused as %s', async (code) => {
    const sound = partsOf(join(dataDir, `refused-${code}.sqlite`));
    const refusing = must(Registrations.open({ ...sound, registrar: { ...breakAt('take', sound).registrar, deposit: () => Promise.resolve(fail('request-rejected', code)) } }));
    const one = await newResident();
    expect(brief(await refusing.register(one.registration, member()))).toBe('request-rejected');
    await refusing.close();
    const prepared: Uint8Array[] = [];
    const next = must(
      Registrations.open({
        ...sound,
        registrar: {
          ...breakAt('take', sound).registrar,
          async prepare(...args) {
            const made = await hub.registrar.prepare(...args);
            if (made.ok) prepared.push(made.value.envelope);
            return made;
          },
        },
      }),
    );
    await next.carryOn();
    expect(prepared).toHaveLength(1);
    expect(await credentialsOf(one)).toHaveLength(1);
    await next.close();
  });

  it('two of one number at once: one of them', async () => {
    const number = identityNumber('1996-04-11', (sequence += 1));
    const both = [await newResident({ number }), await newResident({ number })];
    const results = await Promise.all(both.map(({ registration }) => hub.registrations.register(registration, member())));
    expect(results.map(brief)).toEqual(['recorded', 'resident-known']);
  });

  describe('of a card in place of another', () => {
    let clerk: MemorySigner;
    beforeAll(() => {
      clerk = cardInMemory(world.cards['clerk-tan'] ?? '').sig;
    });

    /** Whoever was registered last gets a new card, without the slip. */
    async function newCardFor({ prepared: { resident }, registration: { facts } }: NewResident, { of = facts, by = [staff, clerk] }: { of?: Registration['facts']; by?: MemorySigner[] } = {}): Promise<{ replaced: CardReplacement; aut: MemorySigner; dec: Uint8Array }> {
      const [sig, aut, dec] = [ed25519Signer(randomBytes(32)), ed25519Signer(randomBytes(32)), newX25519Secret()];
      const { recovery, formers, replaced } = must(await hub.keeper.recovery(resident));
      const values = must(await hub.ledger.values([stateKey.resident(resident)]));
      const { space } = decodeRecord('resident', values[0] ?? new Uint8Array(0));
      const prepared = must(
        await prepareReplacement(
          { chain: world.hubFile.trustRoot.chain, kiosk: 'hall-1', space: { resident, publicKey: space[1], recovery, formers, replaced }, card: { sig: sig.key[1], aut: aut.key[1], dec: x25519Public(dec), signatureCount: 1 }, document: 'ID', slip: null, now: Math.floor(Date.now() / 1000) },
          nodeCrypto,
        ),
      );
      const { body, payloads } = prepared.finish(aut.sign(prepared.challenge));
      const envelope = await signEnvelope(body, [...by, sig], nodeCrypto);
      return { aut, dec, replaced: { envelope, replacement: payloads[0]?.sealed ?? new Uint8Array(0), facts: of, adminPin: demoSecret('another admin PIN') } };
    }
    async function registered(): Promise<NewResident> {
      const one = await newResident();
      expect(brief(await hub.registrations.register(one.registration, member()))).toBe('recorded');
      return one;
    }

    it('the old card is dead, the identity is issued to the new one, once, and both admin PINs are kept', async () => {
      const one = await registered();
      const { replaced, aut, dec } = await newCardFor(one);
      expect(brief(await hub.registrations.replace(replaced, member()))).toBe('recorded');
      expect(brief(await hub.registrations.replace(replaced, member()))).toBe('recorded');
      expect(await credentialsOf({ ...one, aut, dec })).toHaveLength(1);
      expect(must(hub.registrations.adminPins(one.prepared.resident))).toEqual([replaced.adminPin, one.registration.adminPin]);
    });

    it.each<[name: string, change: (one: NewResident) => Promise<{ replaced: CardReplacement }>, expected: string]>([
      ['of another’s number', async (one) => newCardFor(one, { of: (await registered()).registration.facts }), 'hub-refused'],
      ['of nobody’s number', (one) => newCardFor(one, { of: { ...one.registration.facts, identity_number: identityNumber('1996-04-11', 999) } }), 'resident-unknown'],
      ['not signed by whoever brings it', (one) => newCardFor(one, { by: [clerk] }), 'hub-refused'],
      ['signed by one of the staff only', (one) => newCardFor(one, { by: [staff] }), 'signer-role'],
    ])('is refused: %s; the old card is as it was, and the next try succeeds', async (_, change, expected) => {
      const one = await registered();
      const { replaced } = await change(one);
      expect(brief(await hub.registrations.replace(replaced, member()))).toBe(expected);
      expect(await credentialsOf(one)).toHaveLength(1);
      expect(brief(await hub.registrations.replace((await newCardFor(one)).replaced, member()))).toBe('recorded');
    });

    it.each<Step>(['take', 'prepare', 'deposit', 'deposited'])('goes on after a crash at %s, and happens once', async (step) => {
      const one = await registered();
      const sound = partsOf(join(dataDir, `replaced-${step}.sqlite`));
      const broken = must(Registrations.open(breakAt(step, sound)));
      const { replaced, aut, dec } = await newCardFor(one);
      expect(brief(await broken.replace(replaced, member()))).toBe('hub-storage');
      await broken.close();
      const next = must(Registrations.open(sound));
      await next.carryOn();
      await next.carryOn();
      expect(await credentialsOf({ ...one, aut, dec })).toHaveLength(1);
      await next.close();
    });
  });

  describe('the register’s news of many people', () => {
    const household = { marital_status: 'married' };
    interface Crowd {
      expected: ExpectedResidents;
      registrations: Registrations;
      /** Numbers in the order in which their credentials were deposited. */
      deposited: string[];
      /** What their credentials said when they were prepared. */
      prepared: string[];
      faults: string[];
      close(): Promise<void>;
    }
    const numberOf = (one: number): string => identityNumber('1996-04-11', 700 + one);
    /** So many who have a credential, of all of whom the export says something new. */
    const crowdOf = async (size: number, name: string, change: { deposit?: (number: string) => Result<null>; recorded?: () => boolean; path?: string } = {}): Promise<Crowd> => {
      const expected = must(openExpectedResidents(change.path ?? ':memory:', demoSecret('registrar/index')));
      for (let one = 0; one < size; one++) {
        const facts = { name: '方敏', birth_date: '1996-04-11', identity_number: numberOf(one) };
        must(expected.noteVouched(numberOf(one), facts));
        must(expected.take(new Uint8Array(32).fill(one), [{ line: 2, facts: { ...facts, ...household } }], () => ok(true)));
      }
      const [deposited, prepared, faults]: string[][] = [[], [], []];
      const numbers = new Map<string, string>();
      const registrations = must(
        Registrations.open({
          ...partsOf(join(dataDir, `${name}.sqlite`)),
          expected,
          ledger: { chain: hub.ledger.chain, onBlock: () => () => undefined, receipt: () => Promise.resolve(ok(change.recorded?.() === false ? null : new Uint8Array(1))) },
          registrar: {
            enter: () => ok(null),
            holderOf: () => ok(demoId('lin')),
            prepare: async (resident, facts) => {
              const issued = must(await hub.registrar.prepare(resident, facts));
              numbers.set(Buffer.from(issued.envelope).toString('hex'), facts.identity_number ?? '');
              prepared?.push(facts.identity_number ?? '');
              return ok(issued);
            },
            deposit: (issued) => {
              const number = numbers.get(Buffer.from(issued.envelope).toString('hex')) ?? '';
              deposited?.push(number);
              return Promise.resolve(change.deposit?.(number) ?? ok(null));
            },
          },
          onFault: (_, failure) => void faults?.push(failure instanceof Error ? String(failure) : ((failure as { detail?: string; code: string }).detail ?? (failure as { code: string }).code)),
        }),
      );
      return { expected, registrations, deposited: deposited ?? [], prepared: prepared ?? [], faults: faults ?? [], close: async () => (await registrations.close(), expected.close()) };
    };
    const dueOf = ({ expected }: Crowd): number => must(expected.due(1000)).length;

    it('waits where the registrar’s key is refused, and is issued once it is put right', async () => {
      let isRevoked = true;
      const crowd = await crowdOf(60, 'refused', { deposit: () => (isRevoked ? fail('request-rejected', 'signer-revoked') : ok(null)) });
      for (let block = 0; block < 3; block++) await crowd.registrations.carryOn();
      expect(dueOf(crowd)).toBe(60);
      expect(crowd.faults).toEqual(['signer-revoked', 'signer-revoked', 'signer-revoked']);
      isRevoked = false;
      for (let block = 0; block < 2; block++) await crowd.registrations.carryOn();
      expect(dueOf(crowd)).toBe(0);
      await crowd.close();
    });

    it('is not due to those who were retired, and the others go on', async () => {
      const crowd = await crowdOf(5, 'retired', { deposit: (number) => (number === numberOf(2) ? fail('request-rejected', 'subject-inactive') : ok(null)) });
      await crowd.registrations.carryOn();
      expect(dueOf(crowd)).toBe(0);
      expect(crowd.faults).toEqual(['subject-inactive']);
      await crowd.close();
    });

    it('reaches the others where it throws for one of them', async () => {
      const crowd = await crowdOf(4, 'throws', {
        deposit: (number) => {
          if (number === numberOf(2)) throw new Error('broken');
          return ok(null);
        },
      });
      await crowd.registrations.carryOn();
      expect(dueOf(crowd)).toBe(1);
      expect(crowd.faults).toEqual(['Error: broken']);
      await crowd.close();
    });

    it('reaches the others where one of them fails each time, and where a row is damaged', async () => {
      const path = join(dataDir, 'damaged.sqlite');
      const crowd = await crowdOf(60, 'fails', { path, deposit: (number) => (number === numberOf(7) ? fail('hub-busy') : ok(null)) });
      const beside = new DatabaseSync(path);
      beside.exec('UPDATE expected SET vouched = zeroblob(60) WHERE tag = (SELECT min(tag) FROM expected)');
      beside.close();
      for (let block = 0; block < 6; block++) await crowd.registrations.carryOn();
      expect(dueOf(crowd)).toBe(2);
      expect(new Set(crowd.faults)).toEqual(new Set(['hub-busy', 'expected-damaged']));
      await crowd.close();
    });

    it('is deposited as it was prepared until its anchor is recorded', async () => {
      let isRecorded = false;
      const crowd = await crowdOf(2, 'recorded', { recorded: () => isRecorded });
      for (let block = 0; block < 3; block++) await crowd.registrations.carryOn();
      expect([dueOf(crowd), crowd.prepared.length, crowd.deposited.length]).toEqual([2, 2, 6]);
      isRecorded = true;
      await crowd.registrations.carryOn();
      expect([dueOf(crowd), crowd.prepared.length]).toEqual([0, 2]);
      await crowd.close();
    });

    it('is prepared anew where its anchor came too late', async () => {
      let tries = 0;
      const crowd = await crowdOf(1, 'late', { deposit: () => ((tries += 1) === 1 ? fail('request-rejected', 'expired') : ok(null)) });
      for (let block = 0; block < 2; block++) await crowd.registrations.carryOn();
      expect([dueOf(crowd), crowd.prepared.length]).toEqual([0, 2]);
      await crowd.close();
    });
  });

  it('has what the register said while a card was being made', () => {
    const expected = must(openExpectedResidents(':memory:', demoSecret('registrar/index')));
    const number = identityNumber('1996-04-11', 698);
    const base = { name: '方敏', birth_date: '1996-04-11', identity_number: number };
    const says = (content: number, facts: object): void => void must(expected.take(new Uint8Array(32).fill(content), [{ line: 2, facts: { ...base, ...facts } }], () => ok(content > 1)));
    says(1, { address: '甲', marital_status: 'single' });
    const begun = must(expected.find(number));
    must(expected.noteVouched(number, { ...base, address: '甲', marital_status: 'single' }, begun));
    expect(must(expected.due(9))).toEqual([]);
    const before = must(expected.find(number));
    says(2, { address: '乙', marital_status: 'married' });
    must(expected.noteVouched(number, { ...base, address: '甲', marital_status: 'single', phone: '1' } as object, before));
    const [due, ...others] = must(expected.due(9));
    expect([due && must(due.of).facts, others]).toEqual([{ ...base, address: '乙', marital_status: 'married', phone: '1' }, []]);
    expected.close();
  });

  describe('issued again by the registrar’s office', () => {
    it('is what the next export adds to, for the card that the resident has', async () => {
      const one = await newResident();
      expect(brief(await hub.registrations.register(one.registration, member()))).toBe('recorded');
      const number = one.registration.facts.identity_number ?? '';
      must(await hub.registrations.issueAgain(one.prepared.resident, { ...one.registration.facts, address: '西关区宝华路 9 号' }));
      const expected = must(openExpectedResidents(join(world.hubDir, world.serverFile.registrar.expected), demoSecret('registrar/index')));
      must(expected.take(new Uint8Array(32).fill(0xe1), [{ line: 2, facts: { name: '方敏', birth_date: '1996-04-11', identity_number: number, marital_status: 'married' } }], () => ok(true)));
      const [due] = must(expected.due(9)).flatMap(({ of }) => (of.ok && of.value.identityNumber === number ? [of.value.facts] : []));
      expect(due).toMatchObject({ address: '西关区宝华路 9 号', marital_status: 'married' });
      expected.close();
      await hub.registrations.carryOn();
    });

    it.each([
      { name: 'of another’s number', facts: (other: string) => ({ name: '方敏', birth_date: '1996-04-11', identity_number: other }), code: 'hub-refused' },
      { name: 'of no number at all', facts: () => ({ name: '方敏' }), code: 'document-number' },
      { name: 'of a number that is nobody’s', facts: () => ({ name: '方敏', birth_date: '1996-04-11', identity_number: identityNumber('1996-04-11', 697) }), code: 'hub-refused' },
    ])('is refused: $name', async ({ facts, code }) => {
      const [one, other] = [await newResident(), await newResident()];
      for (const { registration } of [one, other]) expect(brief(await hub.registrations.register(registration, member()))).toBe('recorded');
      const issued = await hub.registrations.issueAgain(one.prepared.resident, facts(other.registration.facts.identity_number ?? ''));
      expect(issued.ok ? 'issued' : issued.failure.code).toBe(code);
      expect(await credentialsOf(one)).toHaveLength(1);
    });
  });

  it('leaves no fact in the clear in the hub’s folder', () => {
    const files = readdirSync(world.hubDir, { withFileTypes: true }).filter((file) => file.isFile());
    expect(files.some(({ name }) => name === 'registrations.sqlite')).toBe(true);
    for (const { name } of files) expect(readFileSync(join(world.hubDir, name)).includes(Buffer.from('方敏'))).toBe(false);
  });
});
