const mobile = [3, 4, 4];
const groupsOf: Record<string, readonly number[]> = {
  identity_number: [6, 8, 4],
  phone: mobile,
  phone_number: mobile,
  emergency_phone: mobile,
};
/** Narrow, and a line does not break there. */
const gap = '\u202f';

/**
 * Puts narrow spaces into numbers that people read off in groups: identity numbers 6-8-4, mobile numbers 3-4-4, other runs of more than eight digits by four.
 * `440106194403120027` → `440106 19440312 0027`
 */
export function groupDigits(name: string, value: string): string {
  if (!/^\d{7,}[0-9X]$/.test(value)) return value;
  const groups = groupsOf[name];
  if (groups && groups.reduce((sum, size) => sum + size, 0) === value.length) {
    return inGroups(value, groups);
  }
  return value.length > 8 ? (value.match(/.{1,4}/g)?.join(gap) ?? value) : value;
}

/** A mobile number as far as it is typed. */
export const groupMobile = (typed: string): string => inGroups(typed, mobile);

function inGroups(value: string, groups: readonly number[]): string {
  let from = 0;
  const pieces = groups.map((size) => value.slice(from, (from += size)));
  return [...pieces, value.slice(from)].filter((piece) => piece !== '').join(gap);
}
