import type { IdentityCard } from '../../src/contract/device-host.ts';
import type { Localized } from '../../src/contract/language.ts';
import { demoPeople, identityNumber } from './people.ts';

/** What the desk makes of an identity card: somebody whom the district does not know yet, or knows, or a card that is refused. */
export type DocumentShelf = 'not-registered' | 'registered' | 'refused';

export interface DemoDocument {
  id: string;
  shelf: DocumentShelf;
  card: IdentityCard;
  note: Localized;
}

/** Somebody whom the district does not know. */
const fang: IdentityCard = {
  layout: 'resident',
  name: '方敏',
  nameLatin: null,
  sex: 'female',
  ethnicity: '01',
  nationality: null,
  birth: '1996-04-11',
  address: '西关区多宝路 27 号 401 室',
  number: identityNumber('1996-04-11', 31),
  issuedBy: '西关区公安分局',
  validFrom: '2020-01-01',
  validUntil: '2040-01-01',
  passNumber: null,
  issueCount: null,
};

/** A permanent resident from elsewhere, with the card of 2023. */
const rossi: IdentityCard = {
  layout: 'foreigner-2023',
  name: '安娜·罗西',
  nameLatin: 'ROSSI, ANNA MARIA',
  sex: 'female',
  ethnicity: null,
  nationality: 'ITA',
  birth: '1988-03-02',
  address: null,
  number: identityNumber('1988-03-02', 78),
  issuedBy: null,
  validFrom: '2024-05-20',
  validUntil: '2034-05-20',
  passNumber: null,
  issueCount: 1,
};

const withWrongDigit = (number: string): string => number.slice(0, -1) + (number.endsWith('1') ? '2' : '1');

const of = (id: string, shelf: DocumentShelf, card: IdentityCard, chinese: string, english: string): DemoDocument => ({ id, shelf, card, note: { 'zh-Hans': chinese, en: english } });

/** Identity cards to lay on the reader, in the order in which they lie. */
export const demoDocuments: readonly DemoDocument[] = [
  of('fang', 'not-registered', fang, '还没有登记', 'Not registered yet'),
  of('rossi', 'not-registered', rossi, '外国人，永久居留', 'From abroad, for good'),
  of('lin', 'registered', registered('lin', '01'), '已经登记', 'Registered'),
  of('wang', 'registered', registered('wang', '01'), '居民卡丢了', 'Has lost the resident card'),
  of('expired', 'refused', { ...fang, name: '陈国华', sex: 'male', birth: '1972-06-15', number: identityNumber('1972-06-15', 53), validFrom: '2004-01-01', validUntil: '2024-01-01' }, '已经过期', 'Has expired'),
  of('wrong-digit', 'refused', { ...fang, name: '李伟', sex: 'male', birth: '1980-02-29', number: withWrongDigit(identityNumber('1980-02-29', 95)) }, '校验码不对', 'The check digit is wrong'),
];

/** The identity card of somebody whom the register knows. */
function registered(id: string, ethnicity: string): IdentityCard {
  const facts = demoPeople.find((person) => person.id === id)?.facts;
  if (facts?.identity_number === undefined || facts.name === undefined || facts.birth_date === undefined) throw new Error(`${id} is not in the register`);
  return {
    ...fang,
    name: facts.name,
    sex: facts.sex === 'male' ? 'male' : 'female',
    ethnicity,
    birth: facts.birth_date,
    address: facts.address ?? null,
    number: facts.identity_number,
    validFrom: '2016-05-18',
    validUntil: facts.document_valid_until ?? 'long-term',
  };
}
