import { fail, ok, type Result } from '../../contract/result.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import type { Card } from '../card.ts';
import type { District } from '../district.ts';
import type { ProvenStaff, StaffAccess } from './work.ts';

/** After PW1-82: the card answers a challenge, which is checked here against the ledger's key, whatever the hub will say. */
export async function openStaffSession(
  card: Pick<Card, 'authenticate'>,
  staff: ProvenStaff,
  { district, crypto }: { district: Pick<District, 'challenge' | 'openStaff'>; crypto: Crypto },
): Promise<Result<StaffAccess>> {
  const asked = await district.challenge();
  if (!asked.ok) return asked;
  const { challenge } = asked.value;
  const signature = await card.authenticate(challenge);
  if (!signature.ok) return signature;
  if (!crypto.verify([-19, staff.aut], challenge, signature.value)) return fail('challenge-failed', 'at the kiosk');
  const opened = await district.openStaff(staff.id, challenge, signature.value);
  return opened.ok ? ok({ staff, ...opened.value }) : opened;
}

/** The hub was started anew, or has ended it. */
export const isUnknownSession = (answer: Result<unknown>): boolean => !answer.ok && answer.failure.code === 'hub-refused' && answer.failure.detail === 'session';

/** A hub that was started anew knows the session no more: the staff card, whose PIN stands, proves itself once more, for this one call. */
export async function inStaffSession<T>(
  card: Pick<Card, 'authenticate'>,
  { staff, session }: StaffAccess,
  call: (session: Uint8Array) => Promise<Result<T>>,
  parts: { district: Pick<District, 'challenge' | 'openStaff' | 'closeStaff'>; crypto: Crypto },
): Promise<Result<T>> {
  const first = await call(session);
  if (!isUnknownSession(first)) return first;
  const reopened = await openStaffSession(card, staff, parts);
  if (!reopened.ok) return reopened;
  const second = await call(reopened.value.session);
  await parts.district.closeStaff(reopened.value.session);
  return second;
}
