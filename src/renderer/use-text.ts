import { useI18n } from 'vue-i18n';
import type { Signable, TypedFact } from '../contract/bridge.ts';
import type { Language, Localized } from '../contract/language.ts';
import { groupDigits } from './group-digits.ts';

/** The legal time of the district, whatever the machine's clock is set to. */
const districtTimeZone = 'Asia/Shanghai';

const isoDate = /^\d{4}-\d{2}-\d{2}$/;

/** What every page needs to say something in the resident's language. */
export function useText() {
  const { t, te, locale } = useI18n({ useScope: 'global' });

  const language = (): Language => locale.value as Language;

  const local = (text: Localized): string => text[language()];

  /** An ISO day, or a moment in UTC as the day it is in the district. */
  function day(iso: string): string {
    const whole = isoDate.test(iso);
    return new Intl.DateTimeFormat(language(), { dateStyle: 'long', timeZone: whole ? 'UTC' : districtTimeZone }).format(new Date(iso));
  }

  function moment(iso: string): string {
    return new Intl.DateTimeFormat(language(), { dateStyle: 'long', timeStyle: 'short', hourCycle: 'h23', timeZone: districtTimeZone }).format(new Date(iso));
  }

  /** A text in another language than the page's. */
  const tIn = (other: Language, key: string): string => t(key, {}, { locale: other });

  /** When a kiosk is back (contract/closure.ts): the time of a weekday, or a day. */
  function backAgain(iso: string): string {
    const at = new Date(iso);
    if (isoDate.test(iso)) return new Intl.DateTimeFormat(language(), { weekday: 'long', month: 'long', day: 'numeric', timeZone: 'UTC' }).format(at);
    const weekday = new Intl.DateTimeFormat(language(), { weekday: 'long', timeZone: districtTimeZone }).format(at);
    return `${weekday} ${new Intl.DateTimeFormat(language(), { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: districtTimeZone }).format(at)}`;
  }

  function time(iso: string): string {
    return new Intl.DateTimeFormat(language(), { timeStyle: 'medium', hourCycle: 'h23', timeZone: districtTimeZone }).format(new Date(iso));
  }

  /** A moment to the second, as a log has it. */
  function second(iso: string): string {
    return new Intl.DateTimeFormat(language(), { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23', timeZone: districtTimeZone }).format(new Date(iso));
  }

  /** Fen (1/100 yuan) as money. */
  function money(amountFen: number): string {
    return new Intl.NumberFormat(language(), { style: 'currency', currency: 'CNY', currencyDisplay: 'narrowSymbol' }).format(amountFen / 100);
  }

  /** Several things in one sentence: "a, b and c". */
  function list(items: readonly string[]): string {
    return new Intl.ListFormat(language(), { type: 'conjunction' }).format(items);
  }

  function claimLabel(claim: string): string {
    const key = `claim.${claim}`;
    return te(key) ? t(key) : claim;
  }

  /** A claim's value as a person reads it: codes in words, dates in the language, long numbers grouped. */
  function claimValue(claim: string, value: string): string {
    const coded = `value.${claim}.${value}`;
    if (te(coded)) return t(coded);
    if (claim === 'household_size' && /^\d+$/.test(value)) return t('value.household_size.people', { n: value }, Number(value));
    if (isoDate.test(value)) return day(value);
    return groupDigits(claim, value);
  }

  function typedLabel({ fact, label }: TypedFact): string {
    return label === null ? claimLabel(fact) : local(label);
  }

  function typedValue({ fact, value, option, unit, input }: TypedFact): string {
    if (option !== null) return local(option);
    if (input === 'yes-no') return value === 'true' ? t('question.yes') : t('question.no');
    const said = claimValue(fact, value);
    return unit === null ? said : t('check.amount', { value: said, unit: local(unit) });
  }

  /** What a receipt is of. */
  function signedTitle(what: Signable, service: Localized | null): string {
    return what === 'request' && service !== null ? local(service) : t(`signedTitle.${what.replace('.', '-')}`, { service: service === null ? '' : local(service) });
  }

  return { t, tIn, te, language, local, day, moment, time, second, backAgain, money, list, claimLabel, claimValue, typedLabel, typedValue, signedTitle };
}
