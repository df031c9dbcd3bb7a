import type { CardInfo } from '../../contract/device-host.ts';
import type { Failure, Result } from '../../contract/result.ts';
import type { Signer } from '../../ledger/verify/envelope.ts';
import type { Card } from '../card.ts';

/** Has `act` done with the signatures of a card whose PIN was just verified for signing. What the card says against it is the answer. */
export async function signedByCard<T>(card: Pick<Card, 'sign'>, { keys }: Pick<CardInfo, 'keys'>, act: (signer: Signer) => Promise<Result<T, Failure<string>>>): Promise<Result<T, Failure<string>>> {
  const refused: { failure: Failure | null } = { failure: null };
  const done = await act({
    key: [-19, keys.sig],
    async sign(input) {
      const signature = await card.sign(input);
      if (signature.ok) return signature.value;
      refused.failure = signature.failure;
      // No signature of anything: whoever checks it stops there.
      return new Uint8Array(64);
    },
  });
  return refused.failure === null ? done : { ok: false, failure: refused.failure };
}
