import type { FailureCode } from './failures.ts';

/** What a person, a card, a reader, a network or a disk caused. `detail` never holds a personal fact, a PIN or an APDU. */
export interface Failure<Code extends string = FailureCode> {
  readonly code: Code;
  /** For the journal and the technician: a status word, an errno, a rejection code. Shown small, never read out. */
  readonly detail?: string;
}

export type Result<T, F = Failure> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: F };

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });

export const fail = <Code extends string>(code: Code, detail?: string): { readonly ok: false; readonly failure: Failure<Code> } => ({
  ok: false,
  failure: detail === undefined ? { code } : { code, detail },
});

/** Closes an exhaustive switch over a union: a new member fails the type check where it is not handled. */
export function never(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
