import { describe, expect, test } from 'vitest';
import { ok } from '../../../src/contract/result.ts';
import { identityVct } from '../../../src/contract/claims.ts';
import { readOnlyNotice, replacementNews } from '../../../src/main/visit/replaced-card.ts';

const now = Date.UTC(2026, 10, 22, 10);
const replacedAt = now / 1000 - 3600;
const resident = { readOnlyUntil: replacedAt + 86_400 };
const parties = { parties: (names: readonly string[]) => Promise.resolve(ok(names.map((id) => ({ id, kind: 'agency' as const, names: { 'zh-Hans': id, en: id }, sign: [-19, new Uint8Array(32)] as [-19, Uint8Array], seal: new Uint8Array(32) })))) };
const object = (name: string) => ({ name, sealed: new Uint8Array(0), at: 1 });
const bank = 'former/1/credential/urn:imi:credential:bank-account:1/0';
const registrar = `former/1/credential/${identityVct}/0`;

/** After a replacement without a slip, an hour ago, since when nobody was here. */
const after = (change: object = {}) => ({
  resident,
  sealed: { objects: [object(bank), object(registrar)], lastOpened: replacedAt - 10 },
  contents: { selfHash: null, lost: ['self', `letter/${'0'.repeat(64)}/0`, 'credential/urn:imi:credential:bank-account:1/0'] },
  credentials: [{ vct: identityVct }],
  ...change,
});
const newsOf = async (change: object, at = now): Promise<string[]> => {
  const told = await replacementNews(after(change), parties, at);
  if (!told.ok) throw new Error(told.failure.code);
  return told.value.map(({ news }) => news);
};

describe('somebody whose card was replaced is told', () => {
  const sealed = after().sealed;
  const all = ['card-replaced', 'typed-lost', 'letters-lost', 'not-issued-yet'];
  test.each([
    { name: 'all that is gone, at the first visit', change: {}, news: all },
    { name: 'at a first visit that comes after the day', change: {}, at: now + 3 * 86_400_000, news: all },
    { name: 'what is gone at the second visit of that day, not again that it was replaced', change: { sealed: { ...sealed, lastOpened: replacedAt } }, news: all.slice(1) },
    { name: 'nothing at a later visit', change: { sealed: { ...sealed, lastOpened: replacedAt } }, at: (resident.readOnlyUntil) * 1000, news: [] },
    { name: 'with a slip, who has yet to issue', change: { contents: { selfHash: [-16, new Uint8Array(32)], lost: [] } }, news: ['card-replaced', 'not-issued-yet'] },
    { name: 'without a slip, after something was typed anew', change: { contents: { selfHash: [-16, new Uint8Array(32)], lost: ['self'] } }, news: ['card-replaced', 'not-issued-yet'] },
    { name: 'when all have issued again', change: { contents: { selfHash: null, lost: [] }, credentials: [{ vct: identityVct }, { vct: 'urn:imi:credential:bank-account:1' }] }, news: ['card-replaced'] },
    { name: 'nothing with the first card', change: { resident: { readOnlyUntil: null } }, news: [] },
  ])('$name', async ({ change, at, news }) => {
    expect(await newsOf(change, at)).toEqual(news);
  });

  test('who has yet to issue, by name, and never the registrar', async () => {
    expect(await replacementNews(after(), parties, now)).toMatchObject({ value: expect.arrayContaining([{ news: 'not-issued-yet', issuers: [{ en: 'bank', 'zh-Hans': 'bank' }] }]) as unknown });
  });

  test('until when it may only look, to the second', () => {
    const end = resident.readOnlyUntil * 1000;
    expect(readOnlyNotice(resident, end - 1)).toEqual([{ notice: 'card-read-only', until: new Date(end).toISOString() }]);
    expect(readOnlyNotice(resident, end)).toEqual([]);
    expect(readOnlyNotice({ readOnlyUntil: null }, end)).toEqual([]);
  });
});
