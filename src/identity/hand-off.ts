import type { Result } from '../contract/result.ts';
import type { Id } from '../ledger/verify/acts.ts';
import { readAskCode } from './ask-code.ts';
import type { OpenFailure, Opener } from './hpke.ts';
import { openSealed, sealTo } from './sealing.ts';

/** What the QR code beside a hand-off's code says; the code in it is formed as an ask's (ask-code.ts). */
const prefix = 'IMI-GO ';

export const handOffLink = (code: string): string => `${prefix}${code}`;

/** null: another text. */
export const handOffInLink = (text: string): string | null => (text.startsWith(prefix) ? readAskCode(text.slice(prefix.length)) : null);

/** To the data space: whoever has its key, which takes the card and its PIN, opens it. @param content UTF-8. */
export const sealHandOff = (space: Uint8Array, resident: Id, content: string): Uint8Array => sealTo(space, 'hand-off', resident, Buffer.from(content, 'utf8'));

export async function openHandOff(sealed: Uint8Array, resident: Id, opener: Opener): Promise<Result<string, OpenFailure>> {
  const opened = await openSealed(sealed, 'hand-off', resident, opener);
  return opened.ok ? { ok: true, value: Buffer.from(opened.value).toString('utf8') } : opened;
}
