import { nodeCrypto } from './node-crypto.ts';
import { judgeOpened } from './rules.ts';
import { SeedCalendar, type SeedSize } from './seed-calendar.ts';
import { seedDistrict, type SeedDistrict } from './seed-district.ts';
import { SeededLife, type SeededTransaction } from './seed-life.ts';
import type { SeedState } from './seed-state.ts';
import { toHex } from './verify/bytes.ts';
import type { Crypto } from './verify/crypto.ts';
import { assembleEnvelope, encodeBody, keyId, type EnvelopeSigner } from './verify/envelope.ts';
import { leafHash } from './verify/merkle-log.ts';
import { stateKey } from './verify/records.ts';
import type { PublicKey } from './verify/acts.ts';

export interface SeedEntry {
  id: Uint8Array;
  envelope: Uint8Array;
  leaf: Uint8Array;
  /** Number of the resident whom it touches. */
  subject: number;
}

/** Nobody's residents and kiosk are another's: what happens in one says nothing of what happens in the others, so they are made side by side. */
export const streamCount = ({ residents }: SeedSize, { kiosks }: SeedDistrict): number => Math.min(kiosks.length, residents);

const noSignature = new Uint8Array(64);
/** The rules as they are, but for the two checks that take a signature or a real key. */
const unsigned: { crypto: Crypto; isSoundKey: () => boolean } = {
  crypto: { sha256: (bytes) => nodeCrypto.sha256(bytes), verify: () => true },
  isSoundKey: () => true,
};

/** One of the district's streams: entry i of the log is of stream i modulo their number. Every entry is judged by the rules, at a time and height of its own. */
export class SeedStream {
  readonly #size: SeedSize;
  readonly #district: SeedDistrict;
  readonly #calendar: SeedCalendar;
  readonly #life: SeededLife;
  readonly #state: SeedState;
  /** The last of those that are remembered, the oldest first. */
  #remembered: { notAfter: number; id: Uint8Array }[] = [];
  #forgotten = 0;

  constructor(size: SeedSize, number: number, state: SeedState) {
    this.#size = size;
    this.#district = seedDistrict(size.seed);
    this.#calendar = new SeedCalendar(size, this.#district.genesis);
    this.#life = new SeededLife(size, this.#district, { number, count: streamCount(size, this.#district) });
    this.#state = state;
  }

  take(index: number): SeedEntry {
    const { residents } = this.#size;
    const time = this.#calendar.timeOf(index);
    const transaction = index < residents ? this.#life.register(index, time) : this.#life.next(time);
    const isFinal = index < residents ? finalAtRegistration(transaction) : finalAfter;
    const { body, signers, subject, finished } = transaction;
    const bodyBytes = encodeBody(body);
    const id = nodeCrypto.sha256(bodyBytes);
    const place = { chain: body.chain, height: this.#calendar.heightOf(index), time, logIndex: index };
    const judged = judgeOpened(this.#state, { id, body, bodyBytes, signers: signers.map(unsignedBy) }, place, unsigned);
    if (!judged.ok) throw new Error(`seeded entry ${index} is refused: ${judged.failure.code} ${judged.failure.detail ?? ''}`);
    this.#state.take(judged.value.draft, isFinal);
    if (finished !== null) {
      this.#state.finish(stateKey.grant(finished.grant));
      this.#state.finish(stateKey.request(finished.request));
    }
    this.#remembered.push({ notAfter: body.notAfter, id });
    this.forget(time);
    const envelope = assembleEnvelope(bodyBytes, signers.map((key) => ({ key, signature: noSignature })), nodeCrypto);
    return { id, envelope, leaf: leafHash(envelope, nodeCrypto), subject };
  }

  /** Ids whose own `notAfter` is past. */
  forget(time: number): void {
    for (let due = this.#remembered[this.#forgotten]; due !== undefined && due.notAfter < time; due = this.#remembered[this.#forgotten]) {
      this.#state.put(stateKey.tx(due.id), null);
      this.#forgotten += 1;
    }
    if (this.#forgotten <= 10_000) return;
    this.#remembered = this.#remembered.slice(this.#forgotten);
    this.#forgotten = 0;
  }
}

const keyIds = new WeakMap<PublicKey, Uint8Array>();

function unsignedBy(key: PublicKey): EnvelopeSigner {
  const kid = keyIds.get(key) ?? keyId(key, nodeCrypto);
  keyIds.set(key, kid);
  return { alg: -19, kid, input: noSignature, signature: noSignature };
}

/** A read is never asked for again; of a card's keys only the one that signs. */
const finalAfter = (name: string): boolean => name.startsWith('access/');

function finalAtRegistration({ signers }: SeededTransaction): (name: string) => boolean {
  const signing = signers.map((key) => `key/${toHex(keyId(key, nodeCrypto))}`);
  return (name) => name.startsWith('key/') && !signing.includes(name);
}
