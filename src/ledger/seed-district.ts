import { hkdfSync } from 'node:crypto';
import type { Genesis } from './genesis.ts';
import { ed25519Signer, type MemorySigner } from './node-signer.ts';
import { Chance } from './seed-chance.ts';
import type { Act, Id, PartyKind, PublicKey, StaffRole } from './verify/acts.ts';

/** Parties, staff and kiosks of a seeded district. Their keys follow from the seed: on a chain that nobody believes they are worth nothing. */
export interface SeedDistrict {
  genesis: Genesis;
  validator: MemorySigner;
  registrar: MemorySigner;
  gateway: MemorySigner;
  keeper: MemorySigner;
  /** Registers residents. */
  staff: MemorySigner;
  kiosks: readonly { id: string; signer: MemorySigner }[];
}

const kioskCount = 8;
const secondsADay = 86_400;
/** 15 January 2027. */
const genesisTime = 1_800_000_000;
const names = { 'zh-Hans': '测量', en: 'Measured' };

export function seedDistrict(seed: number): SeedDistrict {
  const secretOf = (name: string): Uint8Array => new Uint8Array(hkdfSync('sha256', `seed ${seed}`, name, 'imi/seed/1', 32));
  const signerOf = (name: string): MemorySigner => ed25519Signer(secretOf(name));
  const sealOf = (name: string): PublicKey => {
    const bytes = secretOf(`seal ${name}`);
    bytes[31] = (bytes[31] ?? 0) & 0x7f;
    return [-25, bytes];
  };
  const [validator, hub, registrar, gateway, keeper, authority, staff] = ['validator', 'hub', 'registrar', 'gateway', 'keeper', 'authority', 'staff'].map(signerOf);
  if (!validator || !hub || !registrar || !gateway || !keeper || !authority || !staff) throw new Error('a key is missing');
  const kiosks = Array.from({ length: kioskCount }, (_, i) => ({ id: `hall-${i + 1}`, signer: signerOf(`kiosk ${i}`) }));
  const party = (id: string, kind: PartyKind, signer: MemorySigner): Act => ({ kind: 'party.enrol', id, party: kind, sign: signer.key, seal: sealOf(id), names });
  const person = (name: string, of: string, role: StaffRole, signer: MemorySigner): Act => ({
    kind: 'staff.enrol',
    id: secretOf(`id ${name}`).slice(0, 16),
    party: of,
    role,
    sig: signer.key,
    aut: signerOf(`${name} aut`).key,
    until: genesisTime + 3650 * secondsADay,
  });
  const genesis: Genesis = {
    v: 1,
    chain: `unsigned-${seed}`,
    time: genesisTime,
    validators: [{ key: validator.key[1], power: 1 }],
    authority: { threshold: 1, keys: [authority.key] },
    acts: [
      party('hub-1', 'hub', hub),
      party('registrar', 'registrar', registrar),
      party('gateway', 'gateway', gateway),
      party('keeper', 'keeper', keeper),
      person('staff', 'hub-1', 'staff', staff),
      ...kiosks.map(({ id, signer }): Act => ({ kind: 'kiosk.enrol', id, hub: 'hub-1', key: signer.key })),
    ],
    unsigned: true,
  };
  return { genesis, validator, registrar, gateway, keeper, staff, kiosks };
}

export interface SeedResident {
  id: Id;
  sig: PublicKey;
  aut: PublicKey;
  dec: PublicKey;
  space: PublicKey;
}

/** Number `index` of the seeded residents. Their keys are as long as keys, and nobody has the other halves. */
export function seedResident(seed: number, index: number): SeedResident {
  const chance = new Chance(seed, index + 1);
  const key = (alg: -19 | -25): PublicKey => [alg, chance.bytes(32)];
  return { id: chance.bytes(16), sig: key(-19), aut: key(-19), dec: key(-25), space: key(-25) };
}

export const seedResidentId = (seed: number, index: number): Id => new Chance(seed, index + 1).bytes(16);
