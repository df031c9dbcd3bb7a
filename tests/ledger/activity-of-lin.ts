import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLedger } from '../../src/ledger/engines/embedded.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import type { Act, OpenedPart } from '../../src/ledger/verify/acts.ts';
import { encodeActivityReceipt, type ActivityEntry } from '../../src/ledger/verify/activity-receipt.ts';
import { encodeCbor } from '../../src/ledger/verify/cbor.ts';
import { encodeBody, transactionId } from '../../src/ledger/verify/envelope.ts';
import { decodeHead } from '../../src/ledger/verify/head.ts';
import { signOrder } from '../../src/ledger/verify/order.ts';
import { commitPart } from '../../src/ledger/verify/private-part.ts';
import { stateKey } from '../../src/ledger/verify/records.ts';
import { body, chain, envelopeOf, genesis, idOf, keys, lin, now, register, requestBody } from './small-district.ts';

export interface LinsActivity {
  /** A grant and a request, the tax bureau's read under the grant, and the card blocked. */
  receipt: Uint8Array;
  /** On which `receipt` rests. */
  head: Uint8Array;
  /** The list as it was before anybody read. */
  before: Uint8Array;
}

/** Unix seconds at which the officer signed the read. */
export const readAt = now + 30;

/** The small district's ledger with all of one resident's life in it, as receipts of the whole list. */
export async function activityOfLin(): Promise<LinsActivity> {
  const folder = mkdtempSync(join(tmpdir(), 'activity-of-lin-'));
  const opened = openEmbeddedLedger({ path: join(folder, 'ledger.sqlite'), genesis, validator: keys.validator, clock: () => now * 1000, heartbeatMs: 60_000, begin: true });
  if (!opened.ok) throw new Error(opened.failure.detail);
  const ledger = opened.value;
  const entries: ActivityEntry[] = [];

  const record = async (of: ReturnType<typeof body>, signers: Parameters<typeof envelopeOf>[1], parts: (OpenedPart | null)[]): Promise<void> => {
    await ledger.submit(await envelopeOf(of, signers));
    const id = transactionId(encodeBody(of), nodeCrypto);
    await ledger.receipt(id, 10_000);
    const state = await ledger.state(id);
    if (!state.ok || state.value.state !== 'recorded') throw new Error(`not recorded: ${JSON.stringify(state)}`);
    const { index } = state.value;
    of.acts.forEach((act, actIndex) => entries.push({ logIndex: index, actIndex, act: encodeCbor(act), opened: parts[actIndex] ?? null }));
  };

  await ledger.submit(await register(lin));
  const first = requestBody(lin, 2);
  await record(first.body, [lin.sig, keys.kiosk], first.parts);
  const before = await receiptOf(ledger, entries);

  const [grant] = first.body.acts;
  if (grant?.kind !== 'grant.give') throw new Error('no grant');
  const read = await readOf(grant.id);
  await record(body([read.act]), [keys.keeper], [read.part]);
  await record(body([{ kind: 'resident.block', subject: lin.id, reason: 'lost' }]), [keys.staff], [null]);
  const whole = await receiptOf(ledger, entries);

  await ledger.close();
  rmSync(folder, { recursive: true });
  return { receipt: whole.receipt, head: whole.head, before: before.receipt };
}

async function readOf(grant: Uint8Array): Promise<{ act: Act; part: OpenedPart }> {
  const access = idOf('access');
  const order = { kind: 'grant.read', party: 'tax-bureau', purpose: 'tax.certificate', subject: lin.id, grant, access } as const;
  const signed = await signOrder({ v: 1, chain, nonce: idOf('order'), at: readAt, notAfter: readAt + 600, order }, keys.officer, nodeCrypto);
  const part: OpenedPart = {
    salt: idOf('salt 3'),
    part: { kind: 'access.record', party: 'tax-bureau', officer: idOf('officer'), purpose: 'tax.certificate', claims: ['name', 'address'], signed },
  };
  return { act: { kind: 'access.record', subject: lin.id, id: access, refs: [grant], private: commitPart(part.salt, part.part, nodeCrypto) }, part };
}

async function receiptOf(ledger: Ledger, entries: readonly ActivityEntry[]): Promise<{ receipt: Uint8Array; head: Uint8Array }> {
  const read = await ledger.read([stateKey.resident(lin.id)]);
  const [entry] = read.ok ? read.value.entries : [];
  const head = read.ok ? decodeHead(read.value.head, chain, nodeCrypto) : undefined;
  if (!read.ok || entry === undefined || head === undefined) throw new Error('not read');
  return { receipt: encodeActivityReceipt({ subject: lin.id, entries: [...entries], record: entry.value, proof: entry.proof }, head, nodeCrypto), head: read.value.head };
}
