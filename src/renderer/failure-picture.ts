import type { FailureCode } from '../contract/failures.ts';

export type CardPicture = 'turned' | 'insert' | 'take';

const pictures: Partial<Record<FailureCode, CardPicture>> = {
  'card-mute': 'turned',
  'card-removed': 'insert',
  'card-timeout': 'insert',
  'screen-lost': 'insert',
  'card-unknown': 'take',
  'card-unsupported': 'take',
  'key-not-resident': 'take',
  'key-unknown': 'take',
  'key-blocked': 'take',
  'device-host-lost': 'take',
};

/** The drawing that says it better than words; none where nothing is to be done with the card. */
export const failurePicture = (code: FailureCode): CardPicture | null => pictures[code] ?? null;
