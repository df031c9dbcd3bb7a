import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { Name } from '../ledger/verify/acts.ts';
import { toBase64url, toHex, utf8 } from '../ledger/verify/bytes.ts';
import type { Signer } from '../ledger/verify/envelope.ts';
import { changeEvent } from './change-event.ts';
import type { GatewayStore, Webhook } from './gateway-store.ts';
import { signMessage } from './http-signature.ts';
import type { AgencyKeeper } from './keeper-port.ts';
import { mayBeTold, publicLookup } from './webhook-target.ts';

export interface WebhookParts {
  keeper: Pick<AgencyKeeper, 'changes' | 'onChange'>;
  store: Pick<GatewayStore, 'webhooks' | 'keepWebhook' | 'dropWebhook'>;
  party: { name: Name; signer: Signer };
  /** That may be told in the clear. */
  loopbackOrigins: readonly string[];
  /** Unix milliseconds. */
  now: () => number;
  onFault: (where: string, error: unknown) => void;
}

const mostOfOne = 8;
const atOnce = 50;
const answerWithinMs = 10_000;
const longestPauseSeconds = 6 * 3600;

/** Seconds until the next try: 5 after the first failure, then twice as long each time, 6 h at most. */
export const pauseAfter = (failures: number): number => Math.min(longestPauseSeconds, 5 * 2 ** Math.min(failures - 1, 20));

/**
 * Tells agencies what concerns them, at the addresses they named: in order, each change until it was taken with a 2xx, over restarts as well. A change may
 * come twice (its `seq` says so), and never out of order. Each call is signed by the gateway (RFC 9421, tag `imi-webhook/1`).
 */
export class Webhooks {
  readonly #parts: WebhookParts;
  readonly #listening = new Map<string, () => void>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #ended = new AbortController();

  constructor(parts: WebhookParts) {
    this.#parts = parts;
  }

  start(): Result<null> {
    const kept = this.#parts.store.webhooks(null);
    if (!kept.ok) return kept;
    for (const webhook of kept.value) this.#listen(webhook);
    return ok(null);
  }

  async close(): Promise<void> {
    this.#ended.abort();
    for (const end of this.#listening.values()) end();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.all(this.#running.values());
  }

  list(agency: Name): Result<Webhook[]> {
    return this.#parts.store.webhooks(agency);
  }

  /** From the next change on, or from `after`. `address-refused`: not where a webhook may go. `too-many`: this agency has enough. */
  add(agency: Name, url: string, after: number): Result<Webhook, Failure | Failure<'address-refused' | 'too-many'>> {
    const { store, now, loopbackOrigins } = this.#parts;
    if (!mayBeTold(url, loopbackOrigins)) return fail('address-refused');
    const known = store.webhooks(agency);
    if (!known.ok) return known;
    const same = known.value.find((webhook) => webhook.url === url);
    if (same !== undefined) return ok(same);
    if (known.value.length >= mostOfOne) return fail('too-many');
    const webhook: Webhook = { id: new Uint8Array(randomBytes(16)), agency, url, after, made: Math.floor(now() / 1000), failures: 0, due: 0, lastStatus: null };
    const kept = store.keepWebhook(webhook);
    if (!kept.ok) return kept;
    this.#listen(webhook);
    return ok(webhook);
  }

  /** false: the agency has none of this id. */
  drop(agency: Name, id: Uint8Array): Result<boolean> {
    const dropped = this.#parts.store.dropWebhook(id, agency);
    if (dropped.ok && dropped.value) {
      const name = toHex(id);
      this.#listening.get(name)?.();
      this.#listening.delete(name);
      clearTimeout(this.#timers.get(name));
      this.#timers.delete(name);
    }
    return dropped;
  }

  #listen(webhook: Webhook): void {
    const name = toHex(webhook.id);
    const again = (): void => this.#tell(name, webhook.agency);
    this.#listening.set(name, this.#parts.keeper.onChange(webhook.agency, again));
    again();
  }

  /** One at a time for each. */
  #tell(name: string, agency: Name): void {
    if (this.#ended.signal.aborted || !this.#listening.has(name)) return;
    const before = this.#running.get(name) ?? Promise.resolve();
    const work = before
      .then(() => this.#deliver(name, agency))
      .catch((error: unknown) => this.#parts.onFault('webhook', error))
      .finally(() => {
        if (this.#running.get(name) === work) this.#running.delete(name);
      });
    this.#running.set(name, work);
  }

  async #deliver(name: string, agency: Name): Promise<void> {
    const { keeper, store, now } = this.#parts;
    for (;;) {
      if (this.#ended.signal.aborted) return;
      const kept = store.webhooks(agency);
      const webhook = kept.ok ? kept.value.find(({ id }) => toHex(id) === name) : undefined;
      if (webhook === undefined) return;
      const seconds = Math.floor(now() / 1000);
      if (webhook.due > seconds) {
        this.#wake(name, agency, webhook.due - seconds);
        return;
      }
      const changes = await keeper.changes(agency, webhook.after, atOnce);
      if (!changes.ok || changes.value.length === 0) return;
      const events = changes.value.map(changeEvent);
      const status = await this.#send(webhook, JSON.stringify({ webhook: name, agency, events }));
      if (this.#ended.signal.aborted) return;
      const taken = status >= 200 && status < 300;
      const failures = taken ? 0 : webhook.failures + 1;
      const told: Webhook = { ...webhook, after: taken ? (events.at(-1)?.seq ?? webhook.after) : webhook.after, failures, due: taken ? 0 : seconds + pauseAfter(failures), lastStatus: status };
      // Dropped while it was being told: it stays so.
      const still = store.webhooks(agency);
      if (!still.ok || !still.value.some(({ id }) => toHex(id) === name) || !store.keepWebhook(told).ok) return;
    }
  }

  #wake(name: string, agency: Name, seconds: number): void {
    clearTimeout(this.#timers.get(name));
    this.#timers.set(name, setTimeout(() => this.#tell(name, agency), seconds * 1000).unref());
  }

  /** HTTP status; 0: not reached, or where it may not go. */
  async #send({ url }: Webhook, body: string): Promise<number> {
    const { party, now, loopbackOrigins } = this.#parts;
    if (!mayBeTold(url, loopbackOrigins)) return 0;
    const target = new URL(url);
    const content = utf8(body);
    const created = Math.floor(now() / 1000);
    const message = { method: 'POST', authority: target.host, path: target.pathname, query: target.search === '' ? '?' : target.search, headers: {}, body: content };
    const signed = await signMessage(message, 'imi-webhook/1', { keyId: party.name, created, expires: created + 60, nonce: toBase64url(randomBytes(18)) }, party.signer);
    const isSecure = target.protocol === 'https:';
    return new Promise((resolve) => {
      const sent = (isSecure ? httpsRequest : httpRequest)(
        target,
        {
          method: 'POST',
          headers: { ...signed, 'content-type': 'application/json', 'content-length': String(content.length) },
          signal: AbortSignal.any([AbortSignal.timeout(answerWithinMs), this.#ended.signal]),
          ...(isSecure ? { lookup: publicLookup } : {}),
          agent: false,
        },
        (response) => {
          // Only that it was taken matters; what it says is not read.
          response.destroy();
          resolve(response.statusCode ?? 0);
        },
      );
      sent.on('error', () => resolve(0));
      sent.end(content);
    });
  }
}
