import { randomBytes } from 'node:crypto';
import { agencyCredentials, identityVct } from '../contract/claims.ts';
import type { AnswerRefusalCode, RefusalCode, RejectionCode } from '../contract/failures.ts';
import type { SubmissionState } from '../contract/hub-door.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { verifyAnswer, type AnswerCheck, type ClaimedCredential, type KnownIssuer, type VerifiedAnswer, type VpToken } from '../identity/answer.ts';
import { askedClaims, claimedAsker, nonceHash, openAsk, readAsk, type Ask } from '../identity/ask.ts';
import { hashOf } from '../identity/grant.ts';
import { signJws } from '../identity/jws.ts';
import { sealPart } from '../identity/request.ts';
import { sealTo } from '../identity/sealing.ts';
import { readStatusList, statusInvalid, statusUri, statusValid } from '../identity/status-list.ts';
import type { AskBook, AskOutcome, KeptAnswer, KeptAsk } from '../keeper/ask-book.ts';
import type { NotedKind } from '../keeper/store.ts';
import type { Incoming } from '../keeper/submission-check.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { StatusLists } from '../ledger/status-lists.ts';
import type { Id, Name, OpenedPart, PublicKey, VerificationAnswer } from '../ledger/verify/acts.ts';
import { equalBytes, toBase64url } from '../ledger/verify/bytes.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { keyId, openEnvelope, signEnvelope } from '../ledger/verify/envelope.ts';
import { commitPart, decodeOpenedPart, encodeOpenedPart } from '../ledger/verify/private-part.ts';
import { withParts } from '../ledger/verify/receipt.ts';
import { decodeRecord, stateKey, type PartyRecord, type RecordKind, type Records } from '../ledger/verify/records.ts';

/** An issuer outside the ledger whose credentials the hub's server file lets count. */
export interface TrustedIssuer {
  /** `iss` of its credentials. */
  name: string;
  vcts: readonly string[];
  keys: readonly PublicKey[];
}

export interface AsksParts {
  ledger: Pick<Ledger, 'chain' | 'values' | 'receipt'>;
  keeper: {
    take(incoming: Incoming): Promise<Result<SubmissionState>>;
    state(transaction: Uint8Array): Promise<Result<SubmissionState>>;
    isMuted(resident: Id, agency: Name): Promise<Result<boolean>>;
    noteAsk(agency: Name, kind: NotedKind, ask: Id, subject: Id | null): Promise<Result<null>>;
  };
  /** The keeper's raw sealing key. */
  keeperSeal: Uint8Array;
  book: AskBook;
  lists: Pick<StatusLists, 'newest'>;
  trusted: readonly TrustedIssuer[];
  /** The gateway's own party. */
  party: { name: Name; key: PublicKey; sign(message: Uint8Array): Uint8Array };
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
}

export type AsksFailure = Failure | Failure<AnswerRefusalCode | RejectionCode | RefusalCode>;

/** What an agency is told of its ask. `answering`: verified, and not in a block yet. */
export type AskState = 'open' | 'over' | 'refused' | 'answering' | 'answered';

export interface AnswerView {
  /** `active`: on this ledger, now. `not-applicable`: a wallet that is not ours. */
  ledgerKey: 'active' | 'not-applicable';
  subject: Id | null;
  /** Names of what was consented to; the values are in the token. */
  claims: string[];
  /** The vp_token, sealed to the agency. */
  token: Uint8Array;
  transaction: Uint8Array | null;
  receipt: Uint8Array | null;
  foreignReceipt: string | null;
}

export interface AskView {
  state: AskState;
  /** When it was settled, Unix seconds. */
  at: number | null;
  code: string | null;
  until: number;
  answer: AnswerView | null;
}

/** How long the ledger may take before whoever answers is told that it is on its way. */
const recordWaitMs = 10_000;
const envelopeLifetimeSeconds = 24 * 3600;
/** An answer that the keeper does not have by then was lost between keeping it and bringing it to the ledger; until then another hub may be at it. */
export const bringingSeconds = 60;
const mostFinishedAtOnce = 500;

/** Takes what agencies ask, and judges the answers without a human: nothing of an answer that does not hold reaches ledger or agency. */
export class Asks {
  readonly #parts: AsksParts;

  constructor(parts: AsksParts) {
    this.#parts = parts;
  }

