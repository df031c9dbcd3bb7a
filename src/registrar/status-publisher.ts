import { randomBytes } from 'node:crypto';
import { fail, ok, type Result } from '../contract/result.ts';
import { hashOf } from '../identity/grant.ts';
import { signStatusList, statusInvalid, StatusList } from '../identity/status-list.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { StatusBook } from '../ledger/status-book.ts';
import type { StatusLists } from '../ledger/status-lists.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { openEnvelope, signEnvelope } from '../ledger/verify/envelope.ts';
import { decodeRecord, stateKey } from '../ledger/verify/records.ts';
import type { IssuerKeys } from './issuer.ts';

export interface StatusPublisherParts {
  ledger: Pick<Ledger, 'chain' | 'values' | 'receipt' | 'onBlock'>;
  book: StatusBook;
  lists: StatusLists;
  issuer: IssuerKeys;
  /** Gives an envelope to the ledger. */
  submit(envelope: Uint8Array): Promise<Result<{ state: string; code?: string }>>;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
  onFault: (where: string, error: unknown) => void;
}

/** Whoever trusts a list for a while sees it confirmed each day. */
const renewedAfterSeconds = 86_400;
const envelopeLifetimeSeconds = 3600;
const recordWaitMs = 10_000;

/** Publishes the registrar's status list: with its first credential, after every block with a revocation, and at a start where it is a day old. */
export class StatusPublisher {
  readonly #parts: StatusPublisherParts;
  readonly #unlisten: () => void;
  #working: Promise<void> = Promise.resolve();
  #closed = false;
  /** There is a list. */
  #isBegun = false;

  constructor(parts: StatusPublisherParts) {
    this.#parts = parts;
    this.#unlisten = parts.ledger.onBlock(({ transactions }) => {
      const kinds = transactions.flatMap(({ body }) => body.acts.map(({ kind }) => kind));
      if (kinds.includes('credential.revoke') || (!this.#isBegun && kinds.includes('credential.anchor'))) this.#later();
    });
  }

  #later(): void {
    void this.publish().then((published) => {
      if (!published.ok) this.#parts.onFault('status-list', published.failure);
    });
  }

  /** Idempotent: nothing happens where the newest list says what the ledger does. One after the other; answers when it is recorded. */
  publish(): Promise<Result<null>> {
    const published = this.#working.then(() => (this.#closed ? ok(null) : this.#publish()));
    this.#working = published.then(() => undefined);
    return published;
  }

  async #publish(): Promise<Result<null>> {
    const { ledger, book, lists, issuer, submit, crypto, now } = this.#parts;
    const followed = await book.follow();
    if (!followed.ok) return followed;
    const known = book.revoked(issuer.name);
    if (!known.ok) return known;
    const values = await ledger.values([stateKey.status(issuer.name)]);
    if (!values.ok) return values;
    const [value] = values.value;
    const last = value === null || value === undefined ? null : decodeRecord('status', value);
    const seconds = Math.floor(now() / 1000);
    const at = last === null ? seconds : Math.max(seconds, last.at + 1);

    this.#isBegun = last !== null;
    if (last === null && known.value.entries === 0) return ok(null);
    const list = StatusList.withRoomFor(known.value.entries);
    for (const index of known.value.indices) list.set(index, statusInvalid);
    const newest = await lists.newest(issuer.name);
    if (!newest.ok) return newest;
    const isCurrent = last !== null && newest.value !== null && seconds - last.at < renewedAfterSeconds && newest.value === signStatusList(list, issuer.name, last.at, issuer.sign);
    if (isCurrent) return ok(null);

    const token = signStatusList(list, issuer.name, at, issuer.sign);
    const kept = lists.put(token);
    if (!kept.ok) return kept;
    const body = {
      v: 1 as const,
      chain: ledger.chain,
      nonce: new Uint8Array(randomBytes(16)),
      notAfter: seconds + envelopeLifetimeSeconds,
      acts: [{ kind: 'status.publish' as const, issuer: issuer.name, list: hashOf(Buffer.from(token, 'ascii')), at }],
    };
    const envelope = await signEnvelope(body, [issuer], crypto);
    const submitted = await submit(envelope);
    if (!submitted.ok) return submitted;
    if (submitted.value.state === 'rejected') return fail('request-rejected', submitted.value.code);
    this.#isBegun = true;
    const opened = openEnvelope(envelope, crypto);
    const recorded = opened.ok ? await ledger.receipt(opened.value.id, recordWaitMs) : ok(null);
    return recorded.ok ? ok(null) : recorded;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#unlisten();
    await this.#working;
  }
}
