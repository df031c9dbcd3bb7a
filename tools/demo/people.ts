import type { Localized } from '../../src/contract/language.ts';
import { identityCheckDigit } from '../../src/identity/identity-number.ts';
import type { StaffRole } from '../../src/ledger/verify/acts.ts';
import type { IdentityFacts } from '../../src/registrar/issuer.ts';
import type { AgencyFacts } from './agency-credentials.ts';

/**
 * What is special about a card: `registered` nothing; `blocked` on the ledger; `pin-blocked` in the card itself; `unregistered` known to nobody;
 * `new` the next card of a resident who has one, keyed and not registered; `at-work` somebody's who is enrolled as staff of a party;
 * `other-kind` a card that cannot hold our keys.
 */
export type DemoSituation = 'registered' | 'blocked' | 'pin-blocked' | 'unregistered' | 'new' | 'at-work' | 'other-kind';

export interface DemoPerson {
  /** Label of the card, and its file `cards/<id>.json`. */
  id: string;
  name: string;
  situation: DemoSituation;
  note: Localized;
  /** Of residents whom the registrar knows. */
  facts?: IdentityFacts;
  /** What agencies know of them, beside the register. */
  agencies?: AgencyFacts;
  /** Of whoever is at work; `piv`: with a card of that kind. */
  work?: { party: string; role: StaffRole; piv?: true };
}

/** The PIN of every card of the demonstration, and its administration PIN. */
export const demoPin = '123456';
export const demoAdminPin = '12345678';

/** 000000 is no administrative division: nobody real has such a number. The last character is the check digit. */
export function identityNumber(birthDate: string, sequence: number): string {
  const digits = `000000${birthDate.replaceAll('-', '')}${String(sequence).padStart(3, '0')}`;
  return digits + identityCheckDigit(digits);
}

const facts = (person: Omit<Required<IdentityFacts>, 'identity_number'> & { sequence: number }): IdentityFacts => {
  const { sequence, ...known } = person;
  return { ...known, identity_number: identityNumber(person.birth_date, sequence) };
};

const atWork = (id: string, name: string, party: string, role: StaffRole, note: Localized, card: { piv?: true } = {}): DemoPerson => ({ id, name, situation: 'at-work', note, work: { party, role, ...card } });

