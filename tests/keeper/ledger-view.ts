import type { KeeperParts } from '../../src/keeper/keeper.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';

/** The ledger as a keeper sees it, with what a test changes in it. */
export const viewOf = (ledger: Ledger, change: Partial<KeeperParts['ledger']> = {}): KeeperParts['ledger'] => ({
  chain: ledger.chain,
  values: (keys) => ledger.values(keys),
  read: (keys) => ledger.read(keys),
  entries: (from, count) => ledger.entries(from, count),
  submit: (envelope) => ledger.submit(envelope),
  state: (id) => ledger.state(id),
  receipt: (id, waitMs) => ledger.receipt(id, waitMs),
  block: (height) => ledger.block(height),
  onBlock: (listener) => ledger.onBlock(listener),
  ...change,
});
