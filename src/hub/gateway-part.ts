import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { openGateway, type Gateway } from '../gateway/gateway.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { ed25519Signer } from '../ledger/node-signer.ts';
import { secretsOf } from './key-file.ts';
import { ownerOf, type HubFailure, type HubParts, type HubSetup } from './hub.ts';

/** The agencies' door, where the server file names one; null where it does not. `tls-unreadable`: a file of its certificate. */
export async function openGatewayPart(setup: HubSetup, parts: HubParts): Promise<Result<Gateway | null, HubFailure>> {
  const { serverFile, dataDir, now = Date.now, onFault = () => undefined } = setup;
  const named = serverFile.gateway;
  const { asks, keeper, status, lists, names } = parts;
  if (named === undefined || asks === null) return ok(null);
  const keys = secretsOf(resolve(dataDir, named.key), ['sign']);
  if (!keys.ok) return keys;
  const signer = ed25519Signer(keys.value.sign);
  const name = await ownerOf(parts.ledger, signer.key, 'gateway');
  if (!name.ok) return name;
  const tls = named.tls === undefined ? ok(null) : readTls(dataDir, named.tls);
  if (!tls.ok) return tls;
  const { hostname, port, protocol } = new URL(named.listen);
  return openGateway({
    ledger: parts.ledger,
    keeperName: parts.names.keeper,
    services: parts.catalogue,
    drafts: parts.drafts,
    issueIdentity: (resident, facts) => parts.registrations.issueAgain(resident, facts),
    lookUp: (order, number, salt) => parts.lookUps.lookUp(order, number, salt),
    loopbackWebhooks: named.loopbackWebhooks,
    party: { name: name.value, signer },
    keeper,
    asks,
    status,
    lists,
    names,
    secret: keys.value.sign,
    path: resolve(dataDir, named.path),
    queue: named.queue === undefined ? null : { name: named.queue.name, key: [-19, new Uint8Array(Buffer.from(named.queue.key, 'base64url'))], path: resolve(dataDir, named.queue.path), tickets: parts.handOffs },
    listen: {
      host: hostname.replaceAll(/[[\]]/g, ''),
      port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
      tls: tls.value,
      authorities: named.authorities,
    },
    rate: named.rate,
    crypto: nodeCrypto,
    now,
    onFault,
  });
}

function readTls(dataDir: string, { certificate, key }: { certificate: string; key: string }): Result<{ cert: string; key: string }, Failure<'tls-unreadable'>> {
  try {
    return ok({ cert: readFileSync(resolve(dataDir, certificate), 'utf8'), key: readFileSync(resolve(dataDir, key), 'utf8') });
  } catch (error) {
    return fail('tls-unreadable', error instanceof Error ? error.message : '');
  }
}