export const demoPeople: readonly DemoPerson[] = [
  {
    id: 'lin',
    name: '林悦',
    situation: 'registered',
    note: { 'zh-Hans': '一切正常', en: 'Everything in order' },
    facts: facts({
      name: '林悦',
      name_latin: 'LIN YUE',
      sex: 'female',
      birth_date: '1991-08-23',
      sequence: 226,
      nation: 'han',
      document_valid_until: '2036-05-18',
      address: '西关区恩宁路 128 号 3 楼 302 室',
      district: '西关区',
      postcode: '510140',
      household_number: '060312008417',
      household_role: 'head',
      household_size: '3',
      resident_since: '2014-03-01',
      marital_status: 'married',
    }),
    agencies: {
      pension_account: '060312910823',
      pension_scheme: 'employee',
      insured_since: '2014-04-01',
      insurance_number: '060312226814',
      insurance_kind: 'employee',
      family_doctor: '恩宁路社区卫生服务中心 何医生',
      water_meter: '20481173',
      power_meter: '0630041528',
      gas_meter: '0631120745',
      phone_number: '13826400912',
      tariff: 'family',
      payout_bank: 'xiguan',
      payout_account: '6217003110020481173',
      housing_fund_account: '060312514208',
    },
  },
  {
    id: 'chen',
    name: '陈𬱖',
    situation: 'registered',
    note: { 'zh-Hans': '姓名里有生僻字', en: 'A rare character in the name' },
    facts: facts({
      name: '陈𬱖',
      name_latin: 'CHEN WEI',
      sex: 'male',
      birth_date: '1978-01-09',
      sequence: 317,
      nation: 'zhuang',
      document_valid_until: '2031-11-30',
      address: '西关区龙津西路 56 号 502 室',
      district: '西关区',
      postcode: '510150',
      household_number: '060312011205',
      household_role: 'head',
      household_size: '4',
      resident_since: '2002-09-15',
      marital_status: 'married',
    }),
    agencies: {
      taxpayer_number: '060312197801317',
      tax_office: '西关区第一税务所',
      pension_account: '060312780109',
      pension_scheme: 'employee',
      insured_since: '2002-10-01',
      insurance_number: '060312317205',
      insurance_kind: 'employee',
      family_doctor: '龙津西路社区卫生服务中心 麦医生',
      water_meter: '20477031',
      power_meter: '0630038814',
      gas_meter: '0631093320',
      phone_number: '13922017840',
      tariff: 'standard',
      payout_bank: 'icbc',
      payout_account: '6222023602077031448',
      housing_fund_account: '060312317780',
    },
  },
  {
    id: 'dilnur',
    name: '迪丽努尔·阿卜杜热合曼·买买提吐尔逊',
    situation: 'registered',
    note: { 'zh-Hans': '姓名很长', en: 'A long name' },
    facts: facts({
      name: '迪丽努尔·阿卜杜热合曼·买买提吐尔逊',
      name_latin: 'DILNUR ABDURAHMAN MAMATTURSUN',
      sex: 'female',
      birth_date: '1996-04-30',
      sequence: 408,
      nation: 'uyghur',
      document_valid_until: '2034-02-14',
      address: '西关区宝华路 17 号 8 楼 806 室',
      district: '西关区',
      postcode: '510145',
      household_number: '060312015533',
      household_role: 'other',
      household_size: '1',
      resident_since: '2019-07-20',
      marital_status: 'single',
    }),
    agencies: {
      insurance_number: '060312408196',
      insurance_kind: 'resident',
      phone_number: '15918743306',
      tariff: 'light',
      payout_bank: 'ccb',
      payout_account: '6217003320015918743',
    },
  },
  {
    id: 'huang',
    name: '黄秀英',
    situation: 'registered',
    note: { 'zh-Hans': '八十二岁', en: '82 years old' },
    facts: facts({
      name: '黄秀英',
      name_latin: 'HUANG XIUYING',
      sex: 'female',
      birth_date: '1944-02-11',
      sequence: 142,
      nation: 'han',
      document_valid_until: 'long-term',
      address: '西关区耀华大街 9 号地下',
      district: '西关区',
      postcode: '510140',
      household_number: '060312000091',
      household_role: 'head',
      household_size: '1',
      resident_since: '1968-10-01',
      marital_status: 'widowed',
    }),
    agencies: {
      pension_account: '060312440211',
      pension_scheme: 'resident',
      insured_since: '1998-01-01',
      insurance_number: '060312142440',
      insurance_kind: 'resident',
      family_doctor: '多宝路社区卫生服务中心 区医生',
      water_meter: '20113358',
      power_meter: '0630002297',
      gas_meter: '0631008862',
    },
  },
  {
    id: 'wang',
    name: '王建国',
    situation: 'blocked',
    note: { 'zh-Hans': '已挂失停用', en: 'Reported lost, blocked' },
    facts: facts({
      name: '王建国',
      name_latin: 'WANG JIANGUO',
      sex: 'male',
      birth_date: '1959-10-01',
      sequence: 511,
      nation: 'han',
      document_valid_until: 'long-term',
      address: '西关区多宝路 72 号 201 室',
      district: '西关区',
      postcode: '510150',
      household_number: '060312002764',
      household_role: 'head',
      household_size: '2',
      resident_since: '1984-05-06',
      marital_status: 'married',
    }),
  },
  {
    id: 'zhao',
    name: '赵敏',
    situation: 'pin-blocked',
    note: { 'zh-Hans': '密码已锁', en: 'PIN blocked' },
    facts: facts({
      name: '赵敏',
      name_latin: 'ZHAO MIN',
      sex: 'female',
      birth_date: '1987-12-05',
      sequence: 624,
      nation: 'manchu',
      document_valid_until: '2032-08-09',
      address: '西关区长寿西路 40 号 1103 室',
      district: '西关区',
      postcode: '510145',
      household_number: '060312009980',
      household_role: 'spouse',
      household_size: '3',
      resident_since: '2011-01-10',
      marital_status: 'married',
    }),
    agencies: { taxpayer_number: '060312198712624', pension_account: '060312871205', pension_scheme: 'employee', insurance_number: '060312624871', insurance_kind: 'employee' },
  },
  { id: 'he', name: '何志强', situation: 'unregistered', note: { 'zh-Hans': '从未登记', en: 'Never registered' } },
  { id: 'lin-new', name: '林悦', situation: 'new', note: { 'zh-Hans': '下一张卡，还没登记', en: 'Not registered yet' } },
  { id: 'wang-new', name: '王建国', situation: 'new', note: { 'zh-Hans': '补办的卡，还没登记', en: 'For the lost one, not registered yet' } },
  { id: 'other', name: '—', situation: 'other-kind', note: { 'zh-Hans': '别的卡', en: 'A card of another kind' } },
  atWork('staff-liang', '梁慧', 'xiguan-hub', 'staff', { 'zh-Hans': '服务中心工作人员', en: 'At the hub’s desk' }),
  atWork('staff-ye', '叶秀珍', 'xiguan-hub', 'staff', { 'zh-Hans': '工作人员，用 PIV 卡', en: 'At the desk, with a PIV card' }, { piv: true }),
  atWork('tech-ou', '区伟明', 'xiguan-hub', 'technician', { 'zh-Hans': '服务中心技术员', en: 'Looks after the kiosks' }),
  atWork('clerk-tan', '谭佩仪', 'registrar', 'registrar', { 'zh-Hans': '人口登记处', en: 'Population Register' }),
  atWork('officer-mai', '麦颖', 'tax-bureau', 'officer', { 'zh-Hans': '税务局', en: 'Tax Bureau' }),
  atWork('officer-luo', '罗国强', 'civil-affairs', 'officer', { 'zh-Hans': '民政局', en: 'Civil Affairs Office' }),
  atWork('auditor-shen', '沈岚', 'audit-office', 'auditor', { 'zh-Hans': '审计处', en: 'Audit Office' }),
];
