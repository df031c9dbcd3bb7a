import { fromBase64url } from '../../ledger/verify/bytes.ts';
import { trustThrough } from '../../ledger/verify/handover.ts';
import type { Trust } from '../../ledger/verify/head.ts';
import { nobleCrypto } from '../../ledger/verify/noble-crypto.ts';
import { isInt, isList, isMap, isOneOf, isText, optional } from '../../ledger/verify/shape.ts';

const isChain = (value: unknown): value is string => typeof value === 'string' && /^[a-z0-9-]{1,20}$/.test(value);
const isKey = (value: unknown): value is string => typeof value === 'string' && fromBase64url(value)?.length === 32;
const isName = isText(/^[^\s+]{1,200}$/);
const isTrustRoot = isMap({
  chain: isChain,
  height: isInt(1, Number.MAX_SAFE_INTEGER),
  validators: isList(isMap({ alg: isOneOf(-19), key: isKey, power: isInt(1, 2 ** 48) }), 1, 1000),
  trustingPeriodMs: optional(isInt(1, Number.MAX_SAFE_INTEGER)),
  handovers: optional(isList(isText(/^[A-Za-z0-9_-]+$/), 0, 16)),
  witnessing: optional(
    isMap({
      origin: isName,
      threshold: optional(isInt(1, 16)),
      witnesses: isList(isMap({ name: isName, key: isKey }), 1, 16),
    }),
  ),
});

/** `trustRootSchema` without its library. undefined: not a trust root. */
export function trustFrom(value: unknown): Trust | undefined {
  if (!isTrustRoot(value)) return undefined;
  const { chain, height, validators, handovers = [], witnessing } = value;
  try {
    return trustThrough({ chain, height, validators, handovers, ...(witnessing === undefined ? {} : { witnessing: { threshold: 1, ...witnessing } }) }, nobleCrypto);
  } catch {
    // A key twice, a handover that nobody signed, or more witnesses wanted than there are.
    return undefined;
  }
}

/** undefined: not the text of a trust root. */
export function trustFromText(text: string): Trust | undefined {
  try {
    return trustFrom(JSON.parse(text));
  } catch {
    return undefined;
  }
}
