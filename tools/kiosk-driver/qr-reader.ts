import { PNG } from 'pngjs';
import decodeQr from 'qr/decode.js';

/** The text of the one QR code on a picture. Throws where none can be made out. */
export function readQr(picture: Uint8Array): string {
  return decodeQr(PNG.sync.read(Buffer.from(picture)));
}
