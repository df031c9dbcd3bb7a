import { execFileSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ok, type Result } from '../../../src/contract/result.ts';
import type { ApduTransport } from '../../../src/drivers/cards/apdu.ts';
import { openCardApplication, type CardApplication } from '../../../src/drivers/cards/card-application.ts';
import { PivCard } from '../../../src/drivers/cards/piv.ts';
import { newCardState, saveCardState, type NewCard } from '../../../tools/virtual-card/card-state.ts';
import { OpenpgpCard } from '../../../tools/virtual-card/openpgp-card.ts';
import { PivCard as VirtualPiv } from '../../../tools/virtual-card/piv-card.ts';
import { loadPivState, newPivState, pivPublicKeys, savePivState, type NewPiv, type PivState } from '../../../tools/virtual-card/piv-state.ts';

let folder: string;
let path: string;
let touches: number;
let isTouched: boolean;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-piv-'));
  path = join(folder, 'piv.json');
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  touches = 0;
  isTouched = true;
});

const over = (process: (bytes: Uint8Array) => Promise<Uint8Array>): ApduTransport => ({ protocol: 't1', transmit: async (command) => ok(new Uint8Array(await process(Uint8Array.from(command)))) });
const options = { pinPad: null, onTouchWanted: () => (touches += 1) };

function piv(card: Partial<NewPiv> = {}): ApduTransport {
  savePivState(path, newPivState({ label: 'piv', seed: new Uint8Array(32).fill(5), ...card }));
  const inside = new VirtualPiv(path, () => Promise.resolve(isTouched));
  return over((bytes) => inside.process(bytes));
}

function openpgp(card: Partial<NewCard> = {}): OpenpgpCard {
  const file = join(folder, 'openpgp.json');
  saveCardState(file, newCardState({ label: 'openpgp', seed: new Uint8Array(32).fill(6), ...card }));
  return new OpenpgpCard(file, () => Promise.resolve(true));
}

const alone = (card: OpenpgpCard): ApduTransport => over((bytes) => card.process(bytes));

/** Two applications on one card: SELECT says which one is meant. */
function both(first: OpenpgpCard, card: Partial<NewPiv> = {}): ApduTransport {
  const second = piv(card);
  let isPiv = false;
  return {
    protocol: 't1',
    async transmit(command) {
      if (command[1] === 0xa4) isPiv = Buffer.from(command).toString('hex').includes('a000000308');
      return isPiv ? second.transmit(command) : ok(new Uint8Array(await first.process(Uint8Array.from(command))));
    },
  };
}

const state = (): PivState => loadPivState(path);
const pin = (digits = '123456'): Uint8Array => Uint8Array.from(Buffer.from(digits));
const brief = (result: Result<unknown>): unknown => (result.ok ? result.value : result.failure.code);
async function opened(transport: ApduTransport): Promise<CardApplication> {
  const card = await openCardApplication(transport, options);
  if (!card.ok) throw new Error(`${card.failure.code} ${card.failure.detail ?? ''}`);
  return card.value;
}

const isBy = (key: Uint8Array, data: Uint8Array, signature: Result<Uint8Array>): boolean =>
  signature.ok && verify(null, data, createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key).toString('base64url') } }), signature.value);

