import { describe, expect, test, vi } from 'vitest';
import type { CardInfo } from '../../../src/contract/device-host.ts';
import { ok } from '../../../src/contract/result.ts';
import type { Result } from '../../../src/contract/result.ts';
import { OpenPgpCard } from '../../../src/drivers/cards/openpgp.ts';
import { derivePin } from '../../../src/drivers/cards/openpgp-kdf.ts';
import { encodeTlv } from '../../../src/drivers/cards/tlv.ts';
import type { PinPad } from '../../../src/drivers/pcsc/pin-pad.ts';
import { bytes, hex, ScriptedCard } from './scripted-card.ts';
import type { Exchange } from './scripted-card.ts';

const key = { sig: '11'.repeat(32), aut: '22'.repeat(32), dec: '33'.repeat(32) };
const salt = '0102030405060708';

/** What GET DATA 6E tells; a case changes one thing of it. */
const usual = {
  aid: 'd2760001240103040006123456780000',
  historical: '0031f573c00160059000',
  lengths: '02020800 02020800',
  features: '',
  capabilities: '74000020080000ff0100',
  sigAlgorithm: '162b06010401da470f01',
  decAlgorithm: '122b060104019755010501',
  autAlgorithm: '162b06010401da470f01',
  pinStatus: '00 7f7f7f 030003',
  touch: '',
};
type Facts = typeof usual;

function tlv(tag: number, ...parts: string[]): string {
  return hex(encodeTlv(tag, bytes(parts.join(''))));
}

function applicationData(facts: Facts): string {
  const discretionary = [
    tlv(0xc0, facts.capabilities),
    tlv(0xc1, facts.sigAlgorithm),
    tlv(0xc2, facts.decAlgorithm),
    tlv(0xc3, facts.autAlgorithm),
    tlv(0xc4, facts.pinStatus),
    facts.touch,
  ];
  const features = facts.features === '' ? '' : tlv(0x7f74, facts.features);
  return [tlv(0x4f, facts.aid), tlv(0x5f52, facts.historical), tlv(0x7f66, facts.lengths), features, tlv(0x73, ...discretionary)].join('');
}

const select: Exchange = ['00 A4 04 00 06 D27600012401 00', '9000'];
const readSig: Exchange = ['00 47 81 00 02 B600 00', `7F49 22 86 20 ${key.sig} 9000`];
const readAut: Exchange = ['00 47 81 00 02 A400 00', `7F49 22 86 20 ${key.aut} 9000`];
const readDec: Exchange = ['00 47 81 00 02 B800 00', `7F49 22 86 20 ${key.dec} 9000`];
const readCounter: Exchange = ['00 CA 00 7A 00', '7A 05 93 03 000102 9000'];

function application(facts: Partial<Facts> = {}): Exchange {
  return ['00 CA 00 6E 00', `${tlv(0x6e, applicationData({ ...usual, ...facts }))}9000`];
}

const opening = (facts: Partial<Facts> = {}): Exchange[] => [select, application(facts), readSig, readAut, readDec, readCounter];

const info: CardInfo = {
  application: 'openpgp',
  version: '3.4',
  keys: { sig: bytes(key.sig), aut: bytes(key.aut), dec: bytes(key.dec) },
  tries: { pw1: 3, resetCode: 0, pw3: 3 },
  pinPerSignature: true,
  pinMinLength: 6,
  pinMaxLength: 127,
  pinPad: false,
  touch: { sig: false, dec: false, aut: false },
  signatureCount: 0x000102,
};

async function opened(script: Exchange[], options: { pinPad?: PinPad; onTouchWanted?: () => void } = {}): Promise<{ wire: ScriptedCard; card: OpenPgpCard }> {
  const wire = new ScriptedCard(script);
  const card = await OpenPgpCard.open(wire, { pinPad: options.pinPad ?? null, onTouchWanted: options.onTouchWanted ?? (() => undefined) });
  if (!card.ok) throw new Error(`not opened: ${card.failure.code} ${card.failure.detail}`);
  return { wire, card: card.value };
}

/** `ok` with the value, or the failure's code: what a table can state in one word. */
function brief(result: Result<unknown>): unknown {
  return result.ok ? result.value : result.failure.code;
}

