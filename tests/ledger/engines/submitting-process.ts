import { openEmbeddedLedger } from '../../../src/ledger/engines/embedded.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { toHex } from '../../../src/ledger/verify/bytes.ts';
import { openEnvelope } from '../../../src/ledger/verify/envelope.ts';
import { body, envelopeOf, genesis, idOf, keys, lin, register } from '../small-district.ts';

/** Submits without end and writes each acknowledged id on a line of its own; whoever started it ends it. */
const [path = ''] = process.argv.slice(2);
const opened = openEmbeddedLedger({ path, genesis, validator: keys.validator, clock: () => genesis.time * 1000 + 1_000_000, heartbeatMs: 60_000, begin: true });
if (!opened.ok) throw new Error(opened.failure.detail);
await opened.value.submit(await register(lin));
for (let i = 0; ; i++) {
  const anchor = { kind: 'credential.anchor', subject: lin.id, id: idOf(`credential ${i}`), private: [-16, new Uint8Array(32)], status: i } as const;
  const envelope = await envelopeOf(body([anchor]), [keys.registrar]);
  const state = await opened.value.submit(envelope);
  const transaction = openEnvelope(envelope, nodeCrypto);
  if (!state.ok || !transaction.ok) throw new Error('not taken');
  process.stdout.write(`${toHex(transaction.value.id)}\n`);
}