  #seconds(): number {
    return Math.floor(this.#parts.now() / 1000);
  }

  /**
   * Takes an ask for its resident, or for whoever has its code or address.
   *
   * @param place where this gateway takes answers: an ask whose answers would go elsewhere is none of ours.
   */
  async take(signed: string, agency: Name, { withCode, place }: { withCode: boolean; place: string }): Promise<Result<{ id: Id; code: string | null; until: number }, AsksFailure>> {
    const { book, crypto } = this.#parts;
    const now = this.#seconds();
    if (claimedAsker(signed) !== agency) return fail('ask-signature', 'another');
    const party = await this.#read('party', stateKey.party(agency));
    if (!party.ok) return party;
    if (party.value?.state !== 'active' || party.value.party !== 'agency') return fail('ask-signature', 'agency');
    const ask = readAsk(signed, party.value.sign, crypto.verify, now);
    if (!ask.ok) return ask;
    if (ask.value.responseUri !== place) return fail('ask-malformed', 'response_uri');
    if (!isWithinPurpose(ask.value, party.value)) return fail('ask-purpose');
    const { subject, until } = ask.value;
    if (subject !== null) {
      const resident = await this.#read('resident', stateKey.resident(subject));
      if (!resident.ok) return resident;
      if (resident.value?.state !== 'active') return fail('ask-unknown', 'resident');
    }
    const id = new Uint8Array(Buffer.from(ask.value.state, 'base64url'));
    const kept = await book.keepAsk({ id, agency, subject, signed, until, withCode }, now);
    return kept.ok ? ok({ id, code: kept.value.code, until }) : kept;
  }

