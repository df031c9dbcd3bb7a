import { createI18n } from 'vue-i18n';
import type { Language } from '../contract/language.ts';

const files: Record<Language, () => Promise<{ default: Record<string, object> }>> = {
  'zh-Hans': () => import('../contract/messages/zh-Hans.json'),
  en: () => import('../contract/messages/en.json'),
};

/** The messages are compiled to a syntax tree, never to code: the page's policy has no eval. */
export const i18n = createI18n({ legacy: false, locale: 'zh-Hans', fallbackLocale: false, messages: {} });

/** Reads the messages of each language; all later changes of language are at once. */
export async function loadLanguages(languages: readonly Language[]): Promise<void> {
  await Promise.all(
    languages.map(async (language) => {
      const { default: messages } = await files[language]();
      i18n.global.setLocaleMessage(language, messages);
    }),
  );
}
