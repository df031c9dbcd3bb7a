import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import type { Hash, Id, Name, Payment, RequestStep, RevocationPart, StepPart } from './acts.ts';
import { hashShape, idShape, nameShape, paymentShape, timeShape, vctShape, wordsShape } from './act-shapes.ts';
import { equalBytes } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { assembleCose, keyId, openCose, signingAlg, sigStructure } from './cose.ts';
import type { Crypto } from './crypto.ts';
import type { EnvelopeSigner, Signer } from './envelope.ts';
import { isBytes, isInt, isMap, isOneOf, isText, isTuple, optional, type Shape } from './shape.ts';

/**
 * What an agency, an officer or a member of staff signs for somebody else to carry out: the gateway steps a request, the keeper releases, the
 * registrar looks up. It stands, as signed, in the private part of the act that came of it, so whoever may read that part can check who wanted it.
 */
export type Order =
  /** An officer of the agency reads what a grant covers. `access`: id of the access.record, and the release's idempotency key. */
  | { kind: 'grant.read'; party: Name; purpose: Name; subject: Id; grant: Id; access: Id }
  /** An auditor reads what a case covers of one resident. */
  | { kind: 'case.read'; party: Name; case: Id; subject: Id; access: Id }
  | { kind: 'request.step'; party: Name; subject: Id; request: Id; step: RequestStep['step']; decision?: NonNullable<StepPart['decision']>; letter?: Hash; payment?: Payment }
  /** `credential`: id of the anchor; `status`: index in the issuer's list; `hash`: of the SD-JWT as issued. */
  | { kind: 'credential.issue'; party: Name; subject: Id; credential: Id; vct: string; status: number; hash: Hash }
  | { kind: 'credential.revoke'; party: Name; subject: Id; credential: Id; vct: string; reason: RevocationPart['reason'] }
  /** `number`: SHA-256(salt16 ‖ identity number as printed); the salt goes to the registrar beside the order and is kept nowhere. */
  | { kind: 'index.lookup'; party: Name; number: Hash; reason: string; access: Id };
export type OrderKind = Order['kind'];

export interface OrderBody {
  v: 1;
  chain: string;
  /** 16 random bytes. */
  nonce: Uint8Array;
  /** Unix seconds: when it was signed, and until when it may be carried out. */
  at: number;
  notAfter: number;
  order: Order;
}

/** An hour: an officer's order is carried out now or not at all. */
export const longestOrderSeconds = 3600;
export const orderLimitBytes = 4096;

export interface OpenedOrder {
  /** SHA-256 of the body. */
  id: Uint8Array;
  body: OrderBody;
  signer: EnvelopeSigner;
}

/** The Sig_structure of an order, below 200 bytes; its first byte is a lone signer's 0x84, its context `imi/order/1`. */
export const orderInput = (body: Uint8Array, chain: string, signer: Signer['key'], crypto: Crypto): Uint8Array =>
  sigStructure(crypto.sha256(body), 'imi/order/1', chain, signingAlg(signer), keyId(signer, crypto), false);

/** As a transaction's envelope: an array of two byte strings, the tagged COSE_Sign1 (hash envelope, RFC 9995) and the body. */
export async function signOrder(body: OrderBody, { key, sign }: Signer, crypto: Crypto): Promise<Uint8Array> {
  const bytes = encodeCbor(body);
  const signature = await sign(orderInput(bytes, body.chain, key, crypto));
  return encodeCbor([assembleCose(crypto.sha256(bytes), [{ key, signature }], crypto), bytes]);
}

/** Its form only: whose key `kid` is, whether it signed and whether it is still in time is for whoever carries it out. */
export function openOrder(signed: Uint8Array, crypto: Crypto): Result<OpenedOrder, Failure<RejectionCode>> {
  if (signed.length > orderLimitBytes) return fail('envelope-malformed', 'too large');
  const outer = decodeCbor(signed);
  if (!isSignedOrder(outer)) return fail('envelope-malformed', 'not [cose, body]');
  const [cose, bytes] = outer;
  const message = openCose(cose);
  if (!message.ok) return message;
  const { digest, signers } = message.value;
  const [signer] = signers;
  if (signer === undefined || signers.length > 1) return fail('envelope-malformed', 'an order has one signer');
  if (!equalBytes(digest, crypto.sha256(bytes))) return fail('envelope-malformed', 'payload is not the hash of the body');
  const body: unknown = decodeCbor(bytes);
  if (!orderBodyShape(body)) return fail('body-malformed', 'order');
  return ok({ id: digest, body, signer: { ...signer, input: sigStructure(digest, 'imi/order/1', body.chain, signer.alg, signer.kid, false) } });
}

const isSignedOrder = isTuple<[Uint8Array, Uint8Array]>(isBytes(1, orderLimitBytes), isBytes(1, orderLimitBytes));

const orderShapes: { [K in OrderKind]: Shape<Extract<Order, { kind: K }>> } = {
  'grant.read': isMap({ kind: isOneOf('grant.read'), party: nameShape, purpose: nameShape, subject: idShape, grant: idShape, access: idShape }),
  'case.read': isMap({ kind: isOneOf('case.read'), party: nameShape, case: idShape, subject: idShape, access: idShape }),
  'request.step': isMap({
    kind: isOneOf('request.step'),
    party: nameShape,
    subject: idShape,
    request: idShape,
    step: isOneOf('received', 'needs-more', 'decided', 'closed'),
    decision: optional(isOneOf('approved', 'refused')),
    letter: optional(hashShape),
    payment: optional(paymentShape),
  }),
  'credential.issue': isMap({
    kind: isOneOf('credential.issue'),
    party: nameShape,
    subject: idShape,
    credential: idShape,
    vct: vctShape,
    status: isInt(0, 2 ** 31),
    hash: hashShape,
  }),
  'credential.revoke': isMap({
    kind: isOneOf('credential.revoke'),
    party: nameShape,
    subject: idShape,
    credential: idShape,
    vct: vctShape,
    reason: isOneOf('replaced', 'wrong', 'ended', 'other'),
  }),
  'index.lookup': isMap({ kind: isOneOf('index.lookup'), party: nameShape, number: hashShape, reason: wordsShape, access: idShape }),
};

const isOrder: Shape<Order> = (value): value is Order => Object.values(orderShapes).some((shape) => shape(value));

const orderBodyShape: Shape<OrderBody> = isMap({
  v: isOneOf(1),
  chain: isText(/^[a-z0-9-]{1,20}$/),
  nonce: isBytes(16),
  at: timeShape,
  notAfter: timeShape,
  order: isOrder,
});
