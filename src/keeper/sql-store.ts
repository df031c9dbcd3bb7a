import type { SpaceObject } from '../contract/hub-door.ts';
import { ok, type Result } from '../contract/result.ts';
import type { ActKind } from '../ledger/verify/acts.ts';
import { formerPart } from './replacement.ts';
import { bytesOf, numberOf, textOf, type Row, type Sql, type SqlDatabase, type SqlValue } from './sql-database.ts';
import { dropRejected, newestChange, putChange, putConcern, settleRecorded, settleRejected, tell } from './sql-settling.ts';
import type { KeeperStore, Kept, KeptTransaction, Step, StoredChange, StoredGrant, StoredRequest, Tag } from './store.ts';

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


const putTransaction = (
  sql: Sql,
  { id, resident, counter }: Pick<KeptTransaction, 'id' | 'resident' | 'counter'>,
  { envelope, state, code, receipt }: { envelope: Uint8Array | null; state: string; code: string | null; receipt: Uint8Array | null },
): Promise<number> =>
  sql.run(
    'INSERT INTO tx (id, resident, counter, envelope, state, code, receipt, concerned) VALUES (?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT (id) DO NOTHING',
    ...[id, resident, counter, envelope, state, code, receipt],
  );

/** Who used this name; undefined also where that was rejected, which has carried out nothing. Each row by its own key: hubs that write side by side are in nobody else's way. */
async function userOf(sql: Sql, name: Uint8Array): Promise<Row | undefined> {
  const row = await sql.get('SELECT order_id, tx FROM once WHERE name = ?', name);
  const by = row === undefined ? undefined : await sql.get('SELECT state FROM tx WHERE id = ?', row['tx'] ?? null);
  return by?.['state'] === 'rejected' ? undefined : row;
}

async function keep(sql: Sql, transaction: KeptTransaction): Promise<Kept> {
  const { id, envelope, once, payloads, concerns, removals, replacements, receipt } = transaction;
  if ((await sql.get('SELECT 1 AS one FROM tx WHERE id = ?', id)) !== undefined) return 'known';
  for (const { name } of once) if ((await userOf(sql, name)) !== undefined) return 'used';
  await putTransaction(sql, transaction, { envelope, state: 'queued', code: null, receipt });
  for (const { name, order, until } of once) {
    await sql.run('DELETE FROM once WHERE name = ?', name);
    await sql.run('INSERT INTO once (name, order_id, tx, until) VALUES (?, ?, ?, ?)', name, order, id, until);
  }
  for (const { act, kind, what, to, subject, actId, place, sealed, withheld = false } of payloads) {
    await sql.run(
      'INSERT INTO payload (tx, act, kind, what, addressee, subject, act_id, place, sealed, withheld) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[id, act, kind, what, to, subject, actId, place, sealed, Number(withheld)],
    );
  }
  for (const { subject, place } of removals) await sql.run('INSERT INTO removal (tx, subject, place) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', id, subject, place);
  for (const concern of concerns) await putConcern(sql, id, concern);
  for (const { subject, number, wrapped, recovery, formers } of replacements) {
    await sql.run(
      "INSERT INTO replacement (tx, subject, number, enc, ciphertext, recovery_enc, recovery_ciphertext, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting')",
      ...[id, subject, number, wrapped.enc, wrapped.ciphertext, recovery.enc, recovery.ciphertext],
    );
    for (const former of formers) await sql.run('INSERT INTO former_key (tx, subject, number, sealed) VALUES (?, ?, ?, ?)', id, subject, former.number, former.sealed);
  }
  return 'kept';
}

