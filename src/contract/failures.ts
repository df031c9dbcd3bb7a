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
  'staff-card-unknown',
  'staff-card-role',
  'staff-card-expired',
  'staff-card-retired',
  'staff-card-office',
  'challenge-failed',
  'signature-failed',
  // Heads and proofs.
  'head-too-old',
  'head-invalid',
  'proof-invalid',
  'trust-expired',
  'ledger-split',
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
  'key-read-only',
  'credential-unknown',
  'credential-revoked',
  'until-past',
  'until-too-far',
  'grant-unknown',
  'grant-not-live',
  'reads-spent',
  'request-unknown',
  'step-illegal',
  'nonce-spent',
  'access-known',
  'case-unknown',
  'case-closed',
  'case-sealed',
  'case-not-sealed',
  'case-not-due',
  'case-overdue',
  'delay-too-long',
  'refs-count',
  'service-known',
  'service-unknown',
  'status-not-newer',
  'status-ahead',
  'purpose-not-owned',
  'claims-beyond-purpose',
] as const;

export type RejectionCode = (typeof rejectionCodes)[number];

/** Why the keeper refuses a transaction with what comes along, or a release, beside the rejections it shares with the rules. Nothing of it reaches the ledger. */
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
  'addressee-mismatch',
  'order-mismatch',
  'order-too-early',
  'purpose-mismatch',
  'grant-ended',
  'grant-expired',
  'cursor-unknown',
  'subject-beyond-case',
  'scope-unknown',
] as const;

export type RefusalCode = (typeof refusalCodes)[number];

/** Why an ask is not taken, or an answer to one is none (docs/agencies.md). Nothing of it reaches the ledger. */
export const answerRefusalCodes = [
  'ask-malformed',
  'ask-signature',
  'ask-late',
  'ask-purpose',
  'ask-known',
  'ask-too-many',
  'ask-unknown',
  'ask-not-answered',
  'answer-malformed',
  'answer-replayed',
  'answer-late',
  'answer-audience',
  'answer-nonce',
  'answer-key-binding',
  'answer-disclosure-tampered',
  'answer-disclosure-unreferenced',
  'answer-claims',
  'answer-issuer-unknown',
  'answer-issuer-signature',
  'answer-credential-expired',
  'answer-credential-revoked',
  'answer-status-unknown',
  'answer-key-unknown',
  'answer-key-revoked',
  'answer-subject',
  'status-list-unknown',
  'status-list-invalid',
  'status-list-behind',
  'status-index-taken',
] as const;

export type AnswerRefusalCode = (typeof answerRefusalCodes)[number];

/**
 * Why the gateway refuses a call, beside the rejections, refusals and failures that it passes on: `code` of a problem (RFC 9457). What is not the caller's
 * is answered as what does not exist. Each has a text under `problem` in every language.
 */
export const gatewayCodes = [
  'path-unknown',
  'method-unknown',
  'not-acceptable',
  'media-type-unknown',
  'content-too-large',
  'call-malformed',
  'authority-unknown',
  'signature-required',
  'signature-malformed',
  'signature-late',
  'signature-replayed',
  'signature-refused',
  'digest-mismatch',
  'party-not-admitted',
  'rate-limited',
  'key-reused',
  'cursor-invalid',
  'resident-unknown',
  'address-refused',
  'draft-unknown',
  'draft-refused',
  'too-many',
  'not-now',
  'gateway-fault',
] as const;

export type GatewayCode = (typeof gatewayCodes)[number];

/** Whatever a call to the gateway may be refused with. */
export type ProblemCode = GatewayCode | FailureCode | RejectionCode | RefusalCode | AnswerRefusalCode;
