import type { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Result } from '../contract/result.ts';

/** An id that is not in use by another SQLite file of ours: `PRAGMA application_id`. "imik". */
const applicationId = 0x696d696b;
const schemaVersion = 3;

const firstVersion = `
  CREATE TABLE space (
    resident BLOB PRIMARY KEY, enc BLOB NOT NULL, ciphertext BLOB NOT NULL,
    recovery_enc BLOB NOT NULL, recovery_ciphertext BLOB NOT NULL, last_opened INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE tx (
    seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, resident BLOB, counter INTEGER, envelope BLOB,
    state TEXT NOT NULL CHECK (state IN ('queued', 'recorded', 'rejected')), code TEXT
  );
  CREATE INDEX tx_queued ON tx (seq) WHERE state = 'queued';
  CREATE INDEX tx_open ON tx (resident) WHERE state <> 'recorded';
  CREATE TABLE payload (
    tx BLOB NOT NULL, act INTEGER NOT NULL, what TEXT NOT NULL, addressee TEXT NOT NULL,
    subject BLOB NOT NULL, act_id BLOB NOT NULL, place TEXT, sealed BLOB NOT NULL,
    PRIMARY KEY (tx, act, what, addressee)
  ) WITHOUT ROWID;
  CREATE INDEX payload_of_act ON payload (subject, act_id);
  CREATE TABLE object (
    resident BLOB NOT NULL, name TEXT NOT NULL, sealed BLOB NOT NULL, at INTEGER NOT NULL, counter INTEGER NOT NULL,
    PRIMARY KEY (resident, name)
  ) WITHOUT ROWID;
  CREATE TABLE broken_off (resident BLOB NOT NULL, counter INTEGER NOT NULL, PRIMARY KEY (resident, counter)) WITHOUT ROWID;
`;

/**
 * Version 2 knows of what kind an act was, when and where it was recorded, and whom it concerns. What version 1 kept was registrations' anchors and
 * requests: which of them a part belongs to is seen by what lies beside it; whom it concerns only the keeper can read (`tx.concerned`).
 */
const secondVersion = `
  ALTER TABLE tx ADD COLUMN at INTEGER;
  ALTER TABLE tx ADD COLUMN log_index INTEGER;
  ALTER TABLE tx ADD COLUMN receipt BLOB;
  ALTER TABLE tx ADD COLUMN concerned INTEGER NOT NULL DEFAULT 0;
  UPDATE tx SET at = (SELECT at FROM object WHERE object.name = 'part/' || lower(hex(tx.id)) || '/0') WHERE state = 'recorded';
  UPDATE tx SET concerned = 1 WHERE NOT EXISTS (SELECT 1 FROM payload WHERE payload.tx = tx.id AND what = 'part' AND addressee = 'keeper');
  CREATE INDEX tx_unconcerned ON tx (seq) WHERE concerned = 0;
  ALTER TABLE payload ADD COLUMN kind TEXT NOT NULL DEFAULT '';
  ALTER TABLE payload ADD COLUMN withheld INTEGER NOT NULL DEFAULT 0;
  UPDATE payload SET kind = CASE
    WHEN EXISTS (SELECT 1 FROM payload beside WHERE beside.tx = payload.tx AND beside.act = payload.act AND beside.what = 'grant') THEN 'grant.give'
    WHEN EXISTS (SELECT 1 FROM payload beside WHERE beside.tx = payload.tx AND beside.act = payload.act AND beside.what = 'answers') THEN 'request.submit'
    ELSE 'credential.anchor' END;
  CREATE TABLE once (name BLOB PRIMARY KEY, order_id BLOB NOT NULL, tx BLOB NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX once_of_tx ON once (tx);
  CREATE INDEX once_until ON once (until);
  CREATE TABLE removal (tx BLOB NOT NULL, subject BLOB NOT NULL, place TEXT NOT NULL, PRIMARY KEY (tx, subject, place)) WITHOUT ROWID;
  CREATE TABLE concern (
    tx BLOB NOT NULL, act INTEGER NOT NULL, kind TEXT NOT NULL, agency BLOB NOT NULL, subject BLOB NOT NULL, id BLOB NOT NULL, service BLOB, step TEXT,
    PRIMARY KEY (tx, act)
  ) WITHOUT ROWID;
  CREATE TABLE change (
    agency BLOB NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, subject BLOB, id BLOB NOT NULL, step TEXT, at INTEGER NOT NULL, tx BLOB,
    PRIMARY KEY (agency, seq)
  ) WITHOUT ROWID;
  CREATE TABLE request (
    agency BLOB NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, subject BLOB NOT NULL, service BLOB NOT NULL, step TEXT NOT NULL, stepped INTEGER NOT NULL,
    at INTEGER NOT NULL, tx BLOB NOT NULL, act INTEGER NOT NULL, PRIMARY KEY (agency, seq)
  ) WITHOUT ROWID;
  CREATE TABLE replacement (
    tx BLOB NOT NULL, subject BLOB NOT NULL, number INTEGER NOT NULL, enc BLOB NOT NULL, ciphertext BLOB NOT NULL,
    recovery_enc BLOB NOT NULL, recovery_ciphertext BLOB NOT NULL, state TEXT NOT NULL CHECK (state IN ('waiting', 'applied', 'resealed')),
    PRIMARY KEY (tx, subject)
  ) WITHOUT ROWID;
  CREATE INDEX replacement_of ON replacement (subject);
  CREATE TABLE former_key (
    tx BLOB NOT NULL, subject BLOB NOT NULL, number INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (tx, subject, number)
  ) WITHOUT ROWID;
  CREATE TABLE grant_of (
    agency BLOB NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, subject BLOB NOT NULL, at INTEGER NOT NULL, tx BLOB NOT NULL, act INTEGER NOT NULL,
    PRIMARY KEY (agency, seq)
  ) WITHOUT ROWID;
  CREATE TABLE indexed (one INTEGER PRIMARY KEY CHECK (one = 1), next INTEGER NOT NULL);
  INSERT INTO indexed VALUES (1, 0);
  CREATE TABLE activity (
    subject BLOB NOT NULL, log_index INTEGER NOT NULL, act_index INTEGER NOT NULL, tx BLOB NOT NULL, act BLOB NOT NULL, PRIMARY KEY (subject, log_index, act_index)
  ) WITHOUT ROWID;
  CREATE TABLE mute (resident BLOB NOT NULL, agency BLOB NOT NULL, name BLOB NOT NULL, PRIMARY KEY (resident, agency)) WITHOUT ROWID;
`;

/** What was rejected is kept until its own time is over: another node may record it after all. */
const thirdVersion = `
  ALTER TABLE tx ADD COLUMN kept_until INTEGER;
  CREATE INDEX tx_refused ON tx (kept_until) WHERE kept_until IS NOT NULL;
`;

const steps = [firstVersion, secondVersion, thirdVersion];

/** Lays out an empty file, brings an older one to today's form, each in one transaction. `hub-storage`: it is not a keeper's store, or one of a newer program. Throws what SQLite throws. */
export function layOutStore(database: DatabaseSync): Result<null> {
  const pragma = (name: string): unknown => database.prepare(`PRAGMA ${name}`).get()?.[name];
  const version = pragma('user_version');
  if (version === schemaVersion && pragma('application_id') === applicationId) return ok(null);
  const isOlder = typeof version === 'number' && version >= 0 && version < schemaVersion;
  if (!isOlder || (version > 0 && pragma('application_id') !== applicationId)) return fail('hub-storage', `schema ${String(version)}`);
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec(`${steps.slice(version).join(' ')} PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion};`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
  return ok(null);
}
