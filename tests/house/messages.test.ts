import { describe, expect, test } from 'vitest';
import { answerRefusalCodes, failureCodes, gatewayCodes, rejectionCodes } from '../../src/contract/failures.ts';
import { languages } from '../../src/contract/language.ts';
import { readJson } from './repository.ts';

type Messages = { [key: string]: string | Messages };

/** `{ a: { b: 'x' } }` → `[['a.b', 'x']]` */
function flattened(messages: Messages, prefix = ''): [string, string][] {
  return Object.entries(messages).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[prefix + key, value]] : flattened(value, `${prefix}${key}.`),
  );
}

const read = (language: string) => new Map(flattened(readJson(`src/contract/messages/${language}.json`) as Messages));
const holesOf = (text: string) => [...text.matchAll(/\{([^}']+)\}/g)].map(([, hole]) => hole).toSorted();

const [first, ...others] = languages;

describe.each(languages)('messages in %s', (language) => {
  const messages = read(language);

  test('every failure has a page: what happened, why mostly, what to do now', () => {
    const wanted = failureCodes.flatMap((code) => ['title', 'why', 'todo'].map((piece) => `failure.${code}.${piece}`));
    expect(wanted.filter((key) => !messages.get(key)?.trim())).toEqual([]);
  });

  test('every rejection of the ledger has a text', () => {
    expect(rejectionCodes.map((code) => `rejection.${code}`).filter((key) => !messages.get(key)?.trim())).toEqual([]);
  });

  test('every refusal of the gateway has a text', () => {
    expect([...gatewayCodes, ...answerRefusalCodes].map((code) => `problem.${code}`).filter((key) => !messages.get(key)?.trim())).toEqual([]);
  });

  test('no message is empty', () => {
    expect([...messages].filter(([, text]) => text.trim() === '')).toEqual([]);
  });
});

describe.each(others)(`messages in %s beside those in ${first}`, (language) => {
  test('have the same keys', () => {
    expect([...read(language).keys()].toSorted()).toEqual([...read(first).keys()].toSorted());
  });

  test('have the same named holes', () => {
    const other = read(language);
    const differing = [...read(first)].filter(([key, text]) => [...new Set(holesOf(text))].join() !== [...new Set(holesOf(other.get(key) ?? ''))].join());
    expect(differing).toEqual([]);
  });
});
