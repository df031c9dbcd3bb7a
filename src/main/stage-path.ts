/** A machine's state by name, the inner after the outer: `visiting.inside.home`. */
export const stagePath = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? Object.entries(value)
        .map(([name, inner]) => `${name}.${stagePath(inner)}`)
        .join()
    : String(value);
