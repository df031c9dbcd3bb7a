import { describe, expect, test } from 'vitest';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import { handOffInLink, handOffLink, openHandOff, sealHandOff } from '../../../src/identity/hand-off.ts';
import { softwareOpener } from '../../../src/identity/hpke.ts';
import { newSpaceKeys } from '../../../src/identity/space.ts';
import type { District } from '../../../src/main/district.ts';
import { answer, askNext, beginDraft, chooseClaim, tellAgency, type BundleOffer, type Draft, type Offer } from '../../../src/main/visit/draft.ts';
import { handOff, parcelOf, readParcel, resumeDraft, takeUp, type HandOffStep, type Parcel, type QueuePlace } from '../../../src/main/visit/hand-off.ts';
import type { Access } from '../../../src/main/visit/work.ts';
import { canary, knownClaims, movingOffer, newAccess, resident, taxOffer, VisitStand } from './visit-stand.ts';

const tax = taxOffer.service.id;
const fresh = (matter: Offer | BundleOffer = taxOffer): Draft => beginDraft(matter, { known: knownClaims(), remembered: () => ({}), grantEnd: () => 0 });
const again = (draft: Draft, step: HandOffStep, matter: Offer | BundleOffer = taxOffer): { draft: Draft; step: HandOffStep } => {
  const parcel = readParcel(JSON.stringify(parcelOf(draft, step)));
  if (parcel === null) throw new Error('unreadable');
  return resumeDraft(parcel, fresh(matter));
};
const answered = (draft: Draft, answers: Record<string, string>): Draft => Object.entries(answers).reduce((now, [name, value]) => answer({ ...now, asking: name }, name, value), draft);
const all = { property_use: 'own-home', tax_year: '2024', certificate_use: 'loan', letter_language: 'en', phone: '13826400912' };

describe('a draft comes back as it was left', () => {
  test('at the letter, with what was chosen', () => {
    const draft = chooseClaim(fresh(), tax, 'name_latin', true);
    expect(again(draft, 'consent')).toEqual({ draft, step: 'consent' });
  });

  test('at a question, with the answers before it', () => {
    const draft = askNext(answered(fresh(), { property_use: 'own-home' }));
    expect(draft.asking).toBe('tax_year');
    expect(again(draft, 'question')).toEqual({ draft, step: 'question' });
  });

  test('at the answers, all of them', () => {
    const draft = answered(fresh(), all);
    expect(again(draft, 'check')).toEqual({ draft, step: 'check' });
  });

  test('at one answer that is changed: back then leads to the answers', () => {
    const draft = { ...answered(fresh(), all), asking: 'tax_year', changing: true };
    expect(again(draft, 'question')).toEqual({ draft, step: 'question' });
  });

  test('a bundle, with the agency that is left out', () => {
    const second = movingOffer.members[1]?.service.id ?? '';
    const draft = tellAgency(fresh(movingOffer), second, false);
    expect(draft.letters.map(({ told }) => told)).toContain(false);
    expect(again(draft, 'consent', movingOffer)).toEqual({ draft, step: 'consent' });
  });
});

describe('what does not fit the service any more', () => {
  const letters = parcelOf(fresh(), 'check').letters.map((letter) => ({ ...letter, chosen: ['gone'] }));
  const parcel: Parcel = { v: 1, matter: tax, letters, typed: { ...all, gone: 'x', tax_year: '1999' }, step: 'check', asking: null };

  test('is asked anew, and the rest is kept', () => {
    const { draft, step } = resumeDraft(parcel, fresh());
    expect(step).toBe('question');
    expect(draft.asking).toBe('tax_year');
    const { tax_year: _, ...kept } = all;
    expect(draft.typed).toEqual(kept);
  });

  test('a question that is gone leads to the first open one', () => {
    expect(resumeDraft({ ...parcel, typed: {}, step: 'question', asking: 'gone' }, fresh())).toMatchObject({ step: 'question', draft: { asking: 'property_use' } });
  });

  test.each([
    { what: 'a service was published anew', letters: letters.map((letter) => ({ ...letter, definition: 'ff'.repeat(32) })) },
    { what: 'an agency is gone', letters: [...letters, ...letters.map((letter) => ({ ...letter, service: 'tax/gone' }))] },
    { what: 'an agency has come', letters: [] },
  ])('where $what, it is consented to again, with what was typed', ({ letters: others }) => {
    const { draft, step } = resumeDraft({ ...parcel, letters: others, typed: all }, fresh());
    expect(step).toBe('consent');
    expect(draft.typed).toEqual(all);
  });

  test('a required question is not skipped', () => {
    expect(resumeDraft({ ...parcel, typed: { ...all, property_use: null } }, fresh()).draft.asking).toBe('property_use');
  });

  test.each(['', '{}', '{"v":2}', JSON.stringify({ ...parcel, step: 'sign' }), JSON.stringify({ ...parcel, facts: {} })])('%s is no matter', (text) => {
    expect(readParcel(text)).toBeNull();
  });
});