/** The keeper's store over SQLite or PostgreSQL (sqlite-database.ts, postgres-database.ts). */
export function sqlStore(database: SqlDatabase): KeeperStore {
  const one = <T>(of: (row: Row) => T, statement: string, ...values: SqlValue[]): Promise<Result<T | null>> =>
    database.read(async (sql) => {
      const row = await sql.get(statement, ...values);
      return row === undefined ? null : of(row);
    });
  const list = <T>(of: (row: Row) => T, statement: string, ...values: SqlValue[]): Promise<Result<T[]>> => database.read(async (sql) => (await sql.all(statement, ...values)).map(of));
  const done = (statement: string, ...values: SqlValue[]): Promise<Result<null>> =>
    database.write(async (sql) => {
      await sql.run(statement, ...values);
      return null;
    });

  return {
    foundSpace: ({ resident, wrapped, recovery }) =>
      done(
        'INSERT INTO space (resident, enc, ciphertext, recovery_enc, recovery_ciphertext) VALUES (?, ?, ?, ?, ?) ON CONFLICT (resident) DO NOTHING',
        ...[resident, wrapped.enc, wrapped.ciphertext, recovery.enc, recovery.ciphertext],
      ),

    space: (resident) =>
      database.read(async (sql) => {
        const row = await sql.get('SELECT enc, ciphertext, last_opened FROM space WHERE resident = ?', resident);
        if (row === undefined) return null;
        const objects = await sql.all('SELECT name, sealed, at FROM object WHERE resident = ? ORDER BY at, name', resident);
        const counted = await sql.all(
          `SELECT counter FROM tx WHERE resident = ?1 AND state <> 'recorded' AND counter IS NOT NULL
           UNION SELECT counter FROM broken_off WHERE resident = ?1 ORDER BY counter`,
          resident,
        );
        return {
          wrapped: { enc: bytesOf(row['enc']), ciphertext: bytesOf(row['ciphertext']) },
          objects: objects.map((object): SpaceObject => ({ name: textOf(object['name']), sealed: bytesOf(object['sealed']), at: numberOf(object['at']) })),
          knownCounters: counted.map(({ counter }) => numberOf(counter)),
          lastOpened: row['last_opened'] === null ? null : numberOf(row['last_opened']),
        };
      }),

    recovery: (resident) =>
      database.read(async (sql) => {
        const row = await sql.get('SELECT recovery_enc, recovery_ciphertext FROM space WHERE resident = ?', resident);
        if (row === undefined) return null;
        const replaced = await sql.get("SELECT coalesce(max(number), 0) AS number FROM replacement WHERE subject = ? AND state <> 'waiting'", resident);
        const formers = await sql.all("SELECT name, sealed FROM object WHERE resident = ? AND name LIKE 'former/%/key' ORDER BY name", resident);
        return {
          recovery: { enc: bytesOf(row['recovery_enc']), ciphertext: bytesOf(row['recovery_ciphertext']) },
          formers: formers.map((former) => ({ number: Number(textOf(former['name']).split('/')[1]), sealed: bytesOf(former['sealed']) })),
          replaced: numberOf(replaced?.['number']),
        };
      }),

    toReseal: () =>
      database.read(async (sql) => {
        const row = await sql.get("SELECT subject FROM replacement WHERE state = 'applied' ORDER BY subject LIMIT 1");
        if (row === undefined) return null;
        const subject = bytesOf(row['subject']);
        const parts: { former: string; sealed: Uint8Array }[] = [];
        for (const object of await sql.all("SELECT name FROM object WHERE resident = ? AND name LIKE 'former/%/part/%' ORDER BY name", subject)) {
          const former = textOf(object['name']);
          const part = formerPart(former);
          const own = part === null ? undefined : await sql.get("SELECT sealed FROM payload WHERE tx = ? AND act = ? AND what = 'part' AND addressee = 'keeper'", part.transaction, part.act);
          if (own !== undefined) parts.push({ former, sealed: bytesOf(own['sealed']) });
        }
        return { subject, parts };
      }),

    reseal: (subject, parts) =>
      database.write(async (sql) => {
        for (const { former, name, sealed } of parts) await sql.run('UPDATE object SET name = ?, sealed = ? WHERE resident = ? AND name = ?', name, sealed, subject, former);
        await sql.run("UPDATE replacement SET state = 'resealed' WHERE subject = ? AND state = 'applied'", subject);
        return null;
      }),

    noteOpened: (resident, at) => done('UPDATE space SET last_opened = ? WHERE resident = ?', at, resident),

    noteBrokenOff: (resident, counter) => done('INSERT INTO broken_off (resident, counter) VALUES (?, ?) ON CONFLICT DO NOTHING', resident, counter),

    keep: (transaction) => database.write((sql) => keep(sql, transaction)),

    keepRefused: (transaction, code) =>
      database.write(async (sql) => {
        await putTransaction(sql, transaction, { envelope: null, state: 'rejected', code, receipt: null });
        return null;
      }),

    state: (id) =>
      one(
        (row) => (row['state'] === 'rejected' ? ({ state: 'rejected', code: textOf(row['code']) } as const) : ({ state: row['state'] === 'recorded' ? 'recorded' : 'queued' } as const)),
        'SELECT state, code FROM tx WHERE id = ?',
        id,
      ),

    receipt: (id) => one(({ receipt }) => bytesOf(receipt), 'SELECT receipt FROM tx WHERE id = ? AND receipt IS NOT NULL', id),

    queued: () => list(({ id, envelope }) => ({ id: bytesOf(id), envelope: bytesOf(envelope) }), "SELECT id, envelope FROM tx WHERE state = 'queued' ORDER BY seq"),

    settle: (settled) =>
      database.write(async (sql) => {
        const told = new Map<string, Tag>();
        for (const one of settled) {
          const row = await sql.get("SELECT state, counter FROM tx WHERE id = ? AND (state = 'queued' OR kept_until IS NOT NULL)", one.id);
          if (row === undefined) continue;
          if (one.state === 'rejected') {
            if (row['state'] === 'queued') await settleRejected(sql, one);
          }
          else for (const agency of await settleRecorded(sql, one, row['counter'] === null ? 0 : numberOf(row['counter']))) told.set(Buffer.from(agency).toString('hex'), agency);
        }
        return [...told.values()];
      }),

    refused: () => list(({ id, kept_until }) => ({ id: bytesOf(id), until: numberOf(kept_until) }), 'SELECT id, kept_until FROM tx WHERE kept_until IS NOT NULL ORDER BY kept_until, id'),

    drop: (ids) =>
      database.write(async (sql) => {
        for (const id of ids) await dropRejected(sql, id);
        return null;
      }),

    used: (name) =>
      database.read(async (sql) => {
        const row = await userOf(sql, name);
        return row === undefined ? null : { order: bytesOf(row['order_id']), transaction: bytesOf(row['tx']) };
      }),

    forgetUsed: (before) => done('DELETE FROM once WHERE until < ?', before),

    withheld: (resident) =>
      list(
        ({ tx, act, sealed }) => ({ transaction: bytesOf(tx), act: numberOf(act), keeperPart: bytesOf(sealed) }),
        `SELECT kept.tx, kept.act, own.sealed FROM payload kept JOIN tx ON tx.id = kept.tx
         JOIN payload own ON own.tx = kept.tx AND own.act = kept.act AND own.what = 'part' AND own.addressee = 'keeper'
         WHERE kept.subject = ? AND kept.withheld = 1 AND tx.state = 'recorded' ORDER BY tx.log_index, kept.act`,
        resident,
      ),

    handOver: (id, act, sealed) =>
      database.write(async (sql) => {
        for (const { subject = null, place = null, at = null } of await sql.all('SELECT subject, place, tx.at FROM payload JOIN tx ON tx.id = payload.tx WHERE tx = ? AND act = ? AND withheld = 1', id, act)) {
          await sql.run('INSERT INTO object (resident, name, sealed, at, counter) VALUES (?, ?, ?, ?, 0) ON CONFLICT DO NOTHING', subject, place, sealed, at);
        }
        await sql.run('DELETE FROM payload WHERE tx = ? AND act = ? AND withheld = 1', id, act);
        return null;
      }),

    parts: async (subject, { kinds, from, to, limit, skip }) =>
      kinds.length === 0
        ? ok([])
        : list(
            ({ tx, act, kind, at, sealed }) => ({ transaction: bytesOf(tx), act: numberOf(act), kind: textOf(kind), at: numberOf(at), sealed: bytesOf(sealed) }),
            `SELECT payload.tx, act, kind, tx.at, sealed FROM payload JOIN tx ON tx.id = payload.tx
             WHERE subject = ? AND what = 'part' AND addressee = 'keeper' AND tx.state = 'recorded' AND tx.at BETWEEN ? AND ? AND kind IN (${kinds.map(() => '?').join(', ')})
               AND NOT EXISTS (SELECT 1 FROM payload kept WHERE kept.tx = payload.tx AND kept.act = payload.act AND kept.withheld = 1)
             ORDER BY tx.log_index, act LIMIT ? OFFSET ?`,
            ...[subject, from, to, ...kinds, limit, skip],
          ),

    cases: () =>
      list(
        ({ subject }) => bytesOf(subject),
        `SELECT payload.subject FROM payload JOIN tx ON tx.id = payload.tx
         WHERE kind = 'case.open' AND what = 'case' AND addressee = 'keeper' AND tx.state = 'recorded' ORDER BY tx.log_index`,
      ),

    payload: ({ subject, actId, kind, what, to }) =>
      one(
        ({ sealed }) => bytesOf(sealed),
        `SELECT payload.sealed FROM payload JOIN tx ON tx.id = payload.tx
         WHERE subject = ? AND act_id = ? AND kind = ? AND what = ? AND addressee = ? AND tx.state = 'recorded' ORDER BY tx.log_index DESC, tx.seq DESC LIMIT 1`,
        ...[subject, actId, kind, what, to],
      ),

    requests: (agency, { after, limit, service = null, step = null }) =>
      list(
        requestOf,
        // A value's kind is told by what it is held against first.
        `${selectRequest} WHERE agency = ?1 AND request.seq > ?2 AND (service = ?3 OR ?3 IS NULL) AND (step = ?4 OR ?4 IS NULL) ORDER BY request.seq LIMIT ?5`,
        ...[agency, after, service, step, limit],
      ),

    request: (agency, id) => one(requestOf, `${selectRequest} WHERE agency = ? AND request.id = ?`, agency, id),

    grants: (agency, { after, limit }) =>
      list(
        grantOf,
        `SELECT seq, id, grant_of.subject, at, grant_of.tx, kept.sealed AS keeper_part, own.sealed AS agency_part FROM grant_of
         JOIN payload kept ON kept.tx = grant_of.tx AND kept.act = grant_of.act AND kept.what = 'part' AND kept.addressee = 'keeper'
         JOIN payload own ON own.tx = grant_of.tx AND own.act = grant_of.act AND own.what = 'part' AND own.addressee = 'agency'
         WHERE agency = ? AND seq > ? ORDER BY seq LIMIT ?`,
        ...[agency, after, limit],
      ),

    changes: (agency, { after, limit }) =>
      list(changeOf, 'SELECT seq, kind, subject, id, step, at, tx FROM change WHERE agency = ? AND seq > ? ORDER BY seq LIMIT ?', agency, after, limit),

    newest: (agency) => database.read((sql) => newestChange(sql, agency)),

    note: (agency, change) =>
      database.write(async (sql) => {
        await putChange(sql, agency, { ...change, step: null, tx: null });
        return null;
      }),

    indexed: () => database.read(async (sql) => numberOf((await sql.get('SELECT next FROM indexed'))?.['next'])),

    index: (from, next, acts) =>
      database.write(async (sql) => {
        if ((await sql.run('UPDATE indexed SET next = ? WHERE next = ?', next, from)) !== 1) return null;
        for (const { subject, logIndex, actIndex, transaction, act } of acts) {
          await sql.run('INSERT INTO activity (subject, log_index, act_index, tx, act) VALUES (?, ?, ?, ?, ?)', subject, logIndex, actIndex, transaction, act);
        }
        return null;
      }),

    activity: (resident, { after, limit }) =>
      list(
        (row) => ({
          subject: bytesOf(row['subject']),
          logIndex: numberOf(row['log_index']),
          actIndex: numberOf(row['act_index']),
          transaction: bytesOf(row['tx']),
          act: bytesOf(row['act']),
        }),
        'SELECT subject, log_index, act_index, tx, act FROM activity WHERE subject = ? ORDER BY log_index, act_index LIMIT ? OFFSET ?',
        ...[resident, limit, after],
      ),

    mute: (resident, agency, name) =>
      name === null
        ? done('DELETE FROM mute WHERE resident = ? AND agency = ?', resident, agency)
        : done('INSERT INTO mute (resident, agency, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', resident, agency, name),

    muted: (resident) => list((row) => ({ agency: bytesOf(row['agency']), name: bytesOf(row['name']) }), 'SELECT agency, name FROM mute WHERE resident = ? ORDER BY agency', resident),

    unconcerned: (limit) =>
      list(
        (row) => ({
          transaction: bytesOf(row['tx']),
          act: numberOf(row['act']),
          kind: textOf(row['kind']) as ActKind,
          subject: bytesOf(row['subject']),
          actId: bytesOf(row['act_id']),
          sealed: bytesOf(row['sealed']),
        }),
        `SELECT payload.tx, act, kind, subject, act_id, sealed FROM payload JOIN (SELECT seq, id FROM tx WHERE concerned = 0 AND state = 'recorded' ORDER BY seq LIMIT ?) AS before ON before.id = payload.tx
         WHERE what = 'part' AND addressee = 'keeper' ORDER BY before.seq, act`,
        limit,
      ),

    concern: (id, concerns) =>
      database.write(async (sql) => {
        const row = await sql.get('SELECT at, log_index FROM tx WHERE id = ? AND concerned = 0', id);
        if (row === undefined) return null;
        for (const concern of concerns) await putConcern(sql, id, concern);
        await tell(sql, id, row['at'] === null ? 0 : numberOf(row['at']), row['log_index'] === null ? 0 : numberOf(row['log_index']));
        await sql.run('UPDATE tx SET concerned = 1 WHERE id = ?', id);
        return null;
      }),

    close: () => database.close(),
  };
}
