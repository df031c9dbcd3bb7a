import { beforeAll, expect, test } from 'vitest';
import { genesisState } from '../../src/ledger/genesis.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import type { MemorySigner } from '../../src/ledger/node-signer.ts';
import { judge, type Place } from '../../src/ledger/rules.ts';
import { StateDraft } from '../../src/ledger/state.ts';
import type { Act } from '../../src/ledger/verify/acts.ts';
import { body, chain, envelopeOf, genesis, keys, now, signerOf } from './small-district.ts';

const place: Place = { chain, height: 5, time: now, logIndex: 41 };
const enrol: Act = { kind: 'kiosk.enrol', id: 'hall-2', hub: 'hub-1', key: signerOf('hall-2').key };
let state: StateDraft;

beforeAll(() => {
  const changes = genesisState(genesis, nodeCrypto);
  if (!changes.ok) throw new Error(changes.failure.code);
  state = new StateDraft({ get: () => undefined });
  state.apply(changes.value);
});

test.each<{ name: string; signers: MemorySigner[]; says: string }>([
  { name: 'technician and hub', signers: [keys.technician, keys.hub], says: 'taken' },
  { name: 'the technician alone', signers: [keys.technician], says: 'signer-missing' },
  { name: 'the hub alone', signers: [keys.hub], says: 'signer-missing' },
  { name: 'staff in the technician’s place', signers: [keys.staff, keys.hub], says: 'signer-role' },
  { name: 'an agency in the hub’s place', signers: [keys.technician, keys.tax], says: 'signer-missing' },
])('a kiosk enrolled by $name is $says', async ({ signers, says }) => {
  const judged = judge(state, await envelopeOf(body([enrol]), signers), place, nodeCrypto);
  expect(judged.ok ? 'taken' : judged.failure.code).toBe(says);
});
