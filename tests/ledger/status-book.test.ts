import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fail, ok } from '../../src/contract/result.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';
import { openStatusBook, type FollowedLedger, type StatusBook } from '../../src/ledger/status-book.ts';
import type { Act } from '../../src/ledger/verify/acts.ts';
import { toHex } from '../../src/ledger/verify/bytes.ts';
import { signEnvelope } from '../../src/ledger/verify/envelope.ts';
import { encodeRecord, stateKey, type CredentialRecord } from '../../src/ledger/verify/records.ts';

const signer = ed25519Signer(Buffer.alloc(32, 1));
const idOf = (n: number): Uint8Array => new Uint8Array(16).fill(n);

/** As much of a ledger as is followed: envelopes in order, and the records that came of them. */
class Followed implements FollowedLedger {
  readonly log: Uint8Array[] = [];
  readonly records = new Map<string, CredentialRecord>();
  asked = 0;

  async anchor(n: number, by: string, status: number): Promise<void> {
    this.records.set(toHex(stateKey.credential(idOf(n))), { id: idOf(n), subject: idOf(99), by, status, state: 'valid', since: 1 });
    await this.append({ kind: 'credential.anchor', subject: idOf(99), id: idOf(n), status, private: [-16, new Uint8Array(32)] });
  }

  revoke(n: number): Promise<void> {
    return this.append({ kind: 'credential.revoke', subject: idOf(99), id: idOf(n), private: [-16, new Uint8Array(32)] });
  }

  async append(act: Act): Promise<void> {
    this.log.push(await signEnvelope({ v: 1, chain: 'test', nonce: new Uint8Array(16).fill(this.log.length), notAfter: 1, acts: [act] }, [signer], nodeCrypto));
  }

  entries(from: number, count: number): ReturnType<FollowedLedger['entries']> {
    this.asked += 1;
    return Promise.resolve(ok(this.log.slice(from, from + count)));
  }

  values(keys: readonly Uint8Array[]): ReturnType<FollowedLedger['values']> {
    return Promise.resolve(
      ok(
        keys.map((key) => {
          const record = this.records.get(toHex(key));
          return record === undefined ? null : encodeRecord('credential', record);
        }),
      ),
    );
  }
}

let folder: string;
let ledger: Followed;
let book: StatusBook;
const opened = (): StatusBook => {
  const made = openStatusBook(join(folder, 'status.sqlite'), ledger, nodeCrypto);
  if (!made.ok) throw new Error(made.failure.code);
  return made.value;
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'status-'));
  ledger = new Followed();
  book = opened();
});
afterEach(() => {
  book.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('what is revoked', () => {
  it('is told by who anchored it, over a restart, without reading the log again', async () => {
    await ledger.anchor(1, 'registrar', 0);
    await ledger.anchor(2, 'gateway', 0);
    await ledger.anchor(3, 'gateway', 7);
    expect(await book.follow()).toEqual(ok(false));
    await ledger.revoke(3);
    expect(await book.follow()).toEqual(ok(true));
    expect(await book.follow()).toEqual(ok(false));
    book.close();
    book = opened();
    expect(book.revoked('gateway')).toEqual(ok({ indices: [7], entries: 8 }));
    expect(book.revoked('registrar')).toEqual(ok({ indices: [], entries: 1 }));
    const before = ledger.asked;
    await book.follow();
    expect(ledger.asked - before).toBe(1);
  });

  it('is told of a log of any length', async () => {
    for (let n = 0; n < 600; n++) await ledger.append({ kind: 'resident.block', subject: idOf(1), reason: 'lost' });
    await ledger.anchor(1, 'registrar', 3);
    await ledger.revoke(1);
    await book.follow();
    expect(book.revoked('registrar')).toEqual(ok({ indices: [3], entries: 4 }));
  });

  it('is not told where the ledger cannot be read', async () => {
    ledger.entries = () => Promise.resolve(fail('hub-busy'));
    const followed = await book.follow();
    expect(!followed.ok && followed.failure.code).toBe('hub-busy');
  });
});

describe('an index', () => {
  it("is one credential's, before it is in the log and after", async () => {
    expect(await book.claim('gateway', 5, idOf(1))).toEqual(ok(true));
    expect(await book.claim('gateway', 5, idOf(1))).toEqual(ok(true));
    expect(await book.claim('gateway', 5, idOf(2))).toEqual(ok(false));
    expect(await book.claim('registrar', 5, idOf(2))).toEqual(ok(true));
    await ledger.anchor(1, 'gateway', 5);
    expect(await book.claim('gateway', 5, idOf(2))).toEqual(ok(false));
    expect(await book.claim('gateway', 5, idOf(1))).toEqual(ok(true));
    expect(await book.claim('gateway', 6, idOf(2))).toEqual(ok(true));
  });
});
