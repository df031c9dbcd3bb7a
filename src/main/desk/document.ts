import type { DocumentRow } from '../../contract/bridge.ts';
import type { IdentityClaim } from '../../contract/claims.ts';
import type { IdentityCard } from '../../contract/device-host.ts';
import { fail, ok, type Result } from '../../contract/result.ts';
import { identityNumberIsSound } from '../../identity/identity-number.ts';

/** GB/T 3304, `01` to `56` in its order, by the vocabulary's own codes. */
const nations = [
  ...['han', 'mongol', 'hui', 'tibetan', 'uyghur', 'miao', 'yi', 'zhuang', 'bouyei', 'korean', 'manchu', 'dong', 'yao', 'bai', 'tujia', 'hani', 'kazakh', 'dai', 'li'],
  ...['lisu', 'wa', 'she', 'gaoshan', 'lahu', 'sui', 'dongxiang', 'naxi', 'jingpo', 'kirgiz', 'tu', 'daur', 'mulao', 'qiang', 'blang', 'salar', 'maonan', 'gelao'],
  ...['xibe', 'achang', 'pumi', 'tajik', 'nu', 'uzbek', 'russian', 'ewenki', 'deang', 'bonan', 'yugur', 'gin', 'tatar', 'derung', 'oroqen', 'hezhen', 'monba', 'lhoba', 'jino'],
];

/** An identity document that holds: what the registrar will vouch for, as claims. */
export interface Document {
  facts: Partial<Record<IdentityClaim, string>> & { name: string; identity_number: string; birth_date: string };
  /** In the order in which the card says them. */
  rows: DocumentRow[];
  /** Digits that others know of its holder, for no PIN to be made of. */
  guessable: string[];
}

/**
 * What can be said of the document without asking anybody. `document-kind`: its number is none of 18 characters. `document-number`, `document-expired`, `document-not-yet-valid`.
 *
 * @param today in the district, YYYY-MM-DD.
 */
export function checkDocument(card: IdentityCard, today: string): Result<Document> {
  const { number, birth, validFrom, validUntil } = card;
  if (number.length !== 18) return fail('document-kind', card.layout);
  if (!identityNumberIsSound(number, birth)) return fail('document-number');
  if (validFrom > today) return fail('document-not-yet-valid');
  if (validUntil !== 'long-term' && validUntil < today) return fail('document-expired');
  const nation = card.ethnicity === null ? undefined : nations[Number(card.ethnicity) - 1];
  const facts: Document['facts'] = {
    name: card.name,
    ...(card.nameLatin === null ? {} : { name_latin: card.nameLatin }),
    ...(card.sex === 'male' || card.sex === 'female' ? { sex: card.sex } : {}),
    birth_date: birth,
    ...(nation === undefined ? {} : { nation }),
    ...(card.address === null ? {} : { address: card.address, ...districtOf(card.address) }),
    identity_number: number,
    document_valid_until: validUntil,
  };
  return ok({ facts, rows: Object.entries(facts).map(([claim, value]) => ({ claim, value })), guessable: guessable(number, birth) });
}

/** Worked for 1991-08-23: the number, its digits backwards, 19910823, 910823, 23081991, 230891, 08231991, 082391. */
function guessable(number: string, birth: string): string[] {
  const [year = '', month = '', day = ''] = birth.split('-');
  const short = year.slice(2);
  const digits = number.replace('X', '');
  const dates = [year + month + day, short + month + day, day + month + year, day + month + short, month + day + year, month + day + short];
  return [digits, [...digits].reverse().join(''), ...dates];
}

/**
 * An address as the police write it begins with its divisions, of which the third is the district. Worked: 西关区恩宁路 128 号 → 西关区;
 * 广东省广州市荔湾区恩宁路 → 荔湾区; 广西壮族自治区桂林市阳朔县 → 阳朔县; 恩宁路 128 号 → none.
 */
function districtOf(address: string): { district?: string } {
  const district = /^(?:[^省区市\s]{2,8}(?:省|自治区))?(?:[^市区县\s]{1,8}?(?:市|自治州|地区))?([^市区县旗\d\s]{1,8}(?:区|县|旗))/.exec(address)?.[1];
  return district === undefined ? {} : { district };
}
