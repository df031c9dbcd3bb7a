import type { Offer } from './draft.ts';
import { checkAnswer } from '../../identity/checked-answer.ts';

/** What a bill's bar code begins: a service, with the number that it carries as the answer to one of its questions. */
export interface Bill {
  offer: Offer;
  typed: Readonly<Record<string, string>>;
}

/** @param text as a scanner read it. undefined: no offered service takes this code, or more than one does, and nobody can tell which is meant. */
export function billIn(text: string, offers: readonly Offer[]): Bill | undefined {
  const bills = offers.flatMap((offer): Bill[] => {
    const { barcode, questions } = offer.service;
    const question = barcode === undefined ? undefined : questions.properties[barcode.question];
    if (barcode === undefined || question === undefined || !text.startsWith(barcode.begins)) return [];
    const digits = text.slice(barcode.begins.length);
    if (digits.length !== barcode.digits + barcode.more || !/^\d+$/.test(digits)) return [];
    const answer = checkAnswer(question, digits.slice(0, barcode.digits));
    return answer.ok ? [{ offer, typed: { [barcode.question]: answer.value } }] : [];
  });
  return bills.length === 1 ? bills[0] : undefined;
}
