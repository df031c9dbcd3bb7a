import { randomBytes } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { gatewayClient, type GatewayClient } from '../gateway/client.ts';
import { secretsOf } from '../hub/key-file.ts';
import { ed25519Signer } from '../ledger/node-signer.ts';
import { toBase64url } from '../ledger/verify/bytes.ts';
import { reachedBy, readAs, writeFounding } from './agency-config.ts';
import { readWords } from './arguments.ts';
import { timeText } from './time-text.ts';

export const usage = [
  'imi queue init --dir DIR --name NAME --gateway URL',
  'imi queue tickets --config FILE [--json]',
  'imi queue call TICKET COUNTER --config FILE [--json]',
  'imi queue requests --config FILE [--after SEQ] [--json]',
  'imi queue watch --config FILE [--after SEQ] [--json]',
].join('\n');

/** queue.json: paths are relative to it. */
const configSchema = z.strictObject({
  /** As the hub's server file names it. */
  queue: z.string().regex(/^[a-z0-9-]{3,40}$/),
  gateway: z.url({ protocol: /^https?$/ }),
  key: z.string().default('queue.key.json'),
  /** Certificate of the authority behind the gateway's, where it is no public one. */
  ca: z.string().optional(),
});

type Failed = Failure<string>;

const options = { config: { type: 'string' }, dir: { type: 'string' }, name: { type: 'string' }, gateway: { type: 'string' }, after: { type: 'string' }, json: { type: 'boolean' } } as const;

/** The hub's queue system from a terminal: to follow it, to call a number, and to try the key. */
export async function run(args: string[]): Promise<number> {
  let read: ReturnType<typeof readWords<typeof options>>;
  try {
    read = readWords(args, options);
  } catch (error) {
    return finish(fail('usage', `${error instanceof Error ? error.message : ''}\n${usage}`));
  }
  const { values, positionals: [action, ...words] } = read;
  if (action === 'init') return finish(words.length === 0 ? init(values.dir, values.name, values.gateway) : fail('usage', usage));
  if (values.config === undefined) return finish(fail('usage', usage));
  const client = openQueue(values.config);
  if (!client.ok) return finish(client);
  const say = (line: string, whole: unknown): void => void process.stdout.write(`${values.json === true ? JSON.stringify(whole) : line}\n`);
  return finish(await act(action ?? '', words, client.value, values.after, say));
}

const ticketSchema = z.object({ ticket: z.string(), state: z.enum(['waiting', 'called', 'ended']), counter: z.string().nullable(), until: z.int().nullable() });
const requestSchema = z.object({ seq: z.int(), reference: z.string(), step: z.string(), at: z.int() });

const ticketLine = ({ ticket, state, counter, until }: z.infer<typeof ticketSchema>): string =>
  `${ticket}  ${counter === null ? state : `${state} to counter ${counter}`}${until === null ? '' : `  until ${timeText(until)}`}`;
const requestLine = ({ seq, reference, step, at }: z.infer<typeof requestSchema>): string => `${seq}  ${timeText(at)}  ${reference}  ${step}`;

async function act(action: string, words: readonly string[], client: GatewayClient, after: string | undefined, say: (line: string, whole: unknown) => void): Promise<Result<null, Failed>> {
  const [ticket, counter] = words;
  if (words.length !== (action === 'call' ? 2 : 0)) return fail('usage', usage);
  switch (action) {
    case 'tickets': {
      const listed = await read(client.call('GET', '/v1/queue/tickets'), z.object({ items: z.array(ticketSchema) }));
      if (listed.ok) for (const one of listed.value.items) say(ticketLine(one), one);
      return listed.ok ? ok(null) : listed;
    }
    case 'call': {
      if (!/^[A-Z][0-9]{3}$/.test(ticket ?? '') || !/^[1-9][0-9]{0,2}$/.test(counter ?? '')) return fail('usage', 'a ticket is a letter and three digits, a counter a number');
      const called = await read(client.call('PUT', `/v1/queue/tickets/${ticket ?? ''}/counter`, { body: { counter } }), ticketSchema);
      if (called.ok) say(ticketLine(called.value), called.value);
      return called.ok ? ok(null) : called;
    }
    case 'requests':
      return requests(client, after, say);
    case 'watch':
      return watch(client, after, say);
    default:
      return fail('usage', usage);
  }
}

async function requests(client: GatewayClient, after: string | undefined, say: (line: string, whole: unknown) => void): Promise<Result<null, Failed>> {
  for (let from = after; ; ) {
    const listed = await read(client.call('GET', '/v1/queue/requests', { query: { after: from } }), z.object({ items: z.array(requestSchema) }));
    if (!listed.ok) return listed;
    for (const one of listed.value.items) say(requestLine(one), one);
    const last = listed.value.items.at(-1);
    if (last === undefined) return ok(null);
    from = String(last.seq);
  }
}

/** Until it is told to stop, or the gateway ends it. */
async function watch(client: GatewayClient, after: string | undefined, say: (line: string, whole: unknown) => void): Promise<Result<null, Failed>> {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
  const events = await client.events('/v1/queue/events', end.signal, after);
  if (!events.ok) return events;
  for await (const { event, data } of events.value) {
    const whole: unknown = JSON.parse(data);
    const line = event === 'ticket' ? ticketLine(ticketSchema.parse(whole)) : requestLine(requestSchema.parse(whole));
    say(line, { event, ...(whole as object) });
  }
  return end.signal.aborted ? ok(null) : fail('hub-unreachable', 'the gateway ended it');
}

async function read<T>(answered: ReturnType<GatewayClient['call']>, schema: z.ZodType<T>): Promise<Result<T, Failed>> {
  const answer = await answered;
  if (!answer.ok) return answer;
  const parsed = schema.safeParse(answer.value.body);
  return parsed.success ? ok(parsed.data) : fail('hub-unreachable', 'not as it is described');
}

function openQueue(path: string): Result<GatewayClient, Failed> {
  const config = readAs(path, configSchema);
  if (!config.ok) return config;
  const at = (name: string): string => resolve(dirname(path), name);
  const { queue, gateway, key, ca } = config.value;
  const keys = secretsOf(at(key), ['sign']);
  if (!keys.ok) return keys;
  const reached = reachedBy(gateway, ca === undefined ? null : at(ca));
  return reached.ok ? ok(gatewayClient({ ...reached.value, party: { name: `queue:${queue}`, signer: ed25519Signer(keys.value.sign) }, now: Date.now })) : reached;
}

function init(dir: string | undefined, name: string | undefined, gateway: string | undefined): Result<null, Failed> {
  if (dir === undefined || name === undefined || gateway === undefined) return fail('usage', usage);
  const checked = configSchema.safeParse({ queue: name, gateway });
  if (!checked.success) return fail('usage', 'a name is 3 to 40 of a-z, 0-9 and -; a gateway an http or https address');
  const sign = new Uint8Array(randomBytes(32));
  const written = writeFounding(dir, 'queue', checked.data, { sign });
  if (!written.ok) return written;
  process.stdout.write(`${JSON.stringify({ queue: { name, key: toBase64url(ed25519Signer(sign).key[1]) } }, null, 2)}\n`);
  process.stderr.write('This goes into the hub’s server file, under "gateway". The key stays here.\n');
  return ok(null);
}

function finish(outcome: Result<null, Failed>): number {
  if (outcome.ok) return 0;
  const { code, detail } = outcome.failure;
  if (code === 'usage') {
    process.stderr.write(`${detail ?? usage}\n`);
    return 2;
  }
  process.stderr.write(`imi queue: ${code}${detail === undefined ? '' : ` (${detail})`}\n`);
  return 1;
}
