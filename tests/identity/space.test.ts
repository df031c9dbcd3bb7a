import { describe, expect, it } from 'vitest';
import type { SpaceObject } from '../../src/contract/hub-door.ts';
import { hashOf } from '../../src/identity/grant.ts';
import { softwareOpener } from '../../src/identity/hpke.ts';
import { sealLetter } from '../../src/identity/letter.ts';
import { sealTo } from '../../src/identity/sealing.ts';
import { decodeSelfClaims, sealSelfClaims } from '../../src/identity/self-claims.ts';
import { formerKeyPlace, newSpaceKeys, openObjects, openSpace, placeName, placeOf, sealCredential, sealFormerKey, wrapSpaceKey, type OpenSpace, type Place } from '../../src/identity/space.ts';
import { newX25519Secret } from '../../src/identity/x25519.ts';
import { encodeOpenedPart } from '../../src/ledger/verify/private-part.ts';
import { must } from '../hub/visitor.ts';

const resident = new Uint8Array(16).fill(1);
const card = softwareOpener(newX25519Secret());
const slip = softwareOpener(newX25519Secret());
const keys = newSpaceKeys();
const wrapped = wrapSpaceKey(keys.secret, resident, card.publicKey);
const open = async (): Promise<OpenSpace> => must(await openSpace(wrapped, resident, keys.publicKey, card));

describe('the key of a data space', () => {
  it('is opened by one agreement of the card', async () => {
    let agreements = 0;
    const counting = { ...card, agree: (point: Uint8Array) => ((agreements += 1), card.agree(point)) };
    expect((await openSpace(wrapped, resident, keys.publicKey, counting)).ok).toBe(true);
    expect(agreements).toBe(1);
  });

  it('is opened by the recovery slip, as that and not as a card', async () => {
    const recovery = wrapSpaceKey(keys.secret, resident, slip.publicKey, 'recovery');
    expect((await openSpace(recovery, resident, keys.publicKey, slip, 'recovery')).ok).toBe(true);
    const mistaken = await openSpace(recovery, resident, keys.publicKey, slip);
    expect(!mistaken.ok && mistaken.failure.code).toBe('space-unreadable');
  });

  it.each([
    { name: "another resident's", resident: resident.with(0, 2), expected: keys.publicKey, card },
    { name: 'one that the ledger does not name', resident, expected: newSpaceKeys().publicKey, card },
    { name: 'wrapped to another card', resident, expected: keys.publicKey, card: slip },
  ])('is not taken when it is $name', async (given) => {
    const opened = await openSpace(wrapped, given.resident, given.expected, given.card);
    expect(!opened.ok && opened.failure.code).toBe('space-unreadable');
  });

  it('says that the card was pulled, not that the space is damaged', async () => {
    const opened = await openSpace(wrapped, resident, keys.publicKey, { ...card, agree: () => Promise.resolve({ ok: false, failure: { code: 'card-removed' } }) });
    expect(!opened.ok && opened.failure.code).toBe('card-removed');
  });
});

