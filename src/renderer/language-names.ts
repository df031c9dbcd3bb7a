import type { Language } from '../contract/language.ts';

/** Each language calls itself by its own name. */
export const languageNames: Record<Language, string> = { 'zh-Hans': '中文', en: 'English' };
