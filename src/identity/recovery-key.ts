import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { parseSpokenNumber, spokenNumber } from '../ledger/verify/spoken-number.ts';

const secretBytes = 32;
const signs = Math.ceil((secretBytes * 8) / 5);

/** `slip-form`: not as many signs, or one that no slip has. `slip-mistyped`: one wrong, or two changed over. */
export type SlipFailure = Failure<'slip-form' | 'slip-mistyped'>;

/** The recovery key (X25519, 32 bytes) as it stands on the printed slip: 52 signs and two check digits in groups of four (spoken-number.ts). */
export function recoveryKeyText(secret: Uint8Array): string {
  if (secret.length !== secretBytes) throw new RangeError('a recovery key has 32 bytes');
  return spokenNumber(BigInt(`0x${Buffer.from(secret).toString('hex')}`), signs).replaceAll(/.{4}(?=.)/g, '$&-');
}

/** Whether it is one, which is asked more often than it is used: nothing of it is left. */
export function isRecoveryKey(typed: string): boolean {
  const parsed = parseRecoveryKey(typed);
  if (parsed.ok) parsed.value.fill(0);
  return parsed.ok;
}

/** As typed or scanned. Errors are found before anything is tried with it. */
export function parseRecoveryKey(typed: string): Result<Uint8Array, SlipFailure> {
  const value = parseSpokenNumber(typed, signs);
  if (value === 'form') return fail('slip-form');
  // 52 signs hold four bits more than a key has.
  if (value === 'mistyped' || value >> BigInt(secretBytes * 8) !== 0n) return fail('slip-mistyped');
  return ok(new Uint8Array(Buffer.from(value.toString(16).padStart(secretBytes * 2, '0'), 'hex')));
}
