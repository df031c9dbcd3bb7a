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

/** Facts that only the resident can tell; typed once, kept as *self* claims in the data space. */
export const selfClaims = ['phone', 'contact_time', 'letter_language', 'bank_name', 'bank_account'] as const;
export type SelfClaim = (typeof selfClaims)[number];

export type Claim = IdentityClaim | SelfClaim;
