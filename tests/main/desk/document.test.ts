import { describe, expect, test } from 'vitest';
import type { IdentityCard } from '../../../src/contract/device-host.ts';
import { checkDocument } from '../../../src/main/desk/document.ts';
import { districtDay } from '../../../src/main/district-time.ts';
import { fang } from '../../fixtures/fang.ts';

const today = '2026-11-30';

describe('what an identity card says', () => {
  test('as claims, in its own order', () => {
    const checked = checkDocument(fang, today);
    expect(checked).toMatchObject({
      ok: true,
      value: {
        facts: { name: '方敏', sex: 'female', birth_date: '1996-04-11', nation: 'han', address: fang.address, district: '西关区', identity_number: fang.number, document_valid_until: '2040-01-01' },
      },
    });
    if (!checked.ok) throw new Error('checked');
    expect(checked.value.guessable).toEqual(expect.arrayContaining([fang.number.replace('X', ''), '19960411', '960411', '11041996', '110496']));
    expect(checked.value.rows.map(({ claim }) => claim)).toEqual(['name', 'sex', 'birth_date', 'nation', 'address', 'district', 'identity_number', 'document_valid_until']);
  });

  test.each<[name: string, change: Partial<IdentityCard>, expected: string | null]>([
    ['its last day is today', { validUntil: today }, null],
    ['its last day was yesterday', { validUntil: '2026-11-29' }, 'document-expired'],
    ['no end date', { validUntil: 'long-term' }, null],
    ['its first day is today', { validFrom: today }, null],
    ['its first day is tomorrow', { validFrom: '2026-12-01' }, 'document-not-yet-valid'],
    ['another check digit', { number: '000000199604110011' }, 'document-number'],
    ['another birth date than its number says', { birth: '1996-04-12' }, 'document-number'],
    ['a number of 15 characters', { number: 'GBR110196041101' }, 'document-kind'],
  ])('%s', (_, change, expected) => {
    const checked = checkDocument({ ...fang, ...change }, today);
    expect(checked.ok ? null : checked.failure.code).toBe(expected);
  });

  test.each<[ethnicity: string | null, nation: string | undefined]>([
    ['01', 'han'],
    ['05', 'uyghur'],
    ['56', 'jino'],
    ['97', undefined],
    [null, undefined],
  ])('nation %s is %s', (ethnicity, nation) => {
    const checked = checkDocument({ ...fang, ethnicity }, today);
    expect(checked.ok && checked.value.facts.nation).toBe(nation);
  });

  test.each<[address: string, district: string | undefined]>([
    ['西关区恩宁路 128 号 3 楼', '西关区'],
    ['广东省广州市荔湾区恩宁路 128 号', '荔湾区'],
    ['广西壮族自治区桂林市阳朔县西街 3 号', '阳朔县'],
    ['上海市黄浦区南京东路 1 号', '黄浦区'],
    ['恩宁路 128 号', undefined],
  ])('%s lies in %s', (address, district) => {
    const checked = checkDocument({ ...fang, address }, today);
    expect(checked.ok && checked.value.facts.district).toBe(district);
  });
});

test('the day is the district’s', () => {
  expect(districtDay(Date.UTC(2026, 10, 29, 15, 59))).toBe('2026-11-29');
  expect(districtDay(Date.UTC(2026, 10, 29, 16, 0))).toBe('2026-11-30');
});
