/**
 * Every way in which people, cards, readers, networks and disks can fail, each with a page in every language
 * (`messages/<language>.json`, `failure.<code>`: `title` what happened, `why` mostly, `todo` what to do now).
 */
export const failureCodes = [
  // Readers, told apart (hardware.md A, lessons 1, 3, 4, 9).
  'reader-no-service',
  'reader-no-permission',
  'reader-missing',
  'device-host-lost',
  // Cards.
  'card-mute',
  'card-unknown',
  'card-unsupported',
  'card-in-use',
  'card-removed',
  'card-timeout',
  'card-error',
  'card-touch-missed',
  // PIN.
  'pin-wrong',
  'pin-last-try',
  'pin-blocked',
  'pin-format',
  'pin-pad-cancelled',
  // Keys and the ledger's word on them.
  'key-unknown',
  'key-blocked',
  'key-not-resident',
  'challenge-failed',
  'signature-failed',
  // Heads and proofs.
  'head-too-old',
  'head-invalid',
  'proof-invalid',
  'trust-expired',
  // The hub and what it keeps.
  'hub-unreachable',
  'hub-storage',
  'hub-busy',
  'hub-refused',
  'space-unreadable',
  'credential-invalid',
  'service-unknown',
  // What was signed.
  'request-rejected',
  'request-expired',
  'message-too-large',
  'message-invalid',
  // The kiosk itself.
  'kiosk-not-enrolled',
  'kiosk-storage',
  'kiosk-config',
  'browser-missing',
  'browser-sandbox',
  'screen-lost',
  'kiosk-fault',
] as const;

export type FailureCode = (typeof failureCodes)[number];

/** Why the rules refuse a transaction (transactions.md). A rejection changes nothing. Each has a test that produces it. */
export const rejectionCodes = [
  'envelope-malformed',
  'body-malformed',
  'version-unknown',
  'algorithm-unknown',
  'chain-wrong',
  'expired',
  'not-after-too-far',
  'acts-count',
  'transaction-known',
  'signature-invalid',
  'signer-missing',
  'signer-superfluous',
  'signer-unknown',
  'signer-role',
  'signer-revoked',
  'signer-expired',
  'kiosk-not-attested',
  'kiosk-retired',
  'act-unknown',
  'act-malformed',
  'id-taken',
  'key-taken',
  'key-weak',
  'key-not-current',
  'challenge-invalid',
  'party-unknown',
  'party-kind',
  'party-inactive',
  'party-state',
  'role-unfit',
  'staff-unknown',
  'kiosk-unknown',
  'attested-mismatch',
  'validator-unknown',
  'validators-count',
  'validators-fixed',
  'subject-unknown',
  'subject-inactive',
  'key-inactive',
  'until-past',
  'until-too-far',
  'grant-unknown',
  'grant-not-live',
  'refs-count',
  'service-known',
  'service-unknown',
  'status-not-newer',
  'status-ahead',
  'purpose-not-owned',
  'claims-beyond-purpose',
] as const;

export type RejectionCode = (typeof rejectionCodes)[number];

/** Why the keeper refuses what comes along with a transaction, beside the rejections it shares with the rules. Nothing of it reaches the ledger. */
export const refusalCodes = [
  'part-missing',
  'part-unreadable',
  'part-mismatch',
  'payload-missing',
  'payload-superfluous',
  'payload-mismatch',
  'payload-too-large',
  'service-mismatch',
  'claims-beyond-service',
  'until-mismatch',
  'reads-too-many',
] as const;

export type RefusalCode = (typeof refusalCodes)[number];
