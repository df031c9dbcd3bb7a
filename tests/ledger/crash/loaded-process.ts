import { once } from 'node:events';
import { flushCompileCache } from 'node:module';
import { createInterface } from 'node:readline';
import type { Result } from '../../../src/contract/result.ts';
import { openEmbeddedLedger } from '../../../src/ledger/engines/embedded.ts';
import type { TransactionState } from '../../../src/ledger/ledger.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { fromHex, toHex } from '../../../src/ledger/verify/bytes.ts';
import { openEnvelope } from '../../../src/ledger/verify/envelope.ts';
import { genesis, keys } from '../small-district.ts';
import { numbered } from './load.ts';

/** What the parent asks for, as one line of JSON on stdin. */
export interface Order {
  path: string;
  seed: string;
  /** Number of the first transaction. */
  from: number;
  /** How many are under way at a time. */
  parallel: number;
  /** Ids in hex: what has become of them is said first. */
  ask: string[];
  /** Added to this machine's clock, milliseconds. */
  clockAheadMs: number;
}

/**
 * A hub's engine under load, waiting for its order with everything loaded already. It writes `found <id> <state>` for each id it was asked after,
 * then `<number> <id> <state>` for each submission that was answered, and never ends: whoever started it ends it.
 */
// Who is killed writes no cache at its end.
flushCompileCache();
const lines = createInterface({ input: process.stdin });
const [line] = (await once(lines, 'line')) as [string];
const { path, seed, from, parallel, ask, clockAheadMs } = JSON.parse(line) as Order;
const opened = openEmbeddedLedger({ path, genesis, validator: keys.validator, clock: () => Date.now() + clockAheadMs, heartbeatMs: 60_000, begin: true });
if (!opened.ok) throw new Error(opened.failure.detail);
const ledger = opened.value;
for (const id of ask) {
  const state = await ledger.state(fromHex(id) ?? new Uint8Array());
  process.stdout.write(`found ${id} ${wordFor(state)}\n`);
}
const underWay = new Set<Promise<void>>();
for (let number = from; ; number++) {
  // Made one after the other: a credential is not submitted before its resident.
  const sent = submit(number, await numbered(seed, number)).finally(() => underWay.delete(sent));
  underWay.add(sent);
  if (underWay.size === parallel) await Promise.race(underWay);
}

async function submit(number: number, envelope: Uint8Array): Promise<void> {
  const transaction = openEnvelope(envelope, nodeCrypto);
  if (!transaction.ok) throw new Error(transaction.failure.code);
  process.stdout.write(`${number} ${toHex(transaction.value.id)} ${wordFor(await ledger.submit(envelope))}\n`);
}

/** A state, or the code of a rejection or failure. */
function wordFor(answer: Result<TransactionState>): string {
  if (!answer.ok) return answer.failure.code;
  return answer.value.state === 'rejected' ? answer.value.code : answer.value.state;
}
