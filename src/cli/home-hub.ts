import { failureCodes, type FailureCode } from '../contract/failures.ts';
import { doorMethods } from '../contract/hub-door.ts';
import { fail, ok } from '../contract/result.ts';
import type { HubClient } from '../ledger/client/hub-client.ts';
import { answerSchema } from '../ledger/client/wire.ts';
import { fromBase64url, toBase64url } from '../ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../ledger/verify/cbor.ts';

/** How long an answer of the hub may take, beside what a call itself waits for. */
const answerWaitMs = 10_000;

/** Where a person at home may send what is theirs: over TLS, or on this machine. */
export const isHomeAddress = (url: URL): boolean => url.protocol === 'https:' || (url.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname));

/** The hub's messages over the gateway's door for those at home. @param origin `https://host` */
export function homeHub(origin: string): HubClient {
  let isOver = false;
  let id = 0;
  return {
    connected: true,
    onConnection: () => () => undefined,
    close() {
      isOver = true;
    },
    async call(method, params, { deadlineMs = answerWaitMs } = {}) {
      if (isOver) return fail('hub-unreachable', 'closed');
      id += 1;
      let text: string;
      try {
        const response = await fetch(`${origin}/v1/home`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ frame: toBase64url(encodeCbor({ id, method, params })) }),
          redirect: 'error',
          signal: AbortSignal.timeout(deadlineMs),
        });
        text = await response.text();
        if (response.status !== 200) return fail('hub-refused', `http-${response.status}`);
      } catch {
        return fail('hub-unreachable', 'gateway');
      }
      const answer = answerSchema.safeParse(decodeCbor(frameOf(text)));
      if (!answer.success) return fail('message-invalid', 'frame');
      if (!answer.data.ok) {
        const { code, detail } = answer.data;
        return isFailureCode(code) ? fail(code, detail) : fail('hub-refused', code);
      }
      const result = doorMethods[method].result.safeParse(answer.data.result);
      return result.success ? ok(result.data as never) : fail('message-invalid', method);
    },
  };
}

function frameOf(text: string): Uint8Array {
  try {
    const body: unknown = JSON.parse(text);
    const frame = typeof body === 'object' && body !== null && 'frame' in body && typeof body.frame === 'string' ? body.frame : '';
    return fromBase64url(frame) ?? new Uint8Array();
  } catch {
    return new Uint8Array();
  }
}

const isFailureCode = (code: string): code is FailureCode => (failureCodes as readonly string[]).includes(code);
