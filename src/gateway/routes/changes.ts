import { z } from 'zod';
import { fail, ok } from '../../contract/result.ts';
import type { Name } from '../../ledger/verify/acts.ts';
import { toHex } from '../../ledger/verify/bytes.ts';
import { bytesOfHex, idText, secondsValue } from '../api-values.ts';
import { changeEvent, changeSchema } from '../change-event.ts';
import { eventIdPattern, EventStreams, type EventSource } from '../event-stream.ts';
import type { GatewayParts } from '../gateway.ts';
import type { AgencyKeeper } from '../keeper-port.ts';
import { answered, route, type Route } from '../route.ts';
import type { Webhook } from '../gateway-store.ts';

const webhookSchema = z.strictObject({
  id: idText,
  url: z.string(),
  /** Number of the last change that was taken. */
  after: z.int(),
  made: secondsValue,
  failures: z.int(),
  /** HTTP status of the last try, 0 where it was not reached; null before the first. */
  lastStatus: z.int().nullable(),
});

const webhookView = ({ id, url, after, made, failures, lastStatus }: Webhook): z.input<typeof webhookSchema> => ({ id: toHex(id), url, after, made, failures, lastStatus });

const seqText = z.string().regex(eventIdPattern);

/** What is new: asked for, as a stream, or brought to an address of the agency's. */
export function changeRoutes(parts: GatewayParts): Route[] {
  const streams = new EventStreams();
  return [
    route({
      method: 'GET',
      path: '/v1/changes',
      auth: 'party',
      summary: 'What concerns the agency, from one change on',
      query: z.strictObject({ after: seqText.optional().describe('`seq` of the last one known; left out: from the first') }),
      answers: { 200: { description: 'At most 100, in order', schema: z.strictObject({ items: z.array(changeSchema) }) } },
      handle: async ({ party, query }) => {
        const changes = await parts.keeper.changes(party.name, Number(query.after ?? 0), 100);
        return changes.ok ? answered(200, { items: changes.value.map(changeEvent) }) : changes;
      },
    }),
    route({
      method: 'GET',
      path: '/v1/events',
      auth: 'party',
      summary: 'The same as a stream of server-sent events',
      description: 'From the change after `Last-Event-ID` on, which is covered by the signature; without it from now on. The data of each is one change; a comment every 15 s says that the line stands.',
      answers: { 200: { description: 'Events without end', type: 'text/event-stream', schema: z.string() } },
      refusals: ['too-many'],
      handle: async ({ party, header, signal }) => {
        const given = header('last-event-id');
        if (given !== undefined && !seqText.safeParse(given).success) return fail('call-malformed', 'last-event-id');
        const from = given === undefined ? await newest(party.name, parts.keeper) : Number(given);
        const begun = streams.begin(party.name, eventsFrom(party.name, from, parts.keeper), signal);
        return begun.ok ? answered(200, begun.value) : begun;
      },
    }),
    route({
      method: 'GET',
      path: '/v1/webhooks',
      auth: 'party',
      summary: 'Addresses of the agency that are told of changes',
      answers: { 200: { description: 'The oldest first', schema: z.strictObject({ items: z.array(webhookSchema) }) } },
      handle: async ({ party }) => {
        const listed = parts.webhooks.list(party.name);
        return listed.ok ? answered(200, { items: listed.value.map(webhookView) }) : listed;
      },
    }),
    route({
      method: 'POST',
      path: '/v1/webhooks',
      auth: 'party',
      summary: 'Have an address told of changes',
      description:
        'Over https, and to no private network. Each call is signed by the gateway’s key on the ledger (RFC 9421, tag `imi-webhook/1`), brings up to 50 changes in order, and is repeated with longer and longer pauses until it is answered with 2xx.',
      body: z.strictObject({ url: z.string().max(500), after: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional() }),
      answers: { 201: { description: 'It is told from now on, or from the change after `after` on', schema: webhookSchema } },
      refusals: ['address-refused', 'too-many'],
      handle: async ({ party, body }) => {
        const added = parts.webhooks.add(party.name, body.url, body.after ?? (await newest(party.name, parts.keeper)));
        return added.ok ? answered(201, webhookView(added.value)) : added;
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/webhooks/{id}',
      auth: 'party',
      summary: 'Have it told no more',
      params: z.strictObject({ id: idText }),
      answers: { 200: { description: 'Gone', schema: z.strictObject({ id: idText }) } },
      refusals: ['request-unknown'],
      handle: async ({ party, params }) => {
        const dropped = parts.webhooks.drop(party.name, bytesOfHex(params.id));
        if (!dropped.ok) return dropped;
        return dropped.value ? answered(200, { id: params.id }) : fail('request-unknown');
      },
    }),
  ];
}

/** Number of the last change so far. */
async function newest(agency: Name, keeper: Pick<AgencyKeeper, 'changes'>): Promise<number> {
  let after = 0;
  for (;;) {
    const changes = await keeper.changes(agency, after, 200);
    const last = changes.ok ? changes.value.at(-1) : undefined;
    if (last === undefined) return after;
    after = last.seq;
  }
}

function eventsFrom(agency: Name, from: number, keeper: Pick<AgencyKeeper, 'changes' | 'onChange'>): EventSource {
  let after = from;
  return {
    async next() {
      const changes = await keeper.changes(agency, after, 100);
      if (!changes.ok) return changes;
      after = changes.value.at(-1)?.seq ?? after;
      return ok(changes.value.map((change) => ({ id: change.seq, event: change.kind, data: changeEvent(change) })));
    },
    listen: (changed) => keeper.onChange(agency, changed),
  };
}
