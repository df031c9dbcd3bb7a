import { createHash } from 'node:crypto';
import type { MemorySigner } from '../../../src/ledger/node-signer.ts';
import type { Act } from '../../../src/ledger/verify/acts.ts';
import { envelopeOf, body, keys, now, registerAct, residentOf } from '../small-district.ts';

/** How many credentials follow the registration of their resident. */
const perResident = 12;

/** What a load begins with again after a kill: enough to meet everything that was under way. */
export const overlap = 2 * (perResident + 1);

/**
 * The transaction with this number, the same bytes in every process: so whoever was killed submits again what it had submitted before.
 * Every sixth is good for a minute at most, some for two seconds: the ledger forgets them while the load goes on.
 */
export function numbered(seed: string, number: number): Promise<Uint8Array> {
  const resident = residentOf(`${seed} ${Math.floor(number / (perResident + 1))}`);
  const place = number % (perResident + 1);
  const [act, signers]: [Act, MemorySigner[]] =
    place === 0
      ? [registerAct(resident), [keys.staff, resident.sig]]
      : [
          { kind: 'credential.anchor', subject: resident.id, id: bytesOf(seed, 'credential', number).slice(0, 16), private: [-16, new Uint8Array(32)], status: number },
          [keys.registrar],
        ];
  const nonce = bytesOf(seed, 'nonce', number).slice(0, 16);
  const notAfter = place % 6 === 5 ? now + 2 + ((bytesOf(seed, 'until', number)[0] ?? 0) % 60) : now + 3600;
  return envelopeOf(body([act], { nonce, notAfter }), signers);
}

const bytesOf = (seed: string, of: string, number: number): Uint8Array => new Uint8Array(createHash('sha256').update(`${seed} ${of} ${number}`).digest());
