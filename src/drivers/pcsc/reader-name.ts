/** Whether a reader is the one that the hub's file names: its exact PC/SC name, or a prefix ending in `*`. */
export function matchesReader(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}
