import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { utf8 } from '../../../src/ledger/verify/bytes.ts';
import { checkpointOf, checkpointText, decodeCheckpoint, decodeTreeHead, isOrigin, signCheckpoint } from '../../../src/ledger/verify/checkpoint.ts';
import { cosign, cosignatureLine, verifyCosignatures } from '../../../src/ledger/verify/cosignature.ts';
import { nobleCrypto } from '../../../src/ledger/verify/noble-crypto.ts';
import { encodeNote, encodeSignatureLine } from '../../../src/ledger/verify/note.ts';
import { decodedKey, decodedNote, goLedger, noteKeyOf } from '../note-vectors.ts';
import { seedOf, signerOf } from '../small-district.ts';

const head = { height: 890, logSize: 1_234_567, logRoot: nodeCrypto.sha256(utf8('log root')), stateRoot: nodeCrypto.sha256(utf8('state root')) };
const checkpoint = checkpointOf(head, 'district.example/ledger');
const text = checkpointText(checkpoint);

// The example of C2SP tlog-cosignature v1; its keys are not published.
const sofa =
  'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n' +
  '— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n' +
  '— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n';

describe('a checkpoint', () => {
  test('is signed as another implementation signs it', () => {
    const note = signCheckpoint(checkpoint, goLedger.logSigner, nodeCrypto);
    expect(new TextDecoder().decode(encodeNote(note))).toBe(goLedger.note.split('\n').slice(0, 7).join('\n') + '\n');
  });

  test('of ours is read back', () => {
    expect(decodeCheckpoint(text)).toEqual({ ok: true, value: checkpoint });
    expect(decodeCheckpoint(decodedNote(goLedger.note).text)).toEqual({ ok: true, value: checkpoint });
  });

  test('of any log says its tree', () => {
    expect(decodeTreeHead(decodedNote(sofa).text)).toMatchObject({ ok: true, value: { origin: 'example.com/behind-the-sofa', size: 20_852_163 } });
    expect(decodeTreeHead('o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nany\n')).toMatchObject({ ok: true, value: { size: 0 } });
  });

  const malformed: { name: string; text: string; detail: string }[] = [
    { name: 'nothing', text: '', detail: 'no newline at the end' },
    { name: 'two lines', text: text.split('\n').slice(0, 2).join('\n') + '\n', detail: 'lines' },
    { name: 'no origin', text: text.replace('district.example/ledger', ''), detail: 'lines' },
    { name: 'an empty line', text: text.replace('\nheight', '\n\nheight'), detail: 'lines' },
    { name: 'a leading zero', text: text.replace('1234567', '01234567'), detail: 'size' },
    { name: 'a sign', text: text.replace('1234567', '+1234567'), detail: 'size' },
    { name: 'a size beyond 2^53', text: text.replace('1234567', '9007199254740992'), detail: 'size' },
    { name: 'a root of 31 bytes', text: text.replace(/\n.{44}\nh/, `\n${'A'.repeat(42)}==\nh`), detail: 'root' },
    { name: 'stray bits in the root', text: text.replace('VY=', 'VZ='), detail: 'root' },
  ];
  test.each(malformed)('with $name is none: $detail', ({ text: altered, detail }) => {
    expect(decodeTreeHead(altered)).toEqual({ ok: false, failure: { code: 'checkpoint-malformed', detail } });
    expect(decodeCheckpoint(altered)).toEqual({ ok: false, failure: { code: 'checkpoint-malformed', detail } });
  });

  const notOurs: { name: string; text: string }[] = [
    { name: 'no height', text: text.replace(/height.*\n/, '') },
    { name: 'no state', text: text.replace(/state.*\n/, '') },
    { name: 'the two changed over', text: text.replace(/(height.*\n)(state.*\n)/, '$2$1') },
    { name: 'a height with a leading zero', text: text.replace('height 890', 'height 0890') },
    { name: 'a line more', text: `${text}more\n` },
    { name: 'a second height', text: text.replace('height 890\n', 'height 890\nheight 891\n') },
    { name: 'a space in the origin', text: text.replace('.example', ' example') },
  ];
  test.each(notOurs)('with $name is not one of ours', ({ text: altered }) => {
    expect(decodeTreeHead(altered).ok).toBe(true);
    expect(decodeCheckpoint(altered).ok).toBe(false);
  });

  test('has one form', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.uint8Array({ minLength: 32, maxLength: 32 }), (size, height, root) => {
        const made = checkpointOf({ height, logSize: size, logRoot: root, stateRoot: seedOf('state') }, 'a.example/b');
        expect(decodeCheckpoint(checkpointText(made))).toEqual({ ok: true, value: made });
      }),
    );
  });

  test.each(['', 'a b', 'a+b', 'a\nb', 'a\u3000b', 'x'.repeat(201)])('%j is no origin', (origin) => {
    expect(isOrigin(origin)).toBe(false);
  });
});

