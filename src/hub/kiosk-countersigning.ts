import type { SubmissionState } from '../contract/hub-door.ts';
import { fail, ok, type Result } from '../contract/result.ts';
import { readRecord, type LedgerView } from '../keeper/ledger-records.ts';
import type { Act, Name, PublicKey } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { bodyOf, completed, decodeDraft, inputFor, withSignature } from '../ledger/verify/draft.ts';
import { keyId, type Signer } from '../ledger/verify/envelope.ts';
import { stateKey } from '../ledger/verify/records.ts';

/** Who brings a draft: a kiosk of this hub, one that is being set up and has proved this key, or, with neither, whoever is on the hub's machine. */
export interface Bringer {
  kiosk?: Name;
  key?: PublicKey;
}

/** Adds the hub's signature to a draft of `kiosk.enrol` or `kiosk.retire`, and takes it. `hub-refused`: `no-hub-key`, `draft-form`, `another-hub`, `another-kiosk`, `not-a-technician`. */
export type KioskCountersigning = (draft: Uint8Array, by: Bringer) => Promise<Result<SubmissionState>>;

export interface KioskCountersigningParts {
  ledger: LedgerView & { chain: string };
  hub: Name;
  /** null: its key is not on this machine. */
  signer: Signer | null;
  take: (envelope: Uint8Array) => Promise<Result<SubmissionState>>;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
}

type KioskAct = Extract<Act, { kind: 'kiosk.enrol' | 'kiosk.retire' }>;

/**
 * A technician's card decides which kiosk joins or leaves; the hub signs what its own technicians have signed, and nothing that is said for another
 * kiosk or another hub. Everything else about the act is for the rules.
 */
export function kioskCountersigning({ ledger, hub, signer, take, crypto, now }: KioskCountersigningParts): KioskCountersigning {
  const isTechnician = async (key: PublicKey): Promise<Result<boolean>> => {
    const known = await readRecord(ledger, 'key', stateKey.key(keyId(key, crypto)));
    if (!known.ok) return known;
    if (known.value?.state !== 'active' || !('staff' in known.value.owner)) return ok(false);
    const staff = await readRecord(ledger, 'staff', stateKey.staff(known.value.owner.staff));
    if (!staff.ok) return staff;
    const record = staff.value;
    const isOurs = record !== null && record.state === 'active' && record.role === 'technician' && record.party === hub && record.until > Math.floor(now() / 1000);
    return ok(isOurs);
  };

  const isAnothers = async (act: KioskAct, { kiosk, key }: Bringer): Promise<Result<string | null>> => {
    if (act.kind === 'kiosk.enrol') {
      if (act.hub !== hub) return ok('another-hub');
      if (kiosk !== undefined) return ok('another-kiosk');
      return ok(key === undefined || isSame(act.key, key) ? null : 'another-kiosk');
    }
    const record = await readRecord(ledger, 'kiosk', stateKey.kiosk(act.id));
    if (!record.ok) return record;
    if (record.value !== null && record.value.hub !== hub) return ok('another-hub');
    const isOther = (kiosk !== undefined && kiosk !== act.id) || (key !== undefined && (record.value === null || !isSame(record.value.key, key)));
    return ok(isOther ? 'another-kiosk' : null);
  };

  return async (bytes, by) => {
    if (signer === null) return fail('hub-refused', 'no-hub-key');
    const draft = decodeDraft(bytes, crypto);
    const body = draft === undefined ? null : bodyOf(draft, crypto);
    const [act, ...more] = body?.ok === true ? body.value.acts : [];
    if (draft === undefined || body?.ok !== true || act === undefined || more.length > 0 || body.value.chain !== ledger.chain) return fail('hub-refused', 'draft-form');
    if (act.kind !== 'kiosk.enrol' && act.kind !== 'kiosk.retire') return fail('hub-refused', 'draft-form');
    const refused = await isAnothers(act, by);
    if (!refused.ok) return refused;
    if (refused.value !== null) return fail('hub-refused', refused.value);
    const technician = draft.signers.find((key) => !isSame(key, signer.key));
    if (draft.signers.length !== 2 || technician === undefined) return fail('hub-refused', 'draft-form');
    const allowed = await isTechnician(technician);
    if (!allowed.ok) return allowed;
    if (!allowed.value) return fail('hub-refused', 'not-a-technician');
    const input = inputFor(draft, signer.key, crypto);
    const signed = input === undefined ? undefined : withSignature(draft, signer.key, await signer.sign(input), crypto);
    const envelope = signed?.ok === true ? completed(signed.value, crypto) : null;
    // The hub is not among its signers, or the technician has not signed.
    return envelope === null ? fail('hub-refused', 'draft-form') : take(envelope);
  };
}

const isSame = (a: PublicKey, b: PublicKey): boolean => a[0] === b[0] && equalBytes(a[1], b[1]);
