import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer, type MemorySigner } from '../../src/ledger/node-signer.ts';
import { utf8 } from '../../src/ledger/verify/bytes.ts';
import { decodeNote, decodeNoteKey, type Note, type NoteKey, type NoteKeyType } from '../../src/ledger/verify/note.ts';

/**
 * A checkpoint of our form, signed with golang.org/x/mod/sumdb/note v0.43.0 and cosigned with github.com/transparency-dev/formats/note v0.1.1
 * in a Go program of a few lines; the seeds are 32 bytes of 0x11 and 0x22.
 */
export const goLedger = {
  log: 'district.example/ledger+3911f148+AdBKsjJ0K7SrOhNovUYV5ObQIkq3GgFrr4UgozLJd4c3',
  logSigner: ed25519Signer(new Uint8Array(32).fill(0x11)),
  witness: 'audit-office.example/w1+77bf176c+BKCapfR6Z1mAL/lV+NwtKhSlyZ0jvpf4ZBJ/+Tg0VaTw',
  witnessSigner: ed25519Signer(new Uint8Array(32).fill(0x22)),
  cosignedAt: 0x6b06307a,
  note:
    'district.example/ledger\n1234567\nS4w6Jg71qDmHmVLlk0uW0RlM+5Xnq8A4YfrRb10sBVY=\nheight 890\nstate +UVfh2oJP/FCPCiVkuu7ZDuWaML3YytUnKbyB2WzzBw=\n\n' +
    '— district.example/ledger ORHxSHNb60cRmMtR4Qo7cMUnZ7Bb8URolblaCCX6+Zj3uLg4tAY/msfPZReDN+qFBM0K1gDzaDF8VFdI4/5cYOWUmQY=\n' +
    '— audit-office.example/w1 d78XbAAAAABrBjB6fbsTvRI2t8KvKIObFdal9a7Q93ZViSlXiO/bFdNCVVDW8ycCcO6uwEEOLSn+Qb+AJHaCVbFvnVlpUZvtCRLCCA==\n',
};

export const noteKeyOf = (name: string, type: NoteKeyType, signer: MemorySigner): NoteKey => ({ name, type, key: signer.key[1] });

export function decodedNote(text: string): Note {
  const note = decodeNote(utf8(text));
  if (!note.ok) throw new Error(note.failure.detail);
  return note.value;
}

export function decodedKey(text: string): NoteKey {
  const key = decodeNoteKey(text, nodeCrypto);
  if (key === undefined) throw new Error('not a key');
  return key;
}
