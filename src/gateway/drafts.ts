import type { SubmissionState } from '../contract/hub-door.ts';
import { fail, ok, type Result } from '../contract/result.ts';
import type { IncomingPayload } from '../keeper/bundle.ts';
import { readRecord } from '../keeper/ledger-records.ts';
import type { Incoming } from '../keeper/submission-check.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { openOwnFile, type FileKind } from '../ledger/own-file.ts';
import { bytesOf, guarded } from '../ledger/sqlite-guard.ts';
import type { Id, Name, PublicKey } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../ledger/verify/cbor.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { bodyOf, completed, decodeDraft, draftId, encodeDraft, withSignature, type Draft } from '../ledger/verify/draft.ts';
import { keyId } from '../ledger/verify/envelope.ts';
import { stateKey } from '../ledger/verify/records.ts';

/** What goes to another signer's party so that nobody countersigns blindly: the private part, sealed to that party. */
export interface DraftNote {
  party: Name;
  sealed: Uint8Array;
}

/** A draft with what goes along: the ciphertexts to be stored with the transaction, and the notes. */
export interface BroughtDraft {
  draft: Draft;
  payloads: IncomingPayload[];
  notes: DraftNote[];
}

export interface DraftSummary {
  id: Uint8Array;
  kind: string;
  signed: { staff: Id; party: Name }[];
  /** Unix seconds. */
  until: number;
}

export interface ShownDraft extends DraftSummary {
  draft: Draft;
  /** Of the asking party alone. */
  notes: DraftNote[];
}

export interface DraftsParts {
  /** `:memory:`, or the hub's file. */
  path: string;
  ledger: Pick<Ledger, 'chain' | 'values'>;
  /** Where a draft goes that all have signed. */
  take(incoming: Incoming): Promise<Result<SubmissionState>>;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
}

/**
 * Transactions of several signers who are not in one room, for 24 hours. To everybody but the parties of the named signers a draft is as unknown
 * as one that never was: `hub-refused`, `draft-unknown`.
 */
export interface Drafts {
  /** From the party of a signer who has signed; one that is here already stays as it is. `hub-refused`: `draft-form`, `draft-signer` where a signer is nobody's active key, `draft-party`. */
  bring(party: Name, brought: BroughtDraft): Promise<Result<{ id: Uint8Array; until: number }>>;
  list(party: Name): Promise<Result<DraftSummary[]>>;
  find(party: Name, id: Uint8Array): Promise<Result<ShownDraft>>;
  /** The last signature sends it off: `state` is then what became of it, and the draft is gone unless it may be brought again. */
  sign(party: Name, id: Uint8Array, key: PublicKey, signature: Uint8Array): Promise<Result<{ state: 'waiting' } | SubmissionState>>;
  close(): void;
}

const file: FileKind = {
  name: 'drafts',
  mark: 'imid',
  steps: [
    `
      CREATE TABLE draft (id BLOB PRIMARY KEY, draft BLOB NOT NULL, payloads BLOB NOT NULL, notes BLOB NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE draft_party (id BLOB NOT NULL, party TEXT NOT NULL, PRIMARY KEY (party, id)) WITHOUT ROWID;
    `,
  ],
};

export const draftLifetimeSeconds = 24 * 3600;
const mostOfOneParty = 32;

interface Signer {
  /** null: a key of the authority's. */
  staff: Id | null;
  /** null: every party of the kind `authority`. */
  party: Name | null;
}

interface Kept {
  draft: Draft;
  payloads: IncomingPayload[];
  notes: DraftNote[];
  until: number;
}

