import type { Intent } from '../contract/bridge.ts';

/** What an intent is about, for `data-value`. Never what was typed: neither a PIN nor an answer stands in an attribute. */
export function intentValue(intent: Intent): string | undefined {
  if ('service' in intent) return intent.service;
  if ('claim' in intent) return intent.claim;
  if ('question' in intent) return intent.question;
  if ('reference' in intent) return intent.reference;
  if ('language' in intent) return intent.language;
  return undefined;
}
