import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLedger } from '../../src/ledger/engines/embedded.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import type { OpenedPart } from '../../src/ledger/verify/acts.ts';
import { encodeBody, transactionId } from '../../src/ledger/verify/envelope.ts';
import { withParts } from '../../src/ledger/verify/receipt.ts';
import { reference } from '../../src/ledger/verify/reference.ts';
import { envelopeOf, genesis, keys, lin, now, register, requestBody } from './small-district.ts';

/** The small district's ledger with one request in it: that request's receipt with and without its private parts. */
export async function receiptOfLin(): Promise<{ bare: Uint8Array; whole: Uint8Array; parts: OpenedPart[]; reference: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'receipt-of-lin-'));
  const opened = openEmbeddedLedger({ path: join(folder, 'ledger.sqlite'), genesis, validator: keys.validator, clock: () => now * 1000, heartbeatMs: 60_000, begin: true });
  if (!opened.ok) throw new Error(opened.failure.detail);
  await opened.value.submit(await register(lin));
  const { body, parts } = requestBody(lin, 7);
  const transaction = transactionId(encodeBody(body), nodeCrypto);
  await opened.value.submit(await envelopeOf(body, [lin.sig, keys.kiosk]));
  const receipt = await opened.value.receipt(transaction, 10_000);
  await opened.value.close();
  rmSync(folder, { recursive: true });
  if (!receipt.ok || receipt.value === null) throw new Error('no receipt');
  const whole = withParts(receipt.value, parts);
  if (whole === undefined) throw new Error('not a receipt');
  return { bare: receipt.value, whole, parts, reference: reference(transaction) };
}
