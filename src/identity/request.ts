import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Payload } from '../contract/hub-door.ts';
import { ok, fail, type Result } from '../contract/result.ts';
import type { Service } from '../contract/service.ts';
import type { Act, GrantGive, Hash, Id, OpenedPart, RequestPart, RequestSubmit } from '../ledger/verify/acts.ts';
import { decodeCbor, encodeCbor } from '../ledger/verify/cbor.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { commitPart, encodeOpenedPart } from '../ledger/verify/private-part.ts';
import { hashOf, sealGrant } from './grant.ts';
import type { OpenFailure, Opener } from './hpke.ts';
import { openSealed, sealTo } from './sealing.ts';
import { sealSelfClaims, type Answers, type SelfClaims } from './self-claims.ts';

/** What a request is made of, before anything is sealed. */
export interface RequestDraft {
  resident: Id;
  /** The grant's id, to which the presentations are bound already. */
  grant: Id;
  request: Id;
  service: Service;
  /** Hash of the service file's bytes, as on the ledger. */
  definition: Hash;
  /** The claims that the resident allows; a subset of the service's. */
  claims: string[];
  /** One SD-JWT+KB per issuer. */
  presentations: string[];
  answers: Answers;
  /** The new map of typed facts, or null when nothing lasting was typed. */
  self: SelfClaims | null;
  /** Unix seconds. */
  now: number;
  until: number;
  reads: number;
  jurisdiction: string;
}

/** Raw X25519 keys, from the ledger's records. */
export interface SealKeys {
  space: Uint8Array;
  agency: Uint8Array;
  keeper: Uint8Array;
}

export interface PreparedRequest {
  /** The acts of the body, in this order. */
  acts: [GrantGive, RequestSubmit];
  /** Salts and private parts of the acts, for the receipt. */
  parts: [OpenedPart, OpenedPart];
  payloads: Payload[];
}

/** Seals everything that goes along with one request and makes the two acts that the resident signs. */
export function prepareRequest(draft: RequestDraft, keys: SealKeys, crypto: Crypto): PreparedRequest {
  const { resident, service } = draft;
  const grant = sealGrant(
    {
      id: draft.grant,
      agency: service.agency,
      purpose: service.purpose.id,
      service: service.id,
      claims: draft.claims,
      given: draft.now,
      until: draft.until,
      jurisdiction: draft.jurisdiction,
    },
    draft.presentations,
    keys.agency,
    keys.keeper,
  );
  const answers = sealAnswers(keys.agency, draft.request, draft.answers);
  const self = draft.self === null ? null : sealSelfClaims(keys.space, resident, draft.self);
  const requestPart: RequestPart = {
    kind: 'request.submit',
    agency: service.agency,
    service: service.id,
    version: service.version,
    definition: draft.definition,
    answers: hashOf(answers),
    ...(self === null ? {} : { self: hashOf(self) }),
  };
  const parts: [OpenedPart, OpenedPart] = [
    { salt: new Uint8Array(randomBytes(16)), part: grant.part },
    { salt: new Uint8Array(randomBytes(16)), part: requestPart },
  ];
  return {
    acts: [
      { kind: 'grant.give', subject: resident, id: draft.grant, until: draft.until, reads: draft.reads, private: commitPart(parts[0].salt, parts[0].part, crypto) },
      { kind: 'request.submit', subject: resident, id: draft.request, refs: [draft.grant], private: commitPart(parts[1].salt, parts[1].part, crypto) },
    ],
    parts,
    payloads: [
      ...parts.flatMap((opened, act) => sealPart(opened, act, resident, keys)),
      { act: 0, what: 'grant', to: 'keeper', sealed: grant.sealed },
      { act: 1, what: 'answers', to: 'agency', sealed: answers },
      ...(self === null ? [] : [{ act: 1, what: 'self', to: 'space', sealed: self } as const]),
    ],
  };
}

/** Several requests in one body, all or none: the acts of each follow those of the one before. */
export function bundleRequests(prepared: readonly PreparedRequest[]): Pick<PreparedRequest, 'payloads'> & { acts: Act[]; parts: OpenedPart[] } {
  return {
    acts: prepared.flatMap(({ acts }) => acts),
    parts: prepared.flatMap(({ parts }) => parts),
    payloads: prepared.flatMap(({ payloads }, index) => payloads.map((payload) => ({ ...payload, act: payload.act + 2 * index }))),
  };
}

/** A private part with its salt, sealed to each who may read it; where it concerns no agency, to space and keeper. */
export function sealPart(opened: OpenedPart, act: number, resident: Id, keys: Omit<SealKeys, 'agency'> & Partial<SealKeys>): Payload[] {
  const encoded = encodeOpenedPart(opened);
  return (['space', 'keeper', 'agency'] as const).flatMap((to) => {
    const key = keys[to];
    return key === undefined ? [] : [{ act, what: 'part' as const, to, sealed: sealTo(key, 'part', resident, encoded) }];
  });
}

export const sealAnswers = (agencySealKey: Uint8Array, request: Id, answers: Answers): Uint8Array =>
  sealTo(agencySealKey, 'answers', request, encodeCbor({ v: 1, answers: { ...answers } }));

const answersSchema = z.strictObject({ v: z.literal(1), answers: z.record(z.string(), z.string()) });

export async function openAnswers(sealed: Uint8Array, request: Id, agency: Opener): Promise<Result<Answers, OpenFailure>> {
  const opened = await openSealed(sealed, 'answers', request, agency);
  if (!opened.ok) return opened;
  const read = answersSchema.safeParse(decodeCbor(opened.value));
  return read.success ? ok(read.data.answers) : fail('seal-broken', 'answers');
}
