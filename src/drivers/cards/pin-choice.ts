import type { PinWeakness } from '../../contract/device-host.ts';

/** PW1 and PW3 as cards leave the factory (OpenPGP card 3.4 §4.3.1). */
export const factoryPin = '123456';
export const factoryAdminPin = '12345678';

/** The shortest piece of what is known that makes a PIN a known one; a whole PIN that stands in it is one too. */
const knownLength = 6;

/**
 * Why a PIN is no good, or null. Of several reasons the first.
 * Worked, where 000000199108232264 is to be avoided: 910823 and 199108 are `personal`, 777777 and 121212 `repeated`, 345678 and 987654 `run`, 123456 `factory`; 230891 and 445566 are good.
 *
 * @param avoid digits that others know of the person: numbers, and dates as people write them.
 */
export function pinWeakness(pin: string, avoid: readonly string[]): PinWeakness | null {
  if (pin === factoryPin || pin === factoryAdminPin) return 'factory';
  const digits = [...pin].map(Number);
  const steps = digits.slice(1).map((digit, index) => (digit - (digits[index] ?? 0) + 10) % 10);
  if (isPeriodic(pin)) return 'repeated';
  if (steps.every((step) => step === 1) || steps.every((step) => step === 9)) return 'run';
  return avoid.some((known) => (known.length >= knownLength && pin.includes(known)) || known.includes(pin)) ? 'personal' : null;
}

/** One digit, two or three of them, over and over: 777777, 121212, 123123. */
function isPeriodic(pin: string): boolean {
  return [1, 2, 3].some((period) => pin.length % period === 0 && pin === pin.slice(0, period).repeat(pin.length / period));
}
