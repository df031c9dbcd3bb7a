import { randomBytes } from 'node:crypto';
import { identityVct } from '../../src/contract/claims.ts';
import { signAsk, type AskTerms } from '../../src/identity/ask.ts';
import { toBase64url } from '../../src/ledger/verify/bytes.ts';
import { clientOf, partySigner } from '../gateway/gateway-in-test.ts';
import type { Hall } from './hall.ts';

/** What an agency far away does; the kiosk knows nothing of it. */
export class PensionOffice {
  readonly #url: string;

  constructor(hall: Hall) {
    const url = /imi gateway is ready on (\S+)/.exec(hall.hubWords)?.[1];
    if (url === undefined) throw new Error('the hub has no gateway');
    this.#url = url;
  }

  async asks(change: Partial<AskTerms> = {}): Promise<{ id: string; code: string; walletUri: string }> {
    const now = Math.floor(Date.now() / 1000);
    const terms: AskTerms = {
      agency: 'pension-office',
      purpose: 'pension.eligibility',
      reason: { en: 'to see that you still live in the district', 'zh-Hans': '核实您是否仍住在本区' },
      subject: null,
      nonce: toBase64url(new Uint8Array(randomBytes(32))),
      state: toBase64url(new Uint8Array(randomBytes(16))),
      responseUri: `${this.#url}/v1/openid4vp/responses`,
      at: now,
      until: now + 3600,
      wanted: [{ id: 'identity', vcts: [identityVct], claims: [{ claim: 'name', optional: false }, { claim: 'address', optional: true }] }],
      ...change,
    };
    const asked = await clientOf(this.#url, 'pension-office').call('POST', '/v1/asks', { body: { request: signAsk(terms, partySigner('pension-office').sign), code: true } });
    if (!asked.ok) throw new Error(asked.failure.code);
    return asked.value.body as { id: string; code: string; walletUri: string };
  }

  async answerTo({ id }: { id: string }): Promise<unknown> {
    const answer = await clientOf(this.#url, 'pension-office').call('GET', `/v1/asks/${id}/answer`);
    return answer.ok ? answer.value.body : answer.failure.code;
  }
}
