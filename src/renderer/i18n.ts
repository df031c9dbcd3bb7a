import { createI18n } from 'vue-i18n';
import en from '../contract/messages/en.json';
import zhHans from '../contract/messages/zh-Hans.json';

/** The messages are compiled to a syntax tree, never to code: the page's policy has no eval. */
export const i18n = createI18n({
  legacy: false,
  locale: 'zh-Hans',
  fallbackLocale: false,
  messages: { 'zh-Hans': zhHans, en },
});
