import { randomBytes } from 'node:crypto';
import type { EmbeddedLedger } from '../src/ledger/engines/embedded.ts';
import { nodeCrypto } from '../src/ledger/node-crypto.ts';
import { seedResidentId } from '../src/ledger/seed-district.ts';
import { encodeBody, signEnvelope, transactionId } from '../src/ledger/verify/envelope.ts';
import type { Body } from '../src/ledger/verify/acts.ts';
import { beginRate, type Rate } from './rate.ts';
import { openSeeded, type SeededFolder } from './seeded-ledger.ts';

/** One signature, and two updates of the state: a look-up recorded, the resident's chain one longer. */
export async function lookups({ district, seed, residents, nowMs }: SeededFolder, count: number): Promise<{ id: Uint8Array; envelope: Uint8Array }[]> {
  const made: { id: Uint8Array; envelope: Uint8Array }[] = [];
  for (let i = 0; i < count; i++) {
    const body: Body = {
      v: 1,
      chain: district.genesis.chain,
      nonce: new Uint8Array(randomBytes(16)),
      notAfter: Math.floor(nowMs / 1000) + 3600,
      acts: [{ kind: 'access.lookup', subject: seedResidentId(seed, (i * 7919) % residents), id: new Uint8Array(randomBytes(16)), private: [-16, new Uint8Array(randomBytes(32))] }],
    };
    made.push({ id: transactionId(encodeBody(body), nodeCrypto), envelope: await signEnvelope(body, [district.registrar], nodeCrypto) });
  }
  return made;
}

/** Of transactions, from the first submission to the block that holds the last; each is acknowledged as it would be to a hub. */
export async function throughput(ledger: EmbeddedLedger, folder: SeededFolder, count: number): Promise<Rate> {
  const transactions = await lookups(folder, count);
  let recorded = 0;
  const finished = new Promise<void>((done) => {
    const stop = ledger.onBlock((block) => {
      recorded += block.transactions.length;
      if (recorded < count) return;
      stop();
      done();
    });
  });
  const rateOf = beginRate();
  const submitted = await Promise.all(transactions.map(({ envelope }) => ledger.submit(envelope)));
  const refused = submitted.find((one) => !one.ok || one.value.state !== 'queued');
  if (refused !== undefined) throw new Error(`a transaction was ${JSON.stringify(refused)}`);
  await finished;
  return rateOf(count);
}

/** Milliseconds from a submission to its receipt in hand, one after the other: each write to disk waited for. */
export async function commitLatencies(folder: SeededFolder, count: number): Promise<number[]> {
  const transactions = await lookups(folder, count);
  const ledger = openSeeded(folder);
  const found: number[] = [];
  for (const { id, envelope } of transactions) {
    const begun = performance.now();
    await ledger.submit(envelope);
    const receipt = await ledger.receipt(id, 10_000);
    found.push(performance.now() - begun);
    if (!receipt.ok || receipt.value === null) throw new Error('no receipt');
  }
  await ledger.close();
  return found;
}
