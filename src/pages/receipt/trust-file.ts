import { fromBase64url } from '../../ledger/verify/bytes.ts';
import type { Trust } from '../../ledger/verify/head.ts';
import { isInt, isList, isMap, isOneOf, optional } from '../../ledger/verify/shape.ts';

const isChain = (value: unknown): value is string => typeof value === 'string' && /^[a-z0-9-]{1,20}$/.test(value);
const isKey = (value: unknown): value is string => typeof value === 'string' && fromBase64url(value)?.length === 32;
const isTrustRoot = isMap({
  chain: isChain,
  height: isInt(1, Number.MAX_SAFE_INTEGER),
  validators: isList(isMap({ alg: isOneOf(-19), key: isKey, power: isInt(1, 2 ** 48) }), 1, 1000),
  trustingPeriodMs: optional(isInt(1, Number.MAX_SAFE_INTEGER)),
});

/** `trustRootSchema` without its library. undefined: not a trust root. */
export function trustFrom(value: unknown): Trust | undefined {
  if (!isTrustRoot(value)) return undefined;
  const validators = value.validators.map(({ key, power }) => ({ key: fromBase64url(key) ?? new Uint8Array(), power }));
  return { chain: value.chain, height: value.height, validators };
}

/** undefined: not the text of a trust root. */
export function trustFromText(text: string): Trust | undefined {
  try {
    return trustFrom(JSON.parse(text));
  } catch {
    return undefined;
  }
}
