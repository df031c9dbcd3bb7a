import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { utf8 } from '../../../src/ledger/verify/bytes.ts';
import { nobleCrypto } from '../../../src/ledger/verify/noble-crypto.ts';
import { decodeNote, decodeNoteKey, encodeNote, encodeNoteKey, encodeSignatureLine, signNote, verifyNote } from '../../../src/ledger/verify/note.ts';
import { decodedKey, decodedNote, goLedger, noteKeyOf } from '../note-vectors.ts';
import { signerOf } from '../small-district.ts';

// From the documentation of the Go module golang.org/x/mod/sumdb/note.
const neumann = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const neumannNote =
  'If you think cryptography is the answer to your problem,\n' +
  "then you don't know what your problem is.\n" +
  '\n' +
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
// The example of C2SP signed-note v1.0.0; its key is not published.
const quasimodo =
  'Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n' +
  '— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n';

const key = noteKeyOf('log.example', 1, signerOf('log'));
const signed = (text: string, ...names: string[]): string =>
  new TextDecoder().decode(encodeNote({ text, signatures: names.map((name) => signNote(text, name, signerOf(name), nodeCrypto)) }));
const good = signed('One\n\nTwo\n', 'log.example', 'other.example');

describe('a signed note', () => {
  test.each([nodeCrypto, nobleCrypto])('by another implementation holds', (crypto) => {
    expect(verifyNote(decodedNote(neumannNote), [decodedKey(neumann)], crypto)).toMatchObject({ ok: true, value: [{ name: 'PeterNeumann' }] });
    expect(verifyNote(decodedNote(goLedger.note), [decodedKey(goLedger.log)], crypto)).toMatchObject({ ok: true, value: [{ name: 'district.example/ledger' }] });
  });

  test('of another implementation comes out again byte by byte', () => {
    for (const text of [neumannNote, quasimodo, goLedger.note]) expect(encodeNote(decodedNote(text))).toEqual(utf8(text));
    expect(decodedNote(quasimodo).text).toBe('Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n');
  });

  test('signs as another implementation does', () => {
    const line = signNote(decodedNote(goLedger.note).text, 'district.example/ledger', goLedger.logSigner, nodeCrypto);
    expect(encodeSignatureLine(line)).toBe(`${goLedger.note.split('\n')[6] ?? ''}\n`);
  });

  const malformed: { name: string; text: string | Uint8Array; detail: string }[] = [
    { name: 'nothing', text: '', detail: 'no empty line before the signatures' },
    { name: 'no signature', text: 'One\n\n', detail: 'no newline at the end' },
    { name: 'no empty line', text: good.replaceAll('\n\n', '\n'), detail: 'no empty line before the signatures' },
    { name: 'no newline at the end', text: good.slice(0, -1), detail: 'no newline at the end' },
    { name: 'a line more', text: `${good}\n`, detail: 'no newline at the end' },
    { name: 'a carriage return', text: good.replace('One\n', 'One\r\n'), detail: 'a control character' },
    { name: 'a tab', text: good.replace('One', 'One\t'), detail: 'a control character' },
    { name: 'a byte that is no UTF-8', text: Uint8Array.of(0xff, ...utf8(good)), detail: 'not UTF-8' },
    { name: 'another dash', text: good.replace('— log', '- log'), detail: 'a signature line' },
    { name: 'two spaces', text: good.replace('— log', '—  log'), detail: 'a signature line' },
    { name: 'no name', text: good.replace('— log.example', '— '), detail: 'a signature line' },
    { name: 'a plus in a name', text: good.replace('— log.', '— log+'), detail: 'a signature line' },
    { name: 'a wide space in a name', text: good.replace('— log.', '— log\u3000'), detail: 'a signature line' },
    { name: 'base64 without its padding', text: good.replace('=', ''), detail: 'a signature line' },
    { name: 'base64 for web addresses', text: good.replaceAll('+', '-').replaceAll('/', '_'), detail: 'a signature line' },
    { name: 'a key id alone', text: 'One\n\n— log.example AAAAAA==\n', detail: 'a signature line' },
    { name: 'one key twice', text: signed('One\n', 'log.example', 'log.example'), detail: 'a key signed twice' },
    { name: '65 signatures', text: signed('One\n', ...Array.from({ length: 65 }, (_, i) => `w${i}`)), detail: 'too many signatures' },
    { name: 'too much of it', text: signed(`${'a'.repeat(65_536)}\n`, 'log.example'), detail: 'too large' },
  ];
  test.each(malformed)('with $name is refused: $detail', ({ text, detail }) => {
    expect(decodeNote(typeof text === 'string' ? utf8(text) : text)).toEqual({ ok: false, failure: { code: 'note-malformed', detail } });
  });

  test('with 16 signatures is read', () => {
    expect(decodedNote(signed('One\n', ...Array.from({ length: 16 }, (_, i) => `w${i}`))).signatures).toHaveLength(16);
  });

  test('has one form: whatever is read comes out as the same bytes', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a\n —+/=]{0,30}$/), fc.nat(good.length), (piece, at) => {
        const bytes = utf8(good.slice(0, at) + piece + good.slice(at));
        const note = decodeNote(bytes);
        if (note.ok) expect(encodeNote(note.value)).toEqual(bytes);
      }),
    );
  });

  test('is believed for the keys that are known, and refused whole where one of those does not hold', () => {
    const own = noteKeyOf('log.example', 1, signerOf('log.example'));
    const note = decodedNote(good);
    expect(verifyNote(note, [own, key], nodeCrypto)).toEqual({ ok: true, value: [own] });
    expect(verifyNote(note, [key], nodeCrypto)).toMatchObject({ ok: false, failure: { code: 'note-refused', detail: 'signed by none of the keys that are known' } });
    const altered = { ...note, text: 'One\n\nThree\n' };
    expect(verifyNote(altered, [own], nodeCrypto)).toMatchObject({ ok: false, failure: { code: 'note-refused', detail: 'signature of log.example' } });
    expect(verifyNote(note, [{ ...own, type: 4 }], nodeCrypto).ok).toBe(false);
  });
});

describe('a key handed round', () => {
  test('comes out again as it was', () => {
    for (const text of [neumann, goLedger.log, goLedger.witness]) expect(encodeNoteKey(decodedKey(text), nodeCrypto)).toBe(text);
    expect(decodedKey(goLedger.witness)).toMatchObject({ name: 'audit-office.example/w1', type: 4 });
  });

  test.each([
    neumann.replace('c74f20a3', 'C74F20A3'),
    neumann.replace('c74f20a3', 'c74f20a4'),
    neumann.replace('Peter', 'Piter'),
    neumann.replace('+AR', '+BR'),
    neumann.slice(0, -4),
    neumann.replace('PeterNeumann', ''),
    neumann.replace('PeterNeumann', 'Peter Neumann'),
    `${neumann}\n`,
    '',
  ])('%j is none', (text) => {
    expect(decodeNoteKey(text, nodeCrypto)).toBeUndefined();
  });
});

