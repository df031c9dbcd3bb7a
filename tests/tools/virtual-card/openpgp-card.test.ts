import { createHash, createPublicKey, generateKeyPairSync, diffieHellman, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cardPublicKeys, loadCardState, newCardState, type NewCard, saveCardState } from '../../../tools/virtual-card/card-state.ts';
import { OpenpgpCard } from '../../../tools/virtual-card/openpgp-card.ts';

const dir = mkdtempSync(join(tmpdir(), 'openpgp-card-'));
afterAll(() => rmSync(dir, { recursive: true }));
const seed = new Uint8Array(32).fill(7);
let cards = 0;

function newCard(options: Partial<NewCard> = {}, touch = true) {
  cards += 1;
  const path = join(dir, `${cards}.json`);
  saveCardState(path, newCardState({ label: 'lin', seed, ...options }));
  const card = new OpenpgpCard(path, () => Promise.resolve(touch));
  const send = async (command: string): Promise<string> =>
    Buffer.from(await card.process(Buffer.from(command.replaceAll(' ', ''), 'hex'))).toString('hex');
  return { card, path, send };
}

const ascii = (text: string): string => Buffer.from(text, 'ascii').toString('hex');
const lv = (hex: string): string => (hex.length / 2).toString(16).padStart(2, '0') + hex;
const select = '00A4040006D27600012401';
const verifySign = `00200081${lv(ascii('123456'))}`;
const verifyUser = `00200082${lv(ascii('123456'))}`;
const verifyAdmin = `00200083${lv(ascii('12345678'))}`;
const wrong = (p2: string): string => `002000${p2}${lv(ascii('654321'))}`;
const ask = (p2: string): string => `002000${p2}00`;

const ed25519 = (raw: Uint8Array) => createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') }, format: 'jwk' });

interface Dialogue {
  name: string;
  card?: Partial<NewCard>;
  touch?: boolean;
  /** Command and answer, as hex; null where the answer is looked at elsewhere. `reset` takes the power away. */
  lines: readonly (readonly [command: string, answer: string | RegExp])[];
}

