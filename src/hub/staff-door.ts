import { fail, ok, type Result } from '../contract/result.ts';
import type { DoorParams, DoorResult } from '../contract/hub-door.ts';
import type { Drafts } from '../gateway/drafts.ts';
import type { Keeper } from '../keeper/keeper.ts';
import { readRecord } from '../keeper/ledger-records.ts';
import { Sessions } from '../keeper/sessions.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { keyId } from '../ledger/verify/envelope.ts';
import { stateKey, type StaffRecord } from '../ledger/verify/records.ts';

export interface StaffDoorParts {
  ledger: Pick<Ledger, 'chain' | 'values'>;
  keeper: Pick<Keeper, 'answered'>;
  drafts: Pick<Drafts, 'list'>;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
}

/** Staff at a kiosk, as the hub sees them: a card that proved its key, for as long as its record on the ledger is good. */
export class StaffDoor {
  readonly #parts: StaffDoorParts;
  readonly #sessions = new Sessions();

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
    return session.ok ? ok({ session: session.value }) : session;
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
