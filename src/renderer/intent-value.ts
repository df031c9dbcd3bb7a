import type { Intent } from '../contract/bridge.ts';

/** What an intent is about, for `data-value`. Never what was typed: neither a PIN nor an answer stands in an attribute. */
export function intentValue(intent: Intent): string | undefined {
  if ('group' in intent) return intent.group;
  if ('claim' in intent) return intent.claim;
  if ('service' in intent) return intent.service;
  if ('question' in intent) return intent.question;
  if ('reference' in intent) return intent.reference;
  if ('part' in intent) return intent.part;
  if ('fact' in intent) return intent.fact;
  if ('grant' in intent) return intent.grant;
  if ('letter' in intent) return intent.letter;
  if ('agency' in intent) return intent.agency;
  if ('ask' in intent) return intent.ask;
  if ('day' in intent) return intent.day;
  if ('language' in intent) return intent.language;
  if ('device' in intent) return intent.device;
  if ('to' in intent) return intent.to;
  if ('option' in intent) return intent.option;
  if (intent.intent === 'desk.open') return intent.act;
  if (intent.intent === 'desk.block') return intent.reason;
  return undefined;
}