  /** One that may still be answered, as its agency signed it. `ask-unknown`: never there, settled, or over. */
  async open(id: Id): Promise<Result<KeptAsk, AsksFailure>> {
    const kept = await this.#parts.book.ask(id);
    if (!kept.ok) return kept;
    if (kept.value === null || kept.value.until <= this.#seconds()) return fail('ask-unknown');
    const current = await this.#current(kept.value);
    if (!current.ok) return current;
    return current.value.status.outcome === 'open' ? ok(kept.value) : fail('ask-unknown');
  }

  /** Those of an agency that the resident has muted wait as they would for somebody who does not come: it cannot tell. */
  async asksFor(resident: Id): Promise<Result<KeptAsk[]>> {
    const { book, keeper } = this.#parts;
    const waiting = await book.asksFor(resident, this.#seconds());
    if (!waiting.ok) return waiting;
    const heard: KeptAsk[] = [];
    for (const ask of waiting.value) {
      const muted = await keeper.isMuted(resident, ask.agency);
      if (!muted.ok) return muted;
      if (muted.value) continue;
      const current = await this.#current(ask);
      if (!current.ok) return current;
      if (current.value.status.outcome === 'open') heard.push(ask);
    }
    return ok(heard);
  }

  async byCode(code: string): Promise<Result<KeptAsk | null>> {
    const kept = await this.#parts.book.askByCode(code, this.#seconds());
    if (!kept.ok || kept.value === null) return kept;
    const current = await this.#current(kept.value);
    if (!current.ok) return current;
    return ok(current.value.status.outcome === 'open' ? kept.value : null);
  }

  /** Recorded with the ask, not on the ledger; the agency is told that, and not why nor, where it asked nobody by name, who. @param resident who refuses, where it is known. */
  async refuse(id: Id, resident: Id | null): Promise<Result<null, AsksFailure>> {
    const { book } = this.#parts;
    const kept = await this.open(id);
    if (!kept.ok) return kept;
    if (resident !== null && kept.value.subject !== null && !equalBytes(kept.value.subject, resident)) return fail('ask-unknown');
    const settled = await book.settleAsk(id, { outcome: 'refused', at: this.#seconds() });
    if (settled.ok) await this.#tell(kept.value.agency, 'ask.refused', id, kept.value.subject);
    return settled;
  }

  /**
   * Judges an answer and brings it to the ledger. `transaction` is null for a wallet that is not ours.
   *
   * @param resident whose visit it comes from, where it is known.
   */
  async answer(id: Id, vpToken: VpToken, resident: Id | null): Promise<Result<{ transaction: Uint8Array | null; state: SubmissionState['state'] }, AsksFailure>> {
    const { book } = this.#parts;
    const kept = await book.ask(id);
    if (!kept.ok) return kept;
    if (kept.value === null) return fail('ask-unknown');
    const { signed, agency } = kept.value;
    const current = await this.#current(kept.value);
    if (!current.ok) return current;
    if (current.value.status.outcome !== 'open') return fail('answer-replayed');
    const ask = openAsk(signed);
    if (!ask.ok) return ask;
    const verified = await verifyAnswer(vpToken, ask.value, this.#check());
    if (!verified.ok) return verified;
    const { subject } = verified.value;
    if (resident !== null && (subject === null || !equalBytes(subject, resident))) return fail('answer-subject', 'visit');
    const spent = await this.#read('answer', stateKey.answer(nonceHash(ask.value)));
    if (!spent.ok) return spent;
    if (spent.value !== null) return fail('answer-replayed');
    const party = await this.#read('party', stateKey.party(agency));
    if (!party.ok) return party;
    if (party.value?.state !== 'active') return fail('ask-signature', 'agency');
    if (!isWithinPurpose(ask.value, party.value)) return fail('ask-purpose');
    const token = sealTo(party.value.seal[1], 'token', nonceHash(ask.value), Buffer.from(JSON.stringify(vpToken), 'utf8'));
    return subject === null ? this.#keepForeign(id, ask.value, verified.value, token) : this.#record(id, ask.value, signed, { ...verified.value, subject }, token, party.value);
  }

  /** `ask-unknown`: none of this agency's. */
  async forAgency(id: Id, agency: Name): Promise<Result<AskView, AsksFailure>> {
    const kept = await this.#parts.book.ask(id);
    if (!kept.ok) return kept;
    if (kept.value === null || kept.value.agency !== agency) return fail('ask-unknown');
    const { code, until } = kept.value;
    const current = await this.#current(kept.value);
    if (!current.ok) return current;
    const { status, receipt } = current.value;
    const open: AskView = { state: until <= this.#seconds() ? 'over' : 'open', at: null, code, until, answer: null };
    if (status.outcome === 'open') return ok(open);
    if (status.outcome === 'refused') return ok({ ...open, state: 'refused', at: status.at });
    const { key, subject, claims, token, transaction, part, foreignReceipt } = status.answer;
    if (transaction !== null && receipt === null) return ok({ ...open, state: 'answering', at: status.at });
    const opened = part === null ? null : (decodeOpenedPart(part) ?? null);
    const answer: AnswerView = {
      ledgerKey: key === 'ledger' ? 'active' : 'not-applicable',
      subject,
      claims,
      token,
      transaction,
      receipt: receipt === null ? null : (withParts(receipt, [opened]) ?? receipt),
      foreignReceipt,
    };
    return ok({ ...open, state: 'answered', at: status.at, answer });
  }

  /** What an interruption left: answers whose way ended halfway, and agencies that were not told of what no act says. */
  async finish(): Promise<Result<null>> {
    const unfinished = await this.#parts.book.unfinished(this.#seconds() - bringingSeconds, mostFinishedAtOnce);
    if (!unfinished.ok) return unfinished;
    for (const { ask, isTold } of unfinished.value) {
      if (isTold) {
        const current = await this.#current(ask);
        if (!current.ok) return current;
      } else if (ask.status.outcome === 'refused') await this.#tell(ask.agency, 'ask.refused', ask.id, ask.subject);
      else await this.#tell(ask.agency, 'ask.answered', ask.id, null);
    }
    return ok(null);
  }

  /** Of what is settled already: where it cannot be written now, it is with a later block (`finish`). */
  async #tell(agency: Name, kind: NotedKind, ask: Id, subject: Id | null): Promise<void> {
    const told = await this.#parts.keeper.noteAsk(agency, kind, ask, subject);
    if (told.ok) await this.#parts.book.noteTold(ask);
  }

  /**
   * What became of an ask by now. An answer that the ledger has counts, whatever was thought of it meanwhile. One that the ledger refused, or that neither ledger nor
   * keeper has, since the hub that took it ended in between, is given up: the resident may answer again.
   */
  async #current({ id, status, brought, isProven }: KeptAsk): Promise<Result<{ status: AskOutcome; receipt: Uint8Array | null }>> {
    const { keeper, ledger, book } = this.#parts;
    for (const { at, answer } of brought) {
      if (answer.transaction === null) continue;
      const receipt = await ledger.receipt(answer.transaction, 0);
      if (!receipt.ok) return receipt;
      if (receipt.value === null) continue;
      // Where that cannot be written now, it is with a later block: it is the answer all the same.
      if (!isProven) await book.proveAsk(id, answer.transaction);
      return ok({ status: { outcome: 'answered', at, answer }, receipt: receipt.value });
    }
    if (isProven || status.outcome !== 'answered') return ok({ status, receipt: null });
    const { at, answer } = status;
    if (answer.transaction === null) {
      // As an earlier program left them: looked into once, not with each block.
      await book.proveAsk(id, null);
      return ok({ status, receipt: null });
    }
    const state = await keeper.state(answer.transaction);
    if (!state.ok) return state;
    const isLost = state.value.state === 'rejected' || (state.value.state === 'unknown' && this.#seconds() - at >= bringingSeconds);
    if (!isLost) return ok({ status: { outcome: 'answered', at, answer }, receipt: null });
    const reopened = await book.reopenAsk(id, answer.transaction);
    return reopened.ok ? ok({ status: { outcome: 'open' }, receipt: null }) : reopened;
  }

  async #record(id: Id, ask: Ask, signed: string, { subject, claims }: { subject: Id; claims: string[] }, token: Uint8Array, agency: PartyRecord): Promise<Result<{ transaction: Uint8Array; state: SubmissionState['state'] }, AsksFailure>> {
    const { ledger, keeper, book, keeperSeal, party, crypto } = this.#parts;
    const now = this.#seconds();
    const resident = await this.#read('resident', stateKey.resident(subject));
    if (!resident.ok) return resident;
    if (resident.value === null) return fail('answer-key-unknown');
    const opened: OpenedPart = {
      salt: new Uint8Array(randomBytes(16)),
      part: { kind: 'verification.answer', agency: ask.agency, purpose: ask.purpose, claims, token: hashOf(token), signed: new Uint8Array(Buffer.from(signed, 'ascii')) },
    };
    const act: VerificationAnswer = { kind: 'verification.answer', subject, id: nonceHash(ask), until: ask.until, private: commitPart(opened.salt, opened.part, crypto) };
    const body = { v: 1 as const, chain: ledger.chain, nonce: new Uint8Array(randomBytes(16)), notAfter: now + envelopeLifetimeSeconds, acts: [act] };
    const envelope = await signEnvelope(body, [party], crypto);
    const own = openEnvelope(envelope, crypto);
    if (!own.ok) throw new Error(own.failure.code);
    const transaction = own.value.id;
    const answer: KeptAnswer = { key: 'ledger', subject, claims, token, transaction, part: encodeOpenedPart(opened), foreignReceipt: null };
    const settled = await book.settleAsk(id, { outcome: 'answered', at: now, answer });
    if (!settled.ok) return settled;
    const keys = { space: resident.value.space[1], keeper: keeperSeal, agency: agency.seal[1] };
    const taken = await keeper.take({ envelope, payloads: [...sealPart(opened, 0, subject, keys), { act: 0, what: 'token', to: 'agency', sealed: token }] });
    // It may have failed after it was kept, and what is kept goes to the ledger with a later block: whoever hears that it failed would answer twice.
    const state = taken.ok ? taken : await keeper.state(transaction);
    // Nobody can say: it is looked into with a later block.
    if (!state.ok) return taken.ok ? state : taken;
    if (state.value.state === 'rejected' || state.value.state === 'unknown') {
      const reopened = await book.reopenAsk(id, transaction);
      if (!taken.ok && state.value.state === 'unknown') return taken;
      if (!reopened.ok) return reopened;
      const code = state.value.code as RejectionCode | RefusalCode | undefined;
      return code === undefined || code === 'nonce-spent' ? fail('answer-replayed') : fail(code);
    }
    const receipt = await ledger.receipt(transaction, recordWaitMs);
    if (!receipt.ok || receipt.value === null) return ok({ transaction, state: state.value.state });
    await book.proveAsk(id, transaction);
    return ok({ transaction, state: 'recorded' });
  }

  /** No act: whose key it is, the ledger does not know. The agency gets this gateway's word, signed. */
  async #keepForeign(id: Id, ask: Ask, { claims, shown }: VerifiedAnswer, token: Uint8Array): Promise<Result<{ transaction: null; state: 'unknown' }, AsksFailure>> {
    const { book, party, crypto } = this.#parts;
    const now = this.#seconds();
    const foreignReceipt = signJws(
      { typ: 'imi-answer-receipt+jwt', alg: 'EdDSA', kid: party.name },
      {
        iss: party.name,
        aud: ask.agency,
        iat: now,
        state: ask.state,
        nonce_hash: toBase64url(nonceHash(ask)),
        purpose: ask.purpose,
        claims,
        issuers: [...new Set(shown.map(({ issuer }) => issuer))],
        token_hash: toBase64url(crypto.sha256(token)),
        ledger_key: 'not-applicable',
      },
      (input) => party.sign(input),
    );
    const answer: KeptAnswer = { key: 'foreign', subject: null, claims, token, transaction: null, part: null, foreignReceipt };
    const settled = await book.settleAsk(id, { outcome: 'answered', at: now, answer });
    if (!settled.ok) return settled;
    await this.#tell(ask.agency, 'ask.answered', id, null);
    return ok({ transaction: null, state: 'unknown' });
  }

  #check(): AnswerCheck {
    const { crypto } = this.#parts;
    return {
      now: this.#seconds(),
      verify: (key, message, signature) => crypto.verify(key, message, signature),
      issuer: (claimed) => this.#issuer(claimed),
      holder: async (key) => {
        const record = await this.#read('key', stateKey.key(keyId(key, crypto)));
        if (!record.ok) return record;
        if (record.value === null || record.value.use !== 'aut' || !('resident' in record.value.owner)) return ok({ state: 'unknown' });
        const { resident } = record.value.owner;
        const person = await this.#read('resident', stateKey.resident(resident));
        if (!person.ok) return person;
        if (record.value.state !== 'active' || person.value?.state !== 'active') return ok({ state: 'revoked' });
        return ok((person.value.readOnlyUntil ?? 0) > this.#seconds() ? { state: 'read-only' } : { state: 'active', resident });
      },
      status: (issuer, at) => this.#status(issuer, at),
    };
  }

  /** A credential of a type counts from the one party that may issue it; and from those outside whom the hub's file names. */
  async #issuer({ issuer, vct }: ClaimedCredential): Promise<Result<KnownIssuer | null>> {
    const outside = this.#parts.trusted.find(({ name, vcts }) => name === issuer && vcts.includes(vct));
    if (outside !== undefined) return ok({ name: outside.name, keys: outside.keys, onLedger: false });
    const party = await this.#read('party', stateKey.party(issuer));
    if (!party.ok) return party;
    if (party.value === null || party.value.state === 'retired') return ok(null);
    const mayIssue = vct === identityVct ? party.value.party === 'registrar' : agencyCredentials.some((one) => one.vct === vct && one.issuer === issuer);
    return ok(mayIssue ? { name: issuer, keys: [party.value.sign], onLedger: true } : null);
  }

  async #status(issuer: KnownIssuer, { index, uri }: { index: number; uri: string }): Promise<Result<'valid' | 'revoked' | 'unknown'>> {
    if (!issuer.onLedger || uri !== statusUri(issuer.name)) return ok('unknown');
    const newest = await this.#parts.lists.newest(issuer.name);
    if (!newest.ok) return newest;
    if (newest.value === null) return ok('unknown');
    const read = readStatusList(newest.value, { uri, keys: issuer.keys }, this.#parts.crypto.verify, this.#seconds());
    const value = read.ok ? read.value.list.at(index) : undefined;
    return ok(value === statusValid ? 'valid' : value === statusInvalid ? 'revoked' : 'unknown');
  }

  async #read<K extends RecordKind>(kind: K, key: Uint8Array): Promise<Result<Records[K] | null>> {
    const values = await this.#parts.ledger.values([key]);
    if (!values.ok) return values;
    const [value] = values.value;
    return ok(value === null || value === undefined ? null : decodeRecord(kind, value));
  }
}

/** A purpose that the agency owns, and no claim beyond it. */
function isWithinPurpose(ask: Ask, agency: PartyRecord): boolean {
  const purpose = agency.purposes.find(({ id }) => id === ask.purpose);
  return purpose !== undefined && askedClaims(ask).every((claim) => purpose.claims.includes(claim));
}
