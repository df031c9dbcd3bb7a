import type { Language } from '../../contract/language.ts';
import type { ActKind, RequestStep, RevocationPart, StepPart } from '../../ledger/verify/acts.ts';
import { actWordsEn } from './act-words-en.ts';
import { actWordsZhHans } from './act-words-zh-hans.ts';

/** What acts are called. Loads nothing but words, so that the command line says the same. */
export interface ActWords {
  /** Of each kind, where its private part is missing or it has none. */
  kinds: Record<ActKind, string>;
  /** Why a private part is not shown. */
  hidden: string;

  grant(agency: string, count: number): string;
  grantEnd(agency: string): string;
  request(agency: string): string;
  withdraw(agency: string): string;
  step(agency: string): Record<Exclude<RequestStep['step'], 'decided'> | NonNullable<StepPart['decision']> | 'decided', string>;
  credential(issuer: string): string;
  revocation(issuer: string): string;
  answer(agency: string, count: number): string;
  access(party: string, count: number): string;
  /** Under an auditor's case: activity, never facts. */
  accessUnderCase(party: string): string;
  lookup(party: string): string;
  caseOpen(residents: number): string;

  service: string;
  until: string;
  reads: string;
  times(count: number): string;
  credentialKind: string;
  reason: string;
  reasons: Record<RevocationPart['reason'], string>;
  purpose: string;
  officer: string;
  basis: string;
  covers: string;
  from: string;
  to: string;
}

export const actWords: Record<Language, ActWords> = { 'zh-Hans': actWordsZhHans, en: actWordsEn };