/** Of an Ed25519 seed, as its owner's authority would have put it into the card. */
function certificateOf(seed: string): string {
  const [key, out] = [join(folder, 'key.der'), join(folder, 'cert.der')];
  writeFileSync(key, Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex'));
  execFileSync('openssl', ['req', '-x509', '-key', key, '-keyform', 'DER', '-subj', '/CN=somebody at work', '-days', '30', '-outform', 'DER', '-out', out], { stdio: 'ignore' });
  return execFileSync('cat', [out]).toString('hex');
}

const makers = [
  { maker: 'YubiKey 5.7, CanoKey', style: { ed25519: 0xe0 } },
  { maker: 'Nitrokey', style: { ed25519: 0xe2 } },
  { maker: 'SoloKeys', style: { ed25519: 0x22 } },
] as const;
const challenge = new Uint8Array(1024).fill(0x5a);

describe.each(makers)('Ed25519 as $maker number it', ({ style }) => {
  it.each([{ says: 'metadata', tellsMetadata: true }, { says: 'certificates alone', tellsMetadata: false }])('signs and authenticates, known from $says', async ({ tellsMetadata }) => {
    const { sig, aut } = newPivState({ label: 'piv', seed: new Uint8Array(32).fill(5) }).keys;
    const certificates = { sig: certificateOf(sig ?? ''), aut: certificateOf(aut ?? '') };
    const card = await opened(piv({ style: { ...style, tellsMetadata }, certificates }));
    const keys = pivPublicKeys(state());
    expect(card.info).toMatchObject({ application: 'piv', version: tellsMetadata ? '5.7.0' : null, keys, tries: { pw1: 3 }, pinPerSignature: true, pinPad: false });
    expect(brief(await card.verify('user', pin()))).toEqual({ verified: true });
    for (let time = 0; time < 2; time++) expect(isBy(keys.aut, challenge, await card.authenticate(challenge))).toBe(true);
    expect(brief(await card.verify('sign', pin()))).toEqual({ verified: true });
    expect(isBy(keys.sig, challenge, await card.sign(challenge))).toBe(true);
    // The PIN serves one signature.
    expect(brief(await card.sign(challenge))).toBe('card-error');
  });
});

describe('the PIN', () => {
  it('counts down, and its last try is not spent here', async () => {
    const card = await opened(piv());
    expect(brief(await card.verify('user', pin('654321')))).toEqual({ verified: false, triesLeft: 2 });
    expect(brief(await card.verify('user', pin('654321')))).toEqual({ verified: false, triesLeft: 1 });
    expect(brief(await card.verify('user', pin()))).toBe('pin-last-try');
    expect(state().pin.triesLeft).toBe(1);
  });

  it('is said to be blocked', async () => {
    const card = await opened(piv({ triesLeft: 0 }));
    expect(card.info.tries.pw1).toBe(0);
    expect(brief(await card.verify('user', pin()))).toBe('pin-blocked');
  });

  it('has six to eight digits, and none of them stays in memory', async () => {
    const card = await opened(piv({ pin: '12345678' }));
    const typed = [pin('12345'), pin('123456789'), pin('12345678')];
    expect(await Promise.all(typed.map(async (one) => brief(await card.verify('user', one))))).toEqual(['pin-format', 'pin-format', { verified: true }]);
    expect(typed.flatMap((one) => [...one]).every((byte) => byte === 0)).toBe(true);
  });

  it('is changed', async () => {
    const card = await opened(piv());
    expect(brief(await card.changePin(pin('111111'), pin('8765432')))).toEqual({ verified: false, triesLeft: 2 });
    expect(brief(await card.changePin(pin(), pin('8765432')))).toEqual({ verified: true });
    expect(brief(await card.verify('user', pin('8765432')))).toEqual({ verified: true });
  });
});

it('announces a touch, and says when none came', async () => {
  const card = await opened(piv({ style: { touch: true } }));
  expect(card.info.touch).toEqual({ sig: true, aut: true, dec: false });
  await card.verify('user', pin());
  expect(isBy(pivPublicKeys(state()).aut, challenge, await card.authenticate(challenge))).toBe(true);
  isTouched = false;
  expect(brief(await card.authenticate(challenge))).toBe('card-touch-missed');
  expect(touches).toBe(2);
});

it('opens no data space and counts no signatures', async () => {
  const card = await opened(piv());
  expect([brief(await card.agree(new Uint8Array(32))), brief(await card.count())]).toEqual(['card-unsupported', 'card-unsupported']);
});

describe('which application a card has, found out without a try of its PIN', () => {
  it.each<{ what: string; transport: () => ApduTransport; found: string }>([
    { what: 'OpenPGP alone', transport: () => alone(openpgp()), found: 'openpgp' },
    { what: 'PIV alone', transport: () => piv(), found: 'piv' },
    { what: 'both, with keys of ours in both', transport: () => both(openpgp()), found: 'openpgp' },
    { what: 'both, the first without keys of ours', transport: () => both(openpgp({ rsaOnly: true })), found: 'piv' },
    { what: 'both, neither with keys of ours', transport: () => both(openpgp({ rsaOnly: true }), { blank: true }), found: 'card-unsupported algorithm of sig' },
    { what: 'PIV without keys', transport: () => piv({ blank: true }), found: 'card-unsupported no key sig (6a82)' },
    { what: 'PIV without keys, as it says itself nothing', transport: () => piv({ blank: true, style: { tellsMetadata: false } }), found: 'card-unsupported no key sig (6a82)' },
    { what: 'neither', transport: () => over(() => Promise.resolve(Uint8Array.of(0x6a, 0x82))), found: 'card-unknown 6a82' },
  ])('$what', async ({ transport, found }) => {
    const card = await openCardApplication(transport(), options);
    expect(card.ok ? card.value.info.application : `${card.failure.code} ${card.failure.detail ?? ''}`).toBe(found);
    expect(state().pin.triesLeft).toBe(3);
  });

  it('a certificate of another kind of key is none of ours', async () => {
    const certificate = join(folder, 'p256.der');
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(folder, 'p256.pem'), '-subj', '/CN=x', '-outform', 'DER', '-out', certificate], { stdio: 'ignore' });
    const der = execFileSync('cat', [certificate]).toString('hex');
    expect(brief(await PivCard.open(piv({ style: { tellsMetadata: false }, certificates: { sig: der, aut: der } }), options))).toBe('card-unsupported');
    expect(brief(await PivCard.open(piv({ style: { tellsMetadata: false }, certificates: { sig: '00', aut: '00' } }), options))).toBe('card-unsupported');
  });
});
