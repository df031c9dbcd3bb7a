import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { refusalCodes } from '../../src/contract/failures.ts';
import { languages } from '../../src/contract/language.ts';

it.each(languages)('every refusal of the keeper has a sentence in %s', (language) => {
  const { rejection } = JSON.parse(readFileSync(new URL(`../../src/contract/messages/${language}.json`, import.meta.url), 'utf8')) as { rejection: Record<string, string> };
  for (const code of refusalCodes) expect(rejection[code]?.trim(), code).toBeTruthy();
});
