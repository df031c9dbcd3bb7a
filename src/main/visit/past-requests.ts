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
      const byAct: (OpenedPart | null)[] = Array.from({ length: Math.max(...parts.map(({ act }) => act)) + 1 }, () => null);
      for (const { act, opened } of parts) byAct[act] = opened;
      const requests = parts.flatMap(({ act, at, transaction, opened: { part } }) => (part.kind === 'request.submit' ? [{ act, at, transaction, part }] : []));
      return requests
        .toSorted((a, b) => a.act - b.act)
        .map(({ act, at, transaction, part }) => {
          const grant = grantFor(part, byAct);
          const offer = offers.find(({ service }) => service.id === part.service);
          return {
            transaction,
            row: {
              reference: reference(transaction),
              service: offer?.service.title ?? same(part.service),
              agency: offer?.agency ?? same(part.agency),
              group: offer?.service.group ?? groupOf(part.service),
              at: new Date(at * 1000).toISOString(),
              step: null,
              decision: null,
              ...stateOf(transaction),
              ...(requests.length === 1 ? {} : { act }),
            },
            steps: offer?.service.steps ?? [],
            claims: grant?.claims ?? [],
            until: grant === undefined ? '' : lastDay(Date.parse(grant.until) / 1000),
            parts: byAct,
          };
        });
    })
    .sort((a, b) => (a.row.at < b.row.at ? 1 : a.row.at > b.row.at ? -1 : 0));
}

/** The grant that was given with this request: one transaction tells each agency once. */
const grantFor = ({ agency, service }: RequestPart, parts: readonly (OpenedPart | null)[]): GrantPart | undefined =>
  parts.map((opened) => opened?.part).find((part): part is GrantPart => part?.kind === 'grant.give' && part.agency === agency && part.service === service);

/** A service that was withdrawn since keeps its window: the group stands in its id. */
function groupOf(service: string): Offer['service']['group'] {
  const groups: readonly Offer['service']['group'][] = ['tax', 'pension', 'healthcare', 'utility', 'banking', 'telecom'];
  return groups.find((group) => service.startsWith(`${group}/`)) ?? 'utility';
}
