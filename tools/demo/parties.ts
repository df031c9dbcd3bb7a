import type { VouchedClaim } from '../../src/contract/claims.ts';
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

const purpose = (id: string, longestDays: number, claims: readonly VouchedClaim[]): Purpose => ({ id, claims: [...claims], longestDays });

/** Whom it is about, and where they can be found. */
const person = ['name', 'identity_number', 'document_valid_until'] as const;
const home = ['address', 'district', 'postcode'] as const;
const household = ['household_number', 'household_role', 'household_size'] as const;

/** A district that is nowhere. What each agency may ask for is the authority's word, a little wider than what its services ask today. */
export const demoParties: readonly DemoParty[] = [
  { id: 'xiguan-hub', party: 'hub', names: { 'zh-Hans': '西关区便民服务中心', en: 'Xiguan District Service Hub' } },
  { id: 'registrar', party: 'registrar', names: { 'zh-Hans': '西关区人口登记处', en: 'Population Register' } },
  { id: 'keeper', party: 'keeper', names: { 'zh-Hans': '西关区数据保管处', en: 'Data Keeper' } },
  { id: 'gateway', party: 'gateway', names: { 'zh-Hans': '西关区政务数据网关', en: 'Agencies’ Gateway' } },
  { id: 'audit-office', party: 'auditor', names: { 'zh-Hans': '西关区审计处', en: 'Audit Office' } },
  { id: 'authority-north', party: 'authority', names: { 'zh-Hans': '北片监督委员会', en: 'Northern Oversight Board' } },
  { id: 'authority-south', party: 'authority', names: { 'zh-Hans': '南片监督委员会', en: 'Southern Oversight Board' } },
  { id: 'authority-west', party: 'authority', names: { 'zh-Hans': '西片监督委员会', en: 'Western Oversight Board' } },
  {
    id: 'tax-bureau',
    party: 'agency',
    names: { 'zh-Hans': '税务局', en: 'Tax Bureau' },
    purposes: [
      purpose('tax.property-certificate', 60, [...person, 'name_latin', ...home, ...household, 'taxpayer_number', 'tax_office']),
      purpose('tax.income-deductions', 60, [...person, 'birth_date', ...home, ...household, 'marital_status', 'taxpayer_number', 'tax_office', 'insured_since', 'housing_fund_account', 'phone_number']),
      purpose('tax.contact-details', 30, [...person, ...home, 'taxpayer_number', 'tax_office', 'phone_number']),
    ],
  },
  {
    id: 'pension-office',
    party: 'agency',
    names: { 'zh-Hans': '养老金中心', en: 'Pension Office' },
    purposes: [
      purpose('pension.eligibility', 120, [
        ...person,
        'sex',
        'birth_date',
        ...home,
        'resident_since',
        'marital_status',
        'household_size',
        'household_number',
        'pension_account',
        'pension_scheme',
        'insured_since',
        'payout_bank',
        'payout_account',
      ]),
      purpose('pension.payout-account', 60, [...person, 'birth_date', ...home, 'pension_account', 'pension_scheme', 'insured_since', 'payout_bank', 'payout_account', 'phone_number']),
      purpose('pension.contact-details', 30, [...person, ...home, 'pension_account', 'phone_number']),
    ],
  },
  {
    id: 'health-insurance-office',
    party: 'agency',
    names: { 'zh-Hans': '医疗保障中心', en: 'Health Insurance Office' },
    purposes: [
      purpose('health.enrolment', 60, [
        ...person,
        'sex',
        'birth_date',
        'nation',
        ...home,
        ...household,
        'resident_since',
        'marital_status',
        'insurance_number',
        'insurance_kind',
        'family_doctor',
        'pension_account',
        'payout_bank',
        'payout_account',
        'phone_number',
      ]),
      purpose('health.treatment-elsewhere', 120, [...person, 'sex', 'birth_date', ...home, 'resident_since', 'insurance_number', 'insurance_kind', 'family_doctor', 'phone_number']),
      purpose('health.contact-details', 30, [...person, ...home, 'insurance_number', 'insurance_kind', 'family_doctor', 'phone_number']),
    ],
  },
  {
    id: 'water-works',
    party: 'agency',
    names: { 'zh-Hans': '自来水公司', en: 'Water Works' },
    purposes: [
      purpose('water.account-transfer', 90, [...person, ...home, 'household_number', 'household_size', 'resident_since', 'water_meter']),
      purpose('water.move', 60, [...person, ...home, 'household_number', 'household_size', 'water_meter', 'phone_number']),
    ],
  },
  {
    id: 'power-grid',
    party: 'agency',
    names: { 'zh-Hans': '供电局', en: 'Power Grid' },
    purposes: [
      purpose('power.account-transfer', 90, [...person, ...home, ...household, 'resident_since', 'power_meter', 'payout_bank', 'payout_account', 'phone_number']),
      purpose('power.move', 60, [...person, ...home, 'household_number', 'household_size', 'power_meter', 'phone_number']),
    ],
  },
  {
    id: 'gas-company',
    party: 'agency',
    names: { 'zh-Hans': '燃气公司', en: 'Gas Company' },
    purposes: [purpose('gas.connection', 90, [...person, ...home, ...household, 'resident_since', 'gas_meter', 'power_meter', 'water_meter', 'phone_number'])],
  },
  {
    id: 'telecom-operator',
    party: 'agency',
    names: { 'zh-Hans': '电信公司', en: 'Telecom Operator' },
    purposes: [
      purpose('telecom.number-registration', 60, [...person, 'name_latin', 'sex', 'birth_date', 'nation', ...home, 'resident_since', 'phone_number', 'tariff', 'payout_bank', 'payout_account']),
      purpose('telecom.broadband', 60, [...person, ...home, 'household_number', 'household_size', 'phone_number', 'tariff', 'payout_bank', 'payout_account']),
    ],
  },
  {
    id: 'bank',
    party: 'agency',
    names: { 'zh-Hans': '西关银行', en: 'Xiguan Bank' },
    purposes: [
      purpose('bank.account-opening', 60, [
        ...person,
        'name_latin',
        'sex',
        'birth_date',
        'nation',
        ...home,
        'resident_since',
        'marital_status',
        'taxpayer_number',
        'phone_number',
        'payout_account',
      ]),
      purpose('bank.contact-details', 30, [...person, ...home, 'payout_bank', 'payout_account', 'phone_number']),
    ],
  },
  {
    id: 'housing-fund',
    party: 'agency',
    names: { 'zh-Hans': '住房公积金中心', en: 'Housing Fund' },
    purposes: [
      purpose('housing-fund.rent', 60, [...person, 'birth_date', ...home, ...household, 'resident_since', 'marital_status', 'housing_fund_account', 'payout_bank', 'payout_account', 'phone_number']),
      purpose('housing-fund.contact-details', 30, [...person, ...home, 'housing_fund_account', 'phone_number']),
    ],
  },
  {
    id: 'civil-affairs',
    party: 'agency',
    names: { 'zh-Hans': '民政局', en: 'Civil Affairs Office' },
    purposes: [
      purpose('civil.old-age-allowance', 120, [
        ...person,
        'sex',
        'birth_date',
        'nation',
        ...home,
        ...household,
        'resident_since',
        'marital_status',
        'pension_account',
        'pension_scheme',
        'insurance_number',
        'payout_bank',
        'payout_account',
        'phone_number',
      ]),
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
