import { formerKeyPlace } from '../identity/space.ts';
import { bytesOf, numberOf, type Sql, type SqlValue } from './sql-database.ts';
import type { Concern, Settled, Tag } from './store.ts';

/** What becomes of what was kept, each within a transaction. */

export async function putConcern(sql: Sql, tx: Uint8Array, { act, kind, agency, subject, id, service, step }: Concern): Promise<void> {
  await sql.run('INSERT INTO concern (tx, act, kind, agency, subject, id, service, step) VALUES (?, ?, ?, ?, ?, ?, ?, ?)', tx, act, kind, agency, subject, id, service, step);
}

export const newestChange = async (sql: Sql, agency: Tag): Promise<number> => numberOf((await sql.get('SELECT coalesce(max(seq), 0) AS seq FROM change WHERE agency = ?', agency))?.['seq']);

export async function putChange(sql: Sql, agency: Tag, { kind, subject, id, step, at, tx }: Record<'kind' | 'subject' | 'id' | 'step' | 'at' | 'tx', SqlValue>): Promise<number> {
  const seq = (await newestChange(sql, agency)) + 1;
  await sql.run('INSERT INTO change (agency, seq, kind, subject, id, step, at, tx) VALUES (?, ?, ?, ?, ?, ?, ?, ?)', agency, seq, kind, subject, id, step, at, tx);
  return seq;
}

/** What was noted of whom a transaction concerns stands in the agencies' own lists from now on. */
export async function tell(sql: Sql, tx: Uint8Array, at: number, index: number): Promise<Tag[]> {
  const agencies: Tag[] = [];
  for (const row of await sql.all('SELECT act, kind, agency, subject, id, service, step FROM concern WHERE tx = ? ORDER BY act', tx)) {
    const { act = null, kind = null, subject = null, id = null, service = null, step = null } = row;
    const agency = bytesOf(row['agency']);
    const seq = await putChange(sql, agency, { kind, subject, id, step, at, tx });
    if (kind === 'request.submit') {
      await sql.run(
        'INSERT INTO request (agency, seq, id, subject, service, step, stepped, at, tx, act) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        ...[agency, seq, id, subject, service, step, index, at, tx, act],
      );
    } else if (kind === 'grant.give') {
      await sql.run('INSERT INTO grant_of (agency, seq, id, subject, at, tx, act) VALUES (?, ?, ?, ?, ?, ?, ?)', agency, seq, id, subject, at, tx, act);
    } else if (step !== null) {
      // Two steps that were recorded close together may be settled in either order.
      await sql.run('UPDATE request SET step = ?, stepped = ? WHERE agency = ? AND id = ? AND stepped <= ?', step, index, agency, id, index);
    }
    agencies.push(agency);
  }
  if (agencies.length > 0) await sql.run('DELETE FROM concern WHERE tx = ?', tx);
  return agencies;
}

/** What lay in the space is under the former key from now on; who knows the resident is told. */
async function applyReplacements(sql: Sql, tx: Uint8Array, at: number): Promise<Tag[]> {
  const told: Tag[] = [];
  const replacements = await sql.all("SELECT subject, number, enc, ciphertext, recovery_enc, recovery_ciphertext FROM replacement WHERE tx = ? AND state = 'waiting'", tx);
  if (replacements.length === 0) return told;
  for (const row of replacements) {
    const { subject = null, enc = null, ciphertext = null, recovery_enc = null, recovery_ciphertext = null } = row;
    await sql.run("DELETE FROM object WHERE resident = ? AND name LIKE 'former/%/key'", subject);
    await sql.run("UPDATE object SET name = ? || name WHERE resident = ? AND name NOT LIKE 'former/%'", `former/${numberOf(row['number'])}/`, subject);
    await sql.run('UPDATE space SET enc = ?, ciphertext = ?, recovery_enc = ?, recovery_ciphertext = ? WHERE resident = ?', enc, ciphertext, recovery_enc, recovery_ciphertext, subject);
    for (const { number = null, sealed = null } of await sql.all('SELECT number, sealed FROM former_key WHERE tx = ? AND subject = ?', tx, subject)) {
      await sql.run('INSERT INTO object (resident, name, sealed, at, counter) VALUES (?, ?, ?, ?, 0)', subject, formerKeyPlace(numberOf(number)), sealed, at);
    }
    for (const known of await sql.all('SELECT DISTINCT agency FROM change WHERE subject = ?', subject)) {
      const agency = bytesOf(known['agency']);
      await putChange(sql, agency, { kind: 'resident.replace', subject, id: subject, step: null, at, tx });
      told.push(agency);
    }
  }
  await sql.run('DELETE FROM former_key WHERE tx = ?', tx);
  await sql.run("UPDATE replacement SET state = 'applied' WHERE tx = ? AND state = 'waiting'", tx);
  return told;
}

/** @param counter of the card whose transaction it is; 0: no card's. */
export async function settleRecorded(sql: Sql, { id, at, index }: Extract<Settled, { state: 'recorded' }>, counter: number): Promise<Tag[]> {
  const replaced = await applyReplacements(sql, id, at);
  for (const { subject = null, place = null, sealed = null } of await sql.all('SELECT subject, place, sealed FROM payload WHERE tx = ? AND place IS NOT NULL AND withheld = 0 ORDER BY act', id)) {
    // Two requests of one card may be recorded out of order: the later signature's map of typed facts stays.
    await sql.run(
      `INSERT INTO object (resident, name, sealed, at, counter) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (resident, name) DO UPDATE SET sealed = excluded.sealed, at = excluded.at, counter = excluded.counter WHERE excluded.counter > object.counter`,
      ...[subject, place, sealed, at, counter],
    );
  }
  await sql.run('DELETE FROM payload WHERE tx = ? AND place IS NOT NULL AND withheld = 0', id);
  const removals = await sql.all('SELECT subject, place FROM removal WHERE tx = ?', id);
  for (const { subject = null, place = null } of removals) await sql.run('DELETE FROM object WHERE resident = ? AND name = ?', subject, place);
  if (removals.length > 0) await sql.run('DELETE FROM removal WHERE tx = ?', id);
  await sql.run("UPDATE tx SET state = 'recorded', code = NULL, kept_until = NULL, envelope = NULL, at = ?, log_index = ? WHERE id = ?", at, index, id);
  return [...replaced, ...(await tell(sql, id, at, index))];
}

/** Whoever reads asks for what is recorded, so what is kept of it shows nowhere. */
export async function settleRejected(sql: Sql, { id, code, until }: Extract<Settled, { state: 'rejected' }>): Promise<void> {
  await sql.run("UPDATE tx SET state = 'rejected', code = ?, kept_until = ?, envelope = NULL WHERE id = ?", code, until, id);
}

export async function dropRejected(sql: Sql, id: Uint8Array): Promise<void> {
  if ((await sql.run("UPDATE tx SET kept_until = NULL, receipt = NULL WHERE id = ? AND state = 'rejected'", id)) !== 1) return;
  for (const table of ['payload', 'concern', 'removal', 'once', 'replacement', 'former_key'] as const) await sql.run(`DELETE FROM ${table} WHERE tx = ?`, id);
}
