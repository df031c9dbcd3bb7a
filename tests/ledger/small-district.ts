import { hkdfSync } from 'node:crypto';
import { requestParts } from '../../bench/request-parts.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer, type MemorySigner } from '../../src/ledger/node-signer.ts';
import type { Genesis } from '../../src/ledger/genesis.ts';
import type { Act, Body, Id, OpenedPart, PartyKind, PublicKey, ResidentRegister, StaffRole } from '../../src/ledger/verify/acts.ts';
import { encodeChallenge, registerNonce } from '../../src/ledger/verify/challenge.ts';
import { signEnvelope } from '../../src/ledger/verify/envelope.ts';
import { commitPart } from '../../src/ledger/verify/private-part.ts';

/** Fixed keys, so that every run is the same one. */
export const seedOf = (name: string): Uint8Array => new Uint8Array(hkdfSync('sha256', name, 'tests', 'seed', 32));
export const signerOf = (name: string): MemorySigner => ed25519Signer(seedOf(name));
export const sealKeyOf = (name: string): PublicKey => {
  const bytes = seedOf(`seal ${name}`);
  bytes[31] = (bytes[31] ?? 0) & 0x7f;
  return [-25, bytes];
};
export const idOf = (name: string): Id => seedOf(`id ${name}`).slice(0, 16);

export const chain = 'imi-test';
export const genesisTime = 1_800_000_000;
/** Unix seconds at which the tests' transactions are made. */
export const now = genesisTime + 1000;

export const keys = {
  validator: signerOf('validator'),
  authority: [signerOf('authority 1'), signerOf('authority 2'), signerOf('authority 3')] as const,
  hub: signerOf('hub'),
  registrar: signerOf('registrar'),
  gateway: signerOf('gateway'),
  tax: signerOf('tax'),
  staff: signerOf('staff'),
  technician: signerOf('technician'),
  officer: signerOf('officer'),
  keeper: signerOf('keeper'),
  auditOffice: signerOf('audit office'),
  clerk: signerOf('clerk'),
  auditor: signerOf('auditor'),
  kiosk: signerOf('kiosk'),
};

export interface TestResident {
  id: Id;
  sig: MemorySigner;
  aut: MemorySigner;
}
export const residentOf = (name: string): TestResident => ({ id: idOf(name), sig: signerOf(`${name} sig`), aut: signerOf(`${name} aut`) });
export const lin = residentOf('lin');

const names = { 'zh-Hans': '测试', en: 'Test' };
const party = (id: string, kind: PartyKind, signer: MemorySigner): Act => ({
  kind: 'party.enrol',
  id,
  party: kind,
  sign: signer.key,
  seal: sealKeyOf(id),
  names,
  ...(kind === 'agency' ? { purposes: [{ id: 'tax.certificate', claims: ['name', 'address'], longestDays: 90 }] } : {}),
});
export const staffAct = (name: string, of: string, role: StaffRole, signer: MemorySigner, until = now + 1_000_000): Act => ({
  kind: 'staff.enrol',
  id: idOf(name),
  party: of,
  role,
  sig: signer.key,
  aut: signerOf(`${name} aut`).key,
  until,
});

export const genesis: Genesis = {
  v: 1,
  chain,
  time: genesisTime,
  validators: [{ key: keys.validator.key[1], power: 10 }],
  authority: { threshold: 2, keys: keys.authority.map(({ key }) => key) },
  acts: [
    party('hub-1', 'hub', keys.hub),
    party('registrar', 'registrar', keys.registrar),
    party('gateway', 'gateway', keys.gateway),
    party('tax-bureau', 'agency', keys.tax),
    party('keeper', 'keeper', keys.keeper),
    party('audit-office', 'auditor', keys.auditOffice),
    staffAct('staff', 'hub-1', 'staff', keys.staff),
    staffAct('technician', 'hub-1', 'technician', keys.technician),
    staffAct('officer', 'tax-bureau', 'officer', keys.officer),
    staffAct('clerk', 'registrar', 'registrar', keys.clerk),
    staffAct('auditor', 'audit-office', 'auditor', keys.auditor),
    { kind: 'kiosk.enrol', id: 'hall-1', hub: 'hub-1', key: keys.kiosk.key },
  ],
};

let nonces = 0;
export function body(acts: Act[], more: Partial<Body> = {}): Body {
  return { v: 1, chain, nonce: idOf(`nonce ${nonces++}`), notAfter: now + 3600, acts, ...more };
}

export const envelopeOf = (of: Body, signers: readonly MemorySigner[]): Promise<Uint8Array> => signEnvelope(of, signers, nodeCrypto);

export function registerAct({ id, sig, aut }: TestResident, change: Partial<ResidentRegister> = {}): ResidentRegister {
  const set = { id, sig: sig.key, aut: aut.key, dec: sealKeyOf(`dec ${sig.key[1].join()}`), space: sealKeyOf(`space ${sig.key[1].join()}`), ...change };
  const notAfter = now + 600;
  const challenge = encodeChallenge({ chain, kiosk: null, purpose: 'register', nonce: registerNonce(set, nodeCrypto), notAfter });
  return { kind: 'resident.register', ...set, counter: 1, proof: { kiosk: null, notAfter, signature: aut.sign(challenge) }, ...change };
}

export const register = (resident: TestResident): Promise<Uint8Array> =>
  envelopeOf(body([registerAct(resident)]), [keys.staff, resident.sig]);

const hashOf = (name: string): readonly [-16, Uint8Array] => [-16, seedOf(`hash ${name}`)];

/** A grant and the request that rests on it, as one page of a visit makes them. */
export function requestBody(resident: TestResident, counter: number): { body: Body; parts: OpenedPart[] } {
  const grant = idOf(`grant ${nonces}`);
  const parts = requestParts(hashOf, idOf);
  const [given, submitted] = parts.map(({ salt, part }) => commitPart(salt, part, nodeCrypto));
  if (given === undefined || submitted === undefined) throw new Error('a part is missing');
  const acts: Act[] = [
    { kind: 'grant.give', subject: resident.id, id: grant, private: given, until: now + 30 * 86_400, reads: 10 },
    { kind: 'request.submit', subject: resident.id, id: idOf(`request ${nonces}`), refs: [grant], private: submitted },
  ];
  return { body: body(acts, { counter, kiosk: 'hall-1' }), parts };
}
