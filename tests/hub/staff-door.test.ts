import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Failure, Result } from '../../src/contract/result.ts';
import { openHubParts, type HubParts } from '../../src/hub/hub.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { concatBytes, utf8 } from '../../src/ledger/verify/bytes.ts';
import { encodeCbor } from '../../src/ledger/verify/cbor.ts';
import { encodeChallenge } from '../../src/ledger/verify/challenge.ts';
import { assembleCose } from '../../src/ledger/verify/cose.ts';
import { orderInput, type OrderBody } from '../../src/ledger/verify/order.ts';
import { demoId } from '../../tools/demo/demo-keys.ts';
import { identityNumber } from '../../tools/demo/people.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { cardInMemory } from './card-in-memory.ts';
import { must } from './visitor.ts';

let dataDir: string;
let world: World;
let hub: HubParts;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-staff-door-'));
  world = await seedWorld(dataDir);
  hub = must(await openHubParts({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
}, 60_000);
afterAll(async () => {
  await hub.close();
  rmSync(dataDir, { recursive: true });
});

const chain = (): string => world.hubFile.trustRoot.chain;
const bytes16 = (): Uint8Array => new Uint8Array(randomBytes(16));
const brief = (result: Result<unknown, Failure<string>>): string => (result.ok ? 'ok' : `${result.failure.code} ${result.failure.detail ?? ''}`.trim());

async function session(person: string): Promise<Uint8Array> {
  const kioskNonce = bytes16();
  const { keeperNonce, notAfter } = must(hub.keeper.issueChallenge(kioskNonce));
  const challenge = encodeChallenge({ chain: chain(), kiosk: 'hall-1', purpose: 'sign-in', nonce: concatBytes(kioskNonce, keeperNonce), notAfter });
  const { aut } = cardInMemory(world.cards[person] ?? '');
  return must(await hub.staff.open({ staff: demoId(person), challenge, signature: aut.sign(challenge) })).session;
}

/** Signed and on record. */
async function lookUp(person: string, party: string, number: string, of: Uint8Array): Promise<void> {
  const { sig } = cardInMemory(world.cards[person] ?? '');
  const [salt, at] = [bytes16(), Math.floor(Date.now() / 1000)];
  const body: OrderBody = {
    v: 1,
    chain: chain(),
    nonce: bytes16(),
    at,
    notAfter: at + 600,
    order: { kind: 'index.lookup', party, number: [-16, nodeCrypto.sha256(concatBytes(salt, utf8(number)))], reason: 'A card to be replaced', access: bytes16() },
  };
  const encoded = encodeCbor(body);
  const signature = sig.sign(orderInput(encoded, chain(), sig.key, nodeCrypto));
  const order = encodeCbor([assembleCose(nodeCrypto.sha256(encoded), [{ key: sig.key, signature }], nodeCrypto), encoded]);
  expect(brief(await hub.staff.lookUp({ session: of, order, number, salt }))).toBe('ok');
}

describe('what a card is replaced with', () => {
  const lin = identityNumber('1991-08-23', 226);

  it('is given to whoever has looked its resident up on record, and of nobody else', async () => {
    const liang = await session('staff-liang');
    expect(brief(await hub.staff.recovery({ session: liang, resident: demoId('lin') }))).toBe('hub-refused not-looked-up');
    await lookUp('staff-liang', 'xiguan-hub', lin, liang);
    expect(await hub.staff.recovery({ session: liang, resident: demoId('lin') })).toMatchObject({ ok: true, value: { replaced: 0, formers: [] } });
    expect(brief(await hub.staff.recovery({ session: liang, resident: demoId('wang') }))).toBe('hub-refused not-looked-up');
    expect(brief(await hub.staff.recovery({ session: await session('clerk-tan'), resident: demoId('lin') }))).toBe('hub-refused not-looked-up');
  });

  it.each(['tech-ou', 'officer-luo'])('%s serves no residents', async (person) => {
    const other = await session(person);
    expect(brief(await hub.staff.recovery({ session: other, resident: demoId('lin') }))).toBe('hub-refused role');
    expect(brief(await hub.staff.replace({ session: other, envelope: bytes16(), replacement: bytes16(), facts: {}, adminPin: bytes16() }))).toBe('hub-refused role');
  });

  it('which card is under way is told to whoever serves residents', async () => {
    const keys = [new Uint8Array(32)];
    for (const person of ['staff-liang', 'clerk-tan']) expect(await hub.staff.underWay({ session: await session(person), keys })).toEqual({ ok: true, value: { underWay: false } });
    for (const person of ['tech-ou', 'officer-luo']) expect(brief(await hub.staff.underWay({ session: await session(person), keys }))).toBe('hub-refused role');
    expect(brief(await hub.staff.underWay({ session: bytes16(), keys }))).toBe('hub-refused session');
  });

  it('what is no replacement is refused, whoever brings it', async () => {
    const replaced = { envelope: bytes16(), replacement: bytes16(), facts: {}, adminPin: bytes16() };
    expect(brief(await hub.staff.replace({ session: await session('clerk-tan'), ...replaced }))).toBe('hub-refused envelope-malformed');
    expect(brief(await hub.staff.replace({ session: bytes16(), ...replaced }))).toBe('hub-refused session');
  });
});
