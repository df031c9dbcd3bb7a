import type { RequestRow } from '../../contract/bridge.ts';
import type { Localized } from '../../contract/language.ts';
import type { SpaceContents } from '../../identity/space.ts';
import type { GrantPart, OpenedPart, RequestPart } from '../../ledger/verify/acts.ts';
import { toHex } from '../../ledger/verify/bytes.ts';
import { reference } from '../../ledger/verify/reference.ts';
import { lastDay, type Offer } from './draft.ts';
import type { PastRequest } from './work.ts';

const same = (text: string): Localized => ({ 'zh-Hans': text, en: text });

/**
 * A resident's requests, newest first, from the private parts in the data space.
 * @param stateOf of a transaction, as this kiosk's outbox and the data space have it.
 */
export function pastRequests(
  contents: SpaceContents,
  offers: readonly Offer[],
  stateOf: (transaction: Uint8Array) => Pick<RequestRow, 'state' | 'code'>,
): PastRequest[] {
  const transactions = Map.groupBy(contents.parts, ({ transaction }) => toHex(transaction));
  return [...transactions.values()]
    .flatMap((parts): PastRequest[] => {
      const [first] = parts;
      const request = parts.map(({ opened }) => opened.part).find((part): part is RequestPart => part.kind === 'request.submit');
      if (first === undefined || request === undefined) return [];
      const grant = parts.map(({ opened }) => opened.part).find((part): part is GrantPart => part.kind === 'grant.give');
      const byAct: (OpenedPart | null)[] = Array.from({ length: Math.max(...parts.map(({ act }) => act)) + 1 }, () => null);
      for (const { act, opened } of parts) byAct[act] = opened;
      const offer = offers.find(({ service }) => service.id === request.service);
      return [
        {
          transaction: first.transaction,
          row: {
            reference: reference(first.transaction),
            service: offer?.service.title ?? same(request.service),
            agency: offer?.agency ?? same(request.agency),
            group: offer?.service.group ?? groupOf(request.service),
            at: new Date(first.at * 1000).toISOString(),
            step: null,
            decision: null,
            ...stateOf(first.transaction),
          },
          steps: offer?.service.steps ?? [],
          claims: grant?.claims ?? [],
          until: grant === undefined ? '' : lastDay(Date.parse(grant.until) / 1000),
          parts: byAct,
        },
      ];
    })
    .sort((a, b) => (a.row.at < b.row.at ? 1 : -1));
}

/** A service that was withdrawn since keeps its window: the group stands in its id. */
function groupOf(service: string): Offer['service']['group'] {
  const groups: readonly Offer['service']['group'][] = ['tax', 'pension', 'healthcare', 'utility', 'banking', 'telecom'];
  return groups.find((group) => service.startsWith(`${group}/`)) ?? 'utility';
}
