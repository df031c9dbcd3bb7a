import { createI18n } from 'vue-i18n';
import en from '../contract/messages/en.json';
import zhHans from '../contract/messages/zh-Hans.json';
import type { Language } from '../contract/language.ts';

const messages: Record<Language, Record<string, object>> = { 'zh-Hans': zhHans, en };

/** Every language is there from the first page on. The messages are compiled to a syntax tree, never to code: the page's policy has no eval. */
export const i18n = createI18n({ legacy: false, locale: 'zh-Hans', fallbackLocale: false, messages });
