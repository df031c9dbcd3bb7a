import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHubParts, type HubParts } from '../../src/hub/hub.ts';
import { openCredential } from '../../src/identity/credential.ts';
import { openObjects, openSpace, type SpaceContents } from '../../src/identity/space.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import type { Id } from '../../src/ledger/verify/acts.ts';
import { encodeBody, signEnvelope, transactionId } from '../../src/ledger/verify/envelope.ts';
import { stateKey } from '../../src/ledger/verify/records.ts';
import { prepareReplacement, type PreparedReplacement } from '../../src/identity/replacement.ts';
import { demoId, demoSecret } from '../../tools/demo/demo-keys.ts';
import { demoPeople } from '../../tools/demo/people.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { cardInMemory, type CardInMemory } from '../hub/card-in-memory.ts';
import { callDirectly, must, soon, Visitor } from '../hub/visitor.ts';
import { cardSigner } from './agency-stand.ts';

let dataDir: string;
let world: World;
let parts: HubParts;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-replacement-'));
  world = await seedWorld(dataDir);
  parts = must(await openHubParts({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
});
afterAll(async () => {
  await parts.close();
  rmSync(dataDir, { recursive: true });
});

const answers = { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' };

/** Somebody who has asked the Tax Bureau for something, and typed five facts for it. */
async function settledIn(person: string): Promise<Visitor> {
  const visitor = new Visitor(world, person, callDirectly(parts));
  const { id, submission } = await visitor.request(await visitor.signIn(), 'tax/property-tax-certificate', answers);
  expect(must(await parts.keeper.take(submission)).state).not.toBe('rejected');
  must(await parts.ledger.receipt(id, 5000));
  return visitor;
}

async function prepared(resident: Id, card: CardInMemory, slip: Uint8Array | null): ReturnType<typeof prepareReplacement> {
  const recovery = must(await parts.keeper.recovery(resident));
  const record = await new Visitor(world, 'lin', callDirectly(parts)).record('resident', stateKey.resident(resident));
  return prepareReplacement(
    {
      chain: parts.ledger.chain,
      space: { resident, publicKey: record.space[1], ...recovery },
      card: { sig: card.sig.key[1], aut: card.aut.key[1], dec: card.dec.publicKey, signatureCount: 0 },
      document: 'an identity card',
      slip,
      kiosk: null,
      now: soon(),
    },
    nodeCrypto,
  );
}

/** Two members of staff of different roles and the new card sign; what the keeper says to it. */
async function submitted(card: CardInMemory, { challenge, finish }: PreparedReplacement, change: (payload: Uint8Array) => Uint8Array | null = (payload) => payload): Promise<{ state: string; code?: string | undefined }> {
  const { body, payloads } = finish(card.aut.sign(challenge));
  const envelope = await signEnvelope(body, [cardSigner(world, 'clerk-tan'), cardSigner(world, 'staff-liang'), card.sig], nodeCrypto);
  const given = payloads.flatMap((payload) => {
    const sealed = change(payload.sealed);
    return sealed === null ? [] : [{ ...payload, sealed }];
  });
  const taken = must(await parts.keeper.take({ envelope, payloads: given }));
  if (taken.state !== 'rejected') must(await parts.ledger.receipt(transactionId(encodeBody(body), nodeCrypto), 5000));
  return taken;
}

/** What the new card opens. */
async function contentsOf(visitor: Visitor): Promise<SpaceContents> {
  const kept = must(await parts.keeper.openSpace(await visitor.proveKey()));
  const record = await visitor.record('resident', stateKey.resident(visitor.resident));
  return must(await openObjects(kept.objects, must(await openSpace(kept.wrappedKey, visitor.resident, record.space[1], visitor.card.dec))));
}

const kindsOf = ({ parts: found }: SpaceContents): string[] => found.map(({ opened }) => opened.part.kind).toSorted();

describe('a card is replaced', () => {
  it('with the slip: everything is back, the old card and the old slip open nothing, and agencies are told', async () => {
    const lin = await settledIn('lin');
    const before = kindsOf(await contentsOf(lin));
    const card = cardInMemory(world.cards['lin-new'] ?? '');
    const slip = demoSecret('recovery/lin');
    const ready = must(await prepared(lin.resident, card, slip));
    expect(await submitted(card, ready)).not.toMatchObject({ state: 'rejected' });

    const newLin = new Visitor(world, 'lin', callDirectly(parts), 'lin-new');
    const contents = await contentsOf(newLin);
    expect(contents.lost).toEqual([]);
    expect(contents.self['phone']?.value).toBe('13812345678');
    expect(kindsOf(contents)).toEqual(before);
    expect(await parts.keeper.openSpace(await lin.proveKey())).toMatchObject({ ok: false, failure: { code: 'challenge-failed' } });
    expect(await prepared(lin.resident, cardInMemory(world.cards['wang-new'] ?? ''), slip)).toMatchObject({ ok: false, failure: { code: 'space-unreadable' } });
    const told = must(await parts.keeper.changes('tax-bureau', 0, 100));
    expect(told.map(({ kind }) => kind)).toContain('resident.replace');

    must(await parts.registrar.issue(lin.resident, demoPeople.find(({ id }) => id === 'lin')?.facts ?? {}));
    const issued = (await contentsOf(newLin)).credentials.at(-1) ?? '';
    const { sign } = await newLin.record('party', stateKey.party('registrar'));
    expect(openCredential(issued, { issuer: { name: 'registrar', key: sign }, holder: card.aut.key[1], now: soon(), verify: nodeCrypto.verify })).toMatchObject({ ok: true });
  });

  it('without it: who looked and what was asked is read, and what was typed is named as lost', async () => {
    const zhao = await settledIn('zhao');
    const before = kindsOf(await contentsOf(zhao));
    const card = cardInMemory(world.cards['wang-new'] ?? '');
    expect(await submitted(card, must(await prepared(zhao.resident, card, null)))).not.toMatchObject({ state: 'rejected' });
    const contents = await contentsOf(new Visitor(world, 'zhao', callDirectly(parts), 'wang-new'));
    expect(kindsOf(contents)).toEqual(before);
    expect(contents.self).toEqual({});
    expect(contents.lost).toContain('self');
    expect(contents.lost.some((name) => name.startsWith('part/'))).toBe(false);
  });

  it('with what goes along missing, altered, or of another replacement: refused, and the old card goes on', async () => {
    const chen = new Visitor(world, 'chen', callDirectly(parts));
    const card = cardInMemory(world.cards['he'] ?? '');
    const ready = must(await prepared(chen.resident, card, demoSecret('recovery/chen')));
    expect(await submitted(card, ready, () => null)).toMatchObject({ state: 'rejected', code: 'payload-missing' });
    expect(await submitted(card, ready, (payload) => payload.map((byte, i) => (i === 1 ? byte ^ 1 : byte)))).toMatchObject({ state: 'rejected', code: 'payload-mismatch' });
    const later = must(await prepareReplacement(
      {
        chain: parts.ledger.chain,
        space: { resident: chen.resident, publicKey: (await chen.record('resident', stateKey.resident(chen.resident))).space[1], ...must(await parts.keeper.recovery(chen.resident)), replaced: 4 },
        card: { sig: card.sig.key[1], aut: card.aut.key[1], dec: card.dec.publicKey, signatureCount: 0 },
        document: 'an identity card',
        slip: null,
        kiosk: null,
        now: soon(),
      },
      nodeCrypto,
    ));
    expect(await submitted(card, later)).toMatchObject({ state: 'rejected', code: 'payload-mismatch' });
    expect((await chen.signIn()).contents.lost).toEqual([]);
  });

  it('with another’s slip is refused before anything is signed', async () => {
    const wrong = await prepared(demoId('chen'), cardInMemory(world.cards['he'] ?? ''), demoSecret('recovery/huang'));
    expect(wrong).toMatchObject({ ok: false, failure: { code: 'space-unreadable' } });
  });

  it('of somebody whom the keeper does not know: subject-unknown', async () => {
    expect(await parts.keeper.recovery(new Uint8Array(16))).toMatchObject({ ok: false, failure: { code: 'subject-unknown' } });
  });
});