/** `hub-storage` where the file cannot be opened or is another program's. */
export function openDrafts({ path, ledger, take, crypto, now }: DraftsParts): Result<Drafts> {
  const opened = openOwnFile(path, file);
  if (!opened.ok) return opened;
  const database = opened.value;
  const put = database.prepare('INSERT INTO draft (id, draft, payloads, notes, until) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING');
  const update = database.prepare('UPDATE draft SET draft = ? WHERE id = ?');
  const putParty = database.prepare('INSERT OR IGNORE INTO draft_party (id, party) VALUES (?, ?)');
  const get = database.prepare('SELECT draft, payloads, notes, until FROM draft JOIN draft_party USING (id) WHERE id = ? AND party = ?');
  const listed = database.prepare('SELECT id, draft, payloads, notes, until FROM draft JOIN draft_party USING (id) WHERE party = ? ORDER BY until');
  const dead = database.prepare('DELETE FROM draft WHERE until <= ?');
  const orphans = database.prepare('DELETE FROM draft_party WHERE id NOT IN (SELECT id FROM draft)');
  const remove = database.prepare('DELETE FROM draft WHERE id = ?');
  const seconds = (): number => Math.floor(now() / 1000);

  const forgetDead = (): Result<null> =>
    guarded(() => {
      dead.run(seconds());
      orphans.run();
      return null;
    });

  /** null: nobody's active key. */
  async function signerOf(key: PublicKey): Promise<Result<Signer | null>> {
    const record = await readRecord(ledger, 'key', stateKey.key(keyId(key, crypto)));
    if (!record.ok) return record;
    if (record.value === null || record.value.state !== 'active') return ok(null);
    const { owner } = record.value;
    if ('authority' in owner) return ok({ staff: null, party: null });
    if ('party' in owner) return ok({ staff: null, party: owner.party });
    if (!('staff' in owner)) return ok(null);
    const staff = await readRecord(ledger, 'staff', stateKey.staff(owner.staff));
    if (!staff.ok) return staff;
    return ok(staff.value?.state === 'active' && staff.value.until > seconds() ? { staff: owner.staff, party: staff.value.party } : null);
  }

  /** All signers with their parties; `draft-signer` where one is unknown. */
  async function signersOf(draft: Draft): Promise<Result<Signer[]>> {
    const signers: Signer[] = [];
    for (const key of draft.signers) {
      const signer = await signerOf(key);
      if (!signer.ok) return signer;
      if (signer.value === null) return fail('hub-refused', 'draft-signer');
      signers.push(signer.value);
    }
    return ok(signers);
  }

  async function summary(id: Uint8Array, { draft, until }: Kept): Promise<Result<DraftSummary>> {
    const body = bodyOf(draft, crypto);
    const signed: DraftSummary['signed'] = [];
    for (const [index, key] of draft.signers.entries()) {
      if (draft.signatures[index] === null) continue;
      const signer = await signerOf(key);
      if (!signer.ok) return signer;
      if (signer.value !== null && signer.value.staff !== null && signer.value.party !== null) signed.push({ staff: signer.value.staff, party: signer.value.party });
    }
    return ok({ id, kind: body.ok ? (body.value.acts[0]?.kind ?? '') : '', signed, until });
  }

  /** Whether the party may act for members of the authority. */
  async function isOfAuthority(party: Name): Promise<Result<boolean>> {
    const record = await readRecord(ledger, 'party', stateKey.party(party));
    return record.ok ? ok(record.value?.party === 'authority' && record.value.state === 'active') : record;
  }

  async function asking(party: Name): Promise<Result<Name[]>> {
    const authority = await isOfAuthority(party);
    return authority.ok ? ok(authority.value ? [party, anyAuthority] : [party]) : authority;
  }

  async function lookUp(party: Name, id: Uint8Array): Promise<Result<Kept>> {
    const names = await asking(party);
    if (!names.ok) return names;
    const forgotten = forgetDead();
    if (!forgotten.ok) return forgotten;
    for (const name of names.value) {
      const row = guarded(() => get.get(id, name));
      if (!row.ok) return row;
      if (row.value !== undefined) return ok(keptOf(row.value, crypto));
    }
    return fail('hub-refused', 'draft-unknown');
  }

  return ok({
    async bring(party, { draft, payloads, notes }) {
      const sound = decodeDraft(encodeDraft(draft), crypto);
      const body = sound === undefined ? undefined : bodyOf(sound, crypto);
      if (sound === undefined || body?.ok !== true || body.value.chain !== ledger.chain || completed(sound, crypto) !== null) return fail('hub-refused', 'draft-form');
      const until = Math.min(seconds() + draftLifetimeSeconds, body.value.notAfter);
      if (until <= seconds()) return fail('hub-refused', 'expired');
      const signers = await signersOf(sound);
      if (!signers.ok) return signers;
      const names = await asking(party);
      if (!names.ok) return names;
      const isOurs = signers.value.some((signer, index) => sound.signatures[index] !== null && names.value.includes(signer.party ?? anyAuthority));
      if (!isOurs) return fail('hub-refused', 'draft-party');
      const forgotten = forgetDead();
      if (!forgotten.ok) return forgotten;
      const mine = guarded(() => listed.all(party).length);
      if (!mine.ok) return mine;
      if (mine.value >= mostOfOneParty) return fail('hub-busy', 'drafts');
      const id = draftId(sound, crypto);
      const written = guarded(() => {
        database.exec('BEGIN IMMEDIATE');
        try {
          put.run(id, encodeDraft(sound), encodeCbor(payloads.map(({ act, what, to, sealed }) => [act, what, to, sealed])), encodeCbor(notes.map((note) => [note.party, note.sealed])), until);
          for (const signer of signers.value) putParty.run(id, signer.party ?? anyAuthority);
          database.exec('COMMIT');
        } catch (error) {
          database.exec('ROLLBACK');
          throw error;
        }
        return null;
      });
      return written.ok ? ok({ id, until }) : written;
    },
    async list(party) {
      const names = await asking(party);
      if (!names.ok) return names;
      const forgotten = forgetDead();
      if (!forgotten.ok) return forgotten;
      const drafts: DraftSummary[] = [];
      for (const name of names.value) {
        const rows = guarded(() => listed.all(name));
        if (!rows.ok) return rows;
        for (const row of rows.value) {
          const id = bytesOf(row['id']);
          if (drafts.some((one) => equalBytes(one.id, id))) continue;
          const one = await summary(id, keptOf(row, crypto));
          if (!one.ok) return one;
          drafts.push(one.value);
        }
      }
      return ok(drafts);
    },
    async find(party, id) {
      const kept = await lookUp(party, id);
      if (!kept.ok) return kept;
      const one = await summary(id, kept.value);
      return one.ok ? ok({ ...one.value, draft: kept.value.draft, notes: kept.value.notes.filter((note) => note.party === party) }) : one;
    },
    async sign(party, id, key, signature) {
      const kept = await lookUp(party, id);
      if (!kept.ok) return kept;
      const signer = await signerOf(key);
      if (!signer.ok) return signer;
      const names = await asking(party);
      if (!names.ok) return names;
      if (signer.value === null || !names.value.includes(signer.value.party ?? anyAuthority)) return fail('hub-refused', 'draft-signer');
      const signed = withSignature(kept.value.draft, key, signature, crypto);
      if (!signed.ok) return fail('hub-refused', signed.failure.code);
      const stored = guarded(() => update.run(encodeDraft(signed.value), id));
      if (!stored.ok) return stored;
      const envelope = completed(signed.value, crypto);
      if (envelope === null) return ok({ state: 'waiting' });
      const taken = await take({ envelope, payloads: kept.value.payloads });
      // A busy ledger or a full disk: the same signature may come again.
      if (!taken.ok) return taken;
      const gone = guarded(() => {
        remove.run(id);
        orphans.run();
        return null;
      });
      return gone.ok ? taken : gone;
    },
    close: () => database.close(),
  });
}

/** No party's name: it has a space in it. */
const anyAuthority = 'any authority';

function keptOf(row: Record<string, unknown>, crypto: Crypto): Kept {
  const draft = decodeDraft(bytesOf(row['draft']), crypto);
  if (draft === undefined) throw new TypeError('a draft that is none');
  const payloads = decodeCbor(bytesOf(row['payloads'])) as unknown as [number, IncomingPayload['what'], IncomingPayload['to'], Uint8Array][];
  const notes = decodeCbor(bytesOf(row['notes'])) as unknown as [Name, Uint8Array][];
  return {
    draft,
    payloads: payloads.map(([act, what, to, sealed]) => ({ act, what, to, sealed })),
    notes: notes.map(([party, sealed]) => ({ party, sealed })),
    until: Number(row['until']),
  };
}
