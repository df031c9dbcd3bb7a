import { z } from 'zod';
import { fail, ok, type Result } from '../../contract/result.ts';
import { secondsValue } from '../api-values.ts';
import { eventIdPattern, EventStreams, type EventSource, type ServerEvent } from '../event-stream.ts';
import type { GatewayParts } from '../gateway.ts';
import { queueSteps, type FollowedRequest, type QueueBook } from '../queue/queue-book.ts';
import type { TicketEvent, Tickets } from '../queue/tickets.ts';
import { answered, route, type Route } from '../route.ts';

const ticketText = z.string().regex(/^[A-Z][0-9]{3}$/);
const counterText = z.string().regex(/^[1-9][0-9]{0,2}$/).describe('Number of a counter, as it stands over it');

const ticketSchema = z.strictObject({
  ticket: ticketText,
  state: z.enum(['waiting', 'called']),
  counter: counterText.nullable(),
  /** Then it ends by itself. */
  until: secondsValue,
});
const requestSchema = z.strictObject({ seq: z.int().min(1), reference: z.string().regex(/^[0-9a-f]{16}$/), step: z.enum(queueSteps), at: secondsValue });

/** Read one after the other, as they stand in the book. */
const page = 100;

/** The hub's own queue system: numbers and steps, and nothing that leads to a person, an agency or a purpose. */
export function queueRoutes({ queue, onFault }: Pick<GatewayParts, 'queue' | 'onFault'>): Route[] {
  if (queue === null) return [];
  const { tickets, book } = queue;
  const streams = new EventStreams();
  return [
    route({
      method: 'GET',
      path: '/v1/queue/tickets',
      auth: 'queue',
      summary: 'Matters that wait to be gone on with at a counter',
      description: 'Each by the number that its resident was shown, and by nothing else. One is over when it is signed or taken back, or at `until`, and its number is then given to others.',
      answers: { 200: { description: 'The longest waiting first', schema: z.strictObject({ items: z.array(ticketSchema) }) } },
      handle: async () => {
        const waiting = tickets.tickets();
        return waiting.ok ? answered(200, { items: waiting.value }) : waiting;
      },
    }),
    route({
      method: 'PUT',
      path: '/v1/queue/tickets/{ticket}/counter',
      auth: 'queue',
      summary: 'Call a number to a counter',
      description: 'Its resident is shown the counter where they still have the number before them. Again, and to another counter, as often as it takes.',
      params: z.strictObject({ ticket: ticketText }),
      body: z.strictObject({ counter: counterText }),
      answers: { 200: { description: 'Called', schema: ticketSchema } },
      refusals: ['ticket-unknown'],
      repeatable: true,
      handle: async ({ params, body }) => {
        const called = tickets.call(params.ticket, body.counter);
        if (!called.ok) return called;
        return called.value === null ? fail('ticket-unknown') : answered(200, called.value);
      },
    }),
    route({
      method: 'GET',
      path: '/v1/queue/requests',
      auth: 'queue',
      summary: 'How far requests stand that were made at this hub',
      description: 'By a reference that stands nowhere else. `needs-more`: their resident has to bring something. One that is closed or withdrawn is forgotten after 30 days.',
      query: z.strictObject({ after: z.string().regex(eventIdPattern).optional().describe('`seq` of the last change known; left out: from the first') }),
      answers: { 200: { description: 'At most 100, by their last change', schema: z.strictObject({ items: z.array(requestSchema) }) } },
      handle: async ({ query }) => {
        const followed = await book.follow();
        if (!followed.ok) return followed;
        const requests = book.requests(Number(query.after ?? 0), page);
        return requests.ok ? answered(200, { items: requests.value }) : requests;
      },
    }),
    route({
      method: 'GET',
      path: '/v1/queue/events',
      auth: 'queue',
      summary: 'Both as a stream of server-sent events',
      description:
        'Events `ticket`, first of each number that waits, then at each change, as it is by then (`ended` when it is over), and events `request`, from the change after `Last-Event-ID` on, which is covered by the signature; without it from now on. A comment every 15 s says that the line stands.',
      answers: { 200: { description: 'Events without end', type: 'text/event-stream', schema: z.string() } },
      refusals: ['too-many'],
      handle: async ({ party, header, signal }) => {
        const given = header('last-event-id');
        if (given !== undefined && !eventIdPattern.test(given)) return fail('call-malformed', 'last-event-id');
        const followed = await book.follow();
        if (!followed.ok) return followed;
        const from = given === undefined ? book.newest() : ok(Number(given));
        if (!from.ok) return from;
        const begun = streams.begin(party.name, queueEvents(from.value, { tickets, book }, onFault), signal);
        return begun.ok ? answered(200, begun.value) : begun;
      },
    }),
  ];
}

export interface QueueParts {
  tickets: Tickets;
  book: QueueBook;
}

/** @param from number of the last change of a request that is known. */
function queueEvents(from: number, { tickets, book }: QueueParts, onFault: GatewayParts['onFault']): EventSource {
  let after = from;
  /** The newest of each number, so that a reader who stands still fills no memory. null: those that wait have not been told yet; what changes meanwhile is told as well, and comes to the same. */
  let told: Map<string, TicketEvent> | null = null;
  return {
    async next(): Promise<Result<readonly ServerEvent[]>> {
      if (told === null) {
        const waiting = tickets.tickets();
        if (!waiting.ok) return waiting;
        told = new Map(waiting.value.map((one) => [one.ticket, one]));
      }
      const changed = [...told.values()];
      told.clear();
      const requests = book.requests(after, page);
      if (!requests.ok) onFault('queue', requests.failure);
      const moved: FollowedRequest[] = requests.ok ? requests.value : [];
      after = moved.at(-1)?.seq ?? after;
      return ok([...changed.map((data): ServerEvent => ({ event: 'ticket', data })), ...moved.map((data): ServerEvent => ({ id: data.seq, event: 'request', data }))]);
    },
    listen(changed) {
      const ends = [
        tickets.onTicket((event) => {
          told?.set(event.ticket, event);
          changed();
        }),
        book.onRequest(changed),
      ];
      return () => {
        for (const end of ends) end();
      };
    },
  };
}