const dialogues: readonly Dialogue[] = [
  {
    name: 'answers nothing but SELECT before SELECT',
    lines: [
      ['00CA006E00', '6a82'],
      [verifyUser, '6a82'],
      [select, '9000'],
    ],
  },
  {
    name: 'is selected by its whole name, by the beginning of it, and by no other',
    lines: [
      ['00A4040010D276000124010304FFFE83055C71000000', /^6f128410d276000124010304fffe83055c7100009000$/],
      ['00A4040C05D276000124', '9000'],
      ['00A4040005A000000308', '6a82'],
      ['00A4040004D2760001', '6a82'],
      ['00A4000C023F00', '6a82'],
      ['00CA004F00', /9000$/],
    ],
  },
  {
    name: 'gives objects whole, members alone, and no object it has not',
    lines: [
      [select, '9000'],
      ['00CA004F00', 'd276000124010304fffe83055c7100009000'],
      ['00CA5F5200', '0031c573c001c00590009000'],
      ['00CA006500', '650b5b005f2d027a685f3501399000'],
      ['00CA007A00', '7a0593030000009000'],
      ['00CA00C100', '162b06010401da470f019000'],
      ['00CA00C200', '122b0601040197550105019000'],
      ['00CA00C400', '007f7f7f0300039000'],
      ['00CA00D600', '00209000'],
      ['00CA00DE00', '0101020103019000'],
      ['00CA00F900', '8101009000'],
      ['00CA00FA00', /^fa..c10a162b06010401da470f01c20b122b060104019755010501c30a162b06010401da470f019000$/],
      ['00CA009300', '6a88'],
      ['00CA010100', '6a88'],
      ['00CA123400', '6a88'],
    ],
  },
  {
    name: 'of the narrower style gives attributes inside 6E only, and objects without their own tag',
    card: { style: { attributes: 'only-inside', constructed: 'content' } },
    lines: [
      [select, '9000'],
      ['00CA00C100', '6a88'],
      ['00CA00C400', '007f7f7f0300039000'],
      ['00CA006500', '5b005f2d027a685f3501399000'],
      ['00CA007A00', '93030000009000'],
      ['00CA006E0000', '6700'],
      ['00CA006E000000', /^4f10d276.*c10a162b06010401da470f01.*9000$/],
    ],
  },
  {
    name: 'hands out a long answer in pieces',
    lines: [
      [select, '9000'],
      ['00CA006E00', /^6e82010b.{504}610f$/],
      ['00C000000F', /^.{30}9000$/],
      ['00C0000000', '9000'],
      ['00CA006E10', /^.{32}61ff$/],
      ['00CA006E', '6100'],
    ],
  },
  {
    name: 'counts wrong PINs down, says so by 6982, and blocks',
    lines: [
      [select, '9000'],
      [ask('81'), '63c3'],
      [wrong('81'), '6982'],
      [ask('81'), '63c2'],
      [verifySign, '9000'],
      [ask('81'), '9000'],
      [ask('82'), '63c3'],
      [wrong('82'), '6982'],
      [wrong('82'), '6982'],
      [wrong('82'), '6983'],
      [verifyUser, '6983'],
      [ask('82'), '6983'],
      ['00CA00C400', '007f7f7f0000039000'],
    ],
  },
  {
    name: 'of the other style says 63Cx',
    card: { style: { wrongPin: '63Cx' } },
    lines: [
      [select, '9000'],
      [wrong('82'), '63c2'],
      [wrong('81'), '63c1'],
      [wrong('82'), '6983'],
      [ask('82'), '63c0'],
      [verifyUser, '6983'],
    ],
  },
  {
    name: 'forgets who was verified on VERIFY FF, on SELECT and without power',
    lines: [
      [select, '9000'],
      [verifyUser, '9000'],
      ['0020FF82', '9000'],
      [ask('82'), '63c3'],
      [verifyUser, '9000'],
      [select, '9000'],
      [ask('82'), '63c3'],
      [verifyUser, '9000'],
      ['reset', ''],
      [ask('82'), '6a82'],
      [select, '9000'],
      [ask('82'), '63c3'],
    ],
  },
  {
    name: 'signs once a PIN, by PW1-81 only',
    lines: [
      [select, '9000'],
      [verifyUser, '9000'],
      ['002A9E9A0301020300', '6982'],
      [verifySign, '9000'],
      ['002A9E9A0301020300', /^.{128}9000$/],
      ['002A9E9A0301020300', '6982'],
      ['00CA007A00', '7a0593030000019000'],
    ],
  },
  {
    name: 'with C4 = 01 signs as often as asked',
    card: { pinPerSignature: false },
    lines: [
      [select, '9000'],
      [verifySign, '9000'],
      ['002A9E9A0301020300', /9000$/],
      ['002A9E9A0301020300', /9000$/],
      ['00CA007A00', '7a0593030000029000'],
    ],
  },
  {
    name: 'authenticates and deciphers by PW1-82 only, as often as asked',
    lines: [
      [select, '9000'],
      [verifySign, '9000'],
      ['008800000301020300', '6982'],
      [verifyUser, '9000'],
      ['008800000301020300', /^.{128}9000$/],
      ['008800000301020300', /^.{128}9000$/],
      ['002A808603A6010000', '6a80'],
    ],
  },
  {
    name: 'refuses a point of small order',
    lines: [
      [select, '9000'],
      [verifyUser, '9000'],
      [`002A808627A6257F49228620${'00'.repeat(32)}00`, '6a80'],
    ],
  },
  {
    name: 'changes PW1 and PW3, within their lengths',
    lines: [
      [select, '9000'],
      [`00240081${lv(ascii('123456') + ascii('246810'))}`, '9000'],
      [verifyUser, '6982'],
      [`00200082${lv(ascii('246810'))}`, '9000'],
      [`00240081${lv(ascii('246810') + ascii('12345'))}`, '6a80'],
      [`00240083${lv(ascii('12345678') + ascii('8765432'))}`, '6a80'],
      [`00240083${lv(ascii('12345678') + ascii('87654321'))}`, '9000'],
      [verifyAdmin, '6982'],
    ],
  },
  {
    name: 'is unblocked by PW3 or by its reset code',
    card: { pinTriesLeft: 0 },
    lines: [
      [select, '9000'],
      [verifyUser, '6983'],
      [`002C0281${lv(ascii('123456'))}`, '6982'],
      [`002C0081${lv(ascii('13572468') + ascii('654321'))}`, '6985'],
      [verifyAdmin, '9000'],
      [`002C0281${lv(ascii('654321'))}`, '9000'],
      [`00DA00D3${lv(ascii('13572468'))}`, '9000'],
      ['00CA00C400', '007f7f7f0303039000'],
      [`002C0081${lv(ascii('99999999') + ascii('123456'))}`, '6982'],
      ['00CA00C400', '007f7f7f0302039000'],
      [`002C0081${lv(ascii('13572468') + ascii('123456'))}`, '9000'],
      [verifyUser, '9000'],
    ],
  },
  {
    name: 'takes data from PW3 only, and only what fits',
    lines: [
      [select, '9000'],
      ['00DA005B064C696E3C3C59', '6982'],
      [verifyAdmin, '9000'],
      ['00DA005B284C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C', '6700'],
      ['00DA005B054C696E3C3C', '9000'],
      ['00DA5F350131', '9000'],
      ['00DA5F350135', '6a80'],
      ['00CA006500', /5b054c696e3c3c.*5f3501319000$/],
      ['00DA00C40101', '9000'],
      ['00CA00C400', '017f7f7f0300039000'],
      ['00DA00C106010800002000', '6a80'],
      ['00DA00D6020220', '9000'],
      ['00DA00D6020020', '6985'],
      ['00DA010101FF', '6a88'],
    ],
  },
  {
    name: 'keeps private objects for whom they are',
    card: { privateObjects: true },
    lines: [
      [select, '9000'],
      ['00CA010100', '9000'],
      ['00CA010300', '6982'],
      ['00DA010101AA', '6982'],
      [verifyUser, '9000'],
      ['00DA010101AA', '9000'],
      ['00DA010301BB', '9000'],
      ['00DA010201CC', '6982'],
      ['00CA010100', 'aa9000'],
      ['00CA010300', 'bb9000'],
      ['00CA010400', '6982'],
    ],
  },
  {
    name: 'keeps three certificates',
    lines: [
      [select, '9000'],
      [verifyAdmin, '9000'],
      ['00A50104 06 60045C027F21', '9000'],
      ['00DA7F2102BEEF', '9000'],
      ['00A50004 06 60045C027F21 00', '9000'],
      ['00CA7F2100', '9000'],
      ['00CC7F2100', 'beef9000'],
      ['00CC7F2100', '9000'],
      ['00CC7F2100', '6a88'],
      ['00A50304 06 60045C027F21', '6a88'],
    ],
  },
  {
    name: 'of another kind has RSA attributes and no key to use',
    card: { rsaOnly: true },
    lines: [
      [select, '9000'],
      ['00CA00C100', '0108000020009000'],
      ['00CA00DE00', '0100020003009000'],
      ['0047810002B60000', '6a88'],
      [verifyUser, '9000'],
      ['008800000301020300', '6a88'],
    ],
  },
  {
    name: 'says that a touch did not come',
    card: { touch: { sig: true, dec: true, aut: true } },
    touch: false,
    lines: [
      [select, '9000'],
      ['00CA00D700', '01209000'],
      [verifySign, '9000'],
      ['002A9E9A0301020300', '6600'],
      ['00CA007A00', '7a0593030000009000'],
      [verifyUser, '9000'],
      ['008800000301020300', '6600'],
    ],
  },
  {
    name: 'of the other style says 6985 for a missed touch',
    card: { touch: { aut: true }, style: { touchMissed: '6985' } },
    touch: false,
    lines: [
      [select, '9000'],
      [verifyUser, '9000'],
      ['008800000301020300', '6985'],
    ],
  },
  {
    name: 'is terminated when both PINs are blocked, and new when activated',
    lines: [
      [select, '9000'],
      ['00E60000', '6982'],
      ...Array.from({ length: 2 }, () => [wrong('81'), '6982'] as const),
      [wrong('81'), '6983'],
      ...Array.from({ length: 2 }, () => [wrong('83'), '6982'] as const),
      [wrong('83'), '6983'],
      ['00E60000', '9000'],
      ['00CA006E00', '6285'],
      [select, '6285'],
      ['00440000', '9000'],
      ['00CA006E00', '6a82'],
      [select, '9000'],
      ['00CA00DE00', '0100020003009000'],
      [verifyAdmin, '9000'],
      [verifyUser, '9000'],
    ],
  },
  {
    name: 'says what is wrong with a command',
    lines: [
      [select, '9000'],
      ['80CA006E00', '6e00'],
      ['00FF000000', '6d00'],
      ['0020', '6700'],
      ['002000810512', '6700'],
      ['00200084', '6a88'],
      ['00201081', '6a86'],
      ['002A9E9A', '6700'],
      ['002A000001AA00', '6a86'],
      ['00880001010100', '6a86'],
      ['0084000008', /^.{16}9000$/],
      ['00840000', '6700'],
      ['0047820002B60000', '6a86'],
      ['0047810002990000', '6a80'],
      ['0047800002B60000', '6982'],
    ],
  },
  {
    name: 'holds a chain together, and breaks it off',
    lines: [
      [select, '9000'],
      [verifyUser, '9000'],
      ['1088000001AA', '9000'],
      ['0088000001BB00', /^.{128}9000$/],
      ['1088000001AA', '9000'],
      ['00CA004F00', '6883'],
      ['00CA004F00', /9000$/],
      ...Array.from({ length: 8 }, () => [`10880000FF${'AA'.repeat(255)}`, '9000'] as const),
      [`00880000FF${'AA'.repeat(255)}00`, '6700'],
    ],
  },
];