describe('what lies in a data space', () => {
  const part = { salt: new Uint8Array(16), part: { kind: 'credential.anchor', issuer: 'registrar', vct: 'urn:x', credential: [-16, new Uint8Array(32)] } } as const;
  const transaction = new Uint8Array(32).fill(0xab);
  const objects: SpaceObject[] = [
    { name: 'credential/urn:x/3', sealed: sealCredential(keys.publicKey, resident, 'a.b.c~'), at: 1 },
    { name: 'self', sealed: sealSelfClaims(keys.publicKey, resident, { phone: { value: '13812345678', at: 5 } }), at: 2 },
    { name: `part/${'ab'.repeat(32)}/1`, sealed: sealTo(keys.publicKey, 'part', resident, encodeOpenedPart(part)), at: 3 },
    { name: `letter/${'ab'.repeat(32)}/1`, sealed: sealLetter(keys.publicKey, resident, { title: 'Decided', text: 'You may.' }), at: 3 },
  ];

  it('comes out as it went in', async () => {
    expect(must(await openObjects(objects, await open()))).toEqual({
      credentials: ['a.b.c~'],
      self: { phone: { value: '13812345678', at: 5 } },
      selfHash: hashOf(objects[1]?.sealed ?? new Uint8Array(0)),
      parts: [{ transaction, act: 1, at: 3, opened: part }],
      letters: [{ transaction, act: 1, at: 3, hash: hashOf(objects[3]?.sealed ?? new Uint8Array(0)), letter: { title: 'Decided', text: 'You may.' } }],
      lost: [],
      unreadable: [],
    });
  });

  describe('after the card was replaced', () => {
    const before = newSpaceKeys();
    const formerly = (name: string): string => `former/1/${name}`;
    const old = [
      { name: formerly('self'), sealed: sealSelfClaims(before.publicKey, resident, { phone: { value: '13800000000', at: 1 } }), at: 1 },
      { name: formerly('credential/urn:x/3'), sealed: sealCredential(before.publicKey, resident, 'old.b.c~'), at: 1 },
    ];

    it('with the slip, what was sealed to the key before is read with it, and its hashes stay', async () => {
      const key = { name: formerKeyPlace(1), sealed: sealFormerKey(keys.publicKey, resident, before.secret), at: 9 };
      const contents = must(await openObjects([...old, key], await open()));
      expect(contents).toMatchObject({ self: { phone: { value: '13800000000', at: 1 } }, selfHash: hashOf(old[0]?.sealed ?? new Uint8Array(0)), credentials: ['old.b.c~'], lost: [] });
      const since = { name: 'self', sealed: sealSelfClaims(keys.publicKey, resident, { phone: { value: '13911111111', at: 2 } }), at: 10 };
      expect(must(await openObjects([since, ...old, key], await open()))).toMatchObject({ self: { phone: { value: '13911111111', at: 2 } }, selfHash: hashOf(since.sealed) });
    });

    it('without it, what is lost is named, and the rest is read', async () => {
      const contents = must(await openObjects([...old, ...objects], await open()));
      expect(contents.lost).toEqual(['self', 'credential/urn:x/3']);
      expect(contents.self).toEqual({ phone: { value: '13812345678', at: 5 } });
    });

    it('a former key that is none, or sealed to somebody else, is noticed', async () => {
      const short = { name: formerKeyPlace(1), sealed: sealFormerKey(keys.publicKey, resident, new Uint8Array(31)), at: 9 };
      const others = { name: formerKeyPlace(1), sealed: sealFormerKey(before.publicKey, resident, before.secret), at: 9 };
      for (const key of [short, others]) expect(await openObjects([...old, key], await open())).toMatchObject({ ok: false, failure: { code: 'space-unreadable' } });
    });
  });

  it.each([
    { name: 'a letter sealed to somebody else', object: { name: `letter/${'cd'.repeat(32)}/0`, sealed: sealLetter(card.publicKey, resident, { title: 'x', text: 'y' }), at: 4 } },
    { name: 'a letter that is none', object: { name: `letter/${'cd'.repeat(32)}/0`, sealed: sealTo(keys.publicKey, 'letter', resident, Buffer.from([0xf6])), at: 4 } },
    { name: 'a credential sealed to somebody else', object: { name: 'credential/urn:y/1', sealed: sealCredential(card.publicKey, resident, 'a.b.c~'), at: 4 } },
  ])('opens all the same beside $name', async ({ object }) => {
    const contents = must(await openObjects([...objects, object], await open()));
    expect(contents.unreadable).toEqual([object.name]);
    expect([contents.credentials.length, contents.letters.length, contents.parts.length]).toEqual([1, 1, 1]);
  });

  it.each([
    { name: 'one thing under the name of another', objects: [{ ...objects[0]!, name: 'self' }] },
    { name: 'a name that is none', objects: [{ ...objects[0]!, name: 'credential' }] },
    { name: 'an altered object', objects: [{ ...objects[1]!, sealed: objects[1]!.sealed.with(60, (objects[1]!.sealed[60] ?? 0) ^ 1) }] },
    { name: 'a self object that is no map of facts', objects: [{ name: 'self', sealed: sealTo(keys.publicKey, 'self', resident, Buffer.from([0xf6])), at: 0 }] },
  ])('is refused with $name', async ({ objects: given }) => {
    const opened = await openObjects(given, await open());
    expect(!opened.ok && opened.failure.code).toBe('space-unreadable');
  });

  it('opens no more once the space is closed', async () => {
    const space = await open();
    space.close();
    expect((await openObjects(objects, space)).ok).toBe(false);
  });

  it.each<Place>([{ kind: 'self' }, { kind: 'credential', vct: 'urn:imi:credential:identity:1', number: 7 }, { kind: 'part', transaction, act: 15 }])('has a name for $kind that can be read back', (place) => {
    expect(placeOf(placeName(place))).toEqual(place);
  });

  it.each(['', 'self/', 'credential//1', 'credential/x/y', `part/${'ab'.repeat(32)}/16`, `part/${'AB'.repeat(32)}/1`, '../self'])('has no place called "%s"', (name) => {
    expect(placeOf(name)).toBeNull();
  });

  it('takes no bytes for a map of facts that are none', () => {
    expect(decodeSelfClaims(Buffer.from('no cbor'))).toBeNull();
  });
});
