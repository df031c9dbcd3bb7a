import { identityClaims } from '../../src/contract/claims.ts';
import { x25519Public } from '../../src/identity/x25519.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';
import type { Names, PartyEnrol, PartyKind, Purpose } from '../../src/ledger/verify/acts.ts';
import { demoSecret } from './demo-keys.ts';

interface DemoParty {
  id: string;
  party: PartyKind;
  names: Names;
  purposes?: Purpose[];
}

const identityPurpose = (id: string, claims: readonly string[], longestDays: number): Purpose => ({ id, claims: [...claims], longestDays });
const [name, nameLatin, sex, birthDate, , identityNumber, documentValidUntil, address, district, postcode, householdNumber, householdRole, householdSize, residentSince, maritalStatus] = identityClaims;

/** A district that is nowhere. What each agency may ask for is the authority's word, a little wider than what its service asks today. */
export const demoParties: readonly DemoParty[] = [
  { id: 'xiguan-hub', party: 'hub', names: { 'zh-Hans': '西关区便民服务中心', en: 'Xiguan District Service Hub' } },
  { id: 'registrar', party: 'registrar', names: { 'zh-Hans': '西关区人口登记处', en: 'Population Register' } },
  { id: 'keeper', party: 'keeper', names: { 'zh-Hans': '西关区数据保管处', en: 'Data Keeper' } },
  {
    id: 'tax-bureau',
    party: 'agency',
    names: { 'zh-Hans': '税务局', en: 'Tax Bureau' },
    purposes: [
      identityPurpose('tax.property-certificate', [name, nameLatin, identityNumber, documentValidUntil, address, district, postcode, householdNumber, householdRole, householdSize], 60),
    ],
  },
  {
    id: 'pension-office',
    party: 'agency',
    names: { 'zh-Hans': '养老金中心', en: 'Pension Office' },
    purposes: [
      identityPurpose(
        'pension.eligibility',
        [name, sex, birthDate, identityNumber, documentValidUntil, address, district, postcode, residentSince, maritalStatus, householdSize, householdNumber],
        120,
      ),
    ],
  },
  {
    id: 'water-works',
    party: 'agency',
    names: { 'zh-Hans': '自来水公司', en: 'Water Works' },
    purposes: [
      identityPurpose('water.account-transfer', [name, identityNumber, documentValidUntil, address, district, postcode, householdNumber, householdSize, residentSince], 90),
    ],
  },
];

export interface PartySecrets {
  /** Ed25519 seed. */
  sign: Uint8Array;
  /** X25519 scalar. */
  seal: Uint8Array;
}

export const partySecrets = (id: string): PartySecrets => ({ sign: demoSecret(`party/${id}/sign`), seal: demoSecret(`party/${id}/seal`) });

export function partyEnrolment(party: DemoParty): PartyEnrol {
  const secrets = partySecrets(party.id);
  return {
    kind: 'party.enrol',
    id: party.id,
    party: party.party,
    sign: ed25519Signer(secrets.sign).key,
    seal: [-25, x25519Public(secrets.seal)],
    names: party.names,
    ...(party.purposes === undefined ? {} : { purposes: party.purposes }),
  };
}