describe('sealed', () => {
  const keys = newSpaceKeys();
  const opener = softwareOpener(keys.secret);
  const access: Access = { ...newAccess().access, resident: { ...resident, space: keys.publicKey }, space: { resident: resident.id, publicKey: keys.publicKey, opener, close: () => undefined } };

  function hub(): { district: Pick<District, 'putHandOff' | 'handOff'>; kept: Uint8Array[]; asked: string[] } {
    const kept: Uint8Array[] = [];
    const asked: string[] = [];
    return {
      kept,
      asked,
      district: {
        putHandOff: (_, sealed) => {
          kept.push(sealed);
          return Promise.resolve(ok({ code: '7KQ2M4XD', until: 1 }));
        },
        handOff: (_, code): Promise<Result<Uint8Array | null>> => {
          asked.push(code);
          return Promise.resolve(ok(kept[0] ?? null));
        },
      },
    };
  }

  test('the hub sees no word of it; the resident’s own key opens it, by the typed code and by the scanned one', async () => {
    const parts = hub();
    const parcel = parcelOf(answered(fresh(), all), 'check');
    expect(await handOff(access, parcel, parts)).toEqual(ok({ code: '7KQ2M4XD', until: 1 }));
    for (const word of [tax, all.phone, canary, 'check']) expect(Buffer.from(parts.kept[0] ?? []).includes(word)).toBe(false);
    expect(await takeUp(access, '7kq2-m4xd', parts)).toEqual(ok({ code: '7KQ2M4XD', parcel }));
    expect(await takeUp(access, handOffLink('7KQ2M4XD'), parts)).toEqual(ok({ code: '7KQ2M4XD', parcel }));
    expect(parts.asked).toEqual(['7KQ2M4XD', '7KQ2M4XD']);
  });

  test('with another key, or passed off as another’s, it does not open', async () => {
    const sealed = sealHandOff(keys.publicKey, resident.id, 'x');
    expect(await openHandOff(sealed, resident.id, softwareOpener(newSpaceKeys().secret))).toMatchObject({ ok: false });
    expect(await openHandOff(sealed, new Uint8Array(16).fill(9), opener)).toMatchObject({ ok: false });
    const parts = hub();
    parts.kept.push(sealHandOff(keys.publicKey, resident.id, 'no matter'));
    expect(await takeUp(access, '7KQ2M4XD', parts)).toEqual(fail('space-unreadable', 'hand-off'));
    parts.kept[0] = new Uint8Array(600);
    expect(await takeUp(access, '7KQ2M4XD', parts)).toEqual(fail('space-unreadable', 'hand-off'));
  });

  test('what is no code is not asked for', async () => {
    const parts = hub();
    expect(await takeUp(access, 'openid4vp://?x=1', parts)).toEqual(ok(null));
    expect(parts.asked).toEqual([]);
    for (const text of ['IMI-GO 7KQ2M4X', 'IMI-GO', '7KQ2M4XD', 'imi-go 7KQ2M4XD']) expect(handOffInLink(text)).toBeNull();
  });
});

