import type { FailureCode } from '../contract/failures.ts';

export type CardPicture = 'turned' | 'insert' | 'take';
export type SituationName = 'desk' | 'other-kiosk' | 'line-down';

/** The drawing that says it better than words: what to do with the card, or where to turn. */
export type FailurePicture = { card: CardPicture } | { situation: SituationName };

const cards: Partial<Record<FailureCode, CardPicture>> = {
  'card-mute': 'turned',
  'card-removed': 'insert',
  'card-timeout': 'insert',
  'screen-lost': 'insert',
  'card-unknown': 'take',
  'card-unsupported': 'take',
  'key-not-resident': 'take',
  'key-blocked': 'take',
  'staff-card-unknown': 'take',
  'staff-card-role': 'take',
  'staff-card-expired': 'take',
  'staff-card-retired': 'take',
  'staff-card-office': 'take',
  'staff-card-another': 'take',
  'challenge-failed': 'take',
  'device-host-lost': 'take',
};

const situations: Partial<Record<FailureCode, SituationName>> = {
  'pin-last-try': 'desk',
  'pin-blocked': 'desk',
  'key-unknown': 'desk',
  'credential-invalid': 'desk',
  'hub-refused': 'desk',
  'reader-no-service': 'other-kiosk',
  'reader-no-permission': 'other-kiosk',
  'reader-missing': 'other-kiosk',
  'device-no-permission': 'other-kiosk',
  'trust-expired': 'other-kiosk',
  'ledger-split': 'desk',
  'kiosk-not-enrolled': 'other-kiosk',
  'kiosk-storage': 'other-kiosk',
  'kiosk-config': 'other-kiosk',
  'browser-missing': 'other-kiosk',
  'browser-sandbox': 'other-kiosk',
  'head-too-old': 'line-down',
  'hub-unreachable': 'line-down',
};

/** None where a drawing would say nothing that the words do not, and no way to the desk for those who stand at it. */
export function failurePicture(code: FailureCode, toStaff = false): FailurePicture | null {
  const card = cards[code];
  if (card !== undefined) return { card };
  const situation = situations[code];
  return situation === undefined || toStaff ? null : { situation };
}
