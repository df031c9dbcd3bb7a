import type { Localized } from '../../contract/language.ts';

/** What `imi agency desk` tells its page. No fact of a resident is in it; those come with `DeskOpened` and `DeskRead`, and stay on the page until the request is closed. */
export type DeskStep = 'submitted' | 'received' | 'needs-more' | 'decided' | 'closed' | 'withdrawn';

export interface DeskRequest {
  id: string;
  /** Unix seconds: of the block. */
  at: number;
  step: DeskStep;
  service: string;
  title: Localized;
  /** Of the service; null where it is published no more. */
  purpose: { id: string; text: Localized } | null;
}

export interface DeskState {
  agency: string;
  names: Localized;
  /** What signs: a file in demonstrations; a card, whose PIN is asked for where the desk was started. */
  officer: 'demo-key' | 'card';
  /** In the order of the ledger. */
  requests: DeskRequest[];
  /** Each step of a request, as the ledger has it. */
  steps: { id: string; step: DeskStep; at: number }[];
  /** What the gateway refused since this desk was opened. */
  refusals: { code: string; count: number }[];
  /** Unix seconds. */
  now: number;
}

export interface DeskOpened {
  /** By the question's name; with the labels of question and choice where the service still has them. */
  answers: { question: string; label: Localized | null; answer: string; choice: Localized | null }[];
}

export interface DeskRead {
  transaction: string;
  shown: { issuer: Localized; revocation: 'valid' | 'unlisted'; claims: { claim: string; value: string }[] }[];
}

export interface DeskStepWish {
  id: string;
  step: 'received' | 'needs-more' | 'decided' | 'closed';
  decision?: 'approved' | 'refused';
  letter?: { title: string; text: string };
}

export type DeskAnswer<T> = { ok: true; value: T } | { ok: false; code: string };
