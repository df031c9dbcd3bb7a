import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { SpaceObject } from '../contract/hub-door.ts';
import { ok, type Result } from '../contract/result.ts';
import type { ActKind } from '../ledger/verify/acts.ts';
import { formerKeyPlace } from '../identity/space.ts';
import { guarded, guardedResult } from '../ledger/sqlite-guard.ts';
import { formerPart } from './replacement.ts';
import { layOutStore } from './sqlite-schema.ts';
import type { Concern, KeeperStore, Kept, KeptTransaction, NewSpace, Settled, Step, StoredChange, StoredGrant, StoredRequest, Tag } from './store.ts';

type Row = Record<string, unknown>;
const bytesOf = (value: unknown): Uint8Array => {
  if (!(value instanceof Uint8Array)) throw new TypeError('not a BLOB');
  return value;
};
const numberOf = (value: unknown): number => {
  if (typeof value !== 'number') throw new TypeError('not an INTEGER');
  return value;
};
const textOf = (value: unknown): string => {
  if (typeof value !== 'string') throw new TypeError('not a TEXT');
  return value;
};

const selectRequest = `
  SELECT request.seq, request.id, request.subject, step, request.at, request.tx, kept.sealed AS keeper_part, own.sealed AS agency_part, typed.sealed AS answers FROM request
  JOIN payload kept ON kept.tx = request.tx AND kept.act = request.act AND kept.what = 'part' AND kept.addressee = 'keeper'
  JOIN payload own ON own.tx = request.tx AND own.act = request.act AND own.what = 'part' AND own.addressee = 'agency'
  JOIN payload typed ON typed.tx = request.tx AND typed.act = request.act AND typed.what = 'answers' AND typed.addressee = 'agency'`;

const grantOf = (row: Row): StoredGrant => ({
  seq: numberOf(row['seq']),
  id: bytesOf(row['id']),
  subject: bytesOf(row['subject']),
  at: numberOf(row['at']),
  transaction: bytesOf(row['tx']),
  keeperPart: bytesOf(row['keeper_part']),
  agencyPart: bytesOf(row['agency_part']),
});
const requestOf = (row: Row): StoredRequest => ({ ...grantOf(row), step: textOf(row['step']) as Step, answers: bytesOf(row['answers']) });
const changeOf = (row: Row): StoredChange => ({
  seq: numberOf(row['seq']),
  kind: textOf(row['kind']) as StoredChange['kind'],
  subject: row['subject'] === null ? null : bytesOf(row['subject']),
  id: bytesOf(row['id']),
  step: row['step'] === null ? null : (textOf(row['step']) as Step),
  at: numberOf(row['at']),
  transaction: row['tx'] === null ? null : bytesOf(row['tx']),
});

