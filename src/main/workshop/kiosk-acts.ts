import { randomBytes } from 'node:crypto';
import { fail, ok, type Result } from '../../contract/result.ts';
import type { HubClient } from '../../ledger/client/hub-client.ts';
import { query, type LightClient } from '../../ledger/client/light-client.ts';
import { nothingAttested, type Act, type Attested, type Name, type PublicKey } from '../../ledger/verify/acts.ts';
import { equalBytes } from '../../ledger/verify/bytes.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import { draftId, encodeDraft, inputFor, newDraft, withSignature } from '../../ledger/verify/draft.ts';
import { keyId, type Signer } from '../../ledger/verify/envelope.ts';
import type { District } from '../district.ts';

export interface KioskActsParts {
  hub: Pick<HubClient, 'call'>;
  light: LightClient;
  district: Pick<District, 'receipt'>;
  crypto: Crypto;
  kioskId: Name;
  /** Unix milliseconds. */
  now(): number;
}

/** What the ledger has of a kiosk of this name: proved, not told. */
export type Standing = { standing: 'unknown' } | { standing: 'enrolled' | 'retired'; hub: Name; key: PublicKey; attested: Attested };

/** How a kiosk comes onto the ledger, and off it: a technician of its hub signs, and the hub with them. */
export interface KioskActs {
  standing(): Promise<Result<Standing>>;
  /**
   * The receipt of `kiosk.enrol` for this key, verified. `staff-card-unknown`, `-retired`, `-expired`, `-role`, `-office` of whoever signs; `kiosk-not-enrolled`
   * where the name is taken: `key` by another device, `retired` by one that is no more; `request-rejected` with the ledger's code, `hub-busy` while it is not recorded.
   */
  enrol(key: PublicKey, technician: Signer): Promise<Result<Uint8Array>>;
  /**
   * The receipt of `kiosk.retire`, which says how much this kiosk attested. As `enrol`; `kiosk-not-enrolled` where there is nothing to retire.
   * `onTaken`: the hub has it. Whatever fails after that, the kiosk may be off the ledger.
   */
  retire(technician: Signer, onTaken?: () => void): Promise<Result<Uint8Array>>;
}

/** A technician who was asked for a signature gives it within this time, or the whole is begun anew. */
const goodForSeconds = 600;
const recordWaitMs = 10_000;

export function createKioskActs({ hub, light, district, crypto, kioskId, now }: KioskActsParts): KioskActs {
  const seconds = (): number => Math.floor(now() / 1000);

  async function standing(): Promise<Result<Standing>> {
    const read = await light.read([query.kiosk(kioskId)]);
    if (!read.ok) return read;
    const [record] = read.value.records;
    if (record === null) return ok({ standing: 'unknown' });
    const { hub: of, key, state, attested } = record;
    return ok({ standing: state === 'active' ? 'enrolled' : 'retired', hub: of, key, attested: attested ?? nothingAttested });
  }

  /** Refused here with a word of its own what the rules would only call a missing signer. */
  async function mayTechnicianSign(key: PublicKey, of: Name): Promise<Result<null>> {
    const read = await light.read([query.key(keyId(key, crypto))]);
    if (!read.ok) return read;
    const [known] = read.value.records;
    if (known === null || !('staff' in known.owner)) return fail('staff-card-unknown');
    const staffRead = await light.read([query.staff(known.owner.staff)]);
    if (!staffRead.ok) return staffRead;
    const [staff] = staffRead.value.records;
    if (staff === null) return fail('staff-card-unknown');
    if (staff.state !== 'active' || known.state !== 'active') return fail('staff-card-retired');
    if (staff.until <= seconds()) return fail('staff-card-expired');
    if (staff.role !== 'technician') return fail('staff-card-role', staff.role);
    return staff.party === of ? ok(null) : fail('staff-card-office', staff.party);
  }

  async function record(act: Act, of: Name, technician: Signer, onTaken?: () => void): Promise<Result<Uint8Array>> {
    const allowed = await mayTechnicianSign(technician.key, of);
    if (!allowed.ok) return allowed;
    const party = await light.read([query.party(of)]);
    if (!party.ok) return party;
    const [hubParty] = party.value.records;
    if (hubParty?.state !== 'active') return fail('hub-refused', `${of} is no party`);
    const body = { v: 1 as const, chain: light.trust.chain, nonce: new Uint8Array(randomBytes(16)), notAfter: seconds() + goodForSeconds, acts: [act] };
    const draft = newDraft(body, [technician.key, hubParty.sign]);
    const input = inputFor(draft, technician.key, crypto);
    if (input === undefined) throw new Error('the technician is not among the signers');
    const signed = withSignature(draft, technician.key, await technician.sign(input), crypto);
    if (!signed.ok) return fail('signature-failed', signed.failure.code);
    const taken = await hub.call('kiosk.countersign', { draft: encodeDraft(signed.value) });
    if (!taken.ok) return taken;
    if (taken.value.state === 'rejected') return fail('request-rejected', taken.value.code);
    onTaken?.();
    const receipt = await district.receipt(draftId(draft, crypto), recordWaitMs);
    if (!receipt.ok) return receipt;
    return receipt.value === null ? fail('hub-busy', 'not recorded yet') : ok(receipt.value.receipt);
  }

  return {
    standing,
    async enrol(key, technician) {
      const known = await standing();
      if (!known.ok) return known;
      const is = known.value;
      if (is.standing !== 'unknown') return fail('kiosk-not-enrolled', is.standing === 'enrolled' && !equalBytes(is.key[1], key[1]) ? 'key' : is.standing);
      const named = await hub.call('hello', { kiosk: '' });
      if (!named.ok) return named;
      return record({ kind: 'kiosk.enrol', id: kioskId, hub: named.value.hub, key }, named.value.hub, technician);
    },
    async retire(technician, onTaken) {
      const known = await standing();
      if (!known.ok) return known;
      const is = known.value;
      return is.standing === 'enrolled' ? record({ kind: 'kiosk.retire', id: kioskId, attested: is.attested }, is.hub, technician, onTaken) : fail('kiosk-not-enrolled', is.standing);
    },
  };
}
