const groupsOf: Record<string, readonly number[]> = {
  identity_number: [6, 8, 4],
  phone: [3, 4, 4],
};

/**
 * Puts thin spaces into numbers that people read off in groups: identity numbers 6-8-4, mobile numbers 3-4-4, other runs of more than eight digits by four.
 * `440106194403120027` → `440106 19440312 0027`
 */
export function groupDigits(name: string, value: string): string {
  if (!/^\d{7,}[0-9X]$/.test(value)) return value;
  const groups = groupsOf[name];
  if (groups && groups.reduce((sum, size) => sum + size, 0) === value.length) {
    let from = 0;
    return groups.map((size) => value.slice(from, (from += size))).join('\u2009');
  }
  return value.length > 8 ? (value.match(/.{1,4}/g)?.join('\u2009') ?? value) : value;
}