/** Opens or makes the file, or brings an older one to today's form: WAL, synchronous FULL. `hub-storage` where it cannot be opened, is damaged or is another program's. */
export function openKeeperStore(path: string): Result<KeeperStore & { readonly database: DatabaseSync }> {
  return guardedResult(() => {
    const database = new DatabaseSync(path);
    try {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON; PRAGMA busy_timeout = 2000');
      const laidOut = layOutStore(database);
      if (laidOut.ok) return ok(sqliteStore(database));
      database.close();
      return laidOut;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

function sqliteStore(database: DatabaseSync): KeeperStore & { readonly database: DatabaseSync } {
  const prepared = new Map<string, StatementSync>();
  const statement = (sql: string): StatementSync => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const fresh = database.prepare(sql);
    prepared.set(sql, fresh);
    return fresh;
  };
  const settled = <T>(work: () => T): Promise<Result<T>> => Promise.resolve(guarded(work));
  const atomic = <T>(work: () => T): Promise<Result<T>> =>
    settled(() => {
      database.exec('BEGIN IMMEDIATE');
      try {
        const value = work();
        database.exec('COMMIT');
        return value;
      } catch (error) {
        // A full disk may have rolled back already.
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    });

  const putTransaction = (transaction: Pick<KeptTransaction, 'id' | 'resident' | 'counter'>, envelope: Uint8Array | null, state: string, code: string | null, receipt: Uint8Array | null = null): void => {
    statement('INSERT INTO tx (id, resident, counter, envelope, state, code, receipt, concerned) VALUES (?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT (id) DO NOTHING').run(
      transaction.id,
      transaction.resident,
      transaction.counter,
      envelope,
      state,
      code,
      receipt,
    );
  };

  const putConcern = (tx: Uint8Array, { act, kind, agency, subject, id, service, step }: Concern): void => {
    statement('INSERT INTO concern (tx, act, kind, agency, subject, id, service, step) VALUES (?, ?, ?, ?, ?, ?, ?, ?)').run(tx, act, kind, agency, subject, id, service, step);
  };

  const putChange = (agency: Tag, { kind, subject, id, step, at, tx }: Record<'kind' | 'subject' | 'id' | 'step' | 'at' | 'tx', SQLInputValue>): number => {
    const seq = numberOf(statement('SELECT coalesce(max(seq), 0) + 1 AS next FROM change WHERE agency = ?').get(agency)?.['next']);
    statement('INSERT INTO change (agency, seq, kind, subject, id, step, at, tx) VALUES (?, ?, ?, ?, ?, ?, ?, ?)').run(agency, seq, kind, subject, id, step, at, tx);
    return seq;
  };

  /** What was noted of whom a transaction concerns stands in the agencies' own lists from now on. */
  const tell = (tx: Uint8Array, at: number, index: number): Tag[] => {
    const concerns = statement('SELECT act, kind, agency, subject, id, service, step FROM concern WHERE tx = ? ORDER BY act').all(tx);
    const agencies: Tag[] = [];
    for (const row of concerns) {
      const { act = null, kind = null, subject = null, id = null, service = null, step = null } = row;
      const agency = bytesOf(row['agency']);
      const seq = putChange(agency, { kind, subject, id, step, at, tx });
      if (kind === 'request.submit') {
        statement('INSERT INTO request (agency, seq, id, subject, service, step, stepped, at, tx, act) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)').run(agency, seq, id, subject, service, step, index, at, tx, act);
      } else if (kind === 'grant.give') {
        statement('INSERT INTO grant_of (agency, seq, id, subject, at, tx, act) VALUES (?, ?, ?, ?, ?, ?, ?)').run(agency, seq, id, subject, at, tx, act);
      } else if (step !== null) {
        // Two steps that were recorded close together may be settled in either order.
        statement('UPDATE request SET step = ?, stepped = ? WHERE agency = ? AND id = ? AND stepped <= ?').run(step, index, agency, id, index);
      }
      agencies.push(agency);
    }
    statement('DELETE FROM concern WHERE tx = ?').run(tx);
    statement('UPDATE tx SET concerned = 1 WHERE id = ?').run(tx);
    return agencies;
  };

  /** What lay in the space is under the former key from now on; who knows the resident is told. */
  const applyReplacements = (tx: Uint8Array, at: number): Tag[] => {
    const told: Tag[] = [];
    for (const row of statement("SELECT subject, number, enc, ciphertext, recovery_enc, recovery_ciphertext FROM replacement WHERE tx = ? AND state = 'waiting'").all(tx)) {
      const { subject = null, number = null, enc = null, ciphertext = null, recovery_enc = null, recovery_ciphertext = null } = row;
      statement("DELETE FROM object WHERE resident = ? AND name LIKE 'former/%/key'").run(subject);
      statement("UPDATE object SET name = 'former/' || ? || '/' || name WHERE resident = ? AND name NOT LIKE 'former/%'").run(String(number), subject);
      statement('UPDATE space SET enc = ?, ciphertext = ?, recovery_enc = ?, recovery_ciphertext = ? WHERE resident = ?').run(enc, ciphertext, recovery_enc, recovery_ciphertext, subject);
      for (const former of statement('SELECT number, sealed FROM former_key WHERE tx = ? AND subject = ?').all(tx, subject)) {
        const { sealed = null } = former;
        statement('INSERT INTO object (resident, name, sealed, at, counter) VALUES (?, ?, ?, ?, 0)').run(subject, formerKeyPlace(numberOf(former['number'])), sealed, at);
      }
      for (const known of statement('SELECT DISTINCT agency FROM change WHERE subject = ?').all(subject)) {
        const agency = bytesOf(known['agency']);
        putChange(agency, { kind: 'resident.replace', subject, id: subject, step: null, at, tx });
        told.push(agency);
      }
    }
    statement('DELETE FROM former_key WHERE tx = ?').run(tx);
    statement("UPDATE replacement SET state = 'applied' WHERE tx = ? AND state = 'waiting'").run(tx);
    return told;
  };

  const settleRecorded = ({ id, at, index }: Extract<Settled, { state: 'recorded' }>, counter: unknown): Tag[] => {
    const replaced = applyReplacements(id, at);
    // Two requests of one card may be recorded out of order: the later signature's map of typed facts stays.
    statement(
      `INSERT INTO object (resident, name, sealed, at, counter)
       SELECT subject, place, sealed, ?1, ?2 FROM payload WHERE tx = ?3 AND place IS NOT NULL AND withheld = 0
       ON CONFLICT (resident, name) DO UPDATE SET sealed = excluded.sealed, at = excluded.at, counter = excluded.counter
       WHERE excluded.counter > object.counter`,
    ).run(at, typeof counter === 'number' ? counter : 0, id);
    statement('DELETE FROM payload WHERE tx = ? AND place IS NOT NULL AND withheld = 0').run(id);
    statement('DELETE FROM object WHERE (resident, name) IN (SELECT subject, place FROM removal WHERE tx = ?)').run(id);
    statement('DELETE FROM removal WHERE tx = ?').run(id);
    statement("UPDATE tx SET state = 'recorded', envelope = NULL, at = ?, log_index = ? WHERE id = ?").run(at, index, id);
    return [...replaced, ...tell(id, at, index)];
  };

  const settleRejected = (id: Uint8Array, code: string): void => {
    statement("UPDATE tx SET state = 'rejected', code = ?, envelope = NULL, receipt = NULL WHERE id = ?").run(code, id);
    for (const table of ['payload', 'concern', 'removal', 'once', 'replacement', 'former_key'] as const) statement(`DELETE FROM ${table} WHERE tx = ?`).run(id);
  };

  return {
    database,
    foundSpace: ({ resident, wrapped, recovery }: NewSpace) =>
      settled(() => {
        statement('INSERT INTO space (resident, enc, ciphertext, recovery_enc, recovery_ciphertext) VALUES (?, ?, ?, ?, ?) ON CONFLICT (resident) DO NOTHING').run(
          resident,
          wrapped.enc,
          wrapped.ciphertext,
          recovery.enc,
          recovery.ciphertext,
        );
        return null;
      }),

    space: (resident) =>
      settled(() => {
        const row = statement('SELECT enc, ciphertext, last_opened FROM space WHERE resident = ?').get(resident);
        if (row === undefined) return null;
        const objects = statement('SELECT name, sealed, at FROM object WHERE resident = ? ORDER BY at, name').all(resident).map(
          (object: Row): SpaceObject => ({ name: String(object['name']), sealed: bytesOf(object['sealed']), at: numberOf(object['at']) }),
        );
        const knownCounters = statement(
          `SELECT counter FROM tx WHERE resident = ?1 AND state <> 'recorded' AND counter IS NOT NULL
           UNION SELECT counter FROM broken_off WHERE resident = ?1 ORDER BY counter`,
        )
          .all(resident)
          .map((counted: Row) => numberOf(counted['counter']));
        return {
          wrapped: { enc: bytesOf(row['enc']), ciphertext: bytesOf(row['ciphertext']) },
          objects,
          knownCounters,
          lastOpened: row['last_opened'] === null ? null : numberOf(row['last_opened']),
        };
      }),

    recovery: (resident) =>
      settled(() => {
        const row = statement('SELECT recovery_enc, recovery_ciphertext FROM space WHERE resident = ?').get(resident);
        if (row === undefined) return null;
        const replaced = statement("SELECT coalesce(max(number), 0) AS number FROM replacement WHERE subject = ? AND state <> 'waiting'").get(resident);
        const formers = statement("SELECT name, sealed FROM object WHERE resident = ? AND name LIKE 'former/%/key' ORDER BY name").all(resident);
        return {
          recovery: { enc: bytesOf(row['recovery_enc']), ciphertext: bytesOf(row['recovery_ciphertext']) },
          formers: formers.map((former: Row) => ({ number: Number(textOf(former['name']).split('/')[1]), sealed: bytesOf(former['sealed']) })),
          replaced: numberOf(replaced?.['number']),
        };
      }),

    toReseal: () =>
      settled(() => {
        const row = statement("SELECT subject FROM replacement WHERE state = 'applied' ORDER BY subject LIMIT 1").get();
        if (row === undefined) return null;
        const subject = bytesOf(row['subject']);
        const parts = statement("SELECT name FROM object WHERE resident = ? AND name LIKE 'former/%/part/%' ORDER BY name")
          .all(subject)
          .flatMap((object: Row) => {
            const former = textOf(object['name']);
            const part = formerPart(former);
            const own = part === null ? undefined : statement("SELECT sealed FROM payload WHERE tx = ? AND act = ? AND what = 'part' AND addressee = 'keeper'").get(part.transaction, part.act);
            return own === undefined ? [] : [{ former, sealed: bytesOf(own['sealed']) }];
          });
        return { subject, parts };
      }),

    reseal: (subject, parts) =>
      atomic(() => {
        for (const { former, name, sealed } of parts) {
          statement('UPDATE object SET name = ?, sealed = ? WHERE resident = ? AND name = ?').run(name, sealed, subject, former);
        }
        statement("UPDATE replacement SET state = 'resealed' WHERE subject = ? AND state = 'applied'").run(subject);
        return null;
      }),

    noteOpened: (resident, at) =>
      settled(() => {
        statement('UPDATE space SET last_opened = ? WHERE resident = ?').run(at, resident);
        return null;
      }),

    noteBrokenOff: (resident, counter) =>
      settled(() => {
        statement('INSERT INTO broken_off (resident, counter) VALUES (?, ?) ON CONFLICT DO NOTHING').run(resident, counter);
        return null;
      }),

    keep: (transaction) =>
      atomic((): Kept => {
        const { id, once, payloads, concerns, removals, replacements } = transaction;
        if (statement('SELECT 1 FROM tx WHERE id = ?').get(id) !== undefined) return 'known';
        if (once.some(({ name }) => statement('SELECT 1 FROM once WHERE name = ?').get(name) !== undefined)) return 'used';
        putTransaction(transaction, transaction.envelope, 'queued', null, transaction.receipt);
        for (const { name, order, until } of once) statement('INSERT INTO once (name, order_id, tx, until) VALUES (?, ?, ?, ?)').run(name, order, id, until);
        for (const { act, kind, what, to, subject, actId, place, sealed, withheld = false } of payloads) {
          statement('INSERT INTO payload (tx, act, kind, what, addressee, subject, act_id, place, sealed, withheld) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
            id,
            act,
            kind,
            what,
            to,
            subject,
            actId,
            place,
            sealed,
            Number(withheld),
          );
        }
        for (const { subject, place } of removals) statement('INSERT INTO removal (tx, subject, place) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(id, subject, place);
        for (const concern of concerns) putConcern(id, concern);
        for (const { subject, number, wrapped, recovery, formers } of replacements) {
          statement(
            "INSERT INTO replacement (tx, subject, number, enc, ciphertext, recovery_enc, recovery_ciphertext, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting')",
          ).run(id, subject, number, wrapped.enc, wrapped.ciphertext, recovery.enc, recovery.ciphertext);
          for (const former of formers) statement('INSERT INTO former_key (tx, subject, number, sealed) VALUES (?, ?, ?, ?)').run(id, subject, former.number, former.sealed);
        }
        return 'kept';
      }),

    keepRefused: (transaction, code) =>
      settled(() => {
        putTransaction(transaction, null, 'rejected', code);
        return null;
      }),

    state: (id) =>
      settled(() => {
        const row = statement('SELECT state, code FROM tx WHERE id = ?').get(id);
        if (row === undefined) return null;
        if (row['state'] === 'rejected') return { state: 'rejected', code: String(row['code']) } as const;
        return { state: row['state'] === 'recorded' ? 'recorded' : 'queued' } as const;
      }),

    receipt: (id) =>
      settled(() => {
        const row = statement('SELECT receipt FROM tx WHERE id = ?').get(id);
        return row === undefined || row['receipt'] === null ? null : bytesOf(row['receipt']);
      }),

    queued: () =>
      settled(() =>
        statement("SELECT id, envelope FROM tx WHERE state = 'queued' ORDER BY seq")
          .all()
          .map((row: Row) => ({ id: bytesOf(row['id']), envelope: bytesOf(row['envelope']) })),
      ),

    settle: (settled) =>
      atomic(() => {
        const told = new Map<string, Tag>();
        for (const one of settled) {
          const row = statement("SELECT counter FROM tx WHERE id = ? AND state = 'queued'").get(one.id);
          if (row === undefined) continue;
          if (one.state === 'rejected') settleRejected(one.id, one.code);
          else for (const agency of settleRecorded(one, row['counter'])) told.set(Buffer.from(agency).toString('hex'), agency);
        }
        return [...told.values()];
      }),

    used: (name) =>
      settled(() => {
        const row = statement('SELECT order_id, tx FROM once WHERE name = ?').get(name);
        return row === undefined ? null : { order: bytesOf(row['order_id']), transaction: bytesOf(row['tx']) };
      }),

    forgetUsed: (before) =>
      settled(() => {
        statement('DELETE FROM once WHERE until < ?').run(before);
        return null;
      }),

    withheld: (resident) =>
      settled(() =>
        statement(
          `SELECT kept.tx, kept.act, own.sealed FROM payload kept JOIN tx ON tx.id = kept.tx
           JOIN payload own ON own.tx = kept.tx AND own.act = kept.act AND own.what = 'part' AND own.addressee = 'keeper'
           WHERE kept.subject = ? AND kept.withheld = 1 AND tx.state = 'recorded' ORDER BY tx.log_index, kept.act`,
        )
          .all(resident)
          .map((row: Row) => ({ transaction: bytesOf(row['tx']), act: numberOf(row['act']), keeperPart: bytesOf(row['sealed']) })),
      ),

    handOver: (id, act, sealed) =>
      atomic(() => {
        statement(
          `INSERT INTO object (resident, name, sealed, at, counter)
           SELECT subject, place, ?, tx.at, 0 FROM payload JOIN tx ON tx.id = payload.tx WHERE tx = ? AND act = ? AND withheld = 1 ON CONFLICT DO NOTHING`,
        ).run(sealed, id, act);
        statement('DELETE FROM payload WHERE tx = ? AND act = ? AND withheld = 1').run(id, act);
        return null;
      }),

    parts: (subject, { kinds, from, to, limit }) =>
      settled(() =>
        statement(
          `SELECT payload.tx, act, kind, tx.at, sealed FROM payload JOIN tx ON tx.id = payload.tx
           WHERE subject = ? AND what = 'part' AND addressee = 'keeper' AND tx.state = 'recorded' AND tx.at BETWEEN ? AND ? AND kind IN (SELECT value FROM json_each(?))
             AND NOT EXISTS (SELECT 1 FROM payload kept WHERE kept.tx = payload.tx AND kept.act = payload.act AND kept.withheld = 1)
           ORDER BY tx.log_index, act LIMIT ?`,
        )
          .all(subject, from, to, JSON.stringify(kinds), limit)
          .map((row: Row) => ({ transaction: bytesOf(row['tx']), act: numberOf(row['act']), kind: textOf(row['kind']), at: numberOf(row['at']), sealed: bytesOf(row['sealed']) })),
      ),

    payload: ({ subject, actId, kind, what, to }) =>
      settled(() => {
        const row = statement(
          `SELECT payload.sealed FROM payload JOIN tx ON tx.id = payload.tx
           WHERE subject = ? AND act_id = ? AND kind = ? AND what = ? AND addressee = ? AND tx.state = 'recorded' ORDER BY tx.log_index DESC, tx.seq DESC LIMIT 1`,
        ).get(subject, actId, kind, what, to);
        return row === undefined ? null : bytesOf(row['sealed']);
      }),

    requests: (agency, { after, limit, service, step }) =>
      settled(() =>
        statement(`${selectRequest} WHERE agency = ?1 AND request.seq > ?2 AND (?3 IS NULL OR service = ?3) AND (?4 IS NULL OR step = ?4) ORDER BY request.seq LIMIT ?5`)
          .all(agency, after, service ?? null, step ?? null, limit)
          .map(requestOf),
      ),

    request: (agency, id) =>
      settled(() => {
        const row = statement(`${selectRequest} WHERE agency = ? AND request.id = ?`).get(agency, id);
        return row === undefined ? null : requestOf(row);
      }),

    grants: (agency, { after, limit }) =>
      settled(() =>
        statement(
          `SELECT seq, id, grant_of.subject, at, grant_of.tx, kept.sealed AS keeper_part, own.sealed AS agency_part FROM grant_of
           JOIN payload kept ON kept.tx = grant_of.tx AND kept.act = grant_of.act AND kept.what = 'part' AND kept.addressee = 'keeper'
           JOIN payload own ON own.tx = grant_of.tx AND own.act = grant_of.act AND own.what = 'part' AND own.addressee = 'agency'
           WHERE agency = ? AND seq > ? ORDER BY seq LIMIT ?`,
        )
          .all(agency, after, limit)
          .map(grantOf),
      ),

    changes: (agency, { after, limit }) =>
      settled(() => statement('SELECT seq, kind, subject, id, step, at, tx FROM change WHERE agency = ? AND seq > ? ORDER BY seq LIMIT ?').all(agency, after, limit).map(changeOf)),

    note: (agency, change) =>
      atomic(() => {
        putChange(agency, { ...change, step: null, tx: null });
        return null;
      }),

    indexed: () => settled(() => numberOf(statement('SELECT next FROM indexed').get()?.['next'])),

    index: (from, next, acts) =>
      atomic(() => {
        if (statement('UPDATE indexed SET next = ? WHERE next = ?').run(next, from).changes !== 1) return null;
        for (const { subject, logIndex, actIndex, transaction, act } of acts) {
          statement('INSERT INTO activity (subject, log_index, act_index, tx, act) VALUES (?, ?, ?, ?, ?)').run(subject, logIndex, actIndex, transaction, act);
        }
        return null;
      }),

    activity: (resident, { after, limit }) =>
      settled(() =>
        statement('SELECT subject, log_index, act_index, tx, act FROM activity WHERE subject = ? ORDER BY log_index, act_index LIMIT ? OFFSET ?')
          .all(resident, limit, after)
          .map((row: Row) => ({
            subject: bytesOf(row['subject']),
            logIndex: numberOf(row['log_index']),
            actIndex: numberOf(row['act_index']),
            transaction: bytesOf(row['tx']),
            act: bytesOf(row['act']),
          })),
      ),

    mute: (resident, agency, name) =>
      settled(() => {
        if (name === null) statement('DELETE FROM mute WHERE resident = ? AND agency = ?').run(resident, agency);
        else statement('INSERT INTO mute (resident, agency, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(resident, agency, name);
        return null;
      }),

    muted: (resident) =>
      settled(() => statement('SELECT agency, name FROM mute WHERE resident = ? ORDER BY agency').all(resident).map((row: Row) => ({ agency: bytesOf(row['agency']), name: bytesOf(row['name']) }))),

    unconcerned: (limit) =>
      settled(() =>
        statement(
          `SELECT payload.tx, act, kind, subject, act_id, sealed FROM payload JOIN (SELECT seq, id FROM tx WHERE concerned = 0 AND state = 'recorded' ORDER BY seq LIMIT ?) AS old ON old.id = payload.tx
           WHERE what = 'part' AND addressee = 'keeper' ORDER BY old.seq, act`,
        )
          .all(limit)
          .map((row: Row) => ({
            transaction: bytesOf(row['tx']),
            act: numberOf(row['act']),
            kind: textOf(row['kind']) as ActKind,
            subject: bytesOf(row['subject']),
            actId: bytesOf(row['act_id']),
            sealed: bytesOf(row['sealed']),
          })),
      ),

    concern: (id, concerns) =>
      atomic(() => {
        const row = statement('SELECT at, log_index FROM tx WHERE id = ? AND concerned = 0').get(id);
        if (row === undefined) return null;
        for (const concern of concerns) putConcern(id, concern);
        tell(id, row['at'] === null ? 0 : numberOf(row['at']), row['log_index'] === null ? 0 : numberOf(row['log_index']));
        return null;
      }),

    close() {
      database.close();
      return Promise.resolve();
    },
  };
}

