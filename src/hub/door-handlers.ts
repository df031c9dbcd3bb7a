import { ok } from '../contract/result.ts';
import type { DoorHandlers } from './door.ts';
import type { HubParts } from './hub.ts';

/** Each message of the door to the part that answers it. */
export function doorHandlers({ ledger, keeper, catalogue, names }: Pick<HubParts, 'ledger' | 'keeper' | 'catalogue' | 'names'>): DoorHandlers {
  return {
    hello: () => Promise.resolve(ok({ chain: ledger.chain, hub: names.hub, keeper: names.keeper })),
    'head.get': async () => {
      const head = await ledger.head();
      return head.ok ? ok({ head: head.value }) : head;
    },
    'state.get': ({ keys }) => ledger.read(keys),
    'services.list': async () => {
      const services = await catalogue.list();
      return services.ok ? ok({ services: services.value }) : services;
    },
    'challenge.get': ({ kioskNonce }) => Promise.resolve(keeper.issueChallenge(kioskNonce)),
    'space.open': (params) => keeper.openSpace(params),
    'counter.broken-off': async ({ session, counter }) => {
      const noted = await keeper.brokenOff(session, counter);
      return noted.ok ? ok({}) : noted;
    },
    'space.close': ({ session }) => {
      keeper.closeSpace(session);
      return Promise.resolve(ok({}));
    },
    'transaction.submit': (submission) => keeper.take(submission),
    'transaction.state': ({ transaction }) => keeper.state(transaction),
    'transaction.receipt': async ({ transaction, waitMs }) => {
      const receipt = await ledger.receipt(transaction, waitMs);
      return receipt.ok ? ok({ receipt: receipt.value }) : receipt;
    },
  };
}
