import type { IdentityCard, IdentityCardLayout } from '../../contract/device-host.ts';
import { fail, ok } from '../../contract/result.ts';
import type { Result } from '../../contract/result.ts';

/** Bytes of the text in an identity card's chip: UTF-16LE, padded with spaces. */
export const IDENTITY_TEXT_BYTES = 256;

/** Where a field stands: first byte and number of bytes. */
export type IdentityField = readonly [start: number, length: number];

/** What follows is the same in three of the four layouts; all say which they are at byte 248. */
const common = { birth: [36, 16], number: [122, 36], from: [188, 16], until: [204, 16] } as const;

export const identityFields = {
  resident: { ...common, name: [0, 30], sex: [30, 2], ethnicity: [32, 4], address: [52, 70], issuer: [158, 30] },
  'hk-macao-taiwan': { ...common, name: [0, 30], sex: [30, 2], address: [52, 70], issuer: [158, 30], pass: [220, 18], count: [238, 4] },
  'foreigner-2017': {
    latin: [0, 120],
    sex: [120, 2],
    number: [122, 30],
    nationality: [152, 6],
    name: [158, 30],
    from: [188, 16],
    until: [204, 16],
    birth: [220, 16],
    issuer: [240, 8],
  },
  'foreigner-2023': { ...common, name: [0, 30], sex: [30, 2], count: [32, 4], latin: [52, 70], latinRest: [220, 22], nationality: [242, 6] },
} as const satisfies Record<IdentityCardLayout, Record<string, IdentityField>>;

export const identityFlagField: IdentityField = [248, 2];
export const identityFlags: Readonly<Record<string, IdentityCardLayout>> = { '': 'resident', J: 'hk-macao-taiwan', I: 'foreigner-2017', Y: 'foreigner-2023' };

/** 长期, in place of the date on the cards of those who were 46 or older. */
const LONG_TERM = '长期';

const sexes: Readonly<Record<string, IdentityCard['sex']>> = { '0': 'unknown', '1': 'male', '2': 'female', '9': 'unspecified' };

/**
 * @returns `identity-card-unknown` for a layout that is none of the four, `identity-card-unreadable` where a field breaks its form: its name is the
 * detail, never its content.
 */
export function parseIdentityText(text: Uint8Array): Result<IdentityCard> {
  if (text.length !== IDENTITY_TEXT_BYTES) return fail('identity-card-unreadable', 'length');
  const flag = read(text, identityFlagField);
  const layout = identityFlags[flag];
  if (layout === undefined) return fail('identity-card-unknown', 'layout');

  const fields: Readonly<Record<string, IdentityField | undefined>> = identityFields[layout];
  const raw = (name: string): string => decode(text, fields[name] ?? [0, 0]);
  const field = (name: string): string => trimmed(raw(name));
  const optional = (name: string): string | null => field(name) || null;

  const nameLatin = trimmed(raw('latin') + raw('latinRest')) || null;
  const name = optional('name') ?? nameLatin;
  if (name === null) return broken('name');
  const sex = sexes[field('sex')];
  if (sex === undefined) return broken('sex');
  const ethnicity = optional('ethnicity');
  if (layout === 'resident' && (ethnicity === null || !/^\d{2}$/.test(ethnicity))) return broken('ethnicity');
  const birth = dateOf(field('birth'));
  if (birth === null) return broken('birth');
  const number = field('number');
  if (!/^[0-9A-Z]{15,18}$/.test(number)) return broken('number');
  const validFrom = dateOf(field('from'));
  if (validFrom === null) return broken('from');
  const until = field('until');
  const validUntil = until === LONG_TERM ? 'long-term' : dateOf(until);
  if (validUntil === null) return broken('until');
  const count = field('count');
  if (!/^\d*$/.test(count)) return broken('count');

  return ok({
    layout,
    name,
    nameLatin,
    sex,
    ethnicity,
    nationality: optional('nationality'),
    birth,
    address: optional('address'),
    number,
    issuedBy: optional('issuer'),
    validFrom,
    validUntil,
    passNumber: optional('pass'),
    issueCount: count === '' ? null : Number(count),
  });
}

const broken = (field: string): { ok: false; failure: { code: 'identity-card-unreadable'; detail?: string } } => fail('identity-card-unreadable', field);

function decode(text: Uint8Array, [start, length]: IdentityField): string {
  const view = new DataView(text.buffer, text.byteOffset, text.byteLength);
  let decoded = '';
  for (let at = start; at < start + length; at += 2) decoded += String.fromCharCode(view.getUint16(at, true));
  return decoded;
}

const trimmed = (text: string): string => text.replaceAll('\0', ' ').trim();
const read = (text: Uint8Array, field: IdentityField): string => trimmed(decode(text, field));

/** `19490101` → `1949-01-01`; null for what no calendar has. */
function dateOf(digits: string): string | null {
  if (!/^\d{8}$/.test(digits)) return null;
  const date = `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
  const time = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date) ? date : null;
}