describe('open', () => {
  const dead = '6a88';
  test.each<{ name: string; script: Exchange[]; expected: CardInfo | string }>([
    { name: 'a usual card', script: opening(), expected: info },
    { name: 'content without its outer tag (Gnuk)', script: [select, ['00 CA 00 6E 00', `${applicationData(usual)}9000`], readSig, readAut, readDec, ['00 CA 00 7A 00', '93 03 000102 9000']], expected: info },
    { name: 'application data in pieces', script: [select, ['00 CA 00 6E 00', `${tlv(0x6e, applicationData(usual)).slice(0, 40)}6100`], ['00 C0 00 00 00', `${tlv(0x6e, applicationData(usual)).slice(40)}9000`], readSig, readAut, readDec, readCounter], expected: info },
    { name: 'curves with the import format behind', script: opening({ sigAlgorithm: '162b06010401da470f01ff', decAlgorithm: '122b060104019755010501ff' }), expected: info },
    { name: 'curves by the names of RFC 8410', script: opening({ sigAlgorithm: '162b6570', decAlgorithm: '122b656e' }), expected: info },
    { name: 'a point with its prefix', script: [select, application(), readSig, readAut, ['00 47 81 00 02 B800 00', `7F49 23 86 21 40 ${key.dec} 9000`], readCounter], expected: info },
    { name: 'a PIN that serves many signatures', script: opening({ pinStatus: '01 7f7f7f 030003' }), expected: { ...info, pinPerSignature: false } },
    { name: 'tries that are spent', script: opening({ pinStatus: '00 7f7f7f 010203' }), expected: { ...info, tries: { pw1: 1, resetCode: 2, pw3: 3 } } },
    { name: 'a PIN in block format 2', script: opening({ pinStatus: '00 887f7f 030003' }), expected: { ...info, pinMaxLength: 8 } },
    { name: 'touch flags inside 73', script: opening({ touch: 'd6020120d7020020d8020220' }), expected: { ...info, touch: { sig: true, dec: false, aut: true } } },
    {
      name: 'touch flags beside 6E, on a card with a button',
      script: [select, application({ features: '810120' }), readSig, readAut, readDec, ['00 CA 00 D6 00', '0020 9000'], ['00 CA 00 D7 00', '0120 9000'], ['00 CA 00 D8 00', dead], readCounter],
      expected: { ...info, touch: { sig: false, dec: true, aut: false } },
    },
    { name: 'a KDF that is not set', script: [select, application({ capabilities: '75000020080000ff0100' }), ['00 CA 00 F9 00', '810100 9000'], readSig, readAut, readDec, readCounter], expected: info },
    { name: 'another application only', script: [['00 A4 04 00 06 D27600012401 00', '6a82']], expected: 'card-unknown' },
    { name: 'a card that knows no SELECT', script: [['00 A4 04 00 06 D27600012401 00', '6d00']], expected: 'card-unknown' },
    { name: 'a terminated card', script: [['00 A4 04 00 06 D27600012401 00', '6285']], expected: 'card-error' },
    { name: 'RSA in SIG', script: [select, application({ sigAlgorithm: '010800002000' })], expected: 'card-unsupported' },
    { name: 'a NIST curve in AUT', script: [select, application({ autAlgorithm: '132a8648ce3d030107' })], expected: 'card-unsupported' },
    { name: 'Ed25519 in DEC', script: [select, application({ decAlgorithm: usual.sigAlgorithm })], expected: 'card-unsupported' },
    { name: 'no key in AUT', script: [select, application(), readSig, ['00 47 81 00 02 A400 00', dead]], expected: 'card-unsupported' },
    { name: 'a key of another length', script: [select, application(), ['00 47 81 00 02 B600 00', '7F49 04 86 02 beef 9000']], expected: 'card-unsupported' },
    { name: 'a KDF that nobody knows', script: [select, application({ capabilities: '75000020080000ff0100' }), ['00 CA 00 F9 00', '810109 9000']], expected: 'card-unsupported' },
    { name: 'application data that is no TLV', script: [select, ['00 CA 00 6E 00', '6e05 4f 9000']], expected: 'card-error' },
    { name: 'no counter', script: [select, application(), readSig, readAut, readDec, ['00 CA 00 7A 00', dead]], expected: 'card-error' },
    { name: 'a card pulled', script: [select, ['00 CA 00 6E 00', '']], expected: 'card-removed' },
  ])('$name', async ({ script, expected }) => {
    const wire = new ScriptedCard(script);
    const card = await OpenPgpCard.open(wire, { pinPad: null, onTouchWanted: () => undefined });
    expect(card.ok ? card.value.info : card.failure.code).toEqual(expected);
    wire.expectDone();
  });
});

