import type { CardInfo, DeviceStatus, ReaderStatus } from '../contract/device-host.ts';
import { fail, ok, type Result } from '../contract/result.ts';
import type { DeviceHost } from '../drivers/device-host.ts';
import { cardIn, type Card } from '../main/card.ts';

export interface CardAtHome {
  reader: string;
  card: Card;
  info: CardInfo;
}

/** How long somebody may look for their card. */
const cardWaitMs = 120_000;

/** @param wanted PC/SC name of the reader, or null: the first that has a card. @param missing called once, when there is none yet. */
export async function cardInAnyReader(host: DeviceHost, wanted: string | null, missing: () => void): Promise<Result<CardAtHome>> {
  const found = await readerWithCard(host, wanted, missing);
  if (!found.ok) return found;
  const { name, insertion } = found.value;
  const card = cardIn(host, name, insertion);
  const info = await card.open();
  return info.ok ? ok({ reader: name, card, info: info.value }) : info;
}

function readerWithCard(host: DeviceHost, wanted: string | null, missing: () => void): Promise<Result<ReaderStatus>> {
  return new Promise((resolve) => {
    let isSaid = false;
    const settle = (result: Result<ReaderStatus>): void => {
      clearTimeout(limit);
      stop();
      resolve(result);
    };
    const look = (status: DeviceStatus): void => {
      if (status.service === 'no-service') return settle(fail('reader-no-service', status.detail));
      if (status.service === 'no-permission') return settle(fail('reader-no-permission', status.detail));
      const readers = status.readers.filter(({ name }) => wanted === null || name === wanted);
      const ready = readers.find(({ slot }) => slot === 'card-present');
      if (ready !== undefined) return settle(ok(ready));
      const held = readers.find(({ slot }) => slot === 'card-in-use' || slot === 'card-mute');
      if (held !== undefined) return settle(fail(held.slot === 'card-mute' ? 'card-mute' : 'card-in-use'));
      if (status.service === 'ready' && !isSaid) {
        isSaid = true;
        missing();
      }
    };
    const limit = setTimeout(() => settle(fail(host.status.readers.length === 0 ? 'reader-missing' : 'card-timeout')), cardWaitMs);
    const stop = host.onStatus(look);
    look(host.status);
  });
}
