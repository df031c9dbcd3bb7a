import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { DoorParams, DoorResult } from '../contract/hub-door.ts';
import type { Drafts } from '../gateway/drafts.ts';
import type { Keeper } from '../keeper/keeper.ts';
import { readRecord } from '../keeper/ledger-records.ts';
import { Sessions } from '../keeper/sessions.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import type { Name } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import { keyId } from '../ledger/verify/envelope.ts';
import { openOrder } from '../ledger/verify/order.ts';
import { stateKey, type StaffRecord } from '../ledger/verify/records.ts';
import type { LookUps } from '../registrar/look-up.ts';
import type { Registrations } from '../registrar/registrations.ts';

export interface StaffDoorParts {
  ledger: Pick<Ledger, 'chain' | 'values'>;
  keeper: Pick<Keeper, 'answered' | 'recovery'>;
  drafts: Pick<Drafts, 'list'>;
  lookUps: Pick<LookUps, 'lookUp' | 'hasFound'>;
  registrations: Pick<Registrations, 'register' | 'replace' | 'isUnderWay'>;
  /** Name of the registrar's party. */
  registrar: Name;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
}

/** Longer than a kiosk lets staff stay signed in: what ends a session is the kiosk, and a card that is retired ends it here. */
const sessionSeconds = 3 * 3600;

/** Staff at a kiosk, as the hub sees them: a card that proved its key, for as long as its record on the ledger is good. */
export class StaffDoor {
  readonly #parts: StaffDoorParts;
  readonly #sessions = new Sessions(sessionSeconds);

  constructor(parts: StaffDoorParts) {
    this.#parts = parts;
  }

  /** `challenge-failed` as for a data space; `staff-card-unknown`, `-retired`, `-expired`, `-office`. */
  async open({ staff, challenge, signature }: DoorParams<'staff.open'>): Promise<Result<DoorResult<'staff.open'>>> {
    const { keeper, crypto } = this.#parts;
    const answered = await keeper.answered(challenge);
    if (!answered.ok) return answered;
    // Staff work at kiosks only.
    if (answered.value.kiosk === null) return fail('challenge-failed', 'form');
    const record = await this.#staff(staff);
    if (!record.ok) return record;
    if (!crypto.verify(record.value.aut, challenge, signature)) return fail('challenge-failed', 'signature');
    const session = this.#sessions.begin(staff, this.#seconds());
    return session.ok ? ok({ session: session.value, registrar: this.#parts.registrar }) : session;
  }

  close(session: Uint8Array): void {
    this.#sessions.end(session);
  }

  /** Whose session this is, looked up anew each time: a card that was retired meanwhile does nothing more. `hub-refused`, `session`. */
  async member(session: Uint8Array): Promise<Result<StaffRecord>> {
    const staff = this.#sessions.resident(session, this.#seconds());
    return staff === null ? fail('hub-refused', 'session') : this.#staff(staff);
  }

  async drafts(session: Uint8Array): Promise<Result<DoorResult<'drafts.list'>>> {
    const member = await this.member(session);
    if (!member.ok) return member;
    const listed = await this.#parts.drafts.list(member.value.party);
    return listed.ok ? ok({ drafts: listed.value.slice(0, 64) }) : listed;
  }

  /** As `LookUps.lookUp`; `hub-refused` with `role`, or with `order-mismatch` where another's order is brought. */
  async lookUp({ session, order, number, salt }: DoorParams<'desk.look-up'>): Promise<Result<DoorResult<'desk.look-up'>, Failure<string>>> {
    const member = await this.#atDesk(session);
    if (!member.ok) return member;
    const opened = openOrder(order, this.#parts.crypto);
    if (!opened.ok) return opened;
    if (!equalBytes(opened.value.signer.kid, keyId(member.value.sig, this.#parts.crypto))) return fail('order-mismatch');
    return this.#parts.lookUps.lookUp(order, number, salt);
  }

  async register({ session, ...registration }: DoorParams<'desk.register'>): Promise<Result<DoorResult<'desk.register'>>> {
    const member = await this.#atDesk(session);
    return member.ok ? this.#parts.registrations.register(registration, member.value) : member;
  }

  /** What a new card's key of the space is made of: ciphertexts, which nothing but the slip opens. `resident-unknown`; `hub-refused` with `not-looked-up`, where the resident has no line of this look. */
  async recovery({ session, resident }: DoorParams<'desk.recovery'>): Promise<Result<DoorResult<'desk.recovery'>>> {
    const member = await this.#atDesk(session);
    if (!member.ok) return member;
    const looked = await this.#parts.lookUps.hasFound(member.value.id, resident);
    if (!looked.ok) return looked;
    if (!looked.value) return fail('hub-refused', 'not-looked-up');
    const found = await this.#parts.keeper.recovery(resident);
    if (!found.ok) return found.failure.code === 'subject-unknown' ? fail('resident-unknown') : fail('hub-storage', found.failure.code);
    const { recovery, formers, replaced } = found.value;
    return ok({ recovery, formers: formers.map(({ number, sealed }) => ({ number, sealed })), replaced });
  }

  async replace({ session, ...replaced }: DoorParams<'desk.replace'>): Promise<Result<DoorResult<'desk.replace'>>> {
    const member = await this.#atDesk(session);
    return member.ok ? this.#parts.registrations.replace(replaced, member.value) : member;
  }

  async underWay({ session, keys }: DoorParams<'desk.under-way'>): Promise<Result<DoorResult<'desk.under-way'>>> {
    const member = await this.#atDesk(session);
    const found = member.ok ? this.#parts.registrations.isUnderWay(keys) : member;
    return found.ok ? ok({ underWay: found.value }) : found;
  }

  /** Who serves residents: the hub's staff and the registrar's clerks. */
  async #atDesk(session: Uint8Array): Promise<Result<StaffRecord>> {
    const member = await this.member(session);
    if (!member.ok) return member;
    return member.value.role === 'staff' || member.value.role === 'registrar' ? member : fail('hub-refused', 'role');
  }

  async #staff(id: Uint8Array): Promise<Result<StaffRecord>> {
    const { ledger, crypto } = this.#parts;
    const staff = await readRecord(ledger, 'staff', stateKey.staff(id));
    if (!staff.ok) return staff;
    if (staff.value === null) return fail('staff-card-unknown');
    const key = await readRecord(ledger, 'key', stateKey.key(keyId(staff.value.aut, crypto)));
    if (!key.ok) return key;
    if (staff.value.state !== 'active' || key.value?.state !== 'active') return fail('staff-card-retired');
    if (staff.value.until <= this.#seconds()) return fail('staff-card-expired');
    const party = await readRecord(ledger, 'party', stateKey.party(staff.value.party));
    if (!party.ok) return party;
    return party.value?.state === 'active' ? ok(staff.value) : fail('staff-card-office', party.value?.state);
  }

  #seconds(): number {
    return Math.floor(this.#parts.now() / 1000);
  }
}
