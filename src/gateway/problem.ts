import { z } from 'zod';
import { answerRefusalCodes, failureCodes, gatewayCodes, refusalCodes, rejectionCodes, type FailureCode, type GatewayCode, type ProblemCode } from '../contract/failures.ts';
import messages from '../contract/messages/en.json' with { type: 'json' };

export const problemType = 'application/problem+json';

/** RFC 9457. Its `type` says no more than `code`, which is what programs go by. */
export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum([...new Set<ProblemCode>([...gatewayCodes, ...failureCodes, ...rejectionCodes, ...refusalCodes, ...answerRefusalCodes])]),
  detail: z.string().optional(),
});
export type Problem = z.infer<typeof problemSchema>;

const gatewayStatus: Record<GatewayCode, number> = {
  'path-unknown': 404,
  'method-unknown': 405,
  'not-acceptable': 406,
  'media-type-unknown': 415,
  'content-too-large': 413,
  'call-malformed': 400,
  'authority-unknown': 421,
  'signature-required': 401,
  'signature-malformed': 401,
  'signature-late': 401,
  'signature-replayed': 401,
  'signature-refused': 401,
  'digest-mismatch': 400,
  'party-not-admitted': 403,
  'rate-limited': 429,
  'key-reused': 422,
  'cursor-invalid': 400,
  'resident-unknown': 404,
  'address-refused': 422,
  'draft-unknown': 404,
  'draft-refused': 422,
  'ticket-unknown': 404,
  'too-many': 409,
  'not-now': 503,
  'gateway-fault': 500,
};

/** Hub and ledger cannot just now; the same call may come again. */
const passing: readonly FailureCode[] = ['hub-storage', 'hub-busy', 'hub-unreachable', 'head-too-old', 'hub-refused'];
/** What is not the caller's does not exist for the caller. */
const unknown: readonly ProblemCode[] = ['ask-unknown', 'status-list-unknown', 'grant-unknown', 'request-unknown', 'credential-unknown', 'service-unknown', 'case-unknown', 'party-unknown', 'subject-unknown', 'staff-unknown', 'ask-unknown'];
const forbidden: readonly ProblemCode[] = ['signer-role', 'signer-unknown', 'signer-revoked', 'signer-expired', 'signature-invalid', 'purpose-not-owned', 'party-inactive'];
const malformed: readonly ProblemCode[] = ['envelope-malformed', 'body-malformed', 'version-unknown', 'algorithm-unknown', 'act-unknown', 'act-malformed', 'acts-count', 'chain-wrong'];

const isGatewayCode = (code: ProblemCode): code is GatewayCode => (gatewayCodes as readonly string[]).includes(code);

export function statusOf(code: ProblemCode): number {
  if (isGatewayCode(code)) return gatewayStatus[code];
  if ((passing as readonly string[]).includes(code)) return 503;
  if (unknown.includes(code)) return 404;
  if (forbidden.includes(code)) return 403;
  if ((answerRefusalCodes as readonly string[]).includes(code)) return 422;
  return malformed.includes(code) ? 400 : 409;
}

const titles: Readonly<Record<string, string | undefined>> = { ...messages.rejection, ...messages.problem };
const failures: Readonly<Record<string, { title: string } | undefined>> = messages.failure;

/** @param detail where a form is wrong, or a word for the log: never an id, a name or a fact. */
export function problemOf(code: ProblemCode, detail?: string): Problem {
  return { type: `urn:imi:problem:${code}`, title: titles[code] ?? failures[code]?.title ?? code, status: statusOf(code), code, ...(detail === undefined ? {} : { detail }) };
}

/** May be said to any call, whatever the route. */
export const commonRefusals: readonly ProblemCode[] = [
  'call-malformed',
  'not-acceptable',
  'authority-unknown',
  'rate-limited',
  'hub-storage',
  'hub-busy',
  'hub-unreachable',
  'not-now',
];
export const bodyRefusals: readonly ProblemCode[] = ['content-too-large', 'media-type-unknown'];
export const partyRefusals: readonly ProblemCode[] = [
  'signature-required',
  'signature-malformed',
  'signature-late',
  'signature-replayed',
  'signature-refused',
  'digest-mismatch',
  'party-not-admitted',
];
export const keyRefusals: readonly ProblemCode[] = ['key-reused'];
