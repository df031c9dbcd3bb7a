import type { IdentityCard } from '../../src/contract/device-host.ts';
import { IDENTITY_TEXT_BYTES, identityFields, identityFlagField, identityFlags } from '../../src/drivers/hid/identity-text.ts';
import type { IdentityField } from '../../src/drivers/hid/identity-text.ts';

/** The text of a chip that says this: 256 bytes, UTF-16LE, padded with spaces. A value longer than its field is cut, as on a card. */
export function identityTextOf(card: IdentityCard): Uint8Array {
  const text = new Uint8Array(IDENTITY_TEXT_BYTES);
  for (let at = 0; at < text.length; at += 2) text[at] = 0x20;
  const latin = card.nameLatin ?? '';
  const latinLength = card.layout === 'foreigner-2023' ? 35 : 60;
  const digits = (date: string): string => (date === 'long-term' ? '长期' : date.replaceAll('-', ''));
  const values: Readonly<Record<string, string>> = {
    name: card.name === latin ? '' : card.name,
    latin: latin.slice(0, latinLength),
    latinRest: latin.slice(latinLength),
    sex: { unknown: '0', male: '1', female: '2', unspecified: '9' }[card.sex],
    ethnicity: card.ethnicity ?? '',
    nationality: card.nationality ?? '',
    birth: digits(card.birth),
    address: card.address ?? '',
    number: card.number,
    issuer: card.issuedBy ?? '',
    from: digits(card.validFrom),
    until: digits(card.validUntil),
    pass: card.passNumber ?? '',
    count: card.issueCount === null ? '' : String(card.issueCount).padStart(2, '0'),
  };
  for (const [name, field] of Object.entries<IdentityField>(identityFields[card.layout])) write(text, field, values[name] ?? '');
  const flag = Object.entries(identityFlags).find(([, layout]) => layout === card.layout)?.[0] ?? '';
  write(text, identityFlagField, flag);
  return text;
}

function write(text: Uint8Array, [start, length]: IdentityField, value: string): void {
  const view = new DataView(text.buffer);
  for (let i = 0; i < length / 2 && i < value.length; i++) view.setUint16(start + 2 * i, value.charCodeAt(i), true);
}