const tries = (left: string): Exchange => ['00 CA 00 C4 00', `00 7f7f7f ${left}0003 9000`];

describe('verify', () => {
  const user: Exchange = ['00 20 00 82 06 313233343536', '9000'];
  const wrong = (answer: string): Exchange => ['00 20 00 82 06 313233343536', answer];
  const empty = (answer: string): Exchange => ['00 20 00 82 00', answer];
  test.each<{ name: string; script: Exchange[]; pin?: string; purpose?: 'user' | 'sign'; expected: unknown }>([
    { name: 'right, for the visit', script: [tries('03'), user], expected: { verified: true } },
    { name: 'right, for a signature', purpose: 'sign', script: [tries('03'), ['00 20 00 81 06 313233343536', '9000']], expected: { verified: true } },
    { name: 'wrong, told as 63C2', script: [tries('03'), wrong('63c2')], expected: { verified: false, triesLeft: 2 } },
    { name: 'wrong, told as 6982, tries by an empty VERIFY', script: [tries('03'), wrong('6982'), empty('63c2')], expected: { verified: false, triesLeft: 2 } },
    { name: 'wrong, told as 6982, tries by C4 only', script: [tries('03'), wrong('6982'), empty('6982'), tries('02')], expected: { verified: false, triesLeft: 2 } },
    { name: 'wrong, and then one left', script: [tries('02'), wrong('63c1')], expected: { verified: false, triesLeft: 1 } },
    { name: 'blocked meanwhile, told as 6983', script: [tries('02'), wrong('6983')], expected: 'pin-blocked' },
    { name: 'blocked meanwhile, told as 63C0', script: [tries('02'), wrong('63c0')], expected: 'pin-blocked' },
    { name: 'blocked meanwhile, told by an empty VERIFY', script: [tries('02'), wrong('6982'), empty('6983')], expected: 'pin-blocked' },
    { name: 'one try left: the card is not asked', script: [tries('01')], expected: 'pin-last-try' },
    { name: 'no try left: the card is not asked', script: [tries('00')], expected: 'pin-blocked' },
    { name: 'five digits: nothing is sent', pin: '12345', script: [], expected: 'pin-format' },
    { name: 'longer than the card takes: nothing is sent', pin: '1'.repeat(128), script: [], expected: 'pin-format' },
    { name: 'a length that the card refuses', script: [tries('03'), wrong('6700')], expected: 'pin-format' },
    { name: 'C4 inside 6E only', script: [['00 CA 00 C4 00', '6a88'], application(), user], expected: { verified: true } },
    { name: 'C4 inside 6E only, one try left', script: [['00 CA 00 C4 00', '6a88'], application({ pinStatus: '00 7f7f7f 010003' })], expected: 'pin-last-try' },
    { name: 'tries that cannot be read: nothing is risked', script: [['00 CA 00 C4 00', '6a88'], ['00 CA 00 6E 00', '6f00']], expected: 'card-error' },
    { name: 'an answer from another world', script: [tries('03'), wrong('6581')], expected: 'card-error' },
    { name: 'pulled in the middle', script: [tries('03'), wrong('')], expected: 'card-removed' },
  ])('$name', async ({ script, pin = '123456', purpose = 'user', expected }) => {
    const { wire, card } = await opened([...opening(), ...script]);
    const typed = Buffer.from(pin);
    expect(brief(await card.verify(purpose, typed))).toEqual(expected);
    wire.expectDone();
    expect(typed.every((byte) => byte === 0)).toBe(true);
    expect(wire.handed.every((command) => command.every((byte) => byte === 0))).toBe(true);
  });

  test('leaves none of it behind where the wire breaks with an error', async () => {
    // The script ends before VERIFY, which throws.
    const { wire, card } = await opened([...opening(), tries('03')]);
    const typed = Buffer.from('123456');
    await expect(card.verify('user', typed)).rejects.toThrow();
    expect(wire.handed.at(-1)).toHaveLength('0020008206313233343536'.length / 2);
    expect([...typed, ...wire.handed.flatMap((command) => [...command])].every((byte) => byte === 0)).toBe(true);
  });

  test('sends the hash where the card has a KDF', async () => {
    const facts = { capabilities: '75000020080000ff0100' };
    const readKdf: Exchange = ['00 CA 00 F9 00', `810103 820108 830400000064 8408${salt} 9000`];
    const hash = hex(derivePin({ hash: 'sha256', byteCount: 100, salt: bytes(salt) }, Buffer.from('123456')));
    const { wire, card } = await opened([select, application(facts), readKdf, readSig, readAut, readDec, readCounter, tries('03'), [`00 20 00 82 20 ${hash}`, '9000']]);
    expect(brief(await card.verify('user', Buffer.from('123456')))).toEqual({ verified: true });
    wire.expectDone();
  });
});

