import { createPublicKey, diffieHellman, generateKeyPairSync, verify } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { CardInfo } from '../../src/contract/device-host.ts';
import type { Result } from '../../src/contract/result.ts';
import type { DeviceHost } from '../../src/drivers/device-host.ts';
import { cardPublicKeys, loadCardState } from '../../tools/virtual-card/card-state.ts';
import { slotIs, startRig, statusWhere, whyNoReaders } from './device-rig.ts';
import type { Rig } from './device-rig.ts';

const missing = whyNoReaders();
const pin = (digits = '123456'): Uint8Array => Uint8Array.from(Buffer.from(digits));
const challenge = Uint8Array.from(Buffer.from('a challenge of the hub'));

/** The value, or the failure's code. */
function brief(result: Result<unknown>): unknown {
  return result.ok ? result.value : result.failure.code;
}

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.failure.code} ${result.failure.detail ?? ''}`);
  return result.value;
}

function publicKey(raw: Uint8Array, crv: 'Ed25519' | 'X25519') {
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv, x: Buffer.from(raw).toString('base64url') } });
}

/** The same for each binding: both have to drive the real pcscd the same way. */
describe.skipIf(missing !== null).each(['smartcard', 'pcsclite'] as const)(`binding %s${missing === null ? '' : ` (${missing})`}`, (binding) => {
  let rig: Rig;
  let host: DeviceHost;

  beforeAll(async () => {
    rig = await startRig();
    host = rig.host(binding);
    await statusWhere(host, ({ service }) => service === 'ready');
  });

  afterEach(async () => {
    await rig.hand.pull();
    await rig.hand.fault(null);
    await slotIs(host, rig.reader, 'no-card');
  });

  afterAll(() => rig.stop());

  async function inserted(card: string): Promise<number> {
    const before = host.status.readers.find(({ name }) => name === rig.reader)?.insertion ?? 0;
    await rig.hand.insert(card);
    return (await slotIs(host, rig.reader, 'card-present', before + 1)).insertion;
  }

  async function opened(card: string): Promise<{ insertion: number; info: CardInfo }> {
    const insertion = await inserted(card);
    return { insertion, info: valueOf(await host.call('card.open', { reader: rig.reader, insertion })) };
  }

  test('tells both readers and no card in them', () => {
    expect(host.status).toEqual({
      service: 'ready',
      readers: [
        { name: 'Virtual PCD 00 00', slot: 'no-card', insertion: expect.any(Number) as number },
        { name: 'Virtual PCD 00 01', slot: 'no-card', insertion: expect.any(Number) as number },
      ],
    });
  });

  test('a whole visit: keys, PIN, challenge, data space, signature, count', async () => {
    const card = rig.card();
    const { insertion, info } = await opened(card);
    const { sig, aut, dec } = cardPublicKeys(loadCardState(card));
    expect(info).toMatchObject({ application: 'openpgp', keys: { sig, aut, dec }, tries: { pw1: 3 }, pinPerSignature: true, pinPad: false, signatureCount: 0 });

    expect(brief(await host.call('card.verify', { insertion, purpose: 'user', pin: pin() }))).toEqual({ verified: true });
    const proof = valueOf(await host.call('card.authenticate', { insertion, data: challenge }));
    expect(verify(null, challenge, publicKey(aut, 'Ed25519'), proof)).toBe(true);

    const other = generateKeyPairSync('x25519');
    const point = Uint8Array.from(Buffer.from(other.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'));
    const shared = valueOf(await host.call('card.agree', { insertion, point }));
    expect(Buffer.from(shared)).toEqual(diffieHellman({ privateKey: other.privateKey, publicKey: publicKey(dec, 'X25519') }));

    expect(brief(await host.call('card.sign', { insertion, data: challenge }))).toBe('card-error');
    expect(brief(await host.call('card.verify', { insertion, purpose: 'sign', pin: pin() }))).toEqual({ verified: true });
    const signature = valueOf(await host.call('card.sign', { insertion, data: challenge }));
    expect(verify(null, challenge, publicKey(sig, 'Ed25519'), signature)).toBe(true);
    expect(brief(await host.call('card.sign', { insertion, data: challenge }))).toBe('card-error');
    expect(brief(await host.call('card.count', { insertion }))).toEqual({ signatureCount: 1, triesLeft: 3 });
    expect(brief(await host.call('card.release', { insertion }))).toBeNull();
  });

  test('1 024 bytes are signed', async () => {
    const card = rig.card();
    const { insertion } = await opened(card);
    await host.call('card.verify', { insertion, purpose: 'user', pin: pin() });
    const data = new Uint8Array(1024).fill(0x5a);
    const proof = valueOf(await host.call('card.authenticate', { insertion, data }));
    expect(verify(null, data, publicKey(cardPublicKeys(loadCardState(card)).aut, 'Ed25519'), proof)).toBe(true);
  });

  test.each([
    { wrongPin: '6982', attributes: 'alone-too', constructed: 'whole' },
    { wrongPin: '63Cx', attributes: 'only-inside', constructed: 'content' },
  ] as const)('wrong PINs up to the last try, which is refused: $wrongPin, $attributes, $constructed', async (style) => {
    const card = rig.card({ style });
    const { insertion } = await opened(card);
    const wrong = () => host.call('card.verify', { insertion, purpose: 'user', pin: pin('654321') });
    expect(brief(await wrong())).toEqual({ verified: false, triesLeft: 2 });
    expect(brief(await wrong())).toEqual({ verified: false, triesLeft: 1 });
    expect(brief(await wrong())).toBe('pin-last-try');
    expect(brief(await host.call('card.verify', { insertion, purpose: 'user', pin: pin() }))).toBe('pin-last-try');
    expect(loadCardState(card).pw1.triesLeft).toBe(1);
  });

  test('a blocked PIN', async () => {
    const { insertion, info } = await opened(rig.card({ pinTriesLeft: 0 }));
    expect(info.tries.pw1).toBe(0);
    expect(brief(await host.call('card.verify', { insertion, purpose: 'user', pin: pin() }))).toBe('pin-blocked');
  });

  test('a PIN with a KDF, changed and used', async () => {
    const { insertion } = await opened(rig.card({ kdf: true }));
    expect(brief(await host.call('card.change-pin', { insertion, oldPin: pin(), newPin: pin('8765432') }))).toEqual({ verified: true });
    expect(brief(await host.call('card.verify', { insertion, purpose: 'user', pin: pin() }))).toEqual({ verified: false, triesLeft: 2 });
    expect(brief(await host.call('card.verify', { insertion, purpose: 'user', pin: pin('8765432') }))).toEqual({ verified: true });
  });

  test('a touch is announced, waited for and given', async () => {
    const { insertion } = await opened(rig.card({ touch: { aut: true } }));
    await host.call('card.verify', { insertion, purpose: 'user', pin: pin() });
    const announced = new Promise((resolve) => host.onTouchWanted((command, of) => resolve([command, of])));
    const wanted = new Promise<void>((resolve) => rig.hand.onEvent((event) => event.event === 'touch-wanted' && resolve()));
    const proof = host.call('card.authenticate', { insertion, data: challenge });
    expect(await announced).toEqual(['card.authenticate', insertion]);
    await wanted;
    await rig.hand.touch();
    expect((await proof).ok).toBe(true);
  });

  test('a card of another kind is refused', async () => {
    const insertion = await inserted(rig.card({ rsaOnly: true }));
    expect(brief(await host.call('card.open', { reader: rig.reader, insertion }))).toBe('card-unsupported');
  });

  test('a reader that is not there', async () => {
    const insertion = await inserted(rig.card());
    expect(brief(await host.call('card.open', { reader: 'No Such Reader 00 00', insertion }))).toBe('reader-missing');
  });

  test('a mute card, which stays mute until it is out, and then a good one (lesson 8)', async () => {
    await rig.hand.fault({ kind: 'mute' });
    await rig.hand.insert(rig.card());
    const { insertion } = await slotIs(host, rig.reader, 'card-mute');
    expect(brief(await host.call('card.open', { reader: rig.reader, insertion }))).toBe('card-mute');
    await rig.hand.pull();
    await slotIs(host, rig.reader, 'no-card');
    await rig.hand.fault(null);
    expect((await opened(rig.card())).info.application).toBe('openpgp');
  });

  test.each(['vanish', 'vanish-after', 'cut-short'] as const)('a card that is out in the middle of a command: %s (lesson 7)', async (kind) => {
    const { insertion } = await opened(rig.card());
    await host.call('card.verify', { insertion, purpose: 'user', pin: pin() });
    await rig.hand.fault({ kind, at: { ins: 0x88 } });
    expect(brief(await host.call('card.authenticate', { insertion, data: challenge }))).toBe('card-removed');
  });

  test('nothing of one card serves the next (lesson 7)', async () => {
    const first = await opened(rig.card());
    await host.call('card.verify', { insertion: first.insertion, purpose: 'user', pin: pin() });
    await rig.hand.pull();
    await slotIs(host, rig.reader, 'no-card');
    expect(brief(await host.call('card.authenticate', { insertion: first.insertion, data: challenge }))).toBe('card-removed');
    const second = await opened(rig.card());
    expect(second.insertion).toBeGreaterThan(first.insertion);
    expect(brief(await host.call('card.authenticate', { insertion: first.insertion, data: challenge }))).toBe('card-removed');
    expect(brief(await host.call('card.authenticate', { insertion: second.insertion, data: challenge }))).toBe('card-error');
  });

  test('a release leaves no PIN verified, and the same card opens again', async () => {
    const { insertion } = await opened(rig.card());
    await host.call('card.verify', { insertion, purpose: 'user', pin: pin() });
    await host.call('card.release', { insertion });
    expect(brief(await host.call('card.authenticate', { insertion, data: challenge }))).toBe('card-error');
    valueOf(await host.call('card.open', { reader: rig.reader, insertion }));
    expect(brief(await host.call('card.authenticate', { insertion, data: challenge }))).toBe('card-error');
  });

  test('in use by another program, and free again (lesson 9)', async () => {
    const insertion = await inserted(rig.card());
    const other = rig.host(binding);
    const seen = await slotIs(other, rig.reader, 'card-present');
    valueOf(await other.call('card.open', { reader: rig.reader, insertion: seen.insertion }));
    expect(brief(await host.call('card.open', { reader: rig.reader, insertion }))).toBe('card-in-use');
    await slotIs(host, rig.reader, 'card-in-use');
    await other.call('card.release', { insertion: seen.insertion });
    await slotIs(host, rig.reader, 'card-present');
    valueOf(await host.call('card.open', { reader: rig.reader, insertion }));
    other.stop();
  });

  test('no PIN state outlives a host that was killed', async () => {
    await inserted(rig.card());
    const killed = rig.host(binding);
    const seen = await slotIs(killed, rig.reader, 'card-present');
    valueOf(await killed.call('card.open', { reader: rig.reader, insertion: seen.insertion }));
    expect(brief(await killed.call('card.verify', { insertion: seen.insertion, purpose: 'user', pin: pin() }))).toEqual({ verified: true });
    killed.stop();
    const next = rig.host(binding);
    const again = await slotIs(next, rig.reader, 'card-present');
    valueOf(await next.call('card.open', { reader: rig.reader, insertion: again.insertion }));
    expect(brief(await next.call('card.authenticate', { insertion: again.insertion, data: challenge }))).toBe('card-error');
    next.stop();
  });

  test('pcscd killed in the middle of a visit, and back (lesson 4)', async () => {
    const { insertion } = await opened(rig.card());
    await rig.pcscd.kill();
    await statusWhere(host, ({ service }) => service === 'no-service');
    expect(brief(await host.call('card.authenticate', { insertion, data: challenge }))).toBe('reader-no-service');
    await rig.pcscd.restart();
    const again = await slotIs(host, rig.reader, 'card-present', insertion + 1);
    expect(valueOf(await host.call('card.open', { reader: rig.reader, insertion: again.insertion })).application).toBe('openpgp');
  }, 40_000);

  test('a card that never answers: the host is killed, the card shows as mute until it is out, the next one works', async () => {
    const impatient = rig.host(binding, { cardMs: 1_500, respawnFirstMs: 100 });
    await rig.hand.fault({ kind: 'hang', at: { ins: 0xca } });
    await rig.hand.insert(rig.card());
    const first = await slotIs(impatient, rig.reader, 'card-present');
    expect(brief(await impatient.call('card.open', { reader: rig.reader, insertion: first.insertion }))).toBe('card-timeout');
    expect(impatient.status.service).toBe('starting');
    await rig.hand.fault(null);
    const muted = await slotIs(impatient, rig.reader, 'card-mute');
    expect(muted.insertion).toBeGreaterThan(first.insertion);
    expect(brief(await impatient.call('card.open', { reader: rig.reader, insertion: muted.insertion }))).toBe('card-mute');
    await rig.hand.pull();
    await slotIs(impatient, rig.reader, 'no-card');
    await rig.hand.insert(rig.card());
    const next = await slotIs(impatient, rig.reader, 'card-present', muted.insertion + 1);
    valueOf(await impatient.call('card.open', { reader: rig.reader, insertion: next.insertion }));
    impatient.stop();
  });

  test('a card that is slow, but not too slow, is waited for', async () => {
    await rig.hand.fault({ kind: 'slow', delayMs: 120 });
    const { insertion } = await opened(rig.card());
    expect(brief(await host.call('card.verify', { insertion, purpose: 'user', pin: pin() }))).toEqual({ verified: true });
  });
});