describe('a cosignature', () => {
  const witness = decodedKey(goLedger.witness);

  test.each([nodeCrypto, nobleCrypto])('by another implementation holds', (crypto) => {
    const cosigned = verifyCosignatures(decodedNote(goLedger.note), [witness], crypto);
    expect(cosigned).toMatchObject({ ok: true, value: [{ witness: { name: 'audit-office.example/w1' }, time: goLedger.cosignedAt }] });
  });

  test('comes out byte by byte as another implementation makes it', () => {
    const line = cosign(text, goLedger.cosignedAt, witness.name, goLedger.witnessSigner, nodeCrypto);
    expect(encodeSignatureLine(line)).toBe(`${goLedger.note.split('\n')[7] ?? ''}\n`);
    const held = verifyCosignatures({ text, signatures: [line] }, [witness], nodeCrypto);
    expect(held.ok && held.value.map((one) => cosignatureLine(one, nodeCrypto))).toEqual([line]);
  });

  test('of a witness that nobody here knows is passed over', () => {
    expect(verifyCosignatures(decodedNote(sofa), [witness], nodeCrypto)).toEqual({ ok: true, value: [] });
    expect(verifyCosignatures(decodedNote(goLedger.note), [{ ...witness, type: 1 }], nodeCrypto)).toEqual({ ok: true, value: [] });
  });

  const note = decodedNote(goLedger.note);
  const line = note.signatures[1];
  if (line === undefined) throw new Error('no cosignature');
  const ownLine = (bytes: Uint8Array): { text: string; signatures: (typeof line)[] } => ({ text: note.text, signatures: [{ ...line, bytes }] });
  const wrong: { name: string; cosigned: { text: string; signatures: (typeof line)[] } }[] = [
    { name: 'of another checkpoint', cosigned: { ...note, text: note.text.replace('890', '891') } },
    { name: 'of another time', cosigned: ownLine(line.bytes.map((byte, i) => (i === 7 ? byte ^ 1 : byte))) },
    { name: 'with a bit changed', cosigned: ownLine(line.bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte))) },
    { name: 'cut short', cosigned: ownLine(line.bytes.slice(0, 71)) },
    { name: 'without its time', cosigned: ownLine(line.bytes.slice(8)) },
    { name: 'of a time beyond 2^53', cosigned: ownLine(line.bytes.map((byte, i) => (i === 0 ? 0x7f : byte))) },
    { name: 'that is a plain signature', cosigned: ownLine(signerOf('w').sign(utf8(note.text))) },
  ];
  test.each(wrong)('$name refuses the whole', ({ cosigned }) => {
    expect(verifyCosignatures(cosigned, [witness], nodeCrypto)).toMatchObject({ ok: false, failure: { code: 'note-refused', detail: 'cosignature of audit-office.example/w1' } });
  });

  test('counts once, whoever else has signed', () => {
    const others = ['w1', 'w2'].map((name) => noteKeyOf(name, 4, signerOf(name)));
    const signatures = ['w2', 'w1'].map((name, i) => cosign(text, 1000 + i, name, signerOf(name), nodeCrypto));
    expect(verifyCosignatures({ text, signatures }, others, nodeCrypto)).toMatchObject({ ok: true, value: [{ time: 1001 }, { time: 1000 }] });
  });
});