describe('a reader with a PIN pad', () => {
  const pad = (answer: Result<number>): PinPad & { verify: ReturnType<typeof vi.fn<PinPad['verify']>> } => ({ verify: vi.fn<PinPad['verify']>(() => Promise.resolve(answer)) });

  test('takes the PIN itself', async () => {
    const pinPad = pad(ok(0x9000));
    const { wire, card } = await opened([...opening(), tries('03')], { pinPad });
    expect(card.info.pinPad).toBe(true);
    expect(brief(await card.verify('user', null))).toEqual({ verified: true });
    expect(pinPad.verify).toHaveBeenCalledExactlyOnceWith({ cla: 0, ins: 0x20, p1: 0, p2: 0x82, minLength: 6, maxLength: 127 });
    wire.expectDone();
  });

  test('is not asked for the last try', async () => {
    const pinPad = pad(ok(0x9000));
    const { card } = await opened([...opening(), tries('01')], { pinPad });
    expect(brief(await card.verify('user', null))).toBe('pin-last-try');
    expect(pinPad.verify).not.toHaveBeenCalled();
  });

  test('tells a wrong PIN as the card does', async () => {
    const { card } = await opened([...opening(), tries('03')], { pinPad: pad(ok(0x63c2)) });
    expect(brief(await card.verify('user', null))).toEqual({ verified: false, triesLeft: 2 });
  });

  test('is of no use with a KDF', async () => {
    const readKdf: Exchange = ['00 CA 00 F9 00', `810103 820108 830400000064 8408${salt} 9000`];
    const { card } = await opened([select, application({ capabilities: '75000020080000ff0100' }), readKdf, readSig, readAut, readDec, readCounter], { pinPad: pad(ok(0x9000)) });
    expect(card.info.pinPad).toBe(false);
  });
});