describe('the virtual card', () => {
  it.each(dialogues)('$name', async ({ card: options, touch, lines }) => {
    const { card, send } = newCard(options, touch);
    for (const [command, expected] of lines) {
      if (command === 'reset') card.reset();
      else if (typeof expected === 'string') expect(await send(command), command).toBe(expected);
      else expect(await send(command), command).toMatch(expected);
    }
  });

  it('makes signatures that another library accepts, 1 024 bytes by chain and by extended length', async () => {
    const { path, send } = newCard();
    const keys = cardPublicKeys(loadCardState(path));
    const data = createHash('sha512').update('data').digest();
    await send(select);
    await send(verifySign);
    const signature = await send(`002A9E9A40${data.toString('hex')}00`);
    expect(signature.slice(-4)).toBe('9000');
    expect(verify(null, data, ed25519(keys.sig), Buffer.from(signature.slice(0, 128), 'hex'))).toBe(true);

    await send(verifyUser);
    const long = Buffer.alloc(1024, 0x65);
    const extended = await send(`00880000000400${long.toString('hex')}0000`);
    expect(verify(null, long, ed25519(keys.aut), Buffer.from(extended.slice(0, 128), 'hex'))).toBe(true);
    for (let at = 0; at < 1024; at += 128) {
      const last = at === 1024 - 128;
      const response = await send(`${last ? '00' : '10'}88000080${long.subarray(at, at + 128).toString('hex')}${last ? '00' : ''}`);
      expect(response).toBe(last ? extended : '9000');
    }
  });

  it('agrees on the secret that the other side computes', async () => {
    const { path, send } = newCard();
    const { dec } = cardPublicKeys(loadCardState(path));
    const other = generateKeyPairSync('x25519');
    const point = other.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    await send(select);
    await send(verifyUser);
    const response = await send(`002A808627A6257F49228620${point.toString('hex')}00`);
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: Buffer.from(dec).toString('base64url') }, format: 'jwk' });
    expect(response).toBe(`${diffieHellman({ privateKey: other.privateKey, publicKey }).toString('hex')}9000`);
  });

  it('makes new keys, and counts their signatures from 0', async () => {
    const { path, send } = newCard({ signatureCount: 41 });
    const before = cardPublicKeys(loadCardState(path));
    await send(select);
    await send(verifyAdmin);
    expect(await send('00CA007A00')).toBe('7a0593030000299000');
    for (const [role, template] of [['sig', 'B600'], ['dec', 'B800'], ['aut', 'A400']] as const) {
      const made = await send(`0047800002${template}00`);
      expect(made).toMatch(/^7f49228620.{64}9000$/);
      expect(await send(`0047810002${template}00`)).toBe(made);
      const kept = Buffer.from(cardPublicKeys(loadCardState(path))[role]).toString('hex');
      expect(made.slice(10, 74)).toBe(kept);
      expect(kept).not.toBe(Buffer.from(before[role]).toString('hex'));
    }
    expect(await send('00CA007A00')).toBe('7a0593030000009000');
  });

  it('has counted on disk before it answers', async () => {
    const { path, send } = newCard();
    await send(select);
    await send(wrong('81'));
    expect(loadCardState(path).pw1.triesLeft).toBe(2);
    await send(verifySign);
    expect(loadCardState(path).pw1.triesLeft).toBe(3);
    await send('002A9E9A0301020300');
    expect(loadCardState(path).signatureCount).toBe(1);

    const again = new OpenpgpCard(path, () => Promise.resolve(true));
    await again.process(Buffer.from(select, 'hex'));
    expect(Buffer.from(await again.process(Buffer.from('00CA007A00', 'hex'))).toString('hex')).toBe('7a0593030000019000');
  });

  it('takes the hash of the PIN where it has a KDF', async () => {
    const { send } = newCard({ kdf: true });
    await send(select);
    const object = await send('00CA00F900');
    const count = Number.parseInt(/8304([0-9a-f]{8})/.exec(object)?.[1] ?? '', 16);
    const salt = Buffer.from(/8408([0-9a-f]{16})/.exec(object)?.[1] ?? '', 'hex');
    const octets = Buffer.concat(Array.from({ length: Math.ceil(count / 14) }, () => Buffer.concat([salt, Buffer.from('123456')])));
    const hash = createHash('sha256').update(octets.subarray(0, count)).digest('hex');
    expect(await send(verifyUser)).toBe('6982');
    expect(await send(`0020008220${hash}`)).toBe('9000');
    expect(object).toContain(`8720${hash}`);
  });

  it('shows the tries of each PIN in C4', async () => {
    const { send } = newCard();
    await send(select);
    await send(wrong('83'));
    const inside = /c407([0-9a-f]{14})/.exec(await send('00CA006E000000'));
    expect(inside?.[1]).toBe('007f7f7f030002');
    expect(await send('00CA00C400')).toBe('007f7f7f0300029000');
  });
});
