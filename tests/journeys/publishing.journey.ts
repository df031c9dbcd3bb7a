import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { serviceSchema, type Service } from '../../src/contract/service.ts';
import { Catalogue } from '../../src/hub/catalogue.ts';
import { socketPathIn } from '../../src/ledger/client/hub-address.ts';
import { connectHub } from '../../src/ledger/client/hub-client.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';
import type { Act } from '../../src/ledger/verify/acts.ts';
import { signEnvelope } from '../../src/ledger/verify/envelope.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import { publication } from '../../tools/demo/world.ts';
import type { Hall } from './hall.ts';
import { expect, test } from './journey.ts';
import { leave, signIn } from './steps.ts';

/** A service that no kiosk has ever heard of. */
const vehicleTax: Service = (() => {
  const path = new URL('../../services/tax/property-tax-certificate.json', import.meta.url);
  const service = serviceSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  return { ...service, id: 'tax/vehicle-tax-certificate', title: { 'zh-Hans': '车船税完税证明', en: 'Vehicle tax certificate' } };
})();

/** What the Tax Bureau signs, brought to the running hub. */
async function record(hall: Hall, act: Act): Promise<void> {
  const { hub, trustRoot } = hall.world.hubFile;
  const client = connectHub({ socketPath: socketPathIn(hub.address, hall.world.kioskDirs['hall-1'] ?? '') ?? '' });
  const body = { v: 1 as const, chain: trustRoot.chain, nonce: new Uint8Array(randomBytes(16)), notAfter: Math.floor(Date.now() / 1000) + 600, acts: [act] };
  const envelope = await signEnvelope(body, [ed25519Signer(partySecrets('tax-bureau').sign)], nodeCrypto);
  const submitted = await client.call('transaction.submit', { envelope, payloads: [] });
  client.close();
  expect(submitted).toMatchObject({ ok: true });
  expect(submitted.ok ? submitted.value.code : null).toBeUndefined();
}

test('what an agency publishes is at a running kiosk within seconds, in the resident’s language, and what it withdraws is gone', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'lin', 'zh-Hans');
  await kiosk.openGroup('tax');
  await kiosk.doesNotRead('车船税完税证明');

  const bytes = new Uint8Array(Buffer.from(JSON.stringify(vehicleTax), 'utf8'));
  const kept = new Catalogue(join(hall.world.hubDir, 'services'), { values: () => Promise.reject(new Error('nothing is read')) }).put(bytes);
  expect(kept.ok).toBe(true);
  await record(hall, publication({ file: { service: vehicleTax }, bytes }));
  // The page is open and nobody touches it.
  await kiosk.reads('车船税完税证明');
  await kiosk.chooseLanguage('en');
  await kiosk.reads('Vehicle tax certificate');

  await record(hall, { kind: 'service.withdraw', id: vehicleTax.id });
  await kiosk.doesNotRead('Vehicle tax certificate');
  await kiosk.reads('Property tax payment certificate');
  await leave(kiosk);
});