describe('the keys', () => {
  const signature = 'ab'.repeat(64);
  const point = '09'.padEnd(64, '0');
  const secret = 'cd'.repeat(32);
  type Act = (card: OpenPgpCard) => Promise<Result<Uint8Array>>;
  const sign: Act = (card) => card.sign(bytes('0102'));
  const authenticate: Act = (card) => card.authenticate(bytes('0102'));
  const agree: Act = (card) => card.agree(bytes(point));

  test.each<{ name: string; act: Act; facts?: Partial<Facts>; script: Exchange[]; expected: string }>([
    { name: 'PSO: COMPUTE DIGITAL SIGNATURE', act: sign, script: [['00 2A 9E 9A 02 0102 00', `${signature}9000`]], expected: signature },
    { name: 'INTERNAL AUTHENTICATE', act: authenticate, script: [['00 88 00 00 02 0102 00', `${signature}9000`]], expected: signature },
    { name: 'PSO: DECIPHER', act: agree, script: [[`00 2A 80 86 27 A6 25 7F49 22 86 20 ${point} 00`, `${secret}9000`]], expected: secret },
    { name: 'no PIN before it', act: sign, script: [['00 2A 9E 9A 02 0102 00', '6982']], expected: 'card-error' },
    { name: 'a PIN that is blocked', act: authenticate, script: [['00 88 00 00 02 0102 00', '6983']], expected: 'pin-blocked' },
    { name: 'a signature that is too short', act: sign, script: [['00 2A 9E 9A 02 0102 00', 'ab9000']], expected: 'card-error' },
    { name: 'a secret that is too long', act: agree, script: [[`00 2A 80 86 27 A6 25 7F49 22 86 20 ${point} 00`, `${secret}009000`]], expected: 'card-error' },
    { name: 'no touch in time, 6600', act: sign, facts: { touch: 'd6020120' }, script: [['00 2A 9E 9A 02 0102 00', '6600']], expected: 'card-touch-missed' },
    { name: 'no touch in time, 6985', act: sign, facts: { touch: 'd6020120' }, script: [['00 2A 9E 9A 02 0102 00', '6985']], expected: 'card-touch-missed' },
    { name: '6985 where no touch is wanted', act: sign, script: [['00 2A 9E 9A 02 0102 00', '6985']], expected: 'card-error' },
    { name: 'a challenge in a chain', act: (card) => card.authenticate(bytes('77'.repeat(300))), facts: { historical: '0031f573c001e0059000' }, script: [[`10 88 00 00 ff ${'77'.repeat(255)}`, '9000'], [`00 88 00 00 2d ${'77'.repeat(45)} 00`, `${signature}9000`]], expected: signature },
    { name: 'a challenge in extended form', act: (card) => card.authenticate(bytes('77'.repeat(300))), facts: { historical: '0031f573c00140059000' }, script: [[`00 88 00 00 00 012c ${'77'.repeat(300)} 0000`, `${signature}9000`]], expected: signature },
    { name: 'a challenge too long for the card', act: (card) => card.authenticate(bytes('77'.repeat(300))), facts: { historical: '0031f573c00100059000' }, script: [], expected: 'card-unsupported' },
  ])('$name', async ({ act, facts, script, expected }) => {
    const { wire, card } = await opened([...opening(facts), ...script]);
    const result = await act(card);
    expect(result.ok ? hex(result.value) : result.failure.code).toBe(expected);
    wire.expectDone();
  });

  test('a touch is announced before the card is asked, and only for the key that wants it', async () => {
    const onTouchWanted = vi.fn();
    const { card } = await opened([...opening({ touch: 'd6020120' }), ['00 88 00 00 02 0102 00', `${signature}9000`], ['00 2A 9E 9A 02 0102 00', `${signature}9000`]], { onTouchWanted });
    await authenticate(card);
    expect(onTouchWanted).not.toHaveBeenCalled();
    await sign(card);
    expect(onTouchWanted).toHaveBeenCalledOnce();
  });

  test('counts signatures and tries', async () => {
    const { card } = await opened([...opening(), tries('02'), ['00 CA 00 7A 00', '9303 00ffff 9000']]);
    expect(brief(await card.count())).toEqual({ signatureCount: 0xffff, triesLeft: 2 });
  });
});

describe('changePin', () => {
  const change = (answer: string): Exchange => ['00 24 00 81 0d 313233343536 37363534333231', answer];
  test.each<{ name: string; script: Exchange[]; newPin?: string; expected: unknown }>([
    { name: 'done', script: [tries('03'), change('9000')], expected: { verified: true } },
    { name: 'the old one wrong', script: [tries('03'), change('63c2')], expected: { verified: false, triesLeft: 2 } },
    { name: 'one try left', script: [tries('01')], expected: 'pin-last-try' },
    { name: 'the new one too short', newPin: '12345', script: [], expected: 'pin-format' },
  ])('$name', async ({ script, newPin = '7654321', expected }) => {
    const { wire, card } = await opened([...opening(), ...script]);
    const [oldBytes, newBytes] = [Buffer.from('123456'), Buffer.from(newPin)];
    expect(brief(await card.changePin(oldBytes, newBytes))).toEqual(expected);
    expect([...oldBytes, ...newBytes].every((byte) => byte === 0)).toBe(true);
    wire.expectDone();
  });
});
