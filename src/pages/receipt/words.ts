import type { Language } from '../../contract/language.ts';
import { wordsEn } from './words-en.ts';
import { wordsZhHans } from './words-zh-hans.ts';

/** A sentence with a title over it. */
export interface Said {
  title: string;
  text: string;
}

/** Everything that the page says. A sentence with holes is one function. */
export interface Words {
  title: string;
  lead: string;
  languages: string;
  /** A name, and the id that stands in the ledger. */
  withId(name: string, id: string): string;
  /** A moment in the district's legal time, as it is said beside one. */
  localTime(moment: string): string;

  trust: {
    title: string;
    hub(hub: string, chain: string): string;
    brought(chain: string): string;
    none: string;
    fingerprint: string;
    compare: string;
    other: string;
    otherText: string;
    field: string;
    take: string;
    wrong: string;
    back: string;
  };

  receipt: { title: string; file: string; codes: string; codesText: string; check: string };

  holds: {
    title: string;
    text(chain: string): string;
    /** Of the pending receipt that was opened before. */
    completes: string;
    reference: string;
    signed: string;
    place: string;
    at: string;
    kiosk: string;
    ledger: string;
    entry: string;
    entryOf(entry: number, entries: number): string;
    signatures: string;
    witnessed: string;
    tooFewWitnesses: string;
    witness: string;
    seenAt: string;
    not: string;
    nots: string[];
    experts: string;
    transaction: string;
    height: string;
    head: string;
    print: string;
  };

  /** A resident's whole list. */
  complete: {
    title(count: number): string;
    text(chain: string): string;
    entries: string;
    /** When an officer or a member of staff signed what led to it. */
    ordered: string;
    asOf: string;
    resident: string;
    nots: string[];
  };

  /** The three states. */
  progress: Record<'queued' | 'recorded' | 'witnessed' | 'notYet', string>;

  queued: {
    title: string;
    text(chain: string): string;
    complete: string;
    steps: string[];
    lapses(at: string): string;
    /** Over what it says of itself. */
    says: string;
  };

  refused: Record<'not-a-receipt' | 'altered' | 'part-altered' | 'other-signers' | 'before-trust', Said>;
  otherLedger(named: string, trusted: string): Said;
  noTrust: Said;
  fileUnreadable: Said;
  reason: string;
  codes: {
    noSymbol: Said;
    mixed: Said;
    damaged(number: number): Said;
    incomplete(missing: readonly number[], of: number): Said;
  };

  /** By the names in `contract/claims.ts`. */
  claims: Readonly<Record<string, string>>;
}

export const words: Record<Language, Words> = { 'zh-Hans': wordsZhHans, en: wordsEn };
