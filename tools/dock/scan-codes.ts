import type { Scan } from '../../src/contract/device-host.ts';
import type { Localized } from '../../src/contract/language.ts';
import { fail, type Failure, type Result } from '../../src/contract/result.ts';
import { readAskCode } from '../../src/identity/ask-code.ts';
import { handOffLink } from '../../src/identity/hand-off.ts';
import { openAgency } from '../../src/cli/agency-config.ts';
import { AgencyAsks } from '../../src/gateway/agency/agency-asks.ts';
import { symbolsToReceipt } from '../../src/ledger/verify/receipt-symbols.ts';

/** Something that can be held under the scanner. */
export interface ScanCode {
  id: string;
  kind: 'bill' | 'ask' | 'slip';
  /** Who sent it; of a slip's codes, nothing. */
  sender: Localized | null;
  /** Of the codes on a slip: which one, and of how many. */
  of: { number: number; count: number; holds: 'receipt' | 'key' } | null;
  scan: Scan;
}

/** @param codes the texts of the codes on a slip, from the top. */
export function codesOfSlip(codes: readonly string[]): ScanCode[] {
  const holds = symbolsToReceipt(codes) === undefined ? ('key' as const) : ('receipt' as const);
  return codes.map((text, i) => ({ id: `slip/${i + 1}`, kind: 'slip', sender: null, of: { number: i + 1, count: codes.length, holds }, scan: { text, symbology: 'qr' } }));
}

/** What a person types into the dock as if it stood on paper: the code of a hand-off as its QR code says it, anything else as it is. */
export function scanOfTyped(typed: string): Scan {
  const text = typed.trim();
  const code = readAskCode(text);
  if (code !== null) return { text: handOffLink(code), symbology: 'qr' };
  return { text, symbology: /^[A-Z0-9]{1,30}$/.test(text) ? 'code-128' : 'qr' };
}

const pensionOffice: Localized = { 'zh-Hans': '养老金中心', en: 'Pension Office' };
const askMinutes = 60;

/** The Pension Office asks anybody who comes whether they still live in the district, as its software does at the agencies' door. @param config its `agency.json`. */
export async function newAsk(config: string): Promise<Result<ScanCode, Failure<string>>> {
  const place = openAgency(config);
  if (!place.ok) return place;
  const asked = await new AgencyAsks(place.value.parts).ask({
    purpose: 'pension.eligibility',
    reason: { en: 'to see that you still live in the district', 'zh-Hans': '核实您是否仍住在本区' },
    claims: [
      { claim: 'name', optional: false },
      { claim: 'address', optional: true },
    ],
    subject: null,
    withCode: true,
    seconds: 60 * askMinutes,
  });
  if (!asked.ok) return fail(asked.failure.code, asked.failure.detail);
  return { ok: true, value: { id: `ask/${asked.value.id}`, kind: 'ask', sender: pensionOffice, of: null, scan: { text: asked.value.walletUri, symbology: 'qr' } } };
}
