/**
 * The district's vocabulary of facts. A claim has one name everywhere: in credentials, grants, service files and in what the resident typed.
 * Labels stand in `messages/<language>.json` under `claim.<name>`.
 */
export const identityClaims = [
  'name',
  'name_latin',
  'sex',
  'birth_date',
  'nation',
  'identity_number',
  'document_valid_until',
  'address',
  'district',
  'postcode',
  'household_number',
  'household_role',
  'household_size',
  'resident_since',
  'marital_status',
] as const;
export type IdentityClaim = (typeof identityClaims)[number];

/** Type of the identity credential that the registrar issues. */
export const identityVct = 'urn:imi:credential:identity:1';

/** What each agency knows of its own and says in a credential of its own: the credential's type, and the ledger's name of the one agency that may issue it. */
export const agencyCredentials = [
  { vct: 'urn:imi:credential:taxpayer:1', issuer: 'tax-bureau', claims: ['taxpayer_number', 'tax_office'] },
  { vct: 'urn:imi:credential:pension:1', issuer: 'pension-office', claims: ['pension_account', 'pension_scheme', 'insured_since'] },
  { vct: 'urn:imi:credential:health-insurance:1', issuer: 'health-insurance-office', claims: ['insurance_number', 'insurance_kind', 'family_doctor'] },
  { vct: 'urn:imi:credential:water-supply:1', issuer: 'water-works', claims: ['water_meter'] },
  { vct: 'urn:imi:credential:power-supply:1', issuer: 'power-grid', claims: ['power_meter'] },
  { vct: 'urn:imi:credential:gas-supply:1', issuer: 'gas-company', claims: ['gas_meter'] },
  { vct: 'urn:imi:credential:telecom-contract:1', issuer: 'telecom-operator', claims: ['phone_number', 'tariff'] },
  { vct: 'urn:imi:credential:bank-account:1', issuer: 'bank', claims: ['payout_bank', 'payout_account'] },
  { vct: 'urn:imi:credential:housing-fund:1', issuer: 'housing-fund', claims: ['housing_fund_account'] },
] as const;
export type AgencyClaim = (typeof agencyCredentials)[number]['claims'][number];
export const agencyClaims: readonly AgencyClaim[] = agencyCredentials.flatMap(({ claims }) => claims);
const ofAgencies = new Set<string>(agencyClaims);
export const isAgencyClaim = (claim: string): claim is AgencyClaim => ofAgencies.has(claim);

/** What a credential can vouch for, and so what a grant can show. */
export type VouchedClaim = IdentityClaim | AgencyClaim;
export const vouchedClaims: readonly VouchedClaim[] = [...identityClaims, ...agencyClaims];
const vouched = new Set<string>(vouchedClaims);
export const isVouchedClaim = (claim: string): claim is VouchedClaim => vouched.has(claim);

/** Who may issue credentials of a type and what they can say. null: a type that nobody issues here. */
export function credentialType(vct: string): { issuer: 'registrar' | { agency: string }; claims: readonly VouchedClaim[] } | null {
  if (vct === identityVct) return { issuer: 'registrar', claims: identityClaims };
  const type = agencyCredentials.find((one) => one.vct === vct);
  return type === undefined ? null : { issuer: { agency: type.issuer }, claims: type.claims };
}

/** Facts that only the resident can tell; typed once, kept as *self* claims in the data space. */
export const selfClaims = ['phone', 'contact_time', 'letter_language', 'emergency_phone', 'employment', 'home_tenure', 'bill_delivery'] as const;
export type SelfClaim = (typeof selfClaims)[number];

export type Claim = VouchedClaim | SelfClaim;
