import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { openHubParts } from '../../src/hub/hub.ts';
import { softwareOpener } from '../../src/identity/hpke.ts';
import { tagsUnder } from '../../src/keeper/agency-tag.ts';
import { Keeper } from '../../src/keeper/keeper.ts';
import { openKeeperStore } from '../../src/keeper/sqlite-store.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import { worldAt } from '../../tools/demo/world.ts';
import { partySigner } from './agency-stand.ts';
import { viewOf } from './ledger-view.ts';

/** What the parent asks for, as one line of JSON on stdin. `at`: where this process stands still, to be killed there. */
export interface ReleasingOrder {
  dataDir: string;
  store: string;
  /** Base64 of the signed order. */
  signed: string;
  at: 'before-submit' | 'after-submit';
}

/** A keeper that is to release, and stops where it is told; it says `there` then, and whoever started it ends it. */
const lines = createInterface({ input: process.stdin });
const [line] = (await once(lines, 'line')) as [string];
const { dataDir, store, signed, at } = JSON.parse(line) as ReleasingOrder;
const world = worldAt(dataDir);
const parts = await openHubParts({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir });
if (!parts.ok) throw new Error(parts.failure.code);
const { ledger } = parts.value;
const opened = openKeeperStore(store);
if (!opened.ok) throw new Error(opened.failure.code);
const stand = (): Promise<never> => {
  process.stdout.write('there\n');
  return new Promise(() => undefined);
};
const keeper = new Keeper({
  ledger: viewOf(ledger, {
    onBlock: () => () => undefined,
    submit: async (envelope) => {
      if (at === 'before-submit') return stand();
      await ledger.submit(envelope);
      return stand();
    },
  }),
  store: opened.value,
  opener: softwareOpener(partySecrets('keeper').seal),
  tags: tagsUnder(partySecrets('keeper').seal),
  name: 'keeper',
  signer: partySigner('keeper'),
  crypto: nodeCrypto,
  now: Date.now,
});
await keeper.release(Buffer.from(signed, 'base64'));
