/** One measured value, whom it is held against, and whether it is good enough. */
export interface Figure {
  name: string;
  value: number;
  unit: 'ms' | 'MB' | 'ratio' | 'bytes' | 'per second';
  /** What it was compared with, or what was taken off, in words and numbers. */
  against: string;
  /** Largest value that is good enough (`figure`), or the smallest (`figureAtLeast`); null where it is told for comparison only. */
  goal: number | null;
  met: boolean | null;
}

/** What is told is rounded to four digits behind the point; whether it is good enough goes by what was measured. */
export function figure(name: string, value: number, unit: Figure['unit'], against: string, goal: number | null): Figure {
  return { name, value: rounded(value), unit, against, goal, met: goal === null ? null : value <= goal };
}

/** Of what is better the larger it is. */
export function figureAtLeast(name: string, value: number, unit: Figure['unit'], against: string, goal: number): Figure {
  return { name, value: rounded(value), unit, against, goal, met: value >= goal };
}

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000;
