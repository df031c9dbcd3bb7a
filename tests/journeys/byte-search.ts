import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Every form in which a text could lie in a file: code units of either order, hexadecimal, base64 at each of its three alignments, escapes of JSON and of URLs. */
export function formsOf(text: string): Buffer[] {
  const utf8 = Buffer.from(text, 'utf8');
  const utf16 = Buffer.from(text, 'utf16le');
  const binary = [utf8, utf16, Buffer.from(utf16).swap16()];
  const json = [...text].map((character) => (character < '\x80' ? character : JSON.stringify(character).slice(1, -1).replace(/[^\x20-\x7e]/g, unicodeEscape))).join('');
  const written = binary.flatMap((bytes) => [bytes.toString('hex'), bytes.toString('hex').toUpperCase(), ...[0, 1, 2].flatMap((before) => base64At(bytes, before))]);
  const all = [...binary, ...[...written, json, encodeURIComponent(text)].map((form) => Buffer.from(form, 'latin1'))];
  return all.filter((form, index) => all.findIndex((other) => other.equals(form)) === index);
}

const unicodeEscape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The characters of base64 and base64url that hang on these bytes alone, whatever stands before and after them. */
function base64At(bytes: Buffer, before: number): string[] {
  const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64').replace(/=+$/, '');
  const whole = encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  return [whole, whole.replaceAll('+', '-').replaceAll('/', '_')];
}

/** Paths of all plain files in and below a folder. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory() === true) return filesBelow(path);
    return found?.isFile() === true ? [path] : [];
  });
}

/** `file: text` for each text that stands in one of the files in any form. A file that is gone by now holds nothing. */
export function findTexts(texts: readonly string[], files: readonly string[]): string[] {
  const wanted = texts.map((text) => ({ text, forms: formsOf(text) }));
  return files.flatMap((file) => {
    const content = contentOf(file);
    return wanted.filter(({ forms }) => forms.some((form) => content.includes(form))).map(({ text }) => `${file}: ${text}`);
  });
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
