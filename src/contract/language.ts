import { z } from 'zod';

/** BCP 47 tags of the languages that the kiosk speaks; each has a file in `messages/`. */
export const languages = ['zh-Hans', 'en'] as const;
export type Language = (typeof languages)[number];
export const languageSchema = z.enum(languages);

/** One text in every language. */
export const localizedSchema = z.strictObject({ 'zh-Hans': z.string().min(1), en: z.string().min(1) });
export type Localized = z.infer<typeof localizedSchema>;