describe('in a visit', () => {
  const parcel = parcelOf(askNext(answered(fresh(), { property_use: 'own-home' })), 'question');
  const found = (change: Partial<Parcel> = {}) => ({ findAsk: () => Promise.resolve(ok({ handOff: { code: '7KQ2M4XD', parcel: { ...parcel, ...change }, self: {} } })) });

  test('from a question: the code, and back to the same question', async () => {
    const handed: Parcel[] = [];
    const stand = new VisitStand((good) => ({
      handOff: (access, one) => {
        handed.push(one);
        return good.handOff(access, one);
      },
    }));
    await stand.signIn();
    stand.send({ type: 'hand-off.begin' });
    expect(stand.page.page).toBe('home');
    stand.send({ type: 'service.open', service: tax });
    stand.send({ type: 'consent.allow' });
    stand.answerOne();
    stand.send({ type: 'help.open' });
    stand.send({ type: 'hand-off.begin' });
    expect(await stand.sees('hand-off')).toEqual({ page: 'hand-off', code: '7KQ2-M4XD', until: new Date(1_795_300_000_000).toISOString(), qr: 'IMI-GO 7KQ2M4XD', place: null });
    expect(stand.snapshot.overlay).toBeNull();
    expect(handed).toMatchObject([{ matter: tax, step: 'question', asking: 'tax_year' }]);
    expect(Object.keys(handed[0]?.typed ?? {})).toEqual(['property_use']);
    stand.send({ type: 'back' });
    expect(stand.page).toMatchObject({ page: 'question', question: 'tax_year' });
  });

  describe('what is signed beside it leaves it where it is', () => {
    const signTax = async (stand: VisitStand): Promise<void> => {
      stand.send({ type: 'service.open', service: tax });
      stand.send({ type: 'consent.allow' });
      stand.answerAll();
      stand.send({ type: 'check.confirm' });
      await stand.sees('sign');
      stand.send({ type: 'pin.submit', pin: '123456' });
      await expect.poll(() => stand.state.stage).toBe('visiting.sending');
    };

    test('where it was handed off here', async () => {
      const stand = new VisitStand();
      await stand.signIn();
      stand.send({ type: 'service.open', service: tax });
      stand.send({ type: 'consent.allow' });
      stand.send({ type: 'hand-off.begin' });
      await stand.sees('hand-off');
      stand.send({ type: 'back' });
      await stand.sees('question');
      stand.send({ type: 'home' });
      await signTax(stand);
      expect(stand.calls.dropped).toEqual([]);
    });

    test('where it came from elsewhere', async () => {
      const stand = new VisitStand(() => found());
      await stand.signIn();
      stand.send({ type: 'code.open' });
      stand.send({ type: 'code.submit', code: '7KQ2M4XD' });
      await stand.sees('question');
      stand.send({ type: 'home' });
      await signTax(stand);
      expect(stand.calls.dropped).toEqual([]);
    });
  });

  test('handed off once more, it has one code: the one before opens nothing', async () => {
    let codes = 0;
    const stand = new VisitStand(() => ({ handOff: () => Promise.resolve(ok({ code: `${(codes += 1)}KQ2M4XD`, until: 1_795_300_000 })) }));
    await stand.signIn();
    stand.send({ type: 'service.open', service: tax });
    stand.send({ type: 'consent.allow' });
    stand.send({ type: 'hand-off.begin' });
    await stand.sees('hand-off');
    stand.send({ type: 'back' });
    await stand.sees('question');
    expect(stand.calls.dropped).toEqual([]);
    stand.send({ type: 'hand-off.begin' });
    await expect.poll(() => stand.page).toMatchObject({ page: 'hand-off', code: '2KQ2-M4XD' });
    expect(stand.calls.dropped).toEqual(['1KQ2M4XD']);
    stand.send({ type: 'back' });
    await stand.sees('question');
    stand.answerAll();
    stand.send({ type: 'check.confirm' });
    await stand.sees('sign');
    stand.send({ type: 'pin.submit', pin: '123456' });
    await expect.poll(() => stand.state.stage).toBe('visiting.sending');
    expect(stand.calls.dropped).toEqual(['1KQ2M4XD', '2KQ2M4XD']);
  });

  test('its number in the hall is shown, and the counter that it is called to', async () => {
    const answers = [Promise.withResolvers<Result<QueuePlace | null>>(), Promise.withResolvers<Result<QueuePlace | null>>(), Promise.withResolvers<Result<QueuePlace | null>>()];
    const known: unknown[] = [];
    const stand = new VisitStand(() => ({
      placeOf: (_, code, place) => {
        known.push([code, place]);
        return answers[known.length - 1]?.promise ?? Promise.resolve(fail('hub-unreachable'));
      },
    }));
    await stand.signIn();
    stand.send({ type: 'service.open', service: tax });
    stand.send({ type: 'consent.allow' });
    stand.send({ type: 'hand-off.begin' });
    expect(await stand.sees('hand-off')).toMatchObject({ place: null });
    answers[0]?.resolve(ok({ ticket: 'K017', counter: null }));
    await expect.poll(() => stand.page).toMatchObject({ page: 'hand-off', place: { ticket: 'K017', counter: null } });
    answers[1]?.resolve(ok({ ticket: 'K017', counter: '3' }));
    await expect.poll(() => stand.page).toMatchObject({ page: 'hand-off', place: { ticket: 'K017', counter: '3' } });
    // A hub that goes away leaves it standing.
    answers[2]?.resolve(fail('hub-unreachable'));
    await expect.poll(() => known).toEqual([['7KQ2M4XD', undefined], ['7KQ2M4XD', { ticket: 'K017', counter: null }], ['7KQ2M4XD', { ticket: 'K017', counter: '3' }]]);
    stand.send({ type: 'back' });
    expect(stand.page).toMatchObject({ page: 'question' });
    stand.send({ type: 'hand-off.begin' });
    expect(await stand.sees('hand-off')).toMatchObject({ place: null });
  });

  test('handed off at a counter, it has no number', async () => {
    let asked = 0;
    const stand = new VisitStand(() => ({
      ...found(),
      placeOf: () => {
        asked += 1;
        return Promise.resolve(ok({ ticket: 'K017', counter: null }));
      },
    }));
    stand.brought = '7KQ2M4XD';
    stand.insert();
    await stand.enterPin();
    await stand.sees('question');
    stand.send({ type: 'hand-off.begin' });
    expect(await stand.sees('hand-off')).toMatchObject({ place: null });
    stand.send({ type: 'back' });
    await stand.sees('question');
    expect(asked).toBe(0);
  });

  test('typed at home, it opens where it was left, and is gone on with nowhere once it is signed', async () => {
    const stand = new VisitStand(() => found());
    await stand.signIn();
    stand.send({ type: 'code.open' });
    stand.send({ type: 'code.submit', code: '7KQ2M4XD' });
    expect(await stand.sees('question')).toMatchObject({ question: 'tax_year' });
    expect(stand.answerAll()).toEqual(['tax_year', 'certificate_use', 'letter_language', 'phone']);
    stand.send({ type: 'check.confirm' });
    await stand.sees('sign');
    expect(stand.calls.dropped).toEqual([]);
    stand.send({ type: 'pin.submit', pin: '123456' });
    await expect.poll(() => stand.state.stage).toBe('visiting.sending');
    expect(stand.calls.dropped).toEqual(['7KQ2M4XD']);
  });

  test('brought by staff, it opens after card and PIN, once', async () => {
    const stand = new VisitStand(() => found());
    stand.brought = '7KQ2M4XD';
    stand.insert();
    await stand.enterPin();
    await stand.sees('question');
    stand.brought = null;
    stand.send({ type: 'home' });
    expect(stand.page.page).toBe('home');
    stand.pull();
    stand.send({ type: 'start' });
    stand.insert(2);
    await stand.enterPin();
    await stand.sees('home');
  });

  test('brought for somebody else, it says that nothing waits', async () => {
    const stand = new VisitStand();
    stand.brought = '7KQ2M4XD';
    stand.insert();
    await stand.enterPin();
    expect(await stand.sees('ask-code')).toMatchObject({ problem: 'unknown' });
  });

  test('of a service that is withdrawn: said so', async () => {
    const stand = new VisitStand(() => found({ matter: 'tax/gone' }));
    await stand.signIn();
    stand.send({ type: 'code.open' });
    stand.send({ type: 'code.submit', code: '7KQ2M4XD' });
    expect(await stand.sees('failure')).toMatchObject({ code: 'service-unknown', next: 'home' });
  });

  test('a hub that is away: tried again, and the matter is still in hand', async () => {
    let tries = 0;
    const stand = new VisitStand((good) => ({ handOff: (access, one) => ((tries += 1) === 1 ? Promise.resolve(fail('hub-unreachable')) : good.handOff(access, one)) }));
    await stand.signIn();
    stand.send({ type: 'service.open', service: tax });
    await stand.sees('consent');
    stand.send({ type: 'hand-off.begin' });
    expect(await stand.sees('failure')).toMatchObject({ code: 'hub-unreachable', next: 'retry' });
    stand.send({ type: 'retry' });
    await stand.sees('hand-off');
    stand.send({ type: 'back' });
    expect(stand.page.page).toBe('consent');
  });
});
