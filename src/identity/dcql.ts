import { z } from 'zod';

/**
 * What an ask wants, as the part of DCQL (OpenID4VP 1.0 §6) that is taken here: one or more credentials of `dc+sd-jwt`, by type, each with claims of one
 * name, and `claim_sets` where some of them may be left out.
 * Refused: other formats, `multiple`, nested or repeated paths, `values`, `trusted_authorities`, `credential_sets`, and an answer without holder binding.
 */
export interface WantedCredential {
  /** The query's own name for it. */
  id: string;
  /** Any one of these types will do. */
  vcts: string[];
  claims: string[];
  /** What may be disclosed together, the verifier's dearest first. All of `claims` is the only set where the query has none. */
  sets: string[][];
}

export type DcqlQuery = z.infer<typeof querySchema>;

const idText = z.string().regex(/^[A-Za-z0-9_-]{1,60}$/);
const claimName = z.string().regex(/^[a-z][a-z0-9_]{0,59}$/i);
const vct = z.string().regex(/^[\x21-\x7e]{1,200}$/);

const querySchema = z.strictObject({
  credentials: z
    .array(
      z.strictObject({
        id: idText,
        format: z.literal('dc+sd-jwt'),
        multiple: z.literal(false).optional(),
        require_cryptographic_holder_binding: z.literal(true).optional(),
        meta: z.strictObject({ vct_values: z.array(vct).min(1).max(8) }),
        claims: z.array(z.strictObject({ id: idText.optional(), path: z.tuple([claimName]) })).min(1).max(64),
        claim_sets: z.array(z.array(idText).min(1)).min(1).max(32).optional(),
      }),
    )
    .min(1)
    .max(8),
});

/** What is refused, in the words of DCQL; `credentials.0.claims.2.path` and the like. */
export type DcqlProblem = { problem: string };

export function readDcql(query: unknown): WantedCredential[] | DcqlProblem {
  const read = querySchema.safeParse(query);
  if (!read.success) {
    const [issue] = read.error.issues;
    return { problem: [...(issue?.path ?? []), ...(issue?.code === 'unrecognized_keys' ? issue.keys : [])].join('.').slice(0, 100) };
  }
  const { credentials } = read.data;
  if (new Set(credentials.map(({ id }) => id)).size !== credentials.length) return { problem: 'credentials.id' };
  const wanted: WantedCredential[] = [];
  for (const [index, { id, meta, claims, claim_sets: sets }] of credentials.entries()) {
    const names = claims.map(({ path: [name] }) => name);
    if (new Set(names).size !== names.length) return { problem: `credentials.${index}.claims.path` };
    const nameOf = new Map(claims.flatMap(({ id: claimId, path: [name] }) => (claimId === undefined ? [] : [[claimId, name] as const])));
    const named = (sets ?? [[]]).map((set) => set.map((claimId) => nameOf.get(claimId)));
    if (sets !== undefined && (nameOf.size !== claims.length || named.some((set) => set.includes(undefined) || new Set(set).size !== set.length))) {
      return { problem: `credentials.${index}.claim_sets` };
    }
    wanted.push({ id, vcts: meta.vct_values, claims: names, sets: sets === undefined ? [names] : named.map((set) => set.filter((name) => name !== undefined)) });
  }
  return wanted;
}

export interface WantedClaims {
  id: string;
  vcts: readonly string[];
  claims: readonly { claim: string; optional: boolean }[];
}

/** All of them optional would be 16 sets; beyond that an ask says less clearly what it wants. */
export const mostOptionalClaims = 4;

/** Each optional claim may be left out without the others: `claim_sets` names every combination, the fullest first. */
export function writeDcql(wanted: readonly WantedClaims[]): DcqlQuery {
  return {
    credentials: wanted.map(({ id, vcts, claims }) => {
      const optional = claims.filter((one) => one.optional).map(({ claim }) => claim);
      if (optional.length > mostOptionalClaims) throw new RangeError(`at most ${mostOptionalClaims} claims of a credential are optional`);
      const leftOut = subsetsOf(optional).toSorted((a, b) => a.length - b.length);
      const sets = leftOut.map((without) => claims.filter(({ claim }) => !without.includes(claim)).map(({ claim }) => claim)).filter((set) => set.length > 0);
      return {
        id,
        format: 'dc+sd-jwt',
        meta: { vct_values: [...vcts] },
        claims: claims.map(({ claim }) => ({ ...(optional.length > 0 ? { id: claim } : {}), path: [claim] })),
        ...(optional.length > 0 ? { claim_sets: sets } : {}),
      };
    }),
  };
}

function subsetsOf(names: readonly string[]): string[][] {
  const [first, ...rest] = names;
  if (first === undefined) return [[]];
  return subsetsOf(rest).flatMap((subset) => [subset, [first, ...subset]]);
}

/** What a resident cannot leave out: it is in every set. */
export const isRequired = (wanted: WantedCredential, claim: string): boolean => wanted.sets.every((set) => set.includes(claim));

/** The fullest set that has nothing in it but what was allowed. null: what was allowed is not enough. */
export function setWithin(wanted: WantedCredential, allowed: readonly string[]): string[] | null {
  return setsWithin(wanted, allowed).toSorted((a, b) => b.length - a.length)[0] ?? null;
}

/** The smallest such set: what cannot be kept back at all. */
export function leastSet(wanted: WantedCredential, allowed: readonly string[]): string[] | null {
  return setsWithin(wanted, allowed).toSorted((a, b) => a.length - b.length)[0] ?? null;
}

const setsWithin = (wanted: WantedCredential, allowed: readonly string[]): string[][] => wanted.sets.filter((set) => set.every((claim) => allowed.includes(claim)));

/** true: exactly one of the sets, in any order. */
export const isOneOfSets = (wanted: WantedCredential, claims: readonly string[]): boolean =>
  wanted.sets.some((set) => set.length === claims.length && set.every((claim) => claims.includes(claim)));
