import { hkdfSync } from 'node:crypto';
import type { Failure, Result } from '../contract/result.ts';
import { ok } from '../contract/result.ts';
import type { Keeper } from '../keeper/keeper.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { StatusBook } from '../ledger/status-book.ts';
import type { StatusLists } from '../ledger/status-lists.ts';
import type { Name, PublicKey } from '../ledger/verify/acts.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import type { Signer } from '../ledger/verify/envelope.ts';
import type { Asks } from './asks.ts';
import { Cursors } from './cursor.ts';
import { openGatewayDoor, type DoorLimits } from './door.ts';
import type { CarryingParts } from './carry-out.ts';
import { openGatewayStore, type GatewayStore } from './gateway-store.ts';
import type { Drafts } from './drafts.ts';
import type { AgencyKeeper, IssueIdentity, LookUp, ServiceShelf } from './keeper-port.ts';
import type { Rate } from './rate-limit.ts';
import { openQueueBook, type QueueBook } from './queue/queue-book.ts';
import type { Tickets } from './queue/tickets.ts';
import type { QueueCaller } from './route.ts';
import type { QueueParts } from './routes/queue.ts';
import { gatewayRoutes } from './routes.ts';
import { Webhooks } from './webhooks.ts';

/** What of the keeper stands open to those at home. */
type HomeKeeper = Pick<Keeper, 'issueChallenge' | 'openSpace' | 'closeSpace'>;

/** What routes work with. */
export interface GatewayParts {
  ledger: Ledger;
  keeper: AgencyKeeper & HomeKeeper;
  services: ServiceShelf;
  drafts: Drafts;
  lookUp: LookUp;
  issueIdentity: IssueIdentity;
  /** The gateway's own party: signs the public parts of what agencies order. */
  party: { name: Name; signer: Signer };
  asks: Asks;
  /** Of what is revoked, and the lists that say so. */
  status: StatusBook;
  lists: StatusLists;
  /** The hub's and the keeper's names on the ledger. */
  names: { hub: Name; keeper: Name };
  store: GatewayStore;
  cursors: Cursors;
  /** What it takes to carry out an order. */
  carrying: CarryingParts;
  /** null: this hub has no queue system. */
  queue: QueueParts | null;
  webhooks: Webhooks;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
  onFault: (where: string, error: unknown) => void;
}

export interface GatewayOptions extends Pick<GatewayParts, 'keeper' | 'asks' | 'status' | 'lists' | 'names'> {
  ledger: Ledger;
  /** The keeper's party. */
  keeperName: Name;
  services: ServiceShelf;
  drafts: Drafts;
  lookUp: LookUp;
  issueIdentity: IssueIdentity;
  /** Origins on this machine that webhooks may go to in the clear. */
  loopbackWebhooks: readonly string[];
  party: { name: Name; signer: Signer };
  /** 32 bytes known to this gateway alone, from which keys for cursors and tags come. */
  secret: Uint8Array;
  /** Of its SQLite file. */
  path: string;
  /** The hub's own queue system, its key as the hub's file has it, and the SQLite file of what it follows; null: there is none. */
  queue: { name: string; key: PublicKey; path: string; tickets: Tickets } | null;
  listen: { host: string; port: number; tls: { cert: string; key: string } | null; authorities: readonly string[] };
  rate: Rate;
  limits?: Partial<DoorLimits>;
  crypto: Crypto;
  now: () => number;
  onFault: (where: string, error: unknown) => void;
}

export interface Gateway {
  /** Where it listens: `http://<host>:<port>`, or https. */
  url: string;
  close(): Promise<void>;
}

/** `hub-storage`: its file cannot be opened. `unusable`: its address cannot be listened on. */
export async function openGateway(options: GatewayOptions): Promise<Result<Gateway, Failure<'hub-storage' | 'unusable'> | Failure>> {
  const { ledger, keeper, keeperName, services, drafts, lookUp, issueIdentity, loopbackWebhooks, asks, status, lists, names, party, secret, path, queue, listen, rate, limits, crypto, now, onFault } = options;
  const store = openGatewayStore(path);
  if (!store.ok) return store;
  const keyFor = (purpose: string): Uint8Array => new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `imi/gateway/1 ${purpose}`, 32));
  const book = queue === null ? null : openQueueBook({ path: queue.path, ledger, hub: names.hub, key: keyFor('queue'), crypto, now, onFault });
  if (book !== null && !book.ok) {
    store.value.close();
    return book;
  }
  const queueBook: QueueBook | null = book?.value ?? null;
  const queueName: QueueCaller['name'] = `queue:${queue?.name ?? ''}`;
  const closeStores = async (): Promise<void> => {
    await queueBook?.close();
    store.value.close();
  };
  const webhooks = new Webhooks({ keeper, store: store.value, party, loopbackOrigins: loopbackWebhooks, now, onFault });
  const carrying: CarryingParts = { ledger, keeper, keeperName, party, nonceKey: keyFor('nonces'), crypto };
  const parts: GatewayParts = { ledger, keeper, services, drafts, lookUp, issueIdentity, asks, status, lists, names, party, store: store.value, cursors: new Cursors(keyFor('cursors')), carrying, queue: queue === null || queueBook === null ? null : { tickets: queue.tickets, book: queueBook }, webhooks, crypto, now, onFault };
  const door = await openGatewayDoor({
    ...listen,
    routes: (url) => gatewayRoutes(parts, url),
    check: { ledger, queue: queue === null ? null : { name: queueName, key: queue.key }, store: store.value, tagKey: keyFor('tags'), crypto },
    store: store.value,
    rate,
    ...(limits === undefined ? {} : { limits }),
    now,
    onFault,
  });
  if (!door.ok) {
    await closeStores();
    return door;
  }
  const started = webhooks.start();
  if (!started.ok) {
    await door.value.close();
    await closeStores();
    return started;
  }
  return ok({
    url: door.value.url,
    async close() {
      await door.value.close();
      await webhooks.close();
      await closeStores();
    },
  });
}
